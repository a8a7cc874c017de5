"""What events after a sale mean: which friendly trigger, once for what, and what rules see of it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from hub.checkout import events, life_context
from hub.checkout.reading import read
from hub.model import Source
from hub.money import STRIPE_DECIMALS, Money
from hub.rules import catalogue

Json = dict[str, Any]


def told(kind: str, about: Json, before: Json | None = None) -> tuple[str | None, str]:
    """The friendly trigger of an event, and its subject."""
    data: Json = {"object": about} | ({"previous_attributes": before} if before is not None else {})
    document = {
        "id": "evt_1",
        "object": "event",
        "type": kind,
        "created": 1_790_000_000,
        "livemode": False,
        "data": data,
    }
    event = events.parse(json.dumps(document).encode(), source=Source.WEBHOOK, received_at=0)
    reading = read(event, events.told(event))
    found = reading.later
    assert found is not None
    assert reading.triggers(None)[-1] == kind, "the raw type fires too"
    return found.trigger, reading.subject


REFUND = {"id": "re_1", "object": "refund", "amount": 1000, "currency": "eur", "payment_intent": "pi_1"}
SUB = {"id": "sub_1", "object": "subscription", "status": "active", "currency": "eur"}


def _bought(**item: object) -> Json:
    return {"items": {"object": "list", "data": [{"price": {"id": "price_1"}, "quantity": 1} | item]}}


BOX = _bought(current_period_end=1_800_000_000)
TWO_BOXES = _bought(quantity=2)
OTHER_BOX = _bought(price={"id": "price_2"})
LAST_PERIOD = _bought(current_period_end=1_790_000_000)
PART_OF_IT = {"items": {"data": [{"current_period_end": 1_790_000_000}]}}
INVOICE = {"id": "in_1", "object": "invoice", "attempt_count": 2}


@pytest.mark.parametrize(
    ("kind", "about", "before", "trigger", "subject"),
    [
        ("refund.created", REFUND | {"status": "succeeded"}, None, "order refunded", "re_1"),
        ("refund.updated", REFUND | {"status": "succeeded"}, None, "order refunded", "re_1"),
        ("charge.refund.updated", REFUND | {"status": "succeeded"}, None, "order refunded", "re_1"),
        ("refund.created", REFUND | {"status": "pending"}, None, None, "re_1"),
        ("refund.created", REFUND | {"status": "requires_action"}, None, None, "re_1"),
        ("refund.failed", REFUND | {"status": "failed"}, None, "refund failed", "re_1"),
        ("refund.updated", REFUND | {"status": "canceled"}, None, "refund failed", "re_1"),
        (
            "charge.refunded",
            {"id": "ch_1", "payment_intent": "pi_1", "refunds": {"data": [REFUND | {"status": "succeeded"}]}},
            None,
            "order refunded",
            "re_1",
        ),
        ("charge.dispute.created", {"id": "du_1", "status": "lost"}, None, "dispute opened", "du_1"),
        ("charge.dispute.updated", {"id": "du_1"}, None, None, "du_1"),
        ("charge.dispute.closed", {"id": "du_1", "status": "won"}, None, "dispute closed", "du_1"),
        ("customer.subscription.created", SUB, None, "subscription started", "sub_1"),
        ("customer.subscription.created", SUB | {"status": "trialing"}, None, "subscription started", "sub_1"),
        ("customer.subscription.created", SUB | {"status": "incomplete"}, None, None, "sub_1"),
        ("customer.subscription.updated", SUB, {"status": "incomplete"}, "subscription started", "sub_1"),
        ("customer.subscription.updated", SUB, {"status": "trialing"}, "subscription changed", "evt_1"),
        ("customer.subscription.updated", SUB, {"status": "past_due"}, "subscription changed", "evt_1"),
        ("customer.subscription.updated", SUB | BOX, {"items": {"data": []}}, "subscription changed", "evt_1"),
        ("customer.subscription.updated", SUB | BOX, TWO_BOXES, "subscription changed", "evt_1"),
        ("customer.subscription.updated", SUB | BOX, OTHER_BOX, "subscription changed", "evt_1"),
        ("customer.subscription.updated", SUB | BOX, LAST_PERIOD, None, "evt_1"),
        ("customer.subscription.updated", SUB | BOX, PART_OF_IT, None, "evt_1"),
        ("customer.subscription.updated", SUB, {"latest_invoice": "in_0"}, None, "evt_1"),
        (
            "customer.subscription.updated",
            SUB | {"cancel_at_period_end": True},
            {"cancel_at_period_end": False},
            "cancellation scheduled",
            "evt_1",
        ),
        (
            "customer.subscription.updated",
            SUB | {"cancel_at": 1_800_000_000},
            {"cancel_at": None},
            "cancellation scheduled",
            "evt_1",
        ),
        ("customer.subscription.updated", SUB, {"cancel_at_period_end": True}, None, "evt_1"),
        ("customer.subscription.deleted", SUB, None, "subscription cancelled", "sub_1"),
        ("customer.subscription.trial_will_end", SUB | {"trial_end": 7}, None, "trial ending", "sub_1:7"),
        ("invoice.paid", INVOICE | {"billing_reason": "subscription_create"}, None, None, "in_1"),
        ("invoice.paid", INVOICE | {"billing_reason": "subscription_cycle"}, None, "subscription renewed", "in_1"),
        ("invoice.paid", INVOICE | {"billing_reason": "manual"}, None, "invoice paid", "in_1"),
        (
            "invoice.payment_failed",
            INVOICE | {"billing_reason": "subscription_cycle"},
            None,
            "renewal failed",
            "in_1:2",
        ),
        ("invoice.payment_failed", INVOICE | {"billing_reason": "manual"}, None, None, "evt_1"),
        ("invoice.sent", INVOICE, None, "invoice sent", "evt_1"),
        ("invoice.overdue", INVOICE, None, "invoice overdue", "in_1"),
        ("payout.paid", {"id": "po_1"}, None, "payout paid", "po_1"),
        ("account.application.deauthorized", {"id": "ca_1"}, None, "account disconnected", "evt_1"),
    ],
)
def test_what_an_event_means_and_once_for_what(
    kind: str, about: Json, before: Json | None, trigger: str | None, subject: str
) -> None:
    assert told(kind, about, before) == (trigger, subject)
    if trigger is not None:
        declared = catalogue.TRIGGERS[trigger].events
        assert kind in declared or kind.startswith(("charge.refund.", "refund.")), "the reference says so"


@pytest.mark.parametrize(
    ("root", "found"),
    [
        ("refund", life_context.refund({}, None, STRIPE_DECIMALS)),
        ("dispute", life_context.dispute({}, STRIPE_DECIMALS)),
        ("subscription", life_context.subscription({}, STRIPE_DECIMALS, {})),
        ("invoice", life_context.invoice({}, STRIPE_DECIMALS)),
        ("customer", life_context.invoiced_customer({})),
        ("customer", life_context.customer({})),
    ],
)
def test_every_field_of_the_catalogue_is_there_and_no_other_whatever_is_missing(root: str, found: Json) -> None:
    assert found.keys() == catalogue.ROOTS[root].fields.keys()


def test_a_subscription_of_two_boxes_in_old_and_new_shape() -> None:
    price = {"id": "price_1", "nickname": "Tea box", "unit_amount": 1450, "recurring": {"interval": "month"}}
    new = {"items": {"data": [{"price": price, "quantity": 2, "current_period_end": 1_800_000_000}]}}
    old = {"items": {"data": [{"price": price, "quantity": 2}]}, "current_period_end": 1_800_000_000}
    for shape in (new, old):
        found = life_context.subscription(SUB | shape, STRIPE_DECIMALS, {})
        assert found["amount"] == Money(Decimal("29.00"), "EUR")
        assert (found["plan"], found["interval"], found["quantity"]) == ("Tea box", "month", 2)
        assert found["renews_at"].isoformat() == "2027-01-15T08:00:00+00:00"


def test_the_subscription_of_an_invoice_in_old_and_new_shape() -> None:
    for about in (
        {"parent": {"subscription_details": {"subscription": "sub_1"}}},
        {"subscription": "sub_1"},
        {"subscription": {"id": "sub_1"}},
    ):
        event = events.parse(
            json.dumps(
                {
                    "id": "evt_1",
                    "object": "event",
                    "type": "invoice.paid",
                    "created": 1,
                    "livemode": False,
                    "data": {"object": about},
                }
            ).encode(),
            source=Source.WEBHOOK,
            received_at=0,
        )
        found = read(event, events.told(event)).later
        assert found is not None
        assert found.subscription == "sub_1"


def test_an_invoice_names_its_customer() -> None:
    about = {"customer": "cus_1", "customer_name": "Ana Núñez", "customer_address": {"country": "PT"}}
    found = life_context.invoiced_customer(about)
    assert (found["id"], found["first_name"], found["country"]) == ("cus_1", "Ana", "PT")
