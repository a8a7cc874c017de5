"""Sales from before the hub are taken over once, day by day, and are not shipped again unless a person asks."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.engine.backfilling import days, take_over
from hub.testing.stripe import FakeStripe
from tests.e2e.shop import SHOP
from tests.stripe.moving import START, MovingShop, moving

DAY = 86_400
RULES = (
    SHOP
    + """
connections:
  orders: {type: spreadsheet, file: orders.csv}
  refunds: {type: spreadsheet, file: refunds.csv}
rules:
  - name: Row
    when: order paid
    do: [{spreadsheet.add_row: {connection: orders, columns: {Order: "{{ order.id }}"}}}]
  - name: Money back
    when: order refunded
    do: [{spreadsheet.add_row: {connection: refunds, columns: {Order: "{{ order.id }}"}}}]
"""
)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[MovingShop]:
    """A shop that sold for five days before it had a hub."""
    with moving(tmp_path, RULES, START, STRIPE_POLL_SECONDS="0") as shop:
        shop.down()
        (tmp_path / "var" / "hub.db").unlink()
        shop.endpoint.enabled = False
        yield shop


@pytest.fixture
def stripe(shop: MovingShop) -> FakeStripe:
    return shop.stripe


def sold(shop: MovingShop, count: int = 5) -> list[str]:
    ids = []
    for _ in range(count):
        ids += [shop.stripe.sell()["id"], shop.stripe.sell(pay="free")["id"]]
        shop.stripe.open()
        shop.clock.advance(DAY)
    return ids


def installed(shop: MovingShop) -> None:
    shop.endpoint.enabled = True
    shop.clock.advance(60)
    shop.up()


def recorded(shop: MovingShop) -> list[str]:
    return [row[0] for row in shop.query("SELECT id FROM orders")]


def backfill(shop: MovingShop, *more: str, since: str = "2026-10-31") -> dict[str, int]:
    done = shop.command("backfill", "--since", since, "--json", *more)
    assert done.code == 0, done.err
    found: dict[str, int] = json.loads(done.out)
    shop.pass_time(60 * DAY, step=60 * DAY)  # commands are on the machine's clock, which is ahead
    return found


def test_old_sales_are_recorded_and_not_shipped(shop: MovingShop) -> None:
    ids = sold(shop)
    waiting = shop.stripe.sell(pay="later")["id"]
    installed(shop)
    found = backfill(shop)
    assert (found["sales"], found["new"]) == (11, 11)
    assert Counter(recorded(shop)) == Counter([*ids, waiting])
    assert shop.rows() == []
    assert len(json.loads(shop.command("orders", "--json", "--state", "paid").out)) == 10


def test_it_is_asked_again_and_finds_only_what_is_new(shop: MovingShop) -> None:
    sold(shop)
    installed(shop)
    assert backfill(shop)["new"] == 10
    again = backfill(shop)
    assert (again["days"], again["new"]) == (0, 0)


def test_it_goes_on_where_it_was_stopped(shop: MovingShop, stripe: FakeStripe) -> None:
    ids = sold(shop)
    installed(shop)
    hub = shop.hub
    assert hub is not None
    assert hub.stripe is not None
    began = START - 86_400_000
    left = days(hub.database, began, shop.clock.now(), act=False)
    for day in left[:3]:
        take_over(hub.stripe, hub.database, shop.clock, [""], began, day, act=False)
    stripe.fail(503, on="/v1/checkout/sessions")
    stopped = shop.command("backfill", "--since", "2026-11-01")
    assert (stopped.code, "goes on from here" in stopped.err) == (2, True)
    assert backfill(shop, since="2026-11-01")["days"] == len(left) - 3
    assert Counter(recorded(shop)) == Counter(ids)


def test_asked_to_the_rules_act_on_them_once_also_after_they_were_only_recorded(shop: MovingShop) -> None:
    ids = sold(shop)
    installed(shop)
    backfill(shop)
    for _ in range(2):
        backfill(shop, "--act", "--yes")
    assert Counter(row["Order"] for row in shop.rows()) == Counter(ids)


def test_what_happens_later_to_an_old_sale_is_known_and_a_late_webhook_does_not_ship_it(shop: MovingShop) -> None:
    ids = sold(shop)
    waiting = shop.stripe.sell(pay="later")["id"]
    installed(shop)
    backfill(shop)
    shop.stripe.resend(shop.stripe.events("checkout.session.completed")[0].id)
    shop.stripe.refund(shop.stripe.session(ids[0])["payment_intent"])
    shop.deliver()
    assert ([row["Order"] for row in shop.rows("refunds.csv")], shop.rows()) == ([ids[0]], [])
    shop.clock.advance(DAY)
    shop.stripe.money_arrives(waiting)
    shop.deliver()
    assert [row["Order"] for row in shop.rows()] == [waiting], "its money came when the hub was there"


def test_a_day_that_the_hub_was_already_there_is_not_a_matter_of_backfill(shop: MovingShop) -> None:
    installed(shop)
    done = shop.command("backfill", "--since", "1d")
    assert (done.code, "nothing before that" in done.err) == (1, True)
