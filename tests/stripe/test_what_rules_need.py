"""What events leave out is read from Stripe: once, only where a rule needs it, and also for thin notifications."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stripe as sdk

from hub.testing.events import Item
from hub.testing.stripe import FakeStripe
from tests.e2e.shop import SHOP
from tests.stripe.moving import START, MovingShop, moving

BOX = Item("Tea box", "TEA-01", 1900, 1)


def rules(**rows: str) -> str:
    """A rule for each trigger (``_`` for a space): it writes a row into a file of its own, with this text in it."""
    connections = "".join(f"\n  {name}: {{type: spreadsheet, file: {name}.csv}}" for name in rows)
    written = "".join(
        f"""
  - name: {name}
    when: {name.replace("__", ".").replace("_", " ")}
    do: [{{spreadsheet.add_row: {{connection: {name}, columns: {{Seen: {text!r}}}}}}}]"""
        for name, text in rows.items()
    )
    return f"{SHOP}connections:{connections}\nrules:{written}\n"


@pytest.fixture
def shops(tmp_path: Path) -> Iterator[Any]:
    """Opens a shop with given rules; one a test."""
    opened = []

    def open_(text: str, **settings: str) -> MovingShop:
        context = moving(tmp_path, text, START, STRIPE_POLL_SECONDS="0", **settings)
        opened.append(context)
        return context.__enter__()

    yield open_
    for one in opened:
        one.__exit__(None, None, None)


def seen(shop: MovingShop, file: str) -> list[str]:
    return [row["Seen"] for row in shop.rows(f"{file}.csv")]


def subscribed_without_checkout(fake: FakeStripe) -> str:
    """A subscription that the shop's own software made, with Stripe's package."""
    client = sdk.StripeClient("sk_test_fakeFullKeyOfTheShop0001", base_addresses={"api": fake.url}).v1
    buyer = client.customers.create({"name": "Bo Li", "email": "bo@example.com"})
    product = client.products.create({"name": "Monthly box"})
    price = client.prices.create(
        {"currency": "eur", "unit_amount": 1900, "recurring": {"interval": "month"}, "product": product.id}
    )
    return client.subscriptions.create({"customer": buyer.id, "items": [{"price": price.id}]}).id


def test_how_it_was_paid_and_its_receipt_come_from_the_payment(shops: Any) -> None:
    shop = shops(rules(order_paid="{{ order.payment_method }} {{ order.receipt_url }}"))
    order = shop.stripe.sell()
    shop.deliver()
    (told,) = seen(shop, "order_paid")
    assert told.startswith("card https://")
    shop.stripe.tell_again(shop.stripe.events("checkout.session.completed")[0].id)
    shop.deliver()
    assert len(shop.stripe.asked(order["payment_intent"])) == 1
    assert shop.stripe.asked("/line_items") == []


def test_of_a_subscription_the_first_invoices_payment_counts(shops: Any) -> None:
    shop = shops(rules(order_paid="{{ order.payment_method }} {{ order.receipt_url }}"))
    shop.stripe.sell(BOX, mode="subscription")
    shop.deliver()
    assert seen(shop, "order_paid")[0].startswith("card https://")


def test_a_free_order_has_no_payment_and_waits_for_none(shops: Any) -> None:
    shop = shops(rules(order_paid="{{ order.receipt_url | default('free') }}"))
    shop.stripe.sell(pay="free")
    shop.deliver()
    assert seen(shop, "order_paid") == ["free"]


def test_metadata_of_the_customer_is_read_anew_for_each_event(shops: Any) -> None:
    level = "{{ customer.metadata.level | default('none') }}"
    shop = shops(rules(order_paid=level, order_refunded=level))
    fake = shop.stripe
    session = fake.sell(customer_creation="always")
    fake.change(session["customer"], {"metadata": {"level": "gold"}})
    shop.deliver()
    fake.change(session["customer"], {"metadata": {"level": "silver"}})
    fake.refund(session["payment_intent"])
    shop.deliver()
    assert (seen(shop, "order_paid"), seen(shop, "order_refunded")) == (["gold"], ["silver"])


def test_a_guest_has_no_metadata_and_is_not_asked_for(shops: Any) -> None:
    shop = shops(rules(order_paid="{{ customer.metadata.level | default('guest') }}"))
    shop.stripe.sell()
    shop.deliver()
    assert seen(shop, "order_paid") == ["guest"]
    assert shop.stripe.asked("/v1/customers") == []


def test_a_promotion_code_is_named_as_the_buyer_typed_it(shops: Any) -> None:
    shop = shops(rules(order_paid="{{ order.discount_code | default('none') }}"))
    shop.stripe.sell(discount_percent=10, discount_code="WELCOME10")
    shop.stripe.sell(discount_percent=20)
    shop.stripe.sell()
    shop.deliver()
    assert sorted(seen(shop, "order_paid")) == ["COUPON20", "WELCOME10", "none"]


def test_a_subscription_without_a_checkout_tells_its_plan_and_its_customer(shops: Any) -> None:
    shop = shops(rules(subscription_started="{{ subscription.plan }} for {{ customer.name }}, {{ customer.email }}"))
    subscribed_without_checkout(shop.stripe)
    shop.deliver()
    assert seen(shop, "subscription_started") == ["Monthly box for Bo Li, bo@example.com"]


def test_a_renewal_tells_of_a_subscription_that_was_there_before_the_hub(shops: Any) -> None:
    shop = shops(rules(subscription_renewed="{{ subscription.plan }} {{ subscription.interval }} {{ invoice.total }}"))
    shop.endpoint.enabled = False
    subscription = subscribed_without_checkout(shop.stripe)
    shop.endpoint.enabled = True
    shop.stripe.renew(subscription)
    shop.deliver()
    assert seen(shop, "subscription_renewed") == ["Monthly box month 19.00"]


def test_a_refund_asks_for_what_its_sale_never_needed(shops: Any) -> None:
    shop = shops(rules(order_refunded="{{ order.skus | join(' ') }} {{ order.receipt_url }}"))
    session = shop.stripe.sell(Item("Blue mug", "MUG-01", 2450, 2))
    shop.deliver()
    assert shop.stripe.asked(session["payment_intent"]) == []
    shop.stripe.refund(session["payment_intent"])
    shop.deliver()
    assert seen(shop, "order_refunded")[0].startswith("MUG-01 https://")


def test_a_raw_customer_event_knows_its_customer(shops: Any) -> None:
    shop = shops(rules(customer__updated="{{ customer.email }} {{ customer.metadata.level }}"))
    session = shop.stripe.sell(customer_creation="always")
    client = sdk.StripeClient("sk_test_fakeFullKeyOfTheShop0001", base_addresses={"api": shop.stripe.url}).v1
    client.customers.update(session["customer"], {"metadata": {"level": "gold"}})
    shop.deliver()
    assert seen(shop, "customer__updated") == ["ana@example.com gold"]


def test_without_a_key_rules_that_need_more_wait_with_the_reason_and_others_run(shops: Any) -> None:
    shop = shops(rules(order_paid="{{ order.receipt_url }}", checkout_abandoned="{{ order.id }}"), STRIPE_API_KEY="")
    shop.stripe.sell()
    shop.stripe.expire(shop.stripe.open()["id"])
    shop.deliver()
    assert (len(seen(shop, "order_paid")), len(seen(shop, "checkout_abandoned"))) == (0, 1)
    ((note,),) = shop.query("SELECT note FROM plannings WHERE due_at IS NOT NULL")
    assert "STRIPE_API_KEY" in note


EVERY = rules(
    order_paid="{{ order.total }}",
    order_refunded="{{ refund.amount }} of {{ order.total }}",
    dispute_opened="{{ dispute.reason }}",
    subscription_started="{{ subscription.plan }} {{ customer.email }}",
    subscription_changed="{{ subscription.quantity }}",
    subscription_renewed="{{ invoice.total }} {{ subscription.plan }}",
    cancellation_scheduled="{{ subscription.id }}",
    subscription_cancelled="{{ subscription.status }}",
    payout_paid="{{ raw.amount }}",
)


@pytest.mark.parametrize("both", [False, True], ids=["thin alone", "thin beside snapshots"])
def test_thin_notifications_tell_the_whole_life_of_a_sale(shops: Any, both: bool) -> None:
    shop = shops(EVERY)
    fake = shop.stripe
    shop.speak_thin(beside_snapshots=both)
    sold, disputed = fake.sell(), fake.sell()
    subscription = fake.sell(BOX, mode="subscription")["subscription"]
    shop.deliver()
    fake.refund(sold["payment_intent"], 1000)
    fake.dispute(disputed["payment_intent"])
    fake.change_subscription(subscription, quantity=3)
    fake.renew(subscription)
    fake.payout(5000)
    shop.deliver()
    fake.change_subscription(subscription, cancel_at_period_end=True)
    shop.deliver()
    fake.cancel(subscription)
    shop.deliver()
    assert {name: len(seen(shop, name)) for name in ("order_paid", "order_refunded", "dispute_opened")} == {
        "order_paid": 3,
        "order_refunded": 1,
        "dispute_opened": 1,
    }
    assert seen(shop, "order_refunded")[0].startswith("10.00 of ")
    assert seen(shop, "subscription_started") == ["Tea box ana@example.com"]
    assert seen(shop, "subscription_changed") == ["3"]
    assert seen(shop, "subscription_renewed") == ["57.00 Tea box"]
    assert seen(shop, "cancellation_scheduled") == [subscription]
    assert seen(shop, "subscription_cancelled") == ["canceled"]
    assert seen(shop, "payout_paid") == ["5000"]
    assert shop.count("SELECT count(*) FROM plannings WHERE due_at IS NOT NULL") == 0


def test_thin_notifications_that_no_rule_is_about_are_not_read(shops: Any) -> None:
    shop = shops(rules(order_paid="{{ order.total }}"))
    shop.speak_thin()
    shop.stripe.sell()
    shop.stripe.payout(5000)
    shop.deliver()
    assert seen(shop, "order_paid") == ["49.00"]
    assert {call.path.split("/")[2] for call in shop.stripe.calls} == {"checkout"}


def test_a_thin_notification_of_the_other_mode_is_recorded_and_not_asked_for(shops: Any) -> None:
    shop = shops(rules(order_paid="{{ order.total }}"))
    shop.stripe.add_endpoint(shop.endpoint.url, ["v1.*"], thin=True, secret=shop.endpoint.secret, livemode=True)
    shop.stripe.sell(livemode=True)
    shop.deliver()
    assert (seen(shop, "order_paid"), shop.stripe.calls) == ([], [])
    assert shop.count("SELECT count(*) FROM plannings WHERE note LIKE 'Live and test%'") > 0


def test_the_permission_that_a_key_lacks_is_named_and_the_order_goes_on_when_it_is_given(shops: Any) -> None:
    shop = shops(rules(order_paid="{{ order.receipt_url }}"))
    fake = shop.stripe
    fake.gate.restrict_all_but(fake.key, "payment_intent")
    fake.sell()
    shop.deliver()
    ((note,),) = shop.query("SELECT note FROM plannings WHERE due_at IS NOT NULL")
    assert "403" in note
    doctor = shop.command("doctor")
    assert "Stripe, PaymentIntents" in doctor.out
    assert "rak_payment_intent_read" in doctor.out
    fake.gate.restrict_all_but(fake.key)
    shop.pass_time(3600)
    assert seen(shop, "order_paid")[0].startswith("https://")
