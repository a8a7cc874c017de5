"""What is fetched from Stripe's API, a peer over HTTP here: line items, and the sessions behind thin events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.checkout.enrich import StripeObjects
from tests.e2e import sales
from tests.e2e.peers import Call, Reply, Stripe, stripe_error
from tests.e2e.sales import line, session
from tests.e2e.shop import SHOP, Shop, eventually, opened

KEY = "rk_test_e2e_51readonly"
RULES = (
    SHOP
    + """
connections:
  orders: {type: spreadsheet, file: orders.csv}
  plain: {type: spreadsheet, file: plain.csv}
rules:
  - name: Row with items
    when: order paid
    do:
      - spreadsheet.add_row:
          connection: orders
          columns:
            Order: "{{ order.id }}"
            Pieces: "{{ order.item_count }}"
            SKUs: "{{ order.skus | join(' ') }}"
  - name: Row without items
    when: order paid
    do:
      - spreadsheet.add_row: {connection: plain, columns: {Order: "{{ order.id }}", Total: "{{ order.total }}"}}
  - name: Stock
    when: order paid
    for_each: order.items
    do:
      - inventory.decrease: {sku: "{{ item.sku }}", by: "{{ item.quantity }}"}
"""
)


@pytest.fixture(scope="module")
def module_stripe() -> Iterator[Stripe]:
    peer = Stripe()
    with peer.open():
        yield peer


@pytest.fixture(scope="module")
def module_shop(tmp_path_factory: pytest.TempPathFactory, module_stripe: Stripe) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("fetching")
    with opened(folder, RULES, STRIPE_API_KEY=KEY, STRIPE_API_BASE=module_stripe.base) as shop:
        shop.serve()
        for sku in ("MUG-01", "POSTER-02"):
            assert shop.hub("stock", "set", sku, "100000").code == 0
        yield shop


@pytest.fixture
def api(module_stripe: Stripe) -> Iterator[Stripe]:
    """Stripe's API, answering as it should at the beginning and the end of each test."""
    yield module_stripe
    module_stripe.plan = lambda _call: None


@pytest.fixture
def shop(module_shop: Shop, api: Stripe) -> Shop:  # noqa: ARG001 -- whoever asks for the shop gets a healthy API
    return module_shop


def row_with_items(shop: Shop, order: str, seconds: float = 30) -> dict[str, str]:
    eventually("the row with items is there", lambda: shop.row_of(order), seconds)
    (row,) = shop.row_of(order)
    return row


@pytest.mark.parametrize("count", [1, 10, 11, 100, 101, 250])
def test_27_all_line_items_are_fetched_however_many_pages_they_take(shop: Shop, api: Stripe, count: int) -> None:
    items = [line("MUG-01", quantity=2) for _ in range(count - 1)] + [line("POSTER-02")]
    before = shop.stock()
    order = shop.sell(api.know(session(*items), *items))
    row = row_with_items(shop, order)
    assert (row["Pieces"], row["SKUs"].split().count("POSTER-02")) == (str(2 * (count - 1) + 1), 1)
    eventually("all of them left the stock", lambda: shop.stock()["MUG-01"] == before["MUG-01"] - 2 * (count - 1))


def test_line_items_are_fetched_once_for_a_session_whatever_needs_them(shop: Shop, api: Stripe) -> None:
    obj = api.know(session(), line("MUG-01"))
    for _ in range(3):
        shop.sell(obj)
    row_with_items(shop, obj["id"])
    shop.settle()
    assert len(api.asked(obj["id"])) == 1


def test_line_items_that_an_event_carries_are_used_as_they_are(shop: Shop, api: Stripe) -> None:
    order = shop.sell(session(line("MUG-01", quantity=7)))
    assert row_with_items(shop, order)["Pieces"] == "7"
    assert api.asked(order) == []


def test_line_items_of_which_the_event_carries_only_the_first_page_are_fetched(shop: Shop, api: Stripe) -> None:
    items = [line("MUG-01") for _ in range(12)]
    obj = api.know(session(*items), *items)
    order = shop.sell(obj | {"line_items": sales.lines(*items[:10], has_more=True)})
    assert row_with_items(shop, order)["Pieces"] == "12"


@pytest.mark.parametrize("status", [429, 500, 503])
def test_30_a_fetch_that_fails_for_a_while_delays_the_order_and_loses_nothing(
    shop: Shop, api: Stripe, status: int
) -> None:
    obj = api.know(session(), line("MUG-01", 3))
    refused: list[Call] = []

    def plan(call: Call) -> Reply | None:
        if obj["id"] not in call.path or len(refused) >= 2:
            return None
        refused.append(call)
        return stripe_error(status)

    api.plan = plan
    order = shop.sell(obj)
    eventually("the rule that needs no items does not wait", lambda: shop.row_of(order, "plain.csv"))
    assert row_with_items(shop, order, 60)["Pieces"] == "3"
    assert len(refused) == 2


def test_30_an_answer_that_never_comes_is_given_up_and_asked_again(shop: Shop, api: Stripe) -> None:
    obj = api.know(session(), line("MUG-01", 4))
    hung: list[Call] = []

    def plan(call: Call) -> Reply | None:
        if obj["id"] not in call.path or hung:
            return None
        hung.append(call)
        return Reply(drop=True)

    api.plan = plan
    order = shop.sell(obj)
    assert row_with_items(shop, order, 60)["Pieces"] == "4"


def test_27_a_second_page_that_fails_makes_no_half_order(shop: Shop, api: Stripe) -> None:
    items = [line("MUG-01") for _ in range(150)]
    obj = api.know(session(), *items)
    refused: list[Call] = []

    def plan(call: Call) -> Reply | None:
        if obj["id"] not in call.path or "starting_after" not in call.path or refused:
            return None
        refused.append(call)
        return stripe_error(500)

    api.plan = plan
    order = shop.sell(obj)
    assert row_with_items(shop, order, 60)["Pieces"] == "150"
    assert refused


@pytest.mark.parametrize("status", [401, 403, 404])
def test_30_an_order_that_stripe_will_not_show_is_kept_and_says_why(shop: Shop, api: Stripe, status: int) -> None:
    obj = api.know(session(), line("MUG-01"))
    api.plan = lambda call: stripe_error(status) if obj["id"] in call.path else None
    event = sales.event(obj)
    assert shop.send(event).status == 200
    eventually("the rule that needs no items has run", lambda: shop.row_of(obj["id"], "plain.csv"))
    eventually("the event says what it waits for", lambda: waiting(shop, event["id"]))
    api.plan = lambda _call: None
    shop.hub("replay", event["id"])
    row_with_items(shop, obj["id"], 90)


def waiting(shop: Shop, event: str) -> str:
    (found,) = [one["waiting"] for one in shop.listed("events") if one["id"] == event]
    return str(found)


def test_22_a_thin_notification_is_resolved_and_makes_one_row(shop: Shop, api: Stripe) -> None:
    obj = session()
    api.know(obj, line("MUG-01", 2))
    assert shop.send(sales.thin(obj)).status == 200
    assert row_with_items(shop, obj["id"])["Pieces"] == "2"
    assert shop.order(obj["id"])["state"] == "paid"


def test_22_a_thin_notification_of_an_unpaid_session_waits_for_the_money(shop: Shop, api: Stripe) -> None:
    obj = session(payment_status="unpaid")
    api.know(obj, line("MUG-01"))
    assert shop.send(sales.thin(obj)).status == 200
    eventually("it is an order", lambda: shop.hub("order", obj["id"]).code == 0)
    assert (shop.order(obj["id"])["state"], shop.row_of(obj["id"])) == ("awaiting_payment", [])
    paid = obj | {"payment_status": "paid"}
    api.know(paid, line("MUG-01"))
    assert shop.send(sales.thin(paid, "v1.checkout.session.async_payment_succeeded")).status == 200
    row_with_items(shop, obj["id"])


def test_13_a_snapshot_and_its_thin_twin_make_one_row(shop: Shop, api: Stripe) -> None:
    obj = session()
    bare = api.know(obj, line("MUG-01"))
    assert shop.send(sales.thin(obj)).status == 200
    shop.sell(bare)
    row_with_items(shop, obj["id"])
    shop.settle()
    assert (len(shop.row_of(obj["id"])), len(shop.row_of(obj["id"], "plain.csv"))) == (1, 1)


def test_33_what_a_connected_account_sold_is_fetched_in_its_name(shop: Shop, api: Stripe) -> None:
    obj = api.know(session(), line("MUG-01"))
    assert shop.send(sales.event(obj, account="acct_1Farm00001")).status == 200
    row_with_items(shop, obj["id"])
    assert {call.headers.get("stripe-account") for call in api.asked(obj["id"])} == {"acct_1Farm00001"}


def test_33_a_thin_event_of_an_organisation_is_fetched_in_its_context(shop: Shop, api: Stripe) -> None:
    obj = session()
    api.know(obj, line("MUG-01"))
    assert shop.send(sales.thin(obj) | {"context": "acct_1Farm00002"}).status == 200
    row_with_items(shop, obj["id"])
    names = {"stripe-context", "stripe-account"}
    assert all(any(call.headers.get(n) == "acct_1Farm00002" for n in names) for call in api.asked(obj["id"]))


@pytest.mark.parametrize(
    ("key", "header"), [("rk_test_e2e_51readonly", "stripe-account"), ("sk_org_test_e2e51", "stripe-context")]
)
def test_33_a_key_of_an_account_asks_in_its_name_and_one_of_an_organisation_in_its_context(
    api: Stripe, key: str, header: str
) -> None:
    obj = api.know(session(), line("MUG-01"))
    StripeObjects(key, api.base).session(obj["id"], "acct_1Farm00003")
    (call,) = api.asked(obj["id"])
    assert {name: value for name, value in call.headers.items() if value == "acct_1Farm00003"} == {
        header: "acct_1Farm00003"
    }


def test_07_a_sale_of_the_other_mode_is_recorded_and_has_no_effects(shop: Shop) -> None:
    obj = session(line("MUG-01"), livemode=True)
    event = sales.event(obj)
    assert shop.send(event).status == 200
    order = shop.sell(session(line("MUG-01")))
    row_with_items(shop, order)
    shop.settle()
    assert (shop.row_of(obj["id"]), shop.row_of(obj["id"], "plain.csv")) == ([], [])
    assert [one["livemode"] for one in shop.listed("events") if one["id"] == event["id"]] == [True]


def test_53_a_burst_of_sales_outlives_429_and_asks_no_more_than_it_must(shop: Shop, api: Stripe) -> None:
    made = [api.know(session(), line("MUG-01")) for _ in range(100)]
    refused: list[Call] = []

    def plan(call: Call) -> Reply | None:
        if len(refused) >= 5:
            return None
        refused.append(call)
        return stripe_error(429)

    start = len(api.calls)
    api.plan = plan
    orders = {shop.sell(obj) for obj in made}
    eventually("all of them have rows", lambda: orders <= {row["Order"] for row in shop.rows()}, 90)
    assert len(refused) == 5
    assert len(api.calls[start:]) <= 100 + len(refused)


def test_51_neither_log_nor_listings_hold_the_api_key(shop: Shop) -> None:
    said = [shop.log, *(json.dumps(shop.listed(what)) for what in ("events", "orders", "deliveries"))]
    assert not [text for text in said if KEY in text or sales.SECRET in text]


def test_without_an_api_key_the_rules_that_need_items_wait_with_the_reason_and_catch_up_with_one(
    tmp_path: Path, stripe_api: Stripe
) -> None:
    obj = stripe_api.know(session(), line("MUG-01", 2))
    with opened(tmp_path, RULES, STRIPE_API_BASE=stripe_api.base) as shop:
        shop.hub("stock", "set", "MUG-01", "10")
        first = shop.serve()
        event = sales.event(obj)
        assert shop.send(event).status == 200
        eventually("the rule that needs no items has run", lambda: shop.row_of(obj["id"], "plain.csv"))
        assert "STRIPE_API_KEY" in waiting(shop, event["id"])
        first.terminate()
        first.wait(15)
        shop.settings["STRIPE_API_KEY"] = KEY
        shop.serve()
        row_with_items(shop, obj["id"])
        shop.settle()
        assert (shop.stock()["MUG-01"], len(shop.row_of(obj["id"], "plain.csv"))) == (8, 1)


def test_a_thin_notification_without_an_api_key_is_kept_until_there_is_one(tmp_path: Path, stripe_api: Stripe) -> None:
    obj = session()
    stripe_api.know(obj, line("MUG-01", 2))
    with opened(tmp_path, RULES, STRIPE_API_BASE=stripe_api.base) as shop:
        first = shop.serve()
        event = sales.thin(obj)
        assert shop.send(event).status == 200
        eventually("the event says what it waits for", lambda: "STRIPE_API_KEY" in waiting(shop, event["id"]))
        first.terminate()
        first.wait(15)
        shop.settings["STRIPE_API_KEY"] = KEY
        shop.serve()
        row_with_items(shop, obj["id"])


def test_a_full_secret_key_draws_a_warning(tmp_path: Path, stripe_api: Stripe) -> None:
    with opened(tmp_path, RULES, STRIPE_API_BASE=stripe_api.base, STRIPE_API_KEY="sk_test_e2e_full") as shop:
        shop.serve()
        assert "restricted" in shop.log
        assert "sk_test_e2e_full" not in shop.log
