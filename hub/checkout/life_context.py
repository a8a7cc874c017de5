"""What rules see of refunds, disputes, subscriptions and invoices, under the names of the rules' catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from hub import own_events
from hub.checkout.context import Amounts, address
from hub.checkout.session import Json, integer, items_of, mapping, metadata, object_id, text
from hub.clock import to_datetime
from hub.model import Event, Order
from hub.money import Money


def refund(about: Json, order: Order | None, decimals: Mapping[str, int]) -> dict[str, Any]:
    """``full``: everything paid has been refunded, also by several parts, as far as it is on record."""
    currency = _currency(about)
    return {
        "id": text(about.get("id")),
        "amount": Amounts(currency, decimals).money(about.get("amount")),
        "currency": currency or None,
        "reason": text(about.get("reason")),
        "full": order is not None and order.total is not None and order.refunded >= order.total,
        "at": _moment(about.get("created")),
    }


def dispute(about: Json, decimals: Mapping[str, int]) -> dict[str, Any]:
    currency = _currency(about)
    return {
        "id": text(about.get("id")),
        "amount": Amounts(currency, decimals).money(about.get("amount")),
        "currency": currency or None,
        "reason": text(about.get("reason")),
        "respond_by": _moment(mapping(about.get("evidence_details")).get("due_by")),
        "status": text(about.get("status")),
    }


def subscription(about: Json, decimals: Mapping[str, int], read: Json) -> dict[str, Any]:
    """A Subscription of any version, as its event has it; of one that is known by its id alone, as it was ``read``."""
    about = about if about.get("status") else {**about, **read}
    item, price = _priced(about)
    quantity = integer(item.get("quantity")) or integer(about.get("quantity"))
    currency = _currency(about) or _currency(price)
    return {
        "id": text(about.get("id")),
        "plan": _plan(_priced(read)[1]) or _plan(price),
        "price_id": text(price.get("id")),
        "amount": _period(price, quantity or 1, currency, decimals),
        "currency": currency or None,
        "interval": text(mapping(price.get("recurring")).get("interval")) or text(price.get("interval")),
        "status": text(about.get("status")),
        "started_at": _moment(about.get("start_date")),
        # On the item since 2025-03-31.basil, on the subscription before.
        "renews_at": _moment(item.get("current_period_end") or about.get("current_period_end")),
        "ends_at": _moment(about.get("ended_at") or about.get("cancel_at")),
        "cancel_reason": text(mapping(about.get("cancellation_details")).get("feedback")),
        "trial_ends_at": _moment(about.get("trial_end")),
        "quantity": quantity,
        "metadata": metadata(about),
    }


def _priced(about: Json) -> tuple[Json, Json]:
    """The first item of a Subscription, and its price (a plan, in old versions)."""
    item: Json = next(iter(items_of(about.get("items"))), {})
    return item, mapping(item.get("price")) or mapping(item.get("plan")) or mapping(about.get("plan"))


def _plan(price: Json) -> str | None:
    return text(mapping(price.get("product")).get("name")) or text(price.get("nickname"))


def _period(price: Json, quantity: int, currency: str, decimals: Mapping[str, int]) -> Money | None:
    units = integer(price.get("unit_amount"))
    one = Amounts(currency, decimals).money(units if units is not None else price.get("amount"))
    return None if one is None else Money(one.amount * Decimal(quantity), one.currency)


def invoice(about: Json, decimals: Mapping[str, int]) -> dict[str, Any]:
    currency = _currency(about)
    amounts = Amounts(currency, decimals)
    fields = {one.get("name"): one.get("value") for one in items_of(about.get("custom_fields"))}
    return {
        "id": text(about.get("id")),
        "number": text(about.get("number")),
        "total": amounts.money(about.get("total")),
        "amount_due": amounts.money(about.get("amount_remaining", about.get("amount_due"))),
        "currency": currency or None,
        "due_at": _moment(about.get("due_date")),
        "pdf_url": text(about.get("invoice_pdf")),
        "pay_url": text(about.get("hosted_invoice_url")),
        "attempt": integer(about.get("attempt_count")),
        "next_attempt_at": _moment(about.get("next_payment_attempt")),
        "po_number": text(fields.get("PO number")) or text(fields.get("Purchase order")),
        "metadata": metadata(about),
    }


def invoiced_customer(about: Json) -> dict[str, Any]:
    """The customer as the invoice names him."""
    where = address(about.get("customer_address"))
    tax_ids = items_of(about.get("customer_tax_ids"))
    return _customer(
        id=object_id(about.get("customer")),
        name=text(about.get("customer_name")),
        email=text(about.get("customer_email")),
        phone=text(about.get("customer_phone")),
        address=where,
        tax_id=text(tax_ids[0].get("value")) if tax_ids else None,
    )


def customer(about: Json) -> dict[str, Any]:
    """A Customer: https://docs.stripe.com/api/customers/object. Of one that was deleted, the id alone is left."""
    tax_ids = items_of(about.get("tax_ids"))
    languages = about.get("preferred_locales")
    found = _customer(
        id=text(about.get("id")),
        name=text(about.get("individual_name")) or text(about.get("name")),
        email=text(about.get("email")),
        phone=text(about.get("phone")),
        business_name=text(about.get("business_name")),
        address=address(about.get("address")),
        tax_id=text(tax_ids[0].get("value")) if tax_ids else None,
        language=text(languages[0]) if isinstance(languages, list) and languages else None,
    )
    return {**found, "metadata": metadata(about)}


def customer_of(about: Json) -> dict[str, Any]:
    """The customer whom an object names: known by the id alone."""
    return _customer(id=object_id(about.get("customer")), address=address(None))


def with_gaps_filled(known: Mapping[str, Any], read: Json) -> dict[str, Any]:
    """A customer as a sale or an invoice names him, completed by what was read of him at Stripe."""
    found = customer(read)
    where = known if any(known["address"].values()) else found
    filled = {name: value or found[name] for name, value in known.items()}
    return {**filled, "address": where["address"], "country": where["country"], "metadata": found["metadata"]}


def _customer(address: Mapping[str, Any], **known: str | None) -> dict[str, Any]:
    names = ("id", "name", "email", "phone", "business_name", "tax_id", "language")
    words = (known.get("name") or "").split()
    return {
        **{name: known.get(name) for name in names},
        "first_name": words[0] if words else None,
        "country": address["country"],
        "address": address,
        "metadata": {},
    }


def own(event: Event, about: Json) -> dict[str, Any]:
    """The roots that the hub's own events bring: ``stock``, ``codes`` or ``shipment``."""
    match event.type:
        case own_events.STOCK_LOW | own_events.STOCK_SOLD_OUT:
            return {"stock": {name: about.get(name) for name in ("sku", "left", "low_at")}}
        case own_events.CODES_LOW:
            return {"codes": {name: about.get(name) for name in ("pool", "left")}}
        case own_events.ORDER_SHIPPED:
            names = ("part", "carrier", "tracking_number", "tracking_url")
            return {"shipment": {name: about.get(name) for name in names} | {"at": _moment(about.get("at"))}}
        case _:
            return {}


def _currency(about: Json) -> str:
    return (text(about.get("currency")) or "").upper()


def _moment(seconds: object) -> datetime | None:
    whole = integer(seconds)
    return None if not whole else to_datetime(whole * 1000)
