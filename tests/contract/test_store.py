"""What every database must promise. One suite, run on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hub.checkout import orders as tellings
from hub.connector import Ledger, Moving, Permanent
from hub.errors import NotStored, StorageError
from hub.keys import run_key
from hub.model import DeliveryState, Event, Order, OrderState, Reversal, Source
from hub.store import claims, journal, lanes, orders, reversals, rulesets, runs, schema, settling, stock
from hub.store.claims import Claim, Work
from hub.store.database import Connection, Database, open_database
from hub.store.journal import EVERY_RULE, Postponed
from hub.store.lanes import Due, Lane
from hub.store.runs import NewDelivery, NewRun
from hub.store.settling import Settled

NOW = 1_764_000_000_000
SHEET = Lane("sheet:Orders", "sheet", serial=True)
OPEN = Lane("carrier", "carrier", serial=False)


def event(name: str, **changes: Any) -> Event:
    base = Event(
        id=f"evt_{name}",
        type="checkout.session.completed",
        object_id=f"cs_{name}",
        account="",
        livemode=False,
        created=NOW,
        thin=False,
        source=Source.WEBHOOK,
        received_at=NOW,
        body=b'{"id": "evt"}',
    )
    return replace(base, **changes)


def order(name: str = "cs_1", **changes: Any) -> Order:
    base = Order(
        id=name,
        account="",
        livemode=False,
        state=OrderState.AWAITING_PAYMENT,
        mode="payment",
        total=4900,
        currency="EUR",
        customer_name="Ana Núñez",
        customer_email="ana@example.com",
        payment_intent="pi_1",
        subscription=None,
        created_at=NOW,
        event_seq=1,
    )
    return replace(base, **changes)


class Shop:
    """A database with a rule set, and short words for what tests do with it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.ruleset_id = self.write(lambda connection: rulesets.keep(connection, "digest", {"rules.yaml": ""}, NOW))

    def write(self, operation: Any) -> Any:
        return self.database.write(operation).result()

    def append(self, *events: Event) -> list[bool]:
        """Whether each was new."""
        return [not one.duplicate for one in self.write(lambda c: journal.append(c, events, NOW))]

    def due_events(self, now: int = NOW) -> list[tuple[str, str]]:
        return [(one.event.id, one.rule) for one in self.database.read(lambda c: journal.due(c, now, 100))]

    def run(self, name: str, *lanes_: Lane, now: int = NOW) -> None:
        """Plans a run with one delivery per lane."""
        self.append(event(name))
        seq = self.database.read(lambda c: journal.find(c, f"evt_{name}")).seq  # type: ignore[union-attr]
        steps = [NewDelivery(str(i + 1), "sheet.add", lane.connection, lane) for i, lane in enumerate(lanes_)]
        new = self.new_run(name, seq, steps)
        self.write(lambda c: runs.add_runs(c, [new], now))

    def new_run(self, name: str, seq: int, steps: Sequence[NewDelivery]) -> NewRun:
        return NewRun(
            key=run_key(event(name), "order paid", f"cs_{name}", "A rule", ""),
            event_seq=seq,
            order_number=None,
            subject=f"cs_{name}",
            trigger="order paid",
            rule="A rule",
            item="",
            ruleset_id=self.ruleset_id,
            deliveries=steps,
        )

    def due(self) -> dict[str, Due]:
        return {due.name: due for due in self.database.read(lanes.due_lanes)}

    def claim(self, lane: str = SHEET.name, *, most: int = 100, now: int = NOW, worker: str = "w") -> Claim | None:
        due = self.due().get(lane)
        if due is None:
            return None
        return self.claim_lane(due, most=most, now=now, worker=worker)

    def claim_lane(self, due: Due, *, most: int = 100, now: int = NOW, worker: str = "w") -> Claim | None:
        found: Claim | None = self.write(
            lambda c: claims.claim(c, due, worker=worker, now=now, lease_until=now + 30_000, most=lambda _: most)
        )
        return found

    def settle(self, taken: Claim, *settled: Settled, now: int = NOW) -> int:
        done: int = self.write(lambda c: settling.settle(c, taken, settled, now))
        return done

    def states(self) -> list[str]:
        statement = "SELECT state FROM deliveries ORDER BY id"
        return list(self.database.read(lambda c: c.exec_driver_sql(statement).scalars().all()))

    def one(self, statement: str) -> Any:
        return self.database.read(lambda c: c.exec_driver_sql(statement).scalar())


@pytest.fixture
def shop(database: Database) -> Shop:
    return Shop(database)


def done(work: Work, **changes: Any) -> Settled:
    return replace(Settled(work=work, state=DeliveryState.SUCCEEDED, outcome="succeeded", receipt={}), **changes)


def waiting(work: Work, due_at: int, **changes: Any) -> Settled:
    return replace(Settled(work=work, state=DeliveryState.WAITING, outcome="retryable", due_at=due_at), **changes)


# --- The journal -------------------------------------------------------------------------------------------------


def test_an_event_enters_the_journal_once(shop: Shop) -> None:
    assert shop.append(event("a")) == [True]
    assert shop.append(event("a"), event("b")) == [False, True]
    assert shop.due_events() == [("evt_a", EVERY_RULE), ("evt_b", EVERY_RULE)]


def test_two_copies_in_one_transaction_count_as_one_new_event(shop: Shop) -> None:
    assert shop.append(event("a"), event("a"), event("b")) == [True, False, True]
    assert len(shop.due_events()) == 2


def test_the_same_id_of_another_account_or_mode_is_another_event(shop: Shop) -> None:
    assert shop.append(event("a"), event("a", account="acct_1"), event("a", livemode=True)) == [True, True, True]


def test_an_event_comes_back_as_it_was_stored(shop: Shop) -> None:
    stored = event("a", body=b'{"raw": "\xc3\xa9"}', account="acct_1", thin=True, livemode=True)
    shop.append(stored)
    found = shop.database.read(lambda c: journal.find(c, "evt_a"))
    assert found is not None
    assert replace(found, seq=0) == stored


def test_a_planned_event_is_not_due_again_until_it_is_replayed(shop: Shop) -> None:
    shop.append(event("a"))
    batch = shop.database.read(lambda c: journal.due(c, NOW, 10))
    shop.write(lambda c: journal.planned(c, batch, shop.ruleset_id))
    assert shop.due_events(NOW + 10**9) == []
    shop.write(lambda c: journal.replan(c, [batch[0].event.seq], NOW))
    assert shop.due_events() == [("evt_a", EVERY_RULE)]


def test_a_rule_that_has_to_wait_is_planned_later_and_woken_by_a_reload(shop: Shop) -> None:
    shop.append(event("a"))
    seq = shop.database.read(lambda c: journal.due(c, NOW, 10))[0].event.seq
    postponed = Postponed(seq, "Held rule", NOW + 3_600_000, 2, "no connection")
    shop.write(lambda c: journal.postpone(c, [postponed]))
    assert ("evt_a", "Held rule") not in shop.due_events()
    assert ("evt_a", "Held rule") in shop.due_events(NOW + 3_600_000)
    assert shop.write(lambda c: journal.wake_postponed(c, NOW)) == 1
    assert ("evt_a", "Held rule") in shop.due_events()


# --- Orders ------------------------------------------------------------------------------------------------------


def record(shop: Shop, *told: Order) -> Order:
    """The order after the last telling."""
    after: list[Order] = shop.write(lambda c: orders.record(c, told, tellings.merge, NOW))
    return after[-1]


def test_orders_are_numbered_from_1001(shop: Shop) -> None:
    shop.append(event("a"))
    assert [record(shop, order("cs_1")).number, record(shop, order("cs_2")).number] == [1001, 1002]


def test_what_events_tell_adds_up_whatever_their_order(shop: Shop) -> None:
    shop.append(event("a"))
    paid = order(state=OrderState.PAID, paid_at=NOW + 1, total=5000)
    expired = order(state=OrderState.EXPIRED, expired_at=NOW + 2)
    assert record(shop, order("cs_1")).state is OrderState.AWAITING_PAYMENT
    assert record(shop, paid).state is OrderState.PAID
    late = record(shop, expired)
    assert (late.state, late.total, late.expired_at, late.number) == (OrderState.PAID, 5000, NOW + 2, 1001)
    assert shop.database.read(lambda c: orders.find(c, "cs_1")) == late


def reversal(name: str, amount: int, status: str, rank: int, **changes: Any) -> Reversal:
    base = Reversal(
        id=name,
        account="",
        livemode=False,
        kind="refund",
        payment_intent="pi_1",
        amount=amount,
        status=status,
        rank=rank,
    )
    return replace(base, **changes)


def reverse(shop: Shop, *told: Reversal) -> tuple[OrderState, int]:
    """State and refunded sum of the one order, after ``told``."""
    shop.write(lambda c: reversals.record(c, told, tellings.with_reversals, NOW))
    found = shop.database.read(lambda c: orders.find(c, "cs_1"))
    assert found is not None
    return found.state, found.refunded


def test_refunds_add_up_and_only_move_forward(shop: Shop) -> None:
    shop.append(event("a"))
    record(shop, order(state=OrderState.PAID, paid_at=NOW))
    assert reverse(shop, reversal("re_1", 1000, "pending", 0)) == (OrderState.PAID, 0)
    assert reverse(shop, reversal("re_1", 1000, "succeeded", 1)) == (OrderState.PARTLY_REFUNDED, 1000)
    assert reverse(shop, reversal("re_1", 1000, "pending", 0)) == (OrderState.PARTLY_REFUNDED, 1000)
    assert reverse(shop, reversal("re_2", 3900, "succeeded", 1)) == (OrderState.REFUNDED, 4900)
    assert reverse(shop, reversal("re_2", 3900, "failed", 2)) == (OrderState.PARTLY_REFUNDED, 1000)
    other = reversal("re_3", 900, "succeeded", 1, account="acct_1")
    assert reverse(shop, other) == (OrderState.PARTLY_REFUNDED, 1000), "another account's payment of the same name"


def test_a_refund_that_is_told_before_its_order_counts_when_the_order_is_told(shop: Shop) -> None:
    shop.append(event("a"))
    shop.write(lambda c: reversals.record(c, [reversal("re_1", 4900, "succeeded", 1)], tellings.with_reversals, NOW))
    record(shop, order(state=OrderState.PAID, paid_at=NOW))
    shop.write(lambda c: reversals.apply(c, ["pi_1"], tellings.with_reversals, NOW))
    found = shop.database.read(lambda c: orders.find(c, "cs_1"))
    assert found is not None
    assert (found.state, found.refunded) == (OrderState.REFUNDED, 4900)
    record(shop, order(state=OrderState.PAID, paid_at=NOW, event_seq=1))
    again = shop.database.read(lambda c: orders.find(c, "cs_1"))
    assert again == found, "telling the order again takes nothing back"


def test_a_dispute_stands_until_it_is_over(shop: Shop) -> None:
    shop.append(event("a"))
    record(shop, order(state=OrderState.PAID, paid_at=NOW))
    standing = reversal("du_1", 4900, "standing", 0, kind="dispute")
    assert reverse(shop, standing) == (OrderState.DISPUTED, 0)
    assert reverse(shop, replace(standing, status="over", rank=2)) == (OrderState.PAID, 0)
    assert reverse(shop, replace(standing, rank=1)) == (OrderState.PAID, 0)


def test_several_tellings_of_one_order_in_one_batch_make_one_order(shop: Shop) -> None:
    shop.append(event("a"))
    paid = order(state=OrderState.PAID, paid_at=NOW)
    after = shop.write(lambda c: orders.record(c, [order(), paid, order()], tellings.merge, NOW))
    assert [one.state for one in after] == [OrderState.AWAITING_PAYMENT, OrderState.PAID, OrderState.PAID]
    assert {one.number for one in after} == {1001}
    assert shop.one("SELECT count(*) FROM orders") == 1


# --- Runs and claims ---------------------------------------------------------------------------------------------


def test_a_run_is_planned_once_and_its_steps_follow_each_other(shop: Shop) -> None:
    shop.run("a", SHEET, OPEN)
    shop.run("a", SHEET, OPEN)
    assert shop.states() == ["ready", "blocked"]
    taken = shop.claim()
    assert taken is not None
    assert shop.states() == ["running", "blocked"]
    shop.settle(taken, done(taken.work[0]))
    assert shop.states() == ["succeeded", "ready"]


def test_a_changed_rule_adds_its_new_step_to_a_run_that_exists(shop: Shop) -> None:
    shop.run("a", SHEET)
    taken = shop.claim()
    assert taken is not None
    shop.settle(taken, done(taken.work[0]))
    shop.run("a", SHEET, OPEN)
    assert shop.states() == ["succeeded", "ready"]


def test_a_batch_takes_what_is_due_in_order_and_at_most_what_the_action_allows(shop: Shop) -> None:
    for name in "abc":
        shop.run(name, SHEET)
    taken = shop.claim(most=2)
    assert taken is not None
    assert [one.subject for one in taken.work] == ["cs_a", "cs_b"]


def test_a_serial_lane_is_worked_on_by_one_claim_at_a_time(shop: Shop) -> None:
    shop.run("a", SHEET)
    shop.run("b", SHEET)
    lane = shop.due()[SHEET.name]
    first = shop.claim_lane(lane, most=1)
    assert first is not None
    assert shop.claim_lane(lane, most=1) is None
    shop.settle(first, done(first.work[0]))
    assert shop.claim_lane(lane, most=1) is not None


def test_an_open_lane_may_be_worked_on_by_several_without_overlap(shop: Shop) -> None:
    for name in "abcd":
        shop.run(name, OPEN)
    lane = shop.due()[OPEN.name]
    first, second = shop.claim_lane(lane, most=2), shop.claim_lane(lane, most=2)
    assert first is not None
    assert second is not None
    assert not {one.id for one in first.work} & {one.id for one in second.work}


def test_claiming_from_many_threads_hands_out_each_delivery_once(shop: Shop) -> None:
    for number in range(60):
        shop.run(f"r{number}", OPEN)
    lane = shop.due()[OPEN.name]
    taken: list[int] = []

    def work() -> None:
        while found := shop.claim_lane(lane, most=7):
            taken.extend(one.id for one in found.work)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 60


def test_attempts_are_recorded_before_the_call_and_finished_after_it(shop: Shop) -> None:
    shop.run("a", SHEET)
    taken = shop.claim()
    assert taken is not None
    assert shop.one("SELECT count(*) FROM attempts WHERE outcome IS NULL") == 1
    shop.settle(taken, waiting(taken.work[0], NOW + 5000, error="503"))
    assert shop.one("SELECT outcome FROM attempts") == "retryable"
    again = shop.claim(now=NOW + 5000)
    assert again is not None
    assert again.work[0].attempt == 2
    assert shop.one("SELECT count(*) FROM attempts") == 2


def test_a_waiting_delivery_is_not_claimed_before_its_time(shop: Shop) -> None:
    shop.run("a", SHEET)
    taken = shop.claim()
    assert taken is not None
    shop.settle(taken, waiting(taken.work[0], NOW + 5000))
    assert shop.due()[SHEET.name].due_at == NOW + 5000
    assert shop.claim(now=NOW + 4999) is None
    assert shop.claim(now=NOW + 5000) is not None


def test_a_blocked_lane_gives_nothing_until_its_time(shop: Shop) -> None:
    shop.run("a", SHEET)
    lane = shop.due()[SHEET.name]
    shop.write(lambda c: lanes.block(c, lane.lane_id, NOW + 2000, "429", 1))
    assert shop.claim(now=NOW + 1999) is None
    assert shop.claim(now=NOW + 2000) is not None


def test_a_claim_knows_the_lanes_failures_as_they_are_now_not_as_they_were_when_it_was_found(shop: Shop) -> None:
    """Else pauses would grow through successes, for as long as one thread stays on the lane."""
    shop.run("a", SHEET)
    found = shop.due()[SHEET.name]
    for failures in (3, 0):
        shop.write(lambda c, count=failures: lanes.block(c, found.lane_id, NOW, "", count))
        taken = shop.claim_lane(found)
        assert taken is not None
        assert taken.failures == failures
        shop.settle(taken, waiting(taken.work[0], NOW))


def test_the_lanes_with_work_are_found_among_many(shop: Shop) -> None:
    for number in range(5):
        shop.run(f"r{number}", Lane(f"lane {number}", "x", serial=True))
    taken = shop.claim("lane 2")
    assert taken is not None
    assert sorted(shop.due()) == ["lane 0", "lane 1", "lane 3", "lane 4"]


# --- Settling ----------------------------------------------------------------------------------------------------


def test_a_late_worker_changes_nothing(shop: Shop) -> None:
    shop.run("a", SHEET, OPEN)
    zombie = shop.claim()
    assert zombie is not None
    assert shop.write(lambda c: claims.recover(c, NOW + 30_001, everyone=False)) == 1
    heir = shop.claim(now=NOW + 30_001)
    assert heir is not None
    assert shop.settle(zombie, done(zombie.work[0])) == 0
    assert shop.states() == ["running", "blocked"]
    assert shop.settle(heir, done(heir.work[0])) == 1
    assert shop.states() == ["succeeded", "ready"]


def test_a_lease_that_is_kept_is_not_taken_over(shop: Shop) -> None:
    shop.run("a", SHEET)
    taken = shop.claim()
    assert taken is not None
    shop.write(lambda c: claims.extend_leases(c, [taken.id], NOW + 60_000))
    assert shop.write(lambda c: claims.recover(c, NOW + 59_999, everyone=False)) == 0


def test_what_this_process_works_on_is_not_taken_over_whatever_the_clock_says(shop: Shop) -> None:
    shop.run("a", SHEET)
    taken = shop.claim()
    assert taken is not None
    assert shop.write(lambda c: claims.recover(c, NOW + 10**9, everyone=False, except_for=[taken.id])) == 0
    assert shop.states() == ["running"]


def test_a_batch_that_may_have_been_applied_comes_again_whole_alone_and_under_its_id(shop: Shop) -> None:
    for name in "abc":
        shop.run(name, SHEET)
    lost = shop.claim(most=2)
    assert lost is not None
    shop.write(lambda c: claims.recover(c, NOW, everyone=True))
    again = shop.claim(most=100, now=NOW + 9)
    assert again is not None
    assert (again.batch_id, again.repeated) == (lost.batch_id, True)
    assert (lost.since, again.since) == (None, NOW)
    assert [one.id for one in again.work] == [one.id for one in lost.work]
    shop.settle(again, *(done(one) for one in again.work))
    last = shop.claim()
    assert last is not None
    assert not last.repeated


def test_a_batch_in_doubt_keeps_its_id_through_further_tries(shop: Shop) -> None:
    shop.run("a", SHEET)
    first = shop.claim()
    assert first is not None
    shop.settle(first, waiting(first.work[0], NOW, batch_id=first.batch_id))
    second = shop.claim()
    assert second is not None
    assert second.id != first.id
    assert second.batch_id == first.batch_id


def test_a_dead_step_cancels_the_rest_of_its_run_and_no_other(shop: Shop) -> None:
    shop.run("a", SHEET, OPEN)
    shop.run("b", SHEET, OPEN)
    taken = shop.claim()
    assert taken is not None
    dead = replace(done(taken.work[0]), state=DeliveryState.DEAD, receipt=None)
    shop.settle(taken, dead, done(taken.work[1]))
    assert shop.states() == ["dead", "cancelled", "succeeded", "ready"]


def test_a_tolerated_failure_lets_the_run_go_on_to_its_end(shop: Shop) -> None:
    shop.run("a", SHEET, OPEN, SHEET)
    taken = shop.claim()
    assert taken is not None
    shop.settle(taken, replace(done(taken.work[0]), state=DeliveryState.DEAD, tolerated=True))
    second = shop.claim(OPEN.name)
    assert second is not None
    shop.settle(second, done(second.work[0]))
    assert shop.states() == ["dead", "succeeded", "ready"]


def test_an_unknown_outcome_holds_the_run(shop: Shop) -> None:
    shop.run("a", SHEET, OPEN)
    taken = shop.claim()
    assert taken is not None
    shop.settle(taken, replace(done(taken.work[0]), state=DeliveryState.UNKNOWN))
    assert shop.states() == ["unknown", "blocked"]


def test_results_of_succeeded_steps_are_found_by_run(shop: Shop) -> None:
    shop.run("a", SHEET, OPEN)
    taken = shop.claim()
    assert taken is not None
    shop.settle(taken, done(taken.work[0], receipt={"row_number": 7, "name": "Ána"}))
    run_id = taken.work[0].run_id
    found = shop.database.read(lambda c: runs.results(c, [run_id]))
    assert found == {run_id: {"1": {"row_number": 7, "name": "Ána"}}}


# --- Stock -------------------------------------------------------------------------------------------------------

STOCK = Lane(":inventory", "", serial=True)


def take(delta: int) -> Any:
    def effect(work: Work, ledger: Ledger) -> Settled:
        try:
            moved = ledger.sell(Moving(f"key{work.id}", "MUG", -delta, work.subject))
        except Permanent as error:
            return replace(done(work), state=DeliveryState.DEAD, error=error.message)
        return done(work, receipt={"left": moved.left})

    return effect


def apply(shop: Shop, effect: Any) -> list[Settled]:
    lane = shop.due()[STOCK.name]
    work = shop.database.read(lambda c: claims.due_here(c, lane.lane_id, NOW, 100))
    settled: list[Settled] = shop.write(lambda c: settling.apply_here(c, lane.lane_id, work, effect, NOW))
    return settled


def on_hand(shop: Shop) -> int:
    return {item.sku: item.on_hand for item in shop.database.read(stock.items)}["MUG"]


def test_a_movement_and_its_delivery_are_one_transaction(shop: Shop) -> None:
    shop.write(lambda c: stock.set_on_hand(c, {"MUG": 10}, now=NOW))
    shop.run("a", STOCK)
    [settled] = apply(shop, take(-3))
    assert settled.receipt == {"left": 7}
    assert (on_hand(shop), shop.states()) == (7, ["succeeded"])
    assert shop.one("SELECT sum(delta) FROM stock_movements") == 7


def test_a_failing_transaction_moves_nothing_and_settles_nothing(shop: Shop) -> None:
    shop.write(lambda c: stock.set_on_hand(c, {"MUG": 10}, now=NOW))
    shop.run("a", STOCK)

    def broken(work: Work, ledger: Ledger) -> Settled:
        take(-3)(work, ledger)
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        apply(shop, broken)
    assert (on_hand(shop), shop.states()) == (10, ["ready"])


def test_the_last_piece_is_sold_once(shop: Shop) -> None:
    shop.write(lambda c: stock.set_on_hand(c, {"MUG": 1}, now=NOW))
    shop.run("a", STOCK)
    shop.run("b", STOCK)
    settled = apply(shop, take(-1))
    assert [one.state for one in settled] == [DeliveryState.SUCCEEDED, DeliveryState.DEAD]
    assert "Only 0 of “MUG” are left" in settled[1].error
    assert on_hand(shop) == 0


def test_an_unknown_sku_says_what_to_do(shop: Shop) -> None:
    shop.run("a", STOCK)
    [settled] = apply(shop, take(-1))
    assert "hub stock set MUG" in settled.error


def test_a_delivery_that_was_applied_meanwhile_is_left_alone(shop: Shop) -> None:
    shop.write(lambda c: stock.set_on_hand(c, {"MUG": 10}, now=NOW))
    shop.run("a", STOCK)
    lane = shop.due()[STOCK.name]
    work = shop.database.read(lambda c: claims.due_here(c, lane.lane_id, NOW, 100))
    for _ in range(2):
        shop.write(lambda c: settling.apply_here(c, lane.lane_id, work, take(-1), NOW))
    assert on_hand(shop) == 9


def test_counting_the_stock_keeps_the_ledger_the_sum_of_its_rows(shop: Shop) -> None:
    for count in (10, 4, 4, 7):
        shop.write(lambda c, count=count: stock.set_on_hand(c, {"MUG": count}, now=NOW))
    assert on_hand(shop) == 7
    assert shop.one("SELECT sum(delta) FROM stock_movements") == 7
    assert shop.one("SELECT count(*) FROM stock_movements") == 3


# --- The database itself -----------------------------------------------------------------------------------------


def test_one_failing_write_does_not_spoil_those_that_wait_with_it(database: Database) -> None:
    def fail(_connection: Connection) -> None:
        raise RuntimeError("mine alone")

    gate = threading.Event()
    first = database.write(lambda _: gate.wait(5))
    good = [database.write(lambda c: journal.append(c, [event("a")], NOW)) for _ in range(3)]
    bad = database.write(fail)
    more = database.write(lambda c: journal.append(c, [event("b")], NOW))
    gate.set()
    first.result()
    assert sum(not one.result()[0].duplicate for one in good) == 1
    assert not more.result()[0].duplicate
    with pytest.raises(RuntimeError, match="mine alone"):
        bad.result()


def test_two_processes_see_each_others_writes(database_url: str, database: Database) -> None:
    woken = threading.Event()
    database.watch(woken.set)
    other = open_database(database_url)
    other.write(lambda c: journal.append(c, [event("a")], NOW)).result()
    # A notification is only promised to listeners that are there already; another write is another chance.
    for number in range(100):
        other.write(partial(journal.append, received=[event(f"n{number}")], now=NOW)).result()
        other.announce()
        if woken.wait(0.1):
            break
    assert woken.is_set()
    other.close()


def test_a_database_of_a_newer_hub_is_refused_with_a_remedy(database: Database) -> None:
    database.write(lambda c: c.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")).result()
    with pytest.raises(StorageError, match="newer hub"):
        schema.upgrade(database)


def test_a_file_that_is_no_database_is_refused_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "hub.db").write_text("Dear diary, " * 1000)
    with pytest.raises(StorageError, match="cannot be used"):
        open_database(f"sqlite:///{tmp_path}/hub.db")


def test_an_address_that_is_none_is_refused_with_a_remedy() -> None:
    for wrong in ("", "hub.db", "mysql://root@localhost/hub", "sqlite://"):
        with pytest.raises(StorageError, match="HUB_DATABASE_URL"):
            open_database(wrong)


def test_a_full_disk_is_told_and_nothing_is_half_stored(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/hub.db")
    schema.upgrade(database)
    # The smallest size that the file has now: every further page is one too many.
    database.write(lambda c: c.exec_driver_sql("PRAGMA max_page_count=1").scalar()).result()
    large = [event(f"e{i}", body=b"x" * 100_000) for i in range(3)]
    with pytest.raises(NotStored, match="full"):
        database.write(lambda c: journal.append(c, large, NOW)).result()
    assert database.read(lambda c: journal.due(c, NOW, 10)) == []
    database.close()
