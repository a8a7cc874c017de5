"""Scenarios of docs/scenarios.md: amounts and their currencies, two workers, clocks, what rules may write."""

from __future__ import annotations

from pathlib import Path

from hub.testing.events import Item
from hub.testing.stripe import FakeStripe
from tests.e2e.peers import Sink
from tests.e2e.shop import SHOP, eventually, opened
from tests.stripe.moving import moving

ROW = """
connections:
  orders: {type: spreadsheet, file: orders.csv}
rules:
  - name: Row
    when: order paid
    do:
      - spreadsheet.add_row: {connection: orders, columns: {Order: "{{ order.id }}", Total: "{{ order.total }}"}}
"""


def test_09_an_amount_is_compared_in_its_own_currency(tmp_path: Path) -> None:
    large = ROW.replace("when: order paid\n", "when: order paid\n    if: {order.total: at least 50 EUR}\n")
    with moving(tmp_path, SHOP + large) as shop:
        enough = shop.stripe.sell(Item("Lamp", "LAMP", 5000, 1), currency="eur")
        for units, currency in ((4999, "eur"), (5000, "jpy"), (5000, "usd"), (500_000, "huf"), (9_000_000, "kwd")):
            shop.stripe.sell(Item("Lamp", "LAMP", units, 1), currency=currency)
        shop.deliver()
        assert [(row["Order"], row["Total"]) for row in shop.rows()] == [(enough["id"], "50.00")]


def test_18_two_workers_on_one_database_do_everything_once(tmp_path: Path, postgres_url: str, sink: Sink) -> None:
    rules = f"""
connections:
  carrier: {{type: http, base_url: "{sink.base}", allow_private: yes}}
rules:
  - name: Label
    when: order paid
    do:
      - http.request: {{connection: carrier, method: POST, url: /labels, json: {{order: "{{{{ order.id }}}}"}}}}
"""
    with FakeStripe() as stripe, opened(tmp_path, SHOP + rules, HUB_DATABASE_URL=postgres_url) as shop:
        stripe.add_endpoint(shop.webhooks, secret=shop.settings["STRIPE_WEBHOOK_SECRET"])
        stripe.office.doubled = 0.5
        shop.serve("--no-dispatch")
        workers = shop.start("work"), shop.start("work")
        sold = {stripe.sell()["id"] for _ in range(150)}
        eventually("all labels are made", lambda: len(sink.done) == len(sold))
        shop.settle()
        assert {call.json["order"] for call in sink.calls} == sold
        assert (len(sink.calls), [worker.poll() for worker in workers]) == (len(sold), [None, None])


def test_19_a_clock_that_is_set_back_repeats_nothing_and_skips_nothing(tmp_path: Path) -> None:
    with moving(tmp_path, SHOP + ROW) as shop:
        shop.clock.advance(7200)
        sold = [shop.stripe.sell()["id"], shop.stripe.sell()["id"]]  # within one second
        shop.deliver()
        shop.clock.advance(-3600)
        sold += [shop.stripe.sell()["id"], shop.stripe.sell()["id"]]
        for record in shop.stripe.events("checkout.session.completed"):
            shop.stripe.resend(record.id)
        shop.deliver()
        shop.pass_time(7200)
        assert sorted(row["Order"] for row in shop.rows()) == sorted(sold)


def test_41_a_text_that_would_write_an_object_or_a_list_is_refused_when_the_rules_are_checked(tmp_path: Path) -> None:
    wrong = """
  - name: Wrong
    when: order paid
    do:
      - spreadsheet.add_row: {connection: orders, columns: {Items: "{{ order.items }}", To: "{{ order.shipping }}"}}
"""
    with moving(tmp_path, SHOP + ROW + wrong) as shop:
        assert shop.hub is not None
        problems = shop.hub.rulebook.load().problems
        assert {problem.line for problem in problems} == {(tmp_path / "rules.yaml").read_text().count("\n")}
        assert len(problems) == 2
        order = shop.stripe.sell()
        shop.deliver()
        assert [row["Order"] for row in shop.rows()] == [order["id"]]
        assert "Items" not in shop.rows()[0]
