"""One batch of a lane whose effects happen elsewhere: claimed, rendered, sent, settled."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from hub.clock import Clock, to_datetime
from hub.connector import (
    CANNOT_TELL,
    NOT_APPLIED,
    Action,
    Ambiguous,
    Batch,
    ConfigError,
    Connection,
    Delivery,
    Failure,
    Idempotency,
    Params,
    Result,
)
from hub.engine import judging
from hub.engine.connections import Connections
from hub.engine.judging import Terms, Wait
from hub.engine.preparing import Preparer, Ready, render
from hub.engine.progress import NOTHING, Progress
from hub.engine.rulebook import Rulebook
from hub.errors import NotStored
from hub.log import get_logger
from hub.registry import Registry
from hub.retry import DEFAULT
from hub.store import claims, lanes, runs, settling
from hub.store.claims import Claim
from hub.store.database import Connection as DatabaseConnection
from hub.store.database import Database
from hub.store.lanes import Due
from hub.store.settling import Settled

log = get_logger(__name__)

_STORE_AGAIN_SECONDS = 1.0
_NOBODY_KNOWS = "The hub stopped while this was being sent, and nobody can tell whether it happened."


@dataclass(frozen=True, slots=True)
class _ToSend:
    ready: Ready
    params: Params
    terms: Terms
    earlier: Sequence[Mapping[str, Any]] = ()  #: what the order's earlier deliveries answered


@dataclass(slots=True)
class _Sent:
    """What came of a batch: what to store, and what the lane learns from it."""

    settled: list[Settled]
    outcomes: list[Result | Failure]


class Sender:
    """Delivers batches through connectors. Safe to use from several threads.

    ``rehearse``: steps without a connection are rendered and recorded, not sent (demo mode).
    """

    def __init__(
        self,
        database: Database,
        rulebook: Rulebook,
        preparer: Preparer,
        connections: Connections,
        registry: Registry,
        clock: Clock,
        *,
        worker: str,
        lease: timedelta,
        rehearse: bool,
    ) -> None:
        self._database = database
        self._rulebook = rulebook
        self._preparer = preparer
        self._connections = connections
        self._registry = registry
        self._clock = clock
        self._worker = worker
        self._lease_ms = _ms(lease)
        self._rehearse = rehearse
        self._held: set[int] = set()
        self._stopping = threading.Event()

    @property
    def held(self) -> frozenset[int]:
        """The claims that are being worked on."""
        return frozenset(self._held)

    def stop(self) -> None:
        """No more waiting for a database that takes nothing."""
        self._stopping.set()

    def batch(self, lane: Due) -> Progress:
        """Delivers one batch of a lane, if it has one due, is not blocked, and nobody else works on it."""
        taken = self._claim(lane)
        if taken is None:
            return NOTHING
        self._held.add(taken.id)
        try:
            self._keep(taken, self._deliver(taken), lane)
        finally:
            self._held.discard(taken.id)
        return Progress(len(taken.work), more=len(taken.work) >= self._most(taken.work[0].action))

    def _keep(self, taken: Claim, sent: _Sent, lane: Due) -> None:
        """Stores what came of a batch. The effects are made: while the disk is full, this is tried until it is not."""
        while True:
            try:
                # Not lasting: lost in a power cut, the batch is in doubt again and is looked up.
                self._database.write(
                    lambda connection: self._settle(connection, taken, sent, lane), lasting=False
                ).result()
            except NotStored as error:
                log.error("outcome not stored yet", lane=lane.name, reason=str(error))
                if self._stopping.wait(_STORE_AGAIN_SECONDS):
                    raise
            else:
                return

    def extend_leases(self) -> None:
        """Keeps the claims that are being worked on; called by the clock."""
        held, until = self.held, self._clock.now() + self._lease_ms
        if held:
            self._database.write(lambda connection: claims.extend_leases(connection, held, until)).result()

    def _claim(self, lane: Due) -> Claim | None:
        now = self._clock.now()
        return self._database.write(
            lambda connection: claims.claim(
                connection, lane, worker=self._worker, now=now, lease_until=now + self._lease_ms, most=self._most
            )
        ).result()

    def _most(self, action: str) -> int:
        found = self._registry.get(action)
        return 1 if found is None else found.max_batch

    def _pace_ms(self, taken: Claim) -> int:
        found = self._registry.get(taken.work[0].action)
        return _ms(found.pace) if isinstance(found, Action) else 0

    def _deliver(self, taken: Claim) -> _Sent:
        prepared = [
            one if isinstance(one, Settled) else self._ready_to_send(one, taken)
            for one in self._preparer.prepare(taken.work)
        ]
        done = [one for one in prepared if isinstance(one, Settled)]
        sending = [one for one in prepared if isinstance(one, _ToSend)]
        if not sending:
            return _Sent(done, [])
        sent = self._send(taken, self._with_earlier(sending))
        return _Sent(done + sent.settled, sent.outcomes)

    def _ready_to_send(self, ready: Ready, taken: Claim) -> _ToSend | Settled:
        rendered, action = render(ready), ready.step.action
        if isinstance(rendered, Settled):
            return rendered
        assert isinstance(action, Action)
        due_at = _not_before(action, ready, rendered, self._clock.now())
        if due_at is not None:
            return judging.later(ready.work, due_at)
        terms = Terms(
            retry=ready.step.retry or ready.rule.retry or DEFAULT,
            on_unknown=ready.step.on_unknown or action.on_unknown,
            can_be_repeated=_can_be_repeated(action, ready.step.on_unknown),
            tolerated=ready.tolerated,
            batch_id=taken.batch_id,
            repeated=taken.repeated,
        )
        return _ToSend(ready, rendered, terms)

    def _with_earlier(self, sending: Sequence[_ToSend]) -> Sequence[_ToSend]:
        action, work = sending[0].ready.step.action, [one.ready.work for one in sending]
        orders = {one.order_number for one in work if one.order_number is not None}
        if not orders or not isinstance(action, Action) or not action.follows:
            return sending
        found = self._database.read(lambda c: runs.receipts(c, orders, action.follows, work[0].connection))
        return [replace(one, earlier=found.get(one.ready.work.order_number or 0, ())) for one in sending]

    def _send(self, taken: Claim, sending: Sequence[_ToSend]) -> _Sent:
        action = sending[0].ready.step.action
        assert isinstance(action, Action)
        now_in_force, planned_with = self._rulebook.current[1], sending[0].ready.ruleset
        try:
            connection = self._connections.get(taken.work[0].connection, now_in_force, planned_with)
        except ConfigError as error:
            return self._judged(sending, [error] * len(sending))
        if connection is None:
            return self._without_connection(action, sending)
        known = self._look_up(action, connection, taken, sending) if taken.repeated else {}
        again = [one for one in sending if one.ready.work.id not in known]
        sent = self._judged(again, _run(action, connection, _batch(taken, again))) if again else _Sent([], [])
        return _Sent([*known.values(), *sent.settled], sent.outcomes)

    def _without_connection(self, action: Action[Any, Any], sending: Sequence[_ToSend]) -> _Sent:
        if self._rehearse:
            return _Sent([judging.rehearsed(one.ready.work, action.preview(one.params)) for one in sending], [])
        kind = action.name.partition(".")[0]
        remedy = f"Add  {kind}:  to the connections of rules.yaml."
        missing = ConfigError(f"{action.connection.title} is not connected.", remedy)
        return self._judged(sending, [missing] * len(sending))

    def _look_up(
        self, action: Action[Any, Any], connection: Connection, taken: Claim, sending: Sequence[_ToSend]
    ) -> dict[int, Settled]:
        """What is known of a batch that may have been applied, by delivery; the rest may be sent again."""
        try:
            answers = _answers(action, connection, taken, sending)
        except Exception as error:  # noqa: BLE001 - not knowing is an answer too: it is judged, not dropped
            doubt = error if isinstance(error, ConfigError) else Ambiguous(f"The look-up failed: {_said(error)}")
            return {one.work.id: one for one in self._judged(sending, [doubt] * len(sending)).settled}
        known: dict[int, Settled] = {}
        for one, answer in zip(sending, answers, strict=True):
            work = one.ready.work
            if isinstance(answer, Result):
                known[work.id] = judging.succeeded(work, answer)
            elif answer is not NOT_APPLIED and not (answer is CANNOT_TELL and one.terms.on_unknown == "resend"):
                known[work.id] = judging.unknown(work, _NOBODY_KNOWS)
        return known

    def _judged(self, sending: Sequence[_ToSend], outcomes: Sequence[Result | Failure]) -> _Sent:
        now = self._clock.now()
        settled = [
            one.ready.followed(judging.judge(one.ready.work, outcome, one.terms, now))
            for one, outcome in zip(sending, outcomes, strict=True)
        ]
        return _Sent(settled, list(outcomes))

    def _settle(self, connection: DatabaseConnection, taken: Claim, sent: _Sent, lane: Due) -> None:
        now = self._clock.now()
        settling.settle(connection, taken, sent.settled, now)
        wait = judging.lane_wait(sent.outcomes, taken.failures)
        if wait is not None:
            _block(connection, lane, wait, taken.failures, now)
        elif sent.outcomes and (taken.failures or self._pace_ms(taken)):
            lanes.block(connection, lane.lane_id, now + self._pace_ms(taken), "", 0)


def _answers(
    action: Action[Any, Any], connection: Connection, taken: Claim, sending: Sequence[_ToSend]
) -> Sequence[object]:
    if action.idempotency is Idempotency.LOOKUP:
        return action.lookup(connection, _batch(taken, sending))
    return [NOT_APPLIED if one.terms.can_be_repeated else CANNOT_TELL for one in sending]


def _can_be_repeated(action: Action[Any, Any], on_unknown: str | None) -> bool:
    """Whether a second try is safe. ``hold`` in a rule outweighs what the far end promises of keys that come again."""
    if action.idempotency is Idempotency.NATIVE:
        return on_unknown != "hold"
    return action.idempotency is Idempotency.LOOKUP


def _not_before(action: Action[Any, Any], ready: Ready, params: Params, now: int) -> int | None:
    """When a delivery that has just become due is to be made, if that is later."""
    if ready.work.attempt > 1:
        return None
    moment = ready.ruleset.shop.local(to_datetime(now))
    earliest = action.not_before(params, moment)
    return None if earliest is None or earliest <= moment else round(earliest.timestamp() * 1000)


def _block(connection: DatabaseConnection, lane: Due, wait: Wait, failures: int, now: int) -> None:
    until = now + _ms(wait.length)
    if wait.whole_connection:
        lanes.block_connection(connection, lane.connection, until, wait.reason, paused=wait.paused)
    else:
        lanes.block(connection, lane.lane_id, until, wait.reason, failures + 1)


def _batch(taken: Claim, sending: Sequence[_ToSend]) -> Batch[Any]:
    deliveries = [
        Delivery(one.ready.key, one.params, work.attempt, work.subject, work.order_number, one.earlier)
        for one in sending
        for work in [one.ready.work]
    ]
    return Batch(taken.batch_id, deliveries, taken.repeated, taken.since)


def _run(action: Action[Any, Any], connection: Connection, batch: Batch[Any]) -> list[Result | Failure]:
    """Calls the connector; whatever it raises becomes the outcome of the whole batch."""
    try:
        outcomes = list(action.run(connection, batch))
    except Failure as failure:
        return [failure] * len(batch)
    except Exception as error:  # noqa: BLE001 - a connector's bug must not stop the hub; the far end may have acted
        log.error("connector failed", action=action.name, error=type(error).__name__)
        return [Ambiguous(f"{action.name} failed unexpectedly ({type(error).__name__}).")] * len(batch)
    if len(outcomes) != len(batch):
        log.error("connector broke its promise", action=action.name, sent=len(batch), answered=len(outcomes))
        return [Ambiguous(f"{action.name} did not answer for every delivery.")] * len(batch)
    return outcomes


def _ms(length: timedelta) -> int:
    return round(length.total_seconds() * 1000)


def _said(error: Exception) -> str:
    return error.message if isinstance(error, Failure) else type(error).__name__
