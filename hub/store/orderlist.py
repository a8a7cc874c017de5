"""The console's list of orders: filtered, searched, newest first, page by page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.model import Order, OrderState
from hub.store import orders as order_store
from hub.store import search
from hub.store.tables import TO_SHIP, orders

#: The packing table's list, in exactly the words of its index.
_TO_SHIP = sa.text(f"({TO_SHIP})")
#: What can be chosen besides a state.
SHIPPING = ("to_ship", "packed", "shipped", "held")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the orders to list. ``show``: a state, one of ``SHIPPING``, or "" for all; ``before``: an order number.

    ``first_start``: what was sold before the hub was there is not its to ship.
    """

    livemode: bool
    show: str = ""
    asked: str = ""
    since: int | None = None
    until: int | None = None
    before: int | None = None
    first_start: int = 0


@dataclass(frozen=True, slots=True)
class OrderLine:
    """An order in the list, with what people did with it (milliseconds)."""

    order: Order
    packed_at: int | None
    shipped_at: int | None
    parcels: int
    held_at: int | None

    @property
    def is_to_ship(self) -> bool:
        """Whether a parcel should leave."""
        paid = self.order.state in {OrderState.PAID, OrderState.PARTLY_REFUNDED}
        return self.order.ships and paid and self.shipped_at is None

    @property
    def fulfilment(self) -> str:
        """What people did, in a word; "" where nothing is to be done by hand."""
        if self.shipped_at is not None:
            return "shipped" if self.parcels < 2 else f"shipped, {self.parcels} parcels"
        if self.held_at is not None:
            return "held"
        return "packed" if self.packed_at is not None else "to ship" if self.is_to_ship else ""


@dataclass(frozen=True, slots=True)
class Page:
    """Orders, newest first. ``older``: the number that the next page goes on below; None when this is the last."""

    lines: Sequence[OrderLine]
    older: int | None


def page(connection: Connection, wanted: Wanted, limit: int) -> Page:
    """Up to ``limit`` orders; of a question that finds very many, perhaps fewer on a page that is not the last."""
    chosen = _chosen(connection, wanted)
    if chosen is None:
        return Page([], None)
    asked = search.Asked(search.ORDERS, wanted.asked, wanted.before)
    rows, older = search.page(connection, sa.select(orders).where(*chosen), orders.c.number, asked, limit)
    return Page([_line(row) for row in rows], older)


def by_ids(connection: Connection, ids: Sequence[str]) -> dict[str, OrderLine]:
    """Orders by their session's id."""
    rows = connection.execute(sa.select(orders).where(orders.c.id.in_(list(ids))).order_by(orders.c.number))
    return {row.id: _line(row) for row in rows}


def _line(row: Any) -> OrderLine:
    return OrderLine(order_store.from_row(row), row.packed_at, row.shipped_at, row.parcels, row.held_at)


def _chosen(connection: Connection, wanted: Wanted) -> list[Any] | None:
    """The conditions but the question's; None when nothing can match."""
    chosen: list[Any] = [orders.c.livemode == wanted.livemode]
    if wanted.show:
        chosen += _shown(wanted)
    if wanted.since is not None or wanted.until is not None:
        dates = _dates(wanted)
        # Orders are numbered as they are told, nearly by their dates: the list need not be gone through from its end.
        # “+ 0”: the least number of a column PostgreSQL looks for from its beginning, whatever the condition.
        number = orders.c.number + 0
        bounds = sa.select(sa.func.min(number), sa.func.max(number)).where(*dates)
        lowest, highest = connection.execute(bounds).one()
        if lowest is None:
            return None
        chosen += [*dates, orders.c.number.between(lowest, highest)]
    return chosen


def _dates(wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    dates = [] if wanted.since is None else [orders.c.created_at >= wanted.since]
    return dates if wanted.until is None else [*dates, orders.c.created_at < wanted.until]


def _shown(wanted: Wanted) -> Sequence[Any]:
    waiting = (_TO_SHIP, orders.c.created_at >= wanted.first_start)
    ways: Mapping[str, Sequence[Any]] = {
        "to_ship": (*waiting, orders.c.held_at.is_(None)),
        "packed": (*waiting, orders.c.packed_at.is_not(None)),
        "shipped": (orders.c.shipped_at.is_not(None),),
        "held": (orders.c.held_at.is_not(None),),
    }
    return ways.get(wanted.show) or (orders.c.state == wanted.show,)


def has_live(connection: Connection) -> bool:
    """Whether any order is a real one."""
    statement = sa.select(orders.c.number).where(orders.c.livemode == sa.true()).limit(1)
    return connection.execute(statement).scalar() is not None


def mark_packed(connection: Connection, ids: Sequence[str], now: int) -> list[str]:
    """Marks what is to be shipped as packed; returns the ids of those that were not before. Held orders stay."""
    chosen = (orders.c.id.in_(list(ids)), _TO_SHIP, orders.c.packed_at.is_(None), orders.c.held_at.is_(None))
    return list(
        connection.execute(orders.update().where(*chosen).values(packed_at=now).returning(orders.c.id)).scalars()
    )


def unpack(connection: Connection, order_id: str) -> bool:
    """Takes “packed” back; False when it was not packed, or has left."""
    chosen = (orders.c.id == order_id, orders.c.packed_at.is_not(None), orders.c.shipped_at.is_(None))
    return connection.execute(orders.update().where(*chosen).values(packed_at=None)).rowcount > 0


def add_parcel(connection: Connection, number: int, now: int, *, is_last: bool) -> int:
    """One more parcel of an order has left; returns which it is, 1 for the first. After the last it is shipped."""
    packed = sa.func.coalesce(orders.c.packed_at, now)
    values: dict[str, Any] = {"parcels": orders.c.parcels + 1, "packed_at": packed}
    if is_last:
        values["shipped_at"] = sa.func.coalesce(orders.c.shipped_at, now)
    statement = orders.update().where(orders.c.number == number).values(values).returning(orders.c.parcels)
    return int(connection.execute(statement).scalar_one())


def hold(connection: Connection, order_id: str, now: int | None) -> bool:
    """Keeps an order back from packing, or (None) releases it; whether that changed anything."""
    is_held = orders.c.held_at.is_not(None)
    chosen = (orders.c.id == order_id, ~is_held if now is not None else is_held)
    return connection.execute(orders.update().where(*chosen).values(held_at=now)).rowcount > 0
