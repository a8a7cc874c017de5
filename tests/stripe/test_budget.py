"""Requests to Stripe keep to a rate for each endpoint, however many threads ask."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from hub.checkout.enrich import StripeObjects
from hub.checkout.events import parse
from hub.model import Source
from hub.testing import events as samples
from hub.testing.stripe import FakeStripe

RECEIVED: Any = {"source": Source.WEBHOOK, "received_at": 0}


def test_no_second_has_more_requests_to_an_endpoint_than_the_rate_allows() -> None:
    with FakeStripe() as stripe, ThreadPoolExecutor(8) as pool:
        order = stripe.sell()["id"]
        reader = StripeObjects(stripe.key, stripe.url, per_second=40)
        items = [pool.submit(reader.line_items, order, "") for _ in range(60)]
        sessions = [pool.submit(reader.session, order, "") for _ in range(10)]
        assert {len(one.result()) for one in items} == {1}
        assert {one.result()["id"] for one in sessions} == {order}
        times = sorted(call.at for call in stripe.asked("/line_items"))
    # One request begins the second; the far end may see two a little closer together than they were sent.
    crowded = max(sum(start <= at < start + 1 for at in times) for start in times)
    assert crowded <= 43
    assert len(times) == 60


def test_one_endpoint_has_one_pace_whoever_asks_it() -> None:
    """The object of a thin notification, and what a rule or the success page needs, come from the same endpoints."""
    with FakeStripe() as stripe, ThreadPoolExecutor(8) as pool:
        session = stripe.sell()["id"]
        told = parse(samples.encode(samples.event("checkout.session.completed", stripe.session(session))), **RECEIVED)
        reader = StripeObjects(stripe.key, stripe.url, per_second=20)
        asked = [pool.submit(reader.session, session, "") for _ in range(20)]
        asked += [pool.submit(reader.told, told, f"/v1/checkout/sessions/{session}") for _ in range(20)]
        assert all(one.result() for one in asked)
        times = sorted(call.at for call in stripe.asked(session))
    assert len(times) == 40
    assert max(sum(start <= at < start + 1 for at in times) for start in times) <= 23
