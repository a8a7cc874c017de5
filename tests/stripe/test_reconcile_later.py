"""Reconciliation also holds refunds and renewals against the journal, and heals what no event told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.testing.events import Item
from tests.e2e.shop import SHOP
from tests.stripe.moving import START, MovingShop, moving

DAY = 86_400
RULES = (
    SHOP
    + """
connections:
  refunds: {type: spreadsheet, file: refunds.csv}
  renewals: {type: spreadsheet, file: renewals.csv}
rules:
  - name: Money back
    when: order refunded
    do: [{spreadsheet.add_row: {connection: refunds, columns: {Amount: "{{ refund.amount }}"}}}]
  - name: Next box
    when: subscription renewed
    do: [{spreadsheet.add_row: {connection: renewals, columns: {Order: "{{ subscription.id }}"}}}]
"""
)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[MovingShop]:
    """A shop that hears of nothing but sales: neither webhooks nor the list tell the rest."""
    with moving(tmp_path, RULES, START, STRIPE_POLL_SECONDS="0") as shop:
        shop.endpoint.events[:] = ["checkout.session.completed"]
        yield shop


def happened(shop: MovingShop) -> tuple[str, str, str]:
    """A refund of an order, one of a payment that is no order, one that is pending, and a renewal."""
    order = shop.stripe.sell()
    subscription = shop.stripe.sell(Item("Box", "BOX", 1900, 1), mode="subscription")["subscription"]
    shop.deliver()
    refund = shop.stripe.refund(order["payment_intent"], 1000)["id"]
    shop.stripe.refund(order["payment_intent"], 500, status="pending")
    shop.stripe.refund(shop.stripe.pay_without_checkout(900)["id"])
    invoice = shop.stripe.renew(subscription)["id"]
    shop.deliver()
    return refund, invoice, subscription


def reconciled(shop: MovingShop, *more: str) -> Any:
    return json.loads(shop.command("reconcile", "--since", "60d", "--json", *more).out)


def test_a_refund_and_a_renewal_that_nobody_told_are_missing(shop: MovingShop) -> None:
    refund, invoice, _ = happened(shop)
    found = reconciled(shop)
    assert {(one["id"], one["state"]) for one in found["orders"]} == {(refund, "missing"), (invoice, "missing")}
    assert (found["paid"], found["complete"]) == (2, 2)


def test_every_night_they_are_healed_and_told_later_they_count_once(shop: MovingShop) -> None:
    refund, _, subscription = happened(shop)
    shop.pass_time(2 * DAY, step=DAY)
    assert [row["Amount"] for row in shop.rows("refunds.csv")] == ["10.00"]
    assert [row["Order"] for row in shop.rows("renewals.csv")] == [subscription]
    shop.endpoint.events[:] = ["*"]
    for kind in ("refund.created", "invoice.paid"):
        for record in shop.stripe.events(kind):
            shop.stripe.resend(record.id)
    shop.deliver()
    assert len(shop.rows("refunds.csv")) == len(shop.rows("renewals.csv")) == 1
    assert refund


def test_what_the_key_may_not_read_is_said_and_stops_nothing(shop: MovingShop) -> None:
    happened(shop)
    shop.stripe.gate.restrict_all_but(shop.stripe.key, "refund", "charge", "invoice")
    found = reconciled(shop)
    assert (found["complete"], found["orders"]) == (2, [])
    assert len(found["unread"]) == 2
    assert "rak_" in found["unread"][0]
