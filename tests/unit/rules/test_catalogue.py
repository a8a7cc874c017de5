"""The one table: every field can be pretended, fetched, documented; every name of Stripe's is Stripe's."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from hub import own_events
from hub.money import Money
from hub.rules import catalogue, samples, stripe_types
from hub.rules.filters import FILTERS
from hub.rules.shop import Shop
from hub.rules.types import Field, Kind
from tests.unit.rules.shop import messages, order, rendered, ruleset

FIELDS = [
    (path, field)
    for root in catalogue.ROOTS
    for path, field in catalogue.fields_below(root, catalogue.ROOTS[root])
    if field.type.open is None
]
SOURCES = {
    "event",
    "line_items",
    "discount",
    "subscriber",
    "payment_intent",
    "customer",
    "subscription",
    "invoice",
    "product",
    "session",
}
PYTHON = {
    Kind.TEXT: str, Kind.WORDS: str, Kind.COUNTRY: str, Kind.CURRENCY: str, Kind.NUMBER: int, Kind.AMOUNT: Money,
    Kind.DATE: datetime, Kind.YES_NO: bool, Kind.LIST: list,
}  # fmt: skip


@pytest.mark.parametrize("field", [field for _, field in FIELDS], ids=[path for path, _ in FIELDS])
def test_every_field_has_a_help_a_source_and_a_sample(field: Field) -> None:
    assert field.help
    assert field.source in SOURCES
    # An amount's currency is the shop's; a list of groups is made of its group's samples.
    assert field.sample or field.type.kind in {Kind.CURRENCY, Kind.LIST}


@pytest.mark.parametrize("name", catalogue.TRIGGERS)
def test_every_trigger_has_a_sample_with_values_of_the_right_types(name: str) -> None:
    trigger = catalogue.TRIGGERS[name]
    context = samples.context(trigger, Shop(currency="JPY"))
    for root in (*trigger.roots, "event", "account"):
        for path, field in catalogue.fields_below(root, catalogue.ROOTS[root]):
            value = _value(context, path)
            if field.typical and field.type.open is None:
                assert isinstance(value, PYTHON[field.type.kind]), path
            if isinstance(value, Money):
                assert value.currency == "JPY"


def _value(context: dict[str, Any], path: str) -> Any:
    value: Any = context
    for part in path.removesuffix(".*").split("."):
        value = value[part]
    return value


def test_stripe_sends_every_event_that_a_trigger_is_made_of() -> None:
    own = {own_events.STOCK_LOW, own_events.STOCK_SOLD_OUT, own_events.CODES_LOW, own_events.ORDER_SHIPPED}
    events = {one for trigger in catalogue.TRIGGERS.values() for one in trigger.events}
    assert own <= events
    unknown = [one for one in events - own if not stripe_types.is_known(one)]
    assert unknown == []


def test_the_raw_object_of_every_trigger_has_known_fields() -> None:
    for trigger in catalogue.TRIGGERS.values():
        if trigger.object:
            assert "id" in stripe_types.raw_type(trigger.object).fields


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("raw.customer_details.email", None),
        ("raw.customer_details.emial", "X02"),
        ("raw.shipping_detials", "X02"),
        ("raw.collected_information.shipping_details.address.postal_code", None),
        ("raw.metadata.anything_at_all", None),
        ("raw.custom_fields[0].text.value", None),
        ("raw.line_items.data[0].price.product.name", None),
        ("raw.status.x", "X02"),
        ("raw.custom_text.submit.message", None),
    ],
)
def test_paths_into_stripes_own_object_are_checked_too(path: str, code: str | None) -> None:
    text = f"""
  - name: Rule
    when: order paid
    do: [{{slack.message: {{channel: "#a", text: "Now: {{{{ {path} }}}}"}}}}]
"""
    assert [one.split()[0] for one in messages(text)] == ([code] if code else [])


def test_the_fields_file_names_the_version_it_was_made_from() -> None:
    assert stripe_types.version().count(".") == 2


@pytest.mark.parametrize("name", FILTERS)
def test_every_filters_example_can_be_used(name: str) -> None:
    assert rendered(FILTERS[name].example) != ""


def test_what_follows_from_a_changed_field_follows() -> None:
    rules = ruleset(
        """
  - name: Rule
    when: order paid
    do: [{slack.message: {channel: "#a", text: Hello}}]
"""
    )
    items = [{"sku": "A", "name": "First", "quantity": 2}, {"sku": "B", "name": "Second", "quantity": 3}]
    found = order(rules, {"order.items": items, "customer.name": "Bo Li", "order.total": Money(Decimal(9), "JPY")})
    assert found["order"]["item_count"] == 5
    assert found["order"]["skus"] == ["A", "B"]
    assert found["order"]["product_names"] == ["First", "Second"]
    assert found["customer"]["first_name"] == "Bo"
    assert found["order"]["currency"] == "JPY"
    moved = order(rules, {"order.shipping.address.country": "NO"})
    assert moved["order"]["country"] == "NO"
    assert moved["order"]["shipping"]["label"].endswith("NO")
