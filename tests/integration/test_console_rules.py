"""The rules in the console: read, changed with mistakes and effects shown before, and put back."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

from hub.model import Role
from tests.integration.console import Browser, Place, words

OpenPlace = Callable[..., Place]

RULES = """
rules:
  - name: Tell
    when: order paid
    do:
      - far.letter: {text: "Order {{ order.number }}"}
"""


def text_in(page: str) -> str:
    found = re.search(r"<textarea[^>]*>(.*?)</textarea>", page, re.DOTALL)
    assert found
    return html.unescape(found[1]).removeprefix("\n")  # a browser leaves the first line break out


def edited(browser: Browser, old: str, new: str) -> dict[str, str]:
    """The fields of the editor's form, with something changed in its text."""
    _, page = browser.get("/rules/edit")
    text, began = text_in(page), re.search(r'name="began" value="(\w+)"', page)
    assert old in text
    assert began
    return {"text": text.replace(old, new), "began": began[1]}


def test_each_rule_stands_in_plain_words_with_what_it_did(open_place: OpenPlace) -> None:
    place = open_place(RULES)
    place.shop.sell()
    place.shop.work()
    status, page = place.signed_in(Role.VIEWER).get("/rules")
    assert status == 200
    assert "order paid" in words(page)
    assert "1 succeeded" in words(page)
    assert "Change the rules" not in page, "a viewer does not change them"


def test_a_mistake_is_shown_and_nothing_is_saved(open_place: OpenPlace) -> None:
    place = open_place(RULES)
    owner = place.signed_in()
    status, page = owner.post("/rules/edit", **edited(owner, "order paid", "order payed"), do="save")
    assert status in (200, 303)
    before = place.shop.hub.settings.rules.read_text()
    broken = edited(owner, "rules:", "rules")
    status, page = owner.post("/rules/edit", **broken, do="save")
    assert status == 422
    assert "It cannot be saved like this" in words(page)
    assert text_in(page).strip() == broken["text"].strip(), "what was typed is still there"
    assert place.shop.hub.settings.rules.read_text() == before


def test_the_effect_on_the_last_orders_is_shown_before_saving_and_the_change_can_be_put_back(
    open_place: OpenPlace,
) -> None:
    place = open_place(RULES)
    place.shop.sell()
    place.shop.work()
    owner = place.signed_in()
    changed = edited(owner, "Order {{ order.number }}", "Sold {{ order.number }}")
    _, page = owner.post("/rules/edit", **changed, do="check")
    assert "- 1 far.letter text: Order 1001" in words(page)
    assert "+ 1 far.letter text: Sold 1001" in words(page)
    assert "0 effects stay as they are" in words(page)
    assert "Sold" not in place.shop.hub.settings.rules.read_text()
    answer = owner.send("/rules/edit", **changed, do="save", reason="shorter")
    assert (answer.status, answer.said) == (303, "The rules are saved and in force.")
    place.shop.sell()
    place.shop.work()
    assert place.shop.far.texts() == ["Order 1001", "Sold 1002"]
    assert "shorter" in words(owner.get("/rules")[1])
    _, version = owner.get("/rules/versions/2")
    assert "+ - far.letter" in words(version) or "Sold" in version
    assert owner.send("/rules/back", version="1").status == 303
    place.shop.sell()
    place.shop.work()
    assert place.shop.far.texts()[-1] == "Order 1003"
    assert ("owner", "changed the rules", "rules") in place.acts("rules")


def test_a_save_does_not_overwrite_what_somebody_else_changed_meanwhile(open_place: OpenPlace) -> None:
    place = open_place(RULES)
    owner, other = place.signed_in(), place.signed_in(name="another")
    mine = edited(owner, "name: Tell", "name: Tell us")
    assert other.send("/rules/edit", **edited(other, "Order {{", "Sold {{"), do="save").status == 303
    status, page = owner.post("/rules/edit", **mine, do="save")
    assert status == 409
    assert "changed since you began" in words(page)
    assert '- - far.letter: {text: "Sold' in words(page)
    assert "Sold" in place.shop.hub.settings.rules.read_text()
    began = re.search(r'name="began" value="(\w+)"', page)
    assert began
    assert owner.send("/rules/edit", text=text_in(page), began=began[1], do="save").status == 303
    assert "Tell us" in place.shop.hub.settings.rules.read_text()


def test_files_in_folders_are_kept_beside_and_come_back(open_place: OpenPlace) -> None:
    place = open_place(RULES)
    more = place.shop.folder / "more" / "b.yaml"
    more.parent.mkdir()
    more.write_text(RULES.replace("Tell", "More"))
    place.shop.reload(f"include: [more/b.yaml]\n{RULES}")
    more.write_text(RULES.replace("Tell", "Less"))
    place.shop.hub.rulebook.load()
    owner = place.signed_in()
    assert "more/b.yaml" in owner.get("/rules/edit")[1]
    assert owner.send("/rules/back", version="2").status == 303
    assert "More" in more.read_text()


def test_markup_in_rules_and_values_is_inert(open_place: OpenPlace) -> None:
    place = open_place(RULES.replace("Tell", "<script>alert(1)</script>"))
    place.shop.sell()
    place.shop.work()
    owner = place.signed_in()
    for path in ("/rules", "/rules/edit", "/rules/versions/1"):
        assert "<script>alert" not in owner.get(path)[1]


def test_versions_that_are_not_there_are_told(open_place: OpenPlace) -> None:
    owner = open_place(RULES).signed_in()
    assert owner.get("/rules/versions/99")[0] == 404
    assert "no such version" in owner.send("/rules/back", version="99").said
