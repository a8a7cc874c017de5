"""What Stripe tells of a subscription, in the shapes of its present API and of one from before 2025."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hub.testing import events as samples

#: 2026-01-01 UTC, in seconds.
NEW_YEAR = 1_767_225_600
MONTH = 2_678_400


def subscription(name: str = "one", **changes: Any) -> dict[str, Any]:
    """A Subscription to one coffee box a month."""
    price = {
        "id": "price_box",
        "nickname": "Coffee box",
        "unit_amount": 1900,
        "currency": "eur",
        "recurring": {"interval": "month", "interval_count": 1},
    }
    item = {"price": price, "quantity": 1, "current_period_end": NEW_YEAR + MONTH}
    return {
        "id": f"sub_{name}",
        "object": "subscription",
        "created": NEW_YEAR,
        "start_date": NEW_YEAR,
        "customer": f"cus_{name}",
        "currency": "eur",
        "items": {"object": "list", "data": [item]},
        "livemode": False,
        "status": "active",
        **changes,
    }


def invoice(name: str = "one", number: int = 1, **changes: Any) -> dict[str, Any]:
    """An Invoice for its period of that number."""
    start = NEW_YEAR + (number - 1) * MONTH
    line = {
        "description": "1 × Coffee box, whole beans (at €19.00 / month)",
        "period": {"start": start, "end": start + MONTH},
    }
    return {
        "id": f"in_{name}{number}",
        "object": "invoice",
        "billing_reason": "subscription_create" if number == 1 else "subscription_cycle",
        "created": start,
        "currency": "eur",
        "customer": f"cus_{name}",
        "customer_email": f"{name}@example.com",
        "customer_name": f"Nora {name.capitalize()}",
        "lines": {"object": "list", "data": [line]},
        "livemode": False,
        "number": f"SHOP-{number:04}",
        "parent": {"subscription_details": {"subscription": f"sub_{name}"}, "type": "subscription_details"},
        "status": "paid",
        "total": 1900,
        **changes,
    }


def told(kind: str, thing: Mapping[str, Any], at: int = 0) -> dict[str, Any]:
    """An event, ``at`` seconds after the new year."""
    return samples.event(kind, thing, created=NEW_YEAR + at)


def life(name: str = "one") -> list[dict[str, Any]]:
    """From the first day to the end, as events, oldest first."""
    late = {"status": "open", "attempt_count": 1}
    return [
        told("customer.subscription.created", subscription(name, status="incomplete")),
        told("customer.subscription.updated", subscription(name)),
        told("invoice.paid", invoice(name)),
        told("customer.subscription.updated", subscription(name, cancel_at=None), MONTH),
        told("invoice.payment_failed", invoice(name, 2, **late), MONTH + 3600),
        told("customer.subscription.updated", subscription(name, status="past_due"), MONTH + 3600),
        told("invoice.paid", invoice(name, 2), MONTH + 7200),
        told("customer.subscription.updated", subscription(name), MONTH + 7200),
        told("customer.subscription.updated", subscription(name, cancel_at=NEW_YEAR + 2 * MONTH), MONTH + 9000),
        told(
            "customer.subscription.deleted",
            subscription(name, status="canceled", ended_at=NEW_YEAR + 2 * MONTH),
            2 * MONTH,
        ),
    ]
