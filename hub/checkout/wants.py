"""What rules need of Stripe beyond the event, by the sources that their catalogue names: what to read, and for whom.

Pure: ``hub.checkout.enrich`` reads, ``hub.engine.fetching`` sees to it that it is read once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from hub.checkout import session as sessions
from hub.checkout.session import Json, items_of, mapping, object_id, text
from hub.model import Order

#: The kinds of what is read, as stored. Those of a sale do not change once it is paid: kept under their own id.
LINE_ITEMS: Final = "line_items"
PAYMENT: Final = "payment"
DISCOUNT: Final = "discount"
#: These do change: kept for the event that asked, and not taken for what a later event has to say.
OBJECT: Final = "object"
CUSTOMER: Final = "customer"
SUBSCRIPTION: Final = "subscription"

CHANGING = frozenset({OBJECT, CUSTOMER, SUBSCRIPTION})

#: What a key must be able to read for each source that rules may need, in the words of Stripe's list of permissions.
PERMISSIONS: Mapping[str, tuple[str, ...]] = {
    "payment_intent": ("PaymentIntents", "Charges", "Invoices"),
    "discount": ("Promotion codes",),
    "customer": ("Customers",),
    "subscriber": ("Customers",),
    "subscription": ("Subscriptions",),
    "product": ("Subscriptions",),
}


class Want(NamedTuple):
    """Something to be read. ``id``: the object's; of an ``OBJECT`` its path."""

    kind: str
    id: str


#: What was read for one event, by kind.
Fetched = Mapping[str, Any]


def of_sale(sale: Json, order: Order, fetched: Fetched) -> dict[str, Want]:
    """What is still to be read of a sale, by source. ``sale``: its Checkout Session."""
    found = {}
    if LINE_ITEMS not in fetched and not sessions.line_items(sale)[1]:
        found["line_items"] = Want(LINE_ITEMS, order.id)
    if PAYMENT not in fetched and (payment := payment_of(sale, order)):
        found["payment_intent"] = Want(PAYMENT, payment)
    if DISCOUNT not in fetched and _has_unnamed_code(sale):
        found["discount"] = Want(DISCOUNT, order.id)
    return found


def payment_of(sale: Json, order: Order) -> str | None:
    """The payment intent that paid a sale; for a subscription, the invoice whose payment it is."""
    return order.payment_intent or object_id(sale.get("invoice"))


def _has_unnamed_code(sale: Json) -> bool:
    """Whether a promotion code was used that the session does not spell out; older versions do not name it at all."""
    if not mapping(sale.get("total_details")).get("amount_discount"):
        return False
    discounts = sale.get("discounts")
    return discounts is None or any(isinstance(one.get("promotion_code"), str) for one in items_of(discounts))


def of_customer(customer: Json, fetched: Fetched) -> dict[str, Want]:
    """What is still to be read of a customer (as rules see him), by source."""
    identity = customer.get("id")
    if CUSTOMER in fetched or not identity or not identity.startswith("cus_"):
        return {}
    want = Want(CUSTOMER, identity)
    return {"customer": want} if customer.get("email") else {"customer": want, "subscriber": want}


def of_subscription(about: Json, fetched: Fetched) -> dict[str, Want]:
    """What is still to be read of a Subscription, by source; of one that is known by its id alone, all of it."""
    identity = text(about.get("id"))
    if SUBSCRIPTION in fetched or identity is None:
        return {}
    want = Want(SUBSCRIPTION, identity)
    found = {} if about.get("status") else {"subscription": want}
    item: Json = next(iter(items_of(about.get("items"))), {})
    is_named = isinstance(mapping(item.get("price")).get("product"), dict)
    return found if is_named else {**found, "product": want}
