"""``hub dev stripe`` beside ``hub serve``: two real processes, a person's clicks, and what becomes of them."""

from __future__ import annotations

import re
from pathlib import Path

from tests.e2e import sales
from tests.e2e.shop import SHOP, Shop, eventually, opened

RULES = (
    SHOP
    + """
connections:
  orders: {type: spreadsheet, file: orders.csv}
rules:
  - name: Row
    when: order paid
    do:
      - spreadsheet.add_row:
          connection: orders
          columns: {Order: "{{ order.id }}", SKUs: "{{ order.skus | join(' ') }}", Total: "{{ order.total }}"}
"""
)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def click(base: str, path: str, form: str) -> sales.Answer:
    return sales.call("POST", f"{base}{path}", form.encode(), FORM)


def started(shop: Shop) -> str:
    """The fake's address; the shop's settings name it from then on."""
    shop.start("dev", "stripe", "--port", "0")
    eventually("the fake says where it is", lambda: "Ctrl-C" in shop.log)
    for name, value in re.findall(r"^  (STRIPE_\w+)=(\S+)$", shop.log, re.M):
        shop.settings[name] = value
    return shop.settings["STRIPE_API_BASE"]


def test_what_is_sold_on_the_page_is_fulfilled_by_the_hub(tmp_path: Path) -> None:
    with opened(tmp_path, RULES) as shop:
        base = started(shop)
        shop.serve()
        click(base, "/_fake/do", "do=sell&name=Tea&sku=TEA-1&amount=1250&pay=card")
        eventually("the row is there", lambda: len(shop.rows()) == 1)
        assert (shop.rows()[0]["SKUs"], shop.rows()[0]["Total"]) == ("TEA-1", "12.50")

        click(base, "/_fake/do", "do=sell&name=Jar&sku=JAR-1&amount=900&pay=open")
        page = sales.call("GET", base + "/").body.decode()
        (path,) = re.findall(rf'href="{base}(/c/pay/cs_test_\w+)"', page)
        assert "9.00" in sales.call("GET", base + path).body.decode()
        assert "declined" in click(base, path, "do=fail").body.decode()
        paid = click(base, path, "do=pay&name=Ana&email=ana%40example.com")
        session = path.rpartition("/")[2]
        assert (paid.status, paid.headers["location"]) == (303, f"{shop.base}/thanks?session_id={session}")
        eventually("the second row is there", lambda: shop.row_of(session))
        assert "closed" in sales.call("GET", base + path).body.decode()


def test_a_debit_is_a_row_only_when_its_money_arrives(tmp_path: Path) -> None:
    with opened(tmp_path, RULES) as shop:
        base = started(shop)
        shop.serve()
        click(base, "/_fake/do", "do=sell&name=Tea&sku=TEA-1&amount=1250&pay=later")
        eventually("the order is known", lambda: shop.listed("orders"))
        (order,) = shop.listed("orders")
        assert (order["state"], shop.rows()) == ("awaiting_payment", [])
        assert "money arrives" in sales.call("GET", base + "/").body.decode()
        click(base, "/_fake/do", f"do=money+arrives&id={order['id']}")
        eventually("the row is there", lambda: shop.row_of(order["id"]))


def test_a_taken_port_is_said_in_a_sentence(tmp_path: Path) -> None:
    with opened(tmp_path, RULES) as shop:
        base = started(shop)
        refused = shop.hub("dev", "stripe", "--port", base.rpartition(":")[2])
        assert (refused.code, "cannot be used" in refused.err) == (2, True)
