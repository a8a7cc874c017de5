"""The rules' editor as somebody types in it: completions, mistakes, corrections and the effect."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.window import DESK, PHONE, Opened, is_as_wide_as_the_screen
from tests.integration.console import Place

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
    expect(page.get_by_role("button", name="Line 8", exact=True)).to_be_focused()
    page.get_by_role("button", name="Correct line 8").press("Enter")
    expect(page.get_by_text("No mistakes.")).to_be_visible()
    expect(page.locator(".cm-content")).to_contain_text("when: order paid")
    expect(page.locator(".cm-content")).to_be_focused()


def test_a_word_is_explained_under_the_pointer(open_place: OpenPlace, windows: Opened) -> None:
    place = open_place(RULES)
    page = windows.open(place.port, "/rules/edit", place.signed_in().cookie, DESK)
    page.locator(".cm-line", has_text="when:").get_by_text("when").hover()
    expect(page.locator(".cm-tooltip .about")).to_contain_text("What starts the rule")
