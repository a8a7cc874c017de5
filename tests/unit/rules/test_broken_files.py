"""Mistakes people make, each with exactly the one message it must give."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from hub.cli.problems import in_words
from hub.model import Problem, Severity
from hub.rules.load import load_texts
from tests.unit.rules import broken
from tests.unit.rules.actions import Known

CASES = [*broken.read("broken_files.txt"), *broken.read("more_broken_files.txt")]


def problems(text: str) -> list[Problem]:
    loaded = load_texts({"rules.yaml": text}, Known(), {"SLACK_TOKEN": "x", "API_KEY": "y"})
    return [one for one in loaded.problems if one.severity is Severity.PROBLEM]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_a_broken_file_gives_exactly_its_message(case: broken.Broken) -> None:
    assert in_words(problems(case.text)) == case.message


_CORRECTED_LINE = re.compile(
    r"(?:Write(?: it with words)?|Did you mean|Put quotes[^:]*):\s{2}(?P<line>.+?)(?: {3}—|$)", re.MULTILINE
)


def corrections(case: broken.Broken) -> Iterator[tuple[Problem, str]]:
    """The file with the suggested line in place of the wrong one, where a whole line is suggested."""
    lines = case.text.split("\n")
    for problem in problems(case.text):
        found = _CORRECTED_LINE.search(problem.suggestion)
        line = lines[problem.line - 1]
        name = line.strip().removeprefix("- ").partition(":")[0]
        if found is None or not name or not found["line"].removeprefix("- ").startswith(name):
            continue
        margin = line[: len(line) - len(line.lstrip())]
        dash = "- " if line.lstrip().startswith("- ") and not found["line"].startswith("- ") else ""
        changed = [*lines[: problem.line - 1], f"{margin}{dash}{found['line']}", *lines[problem.line :]]
        yield problem, "\n".join(changed)


def test_a_suggested_line_put_into_the_file_mends_it() -> None:
    tried = [(case, problem, text) for case in CASES for problem, text in corrections(case)]
    assert len(tried) > 35
    left = [
        (case.title, problem.code, text)
        for case, problem, text in tried
        if (problem.code, problem.line) in {(one.code, one.line) for one in problems(text)}
    ]
    assert left == []
