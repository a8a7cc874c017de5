"""The stock ledger, told in any order, against what plain arithmetic says."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.connector import Ledger, Moving
from hub.store import schema, stock
from hub.store.database import Connection, Database, open_database
from hub.store.stock import Stock

Step = Callable[[Ledger], object]
NOW = 1_764_000_000_000


@dataclass(frozen=True)
class Story:
    """All that is told of an order of one SKU: lines of so many pieces, and how many each refund wants back."""

    lines: Sequence[int]
    placed: bool
    paid: bool
    refunds: Sequence[int]

    def pieces_gone(self) -> int:
        sold = sum(self.lines) if self.paid else 0
        return sold - min(sold, sum(self.refunds))


pieces = st.integers(1, 5)
stories = st.builds(
    Story, st.lists(pieces, min_size=1, max_size=3), st.booleans(), st.booleans(), st.lists(pieces, max_size=3)
)


def told(story: Story, order: int, sku: str) -> list[tuple[str, Step]]:
    """Each movement with its key."""
    steps: list[tuple[str, Step]] = []

    def step(name: str, number: int, count: int, move: Callable[[Ledger, Moving], object]) -> None:
        key = f"{sku} {order} {name} {number}"
        steps.append((key, lambda ledger: move(ledger, Moving(key, sku, count, "", order))))

    for number, count in enumerate(story.lines):
        if story.placed:
            step("reserve", number, count, lambda ledger, moving: ledger.reserve(moving))
        if story.paid:
            step("sell", number, count, lambda ledger, moving: ledger.sell(moving))
        else:
            step("release", number, count, lambda ledger, moving: ledger.release(moving))
    for number, count in enumerate(story.refunds):
        step("restock", number, count, lambda ledger, moving: ledger.restock(moving, at_most_sold=True))
    return steps


@pytest.fixture(scope="module")
def ledger_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One for all examples; each has a SKU of its own."""
    database = open_database(f"sqlite:///{tmp_path_factory.mktemp('ledger')}/hub.db")
    schema.upgrade(database)
    yield database
    database.close()


@given(st.lists(stories, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_whatever_the_order_in_which_orders_are_told_the_stock_ends_where_arithmetic_says(
    ledger_database: Database, orders: list[Story], chance: random.Random
) -> None:
    sku = f"SKU-{len(ledger_database.read(stock.items))}"
    once = [step for number, story in enumerate(orders) for step in told(story, 1000 + number, sku)]
    steps = [*once, *once]  # each is told twice
    chance.shuffle(steps)

    def write(connection: Connection) -> None:
        stock.set_on_hand(connection, {sku: 1000}, now=NOW)
        for key, step in steps:
            ledger = Stock(connection, [key], NOW)
            step(ledger)
            ledger.store()

    ledger_database.write(write).result()
    (item,) = [one for one in ledger_database.read(stock.items) if one.sku == sku]
    assert (item.on_hand, item.reserved) == (1000 - sum(one.pieces_gone() for one in orders), 0)
