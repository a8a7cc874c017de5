"""What the overview counts. Each question costs a look at an index, or at what happened in the last day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.store.tables import TO_SHIP, deliveries, orders, runs

HOUR_MS = 3_600_000
#: A shop with more open parcels does not mark them; what they are worth is then said of the oldest.
_MOST_OPEN = 50_000
#: Of so many of the last parcels it is said how long they took.
_LAST_SHIPPED = 200


@dataclass(frozen=True, slots=True)
class Sum:
    """Orders of one currency: how many, and what they are worth in Stripe's unit."""

    currency: str
    count: int
    total: int


@dataclass(frozen=True, slots=True)
class Hour:
    """Deliveries whose state last changed in an hour (since 1970, UTC): how many are done, and how many are not."""

    hour: int
    connection: str
    done: int
    failed: int


def paid_since(connection: Connection, moment: int, *, livemode: bool) -> list[Sum]:
    """Orders opened since a moment and paid, by currency."""
    recent = orders.c.created_at >= moment
    # By number as well: the index over the dates alone would not be chosen by every database. “+ 0”: the least number
    # of a column SQLite looks for from its beginning, whatever the condition.
    first = sa.select(sa.func.min(orders.c.number + 0)).where(recent).scalar_subquery()
    statement = _sums(orders.c.total).where(
        orders.c.livemode == livemode, orders.c.number >= first, recent, orders.c.paid_at.is_not(None)
    )
    return [Sum(row[0], row[1], row[2]) for row in connection.execute(statement)]


def to_ship(connection: Connection, first_start: int, *, livemode: bool) -> tuple[list[Sum], int | None]:
    """What was paid and is not shipped, less what was given back, by currency; and when the oldest was paid."""
    chosen = (orders.c.livemode == livemode, sa.text(TO_SHIP), orders.c.created_at >= first_start)
    open_ = (
        sa.select(orders.c.currency, (orders.c.total - orders.c.refunded).label("total"), orders.c.paid_at)
        .where(*chosen)
        .order_by(orders.c.number)
        .limit(_MOST_OPEN)
        .subquery()
    )
    statement = sa.select(
        open_.c.currency, sa.func.count(), sa.func.coalesce(sa.func.sum(open_.c.total), 0), sa.func.min(open_.c.paid_at)
    ).group_by(open_.c.currency)
    rows = connection.execute(statement).all()
    return [Sum(row[0], row[1], int(row[2])) for row in rows], min((row[3] for row in rows), default=None)


def _sums(amount: sa.ColumnElement[int]) -> sa.Select[str, int, int]:
    total = sa.cast(sa.func.coalesce(sa.func.sum(amount), 0), sa.BigInteger)
    return sa.select(orders.c.currency, sa.func.count(), total).group_by(orders.c.currency).order_by(orders.c.currency)


def hours(connection: Connection, since: int) -> list[Hour]:
    """The deliveries of runs that began since a moment, by hour and connection ("" for the hub's own steps)."""
    first = _first_run(connection, since)
    if first is None:
        return []
    hour = (deliveries.c.updated_at // sa.literal_column(str(HOUR_MS), sa.BigInteger)).label("hour")
    done = sa.func.sum(sa.case((deliveries.c.state == "succeeded", 1), else_=0))
    stuck = deliveries.c.state.in_(("dead", "unknown"))
    failed = sa.func.sum(sa.case((sa.or_(stuck, deliveries.c.failures > 0), 1), else_=0))
    statement = (
        sa.select(hour, deliveries.c.connection, done, failed)
        .where(deliveries.c.run_id >= first, deliveries.c.updated_at >= since)
        .group_by(hour, deliveries.c.connection)
    )
    return [Hour(int(row[0]), row[1], int(row[2]), int(row[3])) for row in connection.execute(statement)]


def by_rule(connection: Connection, since: int) -> dict[str, dict[str, int]]:
    """How many deliveries of each rule's runs since then are in which state."""
    first = _first_run(connection, since)
    if first is None:
        return {}
    statement = (
        sa.select(runs.c.rule, deliveries.c.state, sa.func.count())
        .join(deliveries, deliveries.c.run_id == runs.c.id)
        # Said of both: PostgreSQL would go through all deliveries there ever were.
        .where(runs.c.id >= first, deliveries.c.run_id >= first)
        .group_by(runs.c.rule, deliveries.c.state)
    )
    found: dict[str, dict[str, int]] = {}
    for rule, state, count in connection.execute(statement):
        found.setdefault(rule, {})[state] = int(count)
    return found


def _first_run(connection: Connection, since: int) -> int | None:
    """The first run that was made since a moment. Runs are numbered in the order in which they are made: halving."""
    # One question for each end: asked for both at once, SQLite goes through all of them.
    ends = (sa.select(end(runs.c.id)).scalar_subquery() for end in (sa.func.min, sa.func.max))
    low, last = connection.execute(sa.select(*ends)).one()
    if last is None:
        return None
    high = int(last) + 1
    while low < high:
        middle = (low + high) // 2
        made = sa.select(runs.c.created_at).where(runs.c.id >= middle).order_by(runs.c.id).limit(1)
        if int(connection.execute(made).scalar_one()) < since:
            low = middle + 1
        else:
            high = middle
    return int(low)


def time_to_ship(connection: Connection, *, livemode: bool) -> int | None:
    """How long the last parcels took from paid to shipped: the median, in milliseconds."""
    shipped = (orders.c.livemode == livemode, orders.c.shipped_at.is_not(None), orders.c.paid_at.is_not(None))
    statement = sa.select(orders.c.shipped_at - orders.c.paid_at).where(*shipped)
    last = statement.order_by(orders.c.number.desc()).limit(_LAST_SHIPPED)
    rows: Sequence[int] = connection.execute(last).scalars().all()
    return sorted(rows)[len(rows) // 2] if rows else None
