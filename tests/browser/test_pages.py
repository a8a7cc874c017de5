"""Every page of the console: nothing that keeps people out, nothing wider than a phone, nothing that complains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser import sample
from tests.browser.window import DESK, PHONE, Opened, Screen, go, is_as_wide_as_the_screen
from tests.integration.console import Place

OpenPlace = Callable[..., Place]

_AXE = Path(__file__).parent / "axe.min.js"
_RUN_AXE = "async () => (await axe.run(document, {resultTypes: ['violations']})).violations"
_SCREENS = {
    f"{name}-{colours}": replace(screen, colours=colours)
    for name, screen in (("desk", DESK), ("phone", PHONE))
    for colours in ("light", "dark")
}


@pytest.mark.parametrize("screen", _SCREENS.values(), ids=_SCREENS.keys())
def test_nothing_on_any_page_keeps_people_out(open_sample: OpenPlace, windows: Opened, screen: Screen) -> None:
    place = open_sample(sample.RULES)
    ids = sample.fill(place)
    sample.fulfil(place, ids)
    page = windows.open(place.port, "/", place.signed_in().cookie, screen, inspected=True)
    wrong = []
    for path in sample.pages(place, ids):
        go(page, path)
        if not is_as_wide_as_the_screen(page):
            wrong.append(f"{path} is wider than the screen")
        wrong += _found_by_axe(page, path)
    assert wrong == []


def _found_by_axe(page: Page, path: str) -> list[str]:
    page.evaluate(_AXE.read_text("utf-8"))
    found: list[dict[str, Any]] = page.evaluate(_RUN_AXE)
    return [
        f"{path}: {one['help']} ({one['impact']}): {one['nodes'][0]['html'][:200]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]


def test_everything_can_be_reached_by_keyboard_and_is_seen_to_be(open_sample: OpenPlace, windows: Opened) -> None:
    place = open_sample(sample.RULES)
    ids = sample.fill(place)
    page = windows.open(place.port, "/", place.signed_in().cookie)
    for path in sample.pages(place, ids):
        go(page, path)
        expected = _may_be_used(page)
        assert _passed_with_tab(page) == expected, path


def _may_be_used(page: Page) -> list[str]:
    """What there is to press, follow or fill in; of the things in a closed ``details`` its summary."""
    found: list[str] = page.evaluate(_NAME_ALL)
    return found


def _passed_with_tab(page: Page) -> list[str]:
    """What the focus stands on, tab by tab, until it comes round; each has to show it."""
    passed: list[str] = []
    while True:
        page.keyboard.press("Tab")
        name: str = page.evaluate(_FOCUSED)
        if not name or (len(passed) > 1 and name == passed[0]):
            return passed
        assert not name.endswith("unseen"), f"nobody sees that the focus is on {name}"
        if passed[-1:] != [name]:  # a date is one thing, with a stop for each part of it
            passed.append(name)


_NAME_ALL = """() => {
  const usable = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']";
  const all = document.querySelectorAll(usable);
  return [...all].filter((one) => one.checkVisibility()).map((one, number) => one.dataset.number = String(number));
}"""
#: An editor shows the focus around itself, a moment later.
_FOCUSED = """async () => {
  const one = document.activeElement;
  if (one === document.body || one === null) return "";
  const shows = (part) => {
    const style = getComputedStyle(part);
    const isDrawn = style.outlineStyle !== "none" && style.outlineColor !== "rgba(0, 0, 0, 0)";
    return isDrawn && parseFloat(style.outlineWidth) >= 2;
  };
  const isSeen = () => shows(one) || (one.isContentEditable && shows(one.closest(".cm-editor")));
  for (let frame = 0; frame < 60 && !isSeen(); frame++) {
    await new Promise(requestAnimationFrame);
  }
  return (one.dataset.number ?? one.outerHTML.slice(0, 100)) + (isSeen() ? "" : " unseen");
}"""
