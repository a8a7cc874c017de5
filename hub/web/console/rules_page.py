"""Rules: each in plain words with what it did lately; the file edited with its mistakes and effects shown before."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from functools import partial

from starlette.responses import Response

from hub.engine.versions import difference
from hub.errors import RulesError
from hub.rules.load import Loaded
from hub.rules.readback import reads
from hub.store import figures, journal, rulesets
from hub.store.database import Connection
from hub.web.console import draft
from hub.web.console.desk import HEADERS, Desk, Visit, whole
from hub.web.console.draft import Effect

_WEEK_MS = 7 * 24 * 3_600_000
_VERSIONS = 30
_LONGEST_REASON = 200


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
    files = draft.files_now(desk)
    return editor(desk, visit, files, None, None, now=next(iter(files.values())))


def save(desk: Desk, visit: Visit) -> Response:
    """``do``: ``check`` shows mistakes and effects; ``save`` puts the file in force if it can be used."""
    present = draft.files_now(desk)
    main, written = next(iter(present.items()))
    files = draft.with_text(present, visit.form.get("text", ""))
    if visit.given("began") != draft.digest(written):
        lines = list(difference({main: written}, {main: files[main]}, "as it is now", "yours"))
        return editor(desk, visit, files, None, None, 409, now=written, meanwhile=lines)
    loaded = draft.read(desk, files)
    if visit.given("do") != "save" or loaded.ruleset is None:
        found = None if loaded.ruleset is None else draft.effect(desk, loaded.ruleset)
        return editor(desk, visit, files, loaded, found, 200 if loaded.ruleset else 422, now=written)
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


def editor(
    desk: Desk,
    visit: Visit,
    files: Mapping[str, str],
    loaded: Loaded | None,
    effect: Effect | None,
    status: int = 200,
    *,
    now: str,
    meanwhile: Sequence[str] = (),
    to_set: Sequence[str] = (),
) -> Response:
    """The text with what is to be said of it; ``to_set``: what belongs into ``.env`` before its rules can run."""
    # The editor makes its styles as it needs them; those of this answer are let in, nobody else's.
    nonce = secrets.token_urlsafe(16)
    answer = desk.page(
        visit,
        "rules_edit.html",
        status,
        nonce=nonce,
        text=next(iter(files.values())),
        began=draft.digest(now),
        meanwhile=meanwhile,
        to_set=to_set,
        loaded=loaded,
        effect=effect,
        others=list(files)[1:],
        orders=draft.ORDERS,
        events=draft.EVENTS,
        verdict=None if loaded is None else draft.verdict(loaded),
    )
    policy = HEADERS["Content-Security-Policy"].replace("style-src 'self'", f"style-src 'self' 'nonce-{nonce}'")
    answer.headers["Content-Security-Policy"] = policy
    return answer
