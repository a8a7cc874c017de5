"""Orders, and what was fetched from Stripe for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.model import Order, OrderState, Subscription
from hub.store.statements import Many, insert_ignoring
from hub.store.tables import enrichments, orders

OrderKey = tuple[str, str, bool]  #: session id, account, livemode

_FIELDS = [orders.c[field.name] for field in fields(Order)]


def key_of(order: Order) -> OrderKey:
    return order.id, order.account, order.livemode


def record(
    connection: Connection, told: Sequence[Order], merge: Callable[[Order, Order], Order], now: int
) -> list[Order]:
    """Adds what events tell to the stored orders, one after the other; returns the order after each telling.

    New orders are numbered in the order in which they are told. Atomic with the transaction; on PostgreSQL each
    row that is changed stays locked until its end, so that nobody loses another's facts.
    """
    first = {key_of(order): order for order in reversed(told)}
    new = _insert(connection, [first[key] for key in dict.fromkeys(map(key_of, told))], now)
    stored = new | _lock(connection, sorted(first.keys() - new.keys()))
    current, after = dict(stored), []
    for order in told:
        key = key_of(order)
        current[key] = merge(current[key], order)  # a telling that is there already changes nothing
        after.append(current[key])
    update(connection, [order for key, order in current.items() if order != stored[key]], now)
    return after


def _insert(connection: Connection, found: Sequence[Order], now: int) -> dict[OrderKey, Order]:
    told = (orders.c.number, orders.c.id, orders.c.account, orders.c.livemode)
    statement = insert_ignoring(connection.dialect.name, orders, *told)
    rows: Any = connection.execute(statement, [_row(order, now) for order in found]) if found else []
    numbers = {(row.id, row.account, row.livemode): row.number for row in rows}
    return {key_of(order): replace(order, number=numbers[key_of(order)]) for order in found if key_of(order) in numbers}


def _lock(connection: Connection, keys: Sequence[OrderKey]) -> dict[OrderKey, Order]:
    if not keys:
        return {}
    wanted = set(keys)
    found = [from_row(row) for row in connection.execute(_LOCK, {"ids": [key[0] for key in keys]})]
    return {key_of(order): order for order in found if key_of(order) in wanted}


_LOCK = (
    sa.select(*_FIELDS)
    .where(orders.c.id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(orders.c.id, orders.c.account, orders.c.livemode)
    .with_for_update()
)


def update(connection: Connection, changed: Iterable[Order], now: int) -> None:
    """Writes what orders have become; they are locked by this transaction."""
    _UPDATE(connection, [{"b_number": order.number, **_row(order, now)} for order in changed])


_TOLD = [field.name for field in fields(Order) if field.name != "number"]
_CHANGING: dict[str, Any] = {name: sa.bindparam(name) for name in (*_TOLD, "updated_at")}
_UPDATE = Many(orders.update().where(orders.c.number == sa.bindparam("b_number")).values(_CHANGING))


def _row(order: Order, now: int) -> dict[str, Any]:
    row: dict[str, Any] = {name: getattr(order, name) for name in _TOLD}
    return {**row, "state": order.state.value, "updated_at": now}


def load(connection: Connection, numbers: Iterable[int]) -> dict[int, Order]:
    """Orders by their number."""
    return {row.number: from_row(row) for row in connection.execute(_LOAD, {"numbers": list(numbers)})}


_LOAD = sa.select(*_FIELDS).where(orders.c.number.in_(sa.bindparam("numbers", expanding=True)))


def find(connection: Connection, session_id: str) -> Order | None:
    """The order of a Checkout Session."""
    row = connection.execute(sa.select(*_FIELDS).where(orders.c.id == session_id)).first()
    return None if row is None else from_row(row)


def lock_by_payment(connection: Connection, payments: Sequence[str]) -> list[Order]:
    """The orders that were paid with these payment intents, locked until the end of the transaction."""
    statement = sa.select(*_FIELDS).where(orders.c.payment_intent.in_(payments)).order_by(orders.c.number)
    return [from_row(row) for row in connection.execute(statement.with_for_update())]


def find_by(connection: Connection, column: str, values: Iterable[str]) -> dict[OrderKey, Order]:
    """Orders by ``id``, ``payment_intent`` or ``subscription``, account, mode; the newest where several share one."""
    statement = sa.select(*_FIELDS).where(orders.c[column].in_(list(values))).order_by(orders.c.number)
    found = (from_row(row) for row in connection.execute(statement))
    return {(getattr(order, column), order.account, order.livemode): order for order in found}


def find_all(connection: Connection, session_ids: Iterable[str]) -> list[Order]:
    """The orders of several Checkout Sessions."""
    statement = sa.select(*_FIELDS).where(orders.c.id.in_(list(session_ids)))
    return [from_row(row) for row in connection.execute(statement)]


def all_of_subscription(connection: Connection, one: Subscription) -> list[Order]:
    """The orders by which a subscription was bought: one, as a rule."""
    mine = (orders.c.subscription == one.id, orders.c.account == one.account, orders.c.livemode == one.livemode)
    return [from_row(row) for row in connection.execute(sa.select(*_FIELDS).where(*mine).order_by(orders.c.number))]


def paid_since(connection: Connection, moment: int) -> list[Order]:
    """The orders of sessions that were opened since then and have been paid."""
    statement = sa.select(*_FIELDS).where(orders.c.created_at >= moment, orders.c.paid_at.is_not(None))
    return [from_row(row) for row in connection.execute(statement.order_by(orders.c.number))]


def from_row(row: Any) -> Order:
    """The order in a row of the table."""
    values = {column.name: getattr(row, column.name) for column in _FIELDS}
    return Order(**{**values, "state": OrderState(row.state)})


def keep_enrichment(
    connection: Connection, *, object_id: str, kind: str, account: str, livemode: bool, body: Any, now: int
) -> None:
    """Keeps what was fetched; the first answer stays, so that a delivery renders the same on every try."""
    connection.execute(
        insert_ignoring(connection.dialect.name, enrichments),
        {
            "object_id": object_id,
            "kind": kind,
            "account": account,
            "livemode": livemode,
            "body": json.dumps(body).encode(),
            "fetched_at": now,
        },
    )


def load_fetched(connection: Connection, object_ids: Iterable[str]) -> dict[OrderKey, dict[str, Any]]:
    """What was read from Stripe, by (object id, account, livemode), by kind."""
    found: dict[OrderKey, dict[str, Any]] = {}
    for row in connection.execute(_FETCHED, {"ids": list(object_ids)}):
        of_object = found.setdefault((row.object_id, row.account, row.livemode), {})
        of_object[row.kind] = json.loads(row.body, parse_float=Decimal)
    return found


_FETCHED = sa.select(enrichments).where(enrichments.c.object_id.in_(sa.bindparam("ids", expanding=True)))
