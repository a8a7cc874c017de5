"""Everything that waits for a person, by cause: what is wrong, what to do, and one button for all of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from starlette.responses import Response

from hub.engine import by_hand
from hub.engine.by_hand import Decision
from hub.rules.ruleset import RuleSet
from hub.store import attention, journal, lanes
from hub.store.attention import Cause, Stuck
from hub.store.database import Connection
from hub.web.console import approvals_page
from hub.web.console.access import OWNERS
from hub.web.console.desk import Desk, Visit, whole

#: So many at a time: each a transaction of its own, so that the hub's own work goes on in between.
_AT_ONCE = 500
_MOST_REASONS = 3
#: What is said afterwards.
_DONE = {
    Decision.RETRY: "will be tried again",
    Decision.CANCEL: "cancelled",
    Decision.HAPPENED: "settled",
    Decision.DID_NOT_HAPPEN: "will be sent",
}

#: Plannings that go on by themselves in a moment are nobody's business.
_BY_ITSELF = ("Asking Stripe", "Its order is not on record yet")


@dataclass(frozen=True, slots=True)
class Button:
    """What can be done with a whole group."""

    label: str
    act: str
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """One cause. ``fix`` in words; ``lines`` are what it concerns."""

    title: str
    fix: str
    count: int = 1
    since: int | None = None
    lines: Sequence[Stuck] = ()
    notes: Sequence[str] = ()
    buttons: Sequence[Button] = ()
    link: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    causes: Sequence[Cause]
    waiting: Sequence[attention.Waiting]
    paused: Sequence[attention.Paused]
    below_zero: Sequence[tuple[str, int]]
    held_orders: int


def show(desk: Desk, visit: Visit) -> Response:
    """Empty means: all is done."""
    asking_now = approvals_page.by_rule(desk, visit)
    return desk.page(visit, "needs_you.html", groups=groups(desk), asking_now=asking_now, may_decide=visit.may(*OWNERS))


def groups(desk: Desk) -> list[Group]:
    """What waits for a person, by cause."""
    found = list(_groups(desk.read(_load), desk.hub.rulebook.current[1], desk.hub.settings.is_demo))
    loaded = desk.hub.rulebook.loaded
    if loaded is not None and loaded.ruleset is None:
        said = [f"Line {one.line}: {one.message}" for one in loaded.problems[:5]]
        fix = "The rules of before stay in force. Correct rules.yaml; hub check says each mistake with its correction."
        found.insert(0, Group("The rules file has mistakes", fix, len(loaded.problems), notes=said))
    return found


def decide(desk: Desk, visit: Visit) -> Response:
    """A button of a group, or of one delivery of it."""
    act, one = visit.given("act"), whole(visit.given("delivery"))
    if act == "again":
        return _look_again(desk, visit)
    if act not in set(Decision):
        return desk.back("/needs-you", "There is no such decision.")
    ids = [one] if one is not None else of_cause(desk, visit.given("cause"))
    done = len(ids) - len(carry_out(desk, visit, Decision(act), ids))
    return desk.back("/needs-you", f"{done} {_DONE[Decision(act)]}.")


def carry_out(desk: Desk, visit: Visit, decision: Decision, ids: Sequence[int]) -> dict[int, str]:
    """A decision about deliveries; returns why not, by id, for those left alone."""
    refused: dict[int, str] = {}
    for start in range(0, len(ids), _AT_ONCE):
        part = ids[start : start + _AT_ONCE]
        write = partial(by_hand.decide, decision=decision, ids=part, who=visit.user.name, now=desk.now())
        refused |= desk.changed(write)
    return refused


def _look_again(desk: Desk, visit: Visit) -> Response:
    now = desk.now()

    def write(connection: Connection) -> None:
        journal.wake_postponed(connection, now)
        lanes.resume_paused(connection)

    desk.act(visit, "had everything that waits looked at again", "hub", write)
    return desk.back("/needs-you", "What waits is looked at again now. What is still wrong comes back here.")


def _load(connection: Connection) -> _Found:
    return _Found(
        attention.causes(connection),
        attention.plannings_waiting(connection),
        attention.paused(connection),
        attention.below_zero(connection),
        attention.held_orders(connection),
    )


def of_cause(desk: Desk, digest: str) -> list[int]:
    """The deliveries of a group."""
    found = desk.read(attention.causes)
    return next((one.ids for one in found if _digest(one) == digest), [])


def _digest(cause: Cause) -> str:
    text = "\x00".join((cause.state, cause.action, cause.connection, cause.reason))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _groups(found: _Found, ruleset: RuleSet, is_demo: bool) -> Iterator[Group]:
    again = [Button("Look again now", "again")]
    for paused in found.paused:
        title = f"The connection “{paused.connection}” is paused"
        yield Group(title, f"{paused.reason} Mend that; the hub also looks by itself every minute.", buttons=again)
    for cause in found.causes:
        yield _stuck(cause)
    yield from _held(found.waiting, ruleset, is_demo, again)
    if found.below_zero:
        notes = [f"{sku}: {count}" for sku, count in found.below_zero]
        fix = "Reorder, or tell the buyers; then set what you have under Stock."
        yield Group("Oversold", fix, len(notes), notes=notes, link=("/stock", "Stock"))
    if found.held_orders:
        fix = "Somebody holds them: pack and ship them after all, or refund them in Stripe."
        yield Group("Orders on hold", fix, found.held_orders, link=("/orders?show=held", "Show them"))


def _stuck(cause: Cause) -> Group:
    digest, count = _digest(cause), len(cause.ids)
    notes = list(dict.fromkeys(one.error for one in cause.first if one.error))[:_MOST_REASONS]
    cancel = Button("Never mind", "cancel", digest)
    if cause.state == "unknown":
        title = f"Did it happen? {cause.action}"
        fix = "It was being sent when the connection broke. Look at the far end, then say whether it is there."
        settle = [
            Button("They all happened" if count > 1 else "It happened", "happened", digest),
            Button("None happened, send them" if count > 1 else "It did not, send it", "did-not-happen", digest),
        ]
        return Group(title, fix, count, cause.since, cause.first, notes, [*settle, cancel])
    title, fix = _named(cause)
    retry = Button(f"Retry all {count}" if count > 1 else "Retry", "retry", digest)
    return Group(title, fix, count, cause.since, cause.first, notes, [retry, cancel])


def _named(cause: Cause) -> tuple[str, str]:
    """The title and the way out of a group of dead letters."""
    if "is not in the stock list" in cause.reason:
        return "Missing from the stock list", "Add the SKUs under Stock, then retry. Or correct the SKU in Stripe."
    if cause.action.startswith("inventory.") and "are left" in cause.reason:
        return "Oversold", "Count and correct the stock under Stock, then retry; or tell the buyers."
    if "pool" in cause.reason and cause.action.startswith("codes."):
        return "No codes left", "Fill the pool under Codes, then retry."
    where = f" to “{cause.connection}”" if cause.connection else ""
    return (
        f"Given up: {cause.action}{where}",
        "Mend the cause that stands below, then retry. What was done is not repeated.",
    )


def _held(
    waiting: Sequence[attention.Waiting], ruleset: RuleSet, is_demo: bool, again: Sequence[Button]
) -> Iterator[Group]:
    """Rules that do not run, and what waits for them."""
    told = set()
    for one in waiting:
        if one.reason.startswith(_BY_ITSELF):
            continue
        told.add(one.rule)
        title = f"“{one.rule}” cannot be planned" if one.rule else "Events cannot be planned"
        fix = "It catches up by itself once this is mended."
        yield Group(title, fix, one.count, one.since, notes=[one.reason], buttons=again)
    for rule in ruleset.rules:
        rehearsed = rule.held is not None and rule.held.missing_connection and is_demo
        if rule.held is not None and rule.enabled and not rehearsed and rule.name not in told:
            fix = "No order waits for it yet. Mend it in rules.yaml and save."
            yield Group(f"“{rule.name}” does not run", fix, notes=[rule.held.reason])
