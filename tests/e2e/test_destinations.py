"""Destinations that are down, busy, hanging or wrong: all arrives, nothing twice, a person is told what to do."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import sales
from tests.e2e.mail import Mailbox
from tests.e2e.peers import OK, Call, Reply, Sink, Slack
from tests.e2e.sales import line, session
from tests.e2e.shop import SHOP, Shop, eventually, free_port, opened

HTTP = """
connections:
  carrier: {type: http, base_url: "PEER", allow_private: yes}
rules:
  - name: Parcel
    when: order paid
    do:
      - id: parcel
        http.request: {url: /parcels, json: {order: "{{ order.id }}"}SETTINGS}
        retry: {times: 30, wait: 1 second}
"""
SLACK = """
connections:
  slack: {token: "${SLACK_TOKEN}", base_url: "PEER"}
rules:
  - name: Tell
    when: order paid
    do:
      - slack.message: {channel: "#orders", text: "Sold {{ order.id }}"}
        retry: {times: 30, wait: 1 second}
"""
MAIL = """
connections:
  email: {server: 127.0.0.1, port: PORT, tls: none, from: "Test shop <shop@example.com>"}
rules:
  - name: Thank
    when: order paid
    do:
      - email.send: {to: "{{ customer.email }}", subject: "Order {{ order.id }}", body: Thank you}
        retry: {times: 10, wait: 1 second}
"""


def http_rules(peer: str, settings: str = "") -> str:
    return SHOP + HTTP.replace("PEER", peer).replace("SETTINGS", settings)


@pytest.fixture
def parcels(tmp_path: Path, sink: Sink) -> Iterator[Shop]:
    with opened(tmp_path, http_rules(sink.base)) as shop:
        yield shop


@pytest.fixture
def telling(tmp_path: Path, slack: Slack) -> Iterator[Shop]:
    with opened(tmp_path, SHOP + SLACK.replace("PEER", slack.api)) as shop:
        yield shop


@pytest.fixture
def mailing(tmp_path: Path, mails: Mailbox) -> Iterator[Shop]:
    with opened(tmp_path, SHOP + MAIL.replace("PORT", str(mails.port))) as shop:
        yield shop


class Outage:
    """503 for some seconds, then a limit: whoever comes is told to wait until the limit is over, then all is well."""

    def __init__(self, down: float, limit: float, too_many: Reply) -> None:
        self.down, self.limit, self.too_many = down, limit, too_many
        self.start = time.monotonic()
        self.limited_at: float | None = None

    def __call__(self, call: Call) -> Reply | None:
        if call.at < self.start + self.down:
            return Reply(503, "busy")
        if self.limited_at is None:
            self.limited_at = call.at
        return self.too_many if call.at < self.limited_at + self.limit else None

    def early(self, calls: list[Call]) -> list[float]:
        """Calls during the wait; those already on their way when the limit was told (0.5 s) are nobody's fault."""
        assert self.limited_at is not None, "the limit was never reached"
        began = self.limited_at
        return [one.at - began for one in calls if began + 0.5 < one.at < began + self.limit]


def test_503_then_429_with_retry_after_over_http_everything_arrives_once_and_the_wait_is_kept(
    parcels: Shop, sink: Sink
) -> None:
    parcels.serve()
    outage = sink.plan = Outage(5, 2, Reply(429, "slow down", {"Retry-After": "2"}))
    orders = {parcels.sell(session()) for _ in range(40)}
    eventually("all have arrived", lambda: len(sink.done) == 40, 60)
    parcels.settle()
    assert set(sink.done.values()) == {1}
    assert {call.json["order"] for call in sink.calls} == orders
    assert outage.early(sink.calls) == []


def test_503_then_429_at_slack_everything_arrives_once_and_the_wait_is_kept(telling: Shop, slack: Slack) -> None:
    telling.serve()
    limited = Reply(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": "2"})
    outage = slack.plan = Outage(4, 2, limited)
    orders = [telling.sell(session()) for _ in range(20)]
    eventually("all have arrived", lambda: len(slack.texts()) >= 20, 60)
    telling.settle()
    assert Counter(slack.texts()) == Counter(f"Sold {order}" for order in orders)
    assert outage.early(slack.calls) == []


def test_a_wait_that_the_far_end_asked_for_outlives_a_restart(parcels: Shop, sink: Sink) -> None:
    hub = parcels.serve()
    outage = sink.plan = Outage(0, 6, Reply(429, "slow down", {"Retry-After": "6"}))
    parcels.sell(session())
    eventually("the limit was told", lambda: outage.limited_at)
    eventually("it is on record", lambda: parcels.deliveries()[0]["state"] == "waiting")
    hub.kill()
    hub.wait(5)
    parcels.serve()
    parcels.sell(session())
    eventually("both have arrived", lambda: len(sink.done) == 2)
    assert outage.early(sink.calls) == []


def test_16_a_call_that_was_done_but_never_answered_is_repeated_under_the_same_key(parcels: Shop, sink: Sink) -> None:
    sink.plan = lambda call: done_unanswered(sink, call) if len(sink.calls) == 1 else None
    parcels.serve()
    parcels.sell(session())
    eventually("it came again", lambda: len(sink.calls) == 2)
    parcels.settle()
    assert [call.key for call in sink.calls] == [sink.calls[0].key] * 2
    (delivery,) = parcels.deliveries()
    assert (delivery["state"], delivery["attempts"], delivery["key"]) == ("succeeded", 2, sink.calls[0].key)


def done_unanswered(sink: Sink, call: Call) -> Reply:
    sink.done[call.key] += 1
    return Reply(drop=True)


def test_16_a_call_that_must_not_come_twice_waits_for_a_person(tmp_path: Path, sink: Sink) -> None:
    rules = http_rules(sink.base, ", on_unknown: hold")
    sink.plan = lambda call: done_unanswered(sink, call)
    with opened(tmp_path, rules) as shop:
        shop.serve()
        first, second = shop.sell(session()), shop.sell(session())
        eventually("both are in doubt", lambda: shop.states(first) + shop.states(second) == ["unknown"] * 2)
        sink.plan = lambda _call: None
        known = {one["subject"]: str(one["id"]) for one in shop.deliveries()}
        assert shop.hub("resolve", known[first], "--happened").code == 0
        assert shop.hub("resolve", known[second], "--did-not-happen").code == 0
        eventually("the second was sent again", lambda: shop.states(second) == ["succeeded"])
        told = Counter(call.json["order"] for call in sink.calls)
        assert (shop.states(first), told) == (["succeeded"], Counter({first: 1, second: 2}))


def test_16_a_slack_message_that_was_posted_but_never_answered_is_looked_up(telling: Shop, slack: Slack) -> None:
    slack.plan = lambda call: posted_unanswered(slack, call) if not slack.said else None
    telling.serve()
    order = telling.sell(session())
    telling.settle()
    assert (slack.texts(), telling.states(order)) == ([f"Sold {order}"], ["succeeded"])


def posted_unanswered(slack: Slack, call: Call) -> Reply | None:
    if "chat.postMessage" not in call.path:
        return None
    slack.answer(call)
    return Reply(drop=True)


def test_16_a_letter_whose_fate_nobody_knows_is_not_sent_again_unasked(mailing: Shop, mails: Mailbox) -> None:
    mails.verdict = lambda number: "drop" if number <= 2 else "250 OK"
    mailing.serve()
    first = mailing.sell(session())
    eventually("the first is in doubt", lambda: mailing.states(first) == ["unknown"])
    second = mailing.sell(session())
    eventually("the second is in doubt", lambda: mailing.states(second) == ["unknown"])
    assert mails.offered == 2
    known = {one["subject"]: str(one["id"]) for one in mailing.deliveries()}
    assert mailing.hub("resolve", known[first], "--happened").code == 0
    assert mailing.hub("resolve", known[second], "--did-not-happen").code == 0
    eventually("the second was sent again", lambda: mailing.states(second) == ["succeeded"])
    subjects = Counter(mail.message["Subject"] for mail in mails.mails)
    assert subjects == Counter({f"Order {first}": 1, f"Order {second}": 2})
    identities = {mail.message["Message-ID"] for mail in mails.mails if second in mail.message["Subject"]}
    assert len(identities) == 1, "every try has the same Message-ID"


def test_a_mail_server_that_says_not_now_gets_the_letter_later_and_one_that_refuses_is_reported(
    mailing: Shop, mails: Mailbox
) -> None:
    said = iter(["451 later", "451 later", "250 OK", "550 no such user"])
    mails.verdict = lambda _number: next(said)
    mailing.serve()
    order = mailing.sell(session())
    eventually("the letter is there", lambda: len(mails.mails) == 1, 40)
    eventually("it is done", lambda: mailing.states(order) == ["succeeded"])
    refused = mailing.sell(session())
    eventually("the refused one is a dead letter", lambda: mailing.states(refused) == ["dead"])
    (delivery,) = mailing.deliveries(refused)
    assert "550" in delivery["error"] or "no such user" in delivery["error"]


def test_52_an_order_that_always_fails_holds_up_nobody_and_can_be_retried_after_the_cure(
    parcels: Shop, sink: Sink
) -> None:
    parcels.serve()
    bad = session()
    sink.plan = lambda call: Reply(422, {"why": "no such street"}) if call.json["order"] == bad["id"] else None
    parcels.sell(bad)
    good = {parcels.sell(session()) for _ in range(10)}
    eventually("the others have arrived", lambda: {c.json["order"] for c in sink.calls if sink.done[c.key]} == good)
    eventually("the bad one is a dead letter", lambda: parcels.states(bad["id"]) == ["dead"])
    (delivery,) = parcels.deliveries(bad["id"])
    assert (delivery["attempts"], "422" in delivery["error"]) == (1, True)
    sink.plan = lambda _call: None
    assert parcels.hub("retry", str(delivery["id"])).code == 0
    eventually("it is done", lambda: parcels.states(bad["id"]) == ["succeeded"])
    assert set(sink.done.values()) == {1}


def test_tries_end_after_the_number_the_rule_gives_and_the_on_error_steps_run(
    tmp_path: Path, sink: Sink, slack: Slack
) -> None:
    rules = http_rules(sink.base).replace("{times: 30, wait: 1 second}", "{times: 2, wait: 1 second}")
    rules = rules.replace(
        "connections:", f'connections:\n  slack: {{token: "${{SLACK_TOKEN}}", base_url: "{slack.api}"}}'
    )
    rules += """    on_error:
      - slack.message: {channel: "#warehouse", text: "{{ error.action }} for {{ order.id }}: {{ error.message }}"}
"""
    sink.plan = lambda _call: Reply(503, "closed")
    with opened(tmp_path, rules) as shop:
        shop.serve()
        order = shop.sell(session())
        eventually("the warehouse is told", lambda: slack.texts("#warehouse"), 60)
        (text,) = slack.texts("#warehouse")
        assert text.startswith(f"http.request for {order}: ")
        assert len(sink.calls) == 3, "the first try and two more"
        assert sorted(shop.states(order)) == ["dead", "succeeded"]


def test_50_everything_is_acknowledged_while_a_destination_hangs(parcels: Shop, sink: Sink) -> None:
    sink.plan = lambda _call: Reply(after=60)
    parcels.serve()
    events = [json.dumps(sales.event(session())).encode() for _ in range(500)]
    answers: Counter[int] = Counter()

    def post(share: list[bytes]) -> None:
        for body in share:
            answers[sales.post(parcels.webhooks, body, sales.signed(body)).status] += 1

    callers = [threading.Thread(target=post, args=(events[n::8],)) for n in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(60)
    assert (answers, sink.done) == ({200: 500}, {})


def test_a_destination_that_cannot_be_reached_gets_everything_when_it_is_back(tmp_path: Path) -> None:
    with opened(tmp_path, http_rules(f"http://127.0.0.1:{free_port()}")) as shop:
        shop.serve()
        order = shop.sell(session())
        eventually(
            "it waits with a reason", lambda: [d["error"] for d in shop.deliveries(order) if d["state"] == "waiting"]
        )
        back = Sink()
        with back.open():
            shop.rules(http_rules(back.base))
            eventually("it has arrived at the address of now", lambda: len(back.done) == 1, 60)


def test_private_addresses_are_refused_unless_the_connection_allows_them(tmp_path: Path, sink: Sink) -> None:
    with opened(tmp_path, http_rules(sink.base).replace(", allow_private: yes", "")) as shop:
        shop.serve()
        order = shop.sell(session())
        eventually("it is stopped", lambda: set(shop.states(order)) & {"dead", "waiting"})
        assert "allow_private" in shop.deliveries(order)[0]["error"]
        assert sink.calls == []


def test_a_slack_token_that_is_refused_pauses_the_connection_and_burns_nothing(telling: Shop, slack: Slack) -> None:
    slack.plan = lambda _call: Reply(body={"ok": False, "error": "invalid_auth"})
    telling.serve()
    orders = [telling.sell(session()) for _ in range(5)]
    eventually("all wait", lambda: [d["state"] for d in telling.deliveries()] == ["waiting"] * 5)
    assert {bool(d["error"]) for d in telling.deliveries()} == {True}
    assert len(slack.calls) <= 5
    slack.plan = lambda _call: None
    telling.rules((telling.folder / "rules.yaml").read_text() + "\n# mended\n")
    eventually("all are told", lambda: len(slack.texts()) == 5, 75)
    assert Counter(slack.texts()) == Counter(f"Sold {order}" for order in orders)


STOCK = """
connections: {orders: {type: spreadsheet, file: orders.csv}}
rules:
  - name: Stock
    when: order paid
    for_each: order.items
    do:
      - id: stock
        inventory.decrease: {sku: "{{ item.sku }}", by: "{{ item.quantity }}"}
      - spreadsheet.add_row:
          columns: {Order: "{{ order.id }}", SKU: "{{ item.sku }}", Left: "{{ steps.stock.left }}"}
"""


def test_39_of_two_sales_of_the_last_piece_one_is_served_and_the_other_shown(tmp_path: Path) -> None:
    with opened(tmp_path, SHOP + STOCK) as shop:
        assert shop.hub("stock", "set", "LAST", "1").code == 0
        shop.serve()
        orders = [shop.sell(session(line("LAST"))) for _ in range(2)]
        shop.settle()
        assert (shop.stock(), len(shop.rows())) == ({"LAST": 0}, 1)
        states = [d["state"] for order in orders for d in shop.deliveries(order) if d["action"] == "inventory.decrease"]
        assert sorted(states) == ["dead", "succeeded"]
        assert shop.hub("stock", "set", "LAST", "3").code == 0
        assert shop.hub("retry", "--all-dead").code == 0
        eventually("the other is served", lambda: len(shop.rows()) == 2)
        assert shop.stock() == {"LAST": 2}


def test_39_every_line_takes_its_own_number_of_its_own_article(tmp_path: Path) -> None:
    with opened(tmp_path, SHOP + STOCK) as shop:
        for sku in ("A", "B"):
            assert shop.hub("stock", "set", sku, "10").code == 0
        shop.serve()
        order = shop.sell(session(line("A", 3), line("B", 1), line("A", 2)))
        eventually("three rows", lambda: len(shop.row_of(order)) == 3)
        assert shop.stock() == {"A": 5, "B": 9}
        assert {row["Left"] for row in shop.rows() if row["SKU"] == "A"} in ({"7", "5"}, {"8", "5"})
        moves = shop.listed("stock", "moves", "A")
        assert sorted(m["delta"] for m in moves) == [-3, -2, 10]


def test_54_an_order_in_flight_keeps_the_texts_it_was_planned_with(parcels: Shop, sink: Sink) -> None:
    sink.plan = lambda _call: Reply(503, "closed")
    parcels.serve()
    order = parcels.sell(session())
    eventually("it has been tried", lambda: sink.calls)
    parcels.rules(http_rules(sink.base).replace('{order: "{{ order.id }}"}', '{order: "{{ order.id }}", new: yes}'))
    sink.plan = lambda call: None if "new" in call.json else Reply(503, "closed")
    eventually("the new text is in force", lambda: parcels.sell(session()) and sink.done, 30)
    sink.plan = lambda _call: OK if sink.answer(_call) else None
    eventually("the old one is done", lambda: parcels.states(order) == ["succeeded"], 40)
    assert not [call for call in sink.calls if call.json["order"] == order and "new" in call.json]
