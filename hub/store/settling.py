"""Settling: what came of deliveries, and what follows from it, in one fenced transaction."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.connector import Ledger
from hub.keys import effect_key
from hub.model import DONE, DeliveryState
from hub.store.claims import Claim, Work, end_claim, record_attempts
from hub.store.lanes import IN_QUEUE
from hub.store.runs import EARLIER_STEP_FAILED, NewRun, add_runs, cancel_rest, unblock
from hub.store.statements import Many
from hub.store.stock import Stock
from hub.store.tables import attempts, deliveries, lanes


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What came of a delivery. ``tolerated``: it is dead, but the rule goes on (``on_error: continue``)."""

    work: Work
    state: DeliveryState
    outcome: str
    due_at: int = 0
    receipt: Mapping[str, Any] | None = None
    error: str = ""
    failures: int = 0
    batch_id: int | None = None
    tolerated: bool = False
    stops: str = ""  #: why the rest of the run is cancelled, if it is
    tried: bool = True  #: False: claimed, but left for the next batch
    on_error: NewRun | None = None


def settle(connection: Connection, taken: Claim, settled: Sequence[Settled], now: int) -> int:
    """Stores what came of a claim and makes the next steps ready. Returns how many deliveries were still ours.

    Fenced: what another worker has taken over since is left alone, and its next steps too.
    """
    ours = set(connection.execute(_HELD, {"claim": taken.id}).scalars())
    kept = [one for one in settled if one.work.id in ours]
    tried = [one for one in kept if one.tried]
    _store(connection, kept, now)
    _finish_attempts(connection, tried, now)
    _forget_attempts(connection, [one.work for one in kept if not one.tried])
    _go_on(connection, tried, now)
    end_claim(connection, taken.id)
    return len(kept)


_HELD = sa.select(deliveries.c.id).where(deliveries.c.claim_id == sa.bindparam("claim")).with_for_update()


def _store(connection: Connection, settled: Sequence[Settled], now: int) -> None:
    rows = [
        {
            "b_id": one.work.id,
            "b_state": one.state.value,
            "b_due_at": one.due_at or now,
            "b_receipt": None if one.receipt is None else json.dumps(one.receipt, ensure_ascii=False),
            "b_error": one.error,
            "b_failures": one.failures,
            "b_batch_id": one.batch_id,
            "now": now,
        }
        for one in settled
    ]
    _STORE(connection, rows)


_STORE = Many(
    deliveries.update()
    .where(deliveries.c.id == sa.bindparam("b_id"))
    .values(
        state=sa.bindparam("b_state"),
        due_at=sa.bindparam("b_due_at"),
        receipt=sa.bindparam("b_receipt"),
        error=sa.bindparam("b_error"),
        failures=sa.bindparam("b_failures"),
        batch_id=sa.bindparam("b_batch_id"),
        claim_id=None,
        updated_at=sa.bindparam("now"),
    )
)


def _finish_attempts(connection: Connection, settled: Sequence[Settled], now: int) -> None:
    rows = [
        {
            "b_id": one.work.id,
            "b_number": one.work.attempt,
            "b_outcome": one.outcome,
            "b_detail": one.error,
            "now": now,
        }
        for one in settled
    ]
    _FINISH_ATTEMPT(connection, rows)


_FINISH_ATTEMPT = Many(
    attempts.update()
    .where(attempts.c.delivery_id == sa.bindparam("b_id"), attempts.c.number == sa.bindparam("b_number"))
    .values(finished_at=sa.bindparam("now"), outcome=sa.bindparam("b_outcome"), detail=sa.bindparam("b_detail"))
)


def _forget_attempts(connection: Connection, untried: Sequence[Work]) -> None:
    if untried:
        _FORGET_ATTEMPT(connection, [{"b_id": one.id, "b_number": one.attempt} for one in untried])
        connection.execute(_UNCOUNT_TRY, {"ids": [one.id for one in untried]})


_FORGET_ATTEMPT = Many(
    attempts.delete().where(
        attempts.c.delivery_id == sa.bindparam("b_id"), attempts.c.number == sa.bindparam("b_number")
    )
)


def _go_on(connection: Connection, settled: Sequence[Settled], now: int) -> None:
    """What follows from outcomes: the cancelled rest of a failed run, its ``on_error`` steps, the next step."""
    failed = {one.work.run_id for one in settled if one.state is DeliveryState.DEAD and not one.tolerated}
    if failed:
        cancel_rest(connection, failed, EARLIER_STEP_FAILED, now)
    for reason in {one.stops for one in settled if one.stops}:
        cancel_rest(connection, {one.work.run_id for one in settled if one.stops == reason}, reason, now)
    add_runs(connection, [one.on_error for one in settled if one.on_error is not None], now)
    going = {one.work.run_id for one in settled if one.state in DONE or one.tolerated}
    if going:
        unblock(connection, going, now)


def apply_here(
    connection: Connection,
    lane_id: int,
    work: Sequence[Work],
    effect: Callable[[Work, Ledger], Settled],
    now: int,
) -> list[Settled]:
    """Makes effects on the ledger and settles their deliveries in one transaction: both happen, or neither.

    The lane's row is the lock, so that two processes do not apply one delivery or wait for each other's stock rows.
    """
    connection.execute(_LOCK_LANE, {"lane": lane_id})
    due = set(connection.execute(_STILL_DUE, {"ids": [one.id for one in work]}).scalars())
    if not due:
        return []
    here = [one for one in work if one.id in due]
    stock = Stock(connection, [effect_key(one.run_key, one.step) for one in here], now)
    settled = [effect(one, stock) for one in here]
    stock.store()
    ids = [one.id for one in here]
    connection.execute(_COUNT_TRY, {"ids": ids})
    record_attempts(connection, ids, None, now)
    _store(connection, settled, now)
    _finish_attempts(connection, settled, now)
    _go_on(connection, settled, now)
    return settled


_CHOSEN = deliveries.c.id.in_(sa.bindparam("ids", expanding=True))
_LOCK_LANE = sa.select(lanes.c.id).where(lanes.c.id == sa.bindparam("lane")).with_for_update()
_STILL_DUE = sa.select(deliveries.c.id).where(IN_QUEUE, _CHOSEN).with_for_update(of=deliveries)
_COUNT_TRY = deliveries.update().where(_CHOSEN).values(attempts=deliveries.c.attempts + 1)
_UNCOUNT_TRY = deliveries.update().where(_CHOSEN).values(attempts=deliveries.c.attempts - 1)
