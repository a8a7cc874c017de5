"""The list of orders and what people do with them, over real HTTP."""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

import pytest

from hub.connector import Batch, Failure, Permanent
from hub.model import Role
from hub.testing.events import Buyer, Item, Sale
from tests.integration.console import Browser, Place, words

OpenPlace = Callable[..., Place]

SHIPPED = """
rules:
  - name: Tell
    when: order paid
    do:
      - far.post: {text: "Order {{ order.number }}"}
  - name: Sent
    when: order shipped
    do:
      - far.post:
          text: "{{ order.number }} by {{ shipment.carrier }} {{ shipment.tracking_number }}, {{ shipment.part }}"
  - name: Big
    when: order paid
    if: {order.total: over 1000 EUR}
    do:
      - far.post: {text: "Big {{ order.number }}"}
"""


def refuse(_batch: Batch[Any]) -> Sequence[Failure]:
    raise Permanent("no such channel")


def listed(browser: Browser, **query: str) -> list[str]:
    """The numbers on the page, as listed."""
    _, page = browser.get("/orders?" + urlencode(query))
    return re.findall(r'/orders/cs_\w+">(\d+)<', page)


def fill(place: Place) -> list[str]:
    """Three sales, 1001 to 1003."""
    jose = Buyer(name="José Ångström", email="jose.a@example.com")
    nora = Buyer(name="Nora Lind", email="nora@shop.test")
    sales = [
        Sale(buyer=jose),
        Sale(buyer=nora, items=(Item("Harbour poster", "POSTER-A2", 123456, 1),)),
        Sale(payment_status="unpaid"),
    ]
    ids = [place.shop.sell(sale) for sale in sales]
    place.shop.work()
    return ids


def test_search_finds_by_all_that_people_know(open_place_on_each: OpenPlace) -> None:
    place = open_place_on_each()
    ids = fill(place)
    browser = place.signed_in()
    assert listed(browser) == ["1003", "1002", "1001"]
    expected = {
        "jose": "1001",
        "JOSÉ angstrom": "1001",
        "jose.a@exam": "1001",
        "lind": "1002",
        "nora@shop.test": "1002",
        "harbour": "1002",
        "poster-a2": "1002",
        "1234.56": "1002",
        "1234,56": "1002",
        "1002": "1002",
        ids[1]: "1002",
        f"pi_{ids[0][8:32]}": "1001",
        "nora lind 1234": "1002",
    }
    assert {asked: listed(browser, q=asked) for asked in expected} == {key: [one] for key, one in expected.items()}
    for asked in ("nora jose", '"', "%", "AND", "* OR 1", "'; DROP TABLE orders", "no:ra*", "\x00", "’’", "a\\"):
        assert listed(browser, q=asked) in ([], ["1003", "1002", "1001"]), asked
    assert listed(browser, q="poster", show="awaiting_payment") == []


def test_items_that_come_later_are_found(open_place_on_each: OpenPlace) -> None:
    place = open_place_on_each()
    sale = Sale()
    place.shop.sell(sale, payment_status="unpaid", line_items=None)
    place.shop.work()
    browser = place.signed_in()
    assert listed(browser, q="mug") == []
    place.shop.sell(sale, "checkout.session.async_payment_succeeded")
    place.shop.work()
    assert listed(browser, q="mug") == ["1001"]


def test_chips_show_states_and_what_is_to_be_shipped(open_place_on_each: OpenPlace) -> None:
    place = open_place_on_each()
    ids = fill(place)
    place.shop.sell(Sale(), collected_information=None)
    place.shop.work()
    browser = place.signed_in()
    assert listed(browser, show="to_ship") == ["1002", "1001"], "paid, and with an address"
    assert listed(browser, show="awaiting_payment") == ["1003"]
    browser.post(f"/orders/{ids[0]}/packed")
    browser.post(f"/orders/{ids[1]}/hold")
    assert listed(browser, show="packed") == ["1001"]
    assert listed(browser, show="held") == ["1002"]
    assert listed(browser, show="to_ship") == ["1001"]
    browser.post(f"/orders/{ids[0]}/shipped", part="1")
    assert listed(browser, show="shipped") == ["1001"]
    assert listed(browser, show="to_ship") == []
    assert listed(browser, show="nonsense") == ["1004", "1003", "1002", "1001"]
    assert listed(browser, since="2000-01-01", until="2000-01-02") == []
    assert len(listed(browser, since="2000-01-01", until="nonsense")) == 4


def test_test_purchases_stand_apart_from_real_orders(open_place: OpenPlace) -> None:
    place = open_place()
    place.shop.sell(Sale())
    place.shop.work()
    browser = place.signed_in()
    assert listed(browser) == ["1001"], "a shop that has only test purchases sees them"
    place.shop.sell(Sale(), livemode=True)
    place.shop.work()
    assert listed(browser) == ["1002"]
    assert listed(browser, mode="test") == ["1001"]


def test_pages_go_on_where_the_last_one_ended(open_place: OpenPlace) -> None:
    place = open_place("rules: []\n")
    for _ in range(60):
        place.shop.sell()
    place.shop.work()
    browser = place.signed_in()
    _, page = browser.get("/orders?show=paid")
    older = re.search(r'href="(/orders\?[^"]*before=[^"]*)"', page)
    assert older is not None
    assert "show=paid" in older[1]
    rest = re.findall(r'/orders/cs_\w+">(\d+)<', browser.get(older[1].replace("&amp;", "&"))[1])
    assert rest == [str(number) for number in range(1010, 1000, -1)]
    assert len(browser.get("/orders.csv?show=paid")[1].splitlines()) == 61


def test_a_download_holds_no_formulas(open_place: OpenPlace) -> None:
    place = open_place()
    for name in ('=HYPERLINK("http://evil.test")', "+1", "-1", "@SUM(1)", "\t=1"):
        place.shop.sell(Sale(buyer=Buyer(name=name)))
    place.shop.work()
    rows = place.signed_in().get("/orders.csv")[1]
    assert rows.startswith("\ufeffNumber,Id,State")
    assert "49.00" in rows
    assert re.findall(r"[\r\n,]\"?[=+@\t]", rows) == []
    assert rows.count(",\"'=") + rows.count(",'") >= 5


def test_an_open_list_hears_of_an_order_within_a_second(open_place: OpenPlace) -> None:
    place = open_place()
    browser = place.signed_in()
    connection = http.client.HTTPConnection("127.0.0.1", place.port, timeout=10)
    connection.request("GET", "/live", headers={"Cookie": browser.cookie})
    stream = connection.getresponse()
    assert stream.getheader("Content-Type", "").startswith("text/event-stream")
    assert stream.readline() == b"retry: 2000\n"
    started = time.monotonic()
    place.shop.sell()
    place.shop.work()
    while not stream.readline().startswith(b"event: changed"):
        pass
    assert time.monotonic() - started < 1
    status, part = browser.get("/orders", **{"HX-Request": "true"})
    assert status == 200
    assert "<html" not in part
    assert "1001" in part
    connection.close()


def test_an_order_shows_everything_and_why(open_place: OpenPlace) -> None:
    place = open_place(SHIPPED)
    told = {"presentment_amount": 5599, "presentment_currency": "usd"}
    session_id = place.shop.sell(presentment_details=told)
    place.shop.work()
    browser = place.signed_in()
    browser.post(f"/orders/{session_id}/note", text="Ring twice")
    said = words(browser.get(f"/orders/{session_id}")[1])
    for expected in ("Ana Núñez", "12 Harbor Street", "MUG-01", "49.00 EUR", "55.99 USD", "Ring twice"):
        assert expected in said
    assert "checkout.session.completed" in said
    assert "far.post Tell succeeded" in said
    assert "Tell: ran" in said
    assert "Big: did not run" in said
    assert "(was EUR 49)" in said.partition("Big: did not run")[2], "with the value that the condition saw"


def test_the_morning_at_the_packing_table(open_place: OpenPlace) -> None:
    place = open_place(SHIPPED)
    ids = fill(place)
    packer = place.signed_in(Role.PACKER)
    _, slip = packer.get(f"/orders/{ids[1]}/slip")
    assert "Harbour poster" in slip
    assert "1234" not in slip, "no prices in the parcel"
    assert packer.send(f"/orders/{ids[1]}/packed").said == ""
    assert "nothing to pack" in packer.send(f"/orders/{ids[1]}/packed").said
    told = {"carrier": "DHL", "tracking_number": "JJD1", "tracking_url": "https://dhl.test/1", "more": "yes"}
    answer = packer.send(f"/orders/{ids[1]}/shipped", part="1", **told)
    assert answer.status == 303
    assert "already" in packer.send(f"/orders/{ids[1]}/shipped", part="1", carrier="DHL").said, "a second click"
    assert listed(packer, show="to_ship") == ["1002", "1001"], "another parcel is to follow"
    packer.post(f"/orders/{ids[1]}/shipped", part="2", carrier="DHL", tracking_number="JJD2")
    place.shop.work()
    assert sorted(place.shop.far.texts())[:2] == ["1002 by DHL JJD1, 1", "1002 by DHL JJD2, 2"]
    assert listed(packer, show="shipped") == ["1002"]
    assert "https://" in packer.send(f"/orders/{ids[0]}/shipped", part="1", tracking_url="javascript:x").said
    assert "not paid" in packer.send(f"/orders/{ids[2]}/shipped", part="1").said
    done = [what for _, what, _ in place.acts(ids[1])]
    assert done == ["packed", "shipped", "shipped"]


def test_a_held_order_is_not_shipped_before_it_is_released(open_place: OpenPlace) -> None:
    place = open_place(SHIPPED)
    ids = fill(place)
    browser = place.signed_in()
    browser.post(f"/orders/{ids[0]}/hold")
    assert "on hold" in browser.send(f"/orders/{ids[0]}/shipped", part="1").said
    assert "0 of 1" in browser.send("/orders/bulk", do="shipped", id=[ids[0]]).said
    browser.post(f"/orders/{ids[0]}/release")
    assert "2 of 3" in browser.send("/orders/bulk", do="packed", id=ids).said
    assert "2 of 3" in browser.send("/orders/bulk", do="shipped", id=ids).said
    assert "0 of 3" in browser.send("/orders/bulk", do="shipped", id=ids).said
    _, slips = browser.post("/orders/bulk", do="slips", id=ids)
    assert slips.count("<article") == 3
    assert "Tick some" in browser.send("/orders/bulk", do="packed").said


def test_what_failed_is_tried_again_by_an_owner(open_place: OpenPlace) -> None:
    place = open_place()
    place.shop.far.will(refuse)
    session_id = place.shop.sell()
    place.shop.work()
    assert place.shop.states() == ["dead"]
    assert "cannot" in place.signed_in(Role.PACKER).send("/orders/bulk", do="retry", id=[session_id]).said
    owner = place.signed_in()
    assert "1 will be tried" in owner.send(f"/orders/{session_id}/retry").said
    place.shop.work()
    assert place.shop.states() == ["succeeded"]
    assert "nothing to try" in owner.send(f"/orders/{session_id}/retry").said


def test_a_rule_is_shown_before_it_is_run_for_an_order_and_runs_once(open_place: OpenPlace) -> None:
    place = open_place()
    session_id = place.shop.sell()
    place.shop.work()
    place.shop.reload(SHIPPED.replace("over 1000 EUR", "over 10 EUR"))
    place.shop.work()
    owner = place.signed_in()
    said = words(owner.get(f"/orders/{session_id}/run?rule=Big")[1])
    assert "Big 1001" in said
    assert place.shop.far.texts() == ["Order 1001"], "nothing was sent"
    event = re.search(r"evt_\w+", said)
    assert event is not None
    assert "will run now" in owner.send(f"/orders/{session_id}/run", rule="Big", event=event[0]).said
    place.shop.work()
    assert place.shop.far.texts() == ["Order 1001", "Big 1001"]
    assert "does nothing" in owner.send(f"/orders/{session_id}/run", rule="Big", event=event[0]).said
    assert owner.get(f"/orders/{session_id}/run?rule=None")[0] == 404


@pytest.mark.parametrize("path", ["packed", "hold", "note", "shipped", "retry"])
def test_an_order_that_is_not_there(place: Place, path: str) -> None:
    answer = place.signed_in().send(f"/orders/cs_none/{path}", text="x", part="1")
    assert answer.status in {303, 404}
    assert place.acts() == []
