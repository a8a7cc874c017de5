"""``hub test``: runs the ``examples:`` of the rules. Nothing is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from hub.cli import given
from hub.cli.output import AsJson, print_json
from hub.cli.rules_file import path_of, rule_called, usable
from hub.rules.example_runs import ExampleRun, run_examples
from hub.rules.ruleset import Rule, RuleSet
from hub.settings import Environment


def examples(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="The rules file.", show_default=False)] = None,
    rule: Annotated[str | None, typer.Option(metavar="NAME", help="Only the examples of this rule.")] = None,
    tag: Annotated[str | None, typer.Option(metavar="TAG", help="Only rules with this tag.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run the examples that are written in the rules."""
    ruleset = usable(file)
    folder = path_of(file, Environment()).parent
    chosen = [rule_called(ruleset, rule)] if rule else [one for one in ruleset.rules if tag is None or tag in one.tags]
    runs = [run for one in chosen for run in _runs(ruleset, one, folder)]
    if as_json:
        print_json(_document(runs))
    else:
        print(_text(next(iter(ruleset.files)), runs))
    if not all(run.ok for run in runs):
        raise typer.Exit(1)


def _runs(ruleset: RuleSet, rule: Rule, folder: Path) -> list[ExampleRun]:
    if rule.held is not None and not rule.held.missing_connection:
        why = (f"the rule has a problem: {rule.held.reason}", "see  hub check")
        return [ExampleRun(rule, example, why) for example in rule.examples]
    return run_examples(ruleset, rule, lambda name: given.named(name, folder))


def _text(name: str, runs: list[ExampleRun]) -> str:
    lines = [name]
    rule = None
    for run in runs:
        if run.rule is not rule:
            rule = run.rule
            lines.append(f"  {rule.name}")
        where = "" if run.ok else f"   (line {run.example.line})"
        lines.append(f"    {'✓' if run.ok else '✗'} {run.example.name}{where}")
        lines += [f"        {line}" for line in run.why]
    passed = sum(run.ok for run in runs)
    if not runs:
        return "There are no examples to run. Add  examples:  to a rule."
    return "\n".join([*lines, f"{passed} of {len(runs)} example{'' if len(runs) == 1 else 's'} passed."])


def _document(runs: list[ExampleRun]) -> dict[str, Any]:
    passed = sum(run.ok for run in runs)
    examples = [
        {
            "rule": run.rule.name,
            "name": run.example.name,
            "line": run.example.line,
            "ok": run.ok,
            "why": list(run.why),
        }
        for run in runs
    ]
    return {"passed": passed, "failed": len(runs) - passed, "examples": examples}
