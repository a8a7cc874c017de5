"""A real browser in front of a console that is really listening. What a page does wrong fails the test by itself."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.browser import sample
from tests.browser.window import Opened
from tests.e2e.peers import Slack
from tests.integration.conftest import open_place, places
from tests.integration.console import Place

__all__ = ["open_place"]

_FOUND_AS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_OPTIONS = [
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--no-first-run", "--font-render-hinting=none"),
]


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One browser for all tests of this folder, which have a context each."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_executable(playwright), args=_OPTIONS)
        yield browser
        browser.close()


def _executable(playwright: Playwright) -> str:
    own = playwright.chromium.executable_path
    found = [own] if Path(own).exists() else [path for name in _FOUND_AS if (path := shutil.which(name))]
    if not found:
        pytest.fail(
            "There is no browser for these tests: install Chromium, or run  .venv/bin/playwright install chromium"
        )
    return found[0]


@pytest.fixture
def windows(chromium: Browser) -> Iterator[Opened]:
    """Opens windows; afterwards none of them may have complained."""
    opened = Opened(chromium)
    yield opened
    opened.close()
    assert opened.complaints == [], "on the console of the browser"


@pytest.fixture
def open_sample(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Place]]:
    """Opens the small shop of ``sample.py`` with a Slack of its own; its day is yet to come."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    slack = Slack()
    with slack.open():
        settings = {"SLACK_TOKEN": "xoxb-sample", "SLACK_API": slack.api}
        opening = places(lambda rules, **more: sample.SampleShop(sqlite_url, tmp_path, rules, **settings, **more))
        open_one = next(opening)
        yield lambda rules: _not_a_demo(open_one(rules))
        next(opening, None)
    monkeypatch.undo()
    time.tzset()


def _not_a_demo(place: Place) -> Place:
    place.console.desk.place_order = None
    return place
