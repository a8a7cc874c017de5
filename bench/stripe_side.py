"""What is measured against the fake Stripe: a burst, the success page, and a whole day."""

from __future__ import annotations

import statistics
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from hub.testing.stripe import FakeStripe
from tests.e2e.shop import SHOP, Shop, eventually, opened
from tests.stripe import day

_ITEMS_ROW = (
    SHOP
    + """
connections:
  orders: {type: spreadsheet, file: orders.csv}
rules:
  - name: Row with items
    when: order paid
    do:
      - spreadsheet.add_row:
          connection: orders
          columns: {Order: "{{ order.id }}", SKUs: "{{ order.skus | join(' ') }}"}
"""
)


def burst(sales: int = 1000, refused: int = 25) -> None:
    """Many sales at once whose rules need line items; Stripe takes 25 requests a second and refuses some besides."""
    with FakeStripe() as stripe, _shop(stripe) as shop:
        stripe.office.paused = True
        sold = [stripe.sell()["id"] for _ in range(sales)]
        stripe.gate.per_second = 25
        stripe.fail(*[429] * refused, on="/line_items")
        began = time.perf_counter()
        stripe.office.paused = False
        eventually("Stripe has told everything", lambda: len(stripe.posted) >= sales, 120)
        told = time.perf_counter() - began
        eventually("every order has its row", lambda: len(shop.rows()) >= sales, 600)
        took = time.perf_counter() - began
        asked = stripe.asked("/line_items")
        seconds = Counter(int(call.at) for call in asked)
        answers = Counter(call.status for call in asked)
        acknowledged = sorted(one.seconds * 1000 for one in stripe.posted)
        rows = Counter(row["Order"] for row in shop.rows())
        print(f"burst of {sales} sales, told in {told:.1f} s, all done in {took:.1f} s")
        print(f"  rows, once each       {len(rows)} of {sales}: {set(rows) == set(sold) and set(rows.values()) == {1}}")
        print(f"  requests in a second  at most {max(seconds.values())}   (wanted: 25)")
        print(f"  429 answered          {answers[429]}, of which asked for {refused}")
        print(f"  acknowledged, ms      p99 {_percentile(acknowledged, 0.99):.0f}   (wanted: under 100)")


def thanks(visitors: int = 100, turns: int = 5) -> None:
    """The success page of a planned order, opened by many at the same time."""
    with FakeStripe() as stripe, _shop(stripe) as shop:
        times: list[float] = []
        for _ in range(turns):
            order = stripe.sell()["id"]
            eventually("the order is planned", partial(shop.row_of, order))
            with ThreadPoolExecutor(visitors) as pool:
                url = f"{shop.base}/thanks?session_id={order}"
                times += pool.map(_open, [url] * visitors)
        print(f"success page, {visitors} at the same time, {turns} turns")
        print(f"  ms                    median {statistics.median(times):.0f}, p99 {_percentile(times, 0.99):.0f}")


def a_day(sessions: int = 5000) -> None:
    """A day at a shop, against the fake's books and ``hub reconcile``."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        report = day.simulated(Path(folder), day.Day(sessions))
        print(f"a day of {sessions} sessions, simulated in {time.perf_counter() - began:.0f} s")
        print(report.in_words())


@contextmanager
def _shop(stripe: FakeStripe) -> Iterator[Shop]:
    """A hub in a process of its own that hears from the fake."""
    settings = {"STRIPE_API_KEY": stripe.key, "STRIPE_API_BASE": stripe.url}
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder), _ITEMS_ROW, **settings) as shop:
        shop.serve()
        secret = shop.settings["STRIPE_WEBHOOK_SECRET"]
        stripe.add_endpoint(shop.webhooks, ["checkout.session.completed"], secret=secret)
        yield shop


def _open(url: str) -> float:
    began = time.perf_counter()
    with urllib.request.urlopen(url, timeout=60) as answer:
        answer.read()
    return (time.perf_counter() - began) * 1000


def _percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]
