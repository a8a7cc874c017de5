"""The same faults for every connector, through the whole hub: what can be once is once; what cannot is never lost.

Of class ``none``, what is in doubt is shown to a person, who looks at the far end and says what happened.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hub.testing.airtable import BASE, TOKEN, Airtable
from hub.testing.faults import Fault
from hub.testing.google_sheets import GoogleSheets
from hub.testing.http_sink import HttpSink, Received
from hub.testing.slack import Slack
from hub.testing.smtp import Smtp
from tests.e2e import sales
from tests.e2e.sales import session
from tests.e2e.shop import SHOP, Shop, opened

ORDERS = 30
#: Each thing that can go wrong with a call, each followed by a call that goes well: the lane's pauses begin anew.
KINDS = (Fault.BEFORE, Fault.AFTER, Fault.DROP, Fault.HTML, Fault.HANG, Fault.TOO_MANY)
FAULTS = [fault for kind in KINDS for fault in (kind, Fault.NONE)]


@dataclass(frozen=True)
class FarEnd:
    """A far end with its faults in place: what the rules say of it, and how often each order is there."""

    connection: str
    step: str
    told: Callable[[], Counter[str]]
    settings: dict[str, str] = field(default_factory=dict)
    is_once: bool = True


def started(stack: ExitStack, fake: Any) -> Any:
    stack.enter_context(fake)
    fake.fail(*FAULTS)
    return fake


def orders_in(*texts: str) -> Counter[str]:
    return Counter(re.findall(r"cs_test_\w+", "\n".join(texts)))


class Forgetful(HttpSink):
    """Notes every call that it acted on: nothing recognises a key for it."""

    def __init__(self) -> None:
        super().__init__()
        self.acted: list[str] = []

    def _apply(self, call: Received) -> None:
        self.acted.append(call.body.decode())


class Knowing(Forgetful):
    """Knows the keys of calls that it acted on, as a service with idempotency keys does, or a workflow's first step."""

    def _apply(self, call: Received) -> None:
        key = call.headers["idempotency-key"]
        if not self.counts[key]:
            super()._apply(call)
        self.counts[key] = 1


def http(stack: ExitStack) -> FarEnd:
    sink = started(stack, Knowing())
    step = f'http.request: {{url: "{sink.url}/orders", json: {{order: "{{{{ order.id }}}}"}}}}'
    return FarEnd("http: {timeout: 1 second, allow_private: yes}", step, lambda: orders_in(*sink.acted))


def forward(stack: ExitStack) -> FarEnd:
    sink = started(stack, Knowing())
    connection = 'forward: {url: "${HOOK}", timeout: 1 second, allow_private: yes}'
    step = 'forward.send: {data: {order: "{{ order.id }}"}}'
    # Its own id of the order stands beside what the rule sends.
    told = lambda: orders_in(*(re.sub(r'"subject": "\w+"', "", one) for one in sink.acted))  # noqa: E731
    return FarEnd(connection, step, told, {"HOOK": f"{sink.url}/hook"})


def airtable(stack: ExitStack) -> FarEnd:
    fake = started(stack, Airtable())
    connection = f'airtable: {{base: {BASE}, token: "${{TOKEN}}", base_url: "{fake.url}", timeout: 1 second}}'
    step = 'airtable.add_record: {table: Orders, fields: {Order: "{{ order.id }}"}}'
    return FarEnd(
        connection, step, lambda: orders_in(*(one["Order"] for one in fake.tables["Orders"])), {"TOKEN": TOKEN}
    )


def slack(stack: ExitStack) -> FarEnd:
    fake = started(stack, Slack())
    connection = f'slack: {{token: "${{TOKEN}}", base_url: "{fake.base_url}", timeout: 1 second}}'
    step = 'slack.message: {channel: "#orders", text: "Sold {{ order.id }}"}'
    return FarEnd(connection, step, lambda: orders_in(*fake.channel("#orders").texts), {"TOKEN": fake.token})


def google_sheets(stack: ExitStack) -> FarEnd:
    fake = stack.enter_context(GoogleSheets())
    fake.faults.extend(FAULTS)
    book = fake.new_book()
    book.add_tab("Orders")
    where = f'spreadsheet: "{book.id}", base_url: "{fake.url}"'
    connection = f'google_sheets: {{{where}, credentials: "${{KEY}}", timeout: 1 second}}'
    step = 'google_sheets.add_row: {sheet: Orders, columns: {Order: "{{ order.id }}"}}'
    told = lambda: orders_in(*(str(row[0]) for row in book.rows("Orders")))  # noqa: E731
    return FarEnd(connection, step, told, {"KEY": fake.service_account()})


def email(stack: ExitStack) -> FarEnd:
    mail = started(stack, Smtp())
    connection = (
        f"email: {{server: {mail.host}, port: {mail.port}, tls: none, from: a@shop.example, timeout: 1 second}}"
    )
    step = 'email.send: {to: ana@example.com, subject: Sold, body: "{{ order.id }}"}'
    return FarEnd(connection, step, lambda: orders_in(*(one.content.decode() for one in mail.letters)), is_once=False)


def notify(stack: ExitStack) -> FarEnd:
    sink = started(stack, Forgetful())
    step = 'notify.send: {text: "{{ order.id }}", on_unknown: hold}'
    settings = {"TARGET": f"{sink.url.replace('http', 'json')}/x?cto=1&rto=1"}
    return FarEnd('notify: {url: "${TARGET}"}', step, lambda: orders_in(*sink.acted), settings, is_once=False)


@contextmanager
def selling(folder: Path, far: FarEnd) -> Iterator[tuple[Shop, list[str]]]:
    """A hub that has sold, and tried everything until nothing was due any more."""
    rules = f"{SHOP}connections:\n  {far.connection}\nrules:\n  - name: Tell\n    when: order paid\n"
    rules += f"    retry: {{times: 40, wait: 1 second}}\n    do:\n      - {far.step}\n"
    with opened(folder, rules, **far.settings) as shop:
        shop.serve()
        events = [sales.event(session()) for _ in range(ORDERS)]
        for event in events:
            assert sales.send(shop.webhooks, event).status == 200
        shop.settle(150)
        yield shop, [event["data"]["object"]["id"] for event in events]


def settle_by_hand(shop: Shop, told: Counter[str]) -> int:
    """What a person does about everything in doubt: looks whether it is there, and says so."""
    doubtful = [one for one in shop.deliveries() if one["state"] == "unknown"]
    for one in doubtful:
        answer = "--happened" if told[one["subject"]] else "--did-not-happen"
        assert shop.hub("resolve", str(one["id"]), answer).code == 0
    shop.settle(60)
    return len(doubtful)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("start", [http, forward, airtable, slack, google_sheets, email, notify])
def test_whatever_fails_each_order_is_told_once(tmp_path: Path, start: Callable[[ExitStack], FarEnd]) -> None:
    with ExitStack() as stack:
        far = start(stack)
        with selling(tmp_path, far) as (shop, orders):
            rounds = 0
            while not far.is_once and settle_by_hand(shop, far.told()):
                rounds += 1
            assert {one["state"] for one in shop.deliveries()} == {"succeeded"}
            assert far.told() == Counter(orders)
            assert far.is_once or rounds, "nothing was in doubt: the faults did not reach it"
