"""A day at a small shop: what every page of the console has to show, always the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import quote

from hub.demo import CANDLE, MUG, POSTER
from hub.model import Role
from hub.store import approvals, codes, stock
from hub.store.database import Connection
from hub.testing import events as samples
from hub.testing.events import Buyer, Item, Sale
from hub.web.console.pages import DOORS
from tests.integration.console import Place
from tests.integration.shop import TestShop
from tests.integration.subscribed import MONTH, invoice, subscription, told

NORA = Buyer("Nora Lind", "nora@example.com", "NO", "Oslo", "Storgata 5", "0155", "")
BEN = Buyer("Ben Okafor", "ben@example.com", "DE", "Berlin", "Lindenweg 8", "10115", "")
PRINT = Item("Lighthouse print", "PRINT-A3", 5200, 1)
VOUCHER = Item("Gift voucher", "GIFT-25", 2500, 1)

RULES = """\
# What happens when a customer has paid.

version: 1

shop:
  name: My shop
  timezone: Europe/Berlin
  currency: EUR

connections:
  orders file:
    type: spreadsheet
    file: orders.csv
  slack:
    token: ${SLACK_TOKEN}
    base_url: ${SLACK_API}

rules:
  - name: Every paid order
    when: order paid
    do:
      - spreadsheet.add_row:
          sheet: Orders
          columns:
            Date: "{{ order.paid_at | date }}"
            Order: "{{ order.number }}"
            Customer: "{{ customer.name }}"
            Total: "{{ order.total }}"
      - slack.message:
          channel: "#orders"
          text: "New order {{ order.number }}: {{ order.total | money }} from {{ customer.name }}"

  - name: Take sold items out of stock
    when: order paid
    for_each: order.items
    if: item.sku != "GIFT-25"
    do:
      - inventory.decrease:
          sku: "{{ item.sku }}"
          by: "{{ item.quantity }}"

  - name: Big orders go to support
    when: order paid
    if:
      order.total: over 150 EUR
    do:
      - slack.message:
          channel: "#support"
          text: "Order {{ order.number }}: {{ order.total | money }} from {{ customer.name }}"

  - name: Big orders are looked at first
    when: order paid
    if:
      order.total: over 150 EUR
    do:
      - approve:
          text: "Ship order {{ order.number }} for {{ order.total | money }} to {{ customer.name }}?"
          who: [packer, Mara]

  - name: Gift vouchers
    when: order paid
    for_each: order.items
    if: item.sku == "GIFT-25"
    do:
      - codes.take: {pool: Gift vouchers}
"""

_TO_THE_MORNING = 14 * 3600


@dataclass(frozen=True)
class Sold:
    """A sale of the day, so many minutes after the one before; ``state`` is what Stripe says of it."""

    buyer: Buyer
    items: tuple[Item, ...]
    minutes: int
    paid: bool = True


DAY = (
    Sold(Buyer(), (MUG,), 25),
    Sold(NORA, (POSTER, CANDLE), 70),
    Sold(BEN, (replace(MUG, quantity=6), POSTER), 95),
    Sold(Buyer(), (VOUCHER,), 40),
    Sold(BEN, (MUG,), 130, paid=False),
    Sold(NORA, (replace(CANDLE, quantity=12),), 65),
    Sold(BEN, (PRINT,), 35),
    Sold(Buyer(), (replace(POSTER, quantity=2), MUG), 85),
    Sold(NORA, (replace(MUG, quantity=4),), 30),
)


#: A subscription whose second payment failed: type of event, thing, seconds after the new year.
SUBSCRIBED = (
    ("customer.subscription.created", subscription("box", livemode=True), 0),
    ("invoice.paid", invoice("box", livemode=True), 0),
    ("invoice.payment_failed", invoice("box", 2, livemode=True, status="open"), MONTH),
    ("customer.subscription.updated", subscription("box", livemode=True, status="past_due"), MONTH),
)


class SampleShop(TestShop):
    """A shop whose rules are a whole file."""

    def write_rules(self, rules: str) -> None:
        (self.folder / "rules.yaml").write_text(rules)


def pages(place: Place, ids: list[str]) -> list[str]:
    """Every page that the console has, each of them with something on it; downloads and the stream are none."""
    owner = place.signed_in()
    owner.post("/views", name="Kept back", show="held", shared="yes")
    place.shop.take(*(told(kind, thing, after) for kind, thing, after in SUBSCRIBED))
    place.shop.work()
    of_codes, of_stock = place.shop.hub.database.read(lambda c: (codes.pools(c)[0].name, stock.items(c)[0].sku))
    asked = place.shop.hub.database.read(approvals.waiting)[0]
    token = place.shop.hub.approval_links.link(asked.run_id, "1").rpartition("/")[2]
    found = {"session_id": ids[1], "number": "1", "sku": of_stock, "pool": of_codes, "event_id": f"evt_{2:024x}"}
    found["subscription_id"] = "sub_box"
    found["token"] = token
    paths = [door.path for door in DOORS if door.method == "GET" and not door.path.endswith((".csv", "/live"))]
    return [_asking(re.sub(r"\{(\w+)(:path)?\}", lambda part: quote(found[part[1]]), path)) for path in paths]


def _asking(path: str) -> str:
    """Some pages are about what is asked for."""
    if path.endswith("/run"):
        return f"{path}?rule=Every+paid+order"
    return f"{path}?show=held" if path == "/views" else path


def fill(place: Place, names: Iterator[str] | None = None) -> list[str]:
    """Lets the day pass; returns the ids of its orders. ``names`` are given to the buyers in turn."""
    shop = place.shop
    shop.clock.advance(_TO_THE_MORNING)
    shop.hub.database.write(lambda connection: _stock_up(connection, shop.clock.now())).result()
    ids = []
    for number, sold in enumerate(DAY, 1):
        shop.work(after=sold.minutes * 60)
        ids.append(_sell(shop, number, sold if names is None else _named(sold, next(names))))
        for _ in range(3):
            shop.work(after=2)
    return ids


def _stock_up(connection: Connection, now: int) -> None:
    stock.set_on_hand(connection, {"MUG-01": 40, "POSTER-A2": 5, "CANDLE-S": 60}, now=now)
    stock.set_low_at(connection, "POSTER-A2", 4)
    codes.add(connection, "Gift vouchers", [f"GIFT-25-{number:04}" for number in range(1, 26)], now)


def _sell(shop: TestShop, number: int, sold: Sold) -> str:
    now = shop.clock.now() // 1000
    sale = Sale(
        items=sold.items,
        buyer=sold.buyer,
        payment_status="paid" if sold.paid else "unpaid",
        session_id=f"cs_live_{number:032x}",
        created=now,
    )
    document = samples.session(sale, livemode=True)
    event_id = f"evt_{number:024x}"
    shop.take(samples.event("checkout.session.completed", document, id=event_id, created=now))
    return sale.session_id


def _named(sold: Sold, name: str) -> Sold:
    items = tuple(replace(item, name=name) for item in sold.items)
    return replace(sold, buyer=replace(sold.buyer, name=name, line1=name, city=name), items=items)


def fulfil(place: Place, ids: list[str]) -> None:
    """What people did with the orders until now."""
    packer = place.signed_in(Role.PACKER)
    told = {"carrier": "DHL", "tracking_number": "JJD000390007882"}
    packer.post(f"/orders/{ids[0]}/packed")
    packer.post(f"/orders/{ids[0]}/shipped", part="1", **told)
    packer.post(f"/orders/{ids[1]}/packed")
    packer.post(f"/orders/{ids[5]}/hold")
    packer.post(f"/orders/{ids[1]}/note", text="Asked for no plastic: paper tape.")
