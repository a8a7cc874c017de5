"""What waits for a person, the overview, and the pages about stock, codes, connections and events."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from hub.connector import Ambiguous, Batch, ConfigError, Failure, Permanent
from hub.model import Role
from hub.store import stock
from hub.testing import events as samples
from hub.testing.events import Item, Sale
from hub.web.console.overview import chart
from hub.web.metrics import Metrics
from tests.integration.console import Browser, Place, words

OpenPlace = Callable[..., Place]

STOCK = """
rules:
  - name: Stock
    when: order paid
    for_each: order.items
    do:
      - inventory.decrease: {sku: "{{ item.sku }}", by: "{{ item.quantity }}"}
"""
LETTER = """
rules:
  - name: Letter
    when: order paid
    do:
      - far.letter: {text: "Order {{ order.number }}"}
"""


def raising(failure: Failure) -> Callable[[Batch[Any]], Sequence[Failure]]:
    def behave(_batch: Batch[Any]) -> Sequence[Failure]:
        raise failure

    return behave


def groups(browser: Browser) -> list[str]:
    """The causes on the page that needs people."""
    return [words(title).strip() for title in re.findall(r"<h2>(.*?)</h2>", browser.get("/needs-you")[1], re.DOTALL)]


def button(browser: Browser, label: str) -> str:
    """Presses the first button of that label on the page that needs people; what is said afterwards."""
    for form in re.findall(r'action="/needs-you">(.*?)</form>', browser.get("/needs-you")[1], re.DOTALL):
        if re.search(rf"<button[^>]*>{re.escape(label)}<", form):
            fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
            return browser.send("/needs-you", **fields).said
    raise AssertionError(f"There is no button “{label}”.")


def test_nothing_to_do_is_said(place: Place) -> None:
    place.shop.sell()
    place.shop.work()
    assert "Nothing. All is done." in words(place.signed_in().get("/needs-you")[1])


def test_what_failed_for_one_reason_is_one_group_with_one_button(open_place_on_each: OpenPlace) -> None:
    place = open_place_on_each(STOCK)
    place.shop.hub.database.write(lambda c: stock.set_on_hand(c, {"FEW": 1}, now=place.shop.clock.now())).result()
    for sku, quantity in (("NEW-1", 1), ("NEW-2", 1), ("FEW", 5), ("FEW", 7)):
        place.shop.sell(Sale(items=(Item("Thing", sku, 500, quantity),)))
    place.shop.work()
    owner = place.signed_in()
    assert sorted(groups(owner)) == ["Missing from the stock list (2)", "Oversold (2)"]
    assert "Retry" not in place.signed_in(Role.VIEWER).get("/needs-you")[1]
    for sku in ("NEW-1", "NEW-2"):
        assert owner.send("/stock", sku=sku, count="9", low_at="2").said == f"{sku}: 9 on hand."
    owner.send("/stock", sku="FEW", count="20")
    assert button(owner, "Retry all 2") == "2 will be tried again."
    place.shop.work()
    assert button(owner, "Retry all 2") == "2 will be tried again."
    place.shop.work()
    assert groups(owner) == []
    assert [what for _, what, thing in place.acts() if thing.startswith("delivery")] == ["retried"] * 4


def test_an_unknown_outcome_is_settled_by_a_persons_word(open_place: OpenPlace) -> None:
    place = open_place(LETTER)
    place.shop.far.will(raising(Ambiguous("The line broke.")), raising(Ambiguous("The line broke.")))
    for _ in range(2):
        place.shop.sell()
        place.shop.work(after=600)
    owner = place.signed_in()
    assert groups(owner) == ["Did it happen? far.letter (2)"]
    assert button(owner, "Happened") == "1 settled."
    assert button(owner, "It did not, send it") == "1 will be sent."
    place.shop.work(after=600)
    assert place.shop.states() == ["succeeded", "succeeded"]
    assert len(place.shop.far.texts()) == 1
    assert groups(owner) == []


def test_a_connection_that_is_paused_goes_on_when_it_is_mended(open_place: OpenPlace) -> None:
    place = open_place()
    place.shop.far.will(raising(ConfigError("The token is wrong.", "Put a new one into .env.")))
    place.shop.sell()
    place.shop.work()
    owner = place.signed_in()
    assert groups(owner) == ["The connection “far” is paused"]
    assert "The token is wrong" in words(owner.get("/connections")[1])
    assert button(owner, "Look again now").startswith("What waits is looked at again")
    place.shop.work()
    assert place.shop.states() == ["succeeded"]
    assert groups(owner) == []


def test_the_button_of_a_connection_tries_it(open_place: OpenPlace) -> None:
    place = open_place()
    owner = place.signed_in()
    assert owner.send("/connections/check", name="far").said == "far: fine"
    assert "no such connection" in owner.send("/connections/check", name="nowhere").said


def test_a_rule_that_does_not_run_is_told_with_what_waits_for_it(open_place: OpenPlace) -> None:
    place = open_place()
    held = "rules:\n  - name: Tell\n    when: order paid\n    do:\n      - far.post: {txt: hello}\n"
    place.shop.reload(held)
    owner = place.signed_in()
    assert groups(owner) == ["“Tell” does not run"]
    place.shop.sell()
    place.shop.sell()
    place.shop.work()
    assert groups(owner) == ["“Tell” cannot be planned (2)"]
    place.shop.write_rules("rules: [")
    place.shop.hub.rulebook.load()
    assert groups(owner)[0].startswith("The rules file has mistakes")


def test_never_mind_ends_it(open_place: OpenPlace) -> None:
    place = open_place()
    place.shop.far.will(raising(Permanent("No such room.")))
    place.shop.sell()
    place.shop.work()
    owner = place.signed_in()
    owner.post("/orders/none/hold")
    assert button(owner, "Never mind") == "1 cancelled."
    assert place.shop.states() == ["cancelled"]
    assert groups(owner) == []
    assert owner.send("/needs-you", act="nonsense", delivery="1").said == "There is no such decision."
    assert owner.send("/needs-you", act="retry", cause="0123").said == "0 will be tried again."


def test_the_overview_says_how_the_day_goes(open_place_on_each: OpenPlace) -> None:
    place = open_place_on_each(LETTER)
    now = place.shop.clock.now()
    place.shop.hub.database.write(lambda c: stock.set_on_hand(c, {"A": -1}, now=now)).result()
    place.shop.far.will(None, raising(Permanent("No such house.")))
    for _ in range(2):
        session = samples.session(Sale(created=now // 1000))
        place.shop.take(samples.event("checkout.session.completed", session, created=now // 1000))
    place.shop.work()
    said = words(place.signed_in().get("/")[1])
    assert "Orders today 98.00 EUR 2 paid" in said
    assert "Paid, not shipped 98.00 EUR 2 orders" in said
    assert "Needs you 1" in said
    assert "1 done, 1 failed" in said
    assert "far 1" in said.partition("Failures of the last 24 hours")[2]
    place.shop.clock.advance(25 * 3600)
    later = words(place.signed_in(Role.VIEWER).get("/")[1])
    assert "Orders today None yet" in later
    assert "the oldest for 1 day" in later
    assert place.signed_in(Role.PACKER).ask("GET", "/").status == 303


def test_the_chart_has_an_hour_for_each_bar() -> None:
    assert len(chart([], 1_764_000_000_000)) == 24
    assert {bar.done_height for bar in chart([], 1_764_000_000_000)} == {0}


def test_how_fast_webhooks_are_answered() -> None:
    metrics = Metrics()
    assert metrics.acknowledgement(0.5) is None
    for seconds in [0.002] * 98 + [0.2] * 2:
        metrics.acknowledged(200, seconds)
    assert (metrics.acknowledgement(0.5), metrics.acknowledgement(0.99)) == (0.0025, 0.25)


def test_stock_and_its_movements(open_place: OpenPlace) -> None:
    place = open_place(STOCK)
    owner = place.signed_in()
    assert "whole numbers" in owner.send("/stock", sku="MUG/01 ä", count="-1").said
    owner.post("/stock", sku="MUG/01 ä", count="3", low_at="5")
    place.shop.sell(Sale(items=(Item("Mug", "MUG/01 ä", 500, 3),)))
    place.shop.work()
    _, page = owner.get("/stock")
    assert "sold out" in page
    link = re.search(r'href="(/stock/[^"]+)"', page)
    assert link is not None
    said = words(owner.get(link[1])[1])
    assert "MUG/01 ä: 0 on hand" in said
    assert "-3 0 cs_" in said
    assert owner.get("/stock/none")[0] == 404


def test_codes_are_added_and_shown_with_who_got_them(place: Place) -> None:
    owner = place.signed_in()
    assert owner.send("/codes", pool="keys 1/2", codes="A-1\n\n A-2 \nA-1").said.startswith("2 codes added, 1 were")
    _, page = owner.get("/codes")
    link = re.search(r'href="(/codes/[^"]+)"', page)
    assert link is not None
    assert "keys 1/2: 2 left" in words(owner.get(link[1])[1])
    assert "Give the pool" in owner.send("/codes", pool="keys", codes=" ").said


def test_events_are_found_shown_whole_and_gone_over_again(open_place_on_each: OpenPlace) -> None:
    place = open_place_on_each()
    session_id = place.shop.sell()
    for _ in range(60):
        place.shop.sell(kind="checkout.session.expired")
    place.shop.work()
    owner = place.signed_in()
    _, page = owner.get(f"/events?q={session_id}")
    found = re.findall(r'href="/events/(evt_\w+)"', page)
    assert len(found) == 1
    assert re.findall(r'href="/events/(evt_\w+)"', owner.get(f"/events?q={found[0]}")[1]) == found
    assert re.findall(r'href="/events/(evt_\w+)"', owner.get("/events?q=checkout.session.comp")[1]) == found
    assert "checkout.session.completed" not in owner.get("/events")[1], "on the second page"
    older = re.search(r'href="(/events\?before=\d+)"', owner.get("/events")[1])
    assert older is not None
    assert found[0] in owner.get(older[1])[1]
    assert '"payment_status": "paid"' in owner.get(f"/events/{found[0]}")[1].replace("&#34;", '"')
    assert "planned again" in owner.send(f"/events/{found[0]}/replay").said
    place.shop.work()
    assert place.shop.far.texts() == ["Order 1001"], "what was done is not repeated"


def test_reports_without_a_reconciliation(place: Place) -> None:
    assert "STRIPE_API_KEY" in place.signed_in().get("/reports")[1]
