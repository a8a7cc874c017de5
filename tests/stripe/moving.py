"""A hub and a fake Stripe on one clock that tests move: threads, HTTP and files are real, only time is not."""

from __future__ import annotations

import csv
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from hub.app import Hub, Worker, open_hub
from hub.clock import ManualClock
from hub.engine.intake import Intake
from hub.settings import Environment, read_settings
from hub.store import stock
from hub.store.database import Connection
from hub.testing.stripe import FakeStripe
from hub.web.metrics import Metrics
from hub.web.site import Site
from hub.web.webhook import Webhook
from tests.e2e.shop import HUB, Finished, eventually, free_port
from tests.integration.conftest import serving

#: The time at which tests begin unless they say otherwise: 2026-11-01.
START = 1_793_491_200_000
#: One statement: counts that are taken one after the other miss what moves on between them.
_OPEN = """
    SELECT (SELECT count(*) FROM plannings WHERE due_at <= :now)
         + (SELECT count(*) FROM plannings WHERE due_at IS NOT NULL AND note LIKE 'Asking Stripe%')
         + (SELECT count(*) FROM deliveries WHERE state = 'running')
         + (SELECT count(*) FROM deliveries WHERE state IN ('ready', 'waiting') AND due_at <= :now)
         + (SELECT count(*) FROM chores WHERE due_at <= :now)
"""


class MovingShop:
    """``up`` and ``down`` start and end the hub; ``pass_time`` moves the clock for both sides; ``settle`` waits.

    ``folder`` holds ``rules.yaml`` and ``var/``, as a shop's folder does.
    """

    def __init__(self, folder: Path, rules: str, settings: Mapping[str, str] | None = None, start: int = START) -> None:
        self.folder = folder
        self.clock = ManualClock(start)
        self.stripe = FakeStripe(self.clock)
        self.port = free_port()
        (folder / "rules.yaml").write_text(rules)
        self.endpoint = self.stripe.add_endpoint(f"http://127.0.0.1:{self.port}/webhooks/stripe")
        self.settings = {
            "HUB_DATABASE_URL": f"sqlite:///{folder}/var/hub.db",
            "HUB_RULES": str(folder / "rules.yaml"),
            "HUB_DATA_DIR": str(folder / "var"),
            "HUB_PORT": str(self.port),
            "STRIPE_API_BASE": self.stripe.url,
            "STRIPE_API_KEY": self.stripe.key,
            "STRIPE_WEBHOOK_SECRET": self.endpoint.secret,
            "STRIPE_REQUESTS_PER_SECOND": "1000",  # the real time that passes is nobody's
            **(settings or {}),
        }
        self._running = ExitStack()
        self.passed = 0.0  #: seconds since the beginning
        self.hub: Hub | None = None
        self.worker: Worker | None = None

    def up(self) -> None:
        """Starts the hub: web server, planner, lanes."""
        environment = Environment(self.settings, self.folder / ".env")
        settings = read_settings(environment)
        hub = self.hub = open_hub(settings, environment, self.clock)
        self._running.callback(hub.close)
        assert hub.rulebook.load().ruleset is not None
        worker = self.worker = Worker(hub)
        self._running.callback(worker.stop)
        intake = Intake(hub.database, self.clock, worker.dispatcher.wake)
        metrics = Metrics()
        webhook = Webhook(intake, settings.webhook_secrets, self.clock, metrics)
        worker.start()
        self._running.enter_context(serving(Site(webhook, hub.database, self.clock, metrics), self.port))

    def down(self) -> None:
        """Ends the hub; webhooks find nobody until it is up again."""
        self._running.close()
        self.hub = self.worker = None

    def close(self) -> None:
        self.down()
        self.stripe.stop()

    def pass_time(self, seconds: float, step: float = 600) -> None:
        """Time passes in steps; after each, webhooks that are due go out and the hub looks for what it has to do."""
        while seconds > 0:
            self.clock.advance(min(step, seconds))
            self.passed += min(step, seconds)
            seconds -= step
            self.stripe.deliver()
            self.settle()

    def deliver(self) -> None:
        """Stripe posts all that is due, and the hub works it off."""
        self.stripe.deliver_all()
        self.settle()

    def speak_thin(self, *, beside_snapshots: bool = False) -> None:
        """From now on an event destination of the same address and secret sends thin notifications."""
        endpoint = self.endpoint
        if not beside_snapshots:
            endpoint.enabled = False
        self.stripe.add_endpoint(endpoint.url, ["v1.*"], thin=True, secret=endpoint.secret)

    def settle(self, seconds: float = 120) -> None:
        """Waits until nothing is due by the clock: what waits for later, or for a person, may stay."""
        if self.worker is not None:
            self.worker.dispatcher.wake()
            eventually("nothing is due", lambda: not self.count(_OPEN), seconds)

    def command(self, *arguments: str) -> Finished:
        """A command of ``hub``, run as a process in the shop's folder, on the machine's clock."""
        done = subprocess.run(
            [HUB, *arguments],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), **self.settings},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return Finished(done.returncode, done.stdout, done.stderr)

    def count(self, statement: str) -> int:
        """The number that a query of the hub's database gives; ``:now`` is the clock's."""
        return int(self.query(statement)[0][0])

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        assert self.hub is not None
        values = {"now": self.clock.now()} if ":now" in statement else {}

        def read(connection: Connection) -> list[tuple[Any, ...]]:
            return [tuple(row) for row in connection.execute(sa.text(statement), values)]

        return self.hub.database.read(read)

    def rows(self, file: str = "orders.csv") -> list[dict[str, str]]:
        path = self.folder / "var" / file
        if not path.exists():
            return []
        with path.open(newline="", encoding="utf-8") as stream:
            return list(csv.DictReader(stream))

    def rows_of(self, identity: str, file: str = "orders.csv") -> list[dict[str, str]]:
        return [row for row in self.rows(file) if row["Order"] == identity]

    def stock(self) -> dict[str, int]:
        """What is on hand, by SKU."""
        return dict(self.query("SELECT sku, on_hand FROM stock_items"))

    def set_stock(self, counts: Mapping[str, int]) -> None:
        assert self.hub is not None
        self.hub.database.write(lambda connection: stock.set_on_hand(connection, counts, now=self.clock.now())).result()


@contextmanager
def moving(folder: Path, rules: str, start: int = START, **settings: str) -> Iterator[MovingShop]:
    """A shop whose hub is up."""
    shop = MovingShop(folder, rules, settings, start)
    try:
        shop.up()
        yield shop
    finally:
        shop.close()
