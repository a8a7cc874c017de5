"""Claims: leases on batches of deliveries, with the attempts recorded before anything is sent.

The queue is the partial index over ``ready`` and ``waiting`` deliveries: what is final is never looked at again, so
a claim costs the same whatever the table holds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.store.lanes import IN_QUEUE, Due
from hub.store.statements import insert_ignoring
from hub.store.tables import attempts, claims, deliveries, lanes, runs

#: How many due deliveries a claim looks at; no action takes more in one batch.
_LOOK_AHEAD = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A delivery in a worker's hands, with what it needs to be rendered."""

    id: int
    run_id: int
    step: str
    action: str
    connection: str
    due_at: int
    attempt: int
    failures: int
    repeated: bool
    run_key: str
    rule: str
    item: str
    subject: str
    trigger: str
    event_seq: int
    order_number: int | None
    ruleset_id: int
    failed_delivery_id: int | None
    receipt: Mapping[str, Any] | None = None  #: what an approval asked when it came first


@dataclass(frozen=True, slots=True)
class Claim:
    """A lease on ``work``. ``batch_id`` is the claim's id, or that of the batch which comes again.

    ``since``: when any of a batch that comes again was first tried. ``failures``: of the lane, in a row until now.
    """

    id: int
    lane_id: int
    batch_id: int
    repeated: bool
    work: Sequence[Work]
    since: int | None = None
    failures: int = 0


def claim(
    connection: Connection, lane: Due, *, worker: str, now: int, lease_until: int, most: Callable[[str], int]
) -> Claim | None:
    """Leases what is due in a lane: consecutive deliveries of one action, at most ``most(action)``; None if nothing.

    A batch that may have been applied comes alone and whole, under its old id. The attempts are recorded in the
    same transaction. A lane that is blocked, or serial and held by someone else, gives None.
    """
    blocked_until, failures = connection.execute(_LANE, {"lane": lane.lane_id}).one()
    if blocked_until > now:
        return None
    claim_id = _new_claim(connection, lane, worker, lease_until)
    if claim_id is None:
        return None
    rows = _batch(_candidates(connection, lane.lane_id, now), most)
    if rows and rows[0].batch_id is not None:
        rows = _whole_batch(connection, rows[0].batch_id)
    if not rows:
        end_claim(connection, claim_id)
        return None
    ids = [row.id for row in rows]
    connection.execute(_RUNNING, {"ids": ids, "claim": claim_id, "now": now})
    record_attempts(connection, ids, claim_id, now)
    again, work = rows[0].batch_id, [_work(row) for row in rows]
    if again is None:
        return Claim(claim_id, lane.lane_id, claim_id, False, work, failures=failures)
    since = connection.execute(_FIRST_TRY, {"ids": ids}).scalar_one()
    return Claim(claim_id, lane.lane_id, again, True, work, since, failures)


_LANE = sa.select(lanes.c.blocked_until, lanes.c.failures).where(lanes.c.id == sa.bindparam("lane"))
_CHOSEN = deliveries.c.id.in_(sa.bindparam("ids", expanding=True))
_RUNNING = (
    deliveries.update()
    .where(_CHOSEN)
    .values(
        state="running",
        claim_id=sa.bindparam("claim"),
        attempts=deliveries.c.attempts + 1,
        updated_at=sa.bindparam("now"),
    )
)
_FIRST_TRY = sa.select(sa.func.min(attempts.c.started_at)).where(
    attempts.c.delivery_id.in_(sa.bindparam("ids", expanding=True))
)


def _new_claim(connection: Connection, lane: Due, worker: str, lease_until: int) -> int | None:
    statement = insert_ignoring(connection.dialect.name, claims, claims.c.id)
    values = {
        "lane_id": lane.lane_id,
        "serial_lane": lane.lane_id if lane.serial else None,
        "worker": worker,
        "lease_until": lease_until,
    }
    found: int | None = connection.execute(statement, values).scalar()
    return found


def end_claim(connection: Connection, claim_id: int) -> None:
    connection.execute(_END_CLAIM, {"claim": claim_id})


_END_CLAIM = claims.delete().where(claims.c.id == sa.bindparam("claim"))


_WORK = (
    deliveries.c.id,
    deliveries.c.run_id,
    deliveries.c.step,
    deliveries.c.action,
    deliveries.c.connection,
    deliveries.c.due_at,
    deliveries.c.attempts,
    deliveries.c.failures,
    deliveries.c.batch_id,
    deliveries.c.ruleset_id,
    deliveries.c.receipt,
    runs.c.key.label("run_key"),
    runs.c.rule,
    runs.c.item,
    runs.c.subject,
    runs.c.trigger,
    runs.c.event_seq,
    runs.c.order_number,
    runs.c.failed_delivery_id,
)
_SELECT_WORK = sa.select(*_WORK).join(runs, runs.c.id == deliveries.c.run_id)


_DUE_WORK = (
    _SELECT_WORK.where(IN_QUEUE, deliveries.c.lane_id == sa.bindparam("lane"))
    .where(deliveries.c.due_at <= sa.bindparam("now"))
    .order_by(deliveries.c.due_at, deliveries.c.id)
    .limit(sa.bindparam("most"))
)
_DUE_WORK_LOCKED = _DUE_WORK.with_for_update(skip_locked=True, of=deliveries)


def _candidates(connection: Connection, lane_id: int, now: int) -> Sequence[Any]:
    return connection.execute(_DUE_WORK_LOCKED, {"lane": lane_id, "now": now, "most": _LOOK_AHEAD}).all()


def _batch(candidates: Sequence[Any], most: Callable[[str], int]) -> Sequence[Any]:
    if not candidates:
        return []
    first = candidates[0]
    limit = most(first.action)
    batch = []
    for row in candidates[:limit]:
        if (row.action, row.connection) != (first.action, first.connection) or row.batch_id != first.batch_id:
            break
        batch.append(row)
    return batch


def _whole_batch(connection: Connection, batch_id: int) -> Sequence[Any]:
    """The whole of a batch that comes again: with a token at the far end it stands or falls as one."""
    statement = _SELECT_WORK.where(deliveries.c.batch_id == batch_id, IN_QUEUE).order_by(deliveries.c.id)
    return connection.execute(statement.with_for_update(of=deliveries)).all()


def _work(row: Any) -> Work:
    return Work(
        id=row.id,
        run_id=row.run_id,
        step=row.step,
        action=row.action,
        connection=row.connection,
        due_at=row.due_at,
        attempt=row.attempts + 1,
        failures=row.failures,
        repeated=row.batch_id is not None,
        run_key=row.run_key,
        rule=row.rule,
        item=row.item,
        subject=row.subject,
        trigger=row.trigger,
        event_seq=row.event_seq,
        order_number=row.order_number,
        ruleset_id=row.ruleset_id,
        failed_delivery_id=row.failed_delivery_id,
        receipt=None if row.receipt is None else json.loads(row.receipt),
    )


def record_attempts(connection: Connection, ids: Sequence[int], claim_id: int | None, now: int) -> None:
    """Writes down a try at each delivery, before it is made; its number is the delivery's count of tries."""
    connection.execute(_RECORD_ATTEMPTS, {"ids": ids, "claim": claim_id, "now": now})


_RECORD_ATTEMPTS = attempts.insert().from_select(
    ["delivery_id", "number", "claim_id", "started_at"],
    sa.select(
        deliveries.c.id,
        deliveries.c.attempts,
        sa.bindparam("claim", type_=sa.BigInteger),
        sa.bindparam("now", type_=sa.BigInteger),
    ).where(_CHOSEN),
)


def extend_leases(connection: Connection, claim_ids: Collection[int], lease_until: int) -> None:
    """Keeps a worker's claims while it works."""
    connection.execute(claims.update().where(claims.c.id.in_(list(claim_ids))).values(lease_until=lease_until))


def recover(connection: Connection, now: int, *, everyone: bool, except_for: Collection[int] = ()) -> int:
    """Takes back the deliveries of workers that are gone: claims past their lease, or (``everyone``) all.

    ``except_for`` are claims that this process is working on, whatever the clock says. What the others were doing
    may have been done: the batch comes again as it was, to be looked up. Returns how many.
    """
    dead = sa.select(claims.c.id).where(claims.c.id.not_in(list(except_for)))
    if not everyone:
        dead = dead.where(claims.c.lease_until < now).with_for_update(skip_locked=True)
    claim_ids = list(connection.execute(dead).scalars())
    if not claim_ids:
        return 0
    lost = deliveries.c.claim_id.in_(claim_ids)
    connection.execute(
        attempts.update()
        .where(attempts.c.claim_id.in_(claim_ids), attempts.c.finished_at.is_(None))
        .where(attempts.c.delivery_id.in_(sa.select(deliveries.c.id).where(lost)))
        .values(finished_at=now, outcome="ambiguous", detail="The hub stopped while this was being sent.")
    )
    values = {
        "state": "waiting",
        "batch_id": sa.func.coalesce(deliveries.c.batch_id, deliveries.c.claim_id),
        "claim_id": None,
        "updated_at": now,
    }
    found = connection.execute(deliveries.update().where(lost).values(values)).rowcount
    connection.execute(claims.delete().where(claims.c.id.in_(claim_ids)))
    return found


def due_here(connection: Connection, lane_id: int, now: int, limit: int) -> list[Work]:
    """Due deliveries of a lane whose effects are in this database; not leased: ``settling.apply_here`` checks anew."""
    return [_work(row) for row in connection.execute(_DUE_WORK, {"lane": lane_id, "now": now, "most": limit})]
