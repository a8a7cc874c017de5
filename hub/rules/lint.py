"""Rules that are written correctly and are probably not what was meant: warnings, told once per cause."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hub.rules.conditions import ALWAYS, Condition, as_typed
from hub.rules.problems import Problems
from hub.rules.ruleset import Rule
from hub.rules.step import Step


def lint(rules: Sequence[Rule], problems: Problems) -> None:
    """Looks over all enabled rules without Problems."""
    sound = [rule for rule in rules if rule.enabled and (rule.held is None or rule.held.missing_connection)]
    for rule in sound:
        with problems.within(rule.name):
            _never_met(rule, problems)
            _skipped_results(rule, problems)
    _same_rows(sound, problems)


# --- A rule that can never match ------------------------------------------------------------------------------------


def _never_met(rule: Rule, problems: Problems) -> None:
    for field, values in _required(rule.condition).items():
        possible = frozenset.intersection(*values)
        if not possible:
            hint = f"Ask for {field} once: with  any:  if one of the values is enough."
            problems.warn(
                "C13", rule.place, f"“{field}” cannot be all of this at the same time, so the rule never runs.", hint
            )
    if "setup" in _only(rule.condition, "order.mode") and set(rule.triggers) <= {"order paid", "order placed"}:
        hint = "Use the trigger  checkout.session.completed  for it."
        problems.warn("C13", rule.place, "A checkout with  mode: setup  makes no order, so the rule never runs.", hint)


def _required(condition: Condition) -> dict[str, list[frozenset[str]]]:
    """What each field must be one of, over all lines that must be met."""
    found: dict[str, list[frozenset[str]]] = {}
    for line in _lines(condition):
        if line.one_of is not None:
            found.setdefault(line.text.partition(":")[0], []).append(line.one_of)
    return found


def _lines(condition: Condition) -> Iterator[Condition]:
    """The lines that must all be met."""
    if not condition.children:
        yield condition
    elif condition.text == "all:":
        for child in condition.children:
            yield from _lines(child)


def _only(condition: Condition, field: str) -> frozenset[str]:
    values = _required(condition).get(field)
    return frozenset.intersection(*values) if values else frozenset()


# --- A step that reads the result of one that may be skipped --------------------------------------------------------


def _skipped_results(rule: Rule, problems: Problems) -> None:
    by_id = {step.id: step for step in rule.steps if step.id}
    for step in rule.steps:
        for name in sorted(step.reads):
            if name in by_id and _may_be_skipped(by_id[name], step):
                hint = "Put both into one block, or give the text a default:  {{ … | default('…') }}"
                message = f"The step “{name}” may be skipped; then its result is empty here."
                problems.warn("X16", step.place, message, hint)


def _may_be_skipped(read: Step, reader: Step) -> bool:
    if read.condition is not ALWAYS and read.condition.text != reader.condition.text:
        return True
    return not set(read.guards) <= set(reader.guards)


# --- Two rules with one effect --------------------------------------------------------------------------------------


def _same_rows(rules: Sequence[Rule], problems: Problems) -> None:
    seen: dict[tuple[str, ...], tuple[Rule, Step]] = {}
    for rule in rules:
        for step in rule.steps:
            if step.action is None or not step.action.name.endswith(".add_row"):
                continue
            for trigger in rule.triggers:
                key = (trigger, rule.condition.text, rule.for_each or "", step.condition.text, _written(step))
                first, _ = seen.setdefault(key, (rule, step))
                if first is not rule:
                    with problems.within(rule.name):
                        message = f"This adds the same row as the rule “{first.name}” (line {first.line})."
                        problems.warn("A08", step.place, message, "Remove one of the two steps.")


def _written(step: Step) -> str:
    assert step.action is not None
    settings = [f"{name}: {as_typed(one.node)}" for name, one in sorted(step.values.items())]
    return f"{step.action.name} {step.connection} {settings}"


# --- Hints ----------------------------------------------------------------------------------------------------------


def hints(rules: Sequence[Rule]) -> list[str]:
    """What a shop may have forgotten; nothing is wrong."""
    names = {step.action.name for rule in rules if rule.enabled for step in rule.steps if step.action}
    if "inventory.decrease" in names and "inventory.increase" not in names:
        hint = (
            "Sold goods leave the stock, but no rule puts refunded ones back."
            " If they come back to you, add a rule  when: order refunded  with  inventory.increase ."
        )
        return [hint]
    return []
