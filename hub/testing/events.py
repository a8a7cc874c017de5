"""Events as Stripe sends them, made up and signed: for ``hub send-test``, the demo and tests."""

from __future__ import annotations

import hmac
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

API_VERSION = "2026-10-28.endive"


@dataclass(frozen=True, slots=True)
class Item:
    """A line of a sample order; ``unit_amount`` in Stripe's unit."""

    name: str = "Blue mug"
    sku: str = "MUG-01"
    unit_amount: int = 2450
    quantity: int = 2


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who buys in a sample order."""

    name: str = "Ana Núñez"
    email: str = "ana@example.com"
    country: str = "US"
    city: str = "Portland"
    line1: str = "12 Harbor Street"
    postal_code: str = "97201"
    state: str = "OR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """A Checkout Session in the making. What is not given is as in the documentation's sample order."""

    items: Sequence[Item] = (Item(),)
    buyer: Buyer = Buyer()
    currency: str = "eur"
    payment_status: str = "paid"
    mode: str = "payment"
    metadata: Mapping[str, str] = field(default_factory=dict)
    session_id: str = field(default_factory=lambda: f"cs_test_{secrets.token_hex(16)}")
    created: int = field(default_factory=lambda: int(time.time()))

    @property
    def total(self) -> int:
        return 0 if self.payment_status == "no_payment_required" else self.subtotal

    @property
    def subtotal(self) -> int:
        return sum(item.unit_amount * item.quantity for item in self.items)


def session(sale: Sale, **changes: Any) -> dict[str, Any]:
    """The Checkout Session of a sale as the API renders it today, with its line items expanded."""
    address = _address(sale.buyer)
    token = sale.session_id.rpartition("_")[2][:24]
    return {
        "id": sale.session_id,
        "object": "checkout.session",
        "amount_subtotal": sale.subtotal,
        "amount_total": sale.total,
        "client_reference_id": None,
        "collected_information": {"shipping_details": {"address": address, "name": sale.buyer.name}},
        "created": sale.created,
        "currency": sale.currency,
        "custom_fields": [],
        "customer": None,
        "customer_details": {
            "address": address,
            "email": sale.buyer.email,
            "name": sale.buyer.name,
            "phone": None,
            "tax_ids": [],
        },
        "customer_email": None,
        "discounts": [],
        "line_items": line_items(sale),
        "livemode": False,
        "locale": "auto",
        "metadata": dict(sale.metadata),
        "mode": sale.mode,
        "payment_intent": f"pi_{token}" if sale.mode == "payment" and sale.total else None,
        "payment_link": None,
        "payment_method_types": ["card"],
        "payment_status": sale.payment_status,
        "status": "complete",
        "subscription": f"sub_{token}" if sale.mode == "subscription" else None,
        "total_details": {"amount_discount": sale.subtotal - sale.total, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        **changes,
    }


def line_items(sale: Sale) -> dict[str, Any]:
    """The line items of a sale, as ``GET /v1/checkout/sessions/{id}/line_items`` lists them with products expanded."""
    token = sale.session_id.rpartition("_")[2][:16]
    return {
        "object": "list",
        "data": [_line(item, f"li_{token}{number}", sale.currency) for number, item in enumerate(sale.items)],
        "has_more": False,
        "url": f"/v1/checkout/sessions/{sale.session_id}/line_items",
    }


def event(kind: str, thing: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """A snapshot event of type ``kind`` about ``thing``."""
    return {
        "id": f"evt_{secrets.token_hex(12)}",
        "object": "event",
        "api_version": API_VERSION,
        "created": int(time.time()),
        "data": {"object": dict(thing)},
        "livemode": bool(thing.get("livemode")),
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
        **changes,
    }


def encode(document: Mapping[str, Any]) -> bytes:
    """The JSON that is signed and sent."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def signature(body: bytes, secret: str, at: int | None = None) -> str:
    """The ``Stripe-Signature`` header for ``body``, signed at ``at`` (Unix seconds, default now)."""
    moment = int(time.time()) if at is None else at
    mac = hmac.digest(secret.encode(), f"{moment}.".encode() + body, "sha256").hex()
    return f"t={moment},v1={mac}"


def _line(item: Item, line_id: str, currency: str) -> dict[str, Any]:
    amount = item.unit_amount * item.quantity
    product = {"id": f"prod_{item.sku}", "object": "product", "name": item.name, "metadata": {"sku": item.sku}}
    return {
        "id": line_id,
        "object": "item",
        "amount_subtotal": amount,
        "amount_total": amount,
        "currency": currency,
        "description": item.name,
        "price": {
            "id": f"price_{item.sku}",
            "object": "price",
            "currency": currency,
            "metadata": {},
            "product": product,
            "unit_amount": item.unit_amount,
        },
        "quantity": item.quantity,
    }


def _address(buyer: Buyer) -> dict[str, Any]:
    return {
        "city": buyer.city,
        "country": buyer.country,
        "line1": buyer.line1,
        "line2": None,
        "postal_code": buyer.postal_code,
        "state": buyer.state,
    }
