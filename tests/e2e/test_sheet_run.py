"""Very many orders into one Google sheet that keeps its quota, while calls fail in every way and the hub is killed.

With HUB_FULL_RUNS=1 there are 10,000 orders and ten kills, else 1,000 and three.
"""

from __future__ import annotations

import http.client
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from hub.testing.faults import Fault
from hub.testing.google_book import Book
from hub.testing.google_calls import Call
from hub.testing.google_sheets import GoogleSheets
from tests.e2e import sales
from tests.e2e.sales import session
from tests.e2e.shop import SHOP, Shop, eventually, opened
from tests.e2e.test_kills import kill

FULL = bool(os.environ.get("HUB_FULL_RUNS"))
ORDERS, KILLS = (10_000, 10) if FULL else (1_000, 3)
FAULTS = (Fault.TOO_MANY, Fault.BEFORE, Fault.AFTER, Fault.DROP, Fault.HANG)
RULES = """
connections:
  google: {type: google_sheets, spreadsheet: BOOK, credentials: "${GOOGLE_KEY}", base_url: "BASE", timeout: 1 second}
rules:
  - name: Row
    when: order paid
    do:
      - google_sheets.add_row:
          sheet: Orders
          columns: {Order: "{{ order.id }}", Total: "{{ order.total }}"}
"""


def rules(google: GoogleSheets, book: Book) -> str:
    return SHOP + RULES.replace("BOOK", book.id).replace("BASE", google.url)


def failing(seed: int) -> Callable[[Call], Fault]:
    """One call in twenty meets each of the faults."""
    luck = random.Random(seed)

    def plan(_call: Call) -> Fault:
        at = luck.random() * 20
        return FAULTS[int(at)] if at < len(FAULTS) else Fault.NONE

    return plan


def sell(shop: Shop, event: sales.Json) -> None:
    """Posts an event until the hub has taken it, as Stripe would."""
    while True:
        try:
            assert sales.send(shop.webhooks, event).status == 200
        except (OSError, http.client.HTTPException):
            time.sleep(0.05)  # the hub is down: the next try comes a little later
        else:
            return


def written(book: Book) -> list[object]:
    """The first column below the header."""
    return [row[0] for row in book.rows("Orders")[1:]]


def enough(posts: Sequence[Future[None]], wanted: int) -> bool:
    return sum(one.done() for one in posts) >= wanted


@pytest.mark.timeout(400)
def test_every_order_has_its_row_once_whatever_fails(tmp_path: Path) -> None:
    events = [sales.event(session()) for _ in range(ORDERS)]
    with GoogleSheets() as google:
        book = google.new_book()
        book.add_tab("Orders")
        with opened(tmp_path, rules(google, book), GOOGLE_KEY=google.service_account()) as shop:
            process = shop.serve()
            google.plan = failing(7)
            began = time.monotonic()
            with ThreadPoolExecutor(16) as pool:
                posts = [pool.submit(sell, shop, event) for event in events]
                for number in range(KILLS):
                    share = (number + 1) * ORDERS // (KILLS + 1)
                    eventually(f"{share} are posted", partial(enough, posts, share), 120)
                    kill(process)
                    process = shop.serve()
                for post in posts:
                    post.result()
            eventually("every row is there", lambda: len(written(book)) >= ORDERS, 200)
            took = time.monotonic() - began
            google.plan = lambda _call: Fault.NONE
            shop.settle(60)
        rows = Counter(written(book))
        assert rows == Counter(event["data"]["object"]["id"] for event in events)
        answers = Counter(one.status for one in google.exchanges)
        writes = sum(one.call.writes for one in google.exchanges)
        print(
            f"{ORDERS} orders, {KILLS} kills: {took:.0f} s, {writes} writes of {sum(answers.values())} calls, {answers}"
        )


@pytest.mark.timeout(300)
def test_the_size_of_the_sheet_costs_no_memory(tmp_path: Path) -> None:
    """The highest memory of a hub beside a sheet with very many rows, and of one beside an empty sheet."""
    highest = {}
    for count in (0, 100_000 if FULL else 20_000):
        folder = tmp_path / str(count)
        folder.mkdir()
        with GoogleSheets() as google:
            book = google.new_book()
            tab = book.add_tab("Orders", ["Order", "Total"])
            tab.row_count += count
            for number in range(1, count + 1):
                tab.put(number, 0, f"old {number}")
            with opened(folder, rules(google, book), GOOGLE_KEY=google.service_account()) as shop:
                process = shop.serve()
                for _ in range(50):
                    sell(shop, sales.event(session()))
                shop.settle(60)
                status = Path(f"/proc/{process.pid}/status").read_text()
                highest[count] = int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
            assert len(written(book)) == count + 50
    empty, full = highest.values()
    print(f"highest memory: {empty / 1024:.0f} MB beside an empty sheet, {full / 1024:.0f} MB beside a long one")
    assert full < empty * 1.15
