"""One subscription: who pays what, how it stands, its orders and invoices, and everything that happened to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from starlette.responses import Response

from hub.model import Order, Subscription, SubscriptionInvoice
from hub.store import listing, orders, subscriptions
from hub.store.database import Connection
from hub.web.console.desk import Desk, Visit
from hub.web.console.order import MOST_TRIES, About, timeline
from hub.web.console.subscriptions import STATES

#: Two years of weeks.
_MOST_INVOICES = 104


@dataclass(frozen=True, slots=True)
class Found:
    """What the database has about a subscription."""

    subscription: Subscription
    orders: Sequence[Order]
    invoices: Sequence[SubscriptionInvoice]
    about: About


def show(desk: Desk, visit: Visit) -> Response:
    name = visit.request.path_params["subscription_id"]
    found = find(desk, name)
    if found is None:
        return desk.missing(visit, f"subscription “{name}”")
    return desk.page(
        visit,
        "subscription.html",
        one=found.subscription,
        orders=found.orders,
        invoices=found.invoices,
        timeline=timeline(found.about),
        states=STATES,
        dashboard=_dashboard(found.subscription),
        is_over=found.subscription.status in {"canceled", "incomplete_expired"},
    )


def find(desk: Desk, name: str) -> Found | None:
    """Everything about a subscription."""
    return desk.read(partial(_find, name=name))


def _find(connection: Connection, name: str) -> Found | None:
    one = subscriptions.find(connection, name)
    if one is None:
        return None
    invoices = subscriptions.invoices(connection, one, _MOST_INVOICES)
    sold = orders.all_of_subscription(connection, one)
    ids = [one.id, *(invoice.id for invoice in invoices), *(order.id for order in sold)]
    deliveries = listing.list_deliveries(connection, about=ids)
    tried = [line.id for line in deliveries]
    about = About(
        listing.events_about(connection, *ids),
        deliveries,
        listing.list_attempts(connection, tried)[-MOST_TRIES:] if tried else [],
        [],
    )
    return Found(one, sold, invoices, about)


def _dashboard(one: Subscription) -> str:
    """Where Stripe shows it."""
    parts = ["https://dashboard.stripe.com", one.account, "" if one.livemode else "test", "subscriptions", one.id]
    return "/".join(part for part in parts if part)
