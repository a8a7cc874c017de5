"""What a person decides about deliveries: try again, never mind, it happened, it did not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.store.runs import EARLIER_STEP_FAILED, cancel_rest, unblock
from hub.store.tables import attempts, deliveries, runs

#: Stands for the state of an approval that waits for its answer.
ASKED = "asked"
CANCELLED_BY_PERSON = "Cancelled by a person."

_OPEN = {"dead", "waiting", "ready", "blocked", "unknown", ASKED}
_REFUSALS = {
    "succeeded": "It is done; a finished effect does not repeat.",
    "rehearsed": "It was only rehearsed; connect its destination and replay the event.",
    "skipped": "Its condition said no; replay the event if the rule has changed.",
    "running": "It is being sent at this moment.",
    "unknown": "Nobody can tell whether it happened. Say so first:  hub resolve ID --happened | --did-not-happen",
    "blocked": "It waits for an earlier step of its rule.",
    "cancelled": "It was cancelled because an earlier step failed, or by a person; retry that step.",
    "dead": "It has failed for good.",
    "ready": "It is about to be sent.",
    "waiting": "It will be tried by itself.",
    ASKED: "It waits until somebody approves it: on the console's page Needs you, or the order's.",
}


def retry(connection: Connection, ids: Sequence[int], now: int) -> dict[int, str]:
    """Has dead deliveries tried anew and waiting ones at once; returns why not, by id, for all others."""
    states = _lock(connection, ids)
    chosen = [one for one, state in states.items() if state in {"dead", "waiting"}]
    values = {"state": "ready", "due_at": now, "failures": 0, "error": "", "updated_at": now}
    connection.execute(deliveries.update().where(deliveries.c.id.in_(chosen)).values(values))
    _revive(connection, chosen, now)
    return _refused(ids, states, chosen)


def cancel(connection: Connection, ids: Sequence[int], now: int) -> dict[int, str]:
    """Has deliveries, and the steps that follow them, never sent; returns why not, by id, for all others."""
    states = _lock(connection, ids)
    chosen = [one for one, state in states.items() if state in _OPEN]
    values = {"state": "cancelled", "error": CANCELLED_BY_PERSON, "batch_id": None, "updated_at": now}
    connection.execute(deliveries.update().where(deliveries.c.id.in_(chosen)).values(values))
    cancel_rest(connection, _runs(connection, chosen), CANCELLED_BY_PERSON, now)
    return _refused(ids, states, chosen)


def resolve(connection: Connection, delivery_id: int, *, happened: bool, now: int) -> str:
    """Settles an ``unknown`` delivery by a person's word; returns why not, or ""."""
    state = _lock(connection, [delivery_id]).get(delivery_id)
    if state != "unknown":
        return _refused([delivery_id], {delivery_id: state} if state else {}, [])[delivery_id]
    values: dict[str, Any] = {"batch_id": None, "error": "", "failures": 0, "due_at": now, "updated_at": now}
    values |= {"state": "succeeded", "receipt": "{}"} if happened else {"state": "ready"}
    connection.execute(deliveries.update().where(deliveries.c.id == delivery_id).values(values))
    word = "A person said that it happened." if happened else "A person said that it did not happen."
    last = sa.select(sa.func.max(attempts.c.number)).where(attempts.c.delivery_id == delivery_id).scalar_subquery()
    chosen = (attempts.c.delivery_id == delivery_id, attempts.c.number == last)
    connection.execute(attempts.update().where(*chosen).values(detail=attempts.c.detail + " " + word))
    if happened:
        unblock(connection, _runs(connection, [delivery_id]), now)
    return ""


def dead_ids(connection: Connection, *, rule: str | None = None, since: int | None = None) -> list[int]:
    """The dead letters, oldest first."""
    statement = sa.select(deliveries.c.id).where(sa.text("deliveries.state IN ('dead','unknown')"))
    statement = statement.where(deliveries.c.state == "dead")
    if rule is not None:
        statement = statement.join(runs, runs.c.id == deliveries.c.run_id).where(runs.c.rule == rule)
    if since is not None:
        statement = statement.where(deliveries.c.updated_at >= since)
    return list(connection.execute(statement.order_by(deliveries.c.id)).scalars())


def _lock(connection: Connection, ids: Sequence[int]) -> dict[int, str]:
    columns = (deliveries.c.id, deliveries.c.state, deliveries.c.action)
    statement = sa.select(*columns).where(deliveries.c.id.in_(list(ids))).order_by(deliveries.c.id).with_for_update()
    return {
        row.id: ASKED if (row.action, row.state) == ("approve", "waiting") else row.state
        for row in connection.execute(statement)
    }


def _runs(connection: Connection, ids: Sequence[int]) -> set[int]:
    return set(connection.execute(sa.select(deliveries.c.run_id).where(deliveries.c.id.in_(list(ids)))).scalars())


def _revive(connection: Connection, ids: Sequence[int], now: int) -> None:
    """The steps that were cancelled because these had failed wait for them again."""
    cancelled = (deliveries.c.state == "cancelled", deliveries.c.error == EARLIER_STEP_FAILED)
    connection.execute(
        deliveries.update()
        .where(deliveries.c.run_id.in_(_runs(connection, ids)), *cancelled)
        .values(state="blocked", error="", updated_at=now)
    )


def _refused(ids: Sequence[int], states: dict[int, str], chosen: Sequence[int]) -> dict[int, str]:
    unknown_id = "There is no such delivery."
    return {one: _REFUSALS.get(states.get(one, ""), unknown_id) for one in ids if one not in set(chosen)}
