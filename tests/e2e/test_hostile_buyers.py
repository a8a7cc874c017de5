"""What a buyer types arrives as text: no formula, no ping, no header, no markup, no terminal code, in any place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest

from tests.e2e.mail import Mailbox
from tests.e2e.peers import Sink, Slack
from tests.e2e.sales import Json, session
from tests.e2e.shop import SHOP, Shop, eventually, opened

RULES = """
connections:
  slack: {token: "${SLACK_TOKEN}", base_url: "CHAT"}
  email: {server: 127.0.0.1, port: PORT, tls: none, from: "Test shop <shop@example.com>"}
  carrier: {type: http, base_url: "SINK", allow_private: yes}
  file: {type: spreadsheet, file: orders.csv}
  book: {type: spreadsheet, file: orders.xlsx}
rules:
  - name: Everywhere
    when: order paid
    do:
      - spreadsheet.add_row: {connection: file, columns: COLUMNS}
      - spreadsheet.add_row: {connection: book, columns: COLUMNS}
      - slack.message:
          channel: "#orders"
          text: "Sold to {{ customer.name }}: {{ order.metadata.note | default('-') }}"
      - email.send:
          to: team@example.com
          subject: "Order of {{ customer.name }}"
          body: "Bought by {{ customer.name }}: {{ order.metadata.note | default('-') }}"
      - http.request: {url: "/buyers/{{ customer.name }}", json: {name: "{{ customer.name }}"}}
"""
COLUMNS = "{Order: '{{ order.id }}', Buyer: '{{ customer.name }}', Note: \"{{ order.metadata.note | default('-') }}\"}"

FORMULA = '=HYPERLINK("http://x","y")'
PING = "<!channel> <@U012345> @here &lt;!here&gt;"
HEADER = "Eve\r\nBcc: everybody@example.com\r\n\r\nA letter of my own"
MARKUP = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
CODES = "\x1b[2J\x1b]0;owned\x07\u202eevil\u2066"
PATH = "../../admin?x=1#y"
LONG = "=" + "x" * 9_999
NAMES = [FORMULA, "+1+1", "-2+3", "@SUM(1)", "\t=1+1", PING, HEADER, MARKUP, CODES, PATH, "{{ order.total }} {% if %}"]


def bought_by(name: str, note: str = "-") -> Json:
    sale = session()
    details = {**(sale.get("customer_details") or {}), "name": name}
    return sale | {"customer_details": details, "metadata": {"note": note}}


@pytest.fixture
def shop(tmp_path: Path, slack: Slack, sink: Sink, mails: Mailbox) -> Iterator[Shop]:
    rules = RULES.replace("COLUMNS", COLUMNS).replace("CHAT", slack.api).replace("PORT", str(mails.port))
    with opened(tmp_path, SHOP + rules.replace("SINK", sink.base)) as found:
        yield found


def test_40_a_hostile_buyer_is_inert_everywhere(shop: Shop, slack: Slack, sink: Sink, mails: Mailbox) -> None:
    shop.serve()
    named = {shop.sell(bought_by(name)): name for name in NAMES}
    noted = shop.sell(bought_by("Ana", LONG))
    eventually("all is delivered", lambda: len(sink.done) == len(NAMES), 30)
    shop.settle()
    # A name that would climb up in an address is refused; nothing is called under it.
    refused = [delivery for delivery in shop.deliveries() if delivery["state"] != "succeeded"]
    assert [named[delivery["subject"]] for delivery in refused] == [PATH]
    assert (refused[0]["state"], refused[0]["action"]) == ("dead", "http.request")

    # Tables: one row an order, and no cell that a spreadsheet program would take for a formula.
    rows = {row["Order"]: row for row in shop.rows("orders.csv")}
    assert rows.keys() == {*named, noted}
    assert [row["Buyer"] for row in rows.values() if row["Buyer"][0] in "=+-@\t\r\n"] == []
    assert rows[noted]["Note"].lstrip("'") == LONG
    sheet = openpyxl.load_workbook(shop.folder / "var" / "orders.xlsx").worksheets[0]
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n"}, "no formula"

    # Chat: what pings or links is written out.
    text = "\n".join(slack.texts())
    assert re.findall(r"<[!@#a-z]", text) == []
    assert "&lt;!channel&gt;" in text

    # Letters: nobody but the team gets one, and no header is added.
    assert {mail.to for mail in mails.mails} == {("team@example.com",)}
    assert {mail.message["Bcc"] for mail in mails.mails} == {None}
    assert all("\n" not in mail.message["Subject"] for mail in mails.mails)

    # Calls: one segment of the path and one string, whatever it holds.
    assert {call.path.split("/")[1] for call in sink.calls} == {"buyers"}
    assert {len(call.path.split("/")) for call in sink.calls} == {3}
    assert all("?" not in call.path and "#" not in call.path for call in sink.calls)
    sent = {call.json["name"] for call in sink.calls}
    assert {FORMULA, PING, HEADER, MARKUP, "{{ order.total }} {% if %}"} <= sent


def test_40_a_hostile_buyer_is_inert_on_the_terminal(shop: Shop) -> None:
    shop.serve()
    orders = [shop.sell(bought_by(name, LONG)) for name in (MARKUP, CODES, FORMULA)]
    shop.settle()
    shown = shop.hub("orders").out + "".join(shop.hub("order", order).out for order in orders)
    shown += shop.hub("deliveries").out + shop.hub("events").out + shop.log
    assert re.findall("[\x1b\x07\u202e\u2066]", shown) == []
    assert json.loads(shop.hub("orders", "--json").out)[-1]["customer"]["name"] == MARKUP
