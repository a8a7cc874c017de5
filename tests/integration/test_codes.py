"""Codes from a pool: each given out once, the same one again for the same order, whatever is repeated."""

from __future__ import annotations

from collections.abc import Callable

from hub.store import codes, deciding
from tests.integration.shop import TestShop

OpenShop = Callable[..., TestShop]
RULES = """
rules:
  - name: Licence
    when: order paid
    do:
      - id: licence
        codes.take: {pool: keys}
      - far.post: {text: "{{ steps.licence.code }} ({{ steps.licence.left }} left)"}
"""


def fill(shop: TestShop, *new: str) -> int:
    return shop.hub.database.write(lambda connection: codes.add(connection, "keys", new, shop.clock.now())).result()


def test_every_order_gets_a_code_of_its_own_in_the_order_of_the_file(open_shop: OpenShop) -> None:
    shop = open_shop(RULES)
    assert fill(shop, "A", "B", "C") == 3
    for _ in range(2):
        shop.sell()
    shop.work()
    assert sorted(shop.far.texts()) == ["A (2 left)", "B (1 left)"]
    assert shop.hub.database.read(codes.pools) == [codes.Pool("keys", 1, 2)]


def test_an_order_that_is_told_again_and_planned_again_keeps_its_code(open_shop: OpenShop) -> None:
    shop = open_shop(RULES)
    fill(shop, "A", "B")
    order = shop.sell()
    shop.work()
    shop.sell(id=order)
    shop.work()
    assert shop.far.texts() == ["A (1 left)"]
    taken = shop.hub.database.read(lambda connection: codes.taken(connection, "keys"))
    assert [row.code for row in taken] == ["A"]


def test_an_empty_pool_is_told_and_goes_on_when_it_is_filled(open_shop: OpenShop) -> None:
    shop = open_shop(RULES)
    fill(shop, "A")
    shop.sell()
    shop.sell()
    shop.work()
    assert shop.far.texts() == ["A (0 left)"]
    error = shop.errors()[0]
    assert "“keys” is empty" in error
    assert 'hub codes import "keys" FILE' in error
    assert fill(shop, "A", "B") == 1, "A was there already"
    dead = [line.id for line in shop.deliveries() if line.state == "dead"]
    shop.hub.database.write(lambda connection: deciding.retry(connection, dead, shop.clock.now())).result()
    shop.work()
    assert shop.far.texts() == ["A (0 left)", "B (0 left)"]


def test_a_pool_that_does_not_exist_names_those_that_do(open_shop: OpenShop) -> None:
    shop = open_shop(RULES.replace("pool: keys", "pool: kees"))
    fill(shop, "A")
    shop.sell()
    shop.work()
    error = shop.errors()[0]
    assert "no pool of codes called “kees”. There is: “keys”." in error
