"""The same order from bodies of any API version since 2020, and nothing that stops for a missing or hostile field."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.checkout import context, events, session
from hub.checkout.orders import COMPLETED, told_by
from hub.checkout.reading import read
from hub.model import Context, Source
from hub.money import Money

ADDRESS = {
    "line1": "12 Harbor Street",
    "line2": None,
    "city": "Portland",
    "state": "OR",
    "postal_code": "97201",
    "country": "US",
}
RECIPIENT = {"name": "Ana Núñez", "address": ADDRESS}

COMMON: dict[str, Any] = {
    "id": "cs_1",
    "object": "checkout.session",
    "mode": "payment",
    "payment_status": "paid",
    "amount_total": 4900,
    "amount_subtotal": 4900,
    "currency": "eur",
    "customer_details": {"email": "ana@example.com"},
    "metadata": {"gift": "yes"},
    "payment_intent": "pi_1",
}

#: Where the recipient stood in each generation of bodies.
GENERATIONS: dict[str, dict[str, Any]] = {
    "2020-08-27": {"shipping": RECIPIENT},
    "2022-11-15": {"shipping_details": RECIPIENT},
    "2025-02-24.acacia, both": {
        "shipping_details": RECIPIENT,
        "collected_information": {"shipping_details": RECIPIENT},
    },
    "2025-03-31.basil": {"collected_information": {"shipping_details": RECIPIENT}},
    "2026-10-28.endive": {"collected_information": {"shipping_details": RECIPIENT, "business_name": None}},
    "new place there but empty": {"shipping_details": RECIPIENT, "collected_information": {"shipping_details": None}},
}


def seen(raw: dict[str, Any], kind: str = COMPLETED) -> Context:
    """What rules see of a session, through the real path from bytes."""
    document = {"id": "evt_1", "object": "event", "type": kind, "created": 1_764_000_100, "data": {"object": raw}}
    event = events.parse(json.dumps(document).encode(), source=Source.WEBHOOK, received_at=0)
    about = events.told(event).about
    order = told_by(event, about)
    assert order is not None
    return context.of_order(about, order)


@pytest.mark.parametrize("generation", GENERATIONS)
def test_the_recipient_is_found_wherever_the_version_puts_it(generation: str) -> None:
    found = seen(COMMON | GENERATIONS[generation])
    assert found["order"]["shipping"]["name"] == "Ana Núñez"
    assert found["order"]["shipping"]["address"]["postal_code"] == "97201"
    assert found["order"]["shipping"]["label"] == "Ana Núñez\n12 Harbor Street\n97201 Portland, OR\nUS"
    assert found["order"]["country"] == "US"
    assert found["customer"]["first_name"] == "Ana"


def test_items_of_2020_are_read_like_expanded_line_items() -> None:
    custom = {"type": "custom", "custom": {"name": "Blue mug"}, "amount": 2450, "quantity": 2, "currency": "eur"}
    sku = {
        "type": "sku",
        "sku": {"id": "MUG-02", "product": "prod_2"},
        "amount": 100,
        "quantity": None,
        "currency": "eur",
    }
    order = seen(COMMON | {"amount_total": None, "display_items": [custom, sku]})["order"]
    assert [item["name"] for item in order["items"]] == ["Blue mug", None]
    assert (order["total"], order["item_count"]) == (Money(Decimal("50.00"), "EUR"), 3)
    assert order["skus"] == ["prod_2"]


def line(**changes: Any) -> dict[str, Any]:
    product = {"id": "prod_1", "name": "Mug", "metadata": {"sku": "FROM-PRODUCT"}}
    price = {"id": "price_1", "unit_amount": 2450, "product": product, "metadata": {}, "lookup_key": "LOOKUP"}
    return {
        "id": "li_1",
        "description": "Blue mug",
        "quantity": 2,
        "amount_total": 4900,
        "currency": "eur",
        "price": price,
    } | changes


def with_items(*lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    return COMMON | {"line_items": {"object": "list", "data": list(lines), "has_more": False} | more}


def test_an_expanded_line_item() -> None:
    [item] = seen(with_items(line()))["order"]["items"]
    assert item["id"] == "li_1"
    assert (item["name"], item["sku"], item["quantity"]) == ("Blue mug", "FROM-PRODUCT", 2)
    assert (item["price"], item["total"]) == (Money(Decimal("24.50"), "EUR"), Money(Decimal("49.00"), "EUR"))
    assert (item["product_id"], item["price_id"]) == ("prod_1", "price_1")


def test_the_sku_is_the_prices_else_the_products_else_the_lookup_key_else_the_product_id() -> None:
    price = line()["price"]
    plain_product = price["product"] | {"metadata": {}}
    variants = [
        price | {"metadata": {"sku": "FROM-PRICE"}},
        price,
        price | {"product": plain_product},
        price | {"product": plain_product, "lookup_key": None},
        price | {"product": "prod_9", "lookup_key": None},
    ]
    items = seen(with_items(*(line(price=one) for one in variants)))["order"]["items"]
    assert [item["sku"] for item in items] == ["FROM-PRICE", "FROM-PRODUCT", "LOOKUP", "prod_1", "prod_9"]


def test_a_line_without_quantity_or_price_is_one_piece_of_something() -> None:
    [item] = seen(with_items(line(quantity=None, price=None)))["order"]["items"]
    assert (item["quantity"], item["sku"], item["price"]) == (1, None, None)


def test_a_price_below_stripes_unit_stays_exact() -> None:
    price = line()["price"] | {"unit_amount": None, "unit_amount_decimal": "0.5"}
    [item] = seen(with_items(line(price=price)))["order"]["items"]
    assert item["price"] == Money(Decimal("0.005"), "EUR")


def test_a_first_page_of_items_is_not_taken_for_all_of_them() -> None:
    assert session.line_items(with_items(line(), has_more=True))[1] is False
    assert session.line_items(with_items(line()))[1] is True
    assert session.line_items(COMMON)[1] is False


def test_what_the_shop_booked_is_not_mixed_with_what_the_buyer_saw() -> None:
    raw = COMMON | {"presentment_details": {"presentment_amount": 5400, "presentment_currency": "usd"}}
    assert seen(raw)["order"]["total"] == Money(Decimal("49.00"), "EUR")


def test_custom_fields_are_addressed_by_key() -> None:
    fields = [
        {"key": "engraving", "type": "text", "text": {"value": "For Ana"}},
        {"key": "size", "type": "dropdown", "dropdown": {"value": "xl"}},
        {"key": "age", "type": "numeric", "numeric": {"value": "33"}},
        {"key": "left_empty", "type": "text", "text": {"value": None}},
    ]
    found = seen(COMMON | {"custom_fields": fields})["order"]["fields"]
    assert found == {"engraving": "For Ana", "size": "xl", "age": "33"}


def test_the_buyers_address_counts_for_the_country_when_nothing_is_shipped() -> None:
    details = {"email": "ana@example.com", "address": ADDRESS | {"country": "NO"}}
    assert seen(COMMON | {"customer_details": details})["order"]["country"] == "NO"


def test_the_prefilled_email_is_only_the_last_resort() -> None:
    assert seen(COMMON | {"customer_email": "old@example.com"})["customer"]["email"] == "ana@example.com"
    assert seen(COMMON | {"customer_details": None, "customer_email": "old@example.com"})["customer"]["email"] == (
        "old@example.com"
    )


def test_text_that_no_database_can_store_does_not_stop_an_order() -> None:
    found = seen(COMMON | {"customer_details": {"name": "Ana\x00\ud800", "email": "ana@example.com"}})
    found["customer"]["name"].encode("utf-8")
    assert "\x00" not in found["customer"]["name"]


junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.text(max_size=10)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
#: Everything that is read of a session.
names = sorted(
    {*COMMON} - {"object"}
    | {"collected_information", "shipping", "shipping_details", "line_items", "display_items", "custom_fields"}
    | {"discounts", "total_details", "shipping_cost", "customer", "locale", "payment_method_types", "created"}
)


@given(st.dictionaries(st.sampled_from(names), junk, max_size=6))
def test_whatever_a_field_holds_reading_an_event_never_fails(changes: dict[str, Any]) -> None:
    document = {"id": "evt_1", "object": "event", "type": COMPLETED, "created": 1, "data": {"object": COMMON | changes}}
    event = events.parse(json.dumps(document).encode(), source=Source.WEBHOOK, received_at=0)
    reading = read(event, events.told(event))
    if reading.order is not None:
        context.of_order(reading.raw, reading.order)
