"""The rules' editor as somebody types in it: completions, mistakes, corrections and the effect."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.window import DESK, PHONE, PLAIN, Opened, is_as_wide_as_the_screen
from tests.integration.console import Place
from tests.integration.shop import HEAD

OpenPlace = Callable[..., Place]

RULES = """
rules:
  - name: Tell
    when: order paid
    do:
      - far.letter: {text: "Order {{ order.number }}"}
"""


def test_a_rule_is_typed_with_what_the_hub_offers_and_its_effect_appears(
    open_place: OpenPlace, windows: Opened
) -> None:
    place = open_place(RULES)
    place.shop.sell()
    place.shop.work()
    page = windows.open(place.port, "/rules/edit", place.signed_in().cookie, DESK)
    text = page.locator(".cm-content")
    text.press("Control+End")
    page.keyboard.type("  - name: Also\nwhen: order pai")
    offers = page.get_by_role("listbox").get_by_role("option")
    expect(offers.first).to_have_text("order paid")
    offers.first.click()
    expect(page.locator("#problems")).to_contain_text("A rule needs “do:”.")
    page.keyboard.type('\ndo:\n- far.letter: {text: "Also {{ order.number }}')
    expect(page.get_by_text("No mistakes.")).to_be_visible()
    expect(page.locator("#effect")).to_contain_text("Also 1001")
    page.get_by_role("button", name="Save and put in force").press("Enter")
    expect(page.get_by_text("saved and in force")).to_be_visible()
    place.shop.sell()
    place.shop.work()
    assert place.shop.far.texts() == ["Order 1001", "Order 1002", "Also 1002"]


def test_a_mistake_is_corrected_at_the_press_of_a_button_and_the_keyboard_is_not_caught(
    open_place: OpenPlace, windows: Opened
) -> None:
    place = open_place(RULES.replace("order paid", "order payed  # 😀 as it was"))
    page = windows.open(place.port, "/rules/edit", place.signed_in().cookie, PHONE)
    expect(page.get_by_text("rules with a mistake are held")).to_be_visible()
    assert is_as_wide_as_the_screen(page)
    page.locator(".cm-content").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Line 9", exact=True)).to_be_focused()
    page.get_by_role("button", name="Correct line 9").press("Enter")
    expect(page.get_by_text("No mistakes.")).to_be_visible()
    expect(page.locator(".cm-content")).to_contain_text("when: order paid")
    expect(page.locator(".cm-content")).to_be_focused()


def test_a_word_is_explained_under_the_pointer(open_place: OpenPlace, windows: Opened) -> None:
    place = open_place(RULES)
    page = windows.open(place.port, "/rules/edit", place.signed_in().cookie, DESK)
    page.locator(".cm-line", has_text="when:").get_by_text("when").hover()
    expect(page.locator(".cm-tooltip .about")).to_contain_text("What starts the rule")


def test_a_rule_is_written_from_a_few_questions_without_javascript(open_place: OpenPlace, windows: Opened) -> None:
    place = open_place(RULES, SLACK_TOKEN="xoxb-1")
    place.shop.sell()
    place.shop.work()
    page = windows.open(place.port, "/rules", place.signed_in().cookie, PLAIN)
    page.get_by_role("link", name="Add a rule").click()
    form = page.locator("section", has=page.get_by_role("heading", name="A message in Slack"))
    form.get_by_label("What the rule is called").fill("Say: # it")
    form.get_by_role("button", name="Write the rule").click()
    expect(page.get_by_text("No mistakes.")).to_be_visible()
    expect(page.locator("pre", has_text="+ 1 slack.message")).to_contain_text("New order 1001")
    page.get_by_role("button", name="Save and put in force").click()
    expect(page.get_by_role("heading", name="Say: # it")).to_be_visible()
    _, _, rest = RULES.partition("rules:")
    assert rest in place.shop.hub.settings.rules.read_text()
    assert place.shop.hub.settings.rules.read_text().startswith(HEAD)
