"""Stripe's side of a test: sessions and events as Stripe sends them, signed by Stripe's own package."""

from __future__ import annotations

import http.client
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import stripe

SECRET = "whsec_e2e_0f6c1d8e2b7a4935"
NEWEST = "2026-10-28.endive"
Json = dict[str, Any]


def line(sku: str, quantity: int = 1, unit: int = 2450, name: str = "Blue mug") -> Json:
    """One line item, product expanded, as ``line_items.data.price.product`` gives it; ``unit`` in the minor unit."""
    code = uuid.uuid4().hex[:16]
    return {
        "id": f"li_{code}",
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": quantity * unit,
        "amount_tax": 0,
        "amount_total": quantity * unit,
        "currency": "eur",
        "description": name,
        "price": {
            "id": f"price_{code}",
            "object": "price",
            "currency": "eur",
            "lookup_key": None,
            "metadata": {"sku": sku},
            "product": {"id": f"prod_{code}", "object": "product", "name": name, "metadata": {}},
            "type": "one_time",
            "unit_amount": unit,
        },
        "quantity": quantity,
    }


def lines(*items: Json, has_more: bool = False) -> Json:
    return {"object": "list", "data": list(items), "has_more": has_more, "url": "/v1/checkout/sessions/line_items"}


def session(*items: Json, **changes: Any) -> Json:
    """A complete, paid session in the newest shape; ``items`` travel with it, ``changes`` replace whole fields."""
    code = uuid.uuid4().hex
    total = sum(item["amount_total"] for item in items) or 4900
    body: Json = {
        "id": f"cs_test_{code}",
        "object": "checkout.session",
        "amount_subtotal": total,
        "amount_total": total,
        "client_reference_id": None,
        "collected_information": {"business_name": None, "individual_name": None, "shipping_details": None},
        "created": int(time.time()) + 1,
        "currency": "eur",
        "custom_fields": [],
        "customer": f"cus_{code[:14]}",
        "customer_details": {
            "address": {
                "city": "Porto",
                "country": "PT",
                "line1": "Rua Um 1",
                "line2": None,
                "postal_code": "4000",
                "state": None,
            },
            "email": "ana@example.com",
            "name": "Ana Núñez",
            "phone": None,
            "tax_exempt": "none",
            "tax_ids": [],
        },
        "customer_email": None,
        "discounts": [],
        "livemode": False,
        "metadata": {},
        "mode": "payment",
        "payment_intent": f"pi_{code[:24]}",
        "payment_link": None,
        "payment_method_types": ["card"],
        "payment_status": "paid",
        "presentment_details": None,
        "shipping_cost": None,
        "status": "complete",
        "subscription": None,
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
    }
    if items:
        body["line_items"] = lines(*items)
    return body | changes


def event(obj: Json, type_: str = "checkout.session.completed", **changes: Any) -> Json:
    """The snapshot event about an object, with an id of its own."""
    body: Json = {
        "id": f"evt_{uuid.uuid4().hex[:24]}",
        "object": "event",
        "api_version": NEWEST,
        "created": int(time.time()) + 1,
        "data": {"object": obj},
        "livemode": obj.get("livemode", False),
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": type_,
    }
    return body | changes


def thin(obj: Json, type_: str = "v1.checkout.session.completed") -> Json:
    """The thin notification about an object: it names the object and does not hold it."""
    return {
        "id": f"evt_test_{uuid.uuid4().hex[:24]}",
        "object": "v2.core.event",
        "context": None,
        "created": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
        "livemode": obj.get("livemode", False),
        "reason": None,
        "related_object": {
            "id": obj["id"],
            "type": obj["object"],
            "url": f"/v1/checkout/sessions/{obj['id']}",
        },
        "type": type_,
    }


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def json(self) -> Json:
        parsed: Json = json.loads(self.body)
        return parsed


def signed(body: bytes, secret: str = SECRET, at: int | None = None) -> dict[str, str]:
    """The headers that Stripe sends with a body; ``at`` in seconds since 1970."""
    when = int(time.time()) if at is None else at
    made = stripe.WebhookSignature.generate_signature_header(body.decode("utf-8", "surrogateescape"), secret, when)
    return {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": made}


def post(url: str, body: bytes, headers: Mapping[str, str], timeout: float = 20) -> Answer:
    """One POST on a connection of its own; no redirects are followed, no try is repeated."""
    return call("POST", url, body, headers, timeout)


def call(
    method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None, timeout: float = 20
) -> Answer:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
    try:
        connection.request(method, parts.path or "/", body, dict(headers or {}))
        response = connection.getresponse()
        return Answer(response.status, response.read(), {k.lower(): v for k, v in response.getheaders()})
    finally:
        connection.close()


def send(url: str, body: Json, secret: str = SECRET) -> Answer:
    """An event, signed now and posted once."""
    raw = json.dumps(body).encode()
    return post(url, raw, signed(raw, secret))
