"""Sales of connected accounts reach the hub in every way, as the accounts that the rules name."""

from __future__ import annotations

import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.testing.stripe import FakeStripe
from tests.e2e.shop import SHOP, eventually, opened
from tests.stripe.moving import MovingShop, moving

FARM, STRANGER = "acct_1Farm00000001", "acct_1Stranger00001"
RULES = (
    SHOP
    + f"""
accounts: {{farm: {FARM}}}
connections:
  orders: {{type: spreadsheet, file: orders.csv}}
rules:
  - name: Row
    when: order paid
    do:
      - spreadsheet.add_row:
          columns:
            Order: "{{{{ order.id }}}}"
            Of: "{{{{ account.name | default('the shop') }}}}"
            SKUs: "{{{{ order.skus | join(' ') }}}}"
"""
)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[MovingShop]:
    with moving(tmp_path, RULES) as shop:
        for account in (FARM, STRANGER):
            shop.stripe.connect(account)
        shop.deliver()
        yield shop


def rows(shop: MovingShop) -> Counter[tuple[str, str, str]]:
    return Counter((row["Order"], row["Of"], row["SKUs"]) for row in shop.rows())


def test_what_a_connected_account_sold_is_found_by_polling_and_a_strangers_sale_is_not(shop: MovingShop) -> None:
    own, farms = shop.stripe.sell()["id"], shop.stripe.sell(account=FARM)["id"]
    shop.stripe.sell(account=STRANGER)
    shop.pass_time(1200)
    assert rows(shop) == Counter([(own, "the shop", "MUG-01"), (farms, "farm", "MUG-01")])


def test_told_by_a_connect_endpoint_as_well_it_counts_once(shop: MovingShop) -> None:
    shop.stripe.add_endpoint(shop.endpoint.url, connect=True, secret=shop.endpoint.secret)
    farms = shop.stripe.sell(account=FARM)["id"]
    shop.deliver()
    shop.pass_time(2 * 86_400, step=43_200)
    assert rows(shop) == Counter([(farms, "farm", "MUG-01")])
    assert shop.count("SELECT count(*) FROM orders") == 1


def test_reconciliation_heals_what_a_connected_account_sold(shop: MovingShop) -> None:
    shop.stripe.fail(*[500] * 200, on="/v1/events")
    farms = shop.stripe.sell(account=FARM)["id"]
    shop.pass_time(2 * 86_400, step=43_200)
    assert rows(shop) == Counter([(farms, "farm", "MUG-01")])


def test_the_success_page_knows_a_connected_accounts_buyer_and_no_strangers(tmp_path: Path) -> None:
    with FakeStripe() as stripe:
        settings = {"STRIPE_API_KEY": stripe.key, "STRIPE_API_BASE": stripe.url, "STRIPE_POLL_SECONDS": "0"}
        with opened(tmp_path, RULES, **settings) as shop:
            shop.serve()
            for account in (FARM, STRANGER):
                stripe.connect(account)
            farms, strange = stripe.sell(account=FARM)["id"], stripe.sell(account=STRANGER)["id"]

            def page(order: str) -> str:
                with urllib.request.urlopen(f"{shop.base}/thanks?session_id={order}") as answer:
                    text: str = answer.read().decode()
                return text

            assert "49.00 EUR" in page(farms)
            assert "EUR" not in page(strange)
            eventually("its row is there", lambda: shop.row_of(farms))
            assert (shop.row_of(farms)[0]["Of"], shop.row_of(strange)) == ("farm", [])
