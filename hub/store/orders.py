"""Orders, and what was fetched from Stripe for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.model import Order, OrderState
from hub.store.journal import insert_ignoring
from hub.store.tables import enrichments, orders

OrderKey = tuple[str, str, bool]  #: session id, account, livemode

_FIELDS = [column for column in orders.c if column.name != "updated_at"]


def key_of(order: Order) -> OrderKey:
    return order.id, order.account, order.livemode


def record(
    connection: Connection, told: Sequence[Order], merge: Callable[[Order, Order], Order], now: int
) -> dict[OrderKey, Order]:
    """Adds what events tell to the stored orders and returns the orders as they are now, with their numbers.

    Atomic with the transaction; on PostgreSQL each touched row stays locked until its end, in the order of the
    keys, so that two planners cannot lose each other's facts or wait for each other in a circle.
    """
    merged: dict[OrderKey, Order] = {}
    for order in told:
        known = merged.get(key_of(order))
        merged[key_of(order)] = order if known is None else merge(known, order)
    new = _insert(connection, [merged[key] for key in sorted(merged)], now)
    stored = _lock(connection, sorted(merged.keys() - new.keys()))
    grown = {key: merge(known, merged[key]) for key, known in stored.items()}
    _update(connection, [order for key, order in grown.items() if order != stored[key]], now)
    return new | grown


def _insert(connection: Connection, found: Sequence[Order], now: int) -> dict[OrderKey, Order]:
    statement = insert_ignoring(connection, orders).returning(
        orders.c.number, orders.c.id, orders.c.account, orders.c.livemode
    )
    rows: Any = connection.execute(statement, [_row(order, now) for order in found]) if found else []
    numbers = {(row.id, row.account, row.livemode): row.number for row in rows}
    return {key_of(order): replace(order, number=numbers[key_of(order)]) for order in found if key_of(order) in numbers}


def _lock(connection: Connection, keys: Sequence[OrderKey]) -> dict[OrderKey, Order]:
    if not keys:
        return {}
    wanted = set(keys)
    statement = (
        sa.select(*_FIELDS)
        .where(orders.c.id.in_([key[0] for key in keys]))
        .order_by(orders.c.id, orders.c.account, orders.c.livemode)
        .with_for_update()
    )
    found = [from_row(row) for row in connection.execute(statement)]
    return {key_of(order): order for order in found if key_of(order) in wanted}


def _update(connection: Connection, changed: Iterable[Order], now: int) -> None:
    rows = [{"b_number": order.number, **_row(order, now)} for order in changed]
    if rows:
        values: dict[str, Any] = {name: sa.bindparam(name) for name in rows[0] if name != "b_number"}
        connection.execute(orders.update().where(orders.c.number == sa.bindparam("b_number")).values(values), rows)


def _row(order: Order, now: int) -> dict[str, Any]:
    row = asdict(order)
    del row["number"]
    return {**row, "state": order.state.value, "updated_at": now}


def load(connection: Connection, numbers: Iterable[int]) -> dict[int, Order]:
    """Orders by their number."""
    statement = sa.select(*_FIELDS).where(orders.c.number.in_(list(numbers)))
    return {row.number: from_row(row) for row in connection.execute(statement)}


def find(connection: Connection, session_id: str) -> Order | None:
    """The order of a Checkout Session."""
    row = connection.execute(sa.select(*_FIELDS).where(orders.c.id == session_id)).first()
    return None if row is None else from_row(row)


def from_row(row: Any) -> Order:
    """The order in a row of the table."""
    values = {column.name: getattr(row, column.name) for column in _FIELDS}
    return Order(**{**values, "state": OrderState(row.state)})


def keep_enrichment(
    connection: Connection, *, object_id: str, kind: str, account: str, livemode: bool, body: Any, now: int
) -> None:
    """Keeps what was fetched; the first answer stays, so that a delivery renders the same on every try."""
    connection.execute(
        insert_ignoring(connection, enrichments),
        {
            "object_id": object_id,
            "kind": kind,
            "account": account,
            "livemode": livemode,
            "body": json.dumps(body).encode(),
            "fetched_at": now,
        },
    )


def load_enrichments(connection: Connection, kind: str, object_ids: Iterable[str]) -> dict[OrderKey, Any]:
    """What was fetched of ``kind``, by (object id, account, livemode)."""
    statement = sa.select(enrichments).where(enrichments.c.kind == kind, enrichments.c.object_id.in_(list(object_ids)))
    return {
        (row.object_id, row.account, row.livemode): json.loads(row.body, parse_float=Decimal)
        for row in connection.execute(statement)
    }
