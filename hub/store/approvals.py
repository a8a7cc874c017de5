"""Approvals that rules ask for: deliveries that wait until a person answers, or until their time has run out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.store.lanes import IN_QUEUE
from hub.store.runs import cancel_rest, unblock
from hub.store.tables import deliveries, lanes, orders, runs

#: All approvals are in this lane, and nothing else.
LANE = ":approvals"
_MOST = 1000


@dataclass(frozen=True, slots=True)
class Asked:
    """An approval that was asked for. ``who``: roles and names; ``by``: who said yes, once somebody has."""

    id: int
    run_id: int
    rule: str
    order_id: str | None
    order_number: int | None
    state: str
    text: str
    who: tuple[str, ...]
    since: int  #: while it waits, when it was asked
    until: int
    by: str
    error: str


def waiting(connection: Connection, *, order_number: int | None = None) -> list[Asked]:
    """What waits for an answer, the most urgent first; of one order, if it is given."""
    statement = _ASKED.where(IN_QUEUE, deliveries.c.lane_id == _LANE_ID, *_IS_ASKED)
    if order_number is not None:
        statement = statement.where(runs.c.order_number == order_number)
    return [_asked(row) for row in connection.execute(statement.order_by(deliveries.c.due_at).limit(_MOST))]


def count(connection: Connection) -> int:
    """How many wait for an answer; 100 stands for more."""
    statement = sa.select(deliveries.c.id).where(IN_QUEUE, deliveries.c.lane_id == _LANE_ID, *_IS_ASKED).limit(100)
    return int(connection.execute(sa.select(sa.func.count()).select_from(statement.subquery())).scalar_one())


def find(connection: Connection, delivery_id: int) -> Asked | None:
    """An approval, answered or not; None when it was not asked for yet, or is something else."""
    chosen = (deliveries.c.id == delivery_id, deliveries.c.action == "approve", deliveries.c.receipt.is_not(None))
    row = connection.execute(_ASKED.where(*chosen)).first()
    return None if row is None else _asked(row)


def of_step(connection: Connection, run_id: int, step: str) -> int | None:
    """The delivery of a run's approval, asked or not."""
    chosen = (deliveries.c.run_id == run_id, deliveries.c.step == step, deliveries.c.action == "approve")
    found: int | None = connection.execute(sa.select(deliveries.c.id).where(*chosen)).scalar()
    return found


def settle(connection: Connection, asked: Asked, told: Mapping[str, Any], error: str, now: int) -> bool:
    """Stores an answer (``error``: why it is no) and lets the run go on, or not. False: another one came first."""
    state = "cancelled" if error else "succeeded"
    values = {"state": state, "receipt": json.dumps(told, ensure_ascii=False), "error": error, "updated_at": now}
    chosen = (deliveries.c.id == asked.id, deliveries.c.due_at > now, *_IS_ASKED)
    if connection.execute(deliveries.update().where(*chosen).values(**values, due_at=now)).rowcount != 1:
        return False
    if error:
        cancel_rest(connection, {asked.run_id}, error, now)
    else:
        unblock(connection, {asked.run_id}, now)
    return True


_LANE_ID = sa.select(lanes.c.id).where(lanes.c.name == LANE).scalar_subquery()
_IS_ASKED = (deliveries.c.action == "approve", deliveries.c.state == "waiting", deliveries.c.receipt.is_not(None))
_ASKED = (
    sa.select(
        deliveries.c.id,
        deliveries.c.run_id,
        deliveries.c.state,
        deliveries.c.receipt,
        deliveries.c.due_at,
        deliveries.c.updated_at,
        deliveries.c.error,
        runs.c.rule,
        runs.c.order_number,
        orders.c.id.label("order_id"),
    )
    .join(runs, runs.c.id == deliveries.c.run_id)
    .outerjoin(orders, orders.c.number == runs.c.order_number)
)


def _asked(row: Any) -> Asked:
    told = json.loads(row.receipt)
    return Asked(
        id=row.id,
        run_id=row.run_id,
        rule=row.rule,
        order_id=row.order_id,
        order_number=row.order_number,
        state=row.state,
        text=told.get("asked", ""),
        who=tuple(told.get("who", ())),
        since=row.updated_at,
        until=row.due_at,
        by=told.get("by", ""),
        error=row.error,
    )
