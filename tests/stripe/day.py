"""A day at a shop, simulated: sessions of all kinds, webhooks lost, doubled and shuffled, the hub down for six hours.

``make test`` runs a small day, ``python -m bench day`` one with 5,000 sessions. Both sides stand on one moving clock.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from hub.testing.events import Buyer, Item
from hub.testing.stripe import FakeStripe
from hub.testing.stripe.books import Json
from tests.e2e.shop import SHOP
from tests.stripe.moving import START, MovingShop

HOUR = 3600
ITEMS = (
    Item("Blue mug", "MUG-01", 2450, 1),
    Item("Harbour poster", "POSTER-A2", 3900, 1),
    Item("Beeswax candle", "CANDLE-S", 1250, 1),
    Item("Gift card", "GIFT-25", 2500, 1),
)
#: How sessions end, of a thousand.
KINDS = {"card": 700, "later": 110, "free": 40, "subscription": 50, "setup": 20, "abandoned": 60, "left open": 20}
STOCK = 1_000_000
RULES = (
    SHOP
    + """
connections:
  orders: {type: spreadsheet, file: orders.csv}
  refunds: {type: spreadsheet, file: refunds.csv}
  undone: {type: spreadsheet, file: undone.csv}
  disputes: {type: spreadsheet, file: disputes.csv}
rules:
  - name: Row
    when: order paid
    do:
      - spreadsheet.add_row:
          connection: orders
          columns: {Order: "{{ order.id }}", Total: "{{ order.total }}", Pieces: "{{ order.item_count }}"}
  - name: Stock
    when: order paid
    for_each: order.items
    do:
      - inventory.decrease: {sku: "{{ item.sku }}", by: "{{ item.quantity }}"}
  - name: Refund
    when: order refunded
    do:
      - spreadsheet.add_row:
          connection: refunds
          columns: {Order: "{{ order.id }}", Refund: "{{ refund.id }}", Amount: "{{ refund.amount }}"}
  - name: Refund came back
    when: refund failed
    do:
      - spreadsheet.add_row: {connection: undone, columns: {Order: "{{ order.id }}", Refund: "{{ refund.id }}"}}
  - name: Dispute
    when: dispute opened
    do:
      - spreadsheet.add_row: {connection: disputes, columns: {Order: "{{ order.id }}", Dispute: "{{ dispute.id }}"}}
"""
)


@dataclass(frozen=True)
class Day:
    """What is to be simulated; shares from 0 to 1, ``down`` in hours of the day, ``step`` in seconds."""

    sessions: int
    seed: int = 2026
    step: int = 300
    lost: float = 0.10
    doubled: float = 0.10
    refunds: float = 0.02
    disputes: float = 0.01
    down: tuple[int, int] = (9, 15)
    late_seconds: float = 240
    late_share: float = 0.10


class Simulation:
    """The buyers of a day, the bank, and the hub that must keep up. ``shop``: its hub not started yet."""

    def __init__(self, shop: MovingShop, day: Day) -> None:
        self._shop = shop
        self._stripe: FakeStripe = shop.stripe
        self._day = day
        self._chance = random.Random(day.seed)
        self._debts: list[tuple[float, str]] = []  #: when the money of a debit is decided
        self._pending: list[tuple[float, str]] = []  #: when a pending refund is decided
        self._unclosed: list[str] = []  #: open disputes

    def run(self) -> None:
        """The whole day and what is still to come of it; ends with everything told, polled and done."""
        day, office = self._day, self._stripe.office
        office.lost, office.doubled, office.shuffled = day.lost, day.doubled, True
        self._stripe.late(day.late_seconds, day.late_share)
        self._shop.up()
        self._shop.set_stock({item.sku: STOCK for item in ITEMS})
        steps = 24 * HOUR // day.step
        for step in range(steps):
            self._sleep_or_wake(step * day.step / HOUR)
            begin, end = step * day.sessions // steps, (step + 1) * day.sessions // steps
            for _ in range(end - begin):
                self._session()
            self._bank(step * day.step)
            self._shop.pass_time(day.step, step=day.step)
        self._bank(float("inf"))
        self._shop.pass_time(2 * HOUR, step=day.step)

    def _sleep_or_wake(self, hour: float) -> None:
        start, end = self._day.down
        is_up = self._shop.hub is not None
        if start <= hour < end and is_up:
            self._shop.down()
        elif not start <= hour < end and not is_up:
            self._shop.up()

    def _session(self) -> None:
        kind = self._chance.choices(list(KINDS), list(KINDS.values()))[0]
        items = [self._item() for _ in range(self._chance.choice([1, 1, 1, 2, 3, 12]))]
        buyer = Buyer(name=f"Buyer {self._chance.randrange(10**6)}", email="buyer@example.com")
        if kind == "left open":
            self._stripe.open(*items)
        elif kind == "abandoned":
            self._stripe.expire(self._stripe.open(*items)["id"], recovery=True)
        elif kind in {"subscription", "setup"}:
            trial = self._chance.choice([0, 0, 14])
            self._stripe.sell(*items, mode=kind, buyer=buyer, trial_days=trial)
        else:
            session = self._stripe.sell(*items, pay=kind, buyer=buyer)
            self._afterwards(session, kind)

    def _item(self) -> Item:
        item = self._chance.choice(ITEMS)
        return Item(item.name, item.sku, item.unit_amount, self._chance.choice([1, 1, 2, 5]))

    def _afterwards(self, session: Json, kind: str) -> None:
        if kind == "later":
            self._debts.append((self._shop.passed + self._chance.uniform(1, 20) * HOUR, session["id"]))
        if kind != "card":
            return
        if self._chance.random() < self._day.refunds:
            amount = self._chance.choice([None, session["amount_total"] // 3])
            status = self._chance.choice(["succeeded", "succeeded", "pending"])
            refund = self._stripe.refund(session["id"], amount, status)
            if status == "pending":
                self._pending.append((self._shop.passed + 4 * HOUR, refund["id"]))
        if self._chance.random() < self._day.disputes:
            self._unclosed.append(self._stripe.dispute(session["id"])["id"])

    def _bank(self, until: float) -> None:
        """Debits and refunds that are decided by now; a dispute now and then."""
        for _, session_id in _due(self._debts, until):
            if self._chance.random() < 0.15:
                self._stripe.money_fails(session_id)
            else:
                self._stripe.money_arrives(session_id)
        for _, refund_id in _due(self._pending, until):
            self._stripe.settle_refund(refund_id, self._chance.choice(["succeeded", "failed"]))
        if self._unclosed and self._chance.random() < 0.2:
            self._stripe.close_dispute(self._unclosed.pop(), self._chance.choice(["won", "lost"]))


def _due(waiting: list[tuple[float, str]], until: float) -> list[tuple[float, str]]:
    due = [one for one in waiting if one[0] <= until]
    waiting[:] = [one for one in waiting if one[0] > until]
    return due


@dataclass(frozen=True)
class Account:
    """What one side says: paid sessions, refunds, failed refunds and disputes, each with how often; pieces by SKU."""

    paid: Counter[str]
    refunds: Counter[str]
    undone: Counter[str]
    disputes: Counter[str]
    pieces: Counter[str]


def of_stripe(stripe: FakeStripe) -> Account:
    """What the fake's books say: everything once."""
    paid = [
        one["id"]
        for one in stripe.sessions()
        if one["status"] == "complete" and one["payment_status"] != "unpaid" and one["mode"] != "setup"
    ]
    pieces: Counter[str] = Counter()
    for session in paid:
        for line in stripe.items(session):
            pieces[str(line["price"]["product"]).removeprefix("prod_")] += line["quantity"]
    refunds = stripe.all("refund")
    return Account(
        paid=Counter(paid),
        refunds=Counter(one["id"] for one in refunds if one["status"] == "succeeded"),
        undone=Counter(one["id"] for one in refunds if one["status"] == "failed"),
        disputes=Counter(one["id"] for one in stripe.all("dispute")),
        pieces=pieces,
    )


def of_hub(shop: MovingShop) -> Account:
    """What the hub's connectors did."""
    stock = shop.stock()
    return Account(
        paid=Counter(row["Order"] for row in shop.rows()),
        refunds=Counter(row["Refund"] for row in shop.rows("refunds.csv")),
        undone=Counter(row["Refund"] for row in shop.rows("undone.csv")),
        disputes=Counter(row["Dispute"] for row in shop.rows("disputes.csv")),
        pieces=Counter({sku: STOCK - left for sku, left in stock.items() if left != STOCK}),
    )


@dataclass(frozen=True)
class Report:
    """How the day ended: both sides' accounts, and what ``hub reconcile --json`` says."""

    stripe: Account
    hub: Account
    reconciled: Json
    posts: int
    requests: int
    lost: int  #: events that no webhook told, for good
    polled: int  #: events in the journal that polling found

    @property
    def agrees(self) -> bool:
        """Whether both sides tell the same, and reconciliation finds everything paid complete and nothing else."""
        paid = len(self.stripe.paid)
        found = {name: self.reconciled[name] for name in ("paid", "complete", "open", "missing", "extra")}
        said = {"paid": paid, "complete": paid, "open": 0, "missing": 0, "extra": 0}
        return self.stripe == self.hub and found == said

    @property
    def told(self) -> str:
        """How the hub came to know."""
        return (
            f"{self.posts} webhooks posted, {self.lost} events never told by one, {self.polled} found by polling, "
            f"{self.requests} requests to Stripe"
        )

    def in_words(self) -> str:
        lines = []
        for name in ("paid", "refunds", "undone", "disputes", "pieces"):
            ours, theirs = getattr(self.hub, name), getattr(self.stripe, name)
            lines.append(f"  {name:<10} stripe {theirs.total()}, hub {ours.total()}, the same: {ours == theirs}")
        shown = {name: self.reconciled[name] for name in ("paid", "complete", "open", "missing", "extra")}
        return "\n".join([*lines, f"  reconcile  {shown}", f"  {self.told}"])


def simulated(folder: Path, day: Day) -> Report:
    """The day, begun so that it ends now: then the real ``hub reconcile`` looks back at it."""
    shop = prepared(folder, start=(int(time.time()) - 27 * HOUR) * 1000)
    try:
        Simulation(shop, day).run()
        done = shop.command("reconcile", "--since", "2d", "--json")
        assert done.out, done
        return Report(
            stripe=of_stripe(shop.stripe),
            hub=of_hub(shop),
            reconciled=done.json,
            posts=len(shop.stripe.posted),
            requests=len(shop.stripe.calls),
            lost=sum(bool(record.waiting) for record in shop.stripe.events()),
            polled=shop.count("SELECT count(*) FROM events WHERE source = 'poll'"),
        )
    finally:
        shop.close()


def prepared(folder: Path, start: int = START) -> MovingShop:
    """A shop for a day, its hub not started; only what its rules need is sent to it, as ``hub connect`` sets it up."""
    shop = MovingShop(folder, RULES, start=start)
    shop.endpoint.events[:] = [
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
        "checkout.session.expired",
        "charge.refunded",
        "refund.created",
        "refund.updated",
        "refund.failed",
        "charge.dispute.created",
        "charge.dispute.closed",
    ]
    return shop
