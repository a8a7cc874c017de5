"""What an editor shows while rules are typed: completions and help for the place of the cursor.

Works on half-typed files, so it looks at lines and their indentation, not at a parsed document. What it offers comes
from the tables of the checker.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hub.rules import catalogue
from hub.rules.actions import Actions
from hub.rules.approving import ROLES
from hub.rules.filters import FILTERS
from hub.rules.schema import (
    APPROVE_KEYS,
    COMMON_SETTINGS,
    EXAMPLE_KEYS,
    RULE_KEYS,
    SECTIONS,
    SHOP_KEYS,
    STEP_KEYS,
)
from hub.rules.slots import settings_of

_KEY = re.compile(r"^(?P<margin>\s*(?:- +)*)(?P<key>[\w.# -]*?)\s*:(?:\s|$)")
_MARGIN = re.compile(r"^\s*(?:- *)*")
_WORD = re.compile(r"[\w#][\w.#-]*(?: [a-z]+){0,3}")
_OPEN_BRACES = re.compile(r"\{\{(?!.*\}\})(?P<inside>.*)$")
_LAST_NAME, _LAST_VALUE, _WHOLE = (
    re.compile(r"[\w#.]*$"),
    re.compile(r"[^\s,\[\]{}'\"][^,\[\]{}'\"]*$"),
    re.compile(r".*$"),
)
_STEPS = {"do", "else", "on_error", "tell"}
_GROUPS = {"any", "all", "none"}


@dataclass(frozen=True, slots=True)
class Offer:
    """Something to type here. ``kind``: key, value, field, action or filter."""

    text: str
    kind: str
    help: str

    @property
    def typed(self) -> str:
        """What choosing it types."""
        return f"{self.text}: " if self.kind == "key" else self.text


@dataclass(frozen=True, slots=True)
class _Line:
    column: int  #: where its key begins
    key: str


def offers(text: str, line: int, column: int, actions: Actions) -> list[Offer]:
    """What can stand at a place (both from 0)."""
    lines = text.split("\n")
    if line >= len(lines):
        return []
    before = lines[line][:column]
    if found := _OPEN_BRACES.search(before):
        return list(_in_braces(found["inside"], lines, line))
    if key := _KEY.match(before):
        return list(_values(key["key"].strip(), lines, line, actions))
    margin = _MARGIN.match(before)
    path = _path(lines, line, len(margin.group()) if margin else 0)
    if path[-1:] == ["when"]:
        return list(_triggers())
    return list(_keys(path, lines, line, actions))


def offers_from(text: str, line: int, column: int) -> int:
    """The column at which the word begins that an offer takes the place of."""
    before = text.split("\n")[line][:column]
    found, key = _OPEN_BRACES.search(before), _KEY.match(before)
    if found or (key and key["key"].strip() == "if"):
        part = _LAST_NAME
    elif key:
        before, part = before[key.end() :], _LAST_VALUE
    else:
        margin = _MARGIN.match(before)
        before, part = before[margin.end() if margin else 0 :], _WHOLE
    word = part.search(before)
    return column - len(word.group() if word else "")


def help_at(text: str, line: int, column: int, actions: Actions) -> str:
    """What the word at a place means; "" when nobody knows."""
    lines = text.split("\n")
    if line >= len(lines):
        return ""
    word = next((one for one in _WORD.finditer(lines[line]) if one.start() <= column <= one.end()), None)
    if word is None:
        return ""
    found = _KEY.match(lines[line])
    path = _path(lines, line, len(found["margin"]) if found else 0)
    is_key = found is not None and found["key"].strip() == word.group()
    words = word.group().split(" ")
    for name in (" ".join(words[:count]) for count in range(len(words), 0, -1)):
        about = _about(name, path, actions) if is_key else _about_value(name, actions)
        if about:
            return f"{name}: {about}"
    return ""


def _about(name: str, path: Sequence[str], actions: Actions) -> str:
    found = next((one.help for one in _keys(path, [], 0, actions) if one.text == name), "")
    return found or _about_value(name, actions)


def _about_value(name: str, actions: Actions) -> str:
    if name in catalogue.TRIGGERS:
        return catalogue.TRIGGERS[name].help
    if name in FILTERS:
        return FILTERS[name].help
    if "." in name and (action := actions.get(name)) is not None:
        return f"{action.title}."
    return next((one.help for one in _fields(tuple(catalogue.ROOTS)) if one.text == name), "")


# --- Where the cursor is --------------------------------------------------------------------------------------------


def _path(lines: Sequence[str], line: int, column: int) -> list[str]:
    """The names above a place that it belongs to, outermost first."""
    path: list[str] = []
    for above in reversed(lines[:line]):
        found = _line(above)
        if found is not None and found.column < column:
            path.append(found.key)
            column = found.column
    return path[::-1]


def _line(text: str) -> _Line | None:
    found = _KEY.match(text)
    return None if found is None or text.lstrip().startswith("#") else _Line(len(found["margin"]), found["key"].strip())


def _trigger_of(lines: Sequence[str], line: int) -> str | None:
    """What the rule around a line starts with."""
    rule = next((index for index in range(line, -1, -1) if re.match(r"\s*- +name:", lines[index])), None)
    for text in lines[rule:] if rule is not None else ():
        if found := re.match(r"\s*when:\s*\[?\s*['\"]?([\w. ]+?)['\"]?\s*(?:[,\]#].*)?$", text):
            return found[1]
    return None


# --- What can stand there -------------------------------------------------------------------------------------------


def _keys(path: Sequence[str], lines: Sequence[str], line: int, actions: Actions) -> Iterator[Offer]:
    match list(path):
        case []:
            yield from _named(SECTIONS)
        case ["shop"]:
            yield from _named(SHOP_KEYS)
        case ["connections", _]:
            yield from _connection(actions)
        case ["defaults"]:
            yield from _acts(actions)
        case ["rules"]:
            yield from _named(RULE_KEYS)
        case [*_, "examples"]:
            yield from _named(EXAMPLE_KEYS)
        case [*_, group] if group in {"if", *_GROUPS}:
            yield from (Offer(name, "key", "") for name in sorted(_GROUPS))
            yield from _fields_here(lines, line)
        case [*_, steps] if steps in _STEPS:
            yield from _acts(actions)
            yield from _named(STEP_KEYS)
        case [*_, "approve"]:
            yield from _named(APPROVE_KEYS)
        case [*_, name] if (action := actions.get(name)) is not None:
            yield from (Offer(key, "key", one.help) for key, one in settings_of(action.params).items())
            yield from _named(COMMON_SETTINGS)


def _values(key: str, lines: Sequence[str], line: int, actions: Actions) -> Iterator[Offer]:
    match key:
        case "when":
            yield from _triggers()
        case "type":
            yield from (Offer(kind, "value", "") for kind in actions.kinds)
        case "for_each":
            yield Offer("order.items", "field", "What was bought, line by line.")
        case "given":
            samples = dict.fromkeys(one.sample for one in catalogue.TRIGGERS.values() if one.sample)
            yield from (Offer(f"sample {name}", "value", "") for name in samples)
        case "once_per":
            yield from (Offer(name, "value", "") for name in ("order", "customer", "subscription", "invoice"))
        case "on_unknown":
            yield from (Offer(name, "value", COMMON_SETTINGS[key]) for name in ("resend", "hold"))
        case "unanswered":
            yield from (Offer(name, "value", APPROVE_KEYS[key]) for name in ("stop", "go on"))
        case "who":
            yield from (Offer(name, "value", APPROVE_KEYS[key]) for name in ROLES)
        case "enabled":
            yield from (Offer(name, "value", "") for name in ("yes", "no"))
        case "if":
            yield from _fields_here(lines, line)


def _in_braces(inside: str, lines: Sequence[str], line: int) -> Iterator[Offer]:
    if "|" in inside:
        yield from (Offer(name, "filter", one.help) for name, one in FILTERS.items())
    else:
        yield from _fields_here(lines, line)


def _triggers() -> Iterator[Offer]:
    yield from (Offer(name, "value", one.help) for name, one in catalogue.TRIGGERS.items())


def _acts(actions: Actions) -> Iterator[Offer]:
    for name in actions.names:
        action = actions.get(name)
        if action is not None:
            yield Offer(name, "action", f"{action.title}.")


def _connection(actions: Actions) -> Iterator[Offer]:
    yield Offer("type", "key", "Which kind of service; else the name says it.")
    seen: set[str] = set()
    for kind in actions.kinds:
        connection = actions.connection(kind)
        for name, one in settings_of(connection.Config).items() if connection else ():
            if name not in seen:
                seen.add(name)
                yield Offer(name, "key", one.help)


def _named(described: Mapping[str, str]) -> Iterator[Offer]:
    yield from (Offer(name, "key", about) for name, about in described.items())


def _fields_here(lines: Sequence[str], line: int) -> Iterator[Offer]:
    found = catalogue.trigger(_trigger_of(lines, line) or "")
    ours = ("item", "steps", "error", "approval")
    roots = tuple(catalogue.ROOTS) if found is None else (*found.roots, *catalogue.ALWAYS, *ours)
    yield from _fields(roots)


def _fields(roots: Sequence[str]) -> Iterator[Offer]:
    for root in roots:
        if root in catalogue.ROOTS:
            fields = catalogue.fields_below(root, catalogue.ROOTS[root])
            yield from (Offer(path, "field", one.help) for path, one in fields)
