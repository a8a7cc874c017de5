"""Settings below each other: which are known, which were meant, which are missing."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from hub.rules import suggest
from hub.rules.document import Entry, Items, Map, Node, Text
from hub.rules.problems import Place, Problems

#: From so many unknown settings in one place on, something else is wrong: one message. So are two of which none looks
#: like a known one.
_MANY = 4


def known(node: Map, owner: str, allowed: Collection[str], problems: Problems, kind: str = "key") -> dict[str, Entry]:
    """The entries of ``node`` by name. An unknown one is reported and taken for what was meant, so that it does not
    also count as missing. ``owner`` begins the sentence: "A rule has no setting called …".
    """
    found = {entry.key.value: entry for entry in node.entries if entry.key.value in allowed}
    unknown = [entry for entry in node.entries if entry.key.value not in allowed]
    if len(unknown) >= _MANY or (len(unknown) > 1 and not any(_meant(one, allowed, found, kind) for one in unknown)):
        names = ", ".join(entry.key.value for entry in unknown)
        hint = "Probably the line above them was deleted, or they need to be indented."
        problems.add("K09", unknown[0].key.place, f"{owner} has none of these settings: {names}.", hint)
        return found
    for entry in unknown:
        meant = _report(entry, owner, allowed, set(found), problems, kind)
        if meant is not None and meant not in found:
            found[meant] = entry
    return found


def _meant(entry: Entry, allowed: Collection[str], present: Collection[str], kind: str) -> str | None:
    name = entry.key.value
    return suggest.by_meaning(kind, name, set(allowed) - set(present)) or suggest.by_spelling(name, allowed)


def _report(
    entry: Entry, owner: str, allowed: Collection[str], present: set[str], problems: Problems, kind: str
) -> str | None:
    name = entry.key.value
    meant = _meant(entry, allowed, present, kind)
    if name.startswith("-") and len(name) > 1:
        problems.add("K05", entry.key.place, "There is no space behind the “-”.", f"Write:  - {name[1:].strip()}:")
        return None
    if meant is None:
        hint = f"Possible here: {', '.join(allowed)}."
    elif meant in present:
        hint = f"There is already a  {meant}:  here. Remove one of them."
    else:
        hint = f"Write  {meant}:  instead."
    problems.add("K01", entry.key.place, f"{owner} has no setting called “{name}”.", hint)
    return meant


def without_groups(node: Map, owner: str, above: str, problems: Problems, but: str = "") -> Map:
    """``node`` without entries that are groups themselves: where only single values belong, a line above is missing."""
    groups = [entry for entry in node.entries if isinstance(entry.value, Map) and entry.key.value != but]
    if groups:
        names = ", ".join(entry.key.value for entry in groups)
        hint = f"Probably the line  {above}:  is missing above."
        problems.add("K09", groups[0].key.place, f"These do not belong to {owner} {names}", hint)
    return replace(node, entries=tuple(entry for entry in node.entries if entry not in groups))


def as_map(node: Node, what: str, example: str, problems: Problems) -> Map | None:
    """``node`` if it is settings below each other; else a Problem."""
    if isinstance(node, Map):
        return node
    if isinstance(node, Items):
        message = f"{what} must be settings without “- ” in front."
    else:
        message = f"{what} needs settings below it, each with a colon."
    problems.add("K03", node.place, message, f"For example:  {example}")
    return None


def as_text(entry: Entry, problems: Problems, example: str = "") -> Text | None:
    """The single value of a setting; a Problem when it is empty, a list or a group."""
    node = entry.value
    if isinstance(node, Text):
        if node.value or node.is_quoted:
            return node
        hint = f"For example:  {entry.key.value}: {example}" if example else "Write a value, or remove the line."
        problems.add("K10", entry.key.place, f"“{entry.key.value}” is empty.", hint)
        return None
    what = "a list" if isinstance(node, Items) else "several settings"
    hint = f"For example:  {entry.key.value}: {example}" if example else "Put the value behind the colon."
    problems.add("K03", node.place, f"“{entry.key.value}” takes one value, not {what}.", hint)
    return None


def as_texts(entry: Entry, problems: Problems, example: str) -> list[Text]:
    """One value or a list of values."""
    if not isinstance(entry.value, Items):
        one = as_text(entry, problems, example)
        return [] if one is None else [one]
    texts = [one for one in entry.value.nodes if isinstance(one, Text) and one.value]
    if len(texts) < len(entry.value.nodes) or not texts:
        hint = f"For example:  {entry.key.value}: {example}"
        problems.add("K03", entry.value.place, f"“{entry.key.value}” takes single values.", hint)
    return texts


def missing(names: Iterable[str], owner: str, place: Place, problems: Problems, code: str = "K02") -> None:
    """One Problem that names what is missing."""
    wanted = list(names)
    if wanted:
        listed = " and ".join(f"“{name}:”" for name in wanted)
        hint = "   ".join(f"{name}: …" for name in wanted)
        problems.add(code, place, f"{owner} needs {listed}.", hint)
