"""What cannot run says so: what is wrong, what to do, exit code 2, no traceback, and nothing that was there is lost."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import sales
from tests.e2e.shop import SHOP, Finished, Shop, eventually, opened

RULES = (
    SHOP
    + """
connections: {orders: {type: spreadsheet, file: orders.csv}}
rules:
  - name: Row
    when: order paid
    do:
      - spreadsheet.add_row: {columns: {Order: "{{ order.id }}"}}
"""
)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with opened(tmp_path, RULES) as found:
        yield found


def refused(shop: Shop, *command: str) -> str:
    """What a command that must not start says on its error stream."""
    done: Finished = shop.hub(*(command or ("serve",)))
    assert (done.code, "Traceback" in done.err) == (2, False), done.err
    return done.err


@pytest.mark.parametrize(
    ("name", "value", "says", "remedy"),
    [
        ("HUB_PORT", "eighty", "HUB_PORT cannot be used: it must be a whole number", "Correct this"),
        ("HUB_PORT", "99999", "at most 65535", "Correct this"),
        ("HUB_LEASE_SECONDS", "0", "at least 1", "Correct this"),
        ("STRIPE_WEBHOOK_SECRET", "", "STRIPE_WEBHOOK_SECRET cannot be used: it is empty", "whsec_"),
        ("STRIPE_WEBHOOK_SECRET", "sk_test_1", "must begin with whsec_", "Correct this"),
        ("STRIPE_API_KEY", "pk_live_1", "restricted key", "Correct this"),
        ("STRIPE_WEBHOOK_SECRET_FILE", "/no/such/file", "/no/such/file cannot be read", "Correct this"),
        ("HUB_RULES", "none.yaml", "none.yaml cannot be read: it does not exist", "hub init"),
        ("HUB_DATABASE_URL", "mysql://a/b", "does not speak", "sqlite:///"),
        ("HUB_DATABASE_URL", "postgresql://x@127.0.0.1:1/none", "Connection refused", "Start the server"),
        ("HUB_DATABASE_URL", "sqlite:///rules.yaml", "not a database", "Restore a backup"),
        ("HUB_DATA_DIR", "rules.yaml/inside", "cannot be written", "HUB_DATA_DIR"),
        ("HUB_HOST", "203.0.113.1", "cannot listen at 203.0.113.1", "HUB_HOST"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_with_what_to_do(
    shop: Shop, name: str, value: str, says: str, remedy: str
) -> None:
    if name.endswith("_FILE"):
        del shop.settings[name.removesuffix("_FILE")]
    shop.settings[name] = value
    told = refused(shop)
    assert says in told
    assert remedy in told
    assert "sk_test_1" not in told, "a secret is never repeated"
    assert (shop.folder / "rules.yaml").read_text() == RULES


def test_a_port_in_use(shop: Shop) -> None:
    with socket.create_server(("127.0.0.1", int(shop.settings["HUB_PORT"]))):
        told = refused(shop)
    assert f"Port {shop.settings['HUB_PORT']} is in use" in told
    assert "HUB_PORT" in told


def test_a_second_hub_on_the_same_file_is_told_that_there_is_one(shop: Shop) -> None:
    shop.serve()
    told = refused(shop, "work")
    assert "another process" in told.lower()


@pytest.mark.parametrize("broken", ["rules: [", "rules:\n\t- name: x\n", "\x00", "- just\n- a list\n"])
def test_rules_that_cannot_be_read_do_not_start_and_the_problem_is_shown(shop: Shop, broken: str) -> None:
    shop.rules(broken)
    told = refused(shop)
    assert "rules.yaml, line " in told
    assert "hub check" in told


def test_a_broken_file_does_not_replace_the_rules_in_force_and_nothing_is_lost(shop: Shop) -> None:
    shop.serve()
    shop.rules("rules: [")
    eventually("the problem is told", lambda: "never closed" in shop.log)
    order = shop.sell(sales.session())
    eventually("the old rules act", lambda: len(shop.row_of(order)) == 1)
    shop.rules(RULES.replace("Order:", "Sale:").replace("orders.csv", "sales.csv"))
    eventually("the mended file is in force", lambda: "rules loaded" in shop.log)
    shop.sell(sales.session())
    eventually("the mended file acts", lambda: shop.rows("sales.csv"))
    assert set(shop.rows("sales.csv")[0]) == {"Sale"}


def test_with_strict_a_held_rule_stops_the_start_and_without_it_the_others_run(shop: Shop) -> None:
    shop.rules(RULES + "  - name: Typo\n    when: order payed\n    do: [{wait: 1 minute}]\n")
    told = refused(shop, "serve", "--strict")
    assert "“Typo”" in told
    shop.serve()
    order = shop.sell(sales.session())
    eventually("the rule without a mistake acts", lambda: len(shop.row_of(order)) == 1)
