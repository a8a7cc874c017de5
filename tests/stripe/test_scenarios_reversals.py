"""Scenarios 17 and 36 to 38 of docs/scenarios.md: renewals, refunds and disputes, in whatever order they are told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.testing.events import Item
from hub.testing.stripe import FakeStripe
from tests.e2e.shop import SHOP
from tests.stripe.moving import MovingShop, moving


def _row(trigger: str, **columns: str) -> str:
    cells = ", ".join(f'{name}: "{text}"' for name, text in columns.items())
    file = trigger.replace(" ", "_")
    return f"""
  - name: {trigger.capitalize()}
    when: {trigger}
    do:
      - spreadsheet.add_row: {{connection: {file}, columns: {{{cells}}}}}"""


RULES = (
    SHOP
    + "connections:"
    + "".join(
        f"\n  {name}: {{type: spreadsheet, file: {name}.csv}}"
        for name in (
            *("order_paid", "order_refunded", "refund_failed", "dispute_opened", "dispute_closed"),
            *("subscription_renewed", "renewal_failed"),
        )
    )
    + "\nrules:"
    + _row("order paid", Order="{{ order.id }}")
    + _row(
        "order refunded",
        Order="{{ order.id }}",
        Refund="{{ refund.id }}",
        Amount="{{ refund.amount }}",
        Full="{{ refund.full }}",
    )
    + _row("refund failed", Order="{{ order.id }}", Refund="{{ refund.id }}", Amount="{{ refund.amount }}")
    + _row("dispute opened", Order="{{ order.id }}", Dispute="{{ dispute.id }}", Status="{{ dispute.status }}")
    + _row("dispute closed", Order="{{ order.id }}", Dispute="{{ dispute.id }}", Status="{{ dispute.status }}")
    + _row("subscription renewed", Order="{{ subscription.id }}", Invoice="{{ invoice.id }}")
    + _row("renewal failed", Order="{{ subscription.id }}", Invoice="{{ invoice.id }}")
    + """
  - name: Take
    when: order paid
    for_each: order.items
    do:
      - inventory.decrease: {sku: "{{ item.sku }}", by: "{{ item.quantity }}"}
  - name: Give back
    when: order refunded
    if: {refund.full: yes}
    for_each: order.items
    do:
      - inventory.increase: {sku: "{{ item.sku }}", by: "{{ item.quantity }}"}
"""
)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[MovingShop]:
    with moving(tmp_path, RULES) as shop:
        shop.set_stock({"MUG-01": 100})
        yield shop


@pytest.fixture
def stripe(shop: MovingShop) -> FakeStripe:
    return shop.stripe


def state(shop: MovingShop, order: str) -> str:
    return str(shop.query(f"SELECT state FROM orders WHERE id = '{order}'")[0][0])


def told(shop: MovingShop, order: str, file: str, *columns: str) -> list[tuple[str, ...]]:
    return sorted(tuple(row[name] for name in columns) for row in shop.rows_of(order, f"{file}.csv"))


def sold(shop: MovingShop) -> str:
    order: str = shop.stripe.sell(Item("Blue mug", "MUG-01", 2450, 2))["id"]
    shop.deliver()
    return order


def test_36_two_partial_refunds_of_one_charge_are_two_refunds(shop: MovingShop, stripe: FakeStripe) -> None:
    order = sold(shop)
    first, second = stripe.refund(order, 1000), stripe.refund(order, 1500)
    shop.deliver()
    assert told(shop, order, "order_refunded", "Refund", "Amount") == sorted(
        [(first["id"], "10.00"), (second["id"], "15.00")]
    )
    assert (state(shop, order), shop.stock()["MUG-01"]) == ("partly_refunded", 98)
    stripe.refund(order)
    shop.deliver()
    assert len(told(shop, order, "order_refunded", "Refund")) == 3
    assert (state(shop, order), shop.stock()["MUG-01"]) == ("refunded", 100)


def test_36_one_refund_told_by_many_events_is_one(shop: MovingShop, stripe: FakeStripe) -> None:
    order = sold(shop)
    refund = stripe.refund(order)
    for record in stripe.events("refund.created", "charge.refunded"):
        stripe.resend(record.id)
        stripe.tell_again(record.id)
    stripe.settle_refund(refund["id"])  # refund.updated and charge.refund.updated, nothing new
    shop.deliver()
    assert told(shop, order, "order_refunded", "Refund", "Amount") == [(refund["id"], "49.00")]
    assert shop.stock()["MUG-01"] == 100


def test_36_a_pending_refund_counts_when_it_has_succeeded(shop: MovingShop, stripe: FakeStripe) -> None:
    order = sold(shop)
    refund = stripe.refund(order, status="pending")
    shop.deliver()
    assert (told(shop, order, "order_refunded", "Refund"), shop.stock()["MUG-01"]) == ([], 98)
    shop.pass_time(5 * 86_400, step=86_400)
    stripe.settle_refund(refund["id"])
    shop.deliver()
    assert told(shop, order, "order_refunded", "Refund") == [(refund["id"],)]
    assert shop.stock()["MUG-01"] == 100


def test_36_a_pending_refund_that_fails_gives_nothing_back(shop: MovingShop, stripe: FakeStripe) -> None:
    order = sold(shop)
    refund = stripe.refund(order, status="pending")
    shop.deliver()
    stripe.settle_refund(refund["id"], "failed")
    shop.deliver()
    assert told(shop, order, "order_refunded", "Refund") == []
    assert told(shop, order, "refund_failed", "Refund", "Amount") == [(refund["id"], "49.00")]
    assert (state(shop, order), shop.stock()["MUG-01"]) == ("paid", 98)


def test_36_a_refund_that_fails_after_it_had_succeeded_is_told_and_undone(shop: MovingShop, stripe: FakeStripe) -> None:
    order = sold(shop)
    refund = stripe.refund(order)
    shop.deliver()
    assert state(shop, order) == "refunded"
    stripe.settle_refund(refund["id"], "failed")
    shop.deliver()
    assert told(shop, order, "refund_failed", "Refund") == [(refund["id"],)]
    assert state(shop, order) == "paid"


@pytest.mark.parametrize("backwards", [False, True])
def test_37_a_dispute_is_told_once_in_whatever_order(shop: MovingShop, stripe: FakeStripe, backwards: bool) -> None:
    order = sold(shop)
    dispute = stripe.dispute(order)
    stripe.close_dispute(dispute["id"], "lost")
    if backwards:
        stripe.office.letters.reverse()
    stripe.office.senders = 1
    shop.deliver()
    assert told(shop, order, "dispute_opened", "Dispute") == [(dispute["id"],)]
    assert told(shop, order, "dispute_closed", "Dispute", "Status") == [(dispute["id"], "lost")]
    assert (state(shop, order), shop.stock()["MUG-01"]) == ("disputed", 98)


def test_37_a_dispute_that_begins_lost_is_told(shop: MovingShop, stripe: FakeStripe) -> None:
    order = sold(shop)
    dispute = stripe.dispute(order, status="lost")
    shop.deliver()
    assert told(shop, order, "dispute_opened", "Dispute", "Status") == [(dispute["id"], "lost")]
    assert state(shop, order) == "disputed"


def test_37_lost_and_then_won(shop: MovingShop, stripe: FakeStripe) -> None:
    order = sold(shop)
    dispute = stripe.dispute(order)
    stripe.close_dispute(dispute["id"], "lost")
    shop.deliver()
    stripe.close_dispute(dispute["id"], "won")
    shop.deliver()
    assert state(shop, order) == "paid"


def test_37_an_inquiry_moves_no_money(shop: MovingShop, stripe: FakeStripe) -> None:
    order = sold(shop)
    asked = stripe.dispute(order, status="warning_needs_response")
    shop.deliver()
    stripe.close_dispute(asked["id"], "warning_closed")
    shop.deliver()
    assert (state(shop, order), shop.stock()["MUG-01"]) == ("paid", 98)


def test_38_a_refund_of_what_was_never_fulfilled_gives_nothing_back(shop: MovingShop, stripe: FakeStripe) -> None:
    """Stripe cannot refund a debit that is under way; the events may come in the wrong order all the same."""
    order = stripe.sell(Item("Blue mug", "MUG-01", 2450, 2), pay="later")["id"]
    shop.deliver()
    stripe.money_arrives(order)
    refund = stripe.refund(order)
    stripe.office.letters.reverse()
    stripe.office.senders = 1
    shop.deliver()
    assert told(shop, order, "order_refunded", "Refund") == [(refund["id"],)]
    assert told(shop, order, "order_paid", "Order") == [(order,)]
    assert (state(shop, order), shop.stock()["MUG-01"]) == ("refunded", 100)


def test_38_a_dispute_and_a_refund_of_a_payment_that_is_no_order_do_nothing(
    shop: MovingShop, stripe: FakeStripe
) -> None:
    intent = stripe.pay_without_checkout(4900)
    stripe.dispute(stripe.pay_without_checkout(900)["id"])
    stripe.refund(intent["id"])
    shop.deliver()
    assert shop.rows("order_refunded.csv") == []
    assert shop.rows("dispute_opened.csv") == []


def test_17_the_first_period_is_the_order_and_each_further_one_a_renewal(shop: MovingShop, stripe: FakeStripe) -> None:
    order = stripe.sell(Item("Tea box", "TEA-BOX", 2900, 1), mode="subscription")
    shop.deliver()
    assert len(shop.rows("order_paid.csv")) == 1
    assert shop.rows("subscription_renewed.csv") == []
    shop.pass_time(30 * 86_400, step=15 * 86_400)
    second = stripe.renew(order["subscription"])
    for record in stripe.events("invoice.paid"):
        stripe.resend(record.id)
    shop.deliver()
    failed = stripe.renew(order["subscription"], fails=True)
    shop.deliver()
    assert told(shop, order["subscription"], "subscription_renewed", "Invoice") == [(second["id"],)]
    assert told(shop, order["subscription"], "renewal_failed", "Invoice") == [(failed["id"],)]
    stripe.pay_invoice(failed["id"])
    shop.deliver()
    assert len(told(shop, order["subscription"], "subscription_renewed", "Invoice")) == 2
    assert len(shop.rows("order_paid.csv")) == 1
