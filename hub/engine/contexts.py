"""What rules see of events, put together from the journal, the orders and what was fetched; the latest are kept."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub.checkout import context, events, life, life_context, session
from hub.checkout.life import Happening
from hub.checkout.reading import Reading, object_to_fetch, read
from hub.model import Context, Event, Order, Source
from hub.store import journal, orders
from hub.store.database import Connection, Database

#: The kinds of what is fetched from Stripe, as stored: items by their session's id, which never change once it is
#: complete; a session, which does, by the id of the event that named it.
LINE_ITEMS = "line_items"
SESSION = "session"

#: Enough for the events of one planned batch until their first steps have run; parsed events are large.
_KEPT = 512


@dataclass(frozen=True, slots=True)
class _Loaded:
    """An event as read, with its order and that order's items; ``subscription`` as its newest event has it."""

    reading: Reading
    order: Order | None
    items: Sequence[Mapping[str, Any]]
    subscription: Mapping[str, Any]


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
        loaded = self._database.read(lambda connection: self._load(connection, missing)) if missing else {}
        return found | {seq: self._built(one) for seq, one in loaded.items()}

    def _load(self, connection: Connection, wanted: Mapping[int, int | None]) -> dict[int, _Loaded]:
        found = journal.load(connection, wanted)
        known = orders.load(connection, {number for number in wanted.values() if number is not None})
        raws = objects(connection, found.values())
        fetched = orders.load_enrichments(connection, LINE_ITEMS, [order.id for order in known.values()])
        readings = {seq: read(event, raws[seq]) for seq, event in found.items()}
        subscribed = {one.later.subscription for one in readings.values() if one.later and one.later.subscription}
        latest = journal.latest_about(connection, subscribed, "customer.subscription.") if subscribed else {}
        loaded = {}
        for seq, reading in readings.items():
            order = known.get(wanted[seq] or 0)
            items = [] if order is None else line_items(reading.raw, order, fetched) or []
            newest = latest.get((reading.later and reading.later.subscription) or "")
            about = {} if newest is None else events.stripe_object(newest)
            loaded[seq] = _Loaded(reading, order, items, about)
        return loaded

    def _built(self, one: _Loaded) -> Context:
        if one.reading.later is None:
            return build(one.reading, one.order, one.items, self._decimals)
        return context.of_event(one.reading.event, one.reading.raw) | self._later(one, one.reading.later)

    def _later(self, one: _Loaded, later: Happening) -> Context:
        """What is known of the sale, from its own event, and of what happened to it, from this one."""
        event, raw, order = one.reading.event, one.reading.raw, one.order
        sale = {} if order is None else self.of({order.event_seq: order.number})[order.event_seq]
        found: Context = {name: sale[name] for name in sale.keys() & {"order", "customer"}}
        family = event.type.partition(".")[0]
        if event.source is Source.HUB:
            return found | life_context.own(event, raw)
        if later.reversal is not None and later.reversal.kind == "refund":
            found["refund"] = life_context.refund(life.refund_of(event, raw), order, self._decimals)
        elif later.reversal is not None:
            found["dispute"] = life_context.dispute(raw, self._decimals)
        elif family == "invoice":
            subscription = one.subscription or {"id": later.subscription}
            found["invoice"] = life_context.invoice(raw, self._decimals)
            found["customer"] = life_context.invoiced_customer(raw)
            found["subscription"] = life_context.subscription(subscription, self._decimals)
        elif later.subscription is not None:
            found["subscription"] = life_context.subscription(raw, self._decimals)
            found.setdefault("customer", life_context.customer_by_id(raw))
        return found


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
