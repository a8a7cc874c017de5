"""Running the examples of rules: what is given, pretended, expected and was different."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from hub.model import Context
from hub.rules import catalogue, samples
from hub.rules.examples import Change, Example, ExpectedStep
from hub.rules.printing import Printer
from hub.rules.ruleset import Rule, RuleSet
from hub.rules.trying import Pretended, Tried, TriedStep, condition_lines, rehearse

#: Finds the context of a file or recorded event that ``given:`` names; None if there is none.
Given = Callable[[str], Context | None]


@dataclass(frozen=True, slots=True)
class ExampleRun:
    """``why`` is empty when the example holds; else lines for people."""

    rule: Rule
    example: Example
    why: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.why


def run_examples(ruleset: RuleSet, rule: Rule, given: Given | None = None) -> list[ExampleRun]:
    """Every example of a rule. Nothing is sent."""
    return [ExampleRun(rule, one, tuple(_Run(ruleset, rule, one, given).why())) for one in rule.examples]


def context_of(
    ruleset: RuleSet, rule: Rule, changes: Sequence[Change], now: datetime | None, base: Context | None = None
) -> tuple[Context, Pretended]:
    """The context of a built-in sample (or of ``base``) with some fields changed, and the pretended answers."""
    trigger = catalogue.trigger(rule.triggers[0])
    assert trigger is not None
    roots = samples.context(trigger, ruleset.shop) if base is None else base
    if base is None and rule.accounts:
        roots["account"]["id"] = sorted(rule.accounts)[0]
    results: dict[str, Any] = {}
    fails: dict[str, str] = {}
    for parts, value in changes:
        match parts:
            case ("steps", str(step), "fails"):
                fails[step] = str(value)
            case ("steps", *_):
                samples.change({"steps": results}, parts, value)
            case ("account", "name"):
                roots["account"]["id"] = next((one for one, name in ruleset.accounts.items() if name == value), value)
                roots["account"]["name"] = value
            case _:
                samples.change(roots, parts, value)
    return ruleset.complete(roots, now=now or samples.moment(ruleset.shop)), Pretended(results, fails)


class _Run:
    def __init__(self, ruleset: RuleSet, rule: Rule, example: Example, given: Given | None) -> None:
        self._ruleset = ruleset
        self._rule = rule
        self._example = example
        self._given = given
        self._printer = Printer(ruleset.shop)

    def why(self) -> Iterator[str]:
        """What was different from what is expected, in lines."""
        base = None
        if not self._example.given.startswith("sample "):
            base = self._given(self._example.given) if self._given else None
            if base is None:
                yield f"“{self._example.given}” cannot be found"
                return
        context, pretended = context_of(self._ruleset, self._rule, self._example.changes, self._example.now, base)
        tried = rehearse(self._rule, context, pretended)
        yield from self._compare(tried)

    def _compare(self, tried: Sequence[Tried]) -> Iterator[str]:
        errors = [one.error for one in tried if one.error]
        if errors:
            yield f"a condition could not be evaluated: {errors[0]}"
            return
        steps = [step for one in tried for step in one.acting]
        expect = self._example.expect
        runs = any(one.why.met for one in tried)
        if isinstance(expect, tuple):
            yield from self._compare_steps(expect, steps, tried)
        elif runs is not (expect == "runs"):
            yield from self._different(expect, steps, tried)

    def _compare_steps(
        self, expected: Sequence[ExpectedStep], steps: Sequence[TriedStep], tried: Sequence[Tried]
    ) -> Iterator[str]:
        if [one.action for one in expected] != [one.act for one in steps]:
            yield from self._different(", ".join(one.action for one in expected) or "none", steps, tried)
            return
        for wanted, happened in zip(expected, steps, strict=True):
            yield from self._compare_settings(wanted.action, wanted.settings, happened.settings)

    def _different(self, expected: str, steps: Sequence[TriedStep], tried: Sequence[Tried]) -> Iterator[str]:
        yield f"expected steps: {expected}"
        yield f"happened:       {', '.join(step.act for step in steps) or 'none'}"
        for step in steps:
            if step.error:
                yield f"{step.act} failed: {step.error}"
        for one in tried:
            yield from self._conditions(one, steps)

    def _conditions(self, tried: Tried, steps: Sequence[TriedStep]) -> Iterator[str]:
        if tried.why.because:
            yield tried.why.because
        if tried.why.condition is not None:
            yield "conditions:" if not tried.item else f"conditions for {tried.item}:"
            yield from (f"  {line}" for line in condition_lines(tried.why.condition, only_unmet=not tried.why.met))
        for step in tried.steps:
            if step.because is not None and (not step.runs or steps):
                yield f"{'✓' if step.runs else '✗'} {step.act} (step {step.key}), because:"
                yield from (f"  {line}" for line in condition_lines(step.because))

    def _compare_settings(self, where: str, expected: Mapping[str, Any], actual: Mapping[str, Any]) -> Iterator[str]:
        for name, wanted in expected.items():
            found = actual.get(name)
            if isinstance(wanted, dict) and isinstance(found, dict):
                yield from self._compare_settings(f"{where} → {name}", wanted, found)
            elif not self._same(wanted, found):
                yield f"{where} → {name}"
                yield from _labelled("expected: ", self._shown(wanted))
                yield from _labelled("got:      ", self._shown(found))

    def _same(self, wanted: Any, found: Any) -> bool:
        if isinstance(wanted, list) and isinstance(found, list):
            return len(wanted) == len(found) and all(map(self._same, wanted, found))
        if isinstance(wanted, list | dict):
            return bool(wanted == found)
        if isinstance(found, int | Decimal) and not isinstance(found, bool):
            return _number(wanted) == found
        if isinstance(found, datetime | date | time) and wanted == found.isoformat():
            return True
        return _typeable(str(wanted)) == _typeable(self._shown(found))

    def _shown(self, value: Any) -> str:
        if isinstance(value, list):
            return ", ".join(map(self._shown, value))
        return str(value) if isinstance(value, dict) else self._printer.text(value)


def _labelled(label: str, text: str) -> Iterator[str]:
    first, *rest = text.rstrip("\n").split("\n")
    yield f"{label}{first}"
    yield from (f"{' ' * len(label)}{line}" for line in rest)


def _typeable(text: str) -> str:
    """Nobody types the special spaces that amounts are printed with, or sees those at the end."""
    return text.replace("\u00a0", " ").replace("\u202f", " ").strip()


def _number(text: Any) -> Decimal | None:
    try:
        return Decimal(str(text))
    except InvalidOperation:
        return None
