"""The files in docs/examples: each passes its check, and its examples hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.model import Severity
from hub.rules.example_runs import run_examples
from hub.rules.load import load
from hub.rules.readback import reads
from tests.unit.rules.actions import Known

EXAMPLES = sorted((Path(__file__).parents[3] / "docs" / "examples").glob("*.yaml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_file_passes_its_check_and_its_examples(path: Path) -> None:
    loaded = load(path, Known(), {})
    assert [one for one in loaded.problems if one.severity is Severity.PROBLEM] == []
    assert loaded.ruleset is not None
    runs = [run for rule in loaded.ruleset.rules for run in run_examples(loaded.ruleset, rule)]
    assert [(run.rule.name, run.example.name, run.why) for run in runs if not run.ok] == []
    assert runs


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_rule_can_be_said_back_in_words(path: Path) -> None:
    loaded = load(path, Known(), {})
    assert loaded.ruleset is not None
    for rule in loaded.ruleset.rules:
        first, *steps = reads(rule).split("\n")
        assert first
        assert len(steps) == sum(step.kind != "if" for step in rule.steps)
        assert all(step.startswith("→ ") for step in steps)


def test_there_are_the_files_that_the_documentation_promises() -> None:
    assert len(EXAMPLES) >= 20
