"""The fake, driven by the official Stripe CLI, whose triggers replay what Stripe's own team records."""

from __future__ import annotations

import json

import pytest

from hub.testing.stripe import FakeStripe
from tests.stripe.conftest import Cli

SESSION = "checkout.session"


@pytest.mark.parametrize(
    ("trigger", "told"),
    [
        (f"{SESSION}.completed", [("completed", "paid")]),
        (f"{SESSION}.async_payment_succeeded", [("completed", "unpaid"), ("async_payment_succeeded", "paid")]),
        (f"{SESSION}.async_payment_failed", [("completed", "unpaid"), ("async_payment_failed", "unpaid")]),
        (f"{SESSION}.expired", [("expired", "unpaid")]),
    ],
)
def test_triggers_of_sessions(stripe_cli: Cli, fake: FakeStripe, trigger: str, told: list[tuple[str, str]]) -> None:
    assert "Trigger succeeded" in stripe_cli(fake, "trigger", trigger)
    events = [record for record in fake.events() if record.type.startswith(f"{SESSION}.")]
    assert [(e.type.removeprefix(f"{SESSION}."), e.body["data"]["object"]["payment_status"]) for e in events] == told


@pytest.mark.parametrize("trigger", ["charge.refunded", "charge.dispute.created", "customer.subscription.created"])
def test_triggers_of_what_comes_afterwards(stripe_cli: Cli, fake: FakeStripe, trigger: str) -> None:
    assert "Trigger succeeded" in stripe_cli(fake, "trigger", trigger)
    assert len(fake.events(trigger)) == 1


def test_lists_and_objects_are_read(stripe_cli: Cli, fake: FakeStripe) -> None:
    order = fake.sell()
    events = json.loads(stripe_cli(fake, "get", "/v1/events", "-d", "type=checkout.session.completed"))
    assert [one["data"]["object"]["id"] for one in events["data"]] == [order["id"]]
    refund = json.loads(stripe_cli(fake, "refunds", "create", "--payment-intent", order["payment_intent"]))
    assert (refund["amount"], refund["status"]) == (4900, "succeeded")
