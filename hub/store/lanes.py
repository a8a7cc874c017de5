"""Lanes: what is delivered one after the other, and how long it has to wait as a whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.store.statements import insert_ignoring
from hub.store.tables import deliveries, lanes

#: The queue, in exactly these words, so that both databases recognise the partial index over it.
IN_QUEUE = sa.text("deliveries.state IN ('ready','waiting')")


@dataclass(frozen=True, slots=True)
class Lane:
    """What shares a connection and a serialising value; ``serial``: one batch of it at a time."""

    name: str
    connection: str
    serial: bool


@dataclass(frozen=True, slots=True)
class Due:
    """A lane with work: when the first of it is due, and until when the lane is blocked."""

    lane_id: int
    name: str
    connection: str
    serial: bool
    blocked_until: int
    failures: int  #: in a row
    due_at: int


def ids(connection: Connection, wanted: Iterable[Lane]) -> dict[str, int]:
    """The ids of lanes by name; those that are missing are made."""
    by_name = {lane.name: lane for lane in wanted}
    known = _ids(connection, list(by_name))
    missing = sorted(by_name.keys() - known.keys())
    if missing:
        rows = [asdict(by_name[name]) for name in missing]
        connection.execute(insert_ignoring(connection.dialect.name, lanes), rows)
        known |= _ids(connection, missing)
    return known


def _ids(connection: Connection, names: list[str]) -> dict[str, int]:
    return {row.name: row.id for row in connection.execute(_IDS, {"names": names})}


_IDS = sa.select(lanes.c.name, lanes.c.id).where(lanes.c.name.in_(sa.bindparam("names", expanding=True)))


def due_lanes(connection: Connection) -> list[Due]:
    """Every lane with something in the queue. Costs a few look-ups per such lane, however much waits in it."""
    return [Due(*row) for row in connection.execute(_DUE_LANES) if row[-1] is not None]


def _due_lanes() -> sa.Select[Any]:
    first = sa.select(sa.func.min(deliveries.c.lane_id).label("lane_id")).where(IN_QUEUE).cte("heads", recursive=True)
    following = (
        sa.select(sa.func.min(deliveries.c.lane_id))
        .where(IN_QUEUE, deliveries.c.lane_id > first.c.lane_id)
        .scalar_subquery()
    )
    heads = first.union_all(sa.select(following).where(first.c.lane_id.is_not(None)))
    first_due = (
        sa.select(sa.func.min(deliveries.c.due_at))
        .where(IN_QUEUE, deliveries.c.lane_id == heads.c.lane_id)
        .scalar_subquery()
    )
    shown = (lanes.c.id, lanes.c.name, lanes.c.connection, lanes.c.serial, lanes.c.blocked_until, lanes.c.failures)
    return sa.select(*shown, first_due).join(heads, heads.c.lane_id == lanes.c.id)


_DUE_LANES = _due_lanes()


def block(connection: Connection, lane_id: int, until: int, reason: str, failures: int) -> None:
    """Has the whole lane wait until ``until``: back-off, or the far end's wish."""
    values = {"blocked_until": until, "reason": reason, "failures": failures, "paused": False}
    connection.execute(lanes.update().where(lanes.c.id == lane_id).values(values))


def block_connection(connection: Connection, name: str, until: int, reason: str, *, paused: bool) -> None:
    """Has every lane of a connection wait. ``paused``: for want of a setting that works."""
    values = {"blocked_until": until, "reason": reason, "paused": paused}
    connection.execute(lanes.update().where(lanes.c.connection == name).values(values))


def resume_paused(connection: Connection) -> None:
    """Lets paused connections try again: the rules or the settings may have changed."""
    values = {"blocked_until": 0, "reason": "", "failures": 0, "paused": False}
    connection.execute(lanes.update().where(lanes.c.paused).values(values))


@dataclass(frozen=True, slots=True)
class Standing:
    """How a connection's lanes stand: how many there are and what waits in them (1,000 stands for more)."""

    connection: str
    lanes: int
    waiting: int
    blocked_until: int
    reason: str
    paused: bool


_MOST_COUNTED = 1000


def standing(connection: Connection) -> list[Standing]:
    """Every connection that was ever used, by name."""
    lane, waiting = lanes.alias(), sa.select(deliveries.c.lane_id).where(IN_QUEUE)
    found: dict[str, Standing] = {}
    for row in connection.execute(sa.select(lane).where(lane.c.connection != "").order_by(lane.c.connection)):
        counted = waiting.where(deliveries.c.lane_id == row.id).limit(_MOST_COUNTED).subquery()
        count = 0
        known = found.get(row.connection, Standing(row.connection, 0, 0, 0, "", False))
        if known.waiting < _MOST_COUNTED:
            count = int(connection.execute(sa.select(sa.func.count()).select_from(counted)).scalar_one())
        found[row.connection] = Standing(
            row.connection,
            known.lanes + 1,
            min(_MOST_COUNTED, known.waiting + count),
            max(known.blocked_until, row.blocked_until),
            row.reason or known.reason,
            bool(row.paused or known.paused),
        )
    return list(found.values())
