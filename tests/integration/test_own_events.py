"""What happens in the hub itself fires rules as Stripe's events do, and once."""

from __future__ import annotations

from collections.abc import Callable

from hub import own_events
from hub.store import codes, journal, orders, stock
from hub.store.database import Connection
from hub.testing.events import Sale
from tests.integration.shop import TestShop

OpenShop = Callable[..., TestShop]
RULES = """
rules:
  - name: Stock
    when: order paid
    do:
      - inventory.decrease: {sku: MUG, by: 2}
  - name: Low
    when: stock low
    do:
      - far.post: {text: "{{ stock.sku }} low: {{ stock.left }} of {{ stock.low_at }}"}
  - name: Gone
    when: stock sold out
    do:
      - far.post: {text: "{{ stock.sku }} gone"}
  - name: Sent
    when: order shipped
    do:
      - far.post: {text: "{{ order.id }} for {{ customer.name }} by {{ shipment.carrier }}: {{ order.item_count }}"}
"""


def count(shop: TestShop, pieces: int, low_at: int | None = None) -> None:
    def write(connection: Connection) -> None:
        stock.set_on_hand(connection, {"MUG": pieces}, now=shop.clock.now())
        if low_at is not None:
            stock.set_low_at(connection, "MUG", low_at)

    shop.hub.database.write(write).result()


def test_stock_that_runs_low_and_out_is_told_once_each_time(open_shop: OpenShop) -> None:
    shop = open_shop(RULES)
    count(shop, 6, low_at=3)
    first = shop.sell()
    shop.work()
    assert shop.far.texts() == []
    shop.sell()
    shop.work()
    assert shop.far.texts() == ["MUG low: 2 of 3"]
    shop.sell(id=first)
    shop.work()
    assert shop.far.texts() == ["MUG low: 2 of 3"], "an order that is told again moves nothing"
    shop.sell()
    shop.work()
    assert shop.far.texts() == ["MUG low: 2 of 3", "MUG gone"]
    count(shop, 4)
    shop.sell()
    shop.work()
    assert shop.far.texts() == ["MUG low: 2 of 3", "MUG gone", "MUG low: 2 of 3"], "filled up, and low again"


def test_a_sale_that_the_stock_does_not_allow_is_no_event(open_shop: OpenShop) -> None:
    shop = open_shop(RULES)
    count(shop, 1, low_at=0)
    shop.sell()
    shop.work()
    assert shop.far.texts() == []
    assert shop.states() == ["dead"]


def test_what_a_person_counts_may_be_low_too(open_shop: OpenShop) -> None:
    shop = open_shop(RULES)
    count(shop, 6, low_at=3)
    count(shop, 0)
    shop.work()
    assert sorted(shop.far.texts()) == ["MUG gone", "MUG low: 0 of 3"]


def test_stock_is_told_of_with_either_kind_of_key(open_shop: OpenShop) -> None:
    shop = open_shop(RULES, STRIPE_API_KEY="rk_test_" + "a" * 24)
    count(shop, 3, low_at=1)
    shop.sell(Sale(), livemode=False)
    count(shop, 0)
    shop.work()
    assert "MUG gone" in shop.far.texts()


CODES = """
rules:
  - name: Codes
    when: order paid
    do:
      - codes.take: {pool: keys}
  - name: Low
    when: codes low
    do:
      - far.post: {text: "{{ codes.pool }}: {{ codes.left }} left"}
"""


def fill(shop: TestShop, *new: str) -> None:
    shop.hub.database.write(lambda connection: codes.add(connection, "keys", new, shop.clock.now())).result()


def test_a_pool_is_low_once_until_it_is_filled(open_shop: OpenShop) -> None:
    shop = open_shop(CODES)
    fill(shop, "A", "B", "C", "D")
    shop.hub.database.write(lambda connection: codes.set_low_at(connection, "keys", 2)).result()
    told = []
    for _ in range(4):
        shop.sell()
        shop.work()
        told.append(len(shop.far.texts()))
    assert told == [0, 1, 1, 1]
    assert shop.far.texts() == ["keys: 2 left"]
    fill(shop, "E", "F", "G")
    shop.sell()
    shop.work()
    assert len(shop.far.texts()) == 2


def ship(shop: TestShop, order_id: str, part: int = 1) -> bool:
    """Marks an order as shipped; whether that was news."""

    def write(connection: Connection) -> bool:
        found = orders.find_all(connection, [order_id])[0]
        sent = own_events.order_shipped(
            found, carrier="DHL", tracking_number="1Z", tracking_url=None, now=shop.clock.now(), part=part
        )
        return not journal.append(connection, [sent], shop.clock.now())[0].duplicate

    return shop.hub.database.write(write).result()


def test_an_order_is_shipped_once_with_all_that_is_known_of_it(open_shop: OpenShop) -> None:
    shop = open_shop(RULES.replace("name: Stock\n    when: order paid", "name: Stock\n    when: payment failed"))
    sale = Sale()
    order = shop.sell(sale)
    shop.work()
    assert ship(shop, order)
    shop.clock.advance(60)
    assert not ship(shop, order), "a second click"
    shop.work()
    assert len(shop.far.texts()) == 1
    assert shop.far.texts()[0].startswith(f"{order} for ")
    assert ": " in shop.far.texts()[0]
    assert not shop.far.texts()[0].endswith(": 0")
    assert ship(shop, order, part=2)
    shop.work()
    assert len(shop.far.texts()) == 2, "a second parcel"


def test_overselling_is_held_unless_the_rule_allows_it(open_shop: OpenShop) -> None:
    shop = open_shop(RULES.replace("by: 2", "by: 2, oversell: allow"))
    count(shop, 1, low_at=0)
    shop.sell()
    shop.work()
    assert [one.on_hand for one in shop.hub.database.read(stock.items)] == [-1]
    shop.sell()
    shop.work()
    assert [one.on_hand for one in shop.hub.database.read(stock.items)] == [-3]
    assert sorted(shop.far.texts()) == ["MUG gone", "MUG low: -1 of 0"], "once, when it went"
