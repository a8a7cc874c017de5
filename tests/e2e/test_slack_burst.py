"""Far more messages than Slack takes: none is refused, and everybody's order is told.

With HUB_FULL_RUNS=1 the burst has 5,000 orders, else 600.
"""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hub.testing.slack import Slack as Fake
from tests.e2e import sales
from tests.e2e.sales import session
from tests.e2e.shop import SHOP, eventually, opened

ORDERS = 5_000 if os.environ.get("HUB_FULL_RUNS") else 600
RULES = """
connections:
  slack: {token: "${SLACK_TOKEN}", base_url: "SLACK-API"}
rules:
  - name: Tell
    when: order paid
    do:
      - slack.message: {channel: "#orders", text: "Order {{ order.id }}: {{ order.total | money }}"}
"""


@pytest.fixture
def slack() -> Iterator[Fake]:
    with Fake() as fake:
        fake.workspace.per_second = 1
        yield fake


@pytest.mark.timeout(300)
def test_a_burst_is_told_in_few_messages_and_slack_never_asks_to_wait(tmp_path: Path, slack: Fake) -> None:
    channel = slack.channel("#orders")
    rules = SHOP + RULES.replace("SLACK-API", slack.base_url)
    events = [sales.event(session()) for _ in range(ORDERS)]
    with opened(tmp_path, rules, SLACK_TOKEN=slack.token) as shop:
        shop.serve()
        began = time.monotonic()
        with ThreadPoolExecutor(16) as pool:
            answers = pool.map(lambda event: sales.send(shop.webhooks, event).status, events)
            assert set(answers) == {200}
        eventually("all are told", lambda: slack.counts.total() >= ORDERS, 200)
        took = time.monotonic() - began
        shop.settle()
    wanted = Counter(event["data"]["object"]["id"] for event in events)
    assert Counter(re.findall(r"Order (\S+):", "\n".join(channel.texts))) == wanted
    assert slack.calls == len(channel.messages), "a call was refused"
    print(f"{ORDERS} orders in {len(channel.messages)} messages, {took:.0f} s")
