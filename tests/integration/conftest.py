"""A web application that is really listening, on a thread of the test's own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.types import ASGIApp

from hub.clock import SystemClock
from hub.engine.intake import Intake
from hub.store.database import Database
from hub.web.api import table as api
from hub.web.console.pages import Console
from hub.web.metrics import Metrics
from hub.web.server import Server, listen
from hub.web.site import Site
from hub.web.webhook import Webhook
from tests.integration.console import Place
from tests.integration.shop import TestShop

SECRETS = ("whsec_one", "whsec_two")


@contextmanager
def serving(application: ASGIApp, port: int = 0) -> Iterator[int]:
    """Serves ``application`` at the port that is yielded: the given one, or a free one."""
    listener = listen("127.0.0.1", port)
    port = listener.getsockname()[1]
    started = threading.Event()
    server = Server(application, listener, started.set)
    thread = threading.Thread(target=server.serve_here)
    thread.start()
    assert started.wait(10)
    try:
        yield port
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def make_site(database: Database) -> Iterator[Callable[..., int]]:
    """Starts the hub's site on the database; returns its port."""
    opened = []

    def make(secrets: tuple[str, ...] = SECRETS, patience: float = 10.0) -> int:
        clock, metrics = SystemClock(), Metrics()
        intake = Intake(database, clock, lambda: None)
        webhook = Webhook(intake, secrets, clock, metrics, patience)
        context = serving(Site(webhook, database, clock, metrics))
        opened.append(context)
        return context.__enter__()

    yield make
    for context in opened:
        context.__exit__(None, None, None)


@pytest.fixture
def open_shop(database_url: str, tmp_path: Path) -> Iterator[Callable[..., TestShop]]:
    """Opens a hub on each kind of database in turn, with the given rules."""
    opened: list[TestShop] = []

    def open_one(rules: str, **settings: str) -> TestShop:
        opened.append(TestShop(database_url, tmp_path, rules, **settings))
        return opened[-1]

    yield open_one
    for shop in opened:
        shop.close()


RULES = """
rules:
  - name: Tell
    when: order paid
    do:
      - far.post: {text: "Order {{ order.number }}"}
"""


@pytest.fixture
def open_place(sqlite_url: str, tmp_path: Path) -> Iterator[Callable[..., Place]]:
    """Opens a hub with a console that answers, on SQLite."""
    yield from places(lambda rules, **settings: TestShop(sqlite_url, tmp_path, rules, **settings))


@pytest.fixture
def open_place_on_each(database_url: str, tmp_path: Path) -> Iterator[Callable[..., Place]]:
    """The same on each kind of database in turn: for what is asked of the database in its own words."""
    yield from places(lambda rules, **settings: TestShop(database_url, tmp_path, rules, **settings))


def places(open_shop: Callable[..., TestShop]) -> Iterator[Callable[..., Place]]:
    opened = []

    def open_one(rules: str = RULES, **settings: str) -> Place:
        shop = open_shop(rules, **settings)
        metrics, placed = Metrics(), list[str]()
        console = Console(shop.hub, metrics, lambda: None, lambda: placed.append("one"))
        webhook = Webhook(Intake(shop.hub.database, shop.clock, lambda: None), ["whsec_test"], SystemClock(), metrics)
        context = serving(
            Site(webhook, shop.hub.database, shop.clock, metrics, [*console.routes, api.mounted(console.desk)])
        )
        opened.append((shop, console, context))
        return Place(shop, console, context.__enter__(), placed)

    yield open_one
    for shop, console, context in opened:
        console.close()
        context.__exit__(None, None, None)
        shop.close()


@pytest.fixture
def place(open_place: Callable[..., Place]) -> Place:
    """A console over a shop with one rule."""
    return open_place()
