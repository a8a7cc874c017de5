"""The path of an order through planner and deliveries, on a clock that the tests move.

Effects are counted at the far end. Numbers are those of the scenarios in ``docs/scenarios.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from hub.connector import Ambiguous, Batch, ConfigError, Failure, Permanent, RateLimited, Result, Retryable
from hub.store import claims, deciding, journal, lanes, listing, stock
from hub.testing import events as samples
from hub.testing.events import Item, Sale
from tests.integration.far import FAR_ENDS, Behaviour
from tests.integration.shop import TestShop

OpenShop = Callable[..., TestShop]

POST = """
rules:
  - name: Tell
    when: order paid
    do:
      - far.post: {text: "Order {{ order.number }} {{ order.total }}"}
"""
LETTER = POST.replace("far.post", "far.letter")
CALL = POST.replace("far.post", "far.call")


def raising(failure: Failure) -> Behaviour:
    """The whole call fails so, without any effect."""

    def behave(_batch: Batch[Any]) -> Sequence[Result | Failure]:
        raise failure

    return behave


def after_applying(shop: TestShop, failure: BaseException) -> Behaviour:
    """The effects happen, but the call fails so."""

    def behave(batch: Batch[Any]) -> Sequence[Result | Failure]:
        shop.far.apply(batch)
        raise failure

    return behave


DOWN = Retryable("The far end answered 503.")
DOUBT = Ambiguous("No answer came.")


# --- Which events fire what ----------------------------------------------------------------------------------------


def test_a_paid_order_makes_its_effect_once(open_shop: OpenShop) -> None:
    shop = open_shop(POST)
    shop.sell()
    shop.work()
    assert shop.far.texts() == ["Order 1001 49.00"]
    shop.work(after=86_400)
    assert len(shop.far.effects) == 1


def test_1_unpaid_makes_none_and_the_money_makes_one(open_shop: OpenShop) -> None:
    shop = open_shop(POST)
    sale = Sale(payment_status="unpaid")
    shop.sell(sale)
    shop.work()
    assert shop.far.effects == []
    shop.sell(replace(sale, payment_status="paid"), "checkout.session.async_payment_succeeded")
    shop.work()
    assert len(shop.far.effects) == 1


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("checkout.session.async_payment_failed", "unpaid"),
        ("checkout.session.expired", "unpaid"),
        ("checkout.session.completed", "unpaid"),
    ],
)
def test_2_3_what_was_not_paid_makes_none(open_shop: OpenShop, kind: str, status: str) -> None:
    shop = open_shop(POST)
    shop.sell(Sale(payment_status=status), kind)
    shop.work()
    assert shop.far.effects == []


def test_8_a_session_that_only_saves_a_card_makes_no_order(open_shop: OpenShop) -> None:
    shop = open_shop(POST)
    shop.sell(mode="setup", amount_total=None, currency=None, payment_status="no_payment_required")
    shop.work()
    assert shop.far.effects == []
    assert shop.hub.database.read(listing.list_orders) == []


def test_20_a_coupon_over_everything_makes_one(open_shop: OpenShop) -> None:
    shop = open_shop(POST)
    shop.sell(Sale(payment_status="no_payment_required"))
    shop.work()
    assert shop.far.texts() == ["Order 1001 0.00"]


def test_10_11_12_21_however_often_and_in_whatever_order_once(open_shop: OpenShop) -> None:
    shop = open_shop(POST)
    waiting = Sale(payment_status="unpaid")
    paid = replace(waiting, payment_status="paid")
    first = samples.event("checkout.session.completed", samples.session(waiting))
    later = samples.event("checkout.session.async_payment_succeeded", samples.session(paid))
    twin = samples.event("checkout.session.completed", samples.session(paid))
    shop.take(later, first, twin, later)
    shop.work()
    shop.take(first, later, twin)
    shop.work()
    assert len(shop.far.effects) == 1


def test_rules_of_other_moments_fire_at_their_moment(open_shop: OpenShop) -> None:
    shop = open_shop("""
rules:
  - name: All moments
    when: [order placed, order paid, payment failed, checkout abandoned]
    do:
      - far.post: {text: "{{ event.type }}"}
""")
    sale = Sale(payment_status="unpaid")
    shop.sell(sale)
    shop.sell(replace(sale, payment_status="paid"), "checkout.session.async_payment_succeeded")
    shop.sell(Sale(payment_status="unpaid"), "checkout.session.async_payment_failed")
    shop.sell(Sale(payment_status="unpaid"), "checkout.session.expired", status="expired")
    shop.work()
    assert sorted(shop.far.texts()) == [
        "checkout.session.async_payment_failed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.completed",
        "checkout.session.expired",
    ]


def test_a_raw_type_fires_once_per_event(open_shop: OpenShop) -> None:
    shop = open_shop("""
rules:
  - name: Every refund
    when: charge.refunded
    do:
      - far.post: {text: "{{ raw.amount_refunded }}"}
""")
    first = samples.event("charge.refunded", {"id": "ch_1", "object": "charge", "amount_refunded": 100})
    second = samples.event("charge.refunded", {"id": "ch_1", "object": "charge", "amount_refunded": 250})
    shop.take(first, second, first)
    shop.work()
    assert sorted(shop.far.texts()) == ["100", "250"]


def test_7_an_event_of_the_other_mode_is_recorded_and_has_no_effect(open_shop: OpenShop) -> None:
    shop = open_shop(POST, STRIPE_API_KEY="rk_live_x")
    session_id = shop.sell()
    shop.work()
    assert shop.far.effects == []
    [order] = shop.hub.database.read(listing.list_orders)
    assert (order.id, order.livemode) == (session_id, False)


def test_17_one_fulfilment_for_each_item(open_shop: OpenShop) -> None:
    shop = open_shop("""
rules:
  - name: Each item
    when: order paid
    for_each: order.items
    if: item.quantity > 1
    do:
      - far.post: {text: "{{ item.sku }} x {{ item.quantity }}"}
""")
    shop.sell(Sale(items=(Item(), Item("Candle", "CANDLE-S", 500, 6), Item("Poster", "POSTER-A2", 900, 1))))
    shop.work()
    assert sorted(shop.far.texts()) == ["CANDLE-S x 6", "MUG-01 x 2"]


# --- Steps follow each other ---------------------------------------------------------------------------------------

TWO_STEPS = """
rules:
  - name: Two steps
    when: order paid
    do:
      - id: first
        far.post: {text: one}
      - if: steps.first.ref == "r1"
        far.post: {text: "two after {{ steps.first.ref }}"}
      - if: steps.first.ref == "nonsense"
        far.post: {text: never}
      - far.post: {text: three}
"""


def test_later_steps_see_what_earlier_ones_answered_and_skipped_ones_do_not_stop_them(open_shop: OpenShop) -> None:
    shop = open_shop(TWO_STEPS)
    shop.sell()
    shop.work()
    assert shop.far.texts() == ["one", "two after r1", "three"]
    assert shop.states() == ["succeeded", "succeeded", "skipped", "succeeded"]


def test_a_step_waits_for_the_one_before_it(open_shop: OpenShop) -> None:
    shop = open_shop(TWO_STEPS)
    shop.far.will(raising(DOWN))
    shop.sell()
    shop.work()
    assert shop.states() == ["waiting", "blocked", "blocked", "blocked"]
    shop.work(after=10)
    assert shop.far.texts() == ["one", "two after r1", "three"]


def test_a_failed_step_stops_its_rule_and_no_other(open_shop: OpenShop) -> None:
    shop = open_shop(TWO_STEPS + "  - name: Other\n    when: order paid\n    do:\n      - far.letter: {text: other}\n")
    shop.far.will(raising(Permanent("No such room.")))
    shop.sell()
    shop.work()
    assert shop.far.texts() == ["other"]
    assert shop.states() == ["dead", "cancelled", "cancelled", "cancelled", "succeeded"]


def test_on_error_steps_run_once_and_know_what_happened(open_shop: OpenShop) -> None:
    shop = open_shop("""
rules:
  - name: Tell
    when: order paid
    do:
      - id: first
        far.post: {text: one}
      - far.post: {text: two}
    on_error:
      - far.letter: {text: "{{ error.action }} failed: {{ error.message }}"}
      - far.letter: {text: "order {{ order.number }}"}
""")
    shop.far.will(raising(Permanent("No such room.")))
    shop.sell()
    shop.work()
    assert shop.far.texts() == ["far.post failed: No such room.", "order 1001"]
    [dead] = [line.id for line in shop.deliveries() if line.state == "dead"]
    shop.far.will(raising(Permanent("Still no such room.")))
    shop.hub.database.write(lambda c: deciding.retry(c, [dead], shop.clock.now())).result()
    shop.work()
    assert len(shop.far.effects) == 2


def test_on_error_continue_goes_on(open_shop: OpenShop) -> None:
    shop = open_shop("""
rules:
  - name: Tell
    when: order paid
    do:
      - far.post: {text: one}
        on_error: continue
      - far.post: {text: two}
      - far.post: {text: three}
""")
    shop.far.will(raising(Permanent("No.")))
    shop.sell()
    shop.work()
    assert shop.far.texts() == ["two", "three"]


def test_a_value_that_is_missing_at_run_time_is_a_visible_failure(open_shop: OpenShop) -> None:
    shop = open_shop("""
rules:
  - name: Tell
    when: order paid
    do:
      - far.post: {text: "{{ order.total / order.discount }}"}
""")
    shop.sell()
    shop.work()
    assert shop.states() == ["dead"]
    assert shop.errors()


# --- Failures ------------------------------------------------------------------------------------------------------


def test_a_temporary_failure_is_tried_again_with_growing_pauses(open_shop: OpenShop) -> None:
    shop = open_shop(POST)
    shop.far.will(*[raising(DOWN)] * 4)
    shop.sell()
    dues = []
    for _ in range(4):
        shop.work()
        [line] = shop.deliveries()
        assert line.state == "waiting"
        assert line.due_at is not None
        dues.append(line.due_at - shop.clock.now())
        shop.clock.advance(dues[-1] / 1000)
    shop.work()
    assert shop.states() == ["succeeded"]
    assert len(shop.far.calls) == 5
    assert dues == sorted(dues)


def test_52_what_always_fails_becomes_a_dead_letter_and_blocks_nobody(open_shop: OpenShop) -> None:
    shop = open_shop(POST + "        retry: {times: 2, wait: 1 minute}\n")
    shop.sell()

    def poison(batch: Batch[Any]) -> Sequence[Result | Failure]:
        return [DOWN if "1001" in one.params.text else shop.far.apply(replace(batch, deliveries=[one]))[0]
                for one in batch.deliveries]  # fmt: skip

    shop.far.will(*[poison] * 10)
    for _ in range(5):
        shop.sell()
        shop.work(after=600)
    assert shop.states() == ["dead", *["succeeded"] * 5]
    assert shop.errors() == ["The far end answered 503. Given up after 3 tries."]


def test_retry_none_gives_up_at_once(open_shop: OpenShop) -> None:
    shop = open_shop(POST + "        retry: none\n")
    shop.far.will(raising(DOWN))
    shop.sell()
    shop.work()
    assert shop.states() == ["dead"]


def test_a_request_to_wait_holds_the_whole_lane_and_uses_up_no_try(open_shop: OpenShop) -> None:
    shop = open_shop(POST + "        retry: none\n")
    shop.far.will(raising(RateLimited("Slow down.", timedelta(seconds=30))))
    shop.sell()
    shop.work()
    shop.sell()
    shop.work(after=29)
    assert len(shop.far.calls) == 1
    assert [(line.state, line.error) for line in shop.deliveries()] == [("waiting", "Slow down.")] * 2
    shop.work(after=2)
    assert len(shop.far.effects) == 2


def test_while_everything_fails_a_lane_is_asked_less_and_less_often(open_shop: OpenShop) -> None:
    shop = open_shop(POST)
    shop.far.will(*[raising(DOWN)] * 100)
    for _ in range(120):
        shop.sell()
        shop.work(after=1)
    assert len(shop.far.calls) < 15


def test_a_wrong_setting_pauses_the_connection_and_burns_nothing(open_shop: OpenShop) -> None:
    shop = open_shop(POST + "        retry: none\n" + POST.replace("rules:\n", "").replace("Tell", "More"))
    broken = raising(ConfigError("The token is wrong.", "Put a new one into .env."))
    shop.far.will(*[broken] * 3)
    shop.sell()
    for _ in range(3):
        shop.work(after=61)
    assert {line.state for line in shop.deliveries()} == {"waiting"}
    assert "Put a new one into .env." in shop.errors()[0]
    assert len(shop.far.calls) == 3
    shop.work(after=61)
    assert len(shop.far.effects) == 2


def test_a_reload_wakes_a_paused_connection_at_once(open_shop: OpenShop) -> None:
    shop = open_shop(POST)
    shop.far.will(raising(ConfigError("The token is wrong.", "Put a new one into .env.")))
    shop.sell()
    shop.work()
    shop.reload(POST)
    shop.work()
    assert len(shop.far.effects) == 1


def test_one_bad_delivery_does_not_spoil_its_batch(open_shop: OpenShop) -> None:
    shop = open_shop(POST)

    def second_is_bad(batch: Batch[Any]) -> Sequence[Result | Failure]:
        good = shop.far.apply(replace(batch, deliveries=[batch.deliveries[0], batch.deliveries[2]]))
        return [good[0], Permanent("Bad."), good[1]]

    shop.far.will(second_is_bad)
    for _ in range(3):
        shop.sell()
    shop.work()
    assert shop.states() == ["succeeded", "dead", "succeeded"]


# --- Doubt ---------------------------------------------------------------------------------------------------------


def test_16_what_happened_although_no_answer_came_is_found_and_not_repeated(open_shop: OpenShop) -> None:
    shop = open_shop(POST)
    shop.far.will(after_applying(shop, DOUBT))
    shop.sell()
    shop.work()
    assert shop.states() == ["waiting"]
    shop.work(after=60)
    assert (shop.states(), len(shop.far.effects), shop.far.lookups) == (["succeeded"], 1, 1)


def test_what_did_not_happen_is_sent_again_in_the_same_batch(open_shop: OpenShop) -> None:
    shop = open_shop(POST)
    shop.far.will(raising(DOUBT))
    shop.sell()
    shop.sell()
    shop.work()
    shop.sell()
    shop.work(after=60)
    first, second, third = shop.far.calls
    assert (second.id, second.repeated, len(second)) == (first.id, True, 2)
    assert not third.repeated
    assert len(shop.far.effects) == 3


def test_an_unexpected_exception_of_a_connector_counts_as_doubt(open_shop: OpenShop) -> None:
    shop = open_shop(POST)
    shop.far.will(after_applying(shop, ZeroDivisionError("a bug")))
    shop.sell()
    shop.work()
    shop.work(after=60)
    assert (shop.states(), len(shop.far.effects)) == (["succeeded"], 1)


def test_a_letter_of_unknown_fate_waits_for_a_person(open_shop: OpenShop) -> None:
    shop = open_shop(LETTER)
    shop.far.will(after_applying(shop, DOUBT))
    shop.sell()
    shop.work()
    shop.work(after=86_400)
    [line] = shop.deliveries()
    assert (line.state, len(shop.far.calls)) == ("unknown", 1)
    refusal = shop.hub.database.write(
        lambda c: deciding.resolve(c, line.id, happened=True, now=shop.clock.now())
    ).result()
    assert (refusal, shop.states(), len(shop.far.calls)) == ("", ["succeeded"], 1)


def test_a_letter_that_did_not_happen_is_sent_when_a_person_says_so(open_shop: OpenShop) -> None:
    shop = open_shop(LETTER)
    shop.far.will(raising(DOUBT))
    shop.sell()
    shop.work()
    [line] = shop.deliveries()
    shop.hub.database.write(lambda c: deciding.resolve(c, line.id, happened=False, now=shop.clock.now())).result()
    shop.work(after=5)
    assert (shop.states(), len(shop.far.effects)) == (["succeeded"], 1)


def test_a_step_may_say_that_doubt_means_sending_again(open_shop: OpenShop) -> None:
    shop = open_shop(LETTER.replace('{{ order.total }}"}', '{{ order.total }}", on_unknown: resend}'))
    shop.far.will(after_applying(shop, DOUBT))
    shop.sell()
    shop.work()
    shop.work(after=60)
    assert (shop.states(), len(shop.far.effects)) == (["succeeded"], 2)


def test_a_far_end_that_knows_keys_gets_the_same_key_again(open_shop: OpenShop) -> None:
    shop = open_shop(CALL)
    shop.far.will(raising(DOUBT))
    shop.sell()
    shop.work()
    shop.work(after=60)
    first, second = shop.far.calls
    assert first.deliveries[0].key == second.deliveries[0].key
    assert shop.far.lookups == 0


# --- Crashes -------------------------------------------------------------------------------------------------------


def crash_while_running(shop: TestShop, applied: bool) -> None:
    """The process dies in the middle of a call: its claim stays behind."""
    shop.worker.planner.turn()
    [lane] = shop.hub.database.read(lanes.due_lanes)
    now = shop.clock.now()
    taken = shop.hub.database.write(
        lambda c: claims.claim(c, lane, worker="dead", now=now, lease_until=now + 30_000, most=lambda _: 10)
    ).result()
    assert taken is not None
    if applied:
        shop.far.effects += [(line.key, "sent") for line in shop.deliveries()]


def take_over(shop: TestShop, after: float) -> None:
    """Another process notices that the lease has ended."""
    shop.clock.advance(after)
    shop.hub.database.write(lambda c: claims.recover(c, shop.clock.now(), everyone=False)).result()


@pytest.mark.parametrize("applied", [True, False])
def test_15_after_a_crash_in_the_middle_the_effect_is_there_once(open_shop: OpenShop, applied: bool) -> None:
    shop = open_shop(POST)
    shop.sell()
    crash_while_running(shop, applied)
    shop.work()
    assert shop.states() == ["running"]
    take_over(shop, after=31)
    shop.work()
    assert (shop.states(), len(shop.far.effects)) == (["succeeded"], 1)


def test_15_a_letter_that_was_under_way_at_a_crash_waits_for_a_person(open_shop: OpenShop) -> None:
    shop = open_shop(LETTER)
    shop.sell()
    crash_while_running(shop, applied=True)
    take_over(shop, after=31)
    shop.work()
    assert (shop.states(), len(shop.far.effects), len(shop.far.calls)) == (["unknown"], 1, 0)


def test_23_an_acknowledged_event_is_planned_after_a_restart(open_shop: OpenShop) -> None:
    shop = open_shop(POST)
    shop.sell()
    shop.close()
    again = open_shop(POST)
    again.work()
    assert len(again.far.effects) == 1


# --- Rules that change ---------------------------------------------------------------------------------------------


def test_54_an_order_in_flight_keeps_the_rules_it_was_planned_with(open_shop: OpenShop) -> None:
    shop = open_shop(POST)
    shop.far.will(raising(DOWN))
    shop.sell()
    shop.work()
    shop.reload(POST.replace("Order {{", "Changed {{"))
    shop.work(after=10)
    assert shop.far.texts() == ["Order 1001 49.00"]


def test_54_also_after_a_restart(open_shop: OpenShop) -> None:
    shop = open_shop(POST)
    shop.far.will(raising(DOWN))
    shop.sell()
    shop.work()
    shop.close()
    again = open_shop(POST.replace("Order {{", "Changed {{"))
    again.work(after=100)
    assert again.far.texts() == ["Order 1001 49.00"]


def test_a_corrected_connection_is_used_by_what_waits(open_shop: OpenShop) -> None:
    shop = open_shop(POST)
    shop.far.will(raising(DOWN))
    shop.sell()
    shop.work()
    (shop.folder / "rules.yaml").write_text((shop.folder / "rules.yaml").read_text().replace("name: main", "name: new"))
    shop.hub.rulebook.load()
    shop.worker.reload()
    shop.work(after=10)
    assert shop.far.effects == []
    assert len(FAR_ENDS["new"].effects) == 1


def test_a_broken_file_does_not_replace_the_rules_in_force(open_shop: OpenShop) -> None:
    shop = open_shop(POST)
    shop.reload("rules:\n  - name: [\n")
    assert shop.problems
    shop.sell()
    shop.work()
    assert len(shop.far.effects) == 1


def test_a_held_rule_catches_up_when_it_is_mended_and_the_others_run_meanwhile(open_shop: OpenShop) -> None:
    good = POST + POST.replace("rules:\n", "").replace("Tell", "Second").replace("Order", "Second")
    shop = open_shop(good.replace("Second {{ order.number }}", "Second {{ order.nubmer }}"))
    shop.sell()
    shop.work()
    assert shop.far.texts() == ["Order 1001 49.00"]
    [event] = shop.hub.database.read(listing.list_events)
    assert "held" in event.waiting
    shop.reload(good)
    shop.work()
    assert shop.far.texts() == ["Order 1001 49.00", "Second 1001 49.00"]


def test_a_replay_repeats_nothing_and_adds_what_a_changed_rule_has_more(open_shop: OpenShop) -> None:
    shop = open_shop(POST)
    session_id = shop.sell()
    shop.work()
    shop.reload(POST + "      - far.post: {text: new}\n")

    def replay(connection: Any) -> None:
        journal.replan(connection, journal.seqs(connection, session_id), shop.clock.now())

    shop.hub.database.write(replay).result()
    shop.work()
    assert shop.far.texts() == ["Order 1001 49.00", "new"]


def test_a_disabled_rule_does_nothing(open_shop: OpenShop) -> None:
    shop = open_shop(POST.replace("when: order paid", "when: order paid\n    enabled: no"))
    shop.sell()
    shop.work()
    assert shop.deliveries() == []


# --- Missing connections -------------------------------------------------------------------------------------------


def test_without_its_connection_a_rule_is_held_and_in_demo_mode_rehearsed(open_shop: OpenShop) -> None:
    slack = POST.replace("far.post: {text:", 'slack.message: {channel: "#orders", text:')
    shop = open_shop(slack)
    shop.sell()
    shop.work()
    assert shop.deliveries() == []
    [event] = shop.hub.database.read(listing.list_events)
    assert "not connected" in event.waiting.lower() or "connection" in event.waiting.lower()


# --- Stock ---------------------------------------------------------------------------------------------------------

STOCK = """
rules:
  - name: Stock
    when: order paid
    for_each: order.items
    do:
      - id: stock
        inventory.decrease: {sku: "{{ item.sku }}", by: "{{ item.quantity }}"}
      - if: steps.stock.left < 5
        far.post: {text: "{{ item.sku }}: {{ steps.stock.left }} left"}
"""


def set_stock(shop: TestShop, **counts: int) -> None:
    named = {sku.replace("_", "-"): count for sku, count in counts.items()}
    shop.hub.database.write(lambda c: stock.set_on_hand(c, named, now=shop.clock.now())).result()


def on_hand(shop: TestShop) -> dict[str, int]:
    return {item.sku: item.on_hand for item in shop.hub.database.read(stock.items)}


def test_stock_goes_down_by_what_was_sold_and_later_steps_see_what_is_left(open_shop: OpenShop) -> None:
    shop = open_shop(STOCK)
    set_stock(shop, MUG_01=6, CANDLE_S=100)
    shop.sell(Sale(items=(Item(), Item("Candle", "CANDLE-S", 500, 6))))
    shop.work()
    assert on_hand(shop) == {"MUG-01": 4, "CANDLE-S": 94}
    assert shop.far.texts() == ["MUG-01: 4 left"]


def test_39_the_last_one_is_sold_once_and_the_other_sale_waits_for_a_person(open_shop: OpenShop) -> None:
    shop = open_shop(STOCK)
    set_stock(shop, MUG_01=2)
    shop.sell()
    shop.sell()
    shop.work()
    assert on_hand(shop) == {"MUG-01": 0}
    assert [line.state for line in shop.deliveries() if line.action == "inventory.decrease"] == ["succeeded", "dead"]
    dead = [line.id for line in shop.deliveries() if line.state == "dead"]
    set_stock(shop, MUG_01=10)
    assert shop.hub.database.write(lambda c: deciding.retry(c, dead, shop.clock.now())).result() == {}
    shop.work()
    assert on_hand(shop) == {"MUG-01": 8}


# --- What a person decides -----------------------------------------------------------------------------------------


def test_a_retried_dead_letter_takes_the_steps_after_it_along(open_shop: OpenShop) -> None:
    shop = open_shop(TWO_STEPS)
    shop.far.will(raising(Permanent("No such room.")))
    shop.sell()
    shop.work()
    dead = [line.id for line in shop.deliveries() if line.state == "dead"]
    shop.hub.database.write(lambda c: deciding.retry(c, dead, shop.clock.now())).result()
    shop.work()
    assert shop.far.texts() == ["one", "two after r1", "three"]


def test_finished_and_running_deliveries_are_not_retried(open_shop: OpenShop) -> None:
    shop = open_shop(POST)
    shop.sell()
    shop.work()
    [line] = shop.deliveries()
    refused = shop.hub.database.write(lambda c: deciding.retry(c, [line.id, 999], shop.clock.now())).result()
    assert "does not repeat" in refused[line.id]
    assert "no such delivery" in refused[999]
    shop.work()
    assert len(shop.far.effects) == 1


def test_a_cancelled_delivery_is_never_sent_nor_what_follows_it(open_shop: OpenShop) -> None:
    shop = open_shop(TWO_STEPS)
    shop.far.will(raising(DOWN))
    shop.sell()
    shop.work()
    first = shop.deliveries()[0].id
    assert shop.hub.database.write(lambda c: deciding.cancel(c, [first], shop.clock.now())).result() == {}
    shop.work(after=3600)
    assert (shop.far.effects, set(shop.states())) == ([], {"cancelled"})


# --- Timers --------------------------------------------------------------------------------------------------------


def test_a_wait_is_kept_across_a_restart_and_a_stop_ends_the_rule(open_shop: OpenShop) -> None:
    rules = """
rules:
  - name: Later
    when: order paid
    do:
      - far.post: {text: now}
      - wait: 3 days
      - far.post: {text: later}
      - stop: enough
      - far.post: {text: never}
"""
    shop = open_shop(rules)
    shop.sell()
    shop.work()
    shop.work(after=3 * 86_400 - 1)
    assert shop.far.texts() == ["now"]
    shop.close()
    again = open_shop(rules)
    again.clock.advance(3 * 86_400 + 1)
    again.work()
    assert again.far.texts() == ["later"]
    assert again.states() == ["succeeded", "succeeded", "succeeded", "succeeded", "cancelled"]


def test_a_timer_outlives_edits_of_the_rule_and_a_clock_that_is_set_back(open_shop: OpenShop) -> None:
    rules = """
rules:
  - name: Later
    when: order paid
    delay: 2 days
    if: {order.total: over 10 EUR}
    do:
      - far.post: {text: "as planned"}
      - wait: 1 day
      - far.post: {text: "the day after"}
"""
    shop = open_shop(rules)
    shop.sell()
    shop.work()
    shop.reload(rules.replace("as planned", "as edited").replace("2 days", "5 days").replace("over 10", "over 999"))
    shop.work(after=86_400)
    shop.clock.advance(-3600)
    shop.work()
    assert shop.far.texts() == []
    shop.work(after=86_400 + 3600)
    assert shop.far.texts() == ["as planned"], "the order keeps the rule and the time it was planned with"
    shop.reload("rules: []")
    shop.work(after=86_400)
    assert shop.far.texts() == ["as planned", "the day after"], "also when the rule is gone"
    shop.work(after=30 * 86_400)
    assert len(shop.far.texts()) == 2


def test_a_block_is_decided_once_and_its_other_side_stays_away(open_shop: OpenShop) -> None:
    shop = open_shop("""
rules:
  - name: Either
    when: order paid
    do:
      - if: order.total > 10
        do:
          - far.post: {text: large}
          - if: order.total > 1000
            do:
              - far.post: {text: huge}
            else:
              - far.post: {text: not huge}
        else:
          - far.post: {text: small}
      - far.post: {text: after}
""")
    shop.sell()
    shop.work()
    assert shop.far.texts() == ["large", "not huge", "after"]
