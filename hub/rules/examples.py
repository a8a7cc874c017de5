"""``examples:`` inside a rule: what is given, what is changed, what is expected."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hub.rules import keys, suggest, values
from hub.rules import scope as names
from hub.rules.actions import Actions
from hub.rules.approving import SETTINGS
from hub.rules.document import Entry, Items, Map, Node, Text
from hub.rules.scope import Scope
from hub.rules.slots import settings_of
from hub.rules.templates import Workshop
from hub.rules.types import TEXT, Kind, Type
from hub.rules.values import Misread

_KEYS = ("name", "given", "now", "with", "expect")
SAMPLES = ("order", "refund", "dispute", "subscription", "invoice", "customer", "payout", "account", "event")

#: The parts of a changed field, and its value.
Change = tuple[tuple[str | int, ...], Any]


@dataclass(frozen=True, slots=True)
class ExpectedStep:
    """One step that is expected to act; only the settings that are listed are compared."""

    action: str
    settings: Mapping[str, Any]
    line: int


@dataclass(frozen=True, slots=True)
class Example:
    """``expect`` is ``nothing``, ``runs``, or the steps in order."""

    name: str
    line: int
    given: str
    now: datetime | None = None
    changes: tuple[Change, ...] = ()
    expect: str | tuple[ExpectedStep, ...] = "runs"


@dataclass(frozen=True, slots=True)
class ExampleReader:
    """Reads the examples of one rule. ``scope`` has the results of all its steps."""

    workshop: Workshop
    actions: Actions
    scope: Scope
    acting: frozenset[str] | None  #: what its steps do, actions and the rest; None when not all could be read

    def read(self, entry: Entry) -> tuple[Example, ...]:
        problems = self.workshop.problems
        if not isinstance(entry.value, Items):
            place = entry.value.place if not isinstance(entry.value, Text) or entry.value.value else entry.key.place
            problems.add(
                "K03",
                place,
                "examples: must be a list; each example starts with “- ”.",
                "Write:  - given: sample order",
            )
            return ()
        return tuple(one for index, node in enumerate(entry.value.nodes, 1) if (one := self._example(node, index)))

    def _example(self, node: Node, index: int) -> Example | None:
        problems = self.workshop.problems
        found = keys.as_map(node, "An example", "- given: sample order", problems)
        if found is None:
            return None
        entries = keys.known(found, "An example", _KEYS, problems)
        keys.missing([name for name in ("given", "expect") if name not in entries], "An example", found.place, problems)
        name = keys.as_text(entries["name"], problems, "a normal order") if "name" in entries else None
        return Example(
            name=name.value if name else f"example {index}",
            line=found.place.line,
            given=self._given(entries.get("given")),
            now=self._now(entries.get("now")),
            changes=tuple(self._with(entries["with"])) if "with" in entries else (),
            expect=self._expect(entries["expect"]) if "expect" in entries else "runs",
        )

    def _given(self, entry: Entry | None) -> str:
        text = None if entry is None else keys.as_text(entry, self.workshop.problems, "sample order")
        if text is None:
            return "sample order"
        word, _, kind = text.value.partition(" ")
        if (word == "sample" and kind in SAMPLES) or text.value.startswith("evt_") or text.value.endswith(".json"):
            return text.value
        close = suggest.by_spelling(kind or word, SAMPLES) or "order"
        known = ", ".join(f"sample {one}" for one in SAMPLES[:5])
        hint = f"Did you mean  sample {close}?   There are: {known}, a .json file, an event (evt_…)."
        self.workshop.problems.add("E01", text.place, f"There is no “{text.value}”.", hint)
        return "sample order"

    def _now(self, entry: Entry | None) -> datetime | None:
        text = None if entry is None else keys.as_text(entry, self.workshop.problems, "2026-11-24 10:00")
        if text is None:
            return None
        try:
            return values.moment(text.value, self.workshop.shop, lambda right: f"now: {right}")[0].astimezone(UTC)
        except Misread as error:
            self.workshop.problems.add(error.code, text.place, error.message, error.suggestion)
            return None

    # --- with ---

    def _with(self, entry: Entry) -> list[Change]:
        node = keys.as_map(entry.value, "with:", "order.total: 49 EUR", self.workshop.problems)
        changes = []
        for one in node.entries if node else ():
            try:
                changes.append(change(one.key.value, one.value, self.scope, self.workshop))
            except Misread as error:
                place = one.key.place if error.code == "E02" else one.value.place
                self.workshop.problems.add(error.code, place, error.message, error.suggestion)
        return changes

    # --- expect ---

    def _expect(self, entry: Entry) -> str | tuple[ExpectedStep, ...]:
        node = entry.value
        if isinstance(node, Text):
            return self._word(node, entry)
        if isinstance(node, Items):
            return tuple(one for step in node.nodes if (one := self._expected(step)))
        hint = 'Write:  - slack.message: {channel: "#orders"}'
        self.workshop.problems.add(
            "K05", node.place, "expect: must be a list of steps. Each step starts with “- ”.", hint
        )
        return "runs"

    def _word(self, node: Text, entry: Entry) -> str:
        if node.value in {"nothing", "runs"}:
            return node.value
        close = suggest.by_spelling(node.value, ("nothing", "runs"))
        hint = f"Write:  expect: {close or 'runs'}   — or nothing, runs, or a list of steps."
        place = entry.key.place if node.is_empty else node.place
        self.workshop.problems.add("E03", place, "expect can be nothing, runs, or a list of steps.", hint)
        return "runs"

    def _expected(self, node: Node) -> ExpectedStep | None:
        if isinstance(node, Text):
            return self._step(node, None)
        if isinstance(node, Map) and len(node.entries) == 1:
            return self._step(node.entries[0].key, node.entries[0].value)
        hint = 'Write:  - slack.message: {channel: "#orders"}'
        self.workshop.problems.add(
            "K03", node.place, "An expected step is one action, with the settings to compare.", hint
        )
        return None

    def _step(self, name: Text, settings: Node | None) -> ExpectedStep | None:
        if self.acting is not None and name.value not in self.acting:
            close = suggest.closest("action", name.value, self.acting)
            hint = (
                f"Did you mean “{close}”?" if close else f"Its steps are: {', '.join(sorted(self.acting)) or 'none'}."
            )
            self.workshop.problems.add("E04", name.place, f"The rule has no step “{name.value}”.", hint)
            return None
        if settings is None or (isinstance(settings, Text) and name.value in {"wait", "stop", "approve"}):
            return ExpectedStep(name.value, {}, name.place.line)
        action = self.actions.get(name.value)
        found = keys.as_map(settings, name.value, f"{name.value}: {{text: …}}", self.workshop.problems)
        if found is None or (action is None and name.value != "approve"):
            return None
        allowed = SETTINGS if action is None else list(settings_of(action.params))
        entries = keys.known(found, name.value, allowed, self.workshop.problems, "setting")
        return ExpectedStep(name.value, {key: _plain(one.value) for key, one in entries.items()}, name.place.line)


def _plain(node: Node) -> Any:
    match node:
        case Text():
            return node.value
        case Items():
            return [_plain(one) for one in node.nodes]
        case Map():
            return {entry.key.value: _plain(entry.value) for entry in node.entries}


# --- Values of changed fields ---------------------------------------------------------------------------------------


def change(key: str, node: Node, scope: Scope, workshop: Workshop) -> Change:
    """One line of ``with:``; raises ``Misread`` (E02 for a field that is not known)."""
    parts = tuple(int(part) if part.isdigit() else part for part in key.split("."))
    if parts[0] == "steps" and len(parts) == 3 and parts[2] == "fails" and parts[1] in scope.steps:
        return parts, _text(node, key)
    try:
        type_ = names.resolve(parts, scope).type
    except Misread as error:
        raise Misread("E02", error.message, error.suggestion) from None
    return parts, value_of(key, type_, node, workshop)


def value_of(key: str, type_: Type, node: Node, workshop: Workshop) -> Any:
    """A typed value as it stands in the file; raises ``Misread``."""
    if type_.kind is Kind.LIST:
        nodes = node.nodes if isinstance(node, Items) else (node,)
        return [value_of(f"{key}.{index}", type_.element or TEXT, one, workshop) for index, one in enumerate(nodes)]
    if type_.kind is Kind.GROUP:
        return _group(key, type_, node, workshop)
    if type_.kind is Kind.ANY and not isinstance(node, Text):
        return _plain(node)
    text = _text(node, key)
    if not text:
        return None
    return _single(key, type_, text, workshop)


def _single(key: str, type_: Type, text: str, workshop: Workshop) -> Any:
    def write(right: str) -> str:
        return f"{key}: {right}"

    match type_.kind:
        case Kind.AMOUNT:
            return values.amount(text, workshop.shop.currency or "EUR", write)
        case Kind.NUMBER:
            return values.number(text, write)
        case Kind.DATE:
            return values.moment(text, workshop.shop, write)[0].astimezone(UTC)
        case Kind.YES_NO:
            return values.yes_no(text, write)
        case Kind.ANY:
            return _json_like(text)
        case _:
            return values.coded(key, type_, text)


def _json_like(text: str) -> Any:
    return int(text) if re.fullmatch(r"-?\d{1,15}", text) else {"true": True, "false": False}.get(text, text)


def _group(key: str, type_: Type, node: Node, workshop: Workshop) -> dict[str, Any]:
    if not isinstance(node, Map):
        hint = f"For example:  {key}: {{{next(iter(type_.fields), 'gift')}: …}}"
        raise Misread("E03", f"“{key}” is a group of fields.", hint)
    found = {}
    for entry in node.entries:
        name = entry.key.value
        inner = type_.fields[name].type if name in type_.fields else type_.open
        if inner is None:
            close = suggest.by_spelling(name, type_.fields)
            hint = f"Did you mean “{close}”?" if close else f"There are: {', '.join(type_.fields)}."
            raise Misread("E03", f"“{key}” has no “{name}”.", hint)
        found[name] = value_of(f"{key}.{name}", inner, entry.value, workshop)
    return found


def _text(node: Node, key: str) -> str:
    if isinstance(node, Text):
        return node.value
    raise Misread("E03", f"“{key}” takes one value.", f"Write:  {key}: …")
