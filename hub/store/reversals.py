"""Refunds and disputes, and what they make of orders."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.model import Order, Reversal
from hub.store import orders
from hub.store.statements import insert_ignoring
from hub.store.tables import reversals

#: What the reversals of a payment come to: refunded in Stripe's unit, and whether a dispute stands.
Change = Callable[[Order, int, bool], Order]


def known(connection: Connection, ids: Iterable[str]) -> dict[str, str]:
    """The state of refunds and disputes that are on record, by id."""
    statement = sa.select(reversals.c.id, reversals.c.status).where(reversals.c.id.in_(list(ids)))
    return {row.id: row.status for row in connection.execute(statement)}


def record(connection: Connection, told: Sequence[Reversal], change: Change, now: int) -> None:
    """Adds what events tell; a refund or dispute only moves forward. Brings the orders of their payments up to date.

    Atomic with the transaction; on PostgreSQL the orders stay locked until its end.
    """
    for one in told:
        row = asdict(one)
        connection.execute(insert_ignoring(connection.dialect.name, reversals), row)
        further = (reversals.c.id == one.id, reversals.c.account == one.account, reversals.c.livemode == one.livemode)
        values = {"status": one.status, "rank": one.rank, "amount": one.amount}
        connection.execute(reversals.update().where(*further, reversals.c.rank < one.rank).values(values))
    apply(connection, {one.payment_intent for one in told}, change, now)


def apply(connection: Connection, payments: Iterable[str], change: Change, now: int) -> None:
    """Brings the orders of payments up to date with what is on record of their refunds and disputes."""
    wanted = sorted(set(payments))
    if not wanted:
        return
    found = connection.execute(_OF_PAYMENTS, {"payments": wanted}).all()
    if not found:
        return
    for order in orders.lock_by_payment(connection, wanted):
        mine = [
            row
            for row in found
            if (row.payment_intent, row.account, row.livemode) == (order.payment_intent, order.account, order.livemode)
        ]
        refunded = sum(row.amount for row in mine if row.kind == "refund" and row.status == "succeeded")
        disputed = any(row.kind == "dispute" and row.status == "standing" for row in mine)
        orders.update(connection, [change(order, refunded, disputed)], now)


_OF_PAYMENTS = sa.select(reversals).where(reversals.c.payment_intent.in_(sa.bindparam("payments", expanding=True)))
