"""Why a rule ran for an order, or did not, for any order of the past."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import sales
from tests.e2e.sales import line, session
from tests.e2e.shop import SHOP, Shop, eventually, opened

RULES = (
    SHOP
    + """
connections: {orders: {type: spreadsheet, file: orders.csv}}
rules:
  - name: Row
    when: order paid
    do: [{spreadsheet.add_row: {columns: {Order: "{{ order.id }}"}}}]
  - name: Big
    when: order paid
    if: {order.total: over 1000 EUR}
    do: [{spreadsheet.add_row: {columns: {Order: "{{ order.id }}"}}}]
  - name: Mugs
    when: order paid
    for_each: order.items
    if: {item.sku: MUG-01}
    do: [{spreadsheet.add_row: {columns: {Order: "{{ order.id }}"}}}]
  - name: Failed
    when: payment failed
    do: [{spreadsheet.add_row: {columns: {Order: "{{ order.id }}"}}}]
  - name: "Off"
    when: order paid
    enabled: no
    do: [{spreadsheet.add_row: {columns: {Order: "{{ order.id }}"}}}]
  - name: First order of a buyer
    when: order paid
    once_per: customer.email
    do: [{spreadsheet.add_row: {columns: {Order: "{{ order.id }}"}}}]
  - name: Held
    when: order paid
    do: [{slack.message: {channel: "#orders", text: Sold}}]
"""
)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with opened(tmp_path, RULES) as found:
        found.serve()
        yield found


def why(shop: Shop, order: str, rule: str) -> Any:
    (answer,) = shop.listed("explain", order, "--rule", rule)
    return answer


def because(shop: Shop, order: str, rule: str) -> str:
    answer = why(shop, order, rule)
    return str(answer["because"] or answer["events"][0]["because"])


def test_each_rule_has_its_reason(shop: Shop) -> None:
    first, second = shop.sell(session(line("POSTER"))), shop.sell(session(line("POSTER")))
    eventually("both are done", lambda: len(shop.row_of(first)) == 2 and len(shop.row_of(second)) == 1)
    assert why(shop, first, "Row")["ran"]
    assert [d["id"] for d in shop.deliveries(first) if d["rule"] == "Row"] == why(shop, first, "Row")["deliveries"]
    assert because(shop, first, "Big") == "Its conditions are not met."
    (condition,) = why(shop, first, "Big")["events"][0]["conditions"]
    assert (condition["text"], condition["met"]) == ("order.total: over 1000 EUR", False)
    assert "24.50" in condition["was"]
    (item,) = why(shop, first, "Mugs")["events"][0]["conditions"]
    assert (item["met"], item["was"]) == (False, "POSTER")
    assert because(shop, first, "Failed") == "It starts with “payment failed”. This order had: order paid."
    assert because(shop, first, "off") == "It is switched off."
    assert "once per customer.email" in because(shop, second, "First order of a buyer")
    assert "slack" in because(shop, first, "Held")
    told = shop.hub("explain", first).out
    assert "✓ Row" in told
    assert "✗ order.total: over 1000 EUR   (was EUR 24.50)" in told


def test_a_rule_that_was_written_later_says_how_to_run_it(shop: Shop) -> None:
    order = shop.sell(session(line("POSTER")))
    eventually("it is done", lambda: shop.row_of(order))
    shop.rules(
        RULES + "  - name: Later\n    when: order paid\n    do: [{spreadsheet.add_row: {columns: {Order: L}}}]\n"
    )
    assert "hub replay" in because(shop, order, "Later")


def test_an_order_from_before_the_first_start_and_an_unknown_one(shop: Shop) -> None:
    earlier = int(time.time()) - 7200
    obj = session(line("POSTER"), created=earlier)
    assert shop.send(sales.event(obj, created=earlier)).status == 200
    eventually("it is an order", lambda: shop.hub("order", obj["id"]).code == 0)
    eventually("it is planned", lambda: "before the hub's first start" in because(shop, obj["id"], "Row"))
    unknown = shop.hub("explain", "cs_nowhere")
    assert (unknown.code, "There is no order cs_nowhere" in unknown.err) == (1, True)
