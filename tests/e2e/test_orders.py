"""Which sessions become which orders, and which orders act. A number in a name is the scenario's."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import sales
from tests.e2e.sales import session
from tests.e2e.shop import SHOP, Shop, eventually, opened

COMPLETED = "checkout.session.completed"
SUCCEEDED = "checkout.session.async_payment_succeeded"
FAILED = "checkout.session.async_payment_failed"
EXPIRED = "checkout.session.expired"
RULES = (
    SHOP
    + """
connections:
  paid file: {type: spreadsheet, file: orders.csv}
  other file: {type: spreadsheet, file: other.csv}
rules:
  - name: Paid
    when: order paid
    do:
      - spreadsheet.add_row:
          connection: paid file
          columns:
            Order: "{{ order.id }}"
            Number: "{{ order.number }}"
            Customer: "{{ customer.name | default('nobody') }}"
            E-mail: "{{ customer.email | default('no address') }}"
            Total: "{{ order.total }}"
            Currency: "{{ order.currency }}"
            Country: "{{ order.country | default('-') }}"
            Ship to: "{{ order.shipping.name | default('-') }}, {{ order.shipping.address.city | default('-') }}"
            Gift: "{{ order.metadata.gift | default('no') }}"
            Engraving: "{{ order.fields.engraving | default('none') }}"
  - name: Placed
    when: order placed
    do:
      - spreadsheet.add_row: {connection: other file, columns: {Order: "{{ order.id }}", What: placed}}
  - name: Failed
    when: payment failed
    do:
      - spreadsheet.add_row: {connection: other file, columns: {Order: "{{ order.id }}", What: failed}}
  - name: Abandoned
    when: checkout abandoned
    do:
      - spreadsheet.add_row: {connection: other file, columns: {Order: "{{ order.id }}", What: abandoned}}
"""
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with opened(tmp_path_factory.mktemp("orders"), RULES) as shop:
        shop.serve()
        yield shop


def others(shop: Shop, order: str) -> list[str]:
    return [row["What"] for row in shop.row_of(order, "other.csv")]


def marked(shop: Shop) -> None:
    """Wait for the effect of a fresh sale: events before it have been planned and their rows written too."""
    order = shop.sell(session())
    eventually("a sale gets its row", lambda: shop.row_of(order))
    shop.settle()


def paid_row(shop: Shop, order: str) -> dict[str, str]:
    eventually("the paid order gets its row", lambda: shop.row_of(order))
    (row,) = shop.row_of(order)
    return row


def test_01_an_unpaid_completed_session_waits_and_the_money_later_makes_one_row(shop: Shop) -> None:
    unpaid = session(payment_status="unpaid")
    order = shop.sell(unpaid)
    eventually("it is told as placed", lambda: others(shop, order) == ["placed"])
    marked(shop)
    assert (shop.order(order)["state"], shop.row_of(order)) == ("awaiting_payment", [])

    shop.sell(unpaid | {"payment_status": "paid"}, SUCCEEDED)
    paid_row(shop, order)
    assert shop.order(order)["state"] == "paid"


def test_02_money_that_fails_makes_no_row_and_a_late_completed_changes_nothing(shop: Shop) -> None:
    unpaid = session(payment_status="unpaid")
    order = shop.sell(unpaid)
    shop.sell(unpaid, FAILED)
    eventually("it is told as failed", lambda: "failed" in others(shop, order))
    shop.sell(unpaid)
    marked(shop)
    assert (shop.order(order)["state"], shop.row_of(order)) == ("failed", [])
    assert others(shop, order).count("failed") == 1


def test_03_an_expired_session_makes_no_row(shop: Shop) -> None:
    order = shop.sell(session(status="expired", payment_status="unpaid"), EXPIRED)
    eventually("it is told as abandoned", lambda: others(shop, order) == ["abandoned"])
    assert (shop.order(order)["state"], shop.row_of(order)) == ("expired", [])


def test_03_expired_after_paid_reverses_nothing(shop: Shop) -> None:
    paid = session()
    order = shop.sell(paid)
    paid_row(shop, order)
    shop.sell(paid | {"status": "expired", "payment_status": "unpaid"}, EXPIRED)
    marked(shop)
    assert (shop.order(order)["state"], others(shop, order)) == ("paid", [])


def test_08_a_setup_session_is_journalled_and_is_no_order(shop: Shop) -> None:
    obj = session(
        mode="setup", amount_total=None, currency=None, payment_intent=None, payment_status="no_payment_required"
    )
    event = sales.event(obj)
    assert shop.send(event).status == 200
    marked(shop)
    assert shop.row_of(obj["id"]) == []
    assert shop.hub("order", obj["id"]).code == 1
    assert event["id"] in {one["id"] for one in shop.listed("events")}


def test_11_two_events_about_one_session_make_one_row(shop: Shop) -> None:
    paid = session()
    shop.sell(paid)
    order = shop.sell(paid)
    paid_row(shop, order)
    marked(shop)
    assert len(shop.row_of(order)) == 1


@pytest.mark.parametrize("types", [(COMPLETED, SUCCEEDED), (SUCCEEDED, COMPLETED)])
def test_12_completed_and_async_payment_succeeded_of_one_session_make_one_row(
    shop: Shop, types: tuple[str, str]
) -> None:
    paid = session()
    for type_ in types:
        shop.sell(paid, type_)
    order = paid["id"]
    paid_row(shop, order)
    marked(shop)
    assert len(shop.row_of(order)) == 1


def test_21_the_money_may_be_told_before_the_completion(shop: Shop) -> None:
    unpaid = session(payment_status="unpaid")
    order = shop.sell(unpaid | {"payment_status": "paid"}, SUCCEEDED)
    paid_row(shop, order)
    shop.sell(unpaid)
    marked(shop)
    assert (shop.order(order)["state"], len(shop.row_of(order)), others(shop, order)) == ("paid", 1, [])


def test_17_the_first_invoice_of_a_subscription_does_not_fulfil_it_again(shop: Shop) -> None:
    started = session(mode="subscription", payment_intent=None, subscription="sub_17", invoice="in_17")
    order = shop.sell(started)
    parent = {"type": "subscription_details", "subscription_details": {"subscription": "sub_17", "metadata": {}}}
    invoice = {
        "id": "in_17",
        "object": "invoice",
        "billing_reason": "subscription_create",
        "parent": parent,
        "livemode": False,
    }
    assert shop.send(sales.event(invoice, "invoice.paid")).status == 200
    paid_row(shop, order)
    marked(shop)
    assert len(shop.row_of(order)) == 1


@pytest.mark.parametrize(
    "changes", [{"amount_total": 0}, {"mode": "subscription", "payment_intent": None, "subscription": "sub_1"}]
)
def test_20_an_order_that_needs_no_payment_makes_one_row(shop: Shop, changes: sales.Json) -> None:
    order = shop.sell(session(payment_status="no_payment_required", **changes))
    paid_row(shop, order)
    assert shop.order(order)["state"] == "paid"


def bare(obj: sales.Json, *names: str) -> sales.Json:
    return {key: value for key, value in obj.items() if key not in names}


def test_31_what_old_and_small_payloads_leave_out_is_replaced_by_the_rules_defaults(shop: Shop) -> None:
    obj = bare(session(customer=None, custom_fields=[]), "customer_details", "metadata", "total_details", "livemode")
    assert shop.send(bare(sales.event(obj), "request", "livemode", "api_version", "pending_webhooks")).status == 200
    row = paid_row(shop, obj["id"])
    assert (row["Customer"], row["E-mail"], row["Gift"], row["Engraving"]) == ("nobody", "no address", "no", "none")


ADDRESS = {"city": "Braga", "country": "PT", "line1": "Rua Dois 2", "line2": None, "postal_code": "4700", "state": None}
PARCEL = {"address": ADDRESS, "name": "Rui Núñez"}
SHAPES: dict[str, sales.Json] = {
    "2020-03-02": {
        "shipping": PARCEL,
        "display_items": [{"amount": 4900, "currency": "eur", "quantity": 1, "type": "custom"}],
    },
    "2020-08-27": {"shipping": PARCEL, "shipping_rate": None},
    "2022-11-15": {"shipping_details": PARCEL},
    "2025-02-24.acacia": {"shipping_details": PARCEL, "collected_information": {"shipping_details": PARCEL}},
    "2025-03-31.basil": {"collected_information": {"shipping_details": PARCEL}},
    sales.NEWEST: {
        "collected_information": {"business_name": None, "individual_name": None, "shipping_details": PARCEL}
    },
}


@pytest.mark.parametrize("version", SHAPES)
def test_32_a_session_of_any_api_version_gives_the_same_row(shop: Shop, version: str) -> None:
    choice = [
        {"key": "engraving", "type": "text", "text": {"value": "For you"}, "label": {"custom": "E", "type": "custom"}}
    ]
    obj = bare(session(custom_fields=choice, metadata={"gift": "yes"}), "collected_information") | SHAPES[version]
    assert shop.send(sales.event(obj, api_version=version)).status == 200
    row = paid_row(shop, obj["id"])
    expected = {
        "Customer": "Ana Núñez",
        "E-mail": "ana@example.com",
        "Total": "49.00",
        "Currency": "EUR",
        "Country": "PT",
    }
    expected |= {"Ship to": "Rui Núñez, Braga", "Gift": "yes", "Engraving": "For you"}
    assert {name: row[name] for name in expected} == expected


AMOUNTS = [
    ("jpy", 500, "500"), ("usd", 500, "5.00"), ("kwd", 5120, "5.120"), ("isk", 500, "5"), ("ugx", 500, "5"),
    ("huf", 50000, "500.00"), ("twd", 50000, "500.00"), ("mga", 500, "500"), ("eur", 1, "0.01"), ("bhd", 10, "0.010"),
    ("clp", 99999999, "99999999"), ("usd", 99999999, "999999.99"), ("krw", 0, "0"), ("xof", 12, "12"),
]  # fmt: skip


@pytest.mark.parametrize(("currency", "amount", "written"), AMOUNTS)
def test_34_amounts_are_written_in_the_currencys_own_digits(
    shop: Shop, currency: str, amount: int, written: str
) -> None:
    order = shop.sell(session(currency=currency, amount_total=amount, amount_subtotal=amount))
    row = paid_row(shop, order)
    assert (row["Total"], row["Currency"]) == (written, currency.upper())
    found = shop.order(order)
    assert (found["total"], found["currency"]) == (written, currency.upper())


def test_35_the_row_shows_what_the_shop_booked_and_not_what_the_buyer_saw(shop: Shop) -> None:
    order = shop.sell(session(presentment_details={"presentment_amount": 812345, "presentment_currency": "jpy"}))
    row = paid_row(shop, order)
    assert (row["Total"], row["Currency"]) == ("49.00", "EUR")


def test_orders_get_running_numbers_of_their_own(shop: Shop) -> None:
    first, second = shop.sell(session()), shop.sell(session())
    paid_row(shop, first), paid_row(shop, second)
    numbers = [int(row["Number"]) for row in shop.rows()]
    assert len(set(numbers)) == len(numbers)


OTHER_EVENTS: dict[str, sales.Json] = {
    "charge.succeeded": {"id": "ch_1", "object": "charge", "amount": 100, "currency": "usd", "refunds": {"data": []}},
    "charge.captured": {"id": "ch_2", "object": "charge", "amount": 100, "currency": "usd", "payment_intent": None},
    "charge.refunded": {"id": "ch_3", "object": "charge", "amount": 100, "amount_refunded": 100, "refunded": True},
    "charge.dispute.created": {"id": "dp_1", "object": "dispute", "amount": 100, "charge": "ch_3", "status": "lost"},
    "charge.dispute.closed": {
        "id": "dp_2",
        "object": "dispute",
        "status": "warning_closed",
        "payment_intent": "pi_none",
    },
    "refund.created": {
        "id": "re_1",
        "object": "refund",
        "amount": 1,
        "currency": "usd",
        "charge": None,
        "status": "pending",
    },
    "refund.failed": {"id": "re_1", "object": "refund", "amount": 1, "currency": "usd", "status": "failed"},
    "payment_intent.succeeded": {"id": "pi_9", "object": "payment_intent", "amount": 1, "charges": {"data": [{}]}},
    "invoice.paid": {
        "id": "in_1",
        "object": "invoice",
        "subscription": "sub_1",
        "billing_reason": "subscription_cycle",
    },
    "customer.subscription.created": {
        "id": "sub_1",
        "object": "subscription",
        "status": "active",
        "items": {"data": []},
    },
    "customer.subscription.updated": {
        "id": "sub_1",
        "object": "subscription",
        "plan": {"id": "gold", "object": "plan"},
    },
    "customer.deleted": {"id": "cus_1", "object": "customer", "deleted": True},
    "payout.paid": {"id": "po_1", "object": "payout", "amount": 1, "currency": "usd"},
    "balance.available": {"object": "balance", "available": [{"amount": 1, "currency": "usd"}]},
    "account.application.deauthorized": {"id": "ca_1", "object": "application", "name": "Hub"},
    "payment_link.created": {"id": "plink_1", "object": "payment_link", "active": True},
}


@pytest.mark.parametrize("version", [None, "2016-03-07", "2020-08-27", sales.NEWEST])
def test_events_of_every_other_kind_are_taken_and_make_neither_orders_nor_rows(shop: Shop, version: str | None) -> None:
    before = len(shop.listed("orders"))
    for type_, obj in OTHER_EVENTS.items():
        assert shop.send(sales.event(obj, type_, api_version=version)).status == 200, type_
    marked(shop)
    assert len(shop.listed("orders")) == before + 1
    assert {one["state"] for one in shop.deliveries()} == {"succeeded"}


def test_a_sale_from_before_the_hubs_first_start_is_recorded_and_not_acted_on(shop: Shop) -> None:
    earlier = int(time.time()) - 7200
    obj = session(created=earlier)
    event = sales.event(obj, created=earlier)
    assert shop.send(event).status == 200
    marked(shop)
    assert (shop.order(obj["id"])["state"], shop.row_of(obj["id"])) == ("paid", [])
    assert shop.hub("replay", event["id"]).code == 0
    eventually("it is acted on when a person asks", lambda: len(shop.row_of(obj["id"])) == 1)


def test_money_that_arrives_after_the_first_start_counts_although_the_checkout_was_opened_before(shop: Shop) -> None:
    order = shop.sell(session(created=int(time.time()) - 900))
    paid_row(shop, order)


def test_34_an_account_whose_ugandan_shillings_are_whole_says_so_in_the_settings(tmp_path: Path) -> None:
    with opened(tmp_path, RULES, HUB_CURRENCY_DECIMALS="UGX:0") as other:
        other.serve()
        order = other.sell(session(currency="ugx", amount_total=500))
        assert paid_row(other, order)["Total"] == "500"
