"""The stock when many work on it at once: several hubs, and a person who counts. On SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest
import sqlalchemy as sa

from hub.connector import Ledger, Moving, Permanent
from hub.keys import effect_key
from hub.model import DeliveryState
from hub.store import claims, settling, stock
from hub.store.claims import Work
from hub.store.database import Database, open_database
from hub.store.settling import Settled
from hub.store.tables import stock_movements
from tests.contract.test_store import NOW, STOCK, Shop, done

Move = Callable[[Ledger, Moving], object]
#: Deliveries in one transaction.
BATCH = 7


@pytest.fixture
def hubs(database_url: str, database: Database) -> Iterator[Sequence[Database]]:
    """One database, opened by two processes' worth of writers."""
    other = open_database(database_url)
    yield database, other
    other.close()


@pytest.fixture
def shop(hubs: Sequence[Database]) -> Shop:
    return Shop(hubs[0])


def counted(database: Database, **pieces: int) -> None:
    database.write(lambda connection: stock.set_on_hand(connection, pieces, now=NOW)).result()


def balance(shop: Shop) -> dict[str, tuple[int, int]]:
    """On hand and reserved, by SKU."""
    return {one.sku: (one.on_hand, one.reserved) for one in shop.database.read(stock.items)}


def of_each(move: Move, skus: Callable[[int], Sequence[str]]) -> Callable[[Work, Ledger], Settled]:
    """A delivery's effect: one piece of each of the SKUs that its number gives."""

    def effect(work: Work, ledger: Ledger) -> Settled:
        try:
            for sku in skus(work.id):
                move(ledger, Moving(effect_key(work.run_key, work.step), sku, 1, work.subject, work.run_id))
        except Permanent as error:
            return replace(done(work), state=DeliveryState.DEAD, error=error.message)
        return done(work)

    return effect


def sell(ledger: Ledger, moving: Moving) -> None:
    ledger.sell(moving)


def reserve(ledger: Ledger, moving: Moving) -> None:
    ledger.reserve(moving)


def both_ways(number: int) -> Sequence[str]:
    """What one transaction holds, another may wait for."""
    return ("A", "B") if number % 2 else ("B", "A")


def work_at_once(
    shop: Shop, hubs: Sequence[Database], effect: Callable[[Work, Ledger], Settled], *others: Callable[[], object]
) -> None:
    """Two threads of each hub make the effects of all that is due, while others do something else."""
    lane = shop.due()[STOCK.name].lane_id

    def work(database: Database) -> None:
        while found := database.read(lambda c: claims.due_here(c, lane, NOW, BATCH)):
            database.write(partial(settling.apply_here, lane_id=lane, work=found, effect=effect, now=NOW)).result()

    everyone: list[Callable[[], object]] = [*(partial(work, hub) for hub in (*hubs, *hubs)), *others]
    with ThreadPoolExecutor(len(everyone)) as pool:
        for going in [pool.submit(one) for one in everyone]:
            going.result()


def consistent(shop: Shop) -> None:
    """Each SKU's balance, and that after each movement, is the sum of its movements."""
    statement = sa.select(stock_movements).order_by(stock_movements.c.id)
    rows = shop.database.read(lambda connection: connection.execute(statement).all())
    for sku, now in balance(shop).items():
        on_hand = reserved = 0
        for row in (one for one in rows if one.sku == sku):
            on_hand, reserved = on_hand + row.delta, reserved + row.reserved
            assert row.balance == on_hand >= reserved >= 0
        assert now == (on_hand, reserved)


def test_hubs_that_sell_at_once_sell_each_piece_once_and_none_that_is_not_there(
    shop: Shop, hubs: Sequence[Database]
) -> None:
    counted(hubs[0], A=25, B=60)
    for number in range(40):
        shop.run(f"n{number}", STOCK)
    work_at_once(shop, hubs, of_each(sell, lambda _: ["A"]))
    assert (shop.states().count("succeeded"), shop.states().count("dead")) == (25, 15)
    assert balance(shop) == {"A": (0, 0), "B": (60, 0)}
    consistent(shop)


def test_what_a_person_counts_while_others_sell_stays_the_sum_of_the_movements(
    shop: Shop, hubs: Sequence[Database]
) -> None:
    counted(hubs[0], A=60, B=60)
    for number in range(40):
        shop.run(f"n{number}", STOCK)

    def count() -> None:
        for number in range(12):
            counted(hubs[number % 2], A=40 + number, B=50 - number)

    work_at_once(shop, hubs, of_each(sell, both_ways), count)
    assert set(shop.states()) == {"succeeded"}
    assert shop.one("SELECT count(*) FROM stock_movements WHERE kind = 'sale'") == 80
    consistent(shop)


def test_of_many_that_reserve_at_once_only_so_many_get_something_and_each_of_those_can_buy_it(
    shop: Shop, hubs: Sequence[Database]
) -> None:
    counted(hubs[0], A=15)
    for number in range(30):
        shop.run(f"n{number}", STOCK, STOCK)
    refused = set()

    def reserve_then_buy(work: Work, ledger: Ledger) -> Settled:
        if work.step == "2":
            return of_each(sell, lambda _: ["A"])(work, ledger)
        if of_each(reserve, lambda _: ["A"])(work, ledger).state is DeliveryState.DEAD:
            refused.add(work.run_id)
        return done(work)

    work_at_once(shop, hubs, reserve_then_buy)
    assert shop.states().count("dead") == len(refused) == 15
    assert balance(shop) == {"A": (0, 0)}
    consistent(shop)
