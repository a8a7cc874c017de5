"""Reading a Checkout Session of any API version from 2020 on: one function per thing that moved or may be missing.

Newest place first. Sources: https://docs.stripe.com/changelog, entries named at each function;
https://docs.stripe.com/api/checkout/sessions/object for the rest.
Everything here takes plain JSON objects and gives plain values; what is missing is None or empty, never an error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Json = Mapping[str, Any]

_NOTHING: Json = {}
#: Far above any amount or time in seconds, and with room for milliseconds below 2**63.
_LARGEST = 2**52


def mapping(value: object) -> Json:
    """``value`` if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else _NOTHING


def text(value: object) -> str | None:
    """``value`` if it is a non-empty string that every database can store, else None."""
    if not isinstance(value, str) or not value:
        return None
    if value.isascii() and "\x00" not in value:
        return value
    # A lone surrogate cannot be written as UTF-8, and PostgreSQL has no NUL: a buyer's name must not stop an order.
    return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def integer(value: object) -> int | None:
    """``value`` if it is a whole number that a database column holds, else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST else None


def items_of(value: object) -> Sequence[Json]:
    """The objects in a Stripe list (``{"object": "list", "data": […]}``) or a plain array."""
    data = value.get("data") if isinstance(value, dict) else value
    return [one for one in data if isinstance(one, dict)] if isinstance(data, list) else []


def object_id(value: object) -> str | None:
    """The id of an expandable field: the string itself, or the ``id`` of the expanded object."""
    return text(value.get("id")) if isinstance(value, dict) else text(value)


def is_paid(session: Json) -> bool:
    """Whether the goods may go out: the money is there, or none is due (100 % coupon, free item, trial).

    https://docs.stripe.com/checkout/fulfillment: everything but ``unpaid``. A missing or new status is not paid.
    """
    return session.get("payment_status") in ("paid", "no_payment_required")


def shipping(session: Json) -> Json:
    """Name, phone and address of the recipient.

    ``collected_information.shipping_details`` since 2025-02-24, ``shipping_details`` until 2025-03-31.basil,
    ``shipping`` until 2022-11-15. A body may carry several; an empty newer one does not hide a filled older one.
    """
    collected = mapping(session.get("collected_information"))
    for found in (collected.get("shipping_details"), session.get("shipping_details"), session.get("shipping")):
        if isinstance(found, dict) and found.get("address"):
            return found
    return _NOTHING


def shipping_cost(session: Json) -> int | None:
    """What the buyer pays for shipping, in Stripe's unit: ``shipping_cost`` since 2022, else ``total_details``."""
    cost = integer(mapping(session.get("shipping_cost")).get("amount_total"))
    return cost if cost is not None else integer(mapping(session.get("total_details")).get("amount_shipping"))


def shipping_method(session: Json) -> str | None:
    """The shipping rate's name, when the rate is expanded."""
    rate = mapping(session.get("shipping_cost")).get("shipping_rate") or session.get("shipping_rate")
    return text(mapping(rate).get("display_name"))


def customer_details(session: Json) -> Json:
    """What the buyer typed at checkout."""
    return mapping(session.get("customer_details"))


def customer_email(session: Json) -> str | None:
    """``customer_details.email``; ``customer_email`` is only what the shop prefilled, the last resort."""
    return text(customer_details(session).get("email")) or text(session.get("customer_email"))


def customer_name(session: Json) -> str | None:
    """The person's name: ``individual_name`` (2025-09-30.clover and newer), else ``name``, else the recipient's."""
    details = customer_details(session)
    collected = mapping(session.get("collected_information"))
    typed = text(collected.get("individual_name")) or text(details.get("individual_name")) or text(details.get("name"))
    return typed or text(shipping(session).get("name"))


def business_name(session: Json) -> str | None:
    """The company's name, collected since 2025-09-30.clover."""
    collected = mapping(session.get("collected_information"))
    return text(collected.get("business_name")) or text(customer_details(session).get("business_name"))


def custom_fields(session: Json) -> dict[str, str]:
    """What the buyer typed or chose in Checkout's custom fields, by the field's key.

    https://docs.stripe.com/payments/checkout/custom-fields: at most three, of type text, numeric or dropdown.
    """
    values = {}
    for one in items_of(session.get("custom_fields")):
        kind, key = one.get("type"), text(one.get("key"))
        value = text(mapping(one.get(str(kind))).get("value"))
        if key and value:
            values[key] = value
    return values


def metadata(thing: Json) -> dict[str, str]:
    """Metadata as text by key; Stripe allows 50 keys of 500 characters, older or foreign bodies may hold anything."""
    return {key: value for key, raw in mapping(thing.get("metadata")).items() if (value := text(raw))}


def line_items(session: Json) -> tuple[list[Json], bool]:
    """The line items that the body itself carries, and whether that is all of them.

    Only an expanded body has ``line_items`` (its first page: ``has_more``); ``display_items`` stood in the body
    until 2020-08-27.
    """
    expanded = session.get("line_items")
    if isinstance(expanded, dict):
        return list(items_of(expanded)), expanded.get("has_more") is not True
    displayed = items_of(session.get("display_items"))
    return [_from_display_item(one) for one in displayed], bool(displayed)


def _from_display_item(one: Json) -> Json:
    """A 2020 ``display_item`` in the shape of a line item (``custom``, ``sku`` or ``plan`` holds the product)."""
    kind = mapping(one.get(str(one.get("type"))))
    amount, quantity = integer(one.get("amount")), integer(one.get("quantity"))
    total = None if amount is None else amount * (1 if quantity is None else quantity)
    return {
        "description": kind.get("name") or kind.get("nickname") or mapping(kind.get("attributes")).get("name"),
        "quantity": quantity,
        "amount_total": total,
        "currency": one.get("currency"),
        "price": {
            "id": kind.get("id"),
            "unit_amount": amount,
            "product": kind.get("product"),
            "metadata": kind.get("metadata"),
        },
    }


def amount_total(session: Json) -> int | None:
    """What the shop booked, in Stripe's unit of ``currency``; the sum of the items where a 2020 body lacks it."""
    total = integer(session.get("amount_total"))
    if total is not None or not session.get("display_items"):
        return total
    parts = [integer(one.get("amount_total")) or 0 for one in line_items(session)[0]]
    return sum(parts)


def currency(session: Json) -> str:
    """The currency of the booked amounts, upper case; "" for a session without one (``mode: setup``)."""
    found = text(session.get("currency")) or next(
        (text(one.get("currency")) for one in line_items(session)[0] if one.get("currency")), None
    )
    return (found or "").upper()
