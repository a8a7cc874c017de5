"""Calling an action as the hub does: settings rendered, a batch sent, a batch in doubt looked up and sent again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hub.connector import (
    CANNOT_TELL,
    NOT_APPLIED,
    Action,
    Batch,
    Connection,
    Delivery,
    Failure,
    Idempotency,
    LeftOver,
    Result,
)
from hub.rules.slots import Slot, settings_of

#: Stands in example settings where a rule would insert a value of the order.
INSERTED = "\ufffccustomer\ufffc"


def delivery(action: Action[Any, Any], settings: Mapping[str, Any], number: int, value: str = "Ana") -> Delivery[Any]:
    """One delivery with ``value`` inserted as a rule would; its effect key follows from ``number``.

    Raises ``ValueError`` when the settings cannot be used with that value: the hub then sends nothing.
    """
    known = settings_of(action.params)
    rendered = {name: _rendered(one, known[name].slot, value) for name, one in settings.items()}
    return Delivery(key(number), action.params.model_validate(rendered), 1, f"cs_test_{number}")


def key(number: int) -> str:
    """An effect key: 32 hex digits that differ for every number."""
    return hashlib.sha256(str(number).encode()).hexdigest()[:32]


def _rendered(setting: Any, slot: Slot, value: str) -> Any:
    if isinstance(setting, Mapping):
        return {name: _rendered(one, slot.inner or slot, value) for name, one in setting.items()}
    if isinstance(setting, list):
        return [_rendered(one, slot.inner or slot, value) for one in setting]
    if not isinstance(setting, str) or INSERTED not in setting:
        return setting
    return setting.replace(INSERTED, slot.encoding.insert(value) if slot.encoding else value)


def send(action: Action[Any, Any], connection: Connection, batch: Batch[Any]) -> list[Result | Failure]:
    """One outcome per delivery; a ``Failure`` that is raised is everybody's. Anything else that is raised stays so.

    What is left over comes again in a further batch, until everything was tried.
    """
    outcomes: dict[str, Result | Failure] = {}
    left = list(batch.deliveries)
    while left:
        answered = _run(action, connection, replace(batch, deliveries=left))
        tried = {one.key: outcome for one, outcome in zip(left, answered, strict=True) if not _is_left(outcome)}
        assert tried, "nothing of the batch was tried"
        outcomes |= tried
        left = [one for one in left if one.key not in tried]
    return [outcomes[one.key] for one in batch.deliveries]


def _run(action: Action[Any, Any], connection: Connection, batch: Batch[Any]) -> list[Result | Failure]:
    try:
        outcomes = list(action.run(connection, batch))
    except Failure as failure:
        return [failure] * len(batch)
    assert len(outcomes) == len(batch), f"{len(batch)} deliveries, {len(outcomes)} outcomes"
    return outcomes


def _is_left(outcome: Result | Failure) -> bool:
    return isinstance(outcome, LeftOver)


def send_again(action: Action[Any, Any], connection: Connection, batch: Batch[Any]) -> list[Result | Failure | None]:
    """What the hub does with a batch in doubt: looks it up, then sends the rest again; None: a person has to decide."""
    again = Batch(batch.id, batch.deliveries, repeated=True)
    outcomes: dict[str, Result | Failure | None] = {}
    missing: list[Delivery[Any]] = []
    for one, answer in zip(again.deliveries, _look_up(action, connection, again), strict=True):
        if isinstance(answer, Result):
            outcomes[one.key] = answer
        elif answer is NOT_APPLIED or action.on_unknown == "resend":
            missing.append(one)
        else:
            outcomes[one.key] = None
    if missing:
        sent = send(action, connection, Batch(batch.id, missing, repeated=True))
        outcomes |= {one.key: outcome for one, outcome in zip(missing, sent, strict=True)}
    return [outcomes[one.key] for one in batch.deliveries]


def _look_up(action: Action[Any, Any], connection: Connection, batch: Batch[Any]) -> Sequence[object]:
    if action.idempotency is Idempotency.NATIVE:
        return [NOT_APPLIED] * len(batch)
    answers = action.lookup(connection, batch)
    assert len(answers) == len(batch), f"{len(batch)} deliveries, {len(answers)} answers"
    assert all(isinstance(one, Result) or one in (NOT_APPLIED, CANNOT_TELL) for one in answers), answers
    return answers
