"""What a rule sees of an event: Stripe's objects as plain values under the names of the rules' catalogue.

``hub.rules.catalogue`` declares the fields; a test holds the two against each other. Amounts are :class:`Money` in
main units, times aware UTC datetimes, missing values None.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from hub.checkout import session as sessions
from hub.checkout import wants
from hub.checkout.session import Json, integer, mapping, object_id, text
from hub.checkout.wants import Fetched
from hub.clock import to_datetime
from hub.model import Context, Event, Order
from hub.money import STRIPE_DECIMALS, Money, from_stripe

_DASHBOARD = "https://dashboard.stripe.com"
_NOTHING: Fetched = {}


def of_event(event: Event, raw: Json) -> Context:
    """The roots every trigger has: ``event``, ``account``, ``raw``."""
    account = event.account or None
    return {
        "event": {
            "id": event.id,
            "type": event.type,
            "at": to_datetime(event.created),
            "live": event.livemode,
            "account": account,
        },
        "account": {"id": account, "name": None},
        "raw": raw,
    }


def of_order(
    session: Json, order: Order, fetched: Fetched = _NOTHING, decimals: Mapping[str, int] = STRIPE_DECIMALS
) -> Context:
    """The roots ``order`` and ``customer`` from a Checkout Session, its stored order and what was read for it."""
    lines = [_item(one, order.currency, decimals) for one in _lines(session, fetched)]
    charge = mapping(mapping(fetched.get(wants.PAYMENT)).get("latest_charge"))
    amounts = Amounts(order.currency, decimals)
    totals = mapping(session.get("total_details"))
    recipient = sessions.shipping(session)
    language = _language(session)
    return {
        "order": {
            "id": order.id,
            "number": order.number,
            "reference": text(session.get("client_reference_id")),
            "total": amounts.money(order.total),
            "subtotal": amounts.money(session.get("amount_subtotal")),
            "tax": amounts.money(totals.get("amount_tax")),
            "discount": amounts.money(totals.get("amount_discount")),
            "currency": order.currency or None,
            "country": _country(session, recipient),
            "mode": order.mode,
            "status": text(session.get("status")),
            "paid_at": _moment(order.paid_at),
            "created_at": to_datetime(order.created_at),
            "items": lines,
            **_summary(lines),
            "metadata": sessions.metadata(session),
            "fields": sessions.custom_fields(session),
            "discount_code": _discount_code(fetched.get(wants.DISCOUNT) or session),
            "payment_method": text(mapping(charge.get("payment_method_details")).get("type"))
            or _payment_method(session),
            "payment_link": object_id(session.get("payment_link")),
            "shipping": _shipping(session, recipient, amounts),
            "dashboard_url": _dashboard_url(order),
            "receipt_url": text(charge.get("receipt_url")),
            "language": language,
        },
        "customer": _customer(session, language),
    }


def _lines(session: Json, fetched: Fetched) -> Sequence[Json]:
    """All line items: those the event carries, else those that were read; none while they are not known."""
    carried, complete = sessions.line_items(session)
    return carried if complete else fetched.get(wants.LINE_ITEMS, ())


class Amounts:
    """Stripe's whole numbers of one currency as :class:`Money`."""

    def __init__(self, currency: str, decimals: Mapping[str, int]) -> None:
        self._currency, self._decimals = currency, decimals

    def money(self, units: object) -> Money | None:
        whole = integer(units)
        return None if whole is None or not self._currency else from_stripe(whole, self._currency, self._decimals)


def _summary(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What can be said of all items together; an item without a quantity counts as one piece."""
    return {
        "item_count": sum(line["quantity"] for line in lines),
        "skus": _distinct([line["sku"] for line in lines]),
        "product_names": _distinct([line["name"] for line in lines]),
        "product_ids": _distinct([line["product_id"] for line in lines]),
        "price_ids": _distinct([line["price_id"] for line in lines]),
    }


def _distinct(values: Sequence[str | None]) -> list[str]:
    return list(dict.fromkeys(filter(None, values)))


def _item(line: Json, order_currency: str, decimals: Mapping[str, int]) -> dict[str, Any]:
    """One line item. ``quantity`` and ``price`` are nullable at Stripe; a missing quantity means one piece."""
    price = mapping(line.get("price"))
    product = mapping(price.get("product"))
    currency = (text(line.get("currency")) or order_currency).upper()
    amounts = Amounts(currency, decimals)
    quantity = integer(line.get("quantity"))
    product_id = object_id(price.get("product"))
    return {
        "id": text(line.get("id")),
        "name": text(line.get("description")) or text(product.get("name")),
        "description": text(product.get("description")),
        "sku": _sku(price, product, product_id),
        "quantity": 1 if quantity is None else quantity,
        "price": _unit_price(price, currency, decimals),
        "total": amounts.money(line.get("amount_total")),
        "currency": currency or None,
        "product_id": product_id,
        "price_id": text(price.get("id")),
        "metadata": {**sessions.metadata(product), **sessions.metadata(price)},
    }


def _sku(price: Json, product: Json, product_id: str | None) -> str | None:
    """The price's metadata ``sku``, else the product's, else the price's lookup key, else the product id."""
    return (
        sessions.metadata(price).get("sku")
        or sessions.metadata(product).get("sku")
        or text(price.get("lookup_key"))
        or product_id
    )


def sku_of(line: Json) -> str | None:
    """The SKU of a line item."""
    price = mapping(line.get("price"))
    return _sku(price, mapping(price.get("product")), object_id(price.get("product")))


def product_sku(price: Json, product: Json) -> str:
    """The SKU that an order's line has for a product of the shop."""
    return _sku(price, product, object_id(product)) or ""


def _unit_price(price: Json, currency: str, decimals: Mapping[str, int]) -> Money | None:
    """``unit_amount``, or ``unit_amount_decimal`` for prices below Stripe's unit (0.5 cents)."""
    whole = Amounts(currency, decimals).money(price.get("unit_amount"))
    exact = price.get("unit_amount_decimal")
    if whole is not None or not currency or not isinstance(exact, str | Decimal):
        return whole
    try:
        units = Decimal(exact)
    except ArithmeticError:
        return None
    return Money(units.scaleb(-decimals.get(currency, 2)), currency) if units.is_finite() else None


def _shipping(session: Json, recipient: Json, amounts: Amounts) -> dict[str, Any]:
    where = address(recipient.get("address"))
    name = text(recipient.get("name"))
    return {
        "name": name,
        "phone": text(recipient.get("phone")) or text(sessions.customer_details(session).get("phone")),
        "method": sessions.shipping_method(session),
        "cost": amounts.money(sessions.shipping_cost(session)),
        "address": where,
        "label": _label(name, where),
    }


_ADDRESS = ("line1", "line2", "city", "state", "postal_code", "country")


def address(value: object) -> dict[str, Any]:
    """Stripe's address in the parts that rules know; all None for none."""
    parts = mapping(value)
    get = parts.get
    return {part: text(get(part)) for part in _ADDRESS}


def _label(name: str | None, address: Mapping[str, Any]) -> str | None:
    """The address as it stands on a parcel, one line each; None without an address."""
    town = " ".join(part for part in (address["postal_code"], address["city"]) if part)
    region = ", ".join(part for part in (town, address["state"]) if part)
    lines = [name, address["line1"], address["line2"], region, address["country"]]
    return "\n".join(line for line in lines if line) if address["line1"] or region else None


def _country(session: Json, recipient: Json) -> str | None:
    """The country of delivery when there is a shipping address, else of the bill."""
    delivered = text(mapping(recipient.get("address")).get("country"))
    return delivered or text(mapping(sessions.customer_details(session).get("address")).get("country"))


def _customer(session: Json, language: str | None) -> dict[str, Any]:
    details = sessions.customer_details(session)
    name = sessions.customer_name(session)
    tax_ids = sessions.items_of(details.get("tax_ids"))
    return {
        "id": object_id(session.get("customer")) or text(session.get("customer_account")),
        "name": name,
        "first_name": name.split()[0] if name and name.split() else None,
        "email": sessions.customer_email(session),
        "phone": text(details.get("phone")),
        "country": text(mapping(details.get("address")).get("country")),
        "business_name": sessions.business_name(session),
        "tax_id": text(tax_ids[0].get("value")) if tax_ids else None,
        "address": address(details.get("address")),
        "language": language,
        "metadata": {},
    }


def _language(session: Json) -> str | None:
    """Checkout's locale, when it is a language (``auto`` is not)."""
    locale = text(session.get("locale"))
    return None if locale == "auto" else locale


def _payment_method(session: Json) -> str | None:
    """Known from the session only where one kind was possible; else it takes a look at the payment."""
    kinds = session.get("payment_method_types")
    return text(kinds[0]) if isinstance(kinds, list) and len(kinds) == 1 else None


def _discount_code(session: Json) -> str | None:
    """The promotion code, where the session names it (an id unless expanded)."""
    for discount in sessions.items_of(session.get("discounts")):
        promotion = discount.get("promotion_code")
        code = text(mapping(promotion).get("code")) or object_id(promotion) or object_id(discount.get("coupon"))
        if code:
            return code
    return None


def _dashboard_url(order: Order) -> str:
    """The order in Stripe's Dashboard: its payment, its subscription, or the list of payments."""
    account = f"/{order.account}" if order.account else ""
    mode = "" if order.livemode else "/test"
    where = f"payments/{order.payment_intent}" if order.payment_intent else "payments"
    if order.subscription and not order.payment_intent:
        where = f"subscriptions/{order.subscription}"
    return f"{_DASHBOARD}{account}{mode}/{where}"


def _moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else to_datetime(milliseconds)
