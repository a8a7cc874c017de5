"""A rule from a few questions: written into the file as it stands, shown with its effect, saved only when said so."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from hub.model import Role
from tests.integration.console import Browser, Place, words
from tests.integration.test_console_rules import text_in

OpenPlace = Callable[..., Place]

RULES = """
rules:   # ours
  - name: Tell
    when: order paid
    do:
      - far.letter: {text: "Order {{ order.number }}"}   # as it was
"""
LETTER = {
    "what": "letter",
    "name": 'Thanks: "all" # {{ 1 }}',
    "to": "+email",
    "server": "smtp.example.com",
    "from": "Shop <shop@example.com>",
    "subject": "Your order: {{ order.number }} # 'paid'",
    "body": "Hello\r\n\r\n- x: y",
}
MESSAGE = {"what": "message", "name": "Say", "to": "+slack", "channel": "#orders", "text": "Sold {{ order.number }}"}


def began(page: str) -> str:
    found = re.search(r'name="began" value="(\w+)"', page)
    assert found
    return found[1]


def asked(browser: Browser, fields: dict[str, str]) -> str:
    status, page = browser.post("/rules/new", **fields)
    assert status == 200, words(page)
    return page


def test_a_message_is_written_with_its_connection_shown_with_its_effect_and_saved_when_said_so(
    open_place: OpenPlace,
) -> None:
    place = open_place(RULES, SLACK_TOKEN="xoxb-1")
    place.shop.sell()
    place.shop.work()
    owner, before = place.signed_in(), place.shop.hub.settings.rules.read_text()
    page = asked(owner, MESSAGE)
    assert "No mistakes." in words(page)
    assert "Sold 1001" in words(page)
    assert "SLACK_TOKEN=" in words(page)
    assert place.shop.hub.settings.rules.read_text() == before, "nothing is saved yet"
    assert owner.send("/rules/edit", text=text_in(page), began=began(page), do="save").status == 303
    after = place.shop.hub.settings.rules.read_text()
    head, _, rest = before.partition("\nrules:")
    assert after.startswith(head), "every character of before is there"
    assert f"\nrules:{rest}" in after
    assert [rule.name for rule in place.shop.hub.rulebook.current[1].rules] == ["Tell", "Say"]
    assert "slack" in place.shop.hub.rulebook.current[1].connections


def test_what_is_typed_into_a_letter_is_what_the_rule_says(open_place: OpenPlace) -> None:
    place = open_place(RULES, SMTP_USER="u", SMTP_PASSWORD="p")
    place.shop.sell()
    place.shop.work()
    page = asked(place.signed_in(), LETTER)
    assert "No mistakes." in words(page)
    assert "Your order: 1001 # 'paid'" in words(page)
    assert "Hello\n" in text_in(page)
    assert "- x: y" in text_in(page)


def test_a_letter_can_bring_a_code_and_a_row_goes_into_a_file(open_place: OpenPlace) -> None:
    place = open_place(RULES, SMTP_USER="u", SMTP_PASSWORD="p")
    owner = place.signed_in()
    letter = text_in(asked(owner, {**LETTER, "pool": "Font keys"}))
    assert "codes.take" in letter
    assert "{{ steps.code.code }}" in letter
    row = asked(owner, {"what": "row", "name": "Row", "to": "+file", "sheet": "Orders", "file": "sold.xlsx"})
    assert "No mistakes." in words(row)
    assert "spreadsheet.add_row" in text_in(row)


def test_what_is_missing_is_asked_for_and_what_was_typed_stays(open_place: OpenPlace) -> None:
    owner = open_place(RULES).signed_in()
    status, page = owner.post("/rules/new", **{**MESSAGE, "channel": " ", "text": "<b>mine"})
    assert status == 422
    assert "Say also: the channel." in words(page)
    assert "&lt;b&gt;mine" in page
    assert owner.post("/rules/new", what="nothing")[0] == 422


def test_a_connection_that_is_there_is_used(open_place: OpenPlace) -> None:
    place = open_place(RULES, SLACK_TOKEN="xoxb-1")
    owner = place.signed_in()
    page = asked(owner, MESSAGE)
    owner.send("/rules/edit", text=text_in(page), began=began(page), do="save")
    assert "<option>slack</option>" in owner.get("/rules/new")[1].replace(" selected", "")
    second = text_in(asked(owner, {**MESSAGE, "name": "Also", "to": "slack"}))
    assert second.count("SLACK_TOKEN") == 1
    third = text_in(asked(owner, {**MESSAGE, "name": "Also"}))
    assert "connection: slack 2" in third


@pytest.mark.parametrize("role", [Role.VIEWER, Role.PACKER])
def test_only_owners_add_rules(open_place: OpenPlace, role: Role) -> None:
    browser = open_place(RULES).signed_in(role)
    assert browser.get("/rules/new")[0] == 403
    assert "Add a rule" not in browser.get("/rules")[1]
