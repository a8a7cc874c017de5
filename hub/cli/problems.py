"""How a Problem looks: code, place, the line with a caret, a sentence, the corrected text."""

from __future__ import annotations

from collections.abc import Sequence

from hub.model import Problem, Severity

_MOST = 20


def in_words(problems: Sequence[Problem]) -> str:
    """Problems for people, at most twenty of them."""
    shown = [_one(problem) for problem in problems[:_MOST]]
    if len(problems) > _MOST:
        shown.append(f"… and {len(problems) - _MOST} more.")
    return "\n\n".join(shown)


def _one(problem: Problem) -> str:
    kind = "Problem" if problem.severity is Severity.PROBLEM else "Warning"
    number = f"{problem.line:5d}"
    lines = [
        f"{kind} {problem.code}  {problem.file}, line {problem.line}, column {problem.column}",
        f"{number} | {problem.source}",
        f"{' ' * len(number)} | {' ' * (problem.column - 1)}^",
        *(f"  {line}" for line in problem.message.splitlines()),
    ]
    if problem.suggestion:
        first, *rest = problem.suggestion.splitlines()
        lines += [f"  → {first}", *(f"    {line}" for line in rest)]
    return "\n".join(lines)
