"""What nobody means to send: every door answers it with a page that says what is wrong, never with a failure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import quote, urlencode

import pytest

from hub.web.console.pages import DOORS
from tests.integration.console import Browser, Place

#: Names that the pages read, of addresses and of forms.
ASKED = ("q", "show", "mode", "since", "until", "before", "rule", "token")
GIVEN = [
    *("name", "again", "role", "sku", "count", "low_at", "pool", "codes", "text", "do", "reason", "began", "id"),
    *("act", "cause", "delivery", "version", "event", "rule", "part", "tracking_url", "carrier", "session"),
    *("view", "shared", "show", "q", "since", "mode"),
]
#: With these, some doors look further.
SANE = {"act": "retry", "tracking_url": "", "do": "save", "role": "packer"}


def failures(place: Place, value: str) -> list[str]:
    """The doors that fail when everything they read is that value."""
    session_id = place.shop.sell()
    place.shop.work()
    browser = place.signed_in()
    failed = []
    for door in DOORS:
        if door.path in {"/live", "/sign-out"}:
            continue
        path = door.path.replace("{session_id}", session_id)
        strange = re.sub(r"\{.*\}", quote(value[:2000], safe=""), door.path)
        asked = [(path, SANE)] if path == strange else [(path, SANE), (strange, {})]
        failed += [
            f"{door.method} {one}"[:80] for one, sane in asked if _status(browser, door.method, one, value, sane) >= 500
        ]
    return failed


def _status(browser: Browser, method: str, path: str, value: str, sane: Mapping[str, str]) -> int:
    if method == "GET":
        return browser.get(f"{path}?{urlencode(dict.fromkeys(ASKED, value[:2000]))}")[0]
    return browser.post(path, **{**dict.fromkeys(GIVEN, value), **sane})[0]


@pytest.mark.parametrize("value", ["²", "9" * 30, "9999-12-31", "Ω" * 10_000, "'; --%s{{ 7*7 }}"], ids=ascii)
def test_no_door_fails_whatever_it_is_given(place: Place, value: str) -> None:
    assert failures(place, value) == []


def test_a_character_that_postgresql_has_not_is_no_failure(open_place_on_each: Callable[..., Place]) -> None:
    assert failures(open_place_on_each(), "\x00") == []


def test_a_form_that_is_too_large_is_told_so(place: Place) -> None:
    answer = place.signed_in().send("/rules/edit", text="x" * 1_100_000)
    assert answer.status == 413
    assert "Send less" in answer.text
