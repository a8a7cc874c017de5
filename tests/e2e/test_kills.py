"""200 sales, each told three times over 16 connections, while processes are killed: every effect once, none missing.

What “once” is depends on the far end. Rows and stock have the hub's own receipt. Slack is looked up when the app may
read the channel; without that right a message may come twice, and only if a kill fell between sending and settling.
"""

from __future__ import annotations

import http.client
import itertools
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e import sales
from tests.e2e.peers import Reply, Slack, Stripe
from tests.e2e.sales import line, session
from tests.e2e.shop import SHOP, Shop, eventually, opened

SALES = 200
STOCK = 5000
SKUS = ("MUG-01", "POSTER-02", "CANDLE-03")
RULES = """
connections:
  orders: {type: spreadsheet, file: THE-FILE}
  slack: {token: "${SLACK_TOKEN}", base_url: "SLACK-API"}
rules:
  - name: Row
    when: order paid
    do:
      - spreadsheet.add_row:
          columns: {Order: "{{ order.id }}", Pieces: "{{ order.item_count }}"}
      - slack.message: {channel: "#orders", text: "Sold {{ order.id }}"}
  - name: Stock
    when: order paid
    for_each: order.items
    do:
      - inventory.decrease: {sku: "{{ item.sku }}", by: "{{ item.quantity }}"}
"""


def rules(slack: Slack, ending: str = "csv") -> str:
    return SHOP + RULES.replace("SLACK-API", slack.api).replace("THE-FILE", f"orders.{ending}")


class Sellers:
    """16 connections that post every event until the hub has taken it, as Stripe would, in random order."""

    def __init__(self, url: str, events: list[sales.Json], seed: int) -> None:
        self.url = url
        self.waiting = [event for event in events for _ in range(3)]
        random.Random(seed).shuffle(self.waiting)
        self.taken: Counter[bool] = Counter()
        self.lock = threading.Lock()
        self.deadline = time.monotonic() + 80

    @contextmanager
    def selling(self) -> Iterator[None]:
        with ThreadPoolExecutor(16) as pool:
            running = [pool.submit(self._post, event) for event in self.waiting]
            yield
            for one in running:
                one.result()

    def _post(self, event: sales.Json) -> None:
        while time.monotonic() < self.deadline:
            try:
                answer = sales.send(self.url, event)
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)  # the hub is down: the next try comes a little later, as from Stripe
                continue
            assert answer.status == 200, answer
            with self.lock:
                self.taken[answer.json["duplicate"]] += 1
            time.sleep(0.02)  # spreads the sales over the kills
            return
        raise AssertionError("the hub did not take an event in time")

    def until(self, share: int) -> None:
        """Wait until so many posts have been answered."""
        eventually(f"{share} posts are answered", lambda: self.taken.total() >= share)


def kill(process: subprocess.Popen[bytes]) -> float:
    """End a process without a warning; gives the moment."""
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    return time.monotonic()


def basket(number: int) -> list[sales.Json]:
    return [line(SKUS[number % 3], quantity=1 + number % 4), line(SKUS[(number + 1) % 3], quantity=2)]


def sold(baskets: list[list[sales.Json]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for item in (item for items in baskets for item in items):
        total[item["price"]["metadata"]["sku"]] += item["quantity"]
    return total


def stocked(shop: Shop) -> None:
    for sku in SKUS:
        assert shop.hub("stock", "set", sku, str(STOCK)).code == 0


def judged(shop: Shop, orders: list[str], total: Counter[str]) -> None:
    """Rows and stock are exact, and the hub's own books agree with them."""
    assert Counter(row["Order"] for row in shop.rows()) == Counter(orders)
    assert {sku: STOCK - left for sku, left in shop.stock().items()} == dict(total)
    assert {one["state"] for one in shop.deliveries()} == {"succeeded"}
    assert {one["id"] for one in shop.listed("orders", "--state", "paid")} == set(orders)


def copies(slack: Slack) -> dict[str, list[float]]:
    """When each order was told in the channel."""
    found: dict[str, list[float]] = {}
    for one in slack.said:
        for text in one.text.split("\n"):
            found.setdefault(text.removeprefix("Sold "), []).append(one.at)
    return found


def killed_and_restarted(shop: Shop, sellers: Sellers, times: int) -> list[float]:
    """Kill the hub again and again while sales come in; gives the moments of the kills."""
    moments = []
    process = shop.serve()
    with sellers.selling():
        for number in range(times):
            share = (number + 1) * len(sellers.waiting) // (times + 1)
            sellers.until(share)
            moments.append(kill(process))
            process = shop.serve()
    return moments


@pytest.mark.timeout(180)
def test_15_200_sales_told_three_times_and_five_kills_make_200_rows_and_messages(tmp_path: Path, slack: Slack) -> None:
    slack.scopes = {"chat:write"}
    baskets = [basket(number) for number in range(SALES)]
    events = [sales.event(session(*items)) for items in baskets]
    orders = [event["data"]["object"]["id"] for event in events]
    with opened(tmp_path, rules(slack)) as shop:
        stocked(shop)
        sellers = Sellers(shop.webhooks, events, seed=5)
        kills = killed_and_restarted(shop, sellers, times=5)
        shop.settle(60)
        judged(shop, orders, sold(baskets))
        told = copies(slack)
        assert set(told) == set(orders)
        for order, at in told.items():
            for earlier, later in itertools.pairwise(at):
                assert any(earlier < moment < later for moment in kills), (
                    f"{order} was told twice without a kill between"
                )
        tries = {one["subject"]: one["attempts"] for one in shop.deliveries() if one["action"] == "slack.message"}
        assert all(tries[order] >= len(at) for order, at in told.items()), "every message has its attempt on record"


@pytest.mark.timeout(180)
def test_15_when_the_channel_may_be_read_no_message_comes_twice(tmp_path: Path, slack: Slack) -> None:
    events = [sales.event(session(line("MUG-01"))) for _ in range(60)]
    orders = [event["data"]["object"]["id"] for event in events]
    with opened(tmp_path, rules(slack, "xlsx")) as shop:
        stocked(shop)
        killed_and_restarted(shop, Sellers(shop.webhooks, events, seed=6), times=4)
        shop.settle(60)
        assert Counter(slack.texts()) == Counter(f"Sold {order}" for order in orders)
        assert Counter(row["Order"] for row in shop.rows("orders.xlsx")) == Counter(orders)
        assert shop.stock()["MUG-01"] == STOCK - len(orders)


@pytest.mark.timeout(240)
def test_15_on_postgresql_two_workers_share_the_work_and_one_is_killed(
    tmp_path: Path, slack: Slack, stripe_api: Stripe, postgres_url: str
) -> None:
    baskets = [basket(number) for number in range(SALES)]
    events = [sales.event(stripe_api.know(session(*items), *items)) for items in baskets]
    orders = [event["data"]["object"]["id"] for event in events]
    settings = {"HUB_DATABASE_URL": postgres_url, "HUB_LEASE_SECONDS": "5", "STRIPE_API_KEY": "rk_test_e2e"}
    with opened(tmp_path, rules(slack), STRIPE_API_BASE=stripe_api.base, **settings) as shop:
        stocked(shop)
        shop.serve("--no-dispatch")
        first, second = shop.start("work"), shop.start("work")
        sellers = Sellers(shop.webhooks, events, seed=7)
        with sellers.selling():
            eventually("both have something to do", lambda: len(slack.texts()) >= 40)
            kill(first)
        shop.settle(130)
        assert second.poll() is None
        judged(shop, orders, sold(baskets))
        assert Counter(slack.texts()) == Counter(f"Sold {order}" for order in orders)
        assert {len(stripe_api.asked(order)) for order in orders} <= {1, 2}, "fetched once, or again after the kill"


def hanging(stripe_api: Stripe, identity: str) -> None:
    """The first question about a session gets no answer for a minute."""
    stripe_api.plan = lambda _call: Reply(after=60) if len(stripe_api.asked(identity)) == 1 else None


def test_23_on_sqlite_a_restart_takes_up_a_killed_fetch_at_once(
    tmp_path: Path, slack: Slack, stripe_api: Stripe
) -> None:
    obj = session()
    bare = stripe_api.know(obj, line("MUG-01"))
    hanging(stripe_api, obj["id"])
    with opened(tmp_path, rules(slack), STRIPE_API_BASE=stripe_api.base, STRIPE_API_KEY="rk_test_e2e") as shop:
        stocked(shop)
        hub = shop.serve()
        order = shop.sell(bare)
        eventually("the fetch has begun", lambda: stripe_api.asked(order))
        kill(hub)
        shop.serve()
        eventually("the order is told", lambda: slack.texts() == [f"Sold {order}"], 15)


@pytest.mark.timeout(150)
def test_23_on_postgresql_another_worker_takes_up_a_killed_fetch_within_the_lease(
    tmp_path: Path, slack: Slack, stripe_api: Stripe, postgres_url: str
) -> None:
    obj = session()
    bare = stripe_api.know(obj, line("MUG-01"))
    hanging(stripe_api, obj["id"])
    settings = {"HUB_DATABASE_URL": postgres_url, "HUB_LEASE_SECONDS": "5", "STRIPE_API_KEY": "rk_test_e2e"}
    with opened(tmp_path, rules(slack), STRIPE_API_BASE=stripe_api.base, **settings) as shop:
        stocked(shop)
        shop.serve("--no-dispatch")
        first = shop.start("work")
        eventually("the first works", lambda: shop.log.count(" working ") == 1)
        shop.start("work")
        eventually("the second works", lambda: shop.log.count(" working ") == 2)
        order = shop.sell(bare)
        eventually("the fetch has begun", lambda: stripe_api.asked(order))
        kill(first)
        eventually("the order is told", lambda: slack.texts() == [f"Sold {order}"], 5 + 15)


def test_23_what_was_acknowledged_and_not_begun_is_done_after_a_kill(tmp_path: Path, slack: Slack) -> None:
    with opened(tmp_path, rules(slack)) as shop:
        stocked(shop)
        hub = shop.serve("--no-dispatch")
        orders = [shop.sell(session(line("MUG-01"))) for _ in range(20)]
        kill(hub)
        assert (shop.rows(), slack.said) == ([], [])
        shop.serve()
        shop.settle()
        judged(shop, orders, Counter({"MUG-01": 20, "POSTER-02": 0, "CANDLE-03": 0}))


def test_10_a_duplicate_is_known_after_a_restart(tmp_path: Path, slack: Slack) -> None:
    event = sales.event(session(line("MUG-01")))
    with opened(tmp_path, rules(slack)) as shop:
        stocked(shop)
        hub = shop.serve()
        assert shop.send(event).json["duplicate"] is False
        eventually("it was told", lambda: slack.said)
        kill(hub)
        shop.serve()
        assert shop.send(event).json["duplicate"] is True
        shop.settle()
        assert (len(shop.rows()), len(slack.said)) == (1, 1)
