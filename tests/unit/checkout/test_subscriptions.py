"""What events tell of subscriptions adds up to the same in any order."""

from __future__ import annotations

from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.checkout import events
from hub.checkout.subscriptions import Telling, merge, merge_invoices, told_by
from hub.model import Event, Source, Subscription
from hub.testing import events as samples
from hub.testing.events import Sale
from tests.integration.subscribed import MONTH, NEW_YEAR, invoice, life, subscription, told


def read(document: dict[str, Any]) -> Event:
    return events.parse(samples.encode(document), source=Source.WEBHOOK, received_at=0)


def telling(document: dict[str, Any]) -> Telling:
    found = told_by(read(document), document["data"]["object"])
    assert found is not None
    return found


def add_up(documents: list[dict[str, Any]]) -> Subscription:
    return reduce(merge, [telling(one).subscription for one in documents])


LIFE = life()


@given(st.permutations(LIFE), st.lists(st.sampled_from(LIFE), max_size=4), st.integers(1, len(LIFE)))
def test_any_order_and_repetition_come_to_the_same(
    shuffled: list[dict[str, Any]], again: list[dict[str, Any]], many: int
) -> None:
    kept = [one for one in LIFE if one in shuffled[:many]]
    assert add_up([*shuffled[:many], *(one for one in again if one in kept)]) == add_up(kept)
    whole = add_up([*again, *shuffled])
    assert (whole.status, whole.ends_at) == ("canceled", (NEW_YEAR + 2 * MONTH) * 1000)


@given(st.permutations([one for one in LIFE if one["data"]["object"]["id"] == "in_one2"]))
def test_an_invoice_that_is_paid_stays_paid(shuffled: list[dict[str, Any]]) -> None:
    told_of = [one for one in (telling(document).invoice for document in shuffled) if one is not None]
    whole = reduce(merge_invoices, told_of)
    assert whole.paid_at == (NEW_YEAR + MONTH + 7200) * 1000
    assert whole.failed_at == (NEW_YEAR + MONTH + 3600) * 1000
    assert whole.status == "paid"


@pytest.mark.parametrize("count", range(1, len(LIFE) + 1))
def test_it_stands_as_the_newest_event_says(count: int) -> None:
    told_so_far = [one["data"]["object"] for one in LIFE[:count]]
    newest = [one["status"] for one in told_so_far if one["object"] == "subscription"][-1]
    assert add_up(LIFE[:count]).status == newest


def test_a_trial_is_not_made_active_by_its_empty_invoice() -> None:
    trial = told("customer.subscription.created", subscription(status="trialing", trial_end=NEW_YEAR + 60))
    assert add_up([trial, told("invoice.paid", invoice(total=0), 5)]).status == "trialing"


def test_a_sale_or_an_invoice_alone_tell_something() -> None:
    sale = Sale(mode="subscription")
    sold = telling(samples.event("checkout.session.completed", samples.session(sale))).subscription
    assert sold.status == "active"
    assert (sold.customer_name, sold.customer_email) == (sale.buyer.name, sale.buyer.email)
    paid = telling(told("invoice.paid", invoice(number=2))).subscription
    assert (paid.id, paid.status, paid.described) == ("sub_one", "active", "Coffee box, whole beans")
    failed = telling(told("invoice.payment_failed", invoice(number=2, status="open"))).subscription
    assert failed.status == "past_due"


def test_versions_before_2025_say_it_elsewhere() -> None:
    plan = {"id": "plan_box", "nickname": "Box", "amount": 500, "currency": "eur", "interval": "week"}
    plan["interval_count"] = 2
    old = subscription(items={"data": [{"plan": plan, "quantity": 3}]}, current_period_end=NEW_YEAR + 7)
    one = telling(told("customer.subscription.updated", old)).subscription
    assert (one.plan, one.amount, one.interval, one.renews_at) == ("Box", 1500, "2 weeks", (NEW_YEAR + 7) * 1000)
    bill = telling(told("invoice.paid", invoice(parent=None, subscription="sub_old"))).invoice
    assert bill is not None
    assert bill.subscription == "sub_old"


@pytest.mark.parametrize(
    "document",
    [
        told("invoice.paid", invoice(parent=None)),
        told("customer.subscription.updated", {"id": "sub_one"}),
        told("customer.subscription.updated", {"status": "active"}),
        told("charge.refunded", {"id": "ch_1", "subscription": "sub_one"}),
        samples.event("checkout.session.completed", samples.session(Sale())),
    ],
    ids=["an invoice of none", "without a state", "without an id", "a charge", "a single sale"],
)
def test_what_is_about_none_tells_of_none(document: dict[str, Any]) -> None:
    assert told_by(read(document), document["data"]["object"]) is None


STRANGE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(["customer.subscription.updated", "invoice.paid"]), st.data())
def test_nothing_strange_in_an_object_is_an_error(kind: str, data: st.DataObject) -> None:
    thing = subscription() if kind.startswith("customer") else invoice()
    changed = data.draw(st.dictionaries(st.sampled_from(sorted(thing)), STRANGE, max_size=4))
    told_by(read(told(kind, thing)), {**thing, **changed})
