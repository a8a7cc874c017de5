"""Rules that are being typed: read with the files they include, and tried on the last orders before they are saved."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hub.engine.versions import on_disk
from hub.engine.whatif import BATCH, compare, shown
from hub.rules.load import Loaded, load_texts
from hub.rules.ruleset import RuleSet
from hub.store import journal
from hub.web.console.desk import Desk

#: What changed rules are tried on: everything about the last orders, and what else happened of late.
ORDERS, EVENTS = 20, 200
_MOST_CHANGES = 50


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


def files_now(desk: Desk) -> dict[str, str]:
    """The files of the rules as they are on the disk, the main one first."""
    return on_disk(desk.hub.settings.rules, desk.hub.rulebook.current[1].files)


def effect(desk: Desk, new: RuleSet) -> Effect:
    """What the last orders and events would have led to, more, less or otherwise."""
    hub = desk.hub
    seqs = desk.read(lambda connection: journal.latest(connection, EVENTS, ORDERS))
    batches = [seqs[start : start + BATCH] for start in range(0, len(seqs), BATCH)]
    found = compare(hub.database, hub.contexts, hub.rulebook.current[1], new, batches)
    changes = []
    for one in found.differences[:_MOST_CHANGES]:
        effect = one.after or one.before
        assert effect is not None
        changes.append(Change(effect.rule, effect.order, shown(one.before), shown(one.after)))
    return Effect(changes, len(found.differences) - len(changes), found.same, found.unknown)


def with_text(present: Mapping[str, str], text: str) -> dict[str, str]:
    """The files with another text in the main one, as a form sends it."""
    text = text.replace("\r\n", "\n")
    return {**present, next(iter(present)): text if text.endswith("\n") else f"{text}\n"}


def read(desk: Desk, files: Mapping[str, str]) -> Loaded:
    return load_texts(files, desk.hub.registry, desk.hub.environment)


def verdict(loaded: Loaded) -> tuple[str, str]:
    """Whether it can be saved: what is said of it, and how it is shown."""
    if loaded.ruleset is None:
        return "It cannot be saved like this.", "not_ok"
    if loaded.problems:
        return "It can be saved; rules with a mistake are held.", "waiting"
    return "No mistakes.", "ok"


def digest(text: str) -> str:
    """What the file was when somebody began to change it: a save on top of somebody else's is noticed."""
    return hashlib.sha256(text.encode()).hexdigest()
