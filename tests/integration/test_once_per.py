"""``once_per`` on the real planner and store: other orders of the same customer make no second run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hub.app import Hub, open_hub
from hub.checkout import events as parsing
from hub.engine.planner import Planner
from hub.model import Source
from hub.settings import read_settings
from hub.store import journal, listing
from hub.testing import events

RULES = """
rules:
  - name: Welcome
    when: [order paid, order placed]
    once_per: {once_per}
    do: [{{inventory.decrease: {{sku: GIFT, by: 1}}}}]
"""


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    environment = {
        "HUB_DATABASE_URL": f"sqlite:///{tmp_path}/hub.db",
        "HUB_RULES": str(tmp_path / "rules.yaml"),
        "HUB_DATA_DIR": str(tmp_path),
    }
    opened = open_hub(read_settings(environment), environment)
    yield opened
    opened.close()


def runs_for(hub: Hub, once_per: str, orders: list[tuple[str, str]], days: list[int] | None = None) -> int:
    """How many deliveries the orders (session id, e-mail) make under ``once_per``; ``days``: when each was made."""
    hub.settings.rules.write_text(RULES.format(once_per=once_per), "utf-8")
    assert hub.rulebook.load().problems == ()
    now = hub.clock.now()
    for (session_id, email), day in zip(orders, days or [0] * len(orders), strict=True):
        sale = events.Sale(buyer=events.Buyer(email=email))
        session: dict[str, Any] = events.session(sale) | {"id": session_id}
        document = events.event("checkout.session.completed", session)
        document["created"] = 1_790_000_000 + day * 86_400
        event = parsing.parse(events.encode(document), source=Source.WEBHOOK, received_at=now)
        hub.database.write(partial(journal.append, received=[event], now=now)).result()
    planner = Planner(
        hub.database,
        hub.rulebook,
        hub.contexts,
        hub.clock,
        mode=None,
        first_start=0,
        lease=timedelta(seconds=60),
        rehearse=False,
        fetch=None,
        planned=lambda: None,
    )
    while planner.turn():
        pass
    return len(hub.database.read(listing.list_deliveries))


ORDERS = [("cs_test_1", "ana@example.com"), ("cs_test_2", "ana@example.com"), ("cs_test_3", "bo@example.com")]


@pytest.mark.parametrize(("once_per", "expected"), [("event", 3), ("order", 3), ("customer.email", 2)])
def test_a_rule_runs_once_per_what_it_says(hub: Hub, once_per: str, expected: int) -> None:
    assert runs_for(hub, once_per, ORDERS) == expected


@pytest.mark.parametrize(
    ("days", "expected"),
    [([0, 1, 0], 2), ([0, 29, 0], 2), ([0, 30, 0], 3), ([30, 0, 0], 3), ([29, 0, 0], 2)],
    ids=["next day", "within the time", "after it", "told late", "told late, within the time"],
)
def test_with_a_time_another_run_may_follow_after_it(hub: Hub, days: list[int], expected: int) -> None:
    within = "{what: customer.email, within: 30 days}"
    assert runs_for(hub, within, ORDERS, days) == expected
    assert runs_for(hub, within, ORDERS, days) == expected, "told again, nothing comes of it"
    apart = [runs_for(hub, within, [(f"cs_test_again_{day}", "cy@example.com")], [day]) for day in (0, 20, 40)]
    assert [count - expected for count in apart] == [1, 1, 2], "counted from the run, not from what made none"
