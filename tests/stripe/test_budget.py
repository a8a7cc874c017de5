"""Requests to Stripe keep to a rate for each endpoint, however many threads ask."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from hub.checkout.enrich import StripeObjects
from hub.testing.stripe import FakeStripe


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
