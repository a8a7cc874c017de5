"""Approvals: a rule asks, a person says yes or no, or the time runs out. One answer, whoever comes first."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from hub import duration
from hub.clock import to_datetime
from hub.engine import judging
from hub.engine.preparing import Ready
from hub.errors import EvaluationError
from hub.model import DeliveryState, Role
from hub.rules.approving import Approval
from hub.store import approvals, audit
from hub.store.approvals import Asked
from hub.store.database import Connection
from hub.store.people import User
from hub.store.settling import Settled


def judge(ready: Ready, approval: Approval, now: int) -> Settled:
    """What becomes of an approval that is due: first it is asked, and due again when its time has run out."""
    if ready.work.receipt is not None:
        return _ran_out(ready, approval, now)
    try:
        if not ready.step.wanted(ready.context):
            return judging.skipped(ready.work)
        shown = ready.step.asks(ready.context)
    except EvaluationError as error:
        return ready.failed(str(error), "evaluation")
    until = now + round(approval.within.total_seconds() * 1000)
    return Settled(
        work=ready.work,
        state=DeliveryState.WAITING,
        outcome="asked",
        due_at=until,
        receipt={"asked": shown["text"], "who": list(approval.who)},
    )


def _ran_out(ready: Ready, approval: Approval, now: int) -> Settled:
    """What the rule says for when nobody answers."""
    asked = (ready.work.receipt or {}).get("asked", "")
    if approval.goes_on:
        receipt = {"asked": asked, **_answer("", now, answered=False)}
        return Settled(work=ready.work, state=DeliveryState.SUCCEEDED, outcome="unanswered", receipt=receipt)
    reason = f"Nobody answered within {duration.words(approval.within)}."
    return Settled(
        work=ready.work,
        state=DeliveryState.CANCELLED,
        outcome="unanswered",
        receipt={"asked": asked},
        error=reason,
        stops=reason,
    )


def may_decide(asked: Asked, user: User) -> bool:
    """Whether the rule lets this person decide. Owners always may: they can change the rule."""
    named = {one.casefold() for one in asked.who}
    return user.role is Role.OWNER or (
        user.role is not Role.VIEWER and bool({user.role.value, user.name.casefold()} & named)
    )


class Answer(StrEnum):
    """What a person says to an approval."""

    YES = "yes"
    NO = "no"


def decide(connection: Connection, delivery_id: int, answer: Answer, user: User, now: int) -> str:
    """Carries an answer out and writes it down; returns why not, or "" when it counts. The first one does."""
    asked = approvals.find(connection, delivery_id)
    if asked is None:
        return "There is no such approval."
    if not may_decide(asked, user):
        return f"The rule leaves this to: {', '.join(asked.who)}."
    return decide_as(connection, asked, answer, user.name, now)


def decide_as(connection: Connection, asked: Asked, answer: Answer, by: str, now: int) -> str:
    """The same for somebody who may decide."""
    yes = answer is Answer.YES
    told = {"asked": asked.text, "who": list(asked.who), **_answer(by, now)}
    error = "" if yes else f"Refused by {by}."
    if not approvals.settle(connection, asked, told, error, now):
        return why_not(approvals.find(connection, asked.id) or asked, now)
    what = "approved" if yes else "refused"
    audit.record(connection, by, what, asked.order_id or f"delivery {asked.id}", now, asked.text)
    return ""


def why_not(asked: Asked, now: int) -> str:
    """Why an approval cannot be answered any more; "" when it can."""
    if asked.state == DeliveryState.WAITING:
        return "" if now < asked.until else "The time for an answer has run out."
    if asked.state == DeliveryState.SUCCEEDED:
        return f"{asked.by} approved this already." if asked.by else "The time ran out, and the rule went on."
    return asked.error or "This is settled already."


def _answer(by: str, now: int, *, answered: bool = True) -> dict[str, Any]:
    """See ``hub.rules.approving.Approved``."""
    return {"by": by, "at": to_datetime(now).isoformat(timespec="seconds"), "answered": answered}
