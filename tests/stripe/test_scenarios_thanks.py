"""Scenarios 5 and 6 of docs/scenarios.md: what the success page tells and does, whoever asks, however often."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hub.testing.stripe import FakeStripe
from tests.e2e.peers import Sink
from tests.e2e.shop import SHOP, Shop, eventually, opened

RULES = (
    SHOP
    + """
connections: {carrier: {type: http, base_url: "PEER", allow_private: yes}}
rules:
  - name: Parcel
    when: order paid
    do: [{http.request: {url: /parcels, json: {order: "{{ order.id }}", pieces: "{{ order.item_count }}"}}}]
"""
)


@pytest.fixture
def stripe() -> Iterator[FakeStripe]:
    with FakeStripe() as fake:
        yield fake


@pytest.fixture
def shop(tmp_path: Path, sink: Sink, stripe: FakeStripe) -> Iterator[Shop]:
    live = stripe.key.replace("test", "live")
    with opened(tmp_path, RULES.replace("PEER", sink.base), STRIPE_API_KEY=live, STRIPE_API_BASE=stripe.url) as running:
        running.serve()
        yield running


def page(shop: Shop, session_id: str) -> tuple[int, str]:
    query = urllib.parse.urlencode({"session_id": session_id})
    try:
        with urllib.request.urlopen(f"{shop.base}/thanks?{query}", timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


def test_05_ids_that_prove_nothing_show_nothing_and_do_nothing(shop: Shop, sink: Sink, stripe: FakeStripe) -> None:
    stripe.connect("acct_1Bakery")
    shown = {
        "made up": page(shop, "cs_live_" + "a" * 58),
        "open": page(shop, stripe.open(livemode=True)["id"]),
        "foreign": page(shop, stripe.sell(livemode=True, account="acct_1Bakery")["id"]),
        "test mode": page(shop, stripe.sell()["id"]),
        "no id at all": page(shop, "'; DROP TABLE orders; --"),
    }
    assert len(set(shown.values())) == 1, shown
    unpaid = page(shop, stripe.sell(pay="later", livemode=True)["id"])
    for _, text in [*shown.values(), unpaid]:
        assert "ana@example.com" not in text
        assert "Harbor Street" not in text
    shop.settle()
    assert (sink.calls, [order["state"] for order in shop.listed("orders")]) == ([], ["awaiting_payment"])


def test_06_a_paid_page_reloaded_fifty_times_beside_the_webhook_fulfils_once(
    shop: Shop, sink: Sink, stripe: FakeStripe
) -> None:
    stripe.add_endpoint(shop.webhooks, livemode=True, secret=shop.settings["STRIPE_WEBHOOK_SECRET"])
    stripe.office.paused = True
    stripe.office.doubled = 1.0
    order = stripe.sell(livemode=True)["id"]
    with ThreadPoolExecutor(25) as visitors:
        visits = [visitors.submit(page, shop, order) for _ in range(50)]
        stripe.office.paused = False
        stripe.deliver()
    # Whoever asks again and again before the order is on record is slowed down.
    assert {visit.result()[0] for visit in visits} <= {200, 429}
    eventually("the parcel is ordered", lambda: sink.calls)
    shop.settle()
    assert [call.json for call in sink.calls] == [{"order": order, "pieces": 2}]
    assert "confirmed" in page(shop, order)[1]
