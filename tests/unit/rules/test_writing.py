"""Additions to a rules file: they say what was typed, and everything else stays as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from hub.rules.load import load_texts
from hub.rules.writing import with_connection, with_rule
from tests.unit.rules.actions import Known

EXAMPLES = sorted((Path(__file__).parents[3] / "docs" / "examples").glob("*.yaml"))
FILE = """\
# mine
connections:
  slack: {token: '${SLACK_TOKEN}'}  # ours

rules:
  - name: Old  # keep
    when: order paid
    do: []
# the end
"""
TYPED = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1)


def rule(name: str, text: str) -> dict[str, object]:
    step = {"slack.message": {"channel": "#orders", "text": text}}
    return {"name": name, "when": "order paid", "do": [step]}


@given(TYPED, TYPED)
@example("name: x", "a\n  b: c\n- d # e")
@example("'\"#", "{{ 'a' }} \\ {% x %}")
@example("- no", "NO\n\n trailing \n")
@example("a\u2028b\x85", "\ttab\r\nline")
def test_what_was_typed_comes_back(name: str, text: str) -> None:
    written = with_rule(FILE, rule(name, text))
    assert written is not None
    assert written.startswith(FILE.removesuffix("# the end\n"))
    assert written.endswith("# the end\n")
    last = yaml.load(written, yaml.CBaseLoader)["rules"][-1]  # as the hub reads it: nothing but texts
    assert (last["name"], last["do"][0]["slack.message"]["text"]) == (name, text)
    again = with_rule(written, rule("Last", "x"))
    assert again is not None, "and can be added to"


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "50% off: now #1!",
        "He said \"hi\" & 'bye'",
        "{{ order.number }}: paid",
        "two\n\nlines: x # y",
        "no",
        "@a *b &c",
    ],
)
def test_the_hub_reads_it_as_it_was_typed(text: str) -> None:
    written = with_rule(FILE.replace("[]", "[stop: no]"), rule(f"New {text!r}", text))
    assert written is not None
    loaded = load_texts({"rules.yaml": written}, Known(), {"SLACK_TOKEN": "x"})
    assert [one for one in loaded.problems if one.rule != "Old"] == []
    assert loaded.ruleset is not None
    assert loaded.ruleset.rules[-1].name == f"New {text!r}"


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_every_line_of_a_file_stays(file: Path) -> None:
    text = file.read_text("utf-8")
    more = with_rule(text, rule("New", "x"))
    assert more is not None
    both = with_connection(more, "another", {"type": "slack", "token": "${TOKEN}"})
    assert both is not None
    lines = iter(both.splitlines())
    assert [line for line in text.splitlines() if line not in lines] == [], "missing, or moved"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rules: []  # none\n", "rules:   # none\n  - name: New\n"),
        ("rules:\n", "rules:\n  - name: New\n"),
        ("rules:\n- name: A\n# end", "rules:\n- name: A\n\n- name: New\n# end\n"),
        ("version: 1", "version: 1\n\nrules:\n  - name: New\n"),
    ],
)
def test_a_file_without_rules_or_with_another_indentation(text: str, expected: str) -> None:
    assert with_rule(text, {"name": "New"}) == expected


@pytest.mark.parametrize(
    "text", ["rules: [{name: A}]\n", "rules: nothing\n", "a: [\n", "- list\n", "rules: &a []\nb: *c\n"]
)
def test_what_cannot_be_added_to_is_left_alone(text: str) -> None:
    assert with_rule(text, {"name": "New"}) is None
