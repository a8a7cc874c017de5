"""From the outcome of an attempt to what happens next: pure decisions, one place."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from hub.connector import Ambiguous, ConfigError, Failure, LeftOver, Permanent, RateLimited, Result, Retryable
from hub.log import redact
from hub.model import DeliveryState
from hub.retry import RetryPolicy
from hub.rules.ruleset import Step
from hub.store.claims import Work
from hub.store.runs import STOPPED
from hub.store.settling import Settled

#: A paused connection is tried again every minute; the first of its deliveries is the probe.
_PAUSE = timedelta(minutes=1)
#: The first and the longest wait of a lane in which everything fails.
_LANE_FIRST = timedelta(seconds=1)
_LANE_LONGEST = timedelta(seconds=15)
_LONGEST_ERROR = 500


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which terms a delivery is tried: its retry policy, what to do when nobody can tell, its batch."""

    retry: RetryPolicy
    on_unknown: str  #: resend or hold
    can_be_repeated: bool  #: the far end, or a look-up, makes a repetition safe
    tolerated: bool  #: the rule goes on after a failure
    batch_id: int
    repeated: bool


@dataclass(frozen=True, slots=True)
class Wait:
    """How long a lane (or, ``whole_connection``, all its connection's lanes) has to wait, and why.

    ``paused``: for want of a setting that works; other rules or settings may end it at once.
    """

    length: timedelta
    reason: str
    whole_connection: bool = False
    paused: bool = False


Luck = Callable[[], float]


def judge(work: Work, outcome: Result | Failure, terms: Terms, now: int, luck: Luck = random.random) -> Settled:
    """What becomes of a delivery after an attempt."""
    match outcome:
        case Result():
            return succeeded(work, outcome)
        case Permanent():
            return dead(work, outcome.message, "permanent", terms.tolerated)
        case LeftOver():
            return _left_over(work, terms)
        case RateLimited():
            return _with_lane(work, outcome, "rate_limited", terms)
        case ConfigError():
            return _with_lane(work, outcome, "config", terms)
        case Retryable():
            return _retry(work, outcome, "retryable", terms, outcome.after, now, luck)
        case _:
            return _ambiguous(work, outcome, terms, now, luck)


def succeeded(work: Work, result: Result) -> Settled:
    receipt = result.model_dump(mode="json", exclude_none=True)
    return Settled(work=work, state=DeliveryState.SUCCEEDED, outcome="succeeded", receipt=receipt)


def skipped(work: Work) -> Settled:
    return Settled(work=work, state=DeliveryState.SKIPPED, outcome="skipped")


def rehearsed(work: Work, preview: Mapping[str, Any]) -> Settled:
    return Settled(work=work, state=DeliveryState.REHEARSED, outcome="rehearsed", receipt=preview)


def later(work: Work, due_at: int) -> Settled:
    """Due at a later time than thought: the action says so."""
    return Settled(work=work, state=DeliveryState.WAITING, outcome="waiting", due_at=due_at)


def steered(work: Work, step: Step, met: bool, now: int) -> Settled:
    """What becomes of a step that only steers. ``met``: its condition, or the block's it stands in, said yes.

    A block's answer is its receipt, read by the steps inside it. A wait is due once, then done.
    """
    if step.kind == "if":
        receipt = {"met": met}
        return Settled(work=work, state=DeliveryState.SUCCEEDED, outcome="succeeded", receipt=receipt)
    if not met:
        return skipped(work)
    if step.kind == "wait" and step.wait is not None and work.attempt == 1:
        return later(work, _after(step.wait, now))
    stops = STOPPED if step.kind == "stop" else ""
    return Settled(work=work, state=DeliveryState.SUCCEEDED, outcome="succeeded", receipt={}, stops=stops)


def dead(work: Work, error: str, outcome: str, tolerated: bool) -> Settled:
    return Settled(
        work=work,
        state=DeliveryState.DEAD,
        outcome=outcome,
        error=_short(error),
        failures=work.failures,
        tolerated=tolerated,
    )


def unknown(work: Work, error: str) -> Settled:
    return Settled(
        work=work, state=DeliveryState.UNKNOWN, outcome="ambiguous", error=_short(error), failures=work.failures
    )


def _left_over(work: Work, terms: Terms) -> Settled:
    return Settled(
        work=work,
        state=DeliveryState.READY,
        outcome="left over",
        due_at=work.due_at,
        failures=work.failures,
        batch_id=terms.batch_id if terms.repeated else None,
        tried=False,
    )


def _retry(
    work: Work, outcome: Failure, name: str, terms: Terms, wish: timedelta | None, now: int, luck: Luck
) -> Settled:
    failures = work.failures + 1
    pause = terms.retry.pause(failures, luck())
    if pause is None:
        message = f"{outcome.message} Given up after {failures} tries." if failures > 1 else outcome.message
        if terms.repeated and not isinstance(outcome, Permanent):
            return unknown(work, message)
        return dead(work, message, name, terms.tolerated)
    return _waiting(work, outcome, name, terms, _after(wish or pause, now), failures)


def _ambiguous(work: Work, outcome: Failure, terms: Terms, now: int, luck: Luck) -> Settled:
    """Maybe applied: the batch comes again as it was, unless only a person may decide that."""
    failures = work.failures + 1
    pause = terms.retry.pause(failures, luck())
    if pause is None or (not terms.can_be_repeated and terms.on_unknown == "hold"):
        return unknown(work, outcome.message)
    waiting = _waiting(work, outcome, "ambiguous", terms, _after(pause, now), failures)
    return replace(waiting, batch_id=terms.batch_id)


def _with_lane(work: Work, outcome: Failure, name: str, terms: Terms) -> Settled:
    """Waits as long as its lane does and keeps its place in it; what is not the delivery's fault uses up no try."""
    return _waiting(work, outcome, name, terms, work.due_at, work.failures)


def _waiting(work: Work, outcome: Failure, name: str, terms: Terms, due_at: int, failures: int) -> Settled:
    hint = f" {outcome.hint}" if isinstance(outcome, ConfigError) else ""
    return Settled(
        work=work,
        state=DeliveryState.WAITING,
        outcome=name,
        due_at=due_at,
        error=_short(outcome.message + hint),
        failures=failures,
        # Once in doubt, a batch keeps its id until it is settled: the first try may still arrive.
        batch_id=terms.batch_id if terms.repeated else None,
    )


def _after(pause: timedelta, now: int) -> int:
    return now + round(pause.total_seconds() * 1000)


def lane_wait(answered: list[Result | Failure], failures: int) -> Wait | None:
    """How long the lane waits after a batch: by the far end's wish, or backing off when everything failed."""
    outcomes = [one for one in answered if not isinstance(one, LeftOver)]
    for outcome in outcomes:
        if isinstance(outcome, ConfigError):
            return Wait(_PAUSE, f"{outcome.message} {outcome.hint}", whole_connection=True, paused=True)
        if isinstance(outcome, RateLimited):
            return Wait(outcome.after, outcome.message, whole_connection=outcome.scope == "connection")
    temporary = [one for one in outcomes if isinstance(one, Retryable | Ambiguous)]
    if not temporary or len(temporary) < len(outcomes):
        return None
    wish = temporary[0].after if isinstance(temporary[0], Retryable) else None
    length = min(_LANE_FIRST * float(2 ** min(failures, 10)), _LANE_LONGEST)
    return Wait(max(length, wish or timedelta(0)), temporary[0].message)


def _short(text: str) -> str:
    return redact(text)[:_LONGEST_ERROR]
