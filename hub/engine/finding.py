"""Making orders findable, as they are recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hub.checkout import searching, session
from hub.checkout.reading import Reading
from hub.model import Order
from hub.store import orders, search
from hub.store.database import Connection


def index(
    connection: Connection, readings: Sequence[Reading], after: Sequence[Order], decimals: Mapping[str, int]
) -> None:
    """Makes each order, as it is ``after`` its reading, findable; by its items too if those were read from Stripe."""
    lacking = [one.id for reading, one in zip(readings, after, strict=True) if not session.line_items(reading.raw)[1]]
    fetched = orders.load_fetched(connection, lacking) if lacking else {}
    texts = {
        order.number: searching.texts(order, reading.raw, fetched.get(orders.key_of(order), {}), decimals)
        for reading, order in zip(readings, after, strict=True)
    }
    search.index(connection, texts)
