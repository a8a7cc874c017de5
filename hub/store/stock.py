"""The stock ledger: a balance per SKU and every movement that made it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub import own_events
from hub.connector import Movement, Permanent, Taken
from hub.model import Event
from hub.store import codes, journal
from hub.store.statements import Many, insert_ignoring
from hub.store.tables import stock_items, stock_movements


class Stock:
    """The ledger inside one transaction; the implementation of ``hub.connector.Ledger``.

    Balances are read and locked when first used, movements gathered, and everything written by :meth:`store`: a
    batch of a hundred sales costs a handful of statements. ``keys`` are the effect keys that may move something.
    """

    def __init__(self, connection: Connection, keys: Sequence[str], now: int) -> None:
        self._connection = connection
        self._now = now
        self._balances: dict[str, int | None] = {}
        self._low_at: dict[str, int | None] = {}
        self._movements: list[dict[str, Any]] = []
        self._events: list[Event] = []
        rows = connection.execute(_MOVED, {"keys": list(keys)})
        self._moved = {(row.key, row.sku, row.kind): (row.delta, row.balance) for row in rows}

    def move(self, *, key: str, sku: str, delta: int, kind: str, subject: str, below_zero: bool = False) -> Movement:
        """See ``hub.connector.Ledger``."""
        if (known := self._moved.get((key, sku, kind))) is not None:
            return Movement(sku, known[1] - known[0], known[1])
        before = self._balance(sku)
        if before is None or (before + delta < 0 and delta < 0 and not below_zero):
            raise Permanent(_refusal(sku, before, delta))
        balance = before + delta
        self._balances[sku] = balance
        self._moved[key, sku, kind] = (delta, balance)
        row = {"key": key, "sku": sku, "kind": kind, "delta": delta, "balance": balance, "subject": subject}
        self._movements.append(row | {"at": self._now})
        low_at = self._low_at[sku]
        self._events += own_events.stock_crossed(sku, before, balance, low_at, cause=key, now=self._now)
        return Movement(sku, before, balance)

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
        touched = {row["sku"] for row in self._movements}
        rows = [{"b_sku": sku, "count": self._balances[sku], "now": self._now} for sku in sorted(touched)]
        _SET_BALANCE(self._connection, rows)
        _MOVE(self._connection, self._movements)

    def _balance(self, sku: str) -> int | None:
        if sku not in self._balances:
            found = self._connection.execute(_BALANCE, {"b_sku": sku}).first()
            self._balances[sku], self._low_at[sku] = (None, None) if found is None else (found.on_hand, found.low_at)
        return self._balances[sku]


_MOVED = sa.select(
    stock_movements.c.key,
    stock_movements.c.sku,
    stock_movements.c.kind,
    stock_movements.c.delta,
    stock_movements.c.balance,
).where(stock_movements.c.key.in_(sa.bindparam("keys", expanding=True)))
_BALANCE = (
    sa.select(stock_items.c.on_hand, stock_items.c.low_at)
    .where(stock_items.c.sku == sa.bindparam("b_sku"))
    .with_for_update()
)
_SET_BALANCE = Many(
    stock_items.update()
    .where(stock_items.c.sku == sa.bindparam("b_sku"))
    .values(on_hand=sa.bindparam("count"), updated_at=sa.bindparam("now"))
)
_MOVE = Many(stock_movements.insert(), "key", "sku", "kind", "delta", "balance", "subject", "at")


def _refusal(sku: str, on_hand: int | None, delta: int) -> str:
    if on_hand is None:
        return f"“{sku}” is not in the stock list. Add it with  hub stock set {sku} NUMBER  and retry."
    return f"Only {on_hand} of “{sku}” are left, {-delta} were sold. Correct it with  hub stock set  and retry."


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
        empty = {"sku": sku, "on_hand": 0, "updated_at": now}
        connection.execute(insert_ignoring(connection.dialect.name, stock_items), empty)
        on_hand, low_at = connection.execute(_BALANCE, {"b_sku": sku}).one()
        delta = count - on_hand
        if delta:
            values = {"on_hand": count, "updated_at": now}
            connection.execute(stock_items.update().where(stock_items.c.sku == sku).values(values))
            row = {"key": uuid.uuid4().hex, "sku": sku, "kind": "count", "delta": delta, "balance": count}
            connection.execute(stock_movements.insert(), row | {"subject": "", "at": now})
            crossed = own_events.stock_crossed(sku, on_hand, count, low_at, cause=row["key"], now=now)
            journal.append(connection, crossed, now)


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
