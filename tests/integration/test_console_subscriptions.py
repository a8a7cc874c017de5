"""The list of subscriptions and the page of each, over real HTTP."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random
from urllib.parse import urlencode

from hub.engine.subscribing import Subscribing
from hub.model import Role
from hub.store import tables
from hub.store.database import Connection
from hub.testing.events import Sale
from tests.integration.console import Browser, Place, words
from tests.integration.subscribed import MONTH, invoice, life, subscription, told

OpenPlace = Callable[..., Place]

RULES = """
rules:
  - name: Thank
    when: subscription renewed
    do:
      - far.post: {text: "Thanks, {{ customer.name }}"}
"""


def listed(browser: Browser, **query: str) -> list[str]:
    """The subscriptions on the page, as listed."""
    return re.findall(r'<a href="/subscriptions/(sub_\w+)"', browser.get("/subscriptions?" + urlencode(query))[1])


def fill(place: Place) -> None:
    """One of each of three states, told in an order that did not happen."""
    ended = life("ended")
    Random(7).shuffle(ended)
    place.shop.take(*ended)
    place.shop.work()
    place.shop.take(
        told("customer.subscription.updated", subscription("late", status="past_due"), MONTH),
        told("customer.subscription.created", subscription("late")),
        told("invoice.paid", invoice("fine")),
    )
    place.shop.work()
    place.shop.take(told("customer.subscription.created", subscription("fine")))
    place.shop.take(told("invoice.payment_failed", invoice("late", 2, status="open"), MONTH))
    place.shop.work()


def test_they_are_listed_by_state_and_found(open_place_on_each: OpenPlace) -> None:
    place = open_place_on_each(RULES)
    fill(place)
    browser = place.signed_in(Role.VIEWER)
    assert sorted(listed(browser)) == ["sub_ended", "sub_fine", "sub_late"]
    assert listed(browser)[-1] == "sub_ended", "newest first"
    assert listed(browser, show="active") == ["sub_fine"]
    assert listed(browser, show="past_due") == ["sub_late"]
    assert listed(browser, show="canceled") == ["sub_ended"]
    assert listed(browser, show="trialing") == []
    assert len(listed(browser, show="nonsense")) == 3
    expected = {"sub_late": "sub_late", "cus_fine": "sub_fine", "nora end": "sub_ended", "fine@example.com": "sub_fine"}
    assert {asked: listed(browser, q=asked) for asked in expected} == {key: [one] for key, one in expected.items()}
    assert len(listed(browser, q="coffee")) == 3
    assert listed(browser, q="coffee", show="active") == ["sub_fine"]
    assert listed(browser, q="'; --") in ([], listed(browser))
    assert place.signed_in(Role.PACKER).get("/subscriptions")[0] == 403


def test_a_subscription_shows_its_orders_invoices_and_what_happened(open_place: OpenPlace) -> None:
    place = open_place(RULES)
    sale = Sale(mode="subscription")
    session_id = place.shop.sell(sale)
    place.shop.work()
    browser = place.signed_in()
    _, order = browser.get(f"/orders/{session_id}")
    found = re.search(r'href="/subscriptions/(sub_\w+)"', order)
    assert found is not None
    name = found[1].removeprefix("sub_")
    place.shop.take(*life(name)[:-1])
    place.shop.work()
    page = browser.get(f"/subscriptions/{found[1]}")[1]
    assert f'href="/orders/{session_id}"' in page
    said = words(page)
    for expected in ("Coffee box", "19.00 EUR per month", "Active", "It ends on", "SHOP-0001", "SHOP-0002"):
        assert expected in said
    assert said.count("invoice.payment_failed") == 1
    assert "far.post Thank succeeded" in said
    assert "checkout.session.completed" in said
    assert browser.get("/subscriptions/sub_none")[0] == 404
    assert '"/subscriptions/' not in place.signed_in(Role.PACKER).get(f"/orders/{session_id}")[1]


def test_test_subscriptions_stand_apart_and_pages_go_on(open_place: OpenPlace) -> None:
    place = open_place("rules: []\n")
    place.shop.take(*(told("customer.subscription.created", subscription(f"n{n}")) for n in range(60)))
    place.shop.work()
    browser = place.signed_in()
    first = browser.get("/subscriptions?show=active")[1]
    older = re.search(r'href="(/subscriptions\?[^"]*before=[^"]*)"', first)
    assert older is not None
    rest = re.findall(r'/subscriptions/(sub_n\d+)"', browser.get(older[1].replace("&amp;", "&"))[1])
    assert rest == [f"sub_n{n}" for n in range(9, -1, -1)]
    assert len(browser.get("/subscriptions.csv?show=active")[1].splitlines()) == 61
    place.shop.take(told("customer.subscription.created", subscription("real", livemode=True)))
    place.shop.work()
    assert listed(browser) == ["sub_real"]
    assert len(listed(browser, mode="test")) == 50


def test_a_download_holds_no_formulas(open_place: OpenPlace) -> None:
    place = open_place("rules: []\n")
    place.shop.take(told("invoice.paid", invoice("one", customer_name='=HYPERLINK("http://evil.test")')))
    place.shop.take(told("customer.subscription.created", subscription("one")))
    place.shop.work()
    row = place.signed_in().get("/subscriptions.csv")[1].splitlines()[1]
    assert row.startswith("sub_one,active,\"'=HYPERLINK")
    assert "Coffee box,price_box,19.00,EUR,month,2026-01-01 00:00:00" in row


def test_what_the_journal_held_before_is_read_once(open_place_on_each: OpenPlace) -> None:
    place = open_place_on_each(RULES)
    fill(place)
    database = place.shop.hub.database

    def forget(connection: Connection) -> None:
        for table in (tables.subscriptions, tables.subscription_invoices):
            connection.execute(table.delete())

    def kept(connection: Connection) -> list[tuple[object, ...]]:
        chosen = tables.subscriptions.select().order_by(tables.subscriptions.c.id)
        return [tuple(row)[1:] for row in connection.execute(chosen)]

    before = database.read(kept)
    database.write(forget).result()
    chore = Subscribing(database)
    assert chore.work("") == "done"
    assert database.read(kept) == before
    assert chore.work("done") == "done"
    assert database.read(kept) == before
