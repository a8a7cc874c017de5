"""Every rules file that was in force can be listed, shown, compared and put back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.sales import session
from tests.e2e.shop import SHOP, Shop, eventually, opened

FIRST = (
    SHOP
    + """
connections: {orders: {type: spreadsheet, file: first.csv}}
rules:
  - name: Row
    when: order paid
    do:
      - spreadsheet.add_row: {columns: {Order: "{{ order.id }}"}}
"""
)
SECOND = FIRST.replace("first.csv", "second.csv")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with opened(tmp_path, FIRST) as found:
        found.serve()
        found.sell(session())
        found.settle()
        found.rules(SECOND)
        eventually("the second version is in force", lambda: len(found.listed("rules", "log")) == 2)
        yield found


def test_the_log_tells_what_was_in_force_since_when(shop: Shop) -> None:
    second, first = shop.listed("rules", "log")
    assert (first["version"], second["version"]) == (1, 2)
    assert first["loaded_at"] <= second["loaded_at"]
    assert first["digest"] != second["digest"]
    told = shop.hub("rules", "log").out
    assert "+1 -1" in told
    assert first["digest"][:12] in told


def test_a_delivery_knows_the_version_it_was_planned_with(shop: Shop) -> None:
    eventually("a sale under the second", lambda: shop.sell(session()) and shop.rows("second.csv"))
    second, first = shop.listed("rules", "log")
    planned = [delivery["rules"] for delivery in shop.deliveries()]
    assert (planned[-1], planned[0]) == (first["digest"], second["digest"])


def test_a_version_can_be_shown_and_compared(shop: Shop) -> None:
    first = shop.listed("rules", "log")[1]
    assert shop.hub("rules", "show", "1").out.strip() == FIRST.strip()
    assert shop.hub("rules", "show", first["digest"][:10]).out.strip() == FIRST.strip()
    difference = shop.hub("rules", "diff", "1", "2").out.splitlines()
    assert [line[0] for line in difference if "orders:" in line] == ["-", "+"]
    assert shop.hub("rules", "diff").out.strip() == "There is no difference."
    missing = shop.hub("rules", "show", "99")
    assert (missing.code, missing.err.strip()) == (1, "There is no version 99. List them with  hub rules log")


def test_a_version_that_is_put_back_is_in_force_again_and_in_the_log(shop: Shop) -> None:
    done = shop.hub("rules", "rollback", "1", "--yes", "--reason", "second.csv was a mistake")
    assert (done.code, "+connections: {orders: {type: spreadsheet, file: first.csv}}" in done.out) == (0, True)
    assert (shop.folder / "rules.yaml").read_text() == FIRST
    before = len(shop.rows("first.csv"))
    eventually("the first acts again", lambda: shop.sell(session()) and len(shop.rows("first.csv")) > before)
    newest = shop.listed("rules", "log")[0]
    assert (newest["version"], newest["reason"], bool(newest["author"])) == (3, "second.csv was a mistake", True)
    assert len(shop.listed("rules", "log")) == 3
    assert shop.hub("rules", "rollback", "1", "--yes").code == 1, "it is in force already"


def test_nothing_is_put_back_unasked(shop: Shop) -> None:
    assert shop.hub("rules", "rollback", "1", stdin="n\n").code != 0
    assert (shop.folder / "rules.yaml").read_text() == SECOND


def test_a_file_that_no_hub_has_loaded_is_kept_when_it_is_replaced(shop: Shop) -> None:
    for process in shop.processes:
        process.terminate()
        process.wait(15)
    third = FIRST.replace("first.csv", "third.csv")
    shop.rules(third)
    assert shop.hub("rules", "rollback", "2", "--yes").code == 0
    assert shop.hub("rules", "show", "3").out.strip() == third.strip()
    shop.rules("rules: [")
    assert shop.hub("rules", "rollback", "1", "--yes").code == 0
    assert (shop.folder / "rules.yaml.broken").read_text() == "rules: ["
