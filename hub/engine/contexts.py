"""What rules see of events: put together from the journal, the orders, and what was read from Stripe."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hub.checkout import context, events, life, life_context, wants
from hub.checkout.events import Told
from hub.checkout.life import Happening
from hub.checkout.reading import Reading, read
from hub.checkout.session import Json
from hub.checkout.wants import Fetched, Want
from hub.model import Context, Event, Order, Source
from hub.store import journal, orders
from hub.store.database import Connection, Database

#: Enough for the events of one planned batch until their first steps have run; parsed events are large.
_KEPT = 512
_NOTHING: Json = {}


@dataclass(frozen=True, slots=True)
class Seen:
    """What rules see of an event. ``lacking``: what must be read first, by the source that a rule needs it for."""

    context: Context
    lacking: Mapping[str, Want] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Loaded:
    """An event as read, with its order and what was read from Stripe for it.

    ``sale`` is the order's own event where this one is a later one; ``subscription`` as its newest event has it.
    """

    reading: Reading
    order: Order | None
    sale: Reading | None
    subscription: Json
    fetched: Fetched


class Contexts:
    """Contexts by event. Safe to use from several threads."""

    def __init__(self, database: Database, decimals: Mapping[str, int]) -> None:
        self._database = database
        self.decimals = decimals  #: of Stripe's amounts, by currency
        self._kept: OrderedDict[int, Context] = OrderedDict()
        self._lock = threading.Lock()

    def seen(self, cases: Sequence[tuple[Reading, Order | None]]) -> list[Seen]:
        """What rules see of events, each with its order as stored; their contexts will be asked for soon."""
        loaded = self._database.read(lambda connection: _load(connection, cases)) if cases else []
        found = [_seen(one, self.decimals) for one in loaded]
        with self._lock:
            for one, (reading, _) in zip(found, cases, strict=True):
                self._kept[reading.event.seq] = one.context
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return found

    def of(self, wanted: Mapping[int, int | None]) -> dict[int, Context]:
        """The contexts of events; ``wanted`` maps their place in the journal to their order's number, if any."""
        with self._lock:
            found = {seq: self._kept[seq] for seq in wanted if seq in self._kept}
        missing = {seq: number for seq, number in wanted.items() if seq not in found}
        loaded = self._database.read(lambda connection: _load_by_place(connection, missing)) if missing else []
        return found | {one.reading.event.seq: _seen(one, self.decimals).context for one in loaded}


def of_event(reading: Reading, order: Order | None, decimals: Mapping[str, int]) -> Context:
    """What rules see of an event by itself, without a database."""
    return _seen(_Loaded(reading, order, None, _NOTHING, {}), decimals).context


def readings(connection: Connection, found: Iterable[Event]) -> dict[int, Reading]:
    """Events as read, by seq: by what they carry, or what was read in its stead."""
    told = {event.seq: (event, events.told(event)) for event in found}
    named = [event.id for event, one in told.values() if one.url]
    fetched = orders.load_fetched(connection, named) if named else {}
    return {seq: read(event, _completed(event, one, fetched)) for seq, (event, one) in told.items()}


def _completed(event: Event, told: Told, fetched: Mapping[orders.OrderKey, Fetched]) -> Told:
    body = fetched.get((event.id, event.account, event.livemode), {}).get(wants.OBJECT)
    return events.fetched(body) if told.url and body is not None else told


def _load_by_place(connection: Connection, wanted: Mapping[int, int | None]) -> list[_Loaded]:
    found = readings(connection, journal.load(connection, wanted).values())
    known = orders.load(connection, {number for number in wanted.values() if number is not None})
    return _load(connection, [(reading, known.get(wanted[seq] or 0)) for seq, reading in found.items()])


def _load(connection: Connection, cases: Sequence[tuple[Reading, Order | None]]) -> list[_Loaded]:
    later = {order.event_seq for reading, order in cases if order is not None and reading.later is not None}
    sales = readings(connection, journal.load(connection, later).values()) if later else {}
    subscribed = {one.later.subscription for one, _ in cases if one.later and one.later.subscription}
    newest = journal.latest_about(connection, subscribed, "customer.subscription.") if subscribed else {}
    ids = {id_ for reading, order in cases for id_ in _ids(reading, order, sales)}
    fetched = orders.load_fetched(connection, ids)
    return [_loaded(reading, order, sales, newest, fetched) for reading, order in cases]


def _loaded(
    reading: Reading,
    order: Order | None,
    sales: Mapping[int, Reading],
    newest: Mapping[str, Event],
    fetched: Mapping[orders.OrderKey, Fetched],
) -> _Loaded:
    event = reading.event
    mine = [fetched.get((one, event.account, event.livemode), {}) for one in _ids(reading, order, sales)]
    latest = newest.get((reading.later and reading.later.subscription) or "")
    return _Loaded(
        reading,
        order,
        None if order is None or reading.later is None else sales.get(order.event_seq),
        _NOTHING if latest is None else events.told(latest).about,
        {kind: body for one in mine for kind, body in one.items()},
    )


def _ids(reading: Reading, order: Order | None, sales: Mapping[int, Reading]) -> list[str]:
    """The ids under which something may have been read for an event."""
    if order is None:
        return [reading.event.id]
    sale = reading if reading.later is None else sales.get(order.event_seq)
    payment = None if sale is None else wants.payment_of(sale.raw, order)
    return [reading.event.id, order.id, *([payment] if payment else [])]


def _seen(one: _Loaded, decimals: Mapping[str, int]) -> Seen:
    event, raw, fetched = one.reading.event, one.reading.raw, one.fetched
    found, lacking = {**context.of_event(event, raw)}, dict[str, Want]()
    sale = one.reading if one.reading.later is None else one.sale
    if one.order is not None and sale is not None:
        found |= context.of_order(sale.raw, one.order, fetched, decimals)
        lacking |= wants.of_sale(sale.raw, one.order, fetched)
    if one.reading.later is not None:
        found |= _later(one, one.reading.later, found, decimals)
        lacking |= wants.of_subscription(_subscription(one, one.reading.later), fetched)
    elif event.type.startswith("customer."):
        about_one = raw.get("object") == "customer"
        found["customer"] = life_context.customer(raw) if about_one else life_context.customer_of(raw)
    if "customer" in found:
        lacking |= wants.of_customer(found["customer"], fetched)
    if "customer" in found and wants.CUSTOMER in fetched:
        found["customer"] = life_context.with_gaps_filled(found["customer"], fetched[wants.CUSTOMER])
    return Seen(found, lacking)


def _subscription(one: _Loaded, later: Happening) -> Json:
    """The Subscription that a later event is about, as far as events tell; at least its id, or {} if there is none."""
    if later.subscription is None:
        return _NOTHING
    return (one.subscription or {"id": later.subscription}) if _is_invoice(one.reading.event) else one.reading.raw


def _is_invoice(event: Event) -> bool:
    return event.type.startswith("invoice.")


def _later(one: _Loaded, later: Happening, known: Context, decimals: Mapping[str, int]) -> Context:
    """What happened to a sale after the checkout."""
    event, raw = one.reading.event, one.reading.raw
    if event.source is Source.HUB:
        return life_context.own(event, raw)
    if later.reversal is not None and later.reversal.kind == "refund":
        return {"refund": life_context.refund(life.refund_of(event, raw), one.order, decimals)}
    if later.reversal is not None:
        return {"dispute": life_context.dispute(raw, decimals)}
    found: Context = {}
    if _is_invoice(event):
        found |= {"invoice": life_context.invoice(raw, decimals), "customer": life_context.invoiced_customer(raw)}
    elif later.subscription is not None and "customer" not in known:
        found["customer"] = life_context.customer_of(raw)
    if later.subscription is not None or _is_invoice(event):
        about, read_whole = _subscription(one, later), one.fetched.get(wants.SUBSCRIPTION, _NOTHING)
        found["subscription"] = life_context.subscription(about, decimals, read_whole)
    return found
