"""Corrections that can be made for a person: a suggestion tried out, and kept only if it leaves less to correct."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hub.model import Problem, Severity
from hub.rules.actions import Actions
from hub.rules.load import load_texts

#: So many corrections are made in one go; a file with more mistakes is better written anew.
_MOST = 50
#: What is to be typed stands behind two spaces, up to a remark or the end: "Write:  over 100 USD   — or …".
_TYPED = re.compile(r"\S {2}(\S.*?)(?: {3}— .*| {2,}[a-z].*)?$")
_MEANT = re.compile(r"Did you mean:? +“?([^”?]+)”?\??")
_NAMED = re.compile("“([^”]+)”")
#: Where a value ends that stands in a list or in settings on one line.
_INSIDE = re.compile(r"[,}\]]")
_NAME = re.compile(r"[\w.]+:")
#: Where there is a choice, a person makes it.
_ONE_OF_SEVERAL = ("For example", "   — or", "…")
_MARGIN = re.compile(r"\s*(?:- +)*")


@dataclass(frozen=True, slots=True)
class Fixed:
    """``files`` as they would be; what was corrected; what is left for a person."""

    files: Mapping[str, str]
    corrected: Sequence[Problem]
    left: Sequence[Problem]


def fix(files: Mapping[str, str], actions: Actions, environment: Mapping[str, str]) -> Fixed:
    """Corrects what has a suggestion that works. The first file is the main one; nothing is written."""
    current = dict(files)
    problems = _problems(current, actions, environment)
    corrected: list[Problem] = []
    while problems and len(corrected) < _MOST:
        step = _first_that_helps(current, problems, actions, environment)
        if step is None:
            break
        problem, current, problems = step
        corrected.append(problem)
    return Fixed(current, corrected, problems)


def _problems(files: Mapping[str, str], actions: Actions, environment: Mapping[str, str]) -> list[Problem]:
    loaded = load_texts(files, actions, environment)
    return [one for one in loaded.problems if one.severity is Severity.PROBLEM]


def _first_that_helps(
    files: dict[str, str], problems: Sequence[Problem], actions: Actions, environment: Mapping[str, str]
) -> tuple[Problem, dict[str, str], list[Problem]] | None:
    for helps in (_leaves_less, _reveals):
        for problem in problems:
            for text in candidates(files.get(problem.file, ""), problem):
                changed = {**files, problem.file: text}
                left = _problems(changed, actions, environment)
                if helps(problem, problems, left):
                    return problem, changed, left
    return None


def _leaves_less(_problem: Problem, before: Sequence[Problem], left: Sequence[Problem]) -> bool:
    """One less, and none that was not there: a correction must not trade one mistake for another."""
    known = {(one.code, one.message) for one in before}
    return len(left) < len(before) and {(one.code, one.message) for one in left} <= known


def _reveals(problem: Problem, _before: Sequence[Problem], left: Sequence[Problem]) -> bool:
    """Another word for one that was not understood; what depends on it can be checked only now."""
    place = (problem.file, problem.line)
    return bool(_MEANT.search(problem.suggestion)) and place not in {(one.file, one.line) for one in left}


def candidates(text: str, problem: Problem) -> Iterator[str]:
    """The file with the suggestion of a problem followed, in the ways it may be meant; the closest first."""
    lines = text.split("\n")
    index = problem.line - 1
    if not 0 <= index < len(lines):
        return
    if problem.code == "Y01":
        yield re.sub(r"(?m)^[ \t]+", lambda margin: margin.group().replace("\t", "  "), text)
        return
    for line in dict.fromkeys(_lines(lines[index], problem)):
        if line != lines[index]:
            yield "\n".join([*lines[:index], line, *lines[index + 1 :]])


def corrected_line(text: str, problem: Problem) -> tuple[int, str] | None:
    """The first line (from 0) that following the suggestion changes, and what it becomes; None: that is not known."""
    after = next(candidates(text, problem), None)
    if after is None:
        return None
    pairs = zip(text.split("\n"), after.split("\n"), strict=True)
    return next((index, new) for index, (old, new) in enumerate(pairs) if old != new)


def _lines(line: str, problem: Problem) -> Iterator[str]:
    start = problem.column - 1
    suggestion = problem.suggestion.split("\n")[0]
    if any(words in suggestion for words in _ONE_OF_SEVERAL):
        return
    if meant := _MEANT.search(suggestion):
        for named in _NAMED.findall(problem.message):
            position = line.find(named, start)
            if position >= 0:
                yield line[:position] + meant[1].strip() + line[position + len(named) :]
    if typed := _TYPED.search(suggestion):
        yield from _typed(line, start, typed[1].rstrip())


def _typed(line: str, start: int, typed: str) -> Iterator[str]:
    margin = _MARGIN.match(line)
    indent = margin.group() if margin else ""
    key, colon, value = line.partition(":")
    if _NAME.fullmatch(typed):
        yield f"{indent}{typed}{value}" if colon else indent + typed
        return
    comment = re.search(r"\s+#(.*)$", line)
    # What stands behind a “#” may be what the problem is about.
    tail = comment.group() if comment and comment[1] not in typed else ""
    if typed.startswith("- "):
        yield indent[: len(indent) - len(indent.lstrip())] + typed + tail
    elif ": " in typed:
        yield indent + typed + tail
    name, inside, setting = typed.partition(": ")
    end = _INSIDE.search(line, start)
    if inside and end and line[:start].rstrip().endswith(f"{name}:"):
        yield line[:start] + setting + line[end.start() :]
    yield line[:start] + typed + tail
    if colon:
        yield f"{key}: {typed}{tail}"
