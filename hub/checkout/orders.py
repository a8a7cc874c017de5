"""The order behind a Checkout Session event: what one event tells, and how tellings add up.

Events come in any order, twice, and late (https://docs.stripe.com/webhooks#event-ordering). So an order keeps
*facts* that only accumulate, and its state follows from them: the same whatever the order of arrival.
"""

from __future__ import annotations

from dataclasses import replace

from hub.checkout import session as sessions
from hub.checkout.session import Json
from hub.model import Event, Order, OrderState

COMPLETED = "checkout.session.completed"
PAID_LATER = "checkout.session.async_payment_succeeded"
FAILED_LATER = "checkout.session.async_payment_failed"
EXPIRED = "checkout.session.expired"

#: The money came; what happened to it afterwards is another matter.
_PAID = frozenset({OrderState.PAID, OrderState.PARTLY_REFUNDED, OrderState.REFUNDED, OrderState.DISPUTED})

ORDER_EVENTS = frozenset({COMPLETED, PAID_LATER, FAILED_LATER, EXPIRED})


def told_by(event: Event, session: Json) -> Order | None:
    """The order as this event alone tells it; None when the session is no sale (``mode: setup``, no id)."""
    session_id, mode = sessions.text(session.get("id")), sessions.text(session.get("mode")) or "payment"
    if session_id is None or mode == "setup":
        return None
    at = event.created
    paid_at = at if event.type != EXPIRED and sessions.is_paid(session) else None
    failed_at = at if event.type == FAILED_LATER else None
    expired_at = at if event.type == EXPIRED else None
    created = sessions.integer(session.get("created"))
    return Order(
        id=session_id,
        account=event.account,
        livemode=event.livemode,
        state=state_of(paid_at=paid_at, failed_at=failed_at, expired_at=expired_at),
        mode=mode,
        total=sessions.amount_total(session),
        currency=sessions.currency(session),
        customer_name=sessions.customer_name(session) or "",
        customer_email=sessions.customer_email(session) or "",
        payment_intent=sessions.object_id(session.get("payment_intent")),
        subscription=sessions.object_id(session.get("subscription")),
        created_at=at if created is None else created * 1000,
        paid_at=paid_at,
        failed_at=failed_at,
        expired_at=expired_at,
        event_seq=event.seq,
        ships=bool(sessions.shipping(session)),
    )


def merge(known: Order, told: Order) -> Order:
    """``known`` with the facts of ``told`` added; the same for any order of arrival, and when repeated."""
    paid_at = _first(known.paid_at, told.paid_at)
    failed_at = _first(known.failed_at, told.failed_at)
    expired_at = _first(known.expired_at, told.expired_at)
    # The body of the event that paid says most (items, address, final amounts); otherwise the first one stays.
    best = told if known.paid_at is None and told.paid_at is not None else known
    return replace(
        best,
        number=known.number,
        state=_reversed(
            state_of(paid_at=paid_at, failed_at=failed_at, expired_at=expired_at),
            best.total,
            known.refunded,
            known.disputed,
        ),
        created_at=min(known.created_at, told.created_at),
        refunded=known.refunded,
        disputed=known.disputed,
        paid_at=paid_at,
        failed_at=failed_at,
        expired_at=expired_at,
    )


def _first(known: int | None, told: int | None) -> int | None:
    return told if known is None else known


def state_of(*, paid_at: int | None, failed_at: int | None, expired_at: int | None) -> OrderState:
    """Money beats everything: a paid order stays paid, whatever arrives late."""
    if paid_at is not None:
        return OrderState.PAID
    if failed_at is not None:
        return OrderState.FAILED
    if expired_at is not None:
        return OrderState.EXPIRED
    return OrderState.AWAITING_PAYMENT


def with_reversals(order: Order, refunded: int, disputed: bool) -> Order:
    """``order`` with what of it was refunded (Stripe's unit), and whether a dispute stands."""
    paid = state_of(paid_at=order.paid_at, failed_at=order.failed_at, expired_at=order.expired_at)
    state = _reversed(paid, order.total, refunded, disputed)
    return replace(order, state=state, refunded=refunded, disputed=disputed)


def _reversed(state: OrderState, total: int | None, refunded: int, disputed: bool) -> OrderState:
    if state is not OrderState.PAID:
        return state
    if disputed:
        return OrderState.DISPUTED
    if refunded > 0:
        return OrderState.REFUNDED if total is not None and refunded >= total else OrderState.PARTLY_REFUNDED
    return state


def friendly_trigger(event_type: str, state: OrderState) -> str | None:
    """The trigger that an order event fires, given the order's state after it; None when it says nothing new.

    A late ``expired`` or ``completed (unpaid)`` for an order that has been paid meanwhile fires nothing.
    """
    if event_type in {COMPLETED, PAID_LATER}:
        # Also of an order that was refunded before its completion was told: what was promised to happen once happens.
        return "order placed" if state is OrderState.AWAITING_PAYMENT else "order paid" if state in _PAID else None
    if event_type == FAILED_LATER and state is OrderState.FAILED:
        return "payment failed"
    if event_type == EXPIRED and state is OrderState.EXPIRED:
        return "checkout abandoned"
    return None
