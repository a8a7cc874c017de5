"""``hub check --online``: Stripe's products held against the rules."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.testing.events import Item
from hub.testing.stripe import FakeStripe
from tests.e2e.shop import SHOP, Shop, opened

RULES = (
    SHOP
    + """
rules:
  - name: Mugs
    when: order paid
    for_each: order.items
    if: {item.sku: {starts_with: MUG}}
    do: [{inventory.decrease: {sku: "{{ item.sku }}", by: "{{ item.quantity }}"}}]
  - name: Posters
    when: order paid
    if: {order.skus: {contains: POSTER-A2}}
    do: [{stop: enough}]
"""
)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with FakeStripe() as stripe:
        for name, sku in (("Blue mug", "MUG-01"), ("Harbour poster", "POSTER-A2"), ("Candle", "CANDLE-S")):
            stripe.sell(Item(name, sku, 2450, 1))
        with opened(tmp_path, RULES, STRIPE_API_KEY=stripe.key, STRIPE_API_BASE=stripe.url) as found:
            yield found


def test_a_product_that_no_rule_covers_is_named(shop: Shop) -> None:
    done = shop.hub("check", "--online")
    assert (done.code, done.out.count("no rule about products matches")) == (0, 1)
    assert "“Candle” (CANDLE-S)" in done.out
    listed = shop.hub("check", "--online", "--format", "json").json
    assert [one["name"] for one in listed["uncovered"]] == ["Candle"]


def test_rules_for_whatever_is_bought_cover_everything(shop: Shop) -> None:
    shop.rules(SHOP + "rules:\n  - name: All\n    when: order paid\n    do: [{stop: enough}]\n")
    assert "no rule about products" not in shop.hub("check", "--online").out


def test_without_a_key_it_says_what_is_missing(shop: Shop) -> None:
    del shop.settings["STRIPE_API_KEY"]
    done = shop.hub("check", "--online")
    assert (done.code, "STRIPE_API_KEY" in done.err) == (2, True)
