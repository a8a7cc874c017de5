"""By what people look for an order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hub.checkout import session as sessions
from hub.checkout.context import sku_of
from hub.checkout.session import Json, mapping, object_id, text
from hub.checkout.wants import LINE_ITEMS, Fetched
from hub.model import Order
from hub.money import from_stripe


def texts(order: Order, session: Json, fetched: Fetched, decimals: Mapping[str, int]) -> Iterator[str]:
    """Number, buyer, amount, ids, items and SKUs of an order as stored; ``session``: what its event told."""
    yield str(order.number)
    if order.total is not None and order.currency:
        yield str(from_stripe(order.total, order.currency, decimals))
    details = sessions.customer_details(session)
    told = (
        order.customer_name,
        order.customer_email,
        order.id,
        order.payment_intent,
        order.subscription,
        sessions.business_name(session),
        text(details.get("phone")),
        object_id(session.get("customer")),
        text(session.get("client_reference_id")),
        text(sessions.shipping(session).get("name")),
    )
    yield from filter(None, told)
    carried, complete = sessions.line_items(session)
    for line in carried if complete else fetched.get(LINE_ITEMS, carried):
        product = mapping(mapping(line.get("price")).get("product"))
        yield from filter(None, (text(line.get("description")), text(product.get("name")), sku_of(line)))
