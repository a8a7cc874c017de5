"""``hub plan``: orders on record through other rules; the difference, and nothing sent."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.app import open_hub
from hub.engine.whatif import compare
from hub.registry import discover
from hub.rules.load import load_texts
from hub.settings import read_settings
from hub.store import journal
from tests.e2e.peers import Sink
from tests.e2e.sales import line, session
from tests.e2e.shop import SHOP, Shop, eventually, opened

OLD = (
    SHOP
    + """
connections: {carrier: {type: http, base_url: "PEER", allow_private: yes}}
rules:
  - name: Parcel
    when: order paid
    do: [{http.request: {url: /parcels, json: {order: "{{ order.number }}"}}}]
  - name: Big
    when: order paid
    if: {order.total: over 100 EUR}
    do: [{http.request: {url: /big, json: {order: "{{ order.number }}"}}}]
  - name: Mugs
    when: order paid
    for_each: order.items
    if: {item.sku: MUG-01}
    do: [{http.request: {url: "/mugs/{{ item.quantity }}"}}]
"""
)
NEW = (
    OLD.replace("over 100 EUR", "over 40 EUR")
    .replace("/parcels, json: {order:", "/parcels, json: {number:")
    .replace("item.sku: MUG-01", "item.sku: CUP-01")
)


@pytest.fixture
def shop(tmp_path: Path, sink: Sink) -> Iterator[Shop]:
    with opened(tmp_path, OLD.replace("PEER", sink.base)) as found:
        found.serve()
        found.sell(session(line("MUG-01", 2)))
        found.sell(session(line("POSTER", 5)))
        eventually("all is done", lambda: len(sink.done) == 4)
        found.settle()
        found.rules(NEW.replace("PEER", sink.base), "new.yaml")
        yield found


def test_what_would_be_more_fewer_and_otherwise(shop: Shop, sink: Sink) -> None:
    found = shop.listed("plan", "--rules", "new.yaml")
    assert (found["events"], found["same"]) == (2, 1)
    assert [(one["rule"], one["order"]) for one in found["added"]] == [("Big", 1001)]
    assert [(one["rule"], one["order"]) for one in found["dropped"]] == [("Mugs", 1001)]
    assert [(one["rule"], one["order"]) for one in found["changed"]] == [("Parcel", 1001), ("Parcel", 1002)]
    told = shop.hub("plan", "--rules", "new.yaml").out
    assert "Big: 1 more" in told
    assert "Mugs: 1 fewer" in told
    assert "Parcel: 2 otherwise" in told
    assert len(sink.calls) == 4, "nothing was sent"
    assert len(shop.deliveries()) == 4, "nothing was planned"


def test_the_same_rules_make_no_difference(shop: Shop) -> None:
    assert "just the same" in shop.hub("plan", "--rules", "rules.yaml").out
    assert shop.listed("plan", "--rules", "new.yaml", "--since", "1m")["events"] == 2


def test_an_event_told_twice_counts_once(shop: Shop, sink: Sink) -> None:
    obj = session(line("MUG-01", 50))
    for _ in range(3):
        shop.sell(obj)
    eventually("it is done once", lambda: len(sink.done) == 7)
    found = shop.listed("plan", "--rules", "new.yaml")
    assert [one["order"] for one in found["dropped"]] == [1001, 1003]


def test_rules_with_a_problem_cannot_be_compared(shop: Shop) -> None:
    shop.rules("rules: [", "new.yaml")
    done = shop.hub("plan", "--rules", "new.yaml")
    assert (done.code, "never closed" in done.err) == (1, True)


def test_planning_opens_no_connection_to_anywhere(shop: Shop, sink: Sink) -> None:
    environment = {**shop.settings, "HUB_DATABASE_URL": f"sqlite:///{shop.folder}/var/hub.db"}
    environment |= {"HUB_RULES": str(shop.folder / "rules.yaml"), "HUB_DATA_DIR": str(shop.folder / "var")}
    hub = open_hub(read_settings(environment), environment)
    dialled: list[object] = []

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if watching and event.startswith(("socket.connect", "socket.getaddrinfo", "subprocess.")):
            dialled.append((event, arguments[:2]))

    watching = True
    sys.addaudithook(watch)
    with socket.socket() as probe:
        probe.connect_ex(("127.0.0.1", 9))
    assert len(dialled) == 1, "the watch sees nothing"
    dialled.clear()
    try:
        texts = [text.replace("PEER", sink.base) for text in (OLD, NEW)]
        old, new = (load_texts({"rules.yaml": text}, discover(None), environment).ruleset for text in texts)
        assert old is not None
        assert new is not None
        seqs = hub.database.read(lambda connection: journal.received_since(connection, 0))
        assert len(compare(hub.database, hub.contexts, old, new, [seqs]).differences) == 4
    finally:
        watching = False
        hub.close()
    assert dialled == []


#: What opens connections: the connectors, the parts of the hub that use them, and the packages that dial.
DIALS = {
    "connectors",
    "stripe",
    "httpx",
    "httpcore",
    "requests",
    "urllib3",
    "smtplib",
    "google",
    "slack_sdk",
    "apprise",
}
SENDS = {f"hub.engine.{name}" for name in ("sending", "dispatcher", "fetching", "polling", "connections")}


def test_planning_is_built_from_nothing_that_can_send_or_fetch() -> None:
    told = "import sys, hub.engine.whatif, hub.engine.explaining; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", told], check=True, capture_output=True, text=True).stdout.split()
    assert "hub.rules.trying" in loaded
    assert [one for one in loaded if one.partition(".")[0] in DIALS or one in SENDS] == []
