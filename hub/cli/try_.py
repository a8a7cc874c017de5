"""``hub try``: what a rule would do, with every condition and every step as it would be sent. Nothing is sent."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from hub.cli import given
from hub.cli.output import AsJson, no, print_json, say
from hub.cli.rules_file import rule_called, usable
from hub.model import Context
from hub.rules import catalogue, values
from hub.rules.changes import Changes
from hub.rules.conditions import Seen
from hub.rules.example_runs import context_of
from hub.rules.ruleset import Rule, RuleSet
from hub.rules.trying import Tried, TriedStep, condition_lines, rehearse
from hub.rules.values import Misread


def try_(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="The name of a rule.")],
    event: Annotated[str | None, typer.Option(metavar="evt_…", help="A recorded event.")] = None,
    last: Annotated[bool, typer.Option("--last", help="The newest recorded event of its triggers.")] = False,
    file: Annotated[Path | None, typer.Option(metavar="FILE", help="One of Stripe's events as JSON.")] = None,
    with_: Annotated[list[str] | None, typer.Option("--with", metavar="FIELD=VALUE", help="Changes a field.")] = None,
    now: Annotated[str | None, typer.Option(metavar="TIME", help="Another time, e.g. “2026-11-24 19:10”.")] = None,
    rules: Annotated[Path | None, typer.Option(metavar="FILE", help="Another rules file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a rule would do for a sample order, or for a real one. Nothing is sent."""
    ruleset = usable(rules)
    chosen = rule_called(ruleset, rule)
    if chosen.held is not None and not chosen.held.missing_connection:
        raise no(f"The rule has a problem: {chosen.held.reason}  See  hub check")
    base, source = _given(chosen, event, last, file)
    changed = Changes(ruleset, chosen).read(with_ or [])
    context, pretended = context_of(ruleset, chosen, changed, _moment(now, ruleset), base)
    tried = rehearse(chosen, context, pretended)
    if as_json:
        print_json(_document(chosen, tried))
    else:
        say(_text(chosen, source, context, ruleset, tried))


def _given(rule: Rule, event: str | None, last: bool, file: Path | None) -> tuple[Context | None, str]:
    """The context to start from (None: a built-in sample) and its name for people."""
    if sum(map(bool, (event, last, file))) > 1:
        raise typer.BadParameter("Use one of --event, --last and --file.")
    trigger = catalogue.trigger(rule.triggers[0])
    assert trigger is not None
    if file is not None:
        return given.from_file(file), str(file)
    if not event and not last:
        return None, f"a sample {trigger.sample}"
    found = given.recorded(event) if event else given.last(trigger.events)
    if found is None:
        raise no(f"There is no event {event} in the journal." if event else "No event of its triggers is recorded yet.")
    return found, f"the event {found['event']['id']}"


def _moment(text: str | None, ruleset: RuleSet) -> datetime | None:
    if text is None:
        return None
    try:
        return values.moment(text, ruleset.shop)[0].astimezone(UTC)
    except Misread as error:
        raise typer.BadParameter(f"{error.message} {error.suggestion}") from None


# --- For people -----------------------------------------------------------------------------------------------------


def _text(rule: Rule, source: str, context: Context, ruleset: RuleSet, tried: Sequence[Tried]) -> str:
    moment = ruleset.shop.local(context["now"]).strftime("%a %H:%M")
    lines = [f"Nothing is sent. This is what would happen for {source} ({rule.triggers[0]}, {moment}):"]
    for one in tried:
        lines += ["", *([f"for the entry {one.item}:"] if one.item else []), *_run(one)]
    if not tried:
        lines += ["", f"Nothing: {rule.for_each} is empty."]
    return "\n".join(lines)


def _run(tried: Tried) -> list[str]:
    if tried.error:
        return [f"  ✗ A condition could not be evaluated: {tried.error}"]
    lines = [f"  {tried.why.because}"] if tried.why.because else []
    if tried.why.condition is not None:
        found = condition_lines(tried.why.condition)
        lines += [f"  {'if' if index == 0 else '  '}  {line}" for index, line in enumerate(found)]
    lines.append("  → the rule runs" if tried.why.met else "  → the rule does not run")
    for number, step in enumerate(tried.steps, 1):
        lines += ["", *_step(number, step)]
    return lines


def _step(number: int, step: TriedStep) -> list[str]:
    head = f"  {number}  {step.act}" + ("" if step.runs else "   (does not run)")
    lines = [head]
    if step.because is not None:
        lines += [f"       {line}" for line in condition_lines(step.because)]
    if step.error:
        lines.append(f"       ✗ would fail: {step.error}")
    for name, value in step.sent.items():
        lines += _setting(name, value)
    return lines


def _setting(name: str, value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [f"       {name}:", *(f"         {key}: {_shown(one)}" for key, one in value.items())]
    text = _shown(value)
    if "\n" in text:
        return [f"       {name}:", *(f"         {line}" for line in text.rstrip("\n").split("\n"))]
    return [f"       {name}: {text}"]


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


# --- For programs ---------------------------------------------------------------------------------------------------


def _document(rule: Rule, tried: Sequence[Tried]) -> dict[str, Any]:
    """With ``for_each``, ``conditions`` are the first entry's, and ``steps`` those of all entries in order."""
    first = tried[0] if tried else None
    return {
        "rule": rule.name,
        "trigger": rule.triggers[0],
        "runs": any(one.why.met for one in tried),
        "conditions": _conditions(first) if first else [],
        "steps": [_step_document(step) for one in tried for step in one.steps],
        "error": next((one.error for one in tried if one.error), ""),
    }


def _conditions(tried: Tried) -> list[dict[str, Any]]:
    seen = tried.why.condition
    if seen is None:
        return []
    return [seen_document(one) for one in (seen.children if seen.text == "all:" else (seen,))]


def seen_document(seen: Seen) -> dict[str, Any]:
    """A condition as programs get it, with what it saw."""
    return {
        "text": seen.text,
        "was": seen.was,
        "met": seen.met,
        "children": [seen_document(child) for child in seen.children],
    }


def _step_document(step: TriedStep) -> dict[str, Any]:
    because = [] if step.because is None else condition_lines(step.because)
    return {
        "action": step.act,
        "id": step.id,
        "runs": step.runs,
        "because": "\n".join(because),
        "settings": dict(step.sent),
        "error": step.error,
    }
