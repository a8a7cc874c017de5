"""``hub doctor``: each thing that is not well has its fix; a hub that is well says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.testing.stripe import FakeStripe
from tests.e2e.sales import session
from tests.e2e.shop import SHOP, Shop, eventually, opened

RULES = (
    SHOP
    + """
connections: {orders: {type: spreadsheet, file: orders.csv}}
rules:
  - name: Row
    when: order paid
    do: [{spreadsheet.add_row: {columns: {Order: "{{ order.id }}"}}}]
"""
)


@pytest.fixture
def stripe() -> Iterator[FakeStripe]:
    with FakeStripe() as running:
        yield running


@pytest.fixture
def shop(tmp_path: Path, stripe: FakeStripe) -> Iterator[Shop]:
    settings = {"STRIPE_API_KEY": stripe.key, "STRIPE_API_BASE": stripe.url, "STRIPE_POLL_SECONDS": "0"}
    with opened(tmp_path, RULES, **settings) as found:
        yield found


def unwell(shop: Shop) -> dict[str, Any]:
    """What is not well, by its name."""
    return {one["what"]: one for one in shop.hub("doctor", "--json").json if not one["ok"]}


def test_a_hub_that_is_well_says_so(shop: Shop) -> None:
    done = shop.hub("doctor")
    assert (done.code, "✗" in done.out) == (0, False)
    for name in ("Signing secret", "Stripe, Checkout Sessions", "Stripe, Events", "Rules", "Connection “orders”"):
        assert f"✓ {name}" in done.out


def test_what_the_key_may_not_read_is_named(shop: Shop, stripe: FakeStripe) -> None:
    stripe.fail(403, on="/v1/events")
    (only,) = unwell(shop).values()
    assert only["what"] == "Stripe, Events"
    assert "403" in only["said"]
    assert only["remedy"]


def test_missing_settings_broken_rules_and_missing_connections_have_their_fix(shop: Shop) -> None:
    del shop.settings["STRIPE_API_KEY"]
    shop.settings["HUB_PROT"] = "1"
    shop.rules(RULES + "  - name: Chat\n    when: order paid\n    do: [{slack.message: {channel: '#a', text: x}}]\n")
    found = unwell(shop)
    assert found.keys() == {"Settings", "API key", "Rule “Chat”"}
    assert "HUB_PORT" in found["Settings"]["said"]
    assert "slack" in found["Rule “Chat”"]["remedy"]
    shop.rules("rules: [")
    assert unwell(shop)["Rules"]["remedy"].startswith("hub check")
    assert shop.hub("doctor").code == 1


def test_test_purchases_at_a_live_hub_are_kept_apart_and_counted(shop: Shop, stripe: FakeStripe) -> None:
    shop.settings["STRIPE_API_KEY"] = stripe.key.replace("test", "live")
    shop.serve()
    tested, sold = shop.sell(session()), shop.sell(session(livemode=True))
    eventually("the live sale has its row", lambda: shop.row_of(sold))
    shop.settle()
    assert shop.row_of(tested) == []
    assert [one["id"] for one in shop.listed("orders", "--mode", "test")] == [tested]
    assert [one["id"] for one in shop.listed("orders", "--mode", "live")] == [sold]
    assert "paid (test)" in shop.hub("orders").out
    assert "✓ Test purchases: 1, kept apart" in shop.hub("doctor").out


def test_what_waits_for_a_person_is_counted(shop: Shop) -> None:
    shop.rules(
        RULES.replace(
            'spreadsheet.add_row: {columns: {Order: "{{ order.id }}"}}', "inventory.decrease: {sku: X, by: 1}"
        )
    )
    shop.serve()
    shop.sell(session())
    eventually("it is a dead letter", lambda: [d["state"] for d in shop.deliveries()] == ["dead"])
    assert "hub retry --all-dead" in unwell(shop)["Deliveries dead"]["remedy"]
