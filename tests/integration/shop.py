"""A hub on a clock that tests move, worked turn by turn in the test's own thread."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hub.app import Hub, Worker, open_hub
from hub.checkout import events as reading
from hub.clock import ManualClock
from hub.model import Source
from hub.registry import BUILT_IN, Registry
from hub.settings import Environment, read_settings
from hub.store import journal, listing
from hub.store.listing import DeliveryLine
from hub.testing import events as samples
from hub.testing.events import Sale
from tests.integration.far import FAR_ENDS, FarEnd

HEAD = """
version: 1
shop: {name: Test shop, currency: EUR}
connections:
  far: {name: main}
"""


class TestShop:
    """``sell`` journals events as the webhook does; ``work`` plans and delivers all that is due."""

    __test__ = False

    def __init__(self, url: str, folder: Path, rules: str, **settings: str) -> None:
        self.clock = ManualClock()
        self.folder = folder
        FAR_ENDS.clear()
        self.far = FAR_ENDS["main"] = FarEnd()
        self.write_rules(rules)
        given = {"HUB_DATABASE_URL": url, "HUB_RULES": str(folder / "rules.yaml"), "HUB_DATA_DIR": str(folder)}
        given.setdefault("STRIPE_WEBHOOK_SECRET", "whsec_test")
        environment = Environment({**given, **settings}, folder / ".env")
        registry = Registry({**BUILT_IN, "far": "tests.integration.far"})
        self.hub: Hub = open_hub(read_settings(environment), environment, self.clock, registry)
        self.problems = self.hub.rulebook.load().problems
        self.worker = Worker(self.hub)

    def write_rules(self, rules: str) -> None:
        (self.folder / "rules.yaml").write_text(HEAD + rules)

    def reload(self, rules: str) -> None:
        """The file was saved."""
        self.write_rules(rules)
        self.problems = self.hub.rulebook.load().problems
        self.worker.reload()

    def sell(self, sale: Sale | None = None, kind: str = "checkout.session.completed", **changes: Any) -> str:
        """One event about a sale; returns the session's id."""
        sold = sale or Sale()
        self.take(samples.event(kind, samples.session(sold, **changes)))
        return sold.session_id

    def take(self, *documents: dict[str, Any]) -> None:
        """Journals events."""
        received = [
            reading.parse(samples.encode(one), source=Source.WEBHOOK, received_at=self.clock.now()) for one in documents
        ]
        self.hub.database.write(lambda c: journal.append(c, received, self.clock.now())).result()

    def work(self, after: float = 0) -> None:
        """Lets ``after`` seconds pass, then does everything that is due."""
        self.clock.advance(after)
        self.worker.dispatcher.turn()

    def deliveries(self, **filters: Any) -> Sequence[DeliveryLine]:
        found = self.hub.database.read(lambda c: listing.list_deliveries(c, **filters))
        return list(reversed(found))

    def states(self) -> list[str]:
        return [line.state for line in self.deliveries()]

    def errors(self) -> list[str]:
        return [line.error for line in self.deliveries() if line.error]

    def close(self) -> None:
        self.worker.connections.close()
        self.hub.close()
