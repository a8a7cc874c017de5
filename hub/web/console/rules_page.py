"""Rules: each in plain words with what it did lately; the file edited with its mistakes and effects shown before."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from starlette.responses import Response

from hub.engine.versions import difference, on_disk
from hub.engine.whatif import BATCH, compare, shown
from hub.errors import RulesError
from hub.rules.load import Loaded, load_texts
from hub.rules.readback import reads
from hub.rules.ruleset import RuleSet
from hub.store import figures, journal, rulesets
from hub.store.database import Connection
from hub.web.console.desk import Desk, Visit, whole

_WEEK_MS = 7 * 24 * 3_600_000
_VERSIONS = 30
#: What changed rules are tried on: everything about the last orders, and what else happened of late.
_ORDERS, _EVENTS = 20, 200
_MOST_CHANGES = 50
_LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class Change:
    """What the edited rules would have done otherwise: with which order, by which rule."""

    rule: str
    order: int | None
    before: Sequence[str]
    after: Sequence[str]


@dataclass(frozen=True, slots=True)
class Effect:
    """``more`` changes are not listed; ``unknown``: left out, because what a rule needs was never read from Stripe."""

    changes: Sequence[Change]
    more: int
    same: int
    unknown: int


def show(desk: Desk, visit: Visit) -> Response:
    """The rules in force, and the versions that were."""
    since = desk.now() - _WEEK_MS
    did, versions = desk.read(lambda c: (figures.by_rule(c, since), rulesets.versions(c, _VERSIONS)))
    rules = [(rule, reads(rule).split("\n"), did.get(rule.name, {})) for rule in desk.hub.rulebook.current[1].rules]
    loaded = desk.hub.rulebook.loaded
    problems = loaded.problems if loaded is not None and loaded.ruleset is None else ()
    return desk.page(visit, "rules.html", rules=rules, versions=versions, problems=problems)


def version(desk: Desk, visit: Visit) -> Response:
    """One version, and what it changed."""
    number = whole(visit.request.path_params["number"]) or 0
    chosen, older = desk.read(lambda c: [rulesets.version(c, str(one)) for one in (number, number - 1)])
    if chosen is None:
        return desk.missing(visit, "such version")
    before = older.files if older else {}
    lines = list(difference(before, chosen.files, "before", f"version {number}"))
    is_in_force = chosen.digest == desk.hub.rulebook.current[1].digest
    return desk.page(visit, "rules_version.html", version=chosen, lines=lines, is_in_force=is_in_force)


def put_back(desk: Desk, visit: Visit) -> Response:
    """Has the files of a version in force again."""
    given = visit.given("version")
    found = desk.read(lambda c: rulesets.version(c, given)) if given.isdigit() else None
    if found is None:
        return desk.back("/rules", "There is no such version.")
    reason = visit.given("reason")[:_LONGEST_REASON] or f"back to version {found.number}"
    return _put(desk, visit, found.files, reason, f"Version {found.number} is in force again.")


def edit(desk: Desk, visit: Visit) -> Response:
    """The file as it is on the disk."""
    files = files_now(desk)
    return _editor(desk, visit, files, None, None, now=next(iter(files.values())))


def save(desk: Desk, visit: Visit) -> Response:
    """``do``: ``check`` shows mistakes and effects; ``save`` puts the file in force if it can be used."""
    present = files_now(desk)
    main, written = next(iter(present.items()))
    text = visit.form.get("text", "").replace("\r\n", "\n")
    files = present | {main: text if text.endswith("\n") else f"{text}\n"}
    if visit.given("began") != digest(written):
        lines = list(difference({main: written}, {main: files[main]}, "as it is now", "yours"))
        return _editor(desk, visit, files, None, None, 409, now=written, meanwhile=lines)
    loaded = load_texts(files, desk.hub.registry, desk.hub.environment)
    if visit.given("do") != "save" or loaded.ruleset is None:
        found = None if loaded.ruleset is None else effect(desk, loaded.ruleset)
        return _editor(desk, visit, files, loaded, found, 200 if loaded.ruleset else 422, now=written)
    reason = visit.given("reason")[:_LONGEST_REASON] or "edited in the console"
    return _put(desk, visit, files, reason, "The rules are saved and in force.")


def _put(desk: Desk, visit: Visit, files: Mapping[str, str], reason: str, said: str) -> Response:
    try:
        put_in_force(desk, visit, files, reason)
    except RulesError as error:
        return desk.back("/rules", str(error))
    return desk.back("/rules", said)


def put_in_force(desk: Desk, visit: Visit, files: Mapping[str, str], reason: str) -> None:
    """Has these files in force at once. Raises ``RulesError`` when they cannot be written or used."""
    desk.hub.rulebook.put(files, visit.user.name, reason)
    desk.hub.rulebook.load()
    desk.act(visit, "changed the rules", "rules", partial(_look_again, now=desk.now()), reason)


def _look_again(connection: Connection, now: int) -> None:
    """What a rule was held for may be mended."""
    journal.wake_postponed(connection, now)


def files_now(desk: Desk) -> dict[str, str]:
    """The files of the rules as they are on the disk, the main one first."""
    return on_disk(desk.hub.settings.rules, desk.hub.rulebook.current[1].files)


def effect(desk: Desk, new: RuleSet) -> Effect:
    """What the last orders and events would have led to, more, less or otherwise."""
    hub = desk.hub
    seqs = desk.read(lambda connection: journal.latest(connection, _EVENTS, _ORDERS))
    batches = [seqs[start : start + BATCH] for start in range(0, len(seqs), BATCH)]
    found = compare(hub.database, hub.contexts, hub.rulebook.current[1], new, batches)
    changes = []
    for one in found.differences[:_MOST_CHANGES]:
        effect = one.after or one.before
        assert effect is not None
        changes.append(Change(effect.rule, effect.order, shown(one.before), shown(one.after)))
    return Effect(changes, len(found.differences) - len(changes), found.same, found.unknown)


def _editor(
    desk: Desk,
    visit: Visit,
    files: Mapping[str, str],
    loaded: Loaded | None,
    effect: Effect | None,
    status: int = 200,
    *,
    now: str,
    meanwhile: Sequence[str] = (),
) -> Response:
    return desk.page(
        visit,
        "rules_edit.html",
        status,
        text=next(iter(files.values())),
        began=digest(now),
        meanwhile=meanwhile,
        loaded=loaded,
        effect=effect,
        others=list(files)[1:],
        orders=_ORDERS,
        events=_EVENTS,
    )


def digest(text: str) -> str:
    """What the file was when somebody began to change it: a save on top of somebody else's is noticed."""
    return hashlib.sha256(text.encode()).hexdigest()
