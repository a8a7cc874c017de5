"""What rules see of events, put together from the journal, the orders and what was fetched; the latest are kept."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hub.checkout import context, events, session
from hub.checkout.reading import Reading, object_to_fetch, read
from hub.model import Context, Event, Order
from hub.store import journal, orders
from hub.store.database import Connection, Database

#: The kinds of what is fetched from Stripe, as stored: items by their session's id, which never change once it is
#: complete; a session, which does, by the id of the event that named it.
LINE_ITEMS = "line_items"
SESSION = "session"

#: Enough for the events of one planned batch until their first steps have run; parsed events are large.
_KEPT = 512


def build(
    reading: Reading, order: Order | None, items: Sequence[Mapping[str, Any]], decimals: Mapping[str, int]
) -> Context:
    """The context of one event; ``order`` as stored, with its number."""
    base = context.of_event(reading.event, reading.raw)
    return base if order is None else base | context.of_order(reading.raw, order, items, decimals)


class Contexts:
    """Contexts by event. Safe to use from several threads."""

    def __init__(self, database: Database, decimals: Mapping[str, int]) -> None:
        self._database = database
        self._decimals = decimals
        self._kept: OrderedDict[int, Context] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, reading: Reading, order: Order | None, items: Sequence[Mapping[str, Any]]) -> Context:
        """Builds a context that will be asked for soon."""
        built = build(reading, order, items, self._decimals)
        with self._lock:
            self._kept[reading.event.seq] = built
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return built

    def of(self, wanted: Mapping[int, int | None]) -> dict[int, Context]:
        """The contexts of events; ``wanted`` maps their place in the journal to their order's number, if any."""
        with self._lock:
            found = {seq: self._kept[seq] for seq in wanted if seq in self._kept}
        missing = {seq: number for seq, number in wanted.items() if seq not in found}
        return found | (self._database.read(lambda connection: self._load(connection, missing)) if missing else {})

    def _load(self, connection: Connection, wanted: Mapping[int, int | None]) -> dict[int, Context]:
        found = journal.load(connection, wanted)
        known = orders.load(connection, {number for number in wanted.values() if number is not None})
        raws = objects(connection, found.values())
        fetched = orders.load_enrichments(connection, LINE_ITEMS, [order.id for order in known.values()])
        return {seq: self._one(event, raws[seq], known.get(wanted[seq] or 0), fetched) for seq, event in found.items()}

    def _one(
        self, event: Event, raw: Mapping[str, Any], order: Order | None, fetched: Mapping[orders.OrderKey, Any]
    ) -> Context:
        items = [] if order is None else line_items(raw, order, fetched) or []
        return build(read(event, raw), order, items, self._decimals)


def objects(connection: Connection, found: Iterable[Event]) -> dict[int, Mapping[str, Any]]:
    """The object of each event by its seq: what it carries, or what was fetched in its stead."""
    raws: dict[int, Mapping[str, Any]] = {event.seq: events.stripe_object(event) for event in found}
    thin = [event for event in found if object_to_fetch(event)]
    if thin:
        fetched = orders.load_enrichments(connection, SESSION, [event.id for event in thin])
        for event in thin:
            raws[event.seq] = fetched.get((event.id, event.account, event.livemode), {})
    return raws


def line_items(
    raw: Mapping[str, Any], order: Order, fetched: Mapping[orders.OrderKey, Any]
) -> Sequence[Mapping[str, Any]] | None:
    """All line items of an order: those its event carries, else the fetched ones; None when they must be fetched."""
    carried, complete = session.line_items(raw)
    return carried if complete else fetched.get(orders.key_of(order))
