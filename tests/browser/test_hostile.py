"""What strangers can put into the shop's data, on every page."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle

import pytest

from tests.browser import sample
from tests.browser.window import DESK, PHONE, Opened, Screen, go, is_as_wide_as_the_screen
from tests.integration.console import Place

OpenPlace = Callable[..., Place]

#: Markup, text that turns round, and names longer than any column.
HOSTILE = (
    "<script>window.pwned = 1</script>",
    '"><img src=x onerror="window.pwned = 1">',
    "\u202eevil\u2066 <svg onload=window.pwned=1>",
    "{{ 7 * 7 }}${window.pwned = 1}<a href='javascript:window.pwned=1'>",
    "Ω" * 10_000,
    "W" * 10_000,
)


@pytest.mark.parametrize("screen", [DESK, PHONE], ids=["desk", "phone"])
def test_what_buyers_type_does_nothing_and_breaks_no_page(
    open_sample: OpenPlace, windows: Opened, screen: Screen
) -> None:
    place = open_sample(sample.RULES)
    ids = sample.fill(place, cycle(HOSTILE))
    sample.fulfil(place, ids)
    page = windows.open(place.port, "/", place.signed_in().cookie, screen)
    wrong = []
    each_order = [f"/orders/{one}{page}" for one in ids[: len(HOSTILE)] for page in ("", "/slip")]
    for path in [*sample.pages(place, ids), *each_order]:
        go(page, path)
        if page.evaluate("'pwned' in window"):
            wrong.append(f"{path} ran what a buyer typed")
        if not is_as_wide_as_the_screen(page):
            wrong.append(f"{path} is wider than the screen")
    assert wrong == []
