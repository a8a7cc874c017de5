"""The console over real HTTP: who may look, and that what buyers typed stays text."""

from __future__ import annotations

import http.client
import re
from dataclasses import replace
from urllib.parse import urlencode

from hub.store import listing
from hub.testing import events as samples
from hub.testing.events import Buyer, Item, Sale
from hub.web.console.pages import DOORS
from tests.integration.console import Place


def test_nobody_sees_anything_without_signing_in(place: Place) -> None:
    session_id = place.shop.sell()
    place.shop.work()
    for path in ("/", "/orders", f"/orders/{session_id}", "/orders?q=ana"):
        status, text = place.browser().get(path)
        assert status == 401
        assert "Núñez" not in text
        assert session_id not in text


def test_a_link_signs_in_once_and_only_by_the_button(place: Place) -> None:
    token = place.link()
    assert place.browser().get(f"/sign-in?{urlencode({'token': token})}")[0] == 200
    first, second = place.browser(), place.browser()
    assert first.post("/sign-in", token=token)[0] == 303
    assert second.post("/sign-in", token=token)[0] == 401
    assert first.get("/orders")[0] == 200
    assert second.get("/orders")[0] == 401


def test_a_made_up_link_or_cookie_is_worth_nothing(place: Place) -> None:
    assert place.browser().post("/sign-in", token="made.up")[0] == 401
    assert replace(place.browser(), cookie="hub_session=made.up").get("/")[0] == 401


def test_an_order_shows_its_buyer_items_and_what_happened(place: Place) -> None:
    session_id = place.shop.sell()
    place.shop.work()
    browser = place.signed_in()
    status, listed = browser.get("/orders")
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
        _, page = browser.get("/orders?" + urlencode({"q": query}))
        assert re.findall(r'/orders/cs_\w+">(\d+)<', page) == ([found] if found else [])


HOSTILE = "<script>alert(1)</script> ‮{{ 7*7 }} \"'><img src=x onerror=y>"


def test_40_what_a_buyer_typed_is_text_on_every_page(place: Place) -> None:
    items = (Item(HOSTILE, sku=HOSTILE),)
    session_id = place.shop.sell(Sale(buyer=Buyer(name=HOSTILE, email='"<b>"@example.com', line1=HOSTILE), items=items))
    place.shop.sell(Sale(buyer=Buyer(name="Ω" * 10_000)))
    place.shop.work()
    browser = place.signed_in()
    browser.post(f"/orders/{session_id}/note", text=HOSTILE)
    paths = [door.path.replace("{session_id}", session_id) for door in DOORS if door.method == "GET"]
    event = place.shop.hub.database.read(listing.list_events)[-1]
    paths = [path.replace("{event_id}", event.id) for path in paths]
    for path in [*paths, "/orders?q=%3Cscript%3E", f"/orders/{session_id}/run?rule=Tell"]:
        if path != "/live" and not path.endswith(".csv"):
            _, page = browser.get(path)
            assert "<script>" not in page, path
            assert "<img" not in page, path
            assert "onerror=y>" not in page, path
            assert "49 " not in page or "{{ 7*7 }}" in page, path


def test_a_sample_order_is_placed_by_our_own_form_only(place: Place) -> None:
    browser = place.signed_in()
    _, page = browser.get("/orders")
    found = re.search(r'name="form" value="([^"]+)"', page)
    assert found is not None
    assert browser.post("/demo/order", form="guessed")[0] == 403
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
