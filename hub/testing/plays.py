"""What has to happen at Stripe for an event of each type: made up with the fake's own books, nothing is sent."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from hub.rules.catalogue import TRIGGERS
from hub.testing.events import Item
from hub.testing.stripe import FakeStripe
from hub.testing.stripe.expanding import Expander

Json = dict[str, Any]
Play = Callable[[FakeStripe], object]

_BOX = Item("Monthly box", "BOX-01", 1900, 1)
_ITEMS = ["line_items.data.price.product"]


def _paid(fake: FakeStripe) -> str:
    return str(fake.sell()["payment_intent"])


def _subscribed(fake: FakeStripe, **given: Any) -> str:
    return str(fake.sell(_BOX, mode="subscription", **given)["subscription"])


def _failed_refund(fake: FakeStripe) -> None:
    refund = fake.refund(_paid(fake), status="pending")
    fake.settle_refund(refund["id"], "failed")


def _settled_refund(fake: FakeStripe) -> None:
    refund = fake.refund(_paid(fake), status="pending")
    fake.settle_refund(refund["id"])


def _invoice(kind: str) -> Play:
    """An invoice of the shop's own, not of a subscription's next period."""

    def play(fake: FakeStripe) -> None:
        invoice = fake.books.kept[fake.renew(_subscribed(fake), fails=True)["id"]].thing
        fake.books.record(kind, invoice | {"billing_reason": "manual"})

    return play


def _cancelled_for_later(fake: FakeStripe) -> None:
    fake.change_subscription(_subscribed(fake), cancel_at_period_end=True)


def _disconnected(fake: FakeStripe) -> None:
    fake.disconnect(fake.connect("acct_1SampleOfAnAccount"))


#: By the type of event.
PLAYS: Mapping[str, Play] = {
    "checkout.session.completed": lambda fake: fake.sell(),
    "checkout.session.async_payment_succeeded": lambda fake: fake.money_arrives(fake.sell(pay="later")["id"]),
    "checkout.session.async_payment_failed": lambda fake: fake.money_fails(fake.sell(pay="later")["id"]),
    "checkout.session.expired": lambda fake: fake.expire(fake.open()["id"], recovery=True),
    "charge.refunded": lambda fake: fake.refund(_paid(fake)),
    "refund.created": lambda fake: fake.refund(_paid(fake)),
    "refund.updated": _settled_refund,
    "refund.failed": _failed_refund,
    "charge.dispute.created": lambda fake: fake.dispute(_paid(fake)),
    "charge.dispute.closed": lambda fake: fake.close_dispute(fake.dispute(_paid(fake))["id"]),
    "customer.subscription.created": _subscribed,
    "customer.subscription.updated": lambda fake: fake.change_subscription(_subscribed(fake), quantity=2),
    "customer.subscription.deleted": lambda fake: fake.cancel(_subscribed(fake)),
    "customer.subscription.trial_will_end": lambda fake: fake.trial_will_end(_subscribed(fake, trial_days=7)),
    "invoice.paid": lambda fake: fake.renew(_subscribed(fake)),
    "invoice.payment_failed": lambda fake: fake.renew(_subscribed(fake), fails=True),
    "invoice.sent": _invoice("invoice.sent"),
    "invoice.overdue": _invoice("invoice.overdue"),
    "payout.paid": lambda fake: fake.payout(4900),
    "account.application.deauthorized": _disconnected,
}


#: By trigger, where its type alone would mean another: the type, and the play.
_OF_TRIGGERS: Mapping[str, tuple[str, Play]] = {
    "order placed": ("checkout.session.completed", lambda fake: fake.sell(pay="later")),
    "order refunded": ("refund.created", PLAYS["refund.created"]),
    "cancellation scheduled": ("customer.subscription.updated", _cancelled_for_later),
    "invoice paid": ("invoice.paid", _invoice("invoice.paid")),
}


def play_of(name: str) -> tuple[str, Play] | None:
    """The type of event that a trigger or a type means, with its play; None for what has none."""
    if name in _OF_TRIGGERS:
        return _OF_TRIGGERS[name]
    kind = TRIGGERS[name].events[0] if name in TRIGGERS else name
    return (kind, PLAYS[kind]) if kind in PLAYS else None


@contextmanager
def stage() -> Iterator[FakeStripe]:
    """A Stripe to play at; its ids are new every time."""
    with FakeStripe(seed=secrets.randbits(64)) as fake:
        yield fake


def played(fake: FakeStripe, kind: str, play: Play) -> list[Json]:
    """The events that lead to one of type ``kind``, and that one, oldest first. Sessions carry their items."""
    before = len(fake.books.records)
    play(fake)
    told = [one.body for one in fake.books.records[before:] if one.body["type"] in PLAYS]
    last = max(number for number, body in enumerate(told) if body["type"] == kind)
    return [_with_items(fake, body) for body in told[: last + 1]]


def _with_items(fake: FakeStripe, body: Json) -> Json:
    thing = body["data"]["object"]
    if thing["object"] != "checkout.session":
        return body
    whole = Expander(fake.books, lambda _kind: None).render(thing, _ITEMS)
    return {**body, "data": {**body["data"], "object": whole}}
