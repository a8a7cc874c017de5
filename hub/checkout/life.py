"""What happens after a sale: refunds, disputes, subscriptions, invoices, payouts. Which trigger fires, once for what.

https://docs.stripe.com/api/events/types. Stripe tells one thing with several events (``refund.created`` and
``refund.updated``; an old account's ``charge.refunded``), so the subject is the thing itself wherever it happens once.
"""

from __future__ import annotations

from dataclasses import dataclass

from hub import own_events
from hub.checkout.session import Json, integer, items_of, mapping, object_id, text
from hub.model import Event, Reversal, Source

#: What changes the state of an order after it was paid.
REVERSING_EVENTS = (
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.closed",
)
_RUNNING = frozenset({"active", "trialing"})
#: How far along a refund is: events of one refund come in any order, and a failure is the last word.
_REFUND_RANK = {"pending": 0, "requires_action": 0, "succeeded": 1, "failed": 2, "canceled": 2}
_CHANGES = frozenset({"plan", "quantity", "status"})


@dataclass(frozen=True, slots=True)
class Happening:
    """``trigger`` is None for what no friendly trigger means; ``payment_intent`` leads to the order."""

    trigger: str | None
    subject: str
    payment_intent: str | None = None
    subscription: str | None = None
    reversal: Reversal | None = None
    session: str | None = None  #: the order's id, where that is known


def happening(event: Event, about: Json, before: Json) -> Happening | None:
    """What an event about anything but a Checkout Session means; None when it is no part of a sale's life.

    ``before``: what an update changed, as it was before.
    """
    if event.source is Source.HUB:
        return _own(event)
    family = event.type.rpartition(".")[0]
    match family:
        case "refund" | "charge.refund":
            return _refund(event, about)
        case "charge" if event.type == "charge.refunded":
            # Accounts with a version before 2022-11-15 find the refunds here; later ones tell each with an event.
            newest = next(iter(items_of(about.get("refunds"))), None)
            return None if newest is None else _refund(event, newest)
        case "charge.dispute":
            return _dispute(event, about)
        case "customer.subscription":
            return _subscription(event, about, before)
        case "invoice":
            return _invoice(event, about)
        case "payout" if event.type == "payout.paid":
            return Happening("payout paid", _id(event, about))
        case "account.application" if event.type == "account.application.deauthorized":
            return Happening("account disconnected", event.id)
        case _:
            return None


_OWN_TRIGGERS = {
    own_events.STOCK_LOW: "stock low",
    own_events.STOCK_SOLD_OUT: "stock sold out",
    own_events.CODES_LOW: "codes low",
    own_events.ORDER_SHIPPED: "order shipped",
}


def _own(event: Event) -> Happening:
    session = event.object_id if event.type == own_events.ORDER_SHIPPED else None
    return Happening(_OWN_TRIGGERS.get(event.type), event.id, session=session)


def refund_of(event: Event, about: Json) -> Json:
    """The refund that an event is about."""
    return next(iter(items_of(about.get("refunds"))), {}) if event.type == "charge.refunded" else about


def _id(event: Event, about: Json) -> str:
    return text(about.get("id")) or event.id


def _refund(event: Event, refund: Json) -> Happening:
    status = text(refund.get("status")) or ""
    rank = _REFUND_RANK.get(status, 0)
    trigger = {1: "order refunded", 2: "refund failed"}.get(rank)
    return _reversing(event, refund, trigger, "refund", status, rank)


def _dispute(event: Event, dispute: Json) -> Happening:
    closed = event.type == "charge.dispute.closed"
    trigger = "dispute closed" if closed else "dispute opened" if event.type == "charge.dispute.created" else None
    status = text(dispute.get("status")) or ""
    # Money that is back with the shop, or an inquiry that came to nothing, leaves the order as it was.
    over = closed and status != "lost"
    # A bank that changes its mind after a loss has the last word.
    rank = 2 if over else 1 if closed else 0
    return _reversing(event, dispute, trigger, "dispute", "over" if over else "standing", rank)


def _reversing(event: Event, about: Json, trigger: str | None, kind: str, status: str, rank: int) -> Happening:
    payment = object_id(about.get("payment_intent"))
    reversal = None
    if payment is not None and (found := text(about.get("id"))):
        reversal = Reversal(
            id=found,
            account=event.account,
            livemode=event.livemode,
            kind=kind,
            payment_intent=payment,
            amount=integer(about.get("amount")) or 0,
            status=status,
            rank=rank,
        )
    return Happening(trigger, _id(event, about), payment, reversal=reversal)


def _subscription(event: Event, about: Json, before: Json) -> Happening:
    found, running = _id(event, about), about.get("status") in _RUNNING
    match event.type.rpartition(".")[2]:
        case "created":
            return Happening("subscription started" if running else None, found, subscription=found)
        case "deleted":
            return Happening("subscription cancelled", found, subscription=found)
        case "trial_will_end":
            return Happening("trial ending", f"{found}:{about.get('trial_end')}", subscription=found)
        case "updated":
            return _updated(event, about, before, found)
        case _:
            return Happening(None, event.id, subscription=found)


def _updated(event: Event, about: Json, before: Json, found: str) -> Happening:
    if (
        about.get("status") in _RUNNING
        and "status" in before
        and before["status"] not in {*_RUNNING, "past_due", "unpaid", "paused"}
    ):
        return Happening("subscription started", found, subscription=found)
    if _is_newly_cancelled(about, before):
        return Happening("cancellation scheduled", event.id, subscription=found)
    trigger = "subscription changed" if _CHANGES & before.keys() or _other_items(about, before) else None
    return Happening(trigger, event.id, subscription=found)


def _other_items(about: Json, before: Json) -> bool:
    """Whether something else is bought than before: a renewal, too, tells of items, with their next period."""
    if "items" not in before:
        return False
    now, then = items_of(about.get("items")), items_of(before["items"])
    if len(now) != len(then):
        return True
    return any(
        object_id(was.get("price", one.get("price"))) != object_id(one.get("price"))
        or was.get("quantity", one.get("quantity")) != one.get("quantity")
        for was, one in zip(then, now, strict=True)
    )


def _is_newly_cancelled(about: Json, before: Json) -> bool:
    """``cancel_at_period_end``, or since 2025 ``cancel_at`` alone."""
    by_switch = bool(about.get("cancel_at_period_end")) and before.get("cancel_at_period_end") is False
    return by_switch or (bool(about.get("cancel_at")) and "cancel_at" in before and not before["cancel_at"])


def _invoice(event: Event, about: Json) -> Happening:
    found, reason = _id(event, about), about.get("billing_reason")
    subscription = subscription_of(about)
    match event.type.rpartition(".")[2]:
        case "paid" if reason == "subscription_create":
            trigger, subject = None, found  # the first period: “order paid” has told it
        case "paid":
            trigger, subject = ("subscription renewed" if reason == "subscription_cycle" else "invoice paid"), found
        case "payment_failed" if reason == "subscription_cycle":
            trigger, subject = "renewal failed", f"{found}:{about.get('attempt_count')}"
        case "sent":
            trigger, subject = "invoice sent", event.id
        case "overdue":
            trigger, subject = "invoice overdue", found
        case _:
            trigger, subject = None, event.id
    return Happening(trigger, subject, subscription=subscription)


def subscription_of(invoice: Json) -> str | None:
    """``parent.subscription_details.subscription`` since 2025-03-31.basil, ``subscription`` before."""
    details = mapping(mapping(invoice.get("parent")).get("subscription_details"))
    return object_id(details.get("subscription")) or object_id(invoice.get("subscription"))
