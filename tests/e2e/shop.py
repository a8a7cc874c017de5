"""A shop for a test: a folder of its own with ``rules.yaml`` and settings, and the real ``hub`` run in it."""

from __future__ import annotations

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openpyxl

from tests.e2e import sales

HUB = str(Path(sys.executable).absolute().parent / "hub")
SHOP = "shop: {name: Test shop, timezone: Europe/Berlin, currency: EUR}\n"


def eventually(what: str, is_so: Callable[[], object], seconds: float = 30) -> None:
    """Ask until it is so; the wait is bounded, and the failure says what did not happen."""
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Finished:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Shop:
    """``settings`` are the environment that the hub sees, beside the bare minimum; nothing else is inherited."""

    folder: Path
    settings: dict[str, str]
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.settings['HUB_PORT']}"

    @property
    def webhooks(self) -> str:
        return f"{self.base}/webhooks/stripe"

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LANG": "C.UTF-8", **self.settings}

    @property
    def log(self) -> str:
        """Everything that the processes wrote, on both streams."""
        return "".join(path.read_text() for path in sorted(self.folder.glob("process*.log")))

    def rules(self, text: str, name: str = "rules.yaml") -> None:
        (self.folder / name).write_text(text)

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Run a hub command in the background."""
        log = self.folder / f"process{len(self.processes):02}.log"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [HUB, *command],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
            )
        self.processes.append(process)
        return process

    def serve(self, *options: str) -> subprocess.Popen[bytes]:
        """``hub serve``, returning when it says it is ready."""
        process = self.start("serve", *options)
        eventually("the hub is ready", lambda: self.is_ready(process))
        return process

    def is_ready(self, process: subprocess.Popen[bytes]) -> bool:
        if process.poll() is not None:
            raise AssertionError(f"the hub ended with {process.returncode}:\n{self.log}")
        try:
            return sales.call("GET", f"{self.base}/health/ready", timeout=5).status == 200
        except OSError:
            return False

    def end(self) -> None:
        """End what was started here, kindly and then surely."""
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)

    def hub(self, *arguments: str, stdin: str = "") -> Finished:
        """A hub command, run to its end."""
        done = subprocess.run(
            [HUB, *arguments],
            cwd=self.folder,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Finished(done.returncode, done.stdout, done.stderr)

    def listed(self, *arguments: str) -> Any:
        """What a command lists with ``--json``."""
        done = self.hub(*arguments, "--json")
        assert done.code == 0, done
        return done.json

    def send(self, body: sales.Json) -> sales.Answer:
        return sales.send(self.webhooks, body)

    def sell(self, obj: sales.Json, type_: str = "checkout.session.completed") -> str:
        """Post an event about a session and insist on the 200; gives the session's id."""
        answer = self.send(sales.event(obj, type_))
        assert answer.status == 200, answer
        identity: str = obj["id"]
        return identity

    def deliveries(self, order: str = "") -> list[sales.Json]:
        found: list[sales.Json] = self.listed("deliveries", *(("--order", order) if order else ()))
        return found

    def states(self, order: str) -> list[str]:
        return sorted(one["state"] for one in self.deliveries(order))

    def order(self, identity: str) -> sales.Json:
        found: sales.Json = self.listed("order", identity)
        return found

    def rows(self, file: str = "orders.csv") -> list[dict[str, str]]:
        path = self.folder / "var" / file
        if not path.exists():
            return []
        if path.suffix == ".xlsx":
            return sheet_rows(path)
        with path.open(newline="", encoding="utf-8") as stream:
            return list(csv.DictReader(stream))

    def row_of(self, identity: str, file: str = "orders.csv") -> list[dict[str, str]]:
        return [row for row in self.rows(file) if row["Order"] == identity]

    def stock(self) -> dict[str, int]:
        return {one["sku"]: one["on_hand"] for one in self.listed("stock")}

    def settle(self, seconds: float = 60) -> None:
        """Wait until nothing is due: every event planned, every delivery in a final state or in a person's hands."""
        final = {"succeeded", "skipped", "unknown", "dead", "cancelled", "rehearsed"}
        eventually("all events are planned", lambda: not any(e["waiting"] for e in self.listed("events")), seconds)
        eventually("all deliveries are final", lambda: {d["state"] for d in self.deliveries()} <= final, seconds)


def sheet_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a workbook's first tab by its header, every cell as text."""
    book = openpyxl.load_workbook(path, read_only=True)
    try:
        header, *rows = book.worksheets[0].iter_rows(values_only=True)
        return [{str(name): str(cell) for name, cell in zip(header, row, strict=True)} for row in rows]
    finally:
        book.close()


@contextmanager
def opened(folder: Path, rules: str, **settings: str) -> Iterator[Shop]:
    """A shop with a signing secret and a port of its own; every process it starts ends with it."""
    folder.mkdir(parents=True, exist_ok=True)
    secrets = {"STRIPE_WEBHOOK_SECRET": sales.SECRET, "SLACK_TOKEN": "xoxb-e2e-0815"}
    shop = Shop(folder, {"HUB_PORT": str(free_port()), "STRIPE_POLL_SECONDS": "0", **secrets, **settings})
    shop.rules(rules)
    try:
        yield shop
    finally:
        shop.end()
