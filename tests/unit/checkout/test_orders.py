"""Orders from events: the payment gate, and a state that does not depend on the order of arrival."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.checkout import events
from hub.checkout.orders import COMPLETED, EXPIRED, FAILED_LATER, PAID_LATER, friendly_trigger, merge, told_by
from hub.model import Order, OrderState, Source

SESSION: dict[str, Any] = {
    "id": "cs_1",
    "object": "checkout.session",
    "mode": "payment",
    "payment_status": "paid",
    "amount_total": 4900,
    "currency": "eur",
    "created": 1_764_000_000,
    "customer_details": {"email": "ana@example.com", "name": "Ana Núñez"},
    "payment_intent": "pi_1",
}


def telling(kind: str = COMPLETED, at: int = 1_764_000_100, **changes: Any) -> Order | None:
    document = {"id": "evt_1", "object": "event", "type": kind, "created": at, "data": {"object": SESSION | changes}}
    event = events.parse(json.dumps(document).encode(), source=Source.WEBHOOK, received_at=0)
    return told_by(replace(event, seq=at), SESSION | changes)


def told(kind: str = COMPLETED, at: int = 1_764_000_100, **changes: Any) -> Order:
    order = telling(kind, at, **changes)
    assert order is not None
    return order


@pytest.mark.parametrize(
    ("kind", "status", "state"),
    [
        (COMPLETED, "paid", OrderState.PAID),
        (COMPLETED, "no_payment_required", OrderState.PAID),
        (COMPLETED, "unpaid", OrderState.AWAITING_PAYMENT),
        (COMPLETED, None, OrderState.AWAITING_PAYMENT),
        (COMPLETED, "something new", OrderState.AWAITING_PAYMENT),
        (PAID_LATER, "paid", OrderState.PAID),
        (FAILED_LATER, "unpaid", OrderState.FAILED),
        (EXPIRED, "unpaid", OrderState.EXPIRED),
    ],
)
def test_goods_go_out_when_the_money_is_there_or_none_is_due(kind: str, status: str, state: OrderState) -> None:
    assert told(kind, payment_status=status).state is state


def test_a_session_that_only_saves_a_card_is_no_order() -> None:
    assert telling(mode="setup", amount_total=None, currency=None) is None


def test_a_session_without_an_id_is_no_order() -> None:
    assert telling(id=None) is None


LIVES = {
    "paid at once": [(COMPLETED, "paid")],
    "paid later": [(COMPLETED, "unpaid"), (PAID_LATER, "paid")],
    "failed later": [(COMPLETED, "unpaid"), (FAILED_LATER, "unpaid")],
    "given up": [(EXPIRED, "unpaid")],
    "expired event after payment": [(COMPLETED, "paid"), (EXPIRED, "unpaid")],
}
ENDS = {
    "paid at once": OrderState.PAID,
    "paid later": OrderState.PAID,
    "failed later": OrderState.FAILED,
    "given up": OrderState.EXPIRED,
    "expired event after payment": OrderState.PAID,
}


@pytest.mark.parametrize("life", LIVES)
def test_whatever_order_events_arrive_in_and_however_often_the_state_is_the_same(life: str) -> None:
    tellings = [told(kind, at=1_764_000_100 + n, payment_status=status) for n, (kind, status) in enumerate(LIVES[life])]
    for arrival in itertools.permutations(tellings * 2):
        known = arrival[0]
        for one in arrival[1:]:
            known = merge(known, one)
        assert known.state is ENDS[life]


def test_the_body_of_the_event_that_paid_is_the_one_that_counts() -> None:
    waiting = told(payment_status="unpaid", amount_total=4900, at=1)
    paid = told(PAID_LATER, amount_total=5000, at=2)
    late = told(payment_status="unpaid", amount_total=4900, at=3)
    for first, second in ((waiting, paid), (paid, late)):
        merged = merge(first, second)
        assert (merged.total, merged.event_seq) == (5000, 2)


moments = st.none() | st.integers(0, 9)


@given(st.lists(st.tuples(moments, moments, moments), min_size=1, max_size=6))
def test_adding_a_telling_never_moves_an_order_backwards(
    facts: list[tuple[int | None, int | None, int | None]],
) -> None:
    ranks = [OrderState.AWAITING_PAYMENT, OrderState.EXPIRED, OrderState.FAILED, OrderState.PAID]
    known = told(payment_status="unpaid")
    for paid, failed, expired in facts:
        grown = merge(known, replace(known, paid_at=paid, failed_at=failed, expired_at=expired))
        assert ranks.index(grown.state) >= ranks.index(known.state)
        assert merge(grown, known).state is grown.state
        known = grown


@pytest.mark.parametrize(
    ("kind", "state", "trigger"),
    [
        (COMPLETED, OrderState.PAID, "order paid"),
        (PAID_LATER, OrderState.PAID, "order paid"),
        (COMPLETED, OrderState.AWAITING_PAYMENT, "order placed"),
        (COMPLETED, OrderState.FAILED, None),
        (FAILED_LATER, OrderState.FAILED, "payment failed"),
        (FAILED_LATER, OrderState.PAID, None),
        (EXPIRED, OrderState.EXPIRED, "checkout abandoned"),
        (EXPIRED, OrderState.PAID, None),
        ("charge.updated", OrderState.PAID, None),
    ],
)
def test_what_fires_depends_on_where_the_order_stands(kind: str, state: OrderState, trigger: str | None) -> None:
    assert friendly_trigger(kind, state) == trigger
