"""The example files and the starter file with the connectors that come with the hub."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.cli.problems import in_words
from hub.model import Problem, Severity
from hub.registry import Registry
from hub.rules.example_runs import run_examples
from hub.rules.load import Loaded, load, load_texts
from tests.unit.rules import broken

ROOT = Path(__file__).parents[2]
FILES = [ROOT / "rules.yaml", *sorted((ROOT / "docs" / "examples").glob("*.yaml"))]


def mistakes(loaded: Loaded) -> list[Problem]:
    return [one for one in loaded.problems if one.severity is Severity.PROBLEM]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_passes_its_check_and_its_examples(path: Path) -> None:
    loaded = load(path, Registry(), {})
    assert mistakes(loaded) == []
    assert loaded.ruleset is not None
    runs = [run for rule in loaded.ruleset.rules for run in run_examples(loaded.ruleset, rule)]
    assert [(run.rule.name, run.example.name, run.why) for run in runs if not run.ok] == []
    assert runs


def test_a_letter_without_words_is_a_problem_also_when_its_address_comes_from_the_order() -> None:
    text = """
connections: {email: {server: smtp.example.com, from: shop@example.com}}
rules:
  - name: Rule
    when: order paid
    do: [{email.send: {to: "{{ customer.email }}", subject: "Order {{ order.number }}"}}]
"""
    found = mistakes(load_texts({"rules.yaml": text}, Registry(), {}))
    assert [(one.code, one.line) for one in found] == [("A05", 6)]


def test_a_channel_without_its_sign_is_told_with_the_corrected_line() -> None:
    text = """
connections: {slack: {token: "${SLACK_TOKEN}"}}
rules:
  - name: Rule
    when: order paid
    do: [{slack.message: {channel: orders, text: Hello}}]
"""
    found = mistakes(load_texts({"rules.yaml": text}, Registry(), {}))
    assert [(one.code, one.message, one.suggestion) for one in found] == [
        ("A05", "A Slack channel starts with #.", 'Write:  channel: "#orders"')
    ]


@pytest.mark.parametrize(
    ("formula", "code"), [("=UPPER({{ customer.name }})", "X11"), ("{{ customer.name }}", "X11"), ("A2*2", "A05")]
)
def test_a_formula_takes_nothing_from_the_order_and_begins_with_its_sign(formula: str, code: str) -> None:
    text = f"""
connections: {{google_sheets: {{spreadsheet: {"1" * 44}, credentials: "${{KEY}}"}}}}
rules:
  - name: Rule
    when: order paid
    do: [{{google_sheets.add_row: {{sheet: Orders, columns: {{Order: "1"}}, formula: {{Net: "{formula}"}}}}}}]
"""
    found = mistakes(load_texts({"rules.yaml": text}, Registry(), {"KEY": "{}"}))
    assert [(one.code, one.line) for one in found] == [(code, 6)]


#: Broken on purpose in one place, and otherwise using what no connector offers yet.
_CASES = broken.read("broken_files.txt")


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case.title)
def test_a_broken_file_gives_exactly_its_message(case: broken.Broken) -> None:
    assert in_words(mistakes(load_texts({"rules.yaml": case.text}, Registry(), {}))) == case.message
