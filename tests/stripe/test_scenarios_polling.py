"""Scenarios 14 and 25 to 29 of docs/scenarios.md: sales whose webhooks never came, and one told in every way."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from hub.testing.faults import Fault
from hub.testing.stripe import FakeStripe
from tests.e2e import sales
from tests.e2e.peers import Sink
from tests.e2e.shop import SHOP, eventually, opened
from tests.stripe.moving import MovingShop, moving

HOUR, DAY = 3600, 86_400
ROW = (
    SHOP
    + """
connections:
  orders: {type: spreadsheet, file: orders.csv}
rules:
  - name: Row
    when: order paid
    do:
      - spreadsheet.add_row: {connection: orders, columns: {Order: "{{ order.id }}", Total: "{{ order.total }}"}}
"""
)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[MovingShop]:
    with moving(tmp_path, ROW) as shop:
        shop.deliver()
        yield shop


def once(shop: MovingShop) -> Counter[str]:
    return Counter(row["Order"] for row in shop.rows())


def test_25_after_four_days_without_an_endpoint_polling_finds_the_sales(shop: MovingShop) -> None:
    shop.down()
    sold = []
    for _ in range(4):
        sold.append(shop.stripe.sell()["id"])
        shop.pass_time(DAY, step=HOUR)
    waiting = shop.stripe.sell(pay="later")["id"]
    shop.pass_time(DAY, step=HOUR)
    assert shop.stripe.office.next_due() is None, "Stripe has given up"
    shop.up()
    shop.pass_time(2 * HOUR)
    assert once(shop) == Counter(sold)
    shop.stripe.money_arrives(waiting)
    shop.pass_time(HOUR)
    assert once(shop) == Counter([*sold, waiting])


def test_25_after_31_days_the_gap_is_told_and_reconciliation_finds_the_sales(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with moving(tmp_path, ROW, start=(int(time.time()) - 31 * DAY - 600) * 1000) as shop:  # it ends now
        shop.down()
        sold = shop.stripe.sell()["id"]
        shop.pass_time(31 * DAY, step=DAY)
        shop.up()
        shop.pass_time(600)
        assert "events are lost" in capsys.readouterr().out
        assert shop.rows() == []
        found = shop.command("reconcile", "--since", "40d", "--json")
        assert (found.code, found.json["paid"], found.json["missing"]) == (1, 1, 1)
        shop.command("reconcile", "--since", "40d", "--heal")
        shop.pass_time(1200)
        assert once(shop) == Counter([sold])
        assert shop.command("reconcile", "--since", "40d", "--json").json["complete"] == 1


def test_26_an_event_that_the_list_shows_late_is_found(shop: MovingShop) -> None:
    shop.stripe.office.lost = 1.0
    sold = []
    for late in (0, 540, 0, 420, 0):
        shop.stripe.late(late)
        sold.append(shop.stripe.sell()["id"])
        shop.pass_time(60, step=60)
    shop.pass_time(HOUR)
    assert once(shop) == Counter(sold)


def test_27_more_events_than_a_page_since_the_last_poll_are_all_found(shop: MovingShop) -> None:
    shop.stripe.office.lost = 1.0
    sold = [shop.stripe.sell()["id"] for _ in range(250)]
    shop.pass_time(HOUR)
    assert once(shop) == Counter(sold)


@pytest.mark.parametrize("fault", [500, Fault.TOO_MANY, Fault.DROP])
def test_27_a_page_of_events_that_fails_skips_nothing(shop: MovingShop, fault: Fault | int) -> None:
    shop.stripe.office.lost = 1.0
    sold = [shop.stripe.sell()["id"] for _ in range(250)]
    for _ in range(3):
        shop.stripe.fail(Fault.NONE, fault, on="/v1/events")
        shop.pass_time(300, step=300)
    shop.pass_time(HOUR)
    assert once(shop) == Counter(sold)


def test_29_a_day_without_a_hub_in_test_mode_outlasts_stripes_three_retries(shop: MovingShop) -> None:
    shop.down()
    sold = [shop.stripe.sell()["id"] for _ in range(3)]
    shop.pass_time(DAY, step=HOUR)
    tries = Counter(one.event_id for one in shop.stripe.posted if one.status == 0)
    assert set(tries.values()) == {4}
    shop.up()
    shop.pass_time(HOUR)
    assert once(shop) == Counter(sold)


def test_14_one_sale_told_in_every_way_there_is_is_fulfilled_once(tmp_path: Path, sink: Sink) -> None:
    rules = f"""
connections: {{carrier: {{type: http, base_url: "{sink.base}", allow_private: yes}}}}
rules:
  - name: Parcel
    when: order paid
    do: [{{http.request: {{url: /parcels, json: {{order: "{{{{ order.id }}}}"}}}}}}]
"""
    with (
        FakeStripe() as stripe,
        opened(
            tmp_path,
            SHOP + rules,
            STRIPE_API_KEY=stripe.key,
            STRIPE_API_BASE=stripe.url,
            STRIPE_POLL_SECONDS="1",
        ) as shop,
    ):
        shop.serve()
        secret = shop.settings["STRIPE_WEBHOOK_SECRET"]
        stripe.add_endpoint(shop.webhooks, secret=secret)
        stripe.add_endpoint(shop.webhooks, ["v1.checkout.session.*"], thin=True, secret=secret)
        stripe.office.doubled = 1.0
        order = stripe.sell()["id"]
        with ThreadPoolExecutor(8) as ways:
            doing: list[Future[Any]] = [
                ways.submit(shop.hub, "poll"),
                ways.submit(shop.hub, "reconcile", "--since", "1d", "--heal"),
                ways.submit(shop.hub, "fulfil", order),
                *(ways.submit(sales.call, "GET", f"{shop.base}/thanks?session_id={order}") for _ in range(5)),
            ]
        for one in doing:
            one.result()
        eventually("the parcel is ordered", lambda: sink.calls)
        assert shop.hub("reconcile", "--since", "1d", "--heal").code == 0
        shop.settle()
        assert [call.json["order"] for call in sink.calls] == [order]


def test_polling_while_idle_costs_one_request_an_interval_and_stays_within_stripes_allowance(shop: MovingShop) -> None:
    """Stripe allows 10,000 reads a month at least: https://docs.stripe.com/rate-limits."""
    before = len(shop.stripe.calls)
    shop.pass_time(4 * HOUR, step=300)
    asked = [call.path for call in shop.stripe.calls[before:]]
    assert set(asked) == {"/v1/events"}
    assert len(asked) <= 4 * HOUR // 300 + 1
    assert len(asked) * 6 * 30 < 10_000
