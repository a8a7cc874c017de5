"""What events tell of subscriptions and their invoices, and how tellings add up.

Events come in any order, twice and late, so each fact (how it stands, who pays, what is bought) is kept as the newest
telling of it has it; which of two is newer is the same whatever the order of arrival.
https://docs.stripe.com/billing/subscriptions/webhooks
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hub.checkout import session as sessions
from hub.checkout.life import subscription_of
from hub.checkout.orders import ORDER_EVENTS
from hub.checkout.session import Json, integer, items_of, mapping, object_id, text
from hub.model import Event, Subscription, SubscriptionInvoice

#: What subscriptions are known by.
SUBSCRIPTION_EVENTS = (
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "invoice.paid",
    "invoice.payment_failed",
)
#: How sure a telling is: concluded from a sale or an invoice; by the subscription itself; its end, the last word.
_CONCLUDED, _ITSELF, _ENDED = range(3)
_OVER = frozenset({"canceled", "incomplete_expired"})
#: Two updates within one second are told apart by where a subscription usually goes.
_USUALLY = ("incomplete", "trialing", "active")


@dataclass(frozen=True, slots=True)
class Telling:
    """What one event tells."""

    subscription: Subscription
    invoice: SubscriptionInvoice | None = None


def told_by(event: Event, about: Json) -> Telling | None:
    """What an event about ``about`` tells of a subscription; None when it is about none."""
    if event.type in ORDER_EVENTS:
        return _by_sale(event, about)
    if event.type.startswith("customer.subscription."):
        found = text(about.get("id"))
        return None if found is None or not text(about.get("status")) else Telling(_by_itself(event, about, found))
    if event.type.startswith("invoice."):
        found, invoice = subscription_of(about), text(about.get("id"))
        return None if found is None or invoice is None else _by_invoice(event, about, found, invoice)
    return None


def merge(known: Subscription, told: Subscription) -> Subscription:
    """``known`` with what ``told`` adds; the same for any order of arrival, and when repeated."""
    stands = max(known, told, key=lambda one: one.told)
    who = max(known, told, key=lambda one: (one.named_at, one.customer_name, one.customer_email))
    what = max(known, told, key=lambda one: (one.described_at, one.described))
    return replace(
        stands,
        number=known.number,
        customer=max(known.customer, told.customer),
        customer_name=who.customer_name,
        customer_email=who.customer_email,
        named_at=who.named_at,
        described=what.described,
        described_at=what.described_at,
        created_at=min(known.created_at, told.created_at),
    )


def merge_invoices(known: SubscriptionInvoice, told: SubscriptionInvoice) -> SubscriptionInvoice:
    """The same for an invoice: once paid it stays paid."""
    paid = [at for at in (known.paid_at, told.paid_at) if at is not None]
    failed = [at for at in (known.failed_at, told.failed_at) if at is not None]
    newest = max(known, told, key=lambda one: one.told)
    return replace(newest, paid_at=min(paid, default=None), failed_at=max(failed, default=None))


def _told(event: Event, sure: int, status: str = "") -> str:
    """What sorts tellings: how sure, when, and what decides within a second."""
    kind = 0 if event.type.endswith(".created") else 1
    usual = _USUALLY.index(status) if status in _USUALLY else len(_USUALLY)
    return f"{sure} {event.created:016} {kind}{usual} {event.id}"


def _by_itself(event: Event, about: Json, found: str) -> Subscription:
    status = text(about.get("status")) or ""
    items = items_of(about.get("items"))
    first: Json = items[0] if items else {}
    price = _price(first) or mapping(about.get("plan"))
    over = status in _OVER or event.type == "customer.subscription.deleted"
    return Subscription(
        id=found,
        account=event.account,
        livemode=event.livemode,
        status=status,
        told=_told(event, _ENDED if over else _ITSELF, status),
        price=text(price.get("id")) or "",
        plan=text(mapping(price.get("product")).get("name")) or text(price.get("nickname")) or "",
        amount=_amount(items, about),
        currency=(text(about.get("currency")) or text(price.get("currency")) or "").upper(),
        interval=_interval(price),
        started_at=_moment(about.get("start_date")),
        trial_ends_at=_moment(about.get("trial_end")),
        # On the item since 2025-03-31.basil, on the subscription before.
        renews_at=_moment(first.get("current_period_end")) or _moment(about.get("current_period_end")),
        ends_at=_moment(about.get("ended_at")) or _moment(about.get("cancel_at")),
        customer=object_id(about.get("customer")) or "",
        created_at=_moment(about.get("created")) or event.created,
    )


def _by_sale(event: Event, about: Json) -> Telling | None:
    found = object_id(about.get("subscription"))
    if found is None:
        return None
    name, email = sessions.customer_name(about) or "", sessions.customer_email(about) or ""
    status = "active" if sessions.is_paid(about) else "incomplete"
    return Telling(_concluded(event, about, found, status, name, email))


def _by_invoice(event: Event, about: Json, found: str, invoice: str) -> Telling:
    name, email = text(about.get("customer_name")) or "", text(about.get("customer_email")) or ""
    paid = event.type in {"invoice.paid", "invoice.payment_succeeded"} or about.get("status") == "paid"
    failed = event.type == "invoice.payment_failed"
    first = about.get("billing_reason") == "subscription_create"
    status = "active" if paid else "past_due" if failed and not first else "incomplete" if first else ""
    lines = sorted(items_of(about.get("lines")), key=lambda one: _period(one)[1] or 0)
    last: Json = lines[-1] if lines else {}
    described = _described(text(last.get("description")) or "")
    start, end = _period(last)
    telling = replace(
        _concluded(event, about, found, status, name, email),
        described=described,
        described_at=event.created if described else 0,
    )
    kept = SubscriptionInvoice(
        id=invoice,
        account=event.account,
        livemode=event.livemode,
        subscription=found,
        number=text(about.get("number")) or "",
        status=text(about.get("status")) or "",
        told=_told(event, _ITSELF),
        total=integer(about.get("total")),
        currency=(text(about.get("currency")) or "").upper(),
        period_start=start,
        period_end=end,
        created_at=_moment(about.get("created")) or event.created,
        paid_at=event.created if paid else None,
        failed_at=event.created if failed else None,
    )
    return Telling(telling, kept)


def _concluded(event: Event, about: Json, found: str, status: str, name: str, email: str) -> Subscription:
    """A subscription of which only something else tells."""
    return Subscription(
        id=found,
        account=event.account,
        livemode=event.livemode,
        status=status,
        # What says nothing of how it stands comes before everything.
        told=_told(event, _CONCLUDED, status) if status else "",
        currency=(text(about.get("currency")) or "").upper(),
        customer=object_id(about.get("customer")) or "",
        customer_name=name,
        customer_email=email,
        named_at=event.created if name or email else 0,
        created_at=event.created,
    )


def _price(item: Json) -> Json:
    return mapping(item.get("price")) or mapping(item.get("plan"))


def _amount(items: Sequence[Json], about: Json) -> int | None:
    """What a period costs, in Stripe's unit, before discounts and tax; None where that depends on use."""
    total = 0
    for item in items or [about]:
        price = _price(item)
        units = integer(price.get("unit_amount"))
        units = integer(price.get("amount")) if units is None else units
        if units is None:
            return None
        quantity = integer(item.get("quantity"))
        total += units * (1 if quantity is None else quantity)
    return total


def _interval(price: Json) -> str:
    """``month``, or ``3 months``."""
    told = mapping(price.get("recurring")) or price
    unit, count = text(told.get("interval")) or "", integer(told.get("interval_count")) or 1
    return unit if count == 1 or not unit else f"{count} {unit}s"


def _period(line: Json) -> tuple[int | None, int | None]:
    told = mapping(line.get("period"))
    return _moment(told.get("start")), _moment(told.get("end"))


def _described(line: str) -> str:
    """``1 × Coffee box (at €19.00 / month)``, as Stripe describes a line, without pieces and price."""
    after = line.partition(" × ")[2] or line
    return after.rpartition(" (at ")[0] or after


def _moment(seconds: object) -> int | None:
    whole = integer(seconds)
    return whole * 1000 if whole else None
