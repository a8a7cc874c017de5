"""Mistakes people make, each with exactly the one message it must give."""

from __future__ import annotations

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
