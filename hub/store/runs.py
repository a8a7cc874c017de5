"""Runs: the deliveries of one subject under one rule, planned together, done one after the other."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.model import DONE
from hub.store import lanes
from hub.store.lanes import Lane
from hub.store.statements import Many, insert_ignoring
from hub.store.tables import deliveries, runs

EARLIER_STEP_FAILED = "An earlier step of this rule failed."
STOPPED = "The rule stopped here, as it says."

#: After these the next step may start. A dead one counts: a rule that does not tolerate it has its rest cancelled.
_FINISHED = [*(state.value for state in DONE), "dead"]


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A step of a new run."""

    step: str
    action: str
    connection: str
    lane: Lane


@dataclass(frozen=True, slots=True)
class Once:
    """At most one run of ``key`` within ``length`` (milliseconds) before or after ``at``."""

    key: str
    at: int
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """A subject that meets a rule: its deliveries in the order of the steps. ``key`` makes it happen once."""

    key: str
    event_seq: int
    order_number: int | None
    subject: str
    trigger: str
    rule: str
    item: str
    ruleset_id: int
    deliveries: Sequence[NewDelivery]
    failed_delivery_id: int | None = None
    once: Once | None = None


def add_runs(connection: Connection, planned: Sequence[NewRun], now: int) -> int:
    """Stores runs and their deliveries; what exists already stays as it is. Returns how many deliveries are new."""
    unique = _first_in_their_time(connection, list({run.key: run for run in planned}.values()))
    if not unique:
        return 0
    statement = insert_ignoring(connection.dialect.name, runs, runs.c.key, runs.c.id)
    stored = connection.execute(statement, [_run_row(run, now) for run in unique])
    new = {row.key: row.id for row in stored}
    lane_ids = lanes.ids(connection, (one.lane for run in unique for one in run.deliveries))
    rows = [row for run in unique if run.key in new for row in _delivery_rows(new[run.key], run, lane_ids, now)]
    known = [run for run in unique if run.key not in new]
    _DELIVERY(connection, rows)
    return len(rows) + (_extend(connection, known, lane_ids, now) if known else 0)


def _first_in_their_time(connection: Connection, planned: Sequence[NewRun]) -> list[NewRun]:
    """Leaves out those of which another run exists within the time that their rule names."""
    kept: list[NewRun] = []
    for run in planned:
        if run.once is None or not (_runs_near(connection, run, run.once) or _is_near(run, run.once, kept)):
            kept.append(run)
    return kept


def _runs_near(connection: Connection, run: NewRun, once: Once) -> bool:
    near = runs.c.once_at.between(once.at - once.length + 1, once.at + once.length - 1)
    found = sa.select(runs.c.id).where(runs.c.once == once.key, near, runs.c.key != run.key).limit(1)
    return connection.execute(found).first() is not None


def _is_near(run: NewRun, once: Once, others: Sequence[NewRun]) -> bool:
    return any(
        other.once is not None
        and other.key != run.key
        and other.once.key == once.key
        and abs(other.once.at - once.at) < once.length
        for other in others
    )


_DELIVERY_COLUMNS = (
    "run_id",
    "step",
    "position",
    "ruleset_id",
    "action",
    "connection",
    "lane_id",
    "state",
    "due_at",
    "updated_at",
)
_DELIVERY = Many(deliveries.insert(), *_DELIVERY_COLUMNS)


def _extend(connection: Connection, known: Sequence[NewRun], lane_ids: Mapping[str, int], now: int) -> int:
    """Adds the steps that a changed rule has more than when its run was planned."""
    keys = [run.key for run in known]
    found = connection.execute(sa.select(runs.c.key, runs.c.id).where(runs.c.key.in_(keys)))
    ids = {row.key: row.id for row in found}
    rows = [row | {"state": "blocked"} for run in known for row in _delivery_rows(ids[run.key], run, lane_ids, now)]
    statement = insert_ignoring(connection.dialect.name, deliveries, deliveries.c.run_id)
    extended = list(connection.execute(statement, rows).scalars())
    if extended:
        unblock(connection, set(extended), now)
    return len(extended)


def _run_row(run: NewRun, now: int) -> dict[str, Any]:
    return {
        "key": run.key,
        "event_seq": run.event_seq,
        "order_number": run.order_number,
        "subject": run.subject,
        "trigger": run.trigger,
        "rule": run.rule,
        "item": run.item,
        "failed_delivery_id": run.failed_delivery_id,
        "once": None if run.once is None else run.once.key,
        "once_at": None if run.once is None else run.once.at,
        "created_at": now,
    }


def _delivery_rows(run_id: int, run: NewRun, lane_ids: Mapping[str, int], now: int) -> list[dict[str, Any]]:
    return [
        {
            "run_id": run_id,
            "step": one.step,
            "position": position,
            "ruleset_id": run.ruleset_id,
            "action": one.action,
            "connection": one.connection,
            "lane_id": lane_ids[one.lane.name],
            "state": "blocked" if position else "ready",
            "due_at": now,
            "updated_at": now,
        }
        for position, one in enumerate(run.deliveries)
    ]


def unblock(connection: Connection, run_ids: Collection[int], now: int) -> None:
    """Makes ready, in each run, the first blocked delivery whose earlier ones are all finished."""
    connection.execute(_UNBLOCK, {"run_ids": list(run_ids), "now": now})


def _unblock() -> sa.Update:
    earlier = deliveries.alias("earlier")
    unfinished = (
        sa.select(earlier.c.id)
        .where(
            earlier.c.run_id == deliveries.c.run_id,
            earlier.c.position < deliveries.c.position,
            earlier.c.state.not_in(_FINISHED),
        )
        .exists()
    )
    of_runs = deliveries.c.run_id.in_(sa.bindparam("run_ids", expanding=True))
    ready = {"state": "ready", "due_at": sa.bindparam("now"), "updated_at": sa.bindparam("now")}
    return deliveries.update().where(of_runs, deliveries.c.state == "blocked", ~unfinished).values(ready)


_UNBLOCK = _unblock()


def cancel_rest(connection: Connection, run_ids: Collection[int], reason: str, now: int) -> None:
    """Cancels what is still blocked in the runs."""
    connection.execute(
        deliveries.update()
        .where(deliveries.c.run_id.in_(list(run_ids)), deliveries.c.state == "blocked")
        .values(state="cancelled", error=reason, updated_at=now)
    )


def results(connection: Connection, run_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """What the succeeded deliveries answered, by run and step."""
    found: dict[int, dict[str, Any]] = {}
    for run_id, step, receipt in connection.execute(_RESULTS, {"run_ids": list(run_ids)}):
        found.setdefault(run_id, {})[step] = json.loads(receipt)
    return found


_RESULTS = sa.select(deliveries.c.run_id, deliveries.c.step, deliveries.c.receipt).where(
    deliveries.c.run_id.in_(sa.bindparam("run_ids", expanding=True)),
    deliveries.c.state == "succeeded",
    deliveries.c.receipt.is_not(None),
)


def receipts(
    connection: Connection, order_numbers: Collection[int], actions: Collection[str], name: str
) -> dict[int, list[dict[str, Any]]]:
    """What actions answered for orders through the connection ``name``, in whatever rule: by order, oldest first."""
    found: dict[int, list[dict[str, Any]]] = {}
    wanted = {"orders": list(order_numbers), "actions": list(actions), "connection": name}
    for order_number, receipt in connection.execute(_RECEIPTS, wanted):
        found.setdefault(order_number, []).append(json.loads(receipt))
    return found


_RECEIPTS = (
    sa.select(runs.c.order_number, deliveries.c.receipt)
    .join(runs, runs.c.id == deliveries.c.run_id)
    .where(
        runs.c.order_number.in_(sa.bindparam("orders", expanding=True)),
        deliveries.c.action.in_(sa.bindparam("actions", expanding=True)),
        deliveries.c.connection == sa.bindparam("connection"),
        deliveries.c.state == "succeeded",
        deliveries.c.receipt.is_not(None),
    )
    .order_by(deliveries.c.id)
)


@dataclass(frozen=True, slots=True)
class Failed:
    """A delivery that ``on_error`` steps are about."""

    run_id: int
    step: str
    action: str
    attempts: int
    error: str


def failed(connection: Connection, delivery_ids: Collection[int]) -> dict[int, Failed]:
    """What is told about dead deliveries to the steps that follow from them."""
    columns = (deliveries.c.run_id, deliveries.c.step, deliveries.c.action, deliveries.c.attempts, deliveries.c.error)
    rows = connection.execute(sa.select(deliveries.c.id, *columns).where(deliveries.c.id.in_(list(delivery_ids))))
    return {row[0]: Failed(*row[1:]) for row in rows}
