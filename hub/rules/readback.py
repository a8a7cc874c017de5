"""A rule in plain words: what the hub understood, for the person who wrote it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hub import duration
from hub.rules.conditions import ALWAYS, Condition
from hub.rules.ruleset import Rule
from hub.rules.settings import DYNAMIC
from hub.rules.step import Step

#: The setting that says where a step's effect goes, the first that there is.
_WHERE = ("channel", "sheet", "to", "url", "pool", "sku", "file")


def reads(rule: Rule) -> str:
    """The rule in a few lines: when and under which conditions, then one line per step."""
    return "\n".join([_when(rule), *_steps(rule.steps)])


def _when(rule: Rule) -> str:
    words = " or ".join(rule.triggers)
    if rule.for_each:
        words = f"for every entry of {rule.for_each}: {words}"
    if rule.delay is not None:
        words += f", {duration.words(rule.delay)} later"
    if rule.condition is not ALWAYS:
        words += f", if {in_words(rule.condition)}"
    if rule.once_per is not None:
        within = f" in {duration.words(rule.once_per.within)}" if rule.once_per.within else ""
        words += f", once per {rule.once_per.what}{within}"
    return words + ("" if rule.enabled else " (switched off)")


def _steps(steps: tuple[Step, ...]) -> Iterator[str]:
    blocks = {step.key: in_words(step.condition) for step in steps if step.kind == "if"}
    for step in steps:
        if step.kind != "if":
            conditions = [blocks[key] if answer else f"not ({blocks[key]})" for key, answer in step.guards]
            if step.condition is not ALWAYS:
                conditions.append(in_words(step.condition))
            yield f"→ {_act(step)}" + (f", if {' and '.join(conditions)}" if conditions else "")


def _act(step: Step) -> str:
    if step.approval is not None:
        unanswered = "go on" if step.approval.goes_on else "stop"
        within = duration.words(step.approval.within)
        return f"wait until {' or '.join(step.approval.who)} approves; {unanswered} after {within} without an answer"
    if step.action is None:
        return f"wait {duration.words(step.wait)}" if step.wait is not None else "stop"
    where = next((_shown(step, name) for name in _WHERE if name in step.values), "")
    each = " for every entry" if step.each else ""
    tries = f" ({step.retry.times} tries again)" if step.retry else ""
    return f"{step.action.title}{where and f': {where}'}{each}{tries}"


def _shown(step: Step, name: str) -> str:
    static = step.values[name].static
    if static is DYNAMIC:
        found = re.findall(r"\{\{\s*([\w.]+)", getattr(step.values[name].node, "value", ""))
        return ", ".join(found)
    return str(static)


# --- Conditions -----------------------------------------------------------------------------------------------------

_OPERATORS = (
    (r"\{not: (.*)\}", r"is not \1"),
    (r"\{in: (.*)\}", r"is in \1"),
    (r"\{not_in: (.*)\}", r"is not in \1"),
    (r"\{contains: (.*)\}", r"contains \1"),
    (r"\{contains_any: \[(.*)\]\}", r"contains one of \1"),
    (r"\{contains_all: \[(.*)\]\}", r"contains all of \1"),
    (r"\{none_of: \[(.*)\]\}", r"contains none of \1"),
    (r"\{starts_with: (.*)\}", r"starts with \1"),
    (r"\{ends_with: (.*)\}", r"ends with \1"),
    (r"\{exists: (?:yes|true)\}", "is filled in"),
    (r"\{exists: (?:no|false)\}", "is empty"),
    (r"\[(.*)\]", r"is one of \1"),
    (r"((?:over|under|at least|at most|exactly|between|before|after|on|within|older than|outside) .*)", r"is \1"),
    (r"(business hours)", r"is inside \1"),
)


def in_words(condition: Condition) -> str:
    """A condition as a part of a sentence."""
    parts = [in_words(child) for child in condition.children]
    if condition.text == "any:":
        return f"({' or '.join(parts)})"
    if condition.text == "none:":
        return f"none of ({'; '.join(parts)})"
    return " and ".join(parts) if parts else _line(condition.text)


def _line(text: str) -> str:
    field, colon, value = text.partition(": ")
    if not colon or not re.fullmatch(r"[\w.\-]+", field):
        return text
    for pattern, words in _OPERATORS:
        if re.fullmatch(pattern, value):
            return f"{field} {re.sub(pattern, words, value)}"
    return f"{field} is {value}"
