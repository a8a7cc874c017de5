"""The console over a large database: how long every page and search takes, median and p99.

``python -m bench console`` makes a million orders in SQLite (minutes, gigabytes), kept if BENCH_DIR names a folder.
``BENCH_DATABASE_URL=postgresql://…`` measures there; ``BENCH_ORDERS`` is another number of orders.
"""

from __future__ import annotations

import http.client
import itertools
import os
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, urlencode

from bench import console_data as data
from bench import load
from bench.hubs import SECRET, RunningHub, running_hub

_TIMES = 100
#: Webhooks a second, far more than a shop of a million orders a year has; turns with and without console.
_RATE, _TURNS = 100, 3
_WANTED_MEDIAN, _WANTED_P99 = 150, 400


class _Visitor:
    """Somebody who has signed in."""

    def __init__(self, port: int, token: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        self._connection.request("POST", "/sign-in", urlencode({"token": token}), form)
        answer = self._connection.getresponse()
        answer.read()
        cookies = answer.msg.get_all("Set-Cookie") or []
        self._cookie = next(one.partition(";")[0] for one in cookies if one.startswith("hub_session="))

    def get(self, path: str) -> float:
        """Milliseconds until the whole page is there."""
        began = time.perf_counter()
        self._connection.request("GET", path, headers={"Cookie": self._cookie})
        answer = self._connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path} was answered {answer.status}")
        return (time.perf_counter() - began) * 1000


def main() -> None:
    """Fills the database if need be, and times."""
    count = int(os.environ.get("BENCH_ORDERS", "1000000"))
    with tempfile.TemporaryDirectory(prefix="hub-bench-") as folder:
        place = Path(os.environ.get("BENCH_DIR", folder)) / f"console-{count}.db"
        url = os.environ.get("BENCH_DATABASE_URL") or f"sqlite:///{place}"
        data.fill(url, count)
        with running_hub("version: 1\nshop: {currency: EUR}\nrules: []\n", "--no-dispatch", database=url) as hub:
            visitor = _Visitor(hub.port, hub.sign_in_token())
            _measure(visitor, count)
            _beside(hub, visitor, count)


def _measure(visitor: _Visitor, count: int) -> None:
    chance = random.Random(2)
    print(f"{count} orders: milliseconds, median and p99 of {_TIMES} (wanted: {_WANTED_MEDIAN} and {_WANTED_P99})")
    for name, path in _pages(chance, count).items():
        times = [visitor.get(path()) for _ in range(_TIMES)]
        median, p99 = statistics.median(times), sorted(times)[-2]
        missed = "" if median < _WANTED_MEDIAN and p99 < _WANTED_P99 else "   ← too slow"
        print(f"  {name:34} {median:7.1f} {p99:7.1f}{missed}", flush=True)


def _beside(hub: RunningHub, visitor: _Visitor, count: int) -> None:
    """How fast webhooks are acknowledged while somebody looks at page after page without a pause, and without."""
    pages = list(_pages(random.Random(3), count).values())
    stop = threading.Event()

    def look() -> None:
        for path in itertools.cycle(pages):
            if stop.is_set():
                return
            visitor.get(path())

    alone, beside = [], []
    for turn in range(_TURNS):
        alone.append(_acknowledged(hub, f"a{turn}x"))
        stop.clear()
        thread = threading.Thread(target=look)
        thread.start()
        beside.append(_acknowledged(hub, f"b{turn}x"))
        stop.set()
        thread.join()
    for name, found in (("alone", alone), ("beside the console", beside)):
        median, p99 = (statistics.median(one) for one in zip(*found, strict=True))
        print(f"webhooks at {_RATE}/s, {name:20} acknowledged after ms: median {median:.1f}, p99 {p99:.1f}")


def _acknowledged(hub: RunningHub, prefix: str) -> tuple[float, float]:
    answers = load.send(hub.port, load.requests(_RATE * 5, SECRET, prefix=prefix), 16, _RATE)
    return answers.percentile(0.5) * 1000, answers.percentile(0.99) * 1000


def _pages(chance: random.Random, count: int) -> dict[str, Callable[[], str]]:
    """What to ask for, by its name; a path that differs from time to time where pages do."""

    def session() -> str:
        return data.session_id(chance.randrange(count))

    def search(words: Callable[[], str], **more: str) -> Callable[[], str]:
        return lambda: "/orders?" + urlencode({"q": words(), **more})

    def name() -> str:
        return f"{chance.choice(data.FIRST_NAMES)} {chance.choice(data.LAST_NAMES)}"

    pages: dict[str, Callable[[], str]] = {
        page: lambda page=page: page  # type: ignore[misc]
        for page in (
            "/",
            "/needs-you",
            "/rules",
            "/rules/edit",
            "/stock",
            "/codes",
            "/connections",
            "/events",
            "/reports",
            "/settings",
            "/account",
        )
    }
    pages["/orders"] = lambda: "/orders"
    for chip in (
        "to_ship",
        "packed",
        "shipped",
        "held",
        "paid",
        "awaiting_payment",
        "refunded",
        "disputed",
        "failed",
        "expired",
    ):
        pages[f"orders, {chip}"] = lambda chip=chip: f"/orders?show={chip}"  # type: ignore[misc]
    pages["orders, test"] = lambda: "/orders?mode=test"
    pages["orders, far down"] = lambda: f"/orders?before={data.FIRST + chance.randrange(count)}"
    pages["orders, a day"] = lambda: f"/orders?since={_day(chance)}&until={_day(chance)}"
    pages["order"] = lambda: f"/orders/{session()}"
    pages["packing slip"] = lambda: f"/orders/{session()}/slip"
    pages["search: whole name"] = search(name)
    pages["search: last name"] = search(lambda: chance.choice(data.LAST_NAMES))
    pages["search: three letters"] = search(lambda: chance.choice(data.LAST_NAMES)[:3])
    pages["search: one letter"] = search(lambda: chance.choice("abcdefghijklmnop"))
    pages["search: e-mail"] = search(lambda: f"{name().replace(' ', '.').lower()}{chance.randrange(997)}@example.com")
    pages["search: a word of all"] = search(lambda: "example")
    pages["search: nothing"] = search(lambda: "zzzz")
    pages["search: item"] = search(lambda: chance.choice(data.PRODUCTS)[0])
    pages["search: SKU"] = search(lambda: chance.choice(data.PRODUCTS)[1])
    pages["search: item and name"] = search(lambda: f"{chance.choice(data.PRODUCTS)[0]} {name()}")
    pages["search: amount"] = search(lambda: f"{chance.choice(data.PRODUCTS)[2] / 100:.2f}")
    pages["search: number"] = search(lambda: str(data.FIRST + chance.randrange(count)))
    pages["search: session"] = search(session)
    pages["search: payment"] = search(lambda: f"pi_{session()[8:]}")
    pages["search: name, disputed"] = search(lambda: chance.choice(data.FIRST_NAMES), show="disputed")
    pages["search: name, to ship"] = search(lambda: chance.choice(data.FIRST_NAMES), show="to_ship")
    pages["event"] = lambda: f"/events/evt_{data.FIRST + chance.randrange(count)}"
    pages["events about a session"] = lambda: f"/events?q={quote(session())}"
    pages["events of a type"] = lambda: "/events?q=checkout.session.completed"
    pages["events of no type"] = lambda: "/events?q=invoice.paid"
    pages["events, far down"] = lambda: f"/events?before={chance.randrange(count)}"
    return pages


def _day(chance: random.Random) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() - chance.randrange(365) * 86_400))
