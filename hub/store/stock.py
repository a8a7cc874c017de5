"""The stock ledger: a balance per SKU and every movement that made it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.connector import Movement, Permanent
from hub.store.journal import insert_ignoring
from hub.store.tables import stock_items, stock_movements


class Stock:
    """The ledger inside one transaction; the implementation of ``hub.connector.Ledger``."""

    def __init__(self, connection: Connection, now: int) -> None:
        self._connection = connection
        self._now = now

    def move(self, *, key: str, sku: str, delta: int, kind: str, subject: str) -> Movement:
        """See ``hub.connector.Ledger``. One conditional UPDATE decides, so parallel sales cannot go below zero."""
        known = self._known(key, sku, kind)
        if known is not None:
            return known
        balance = self._connection.execute(
            stock_items.update()
            .where(stock_items.c.sku == sku, stock_items.c.on_hand + delta >= 0)
            .values(on_hand=stock_items.c.on_hand + delta, updated_at=self._now)
            .returning(stock_items.c.on_hand)
        ).scalar()
        if balance is None:
            raise Permanent(self._refusal(sku, delta))
        row = {"key": key, "sku": sku, "kind": kind, "delta": delta, "balance": balance, "subject": subject}
        self._connection.execute(stock_movements.insert(), row | {"at": self._now})
        return Movement(sku, balance - delta, balance)

    def _known(self, key: str, sku: str, kind: str) -> Movement | None:
        found = self._connection.execute(
            sa.select(stock_movements.c.balance, stock_movements.c.delta).where(
                stock_movements.c.key == key, stock_movements.c.sku == sku, stock_movements.c.kind == kind
            )
        ).first()
        return None if found is None else Movement(sku, found.balance - found.delta, found.balance)

    def _refusal(self, sku: str, delta: int) -> str:
        on_hand = self._connection.execute(sa.select(stock_items.c.on_hand).where(stock_items.c.sku == sku)).scalar()
        if on_hand is None:
            return f"“{sku}” is not in the stock list. Add it with  hub stock set {sku} NUMBER  and retry."
        return (
            f"Only {on_hand} of “{sku}” are left, {-delta} were sold. Correct the stock with  hub stock set  and retry."
        )


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
        connection.execute(insert_ignoring(connection, stock_items), {"sku": sku, "on_hand": 0, "updated_at": now})
        locked = sa.select(stock_items.c.on_hand).where(stock_items.c.sku == sku).with_for_update()
        delta = count - connection.execute(locked).scalar_one()
        if delta:
            values = {"on_hand": count, "updated_at": now}
            connection.execute(stock_items.update().where(stock_items.c.sku == sku).values(values))
            row = {"key": uuid.uuid4().hex, "sku": sku, "kind": "count", "delta": delta, "balance": count}
            connection.execute(stock_movements.insert(), row | {"subject": "", "at": now})


def movements(connection: Connection, sku: str, limit: int | None = None) -> Sequence[Any]:
    """The movements of one SKU, newest first: kind, delta, balance, subject, at."""
    statement = (
        sa.select(stock_movements)
        .where(stock_movements.c.sku == sku)
        .order_by(stock_movements.c.id.desc())
        .limit(limit)
    )
    return connection.execute(statement).all()
