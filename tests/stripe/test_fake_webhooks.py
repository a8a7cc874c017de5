"""The fake's webhooks, checked by Stripe's own package: signatures, retries, and all that goes wrong on the way."""

from __future__ import annotations

import json

import pytest
import stripe

from hub.clock import ManualClock
from hub.testing.stripe import Endpoint, FakeStripe
from tests.e2e.peers import OK, Call, Peer, Reply
from tests.e2e.shop import eventually

COMPLETED = "checkout.session.completed"
SIGNATURE = "stripe-signature"


def add(fake: FakeStripe, hook: Peer, **options: object) -> Endpoint:
    return fake.add_endpoint(f"{hook.base}/hook", **options)  # type: ignore[arg-type]


def verified(call: Call, endpoint: Endpoint, now: int) -> str:
    """The event's id, when Stripe's package accepts the signature."""
    stripe.WebhookSignature.verify_header(call.body.decode(), call.headers[SIGNATURE], endpoint.secret, None)
    assert f"t={now}," in call.headers[SIGNATURE]
    identity: str = call.json["id"]
    return identity


def test_snapshots_are_signed_and_carry_the_object(fake: FakeStripe, hook: Peer) -> None:
    endpoint = add(fake, hook, events=[COMPLETED])
    order = fake.sell()
    assert fake.deliver() == 1
    (call,) = hook.calls
    event = stripe.Webhook.construct_event(call.body, call.headers[SIGNATURE], endpoint.secret, tolerance=10**10)
    assert (event.type, event.data.object["id"]) == (COMPLETED, order["id"])
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.WebhookSignature.verify_header(call.body.decode() + " ", call.headers[SIGNATURE], endpoint.secret, None)


def test_thin_notifications_name_the_object(fake: FakeStripe, hook: Peer) -> None:
    endpoint = add(fake, hook, events=[f"v1.{COMPLETED}"], thin=True)
    order = fake.sell()
    fake.deliver()
    (call,) = hook.calls
    client = stripe.StripeClient(fake.key, base_addresses={"api": fake.url})
    told = client.parse_event_notification(call.body, call.headers[SIGNATURE], endpoint.secret, tolerance=10**10)
    assert told.type == f"v1.{COMPLETED}"
    assert told.fetch_related_object().id == order["id"]  # type: ignore[union-attr]
    assert "data" not in call.json


def test_a_failed_webhook_comes_again_with_a_new_signature(fake: FakeStripe, hook: Peer, clock: ManualClock) -> None:
    endpoint = add(fake, hook, events=[COMPLETED])
    hook.plan = lambda _call: Reply(503) if len(hook.calls) < 3 else OK
    fake.sell()
    ids = set()
    for _ in range(6):
        if fake.deliver():
            ids.add(verified(hook.calls[-1], endpoint, fake.books.now))
        clock.advance(3600)
    assert (len(hook.calls), len(ids), len({call.headers[SIGNATURE] for call in hook.calls})) == (3, 1, 3)
    assert fake.events(COMPLETED)[0].waiting == set()


@pytest.mark.parametrize(("livemode", "tries", "days"), [(False, 4, 1), (True, 11, 4)])
def test_stripe_gives_up_in_the_end(
    fake: FakeStripe, hook: Peer, clock: ManualClock, livemode: bool, tries: int, days: int
) -> None:
    add(fake, hook, events=[COMPLETED], livemode=livemode)
    hook.plan = lambda _call: Reply(302, headers={"Location": "/elsewhere"})
    fake.sell(livemode=livemode)
    for _ in range(days * 24 * 60):
        fake.deliver()
        clock.advance(60)
    assert [one.status for one in fake.posted] == [302] * tries
    assert fake.office.next_due() is None
    undelivered = stripe.StripeClient(
        "rk_live_fakeReadOnly0001" if livemode else fake.key, base_addresses={"api": fake.url}
    ).v1.events.list({"delivery_success": False, "type": COMPLETED})
    assert len(undelivered.data) == 1


def test_nobody_there_is_a_failure_too(fake: FakeStripe) -> None:
    fake.add_endpoint("http://127.0.0.1:9/hook", [COMPLETED])
    fake.sell()
    fake.deliver()
    assert [one.status for one in fake.posted] == [0]
    assert fake.office.next_due() is not None


def test_while_a_secret_is_rolled_both_sign(fake: FakeStripe, hook: Peer, clock: ManualClock) -> None:
    endpoint = add(fake, hook, events=[COMPLETED])
    old = endpoint.secret
    new = fake.office.roll(endpoint)
    fake.sell()
    fake.deliver()
    both = hook.calls[-1]
    for secret in (old, new):
        stripe.WebhookSignature.verify_header(both.body.decode(), both.headers[SIGNATURE], secret, None)
    clock.advance(86_400)
    fake.sell()
    fake.deliver()
    later = hook.calls[-1]
    stripe.WebhookSignature.verify_header(later.body.decode(), later.headers[SIGNATURE], new, None)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.WebhookSignature.verify_header(later.body.decode(), later.headers[SIGNATURE], old, None)


def test_webhooks_are_lost_doubled_and_shuffled_when_asked(fake: FakeStripe, hook: Peer) -> None:
    add(fake, hook, events=[COMPLETED])
    fake.office.lost, fake.office.doubled, fake.office.shuffled, fake.office.senders = 0.1, 0.1, True, 1
    sold = [fake.sell()["id"] for _ in range(300)]
    fake.deliver()
    got = [call.json["data"]["object"]["id"] for call in hook.calls]
    assert 250 < len(set(got)) < 300
    assert len(got) > len(set(got))
    places = [sold.index(one) for one in got]
    assert places != sorted(places)


def test_the_same_event_again_and_a_second_event_for_one_thing(fake: FakeStripe, hook: Peer) -> None:
    add(fake, hook, events=[COMPLETED])
    order = fake.sell()
    fake.resend(fake.events(COMPLETED)[0].id)
    fake.tell_again(fake.events(COMPLETED)[0].id)
    fake.deliver_all()
    ids = sorted(call.json["id"] for call in hook.calls)
    assert (len(ids), len(set(ids))) == (3, 2)
    assert {call.json["data"]["object"]["id"] for call in hook.calls} == {order["id"]}


def test_a_connect_endpoint_hears_of_connected_accounts_in_both_modes(fake: FakeStripe, hook: Peer) -> None:
    add(fake, hook, events=[COMPLETED], connect=True, livemode=True)
    fake.connect("acct_1Bakery")
    fake.sell(livemode=True)
    fake.sell(account="acct_1Bakery", livemode=True)
    fake.sell(account="acct_1Bakery")
    fake.deliver()
    told = sorted((call.json["account"], call.json["livemode"]) for call in hook.calls)
    assert told == [("acct_1Bakery", False), ("acct_1Bakery", True)], "posts of one moment come in any order"


def test_a_ping_arrives_as_a_thin_notification(fake: FakeStripe, hook: Peer) -> None:
    client = stripe.StripeClient("sk_test_fakeFullKey0001", base_addresses={"api": fake.url})
    made = client.v2.core.event_destinations.create(
        {
            "name": "hub",
            "type": "webhook_endpoint",
            "event_payload": "thin",
            "enabled_events": [f"v1.{COMPLETED}"],
            "webhook_endpoint": {"url": f"{hook.base}/hook"},
        }
    )
    assert client.v2.core.event_destinations.ping(made.id).type == "v2.core.event_destination.ping"
    fake.deliver()
    assert json.loads(hook.calls[0].body)["type"] == "v2.core.event_destination.ping"


def test_on_the_machines_clock_webhooks_go_out_by_themselves(hook: Peer) -> None:
    with FakeStripe() as fake:
        add(fake, hook, events=[COMPLETED])
        fake.sell()
        eventually("the webhook is posted", lambda: fake.posted)
    assert [one.status for one in fake.posted] == [200]
