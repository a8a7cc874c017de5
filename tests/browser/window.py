"""Windows of a browser: their size, who is signed in, and what goes wrong in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

#: For what appears by itself: only a failure takes so long.
PATIENCE_MS = 15_000
#: What a browser says of every answer that is not 200; mistakes in a form are answered with such on purpose.
_ANSWERED = "Failed to load resource: the server responded with a status of 4"
expect.set_options(timeout=PATIENCE_MS)


@dataclass(frozen=True)
class Screen:
    """What somebody sits in front of."""

    width: int = 1280
    height: int = 800
    touch: bool = False
    scripts: bool = True
    colours: Literal["light", "dark"] = "light"


DESK = Screen()
PHONE = Screen(360, 740, touch=True)
PLAIN = Screen(scripts=False)
BY_NAME = {"desk": DESK, "phone": PHONE, "plain": PLAIN}


@dataclass
class Opened:
    """Everything that a test has open."""

    browser: Browser
    complaints: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)

    def open(self, port: int, path: str, cookie: str = "", screen: Screen = DESK, *, inspected: bool = False) -> Page:
        """A window of its own at that page; ``inspected`` lets a test's own scripts run in it."""
        base = f"http://127.0.0.1:{port}"
        context = self.browser.new_context(
            base_url=base,
            viewport={"width": screen.width, "height": screen.height},
            has_touch=screen.touch,
            is_mobile=screen.touch,
            java_script_enabled=screen.scripts,
            color_scheme=screen.colours,
            bypass_csp=inspected,
            permissions=["clipboard-read", "clipboard-write"],
            timezone_id="UTC",
            locale="en-GB",
        )
        self.contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        if cookie:
            name, _, value = cookie.partition("=")
            context.add_cookies([{"name": name, "value": value, "url": base}])
        context.on("page", self._listen)
        page = context.new_page()
        page.goto(path)
        return page

    def close(self) -> None:
        for context in self.contexts:
            context.close()

    def _listen(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._heard)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith(_ANSWERED):
            self.complaints.append(f"{message.location['url']}: {message.text}")


def is_as_wide_as_the_screen(page: Page) -> bool:
    """Whether nothing but a table that scrolls by itself is wider than the window."""
    wide: bool = page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    return wide


def go(page: Page, path: str) -> None:
    """Opens a page that has to be there."""
    answer = page.goto(path)
    assert answer is not None
    assert answer.status == 200, path
