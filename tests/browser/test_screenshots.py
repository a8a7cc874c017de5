"""The pictures of the documentation, of a day that is always the same.

Anew with ``HUB_SCREENSHOTS=1 pytest tests/browser/test_screenshots.py``; otherwise they are only tried.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import expect

from tests.browser import sample
from tests.browser.window import Opened, Screen
from tests.integration.console import Place

_PICTURES = Path(__file__).parent.parent.parent / "docs" / "screenshots"
_LARGEST = 150_000
_PAGES = {
    "overview": "/",
    "orders": "/orders",
    "order": f"/orders/cs_live_{2:032x}",
    "needs-you": "/needs-you",
    "rules": "/rules",
    "editor": "/rules/edit",
    "stock": "/stock",
    "connections": "/connections",
}


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_pictures_of_the_main_pages(
    open_sample: Callable[..., Place], windows: Opened, tmp_path: Path, colours: Literal["light", "dark"]
) -> None:
    folder = _PICTURES if os.environ.get("HUB_SCREENSHOTS") else tmp_path
    place = open_sample(sample.RULES)
    sample.fulfil(place, sample.fill(place))
    page = windows.open(place.port, "/", place.signed_in().cookie, Screen(1200, 800, colours=colours))
    for name, path in _PAGES.items():
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        picture = page.screenshot(path=folder / f"{name}-{colours}.png", animations="disabled")
        assert 5_000 < len(picture) < _LARGEST, name


def test_every_picture_is_there_and_shown() -> None:
    text = (_PICTURES.parent / "console.md").read_text("utf-8")
    shown = set(re.findall(r'"screenshots/([\w-]+\.png)"', text))
    assert shown == {path.name for path in _PICTURES.iterdir()}
    assert shown == {f"{name}-{colours}.png" for name in _PAGES for colours in ("light", "dark")}
