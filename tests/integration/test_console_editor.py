"""What the rules editor asks for while somebody types: the answers of the language server, and the effect at once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from hub.model import Role
from tests.integration.console import Browser, Place, words
from tests.integration.shop import HEAD

OpenPlace = Callable[..., Place]

RULES = """
rules:
  - name: Tell
    when: order paid
    if: {order.total: over 1 EUR}
    do:
      - far.letter: {text: "🎉 {{ order.number | upper }}"}
"""


def asked(browser: Browser, what: str, text: str, **more: str) -> Any:
    answer = browser.send(f"/rules/{what}", text=text, **more)
    assert answer.status == 200, answer.text
    return json.loads(answer.text)


def at(text: str, mark: str) -> dict[str, str]:
    """The place behind ``mark``, counted in characters."""
    before = text[: text.index(mark) + len(mark)].split("\n")
    return {"line": str(len(before) - 1), "column": str(len(before[-1]))}


@pytest.mark.parametrize(
    ("typed", "expected", "word"),
    [
        ("rules:\n  - name: A\n    when: order pa", "order paid", "order pa"),
        ("rules:\n  - name: A\n    when: [order paid, order re", "order refunded", "order re"),
        ("rules:\n  - name: A\n    wh", "when", "wh"),
        ("rules:\n  - name: A\n    when: order paid\n    do:\n      - far.le", "far.letter", "far.le"),
        ('rules:\n  - name: A\n    when: order paid\n    note: "😀 {{ order.to', "order.total", "order.to"),
        ('rules:\n  - name: A\n    when: order paid\n    note: "{{ order.total | mo', "money", "mo"),
        (
            "rules:\n  - name: A\n    when: order paid\n    if: order.total > 5 and customer.na",
            "customer.name",
            "customer.na",
        ),
    ],
)
def test_what_can_stand_at_a_place_takes_the_place_of_the_word_begun(
    open_place: OpenPlace, typed: str, expected: str, word: str
) -> None:
    owner = open_place(RULES).signed_in()
    found = asked(owner, "complete", f"{typed}\n", **at(typed, typed))
    assert expected in [one["text"] for one in found["offers"]]
    assert typed.split("\n")[-1][found["from"] :] == word


def test_a_word_is_explained(open_place: OpenPlace) -> None:
    owner = open_place(RULES).signed_in()
    assert "money arrived" in asked(owner, "hover", RULES, **at(RULES, "order pai"))["about"]
    assert asked(owner, "hover", RULES, **at(RULES, "| upp"))["about"].startswith("upper: ")
    assert asked(owner, "hover", RULES, line="999", column="999")["about"] == ""


def test_mistakes_are_told_with_their_place_and_correction_and_following_it_removes_them(open_place: OpenPlace) -> None:
    owner = open_place(RULES).signed_in()
    text = HEAD + RULES.replace("order paid", "order payed")
    found = asked(owner, "problems", text)
    (problem,) = found["problems"]
    lines = text.split("\n")
    assert lines[problem["line"] - 1][problem["column"] - 1 : problem["end"]] == "order payed"
    assert "order paid" in problem["suggestion"]
    assert found["said"].startswith("It can be saved; rules with a mistake are held")
    lines[problem["line"] - 1] = problem["line_instead"]
    corrected = asked(owner, "problems", "\n".join(lines))
    assert (corrected["problems"], corrected["said"]) == ([], "No mistakes.")


def test_a_file_that_cannot_be_used_says_so_and_has_no_effect(open_place: OpenPlace) -> None:
    owner = open_place(RULES).signed_in()
    found = asked(owner, "problems", "rules")
    assert found["said"] == "It cannot be saved like this."
    assert owner.send("/rules/effect", text="rules").status == 422


def test_the_effect_of_what_is_typed_is_shown_and_nothing_is_saved(open_place: OpenPlace) -> None:
    place = open_place(RULES)
    place.shop.sell()
    place.shop.work()
    owner, before = place.signed_in(), place.shop.hub.settings.rules.read_text()
    status, part = owner.post("/rules/effect", text=HEAD + RULES.replace("🎉", "Sold <b>"))
    assert status == 200
    assert "+ 1 far.letter text: Sold <b> 1001" in words(part)
    assert "<b>" not in part
    assert "<html" not in part
    assert place.shop.hub.settings.rules.read_text() == before


def test_one_effect_is_worked_out_at_a_time(open_place: OpenPlace) -> None:
    place = open_place(RULES)
    owner = place.signed_in()
    with place.console.desk.trying:
        assert owner.send("/rules/effect", text=HEAD + RULES).status == 429
    assert owner.send("/rules/effect", text=HEAD + RULES).status == 200
    assert owner.send("/rules/effect", text="rules").status == 422
    assert owner.send("/rules/effect", text=HEAD + RULES).status == 200, "a refusal leaves the way free"


def test_what_the_editor_asks_is_refused_to_forms_of_others(open_place: OpenPlace) -> None:
    place = open_place(RULES)
    owner = place.signed_in()
    for what in ("complete", "hover", "problems", "effect"):
        assert owner.send(f"/rules/{what}", form="guessed", text=RULES).status == 403
        assert place.signed_in(Role.VIEWER).send(f"/rules/{what}", text=RULES).status == 403


def test_the_page_lets_in_the_styles_of_its_own_answer_only(open_place: OpenPlace) -> None:
    owner = open_place(RULES).signed_in()
    seen = set()
    for _ in range(2):
        answer = owner.ask("GET", "/rules/edit")
        policy = answer.headers["content-security-policy"]
        found = re.search(r'nonce="([^"]+)"', answer.text)
        assert found
        assert f"style-src 'self' 'nonce-{found[1]}';" in policy
        assert "script-src 'self';" in policy
        seen.add(found[1])
    assert len(seen) == 2, "a new one each time"
    assert "nonce" not in owner.ask("GET", "/rules").headers["content-security-policy"]
