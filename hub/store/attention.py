"""What waits for a person, and why: deliveries that were given up or that nobody can tell, plannings, connections."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.store import approvals
from hub.store.tables import deliveries, events, lanes, orders, plannings, runs, stock_items

#: In exactly the words of the partial index over what waits for a person.
FOR_A_PERSON = sa.text("deliveries.state IN ('dead','unknown')")
#: More are not looked at: whoever has ten thousand dead letters has one cause, and sees it.
_MOST = 10_000
_SHOWN = 20
#: What differs from one failure to the next of the same cause: what is quoted, and numbers.
_PARTICULAR = re.compile(r"“[^”]*”|\"[^\"]*\"|\b\d[\d.,:-]*\b|\b\w+_[A-Za-z0-9_]{6,}\b")


@dataclass(frozen=True, slots=True)
class Stuck:
    """A delivery that goes on only by a person's word."""

    id: int
    order_id: str | None
    order_number: int | None
    error: str


@dataclass(slots=True)
class Cause:
    """Deliveries that wait for the same reason. ``first`` shows the newest of ``ids`` (newest first)."""

    state: str
    action: str
    connection: str
    reason: str
    since: int
    ids: list[int] = field(default_factory=list)
    first: list[Stuck] = field(default_factory=list)


def causes(connection: Connection) -> list[Cause]:
    """What waits for a person among the deliveries, by state, action, connection and reason; the largest first."""
    found: dict[tuple[str, ...], Cause] = {}
    for row in connection.execute(_STUCK):
        key = (row.state, row.action, row.connection, _PARTICULAR.sub("…", row.error))
        cause = found.setdefault(key, Cause(*key, row.updated_at))
        cause.since = min(cause.since, row.updated_at)
        cause.ids.append(row.id)
        if len(cause.first) < _SHOWN:
            cause.first.append(Stuck(row.id, row.order_id, row.order_number, row.error))
    return sorted(found.values(), key=lambda one: -len(one.ids))


_STUCK = (
    sa.select(
        deliveries.c.id,
        deliveries.c.state,
        deliveries.c.action,
        deliveries.c.connection,
        deliveries.c.error,
        deliveries.c.updated_at,
        runs.c.order_number,
        orders.c.id.label("order_id"),
    )
    .join(runs, runs.c.id == deliveries.c.run_id)
    .outerjoin(orders, orders.c.number == runs.c.order_number)
    .where(FOR_A_PERSON)
    .order_by(deliveries.c.id.desc())
    .limit(_MOST)
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Events that a rule ("" for all rules) is not planned for yet, by the reason."""

    rule: str
    reason: str
    count: int
    since: int


def plannings_waiting(connection: Connection) -> list[Waiting]:
    """Plannings that were put off, with the reason; without those that are simply next."""
    count, since = sa.func.count(), sa.func.min(events.c.received_at)
    statement = (
        sa.select(plannings.c.rule, plannings.c.note, count, since)
        .join(events, events.c.seq == plannings.c.event_seq)
        .where(plannings.c.due_at.is_not(None), plannings.c.note != "")
        .group_by(plannings.c.rule, plannings.c.note)
        .order_by(count.desc())
        .limit(100)
    )
    return [Waiting(*row) for row in connection.execute(statement)]


@dataclass(frozen=True, slots=True)
class Paused:
    """A connection that waits for a setting that works."""

    connection: str
    reason: str
    lanes: int


def paused(connection: Connection) -> list[Paused]:
    """Connections that do not try any more until somebody has mended their settings."""
    statement = sa.select(lanes.c.connection, sa.func.max(lanes.c.reason), sa.func.count()).where(lanes.c.paused)
    return [Paused(*row) for row in connection.execute(statement.group_by(lanes.c.connection))]


def below_zero(connection: Connection) -> Sequence[tuple[str, int]]:
    """SKUs of which more were sold than there were, with their balance."""
    statement = sa.select(stock_items.c.sku, stock_items.c.on_hand).where(stock_items.c.on_hand < 0)
    return [(row.sku, row.on_hand) for row in connection.execute(statement.order_by(stock_items.c.sku))]


def held_orders(connection: Connection) -> int:
    """How many orders people keep back."""
    statement = sa.select(sa.func.count()).select_from(orders).where(orders.c.held_at.is_not(None))
    return int(connection.execute(statement).scalar_one())


def count(connection: Connection) -> int:
    """How many deliveries, connections and approvals wait for a person; 100 stands for more."""
    stuck = sa.select(deliveries.c.id).where(FOR_A_PERSON).limit(100).subquery()
    number = sa.select(sa.func.count()).select_from(stuck).scalar_subquery()
    stopped = sa.select(sa.func.count()).where(lanes.c.paused).scalar_subquery()
    found = connection.execute(sa.select(number + stopped)).scalar_one()
    return min(100, int(found) + approvals.count(connection))
