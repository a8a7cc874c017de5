"""The stock ledger: a balance per SKU and every movement that made it."""

from __future__ import annotations

import shlex
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub import own_events
from hub.connector import Movement, Moving, Permanent, Taken
from hub.model import Event
from hub.store import codes, journal
from hub.store.statements import Many, insert_ignoring
from hub.store.tables import stock_items, stock_movements


@dataclass(slots=True)
class _Item:
    """A line of the stock list, as it is with what was moved so far."""

    on_hand: int
    reserved: int
    low_at: int | None


@dataclass(slots=True)
class _Share:
    """What an order has had of one SKU, in pieces."""

    sold: int = 0
    restocked: int = 0
    reserved: int = 0
    pending: int = 0  #: brought back before their sale was told
    is_released: bool = False


class Stock:
    """The ledger inside one transaction; the implementation of ``hub.connector.Ledger``.

    Balances are read and locked when first used, movements gathered, and everything written by :meth:`store`: a
    batch of a hundred sales costs a handful of statements. ``keys`` are the effect keys that may move something.
    """

    def __init__(self, connection: Connection, keys: Sequence[str], now: int) -> None:
        self._connection = connection
        self._now = now
        self._items: dict[str, _Item | None] = {}
        self._shares: dict[tuple[int, str], _Share] = {}
        self._movements: list[dict[str, Any]] = []
        self._events: list[Event] = []
        rows = connection.execute(_MOVED, {"keys": list(keys)})
        self._moved = {(row.key, row.sku, row.kind): (row.delta, row.reserved, row.balance) for row in rows}

    def has(self, sku: str) -> bool:
        """See ``hub.connector.Ledger``."""
        return self._find(sku) is not None

    def add(self, sku: str) -> None:
        """See ``hub.connector.Ledger``."""
        if self._find(sku) is None:
            _list(self._connection, sku, self._now)
            del self._items[sku]

    def sell(self, moving: Moving, *, below_zero: bool = False) -> Movement:
        """See ``hub.connector.Ledger``."""
        if (known := self._known(moving, "sale")) is not None:
            return known
        item, share = self._item(moving), self._share(moving)
        if item.on_hand - (item.reserved - share.reserved) < moving.count and not below_zero:
            raise Permanent(_too_few(moving, item, share, "were sold"))
        moved = self._move(moving, "sale", -moving.count, -min(share.reserved, moving.count))
        if back := min(share.pending, moving.count):
            self._move(moving, "restock", back, 0, -back)
        return moved

    def restock(self, moving: Moving, *, at_most_sold: bool = False) -> Movement:
        """See ``hub.connector.Ledger``."""
        if (known := self._known(moving, "restock")) is not None:
            return known
        share, count = self._share(moving), moving.count
        if at_most_sold and moving.order is not None:
            count = min(count, max(0, share.sold - share.restocked))
        # A refund may be told before its sale: what is too much now comes back with the sale.
        return self._move(moving, "restock", count, 0, moving.count - count)

    def reserve(self, moving: Moving, *, below_zero: bool = False) -> Movement:
        """See ``hub.connector.Ledger``."""
        if (known := self._known(moving, "reserve")) is not None:
            return known
        item, share = self._item(moving), self._share(moving)
        # Told late: what is sold already, or will not be sold any more, needs no reservation.
        count = 0 if share.is_released else max(0, moving.count - max(0, share.sold - share.reserved))
        if item.on_hand - item.reserved < count and not below_zero:
            raise Permanent(_too_few(moving, item, share, "are wanted"))
        return self._move(moving, "reserve", 0, count)

    def release(self, moving: Moving) -> Movement:
        """See ``hub.connector.Ledger``."""
        if (known := self._known(moving, "release")) is not None:
            return known
        return self._move(moving, "release", 0, -min(self._share(moving).reserved, moving.count))

    def _known(self, moving: Moving, kind: str) -> Movement | None:
        found = self._moved.get((moving.key, moving.sku, kind))
        return None if found is None else _movement(moving.sku, *found)

    def _move(self, moving: Moving, kind: str, delta: int, reserved: int, pending: int = 0) -> Movement:
        item, share = self._item(moving), self._share(moving)
        before = item.on_hand
        item.on_hand += delta
        item.reserved += reserved
        _add(share, kind, delta, reserved, pending)
        self._moved[moving.key, moving.sku, kind] = (delta, reserved, item.on_hand)
        row = {"key": moving.key, "sku": moving.sku, "kind": kind, "delta": delta, "reserved": reserved}
        row |= {
            "pending": pending,
            "balance": item.on_hand,
            "subject": moving.subject,
            "order_number": moving.order,
            "at": self._now,
        }
        self._movements.append(row)
        self._events += own_events.stock_crossed(
            moving.sku, before, item.on_hand, item.low_at, cause=moving.key, now=self._now
        )
        return _movement(moving.sku, delta, reserved, item.on_hand)

    def take_code(self, *, key: str, pool: str, subject: str) -> Taken:
        """See ``hub.connector.Ledger``."""
        taken, is_new = codes.take(self._connection, key=key, pool=pool, subject=subject, now=self._now)
        if is_new and taken.left == codes.low_at(self._connection, pool):
            self._events.append(own_events.codes_low(pool, taken.left, cause=key, now=self._now))
        return taken

    def store(self) -> None:
        """Writes what was moved, and what that means: both in one transaction."""
        journal.append(self._connection, self._events, self._now)
        if not self._movements:
            return
        touched = sorted({str(row["sku"]) for row in self._movements})
        items = [(sku, item) for sku in touched if (item := self._items[sku]) is not None]
        _SET_BALANCE(
            self._connection,
            [{"b_sku": sku, "count": one.on_hand, "held": one.reserved, "now": self._now} for sku, one in items],
        )
        _MOVE(self._connection, self._movements)

    def _item(self, moving: Moving) -> _Item:
        item, sku = self._find(moving.sku), moving.sku
        if item is None:
            remedy = f"Add it with  hub stock set {shlex.quote(sku)} NUMBER  and retry."
            raise Permanent(f"“{sku}” is not in the stock list. {remedy}")
        return item

    def _find(self, sku: str) -> _Item | None:
        if sku not in self._items:
            found = self._connection.execute(_BALANCE, {"b_sku": sku}).first()
            self._items[sku] = None if found is None else _Item(found.on_hand, found.reserved, found.low_at)
        return self._items[sku]

    def _share(self, moving: Moving) -> _Share:
        if moving.order is None:
            return _Share()
        place = (moving.order, moving.sku)
        if place not in self._shares:
            self._item(moving)  # its line is locked: nobody else moves pieces of this SKU meanwhile
            share = self._shares[place] = _Share()
            rows = self._connection.execute(_OF_ORDER, {"order": moving.order, "b_sku": moving.sku})
            for row in rows:
                _add(share, row.kind, row.delta, row.reserved, row.pending)
        return self._shares[place]


def _add(share: _Share, kind: str, delta: int, reserved: int, pending: int) -> None:
    share.sold -= delta if kind == "sale" else 0
    share.restocked += delta if kind == "restock" else 0
    share.reserved += reserved
    share.pending += pending
    share.is_released |= kind == "release"


def _movement(sku: str, delta: int, reserved: int, balance: int) -> Movement:
    return Movement(sku, balance - delta, balance, abs(delta or reserved))


def _too_few(moving: Moving, item: _Item, share: _Share, what: str) -> str:
    others = item.reserved - share.reserved
    held = f", {others} of them reserved for others" if others else ""
    return (
        f"Only {item.on_hand} of “{moving.sku}” are left{held}, {moving.count} {what}. "
        "Correct it with  hub stock set  and retry."
    )


_MOVED = sa.select(
    stock_movements.c.key,
    stock_movements.c.sku,
    stock_movements.c.kind,
    stock_movements.c.delta,
    stock_movements.c.reserved,
    stock_movements.c.balance,
).where(stock_movements.c.key.in_(sa.bindparam("keys", expanding=True)))
_OF_ORDER = sa.select(
    stock_movements.c.kind, stock_movements.c.delta, stock_movements.c.reserved, stock_movements.c.pending
).where(stock_movements.c.order_number == sa.bindparam("order"), stock_movements.c.sku == sa.bindparam("b_sku"))
_BALANCE = (
    sa.select(stock_items.c.on_hand, stock_items.c.reserved, stock_items.c.low_at)
    .where(stock_items.c.sku == sa.bindparam("b_sku"))
    .with_for_update()
)
_SET_BALANCE = Many(
    stock_items.update()
    .where(stock_items.c.sku == sa.bindparam("b_sku"))
    .values(on_hand=sa.bindparam("count"), reserved=sa.bindparam("held"), updated_at=sa.bindparam("now"))
)
_MOVED_COLUMNS = ("key", "sku", "kind", "delta", "reserved", "pending", "balance", "subject", "order_number", "at")
_MOVE = Many(stock_movements.insert(), *_MOVED_COLUMNS)


@dataclass(frozen=True, slots=True)
class StockItem:
    """A line of the stock list, in pieces."""

    sku: str
    on_hand: int
    reserved: int
    low_at: int | None


def items(connection: Connection) -> list[StockItem]:
    """The stock list, by SKU."""
    columns = (stock_items.c.sku, stock_items.c.on_hand, stock_items.c.reserved, stock_items.c.low_at)
    return [StockItem(*row) for row in connection.execute(sa.select(*columns).order_by(stock_items.c.sku))]


def set_on_hand(connection: Connection, counts: Mapping[str, int], *, now: int) -> None:
    """What a person counted: the difference becomes a movement, so that the ledger stays the sum of its rows."""
    for sku, count in sorted(counts.items()):
        _list(connection, sku, now)
        on_hand, _, low_at = connection.execute(_BALANCE, {"b_sku": sku}).one()
        delta = count - on_hand
        if delta:
            values = {"on_hand": count, "updated_at": now}
            connection.execute(stock_items.update().where(stock_items.c.sku == sku).values(values))
            row = {
                "key": uuid.uuid4().hex,
                "sku": sku,
                "kind": "count",
                "delta": delta,
                "balance": count,
                "reserved": 0,
            }
            connection.execute(stock_movements.insert(), row | {"subject": "", "at": now})
            crossed = own_events.stock_crossed(sku, on_hand, count, low_at, cause=row["key"], now=now)
            journal.append(connection, crossed, now)


def _list(connection: Connection, sku: str, now: int) -> None:
    empty = {"sku": sku, "on_hand": 0, "updated_at": now}
    connection.execute(insert_ignoring(connection.dialect.name, stock_items), empty)


def set_low_at(connection: Connection, sku: str, low_at: int | None) -> bool:
    """From which number of pieces on ``sku`` counts as low; None: never. False when there is no such SKU."""
    changed = connection.execute(stock_items.update().where(stock_items.c.sku == sku).values(low_at=low_at))
    return changed.rowcount == 1


def movements(connection: Connection, sku: str, limit: int | None = None) -> Sequence[Any]:
    """The movements of one SKU, newest first: kind, delta, balance, subject, at."""
    statement = (
        sa.select(stock_movements)
        .where(stock_movements.c.sku == sku)
        .order_by(stock_movements.c.id.desc())
        .limit(limit)
    )
    return connection.execute(statement).all()
