"""``hub check``: everything that is wrong with the rules file, and what the hub understood of it."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from hub.cli.output import print_json
from hub.cli.problems import in_words
from hub.cli.rules_file import loaded, path_of
from hub.model import Problem, Severity
from hub.rules.lint import hints
from hub.rules.load import Loaded
from hub.rules.products import Product
from hub.rules.readback import reads
from hub.rules.ruleset import Rule
from hub.settings import Environment


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


def check(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="The rules file.", show_default=False)] = None,
    online: Annotated[bool, typer.Option("--online", help="Ask Stripe for products that no rule covers.")] = False,
    format: Annotated[Format, typer.Option(help="For people, programs or annotations.")] = Format.TEXT,  # noqa: A002 - the option's name
) -> None:
    """Check the rules file without running it, and say back what it means."""
    found = loaded(file)
    missed: list[Product] = []
    if online and found.ruleset is not None:
        from hub.cli.online import products_without_rules  # the database and Stripe's package, for this option alone

        missed = products_without_rules(found.ruleset)
    if format is Format.JSON:
        print_json(_document(found) | ({"uncovered": [asdict(one) for one in missed]} if online else {}))
    elif format is Format.GITHUB:
        folder = path_of(file, Environment()).parent
        for problem in found.problems:
            print(_annotation(problem, folder))
    else:
        print(_text(found))
        for product in missed:
            print(f"\nHint: no rule about products matches “{product.name}” ({product.sku}).")
    if _count(found, Severity.PROBLEM):
        raise typer.Exit(1)


def _count(found: Loaded, severity: Severity) -> int:
    return sum(problem.severity is severity for problem in found.problems)


def _number(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


# --- For people -----------------------------------------------------------------------------------------------------


def _text(found: Loaded) -> str:
    parts = [in_words(found.problems)] if found.problems else []
    problems, warnings = _count(found, Severity.PROBLEM), _count(found, Severity.WARNING)
    counted = ", ".join(_number(count, word) for count, word in ((problems, "problem"), (warnings, "warning")) if count)
    if found.ruleset is None:
        return "\n\n".join([*parts, f"{counted}. The file cannot be used before this is corrected."])
    name = next(iter(found.ruleset.files))
    rules = _number(len(found.ruleset.rules), "rule")
    sentence = (
        f"{name}: {rules}, {counted}." if problems else f"{name} is fine. {rules}{f', {counted}' if warnings else ''}."
    )
    said = [_said_back(index, rule) for index, rule in enumerate(found.ruleset.rules, 1)]
    return "\n\n".join([*parts, sentence, *said, *(f"Hint: {hint}" for hint in hints(found.ruleset.rules))])


def _said_back(index: int, rule: Rule) -> str:
    lines = [f"{index:>3}  {rule.name}"]
    if rule.held is not None and not rule.held.missing_connection:
        return "\n".join([*lines, "     ! does not run before its problem is corrected."])
    lines += [f"     {line}" for line in reads(rule).splitlines()]
    if rule.held is not None:
        lines.append(f"     ! does not run yet: {rule.held.reason}")
    if not rule.examples:
        lines.append("     ! no examples yet.")
    return "\n".join(lines)


# --- For programs ---------------------------------------------------------------------------------------------------


def _document(found: Loaded) -> dict[str, Any]:
    rules = found.ruleset.rules if found.ruleset else ()
    return {"problems": [_problem(one) for one in found.problems], "rules": [_rule(one) for one in rules]}


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "severity": problem.severity.value,
        "code": problem.code,
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "message": problem.message,
        "suggestion": problem.suggestion,
    }


def _rule(rule: Rule) -> dict[str, Any]:
    held = rule.held is not None
    broken = rule.held is not None and not rule.held.missing_connection
    return {"name": rule.name, "line": rule.line, "held": held, "reads": "" if broken else reads(rule)}


def _annotation(problem: Problem, folder: Path) -> str:
    """https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions#setting-an-error-message"""
    kind = "error" if problem.severity is Severity.PROBLEM else "warning"
    text = f"{problem.message}\n→ {problem.suggestion}" if problem.suggestion else problem.message
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    where = f"file={(folder / problem.file).as_posix()},line={problem.line},col={problem.column}"
    return f"::{kind} {where},title={problem.code}::{escaped}"
