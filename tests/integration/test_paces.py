"""What an action may ask of its lane: a pace, a later time, a part of a batch for the next one, earlier answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hub.connector import Ambiguous, Batch, Failure, LeftOver, RateLimited, Result
from tests.integration.far import FAR_ENDS, Behaviour
from tests.integration.shop import TestShop

OpenShop = Callable[..., TestShop]

PACED = """
rules:
  - name: Tell
    when: order paid
    do:
      - far.paced: {text: "Order {{ order.number }}"}
"""


def only(count: int) -> Behaviour:
    """Takes the first of a batch and leaves the others."""

    def behave(batch: Batch[Any]) -> Sequence[Result | Failure]:
        taken = FAR_ENDS["main"].apply(Batch(batch.id, batch.deliveries[:count]))
        return [*taken, *(LeftOver() for _ in batch.deliveries[count:])]

    return behave


def test_a_paced_lane_rests_after_each_batch_and_what_is_due_meanwhile_goes_together(open_shop: OpenShop) -> None:
    shop = open_shop(PACED)
    for after, calls in [(0, 1), (0, 1), (9.9, 1), (0.1, 2), (0, 2), (30, 3)]:
        shop.sell()
        shop.work(after)
        assert len(shop.far.calls) == calls, f"{after} s later"
    assert [len(one) for one in shop.far.calls] == [1, 3, 2]
    assert len(set(shop.far.texts())) == 6


def test_a_wish_to_wait_outweighs_the_pace(open_shop: OpenShop) -> None:
    shop = open_shop(PACED)

    def limited(_batch: Batch[Any]) -> Sequence[Result | Failure]:
        raise RateLimited("Wait.", timedelta(seconds=60))

    shop.far.will(limited)
    shop.sell()
    shop.work()
    shop.work(after=59)
    assert len(shop.far.calls) == 1
    shop.work(after=1)
    assert shop.far.texts() == ["Order 1001"]


def test_what_is_left_over_comes_in_order_with_the_next_batch_and_no_try_is_counted(open_shop: OpenShop) -> None:
    shop = open_shop(PACED)
    for _ in range(5):
        shop.sell()
    shop.far.will(only(2), only(2))
    shop.work()
    assert sorted(shop.states()) == ["ready"] * 3 + ["succeeded"] * 2
    shop.work(after=10)
    shop.work(after=10)
    assert shop.far.texts() == [f"Order {number}" for number in range(1001, 1006)]
    assert [one.attempts for one in shop.deliveries()] == [1] * 5
    assert len({one.key for one in shop.far.calls[0].deliveries}) == 5


def test_left_over_in_doubt_stays_in_doubt(open_shop: OpenShop) -> None:
    shop = open_shop(PACED)
    for _ in range(3):
        shop.sell()

    def dropped(batch: Batch[Any]) -> Sequence[Result | Failure]:
        shop.far.apply(Batch(batch.id, batch.deliveries[:1]))
        raise Ambiguous("No answer came.")

    shop.far.will(dropped, only(1), only(1))
    shop.work()
    for _ in range(4):
        shop.work(after=120)
    assert shop.states() == ["succeeded"] * 3
    assert sorted(shop.far.texts()) == ["Order 1001", "Order 1002", "Order 1003"]
    assert [one.repeated for one in shop.far.calls] == [False, True, True]
    assert {one.id for one in shop.far.calls} == {shop.far.calls[0].id}


def test_an_action_may_say_that_it_is_for_later_in_the_shops_time(open_shop: OpenShop) -> None:
    shop = open_shop(PACED.replace("Order {{", "tomorrow {{"))
    shop.sell()
    shop.sell()
    shop.work()
    assert shop.far.calls == []
    assert shop.states() == ["waiting", "waiting"]
    (due,) = {one.due_at for one in shop.deliveries()}
    assert due is not None
    assert datetime.fromtimestamp(due / 1000, ZoneInfo("UTC")).time().isoformat() == "08:00:00"
    shop.work(after=86_400)
    assert [len(one) for one in shop.far.calls] == [2], "gathered, they go together"


def test_what_was_answered_for_the_same_order_before_comes_along(open_shop: OpenShop) -> None:
    shop = open_shop(
        """
rules:
  - name: First
    when: order paid
    do:
      - far.post: {text: "first"}
  - name: Then
    when: order paid
    do:
      - wait: 1 minute
      - far.paced: {text: "then"}
"""
    )
    for _ in range(2):
        shop.sell()
        shop.work()
    shop.work(after=60)
    later = [one for call in shop.far.calls for one in call.deliveries if one.params.text == "then"]
    assert [len(one.earlier) for one in later] == [1, 1]
    assert len({one.earlier[0]["ref"] for one in later}) == 2, "each order has its own"
