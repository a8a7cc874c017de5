"""Effects in the hub's own database: ledger actions, and steps that only steer (``if``, ``wait`` …).

Effect and outcome are one transaction, so these need no claim, no look-up and no second thought after a crash.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hub.clock import Clock
from hub.connector import Delivery, Ledger, LedgerAction, Params, Permanent
from hub.engine import approving, judging
from hub.engine.preparing import Preparer, Ready, render
from hub.engine.progress import NOTHING, Progress
from hub.errors import EvaluationError
from hub.store import claims, settling
from hub.store.database import Database
from hub.store.lanes import Due
from hub.store.settling import Settled

_BATCH = 200

Effect = Callable[[Ledger], Settled]


class Local:
    """Applies what is due in a local lane. Safe to use from several threads and processes."""

    def __init__(self, database: Database, preparer: Preparer, clock: Clock) -> None:
        self._database = database
        self._preparer = preparer
        self._clock = clock

    def batch(self, lane: Due) -> Progress:
        """Applies one batch, if anything is due."""
        now = self._clock.now()
        work = self._database.read(lambda connection: claims.due_here(connection, lane.lane_id, now, _BATCH))
        if not work:
            return NOTHING
        prepared = zip(work, self._preparer.prepare(work), strict=True)
        effects = {one.id: _effect(ready, now) for one, ready in prepared}
        self._database.write(
            lambda connection: settling.apply_here(
                connection, lane.lane_id, work, lambda one, ledger: effects[one.id](ledger), now
            ),
            lasting=False,  # lost in a power cut, effect and outcome are missing together
        ).result()
        return Progress(len(work), more=len(work) == _BATCH)


def _effect(ready: Ready | Settled, now: int) -> Effect:
    """Renders outside the transaction; what is returned touches only the ledger and may be called again."""
    settled = ready if isinstance(ready, Settled) else _decided(ready, now)
    if isinstance(settled, Settled):
        return lambda _ledger: settled
    assert isinstance(ready, Ready)
    return _on_ledger(ready, settled)


def _decided(ready: Ready, now: int) -> Settled | Params:
    if ready.step.approval is not None:
        return approving.judge(ready, ready.step.approval, now)
    if ready.step.action is not None:
        return render(ready)
    try:
        met = ready.step.wanted(ready.context)
    except EvaluationError as error:
        return ready.failed(str(error), "evaluation")
    return judging.steered(ready.work, ready.step, met, now)


def _on_ledger(ready: Ready, params: Params) -> Effect:
    action: Any = ready.step.action
    assert isinstance(action, LedgerAction)
    work = ready.work
    delivery = Delivery(ready.key, params, work.attempt, work.subject, work.order_number)

    def effect(ledger: Ledger) -> Settled:
        try:
            result = action.apply(ledger, delivery)
        except Permanent as error:
            return ready.failed(error.message, "permanent")
        return judging.succeeded(ready.work, result)

    return effect
