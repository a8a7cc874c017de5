"""The stock of a shop on real databases: reservations, what comes back, what is not listed; in any order of events."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.connector import Moving, Permanent
from hub.store import schema, stock
from hub.store.database import open_database
from hub.store.stock import Stock
from hub.testing.events import Item, Sale
from tests.integration.shop import TestShop

OpenShop = Callable[..., TestShop]

RULES = """
rules:
  - name: Keep
    when: order placed
    for_each: order.items
    do: [{inventory.reserve: {sku: "{{ item.sku }}", by: "{{ item.quantity }}"}}]
  - name: Take
    when: order paid
    for_each: order.items
    do: [{inventory.decrease: {sku: "{{ item.sku }}", by: "{{ item.quantity }}"}}]
  - name: Give back
    when: payment failed
    for_each: order.items
    do: [{inventory.release: {sku: "{{ item.sku }}", by: "{{ item.quantity }}"}}]
"""
PLACED, PAID, FAILED = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
)


@pytest.fixture
def shop(open_shop: OpenShop) -> TestShop:
    opened = open_shop(RULES)
    count(opened, MUG=10)
    return opened


def count(shop: TestShop, **pieces: int) -> None:
    shop.hub.database.write(lambda c: stock.set_on_hand(c, pieces, now=shop.clock.now())).result()


def mug(shop: TestShop) -> tuple[int, int]:
    """On hand, reserved."""
    (item,) = shop.hub.database.read(stock.items)
    return item.on_hand, item.reserved


def mugs(quantity: int) -> Sale:
    return Sale(items=(Item("Mug", "MUG", 1000, quantity),), payment_status="unpaid")


def tell(shop: TestShop, sale: Sale, *kinds: str) -> None:
    for kind in kinds:
        shop.sell(replace(sale, payment_status="paid" if kind == PAID else "unpaid"), kind)
        shop.work()


def test_what_is_reserved_only_its_own_order_can_buy(shop: TestShop) -> None:
    first, second = mugs(8), mugs(3)
    tell(shop, first, PLACED)
    assert mug(shop) == (10, 8)
    tell(shop, second, PAID)
    assert mug(shop) == (10, 8)
    (held,) = [one for one in shop.deliveries() if one.state == "dead"]
    assert "8 of them reserved for others" in held.error
    tell(shop, first, PAID)
    assert mug(shop) == (2, 0)


@pytest.mark.parametrize("order", list(itertools.permutations([PLACED, PAID])))
def test_a_sale_leaves_no_reservation_behind_in_whatever_order_it_is_told(
    shop: TestShop, order: tuple[str, ...]
) -> None:
    tell(shop, mugs(4), *order)
    assert mug(shop) == (6, 0)


@pytest.mark.parametrize("order", list(itertools.permutations([PLACED, FAILED])))
def test_money_that_never_came_leaves_no_reservation_behind(shop: TestShop, order: tuple[str, ...]) -> None:
    tell(shop, mugs(4), *order)
    assert mug(shop) == (10, 0)


def test_too_many_are_not_reserved(shop: TestShop) -> None:
    tell(shop, mugs(11), PLACED)
    assert mug(shop) == (10, 0)
    (held,) = shop.deliveries()
    assert held.state == "dead"
    assert "11 are wanted" in held.error


BACK = """
rules:
  - name: Take
    when: order paid
    for_each: order.items
    do: [{inventory.decrease: {sku: "{{ item.sku }}", by: "{{ item.quantity }}"}}]
  - name: Back
    when: order paid
    for_each: order.items
    do: [WAIT{inventory.increase: {sku: "{{ item.sku }}", by: 9}}]
"""


@pytest.mark.parametrize("wait", ["", "{wait: 1 minute}, "])
def test_no_more_comes_back_than_was_sold_whichever_is_told_first(open_shop: OpenShop, wait: str) -> None:
    shop = open_shop(BACK.replace("WAIT", wait))
    count(shop, MUG=10)
    for _ in range(2):
        shop.sell(Sale(items=(Item("Mug", "MUG", 1000, 2),)))
        shop.work()
    shop.work(after=60)
    assert mug(shop) == (10, 0)
    assert set(shop.states()) == {"succeeded"}


SKIPPED = """
rules:
  - name: Take
    when: order paid
    for_each: order.items
    do: [{inventory.decrease: {sku: "{{ item.sku }}", by: 1, not_listed: skip, oversell: OVERSELL}}]
"""


def test_what_is_not_in_the_list_may_be_skipped_but_too_few_are_still_told(open_shop: OpenShop) -> None:
    shop = open_shop(SKIPPED.replace("OVERSELL", "hold"))
    count(shop, MUG=0)
    shop.sell(Sale(items=(Item("Course", "COURSE", 1000, 1), Item("Mug", "MUG", 1000, 1))))
    shop.work()
    assert sorted(shop.states()) == ["dead", "succeeded"]
    assert mug(shop) == (0, 0)


CREATED = """
rules:
  - name: Take
    when: order paid
    for_each: order.items
    do:
      - inventory.decrease: {sku: "{{ item.sku }}", by: "{{ item.quantity }}", not_listed: create, oversell: OVERSELL}
"""


@pytest.mark.parametrize(("oversell", "left", "state"), [("allow", -4, "succeeded"), ("hold", 0, "dead")])
def test_what_is_not_in_the_list_may_be_put_there_with_no_pieces_yet(
    open_shop: OpenShop, oversell: str, left: int, state: str
) -> None:
    shop = open_shop(CREATED.replace("OVERSELL", oversell))
    tell(shop, mugs(3), PAID)
    tell(shop, mugs(1), PAID)
    assert mug(shop) == (left, 0)
    assert shop.states() == [state, state]
    assert all("Only 0 of “MUG” are left" in error for error in shop.errors())


def test_what_is_put_into_the_list_is_not_put_there_twice(open_shop: OpenShop) -> None:
    shop = open_shop(CREATED.replace("OVERSELL", "hold"))
    count(shop, MUG=10)
    tell(shop, mugs(3), PAID)
    assert mug(shop) == (7, 0)


def test_a_refund_says_how_many_pieces_came_back(open_shop: OpenShop) -> None:
    shop = open_shop(BACK.replace("WAIT", ""))
    count(shop, MUG=10)
    shop.sell(Sale(items=(Item("Mug", "MUG", 1000, 2),)))
    shop.work()
    back = next(one for one in shop.deliveries() if one.rule == "Back")
    assert back.receipt == {"sku": "MUG", "before": 8, "left": 10, "moved": 2}, "2 of the 9 that the rule names"


# --- The ledger itself, against a plain count -----------------------------------------------------------------------


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.sampled_from(["sell", "restock", "reserve", "release"]), st.integers(1, 5), st.integers(1, 3))
    )
)
def test_the_ledger_never_sells_what_others_have_reserved_nor_takes_back_more_than_was_sold(
    moves: list[tuple[str, int, int]],
) -> None:
    folder = tempfile.TemporaryDirectory()
    database = open_database(f"sqlite:///{folder.name}/hub.db")
    schema.upgrade(database)
    try:
        database.write(lambda c: stock.set_on_hand(c, {"MUG": 10}, now=1)).result()
        for number, (kind, pieces, order) in enumerate(moves):
            _applied(database, kind, Moving(f"{number:032}", "MUG", pieces, "", order))
            (item,) = database.read(stock.items)
            rows = database.read(lambda c: stock.movements(c, "MUG"))
            assert item.on_hand == sum(row.delta for row in rows) >= item.reserved >= 0
            assert item.reserved == sum(row.reserved for row in rows)
            for one in (1, 2, 3):
                of_order = [row for row in rows if row.order_number == one]
                assert sum(row.delta for row in of_order) <= 0, "more came back than was sold"
                assert sum(row.reserved for row in of_order) >= 0
    finally:
        database.close()
        folder.cleanup()


def _applied(database: Any, kind: str, moving: Moving) -> None:
    """The movement, twice: the second time nothing happens."""
    for _ in range(2):

        def write(connection: Any) -> None:
            ledger = Stock(connection, [moving.key], 1)
            try:
                if kind == "restock":
                    ledger.restock(moving, at_most_sold=True)
                else:
                    getattr(ledger, kind)(moving)
            except Permanent:
                return
            ledger.store()

        database.write(write).result()
