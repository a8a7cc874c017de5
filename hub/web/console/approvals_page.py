"""What rules ask before they go on: yes or no, one by one or all that were seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from starlette.responses import Response

from hub.engine import approving
from hub.engine.approving import Answer
from hub.store import approvals
from hub.store.approvals import Asked
from hub.store.database import Connection
from hub.web.console.access import FIGURES
from hub.web.console.desk import Desk, Visit, whole

_LONGEST_NAME = 80
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


def show_linked(desk: Desk, visit: Visit) -> Response:
    """One question, for whoever has its link. Chat programs open links by themselves: only the button answers."""
    return _linked(desk, visit)


def answer_linked(desk: Desk, visit: Visit) -> Response:
    """A yes or no by link, under the name of the session or the one that is given."""
    given, now = visit.given("answer"), desk.now()
    name = visit.user.name if visit.session is not None else visit.given("name")[:_LONGEST_NAME]
    found = _named(desk, visit)
    if not isinstance(found, Asked) or given not in set(Answer) or not name:
        return _linked(desk, visit)
    by = f"{name} (by link)"
    desk.changed(lambda connection: approving.decide_as(connection, found, Answer(given), by, now))
    return desk.back(visit.request.url.path)


def _linked(desk: Desk, visit: Visit) -> Response:
    found = _named(desk, visit)
    if found is None:
        said = "This link is not right. Open it once more from the message."
        return desk.page(visit, "approve.html", 401, asked=None, why_not=said)
    if not isinstance(found, Asked):
        said = "This is not asked yet, or not any more. Load the page again in a moment."
        return desk.page(visit, "approve.html", asked=None, why_not=said)
    return desk.page(visit, "approve.html", asked=found, why_not=approving.why_not(found, desk.now()))


def _named(desk: Desk, visit: Visit) -> Asked | int | None:
    """The approval that the link names; only its number if it was not asked; None for a link that was made up."""
    place = desk.hub.approval_links.read(visit.request.path_params["token"])
    number = None if place is None else desk.read(partial(approvals.of_step, run_id=place[0], step=place[1]))
    return None if number is None else desk.read(partial(approvals.find, delivery_id=number)) or number


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
