"""Corrections made for a person: only what a suggestion says, only where it helps, never a guess among several."""

from __future__ import annotations

import pytest

from hub.model import Severity
from hub.rules.fixing import fix
from hub.rules.load import load_texts
from tests.unit.rules import broken
from tests.unit.rules.actions import Known

CASES = [*broken.read("broken_files.txt"), *broken.read("more_broken_files.txt")]
ENVIRONMENT = {"SLACK_TOKEN": "x", "API_KEY": "y"}
GOOD = """
shop: {currency: EUR}
rules:
  - name: Tell the team   # they want to know
    when: order paid      # never before
    if: {order.total: over 100 EUR}
    do:
      - slack.message:
          channel: "#orders"
          text: "Paid: {{ order.number }}"
"""


def problems(text: str) -> int:
    found = load_texts({"rules.yaml": text}, Known(), ENVIRONMENT).problems
    return sum(one.severity is Severity.PROBLEM for one in found)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("when: order paid      #", "when: order payed      #"),
        ("when: order paid ", "wen: order paid "),
        ("over 100 EUR", "more than 100 EUR"),
        ("over 100 EUR", "over 100 EURO"),
        ("order.total: over", "order.totl: over"),
        ("slack.message:", "slack.mesage:"),
        ('text: "Paid:', 'txt: "Paid:'),
        ('"Paid: {{ order.number }}"', "{{ order.number }} paid"),
    ],
)
def test_a_plain_mistake_is_corrected_and_everything_else_stays(right: str, wrong: str) -> None:
    text = GOOD.replace(right, wrong, 1)
    assert problems(text) == 1
    found = fix({"rules.yaml": text}, Known(), ENVIRONMENT)
    assert (len(found.corrected), list(found.left)) == (1, [])
    expected = GOOD if not wrong.startswith("{{") else GOOD.replace(right, f'"{wrong}"', 1)
    assert [line.split() for line in found.files["rules.yaml"].splitlines()] == [
        line.split() for line in expected.splitlines()
    ]


def test_many_mistakes_at_once() -> None:
    text = GOOD.replace("order paid", "order payed").replace("over 100", "more than 100").replace("text:", "txt:")
    found = fix({"rules.yaml": text}, Known(), ENVIRONMENT)
    assert (found.files["rules.yaml"], len(found.corrected)) == (GOOD, 3)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("over 100 EUR", "over 1.000 EUR"),  # a thousand, or one
        ("over 100 EUR", "exactly"),
        ("order.total: over 100 EUR", "order.total: 100"),
        ("when: order paid", "when: "),
    ],
)
def test_what_may_mean_several_things_is_left_to_a_person(right: str, wrong: str) -> None:
    text = GOOD.replace(right, wrong, 1)
    found = fix({"rules.yaml": text}, Known(), ENVIRONMENT)
    assert (list(found.corrected), found.files["rules.yaml"]) == ([], text)
    assert len(found.left) == problems(text) > 0


def test_over_all_mistakes_that_are_known_a_correction_always_leaves_less() -> None:
    mended = 0
    for case in CASES:
        found = fix({"rules.yaml": case.text}, Known(), ENVIRONMENT)
        text = found.files["rules.yaml"]
        assert len(found.left) == problems(text)
        mended += bool(found.corrected) and not found.left
        if not found.corrected:
            assert text == case.text
    assert mended >= 60
