"""Parts that steps and rules have in common: lists to go through, lengths of time, retries, ids."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import timedelta

from hub import duration
from hub.retry import NEVER, RetryPolicy
from hub.rules import keys
from hub.rules.comparing import Run
from hub.rules.document import Entry, Items, Map, Node, Text
from hub.rules.parsing import expression
from hub.rules.scope import Scope, Uses
from hub.rules.syntax import Path, SyntaxMistake
from hub.rules.templates import Workshop
from hub.rules.types import ANY, Kind, Type


def for_each(entry: Entry, scope: Scope, workshop: Workshop, uses: Uses) -> tuple[Run, Type] | None:
    """The list that ``for_each:`` names, and the type of its entries."""
    text = keys.as_text(entry, workshop.problems, "order.items")
    if text is None:
        return None
    report = workshop.report(text)
    try:
        tree = expression(text.value.removeprefix("{{").removesuffix("}}"))
    except SyntaxMistake as error:
        report(error.code, error.at, error.message, error.suggestion)
        return None
    if "{{" in text.value or not isinstance(tree, Path):
        report("X04", 0, "for_each takes the name of a list.", "For example:  for_each: order.items")
        return None
    compiled = workshop.compiler(text, scope, uses, lenient=False).path(tree)
    if compiled.type.kind not in {Kind.LIST, Kind.ANY}:
        report(
            "X09",
            0,
            f"“{compiled.words}” is {compiled.type.kind}; for_each needs a list.",
            "For example:  for_each: order.items",
        )
        return None
    return (compiled.run, compiled.type.element or ANY) if compiled.words else None


def length(text: Text, workshop: Workshop, name: str) -> timedelta | None:
    """A length of time; a Problem for anything else."""
    try:
        return duration.parse(text.value)
    except ValueError as error:
        workshop.problems.add("K06", text.place, str(error), f"For example:  {name}: 3 days")
        return None


def retry(entry: Entry, workshop: Workshop) -> RetryPolicy | None:
    """``none``, or ``{times: 5, wait: 1 minute}``."""
    problems, node = workshop.problems, entry.value
    example = "{times: 5, wait: 1 minute}"
    if isinstance(node, Text):
        if node.value.lower() in {"none", "no", "never"}:
            return NEVER
        problems.add("K06", node.place, f"“{node.value}” is no retry.", f"Write:  retry: none   — or  retry: {example}")
        return None
    found = keys.as_map(node, "retry:", f"retry: {example}", problems)
    if found is None:
        return None
    entries = keys.known(found, "retry:", ("times", "wait"), problems, "setting")
    keys.missing([name for name in ("times", "wait") if name not in entries], "retry:", node.place, problems)
    times = keys.as_text(entries["times"], problems, "5") if "times" in entries else None
    pause = keys.as_text(entries["wait"], problems, "1 minute") if "wait" in entries else None
    wait = None if pause is None else length(pause, workshop, "wait")
    if times is not None and not (times.value.isdigit() and int(times.value) <= 100):
        problems.add(
            "K06", times.place, f"“{times.value}” is not a number of tries (0 to 100).", f"Write:  retry: {example}"
        )
        return None
    return None if times is None or wait is None else RetryPolicy(int(times.value), wait)


def every_id(nodes: Collection[Node]) -> Iterator[str]:
    """The ids of all steps, also inside blocks."""
    for node in nodes:
        if isinstance(node, Map):
            found = node.get("id")
            if isinstance(found, Text):
                yield found.value
            asked = node.get("approve")
            told = asked.get("tell") if isinstance(asked, Map) else None
            for inner in (node.get("do"), node.get("else"), told):
                if isinstance(inner, Items):
                    yield from every_id(inner.nodes)
