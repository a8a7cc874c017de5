"""The console over real HTTP: who may look, and that what buyers typed stays text."""

from __future__ import annotations

import http.client
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlencode

import pytest

from hub.clock import SystemClock
from hub.engine.intake import Intake
from hub.testing import events as samples
from hub.testing.events import Buyer, Sale
from hub.web.console.pages import Console
from hub.web.console.signin import SignIn
from hub.web.metrics import Metrics
from hub.web.site import Site
from hub.web.webhook import Webhook
from tests.integration.conftest import serving
from tests.integration.shop import TestShop

RULES = """
rules:
  - name: Tell
    when: order paid
    do:
      - far.post: {text: "Order {{ order.number }}"}
"""


@dataclass
class Browser:
    """Asks for pages and keeps the cookie it is given."""

    port: int
    cookie: str = ""

    def get(self, path: str) -> tuple[int, str]:
        return self._ask("GET", path)

    def post(self, path: str, **form: str) -> tuple[int, str]:
        return self._ask("POST", path, urlencode(form))

    def _ask(self, method: str, path: str, body: str | None = None) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": self.cookie}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        if cookie := answer.getheader("Set-Cookie"):
            assert "HttpOnly" in cookie
            assert "samesite=lax" in cookie.lower()
            self.cookie = cookie.partition(";")[0]
        text = answer.read().decode()
        policy = answer.getheader("Content-Security-Policy")
        connection.close()
        if answer.status != 303:
            assert policy is not None
            assert "default-src 'none'" in policy
        return answer.status, text


@dataclass
class Place:
    shop: TestShop
    sign_in: SignIn
    port: int
    placed: list[str]

    def browser(self) -> Browser:
        return Browser(self.port)

    def signed_in(self) -> Browser:
        browser = self.browser()
        assert browser.post("/sign-in", token=self.sign_in.new_link())[0] == 303
        return browser


@pytest.fixture
def place(open_shop: Callable[..., TestShop], tmp_path: Path) -> Iterator[Place]:
    shop = open_shop(RULES)
    clock, metrics = SystemClock(), Metrics()
    sign_in = SignIn(shop.hub.database, tmp_path)
    placed: list[str] = []
    console = Console(shop.hub.database, shop.hub.contexts, sign_in, shop.hub.decimals, lambda: placed.append("one"))
    webhook = Webhook(Intake(shop.hub.database, clock, lambda: None), ["whsec_test"], clock, metrics)
    with serving(Site(webhook, shop.hub.database, clock, metrics, console.routes)) as port:
        yield Place(shop, sign_in, port, placed)


def test_nobody_sees_anything_without_signing_in(place: Place) -> None:
    session_id = place.shop.sell()
    place.shop.work()
    for path in ("/", f"/orders/{session_id}", "/?q=ana"):
        status, text = place.browser().get(path)
        assert status == 401
        assert "Núñez" not in text
        assert session_id not in text


def test_a_link_signs_in_once_and_only_by_the_button(place: Place) -> None:
    token = place.sign_in.new_link()
    assert place.browser().get(f"/sign-in?{urlencode({'token': token})}")[0] == 200
    first, second = place.browser(), place.browser()
    assert first.post("/sign-in", token=token)[0] == 303
    assert second.post("/sign-in", token=token)[0] == 401
    assert first.get("/")[0] == 200
    assert second.get("/")[0] == 401


def test_a_made_up_link_or_cookie_is_worth_nothing(place: Place) -> None:
    assert place.browser().post("/sign-in", token="made.up")[0] == 401
    assert replace(place.browser(), cookie="hub_session=made.up").get("/")[0] == 401


def test_an_order_shows_its_buyer_items_and_what_happened(place: Place) -> None:
    session_id = place.shop.sell()
    place.shop.work()
    browser = place.signed_in()
    status, listed = browser.get("/")
    assert status == 200
    assert "49.00 EUR" in listed
    _, page = browser.get(f"/orders/{session_id}")
    for expected in ("Ana Núñez", "12 Harbor Street", "Blue mug", "MUG-01", "far.post", "succeeded", "r1"):
        assert expected in page
    assert browser.get("/orders/cs_nonsense")[0] == 404


def test_search_finds_by_name_number_and_id(place: Place) -> None:
    first = place.shop.sell()
    place.shop.sell(Sale(buyer=Buyer(name="Nora Lind", email="nora@example.com")))
    place.shop.work()
    browser = place.signed_in()
    for query, found in (("nora", "1002"), ("1001", "1001"), (first, "1001"), ("%", None)):
        _, page = browser.get("/?" + urlencode({"q": query}))
        assert re.findall(r'/orders/cs_\w+">(\d+)<', page) == ([found] if found else [])


def test_40_what_a_buyer_typed_is_text_on_every_page(place: Place) -> None:
    name = "<script>alert(1)</script> ‮{{ 7*7 }} \"'><img src=x onerror=y>"
    session_id = place.shop.sell(Sale(buyer=Buyer(name=name, email='"<b>"@example.com')))
    place.shop.work()
    browser = place.signed_in()
    for path in ("/", f"/orders/{session_id}", "/?q=%3Cscript%3E"):
        _, page = browser.get(path)
        assert "<script" not in page
        assert "<img" not in page
        assert "49" not in page or "{{ 7*7 }}" in page


def test_a_sample_order_is_placed_by_our_own_form_only(place: Place) -> None:
    browser = place.signed_in()
    _, page = browser.get("/")
    found = re.search(r'name="form" value="([^"]+)"', page)
    assert found is not None
    assert browser.post("/demo/order", form="guessed")[0] == 401
    assert place.browser().post("/demo/order", form=found[1])[0] == 401
    assert place.placed == []
    assert browser.post("/demo/order", form=found[1])[0] == 303
    assert place.placed == ["one"]


def test_a_signed_event_needs_no_session(place: Place) -> None:
    body = samples.encode(samples.event("checkout.session.completed", samples.session(Sale())))
    connection = http.client.HTTPConnection("127.0.0.1", place.port, timeout=10)
    connection.request("POST", "/webhooks/stripe", body, {"Stripe-Signature": samples.signature(body, "whsec_test")})
    assert connection.getresponse().status == 200
    connection.close()
