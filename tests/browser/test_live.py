"""Pages that are open hear of orders, from a hub that is really running; see also ``test_console_orders.py``."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.window import Opened
from tests.e2e.sales import line, session
from tests.e2e.shop import SHOP, Shop, eventually, opened

RULES = f"{SHOP}rules: []\n"
_NOTE_WHEN_IT_IS_THERE = """
() => {
  const list = document.querySelector("#list");
  new MutationObserver(() => { window.seenAt ??= list.querySelector("tbody") ? Date.now() : undefined; })
    .observe(list, {childList: true, subtree: true});
}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with opened(tmp_path, RULES) as found:
        found.serve()
        yield found


def test_an_order_appears_on_an_open_list_without_anybody_doing_anything(shop: Shop, windows: Opened) -> None:
    link = re.compile(r"http://\S+(/sign-in\?token=\S+)")
    eventually("the hub prints a link", lambda: link.search(shop.log))
    found = link.search(shop.log)
    assert found
    page = windows.open(int(shop.settings["HUB_PORT"]), found[1])
    page.get_by_role("button", name="Sign in to the hub").click()
    with page.expect_response("**/live"):
        page.get_by_role("link", name="Orders", exact=True).click()
    expect(page.get_by_text("No orders yet.")).to_be_visible()
    page.evaluate(_NOTE_WHEN_IT_IS_THERE)
    started = time.time()
    shop.sell(session(line("MUG-01", 2)))
    expect(page.locator("#list").get_by_role("link", name="1001")).to_be_visible()
    seen: float = page.evaluate("window.seenAt")  # lost if the page had been loaded again
    print(f"an order was on the open list {seen / 1000 - started:.2f} s after its webhook was sent")
