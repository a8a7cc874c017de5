"""The same faults for every connector, through the whole hub: what can be once is once; what cannot is never lost.

Of class ``none``, what is in doubt is shown to a person, who looks at the far end and says what happened.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
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
    connection = f'airtable: {{base: {BASE}, token: "${{AIRTABLE}}", base_url: "{fake.url}", timeout: 1 second}}'
    step = 'airtable.add_record: {table: Orders, fields: {Order: "{{ order.id }}"}}'
    return FarEnd(
        connection, step, lambda: orders_in(*(one["Order"] for one in fake.tables["Orders"])), {"AIRTABLE": TOKEN}
    )


def slack(stack: ExitStack) -> FarEnd:
    fake = started(stack, Slack())
    connection = f'slack: {{token: "${{SLACK}}", base_url: "{fake.base_url}", timeout: 1 second}}'
    step = 'slack.message: {channel: "#orders", text: "Sold {{ order.id }}"}'
    return FarEnd(connection, step, lambda: orders_in(*fake.channel("#orders").texts), {"SLACK": fake.token})


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


def rule(name: str, far: FarEnd) -> str:
    head = f"  - name: {name}\n    when: order paid\n    retry: {{times: 40, wait: 1 second}}\n"
    return f"{head}    do:\n      - {far.step}\n"


def settle_by_hand(shop: Shop, far_ends: Mapping[str, FarEnd]) -> set[str]:
    """What a person does about everything in doubt: looks whether it is there, and says so. Whose it was."""
    doubtful = [one for one in shop.deliveries() if one["state"] == "unknown"]
    for one in doubtful:
        answer = "--happened" if far_ends[one["rule"]].told()[one["subject"]] else "--did-not-happen"
        assert shop.hub("resolve", str(one["id"]), answer).code == 0
    shop.settle(120)
    return {one["rule"] for one in doubtful}


@pytest.mark.timeout(300)
def test_whatever_fails_each_order_is_told_once_everywhere(tmp_path: Path) -> None:
    with ExitStack() as stack:
        starts = (http, forward, airtable, slack, google_sheets, email, notify)
        far_ends = {start.__name__: start(stack) for start in starts}
        connections = "".join(f"  {one.connection}\n" for one in far_ends.values())
        rules = f"{SHOP}connections:\n{connections}rules:\n" + "".join(rule(*one) for one in far_ends.items())
        settings = {name: value for one in far_ends.values() for name, value in one.settings.items()}
        shop = stack.enter_context(opened(tmp_path, rules, **settings))
        shop.serve()
        events = [sales.event(session()) for _ in range(ORDERS)]
        assert {sales.send(shop.webhooks, event).status for event in events} == {200}
        shop.settle(150)
        doubtful: set[str] = set()
        while found := settle_by_hand(shop, far_ends):
            doubtful |= found
        assert doubtful == {name for name, one in far_ends.items() if not one.is_once}, "only these can be in doubt"
        assert {one["state"] for one in shop.deliveries()} == {"succeeded"}
        wanted = Counter(event["data"]["object"]["id"] for event in events)
        assert {name: one.told() for name, one in far_ends.items()} == dict.fromkeys(far_ends, wanted)
