"""The fake, driven by Stripe's own package as a program that cannot tell the difference."""

from __future__ import annotations

from typing import Any, Final

import pytest
import stripe

from hub.clock import ManualClock
from hub.testing.events import Item
from hub.testing.faults import Fault
from hub.testing.stripe import FakeStripe

DAY = 86_400
COMPLETED: Final = "checkout.session.completed"


def client(fake: FakeStripe, key: str = "", retries: int = 0) -> stripe.StripeClient:
    return stripe.StripeClient(key or fake.key, base_addresses={"api": fake.url}, max_network_retries=retries)


def writer(fake: FakeStripe) -> stripe.StripeClient:
    return client(fake, "sk_test_fakeFullKey0001")


def test_a_session_made_by_the_api_is_paid_on_its_page_and_then_looks_paid(fake: FakeStripe) -> None:
    made = writer(fake).v1.checkout.sessions.create(
        {
            "mode": "payment",
            "success_url": "http://127.0.0.1:9/thanks?session_id={CHECKOUT_SESSION_ID}",
            "line_items": [
                {
                    "quantity": 3,
                    "price_data": {"currency": "eur", "unit_amount": 1250, "product_data": {"name": "Tea"}},
                }
            ],
            "metadata": {"channel": "shop"},
        }
    )
    assert (made.status, made.payment_status, made.amount_total) == ("open", "unpaid", 3750)
    fake.pay(made.id)
    session = client(fake).v1.checkout.sessions.retrieve(
        made.id, {"expand": ["line_items.data.price.product", "payment_intent.latest_charge"]}
    )
    assert (session.status, session.payment_status) == ("complete", "paid")
    assert session.to_dict()["metadata"] == {"channel": "shop"}
    assert session.line_items is not None
    (line,) = session.line_items.data
    assert line.price is not None
    assert isinstance(line.price.product, stripe.Product)
    assert (line.quantity, line.price.product.name) == (3, "Tea")
    assert isinstance(session.payment_intent, stripe.PaymentIntent)
    charge = session.payment_intent.latest_charge
    assert isinstance(charge, stripe.Charge)
    assert charge.receipt_url
    assert charge.billing_details.email == "ana@example.com"


@pytest.mark.parametrize("count", [1, 10, 11, 100, 101, 250])
def test_line_items_come_in_pages_in_their_own_order(fake: FakeStripe, count: int) -> None:
    order = fake.sell(*[Item(f"Part {n}", f"P-{n}", 100 + n, 1) for n in range(count)])
    listed = client(fake).v1.checkout.sessions.line_items.list(order["id"], {"limit": 100})
    assert [line.description for line in listed.auto_paging_iter()] == [f"Part {n}" for n in range(count)]
    expanded = client(fake).v1.checkout.sessions.retrieve(order["id"], {"expand": ["line_items"]})
    assert expanded.line_items is not None
    assert (len(expanded.line_items.data), expanded.line_items.has_more) == (min(count, 10), count > 10)


def test_events_are_listed_newest_first_and_walked_oldest_first(fake: FakeStripe, clock: ManualClock) -> None:
    orders = []
    for _ in range(25):
        orders.append(fake.sell()["id"])
        clock.advance(60)
    events = client(fake).v1.events
    newest_first = [e.data.object["id"] for e in events.list({"type": COMPLETED, "limit": 7}).auto_paging_iter()]
    assert newest_first == orders[::-1]
    first = fake.events(COMPLETED)[0].id
    page = events.list({"types": [COMPLETED, "checkout.session.expired"], "ending_before": first, "limit": 10})
    assert [e.data.object["id"] for e in page.auto_paging_iter()] == orders[1:]


def test_events_are_found_by_time_type_and_wildcard(fake: FakeStripe, clock: ManualClock) -> None:
    fake.sell()
    clock.advance(3600)
    since = fake.books.now
    order = fake.sell()
    fake.refund(order["id"])
    events = client(fake).v1.events
    assert {e.type for e in events.list({"type": "charge.*", "limit": 100}).data} == {
        "charge.succeeded",
        "charge.refunded",
    }
    later = events.list({"created": {"gte": since}, "types": [COMPLETED]}).data
    assert [e.data.object["id"] for e in later] == [order["id"]]
    assert events.list({"created": {"gt": since}}).data == []
    with pytest.raises(stripe.InvalidRequestError, match="not both"):
        events.list({"type": COMPLETED, "types": [COMPLETED]})
    with pytest.raises(stripe.InvalidRequestError, match="at most 20"):
        events.list({"types": [f"charge.{n}" for n in range(21)]})


def test_a_late_event_appears_behind_newer_ones(fake: FakeStripe, clock: ManualClock) -> None:
    fake.late(120)
    late = fake.sell()["id"]
    fake.late(0)
    clock.advance(10)
    prompt = fake.sell()["id"]

    def shown() -> list[str]:
        return [e.data.object["id"] for e in client(fake).v1.events.list({"type": COMPLETED}).data]

    assert shown() == [prompt]
    clock.advance(120)
    assert shown() == [prompt, late]


def test_events_are_gone_after_thirty_days_and_with_them_their_cursors(fake: FakeStripe, clock: ManualClock) -> None:
    fake.sell()
    cursor = fake.events(COMPLETED)[0].id
    clock.advance(30 * DAY)
    assert client(fake).v1.events.list().data == []
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client(fake).v1.events.list({"ending_before": cursor})
    assert (refused.value.code, refused.value.http_status) == ("resource_missing", 400)


def test_sessions_are_found_by_what_stripe_filters_and_by_nothing_else(fake: FakeStripe) -> None:
    paid, waiting = fake.sell(), fake.sell(pay="later")
    subscribed = fake.sell(mode="subscription")
    lost = fake.open()["id"]
    fake.expire(lost)
    sessions = client(fake).v1.checkout.sessions

    def found(**given: Any) -> list[str]:
        return [one.id for one in sessions.list(given).data]  # type: ignore[arg-type]

    assert found(payment_intent=paid["payment_intent"]) == [paid["id"]]
    assert found(subscription=subscribed["subscription"]) == [subscribed["id"]]
    assert found(status="expired") == [lost]
    assert found(status="complete") == [subscribed["id"], waiting["id"], paid["id"]]
    assert found(created={"gt": fake.books.now}) == []
    with pytest.raises(stripe.InvalidRequestError, match="unknown parameter: payment_status"):
        found(payment_status="paid")


def test_a_debit_is_complete_first_and_paid_or_failed_later(fake: FakeStripe) -> None:
    good, bad = fake.sell(pay="later"), fake.sell(pay="later")
    assert (good["status"], good["payment_status"]) == ("complete", "unpaid")
    fake.money_arrives(good["id"])
    fake.money_fails(bad["id"])
    assert (fake.session(good["id"])["payment_status"], fake.session(bad["id"])["payment_status"]) == ("paid", "unpaid")
    told = [(e.type, e.body["data"]["object"]["payment_status"]) for e in fake.events() if "session" in e.type]
    assert told == [
        (COMPLETED, "unpaid"),
        (COMPLETED, "unpaid"),
        ("checkout.session.async_payment_succeeded", "paid"),
        ("checkout.session.async_payment_failed", "unpaid"),
    ]


def test_what_costs_nothing_needs_no_payment(fake: FakeStripe) -> None:
    free, trial = fake.sell(pay="free"), fake.sell(mode="subscription", trial_days=14)
    saved = fake.sell(mode="setup")
    for session in (free, trial, saved):
        assert (session["status"], session["payment_status"]) == ("complete", "no_payment_required")
    assert (free["amount_total"], free["total_details"]["amount_discount"], saved["amount_total"]) == (0, 4900, None)


def test_refunds_add_up_and_a_pending_one_may_fail(fake: FakeStripe) -> None:
    order = fake.sell()
    fake.refund(order["id"], 1000)
    pending = fake.refund(order["id"], 900, status="pending")
    fake.settle_refund(pending["id"], "failed")
    api = client(fake).v1
    charge = api.charges.list({"payment_intent": order["payment_intent"]}).data[0]
    assert (charge.amount_refunded, charge.refunded) == (1000, False)
    listed = api.refunds.list({"payment_intent": order["payment_intent"]}).data
    assert [(one.amount, one.status) for one in listed] == [(900, "failed"), (1000, "succeeded")]
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount"):
        writer(fake).v1.refunds.create({"payment_intent": order["payment_intent"], "amount": 4000})
    fake.refund(order["id"])
    assert api.charges.retrieve(charge.id).refunded is True


def test_a_subscription_bills_its_first_period_and_the_next(fake: FakeStripe, clock: ManualClock) -> None:
    order = fake.sell(mode="subscription")
    clock.advance(30 * DAY)
    renewal = fake.renew(order["subscription"])
    fake.renew(order["subscription"], fails=True)
    api = client(fake).v1
    found = api.invoices.list({"subscription": order["subscription"]}).data
    assert [(one.billing_reason, one.status) for one in found] == [
        ("subscription_cycle", "open"),
        ("subscription_cycle", "paid"),
        ("subscription_create", "paid"),
    ]
    assert api.subscriptions.retrieve(order["subscription"]).status == "past_due"
    invoice = api.invoices.retrieve(renewal["id"], {"expand": ["payments"]})
    assert invoice.parent is not None
    assert invoice.parent.subscription_details is not None
    assert invoice.parent.subscription_details.subscription == order["subscription"]
    assert invoice.payments is not None
    assert invoice.payments.data[0].amount_paid == 4900
    fake.cancel(order["subscription"])
    assert api.subscriptions.list({"customer": order["customer"]}).data == []


def test_disputes_take_and_give_back(fake: FakeStripe) -> None:
    dispute = fake.dispute(fake.sell()["id"])
    fake.close_dispute(dispute["id"], "won")
    asked = fake.dispute(fake.sell()["id"], status="warning_needs_response")
    assert client(fake).v1.disputes.retrieve(asked["id"]).status == "warning_needs_response"
    kinds = [e.type.removeprefix("charge.dispute.") for e in fake.events() if "dispute" in e.type]
    assert kinds == ["created", "funds_withdrawn", "closed", "funds_reinstated", "created"]


def test_what_a_connected_account_sold_is_seen_in_its_name_only(fake: FakeStripe) -> None:
    fake.connect("acct_1Bakery")
    order = fake.sell(account="acct_1Bakery")
    sessions = client(fake).v1.checkout.sessions
    assert sessions.retrieve(order["id"], None, {"stripe_account": "acct_1Bakery"}).id == order["id"]
    assert sessions.retrieve(order["id"], None, {"stripe_context": "acct_1Bakery"}).id == order["id"]
    with pytest.raises(stripe.InvalidRequestError) as missing:
        sessions.retrieve(order["id"])
    assert (missing.value.http_status, missing.value.code) == (404, "resource_missing")
    with pytest.raises(stripe.PermissionError, match="does not have access to account 'acct_other'"):
        sessions.list(None, {"stripe_account": "acct_other"})


def test_test_and_live_are_two_worlds(fake: FakeStripe) -> None:
    live = fake.sell(livemode=True)
    assert live["id"].startswith("cs_live_")
    assert client(fake).v1.checkout.sessions.list().data == []
    assert client(fake, "rk_live_fakeReadOnly0001").v1.checkout.sessions.list().data[0].id == live["id"]


def test_keys_are_refused_in_stripes_words(fake: FakeStripe) -> None:
    fake.gate.restrict_all_but(fake.key, "event")
    with pytest.raises(stripe.PermissionError, match="Having the 'rak_event_read' permission") as denied:
        client(fake).v1.events.list()
    assert denied.value.http_status == 403
    with pytest.raises(stripe.PermissionError, match="rak_webhook_write"):
        client(fake).v1.webhook_endpoints.create({"url": "http://127.0.0.1:9", "enabled_events": ["*"]})
    fake.gate.refuse(fake.key)
    with pytest.raises(stripe.AuthenticationError, match=r"Invalid API Key provided: rk_test_\*+0001"):
        client(fake).v1.checkout.sessions.list()
    with pytest.raises(stripe.AuthenticationError, match="Invalid API Key"):
        client(fake, "nonsense").v1.checkout.sessions.list()


def test_faults_come_when_asked_for_and_to_whom(fake: FakeStripe) -> None:
    order = fake.sell()
    fake.fail(Fault.TOO_MANY, 500, Fault.HTML, Fault.DROP, on="/line_items")
    api = client(fake).v1.checkout.sessions
    assert api.retrieve(order["id"]).id == order["id"]
    met = []
    for _ in range(4):
        with pytest.raises(stripe.StripeError) as failed:
            api.line_items.list(order["id"])
        met.append((type(failed.value).__name__, failed.value.http_status))
    assert met == [("RateLimitError", 429), ("APIError", 500), ("APIError", 502), ("APIConnectionError", None)]
    assert len(api.line_items.list(order["id"]).data) == 1


def test_an_endpoint_takes_so_many_requests_within_a_second(fake: FakeStripe) -> None:
    order = fake.sell()
    fake.gate.per_second = 0
    with pytest.raises(stripe.RateLimitError):
        client(fake).v1.checkout.sessions.retrieve(order["id"])
    fake.gate.per_second = 25
    client(fake).v1.checkout.sessions.retrieve(order["id"])
    assert {call.endpoint for call in fake.calls} == {"GET /v1/checkout/sessions/…"}


def test_one_idempotency_key_makes_one_object(fake: FakeStripe) -> None:
    customers = writer(fake).v1.customers
    options: Any = {"idempotency_key": "k1"}
    first = customers.create({"email": "a@example.com"}, options)
    assert customers.create({"email": "a@example.com"}, options).id == first.id
    with pytest.raises(stripe.IdempotencyError):
        customers.create({"email": "b@example.com"}, options)
    assert len(customers.list().data) == 1


def test_endpoints_and_destinations_are_made_found_and_changed(fake: FakeStripe) -> None:
    api = writer(fake)
    made = api.v1.webhook_endpoints.create({"url": "http://127.0.0.1:9/hook", "enabled_events": [COMPLETED]})
    assert made.secret
    assert made.secret.startswith("whsec_")
    api.v1.webhook_endpoints.update(made.id, {"enabled_events": [COMPLETED, "refund.created"], "description": "hub"})
    (found,) = api.v1.webhook_endpoints.list().data
    assert (found.enabled_events, "secret" in found.to_dict()) == ([COMPLETED, "refund.created"], False)
    destination = api.v2.core.event_destinations.create(
        {
            "name": "hub",
            "type": "webhook_endpoint",
            "event_payload": "thin",
            "enabled_events": [f"v1.{COMPLETED}"],
            "webhook_endpoint": {"url": "http://127.0.0.1:9/thin"},
            "include": ["webhook_endpoint.signing_secret", "webhook_endpoint.url"],
        }
    )
    assert destination.webhook_endpoint is not None
    assert (destination.webhook_endpoint.signing_secret or "").startswith("whsec_")
    (listed,) = api.v2.core.event_destinations.list({"include": ["webhook_endpoint.url"]}).data
    assert listed.webhook_endpoint is not None
    assert (listed.webhook_endpoint.url, listed.webhook_endpoint.signing_secret) == ("http://127.0.0.1:9/thin", None)
    changed = api.v2.core.event_destinations.update(listed.id, {"enabled_events": ["v1.refund.created"]})
    assert changed.enabled_events == ["v1.refund.created"]


def test_a_thin_event_knows_its_object_and_its_snapshot(fake: FakeStripe) -> None:
    order = fake.sell()
    record = fake.events(COMPLETED)[0]
    event = client(fake).v2.core.events.retrieve(record.thin_id)
    raw = event.to_dict()
    assert (event.type, raw["snapshot_event"], raw["related_object"]["id"]) == (
        f"v1.{COMPLETED}",
        record.id,
        order["id"],
    )
    assert raw["related_object"]["url"] == f"/v1/checkout/sessions/{order['id']}"
