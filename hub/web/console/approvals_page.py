"""What rules ask before they go on: yes or no, one by one or all that were seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from hub.engine import approving
from hub.engine.approving import Answer
from hub.store import approvals
from hub.store.approvals import Asked
from hub.store.database import Connection
from hub.web.console.access import FIGURES
from hub.web.console.desk import Desk, Visit, whole

_DONE = {Answer.YES: "approved", Answer.NO: "refused"}


@dataclass(frozen=True, slots=True)
class Question:
    """An approval that waits, as one person sees it."""

    asked: Asked
    may_answer: bool


@dataclass(frozen=True, slots=True)
class Questions:
    """What one rule asks; ``ids`` are those that the visitor may answer."""

    rule: str
    lines: Sequence[Question]

    @property
    def ids(self) -> list[int]:
        return [one.asked.id for one in self.lines if one.may_answer]


def show(desk: Desk, visit: Visit) -> Response:
    """Everything that waits for an answer; for a packer, who has no page Needs you, the way to it."""
    return desk.page(visit, "approvals.html", asking_now=by_rule(desk, visit))


def answer(desk: Desk, visit: Visit) -> Response:
    """A yes or no for one approval, or for several ``id``."""
    given, ids = visit.given("answer"), [number for one in visit.chosen if (number := whole(one)) is not None]
    if given not in set(Answer) or not ids:
        return _back(desk, visit, "There is no such answer.")
    now = desk.now()

    def write(connection: Connection) -> list[str]:
        return [approving.decide(connection, one, Answer(given), visit.user, now) for one in ids]

    said = desk.changed(write)
    reasons = list(dict.fromkeys(filter(None, said)))
    done = said.count("")
    words = [f"{done} {_DONE[Answer(given)]}."] if done or not reasons else []
    return _back(desk, visit, " ".join([*words, *reasons]))


def by_rule(desk: Desk, visit: Visit, order_number: int | None = None) -> list[Questions]:
    """What waits for an answer, by rule, the most urgent first; of one order, if it is given."""
    found: dict[str, list[Question]] = {}
    for one in desk.read(lambda connection: approvals.waiting(connection, order_number=order_number)):
        found.setdefault(one.rule, []).append(Question(one, approving.may_decide(one, visit.user)))
    return [Questions(rule, lines) for rule, lines in found.items()]


def _back(desk: Desk, visit: Visit, said: str) -> Response:
    """To the page that the form was on."""
    order_id = visit.given("order")
    if order_id.startswith("cs_") and order_id.replace("_", "").isalnum():
        return desk.back(f"/orders/{order_id}", said)
    return desk.back("/needs-you" if visit.may(*FIGURES) else "/approvals", said)
