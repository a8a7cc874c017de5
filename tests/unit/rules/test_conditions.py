"""What structured conditions mean: every word, on both sides of its limit, and for missing values."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hub.errors import EvaluationError
from hub.money import Money
from tests.unit.rules.shop import messages, order, rule_if

BERLIN = ZoneInfo("Europe/Berlin")


def met(condition: str, changes: dict[str, Any] | None = None, now: datetime | None = None, more: str = "") -> bool:
    rules, rule = rule_if(condition, more=more)
    return rule.condition.met(order(rules, changes, now))


def euros(amount: str) -> dict[str, Any]:
    return {"order.total": Money(Decimal(amount), "EUR")}


@pytest.mark.parametrize(
    ("words", "yes", "no"),
    [
        ("over 100", "100.01", "100"),
        ("under 100", "99.99", "100"),
        ("at least 100", "100", "99.99"),
        ("at most 100", "100", "100.01"),
        ("exactly 100", "100.00", "100.01"),
        ("between 50 and 100", "50", "49.99"),
        ("between 50 and 100", "100", "100.01"),
        ("Over 100 eur", "101", "99"),
    ],
)
def test_amounts_compare_with_words_and_limits_count_as_said(words: str, yes: str, no: str) -> None:
    assert met(f"{{order.total: {words}}}", euros(yes))
    assert not met(f"{{order.total: {words}}}", euros(no))


def test_an_amount_in_another_currency_meets_nothing() -> None:
    yen = {"order.total": Money(Decimal(1500), "JPY")}
    assert not met("{order.total: over 1000 USD}", yen)
    assert not met("{order.total: under 2000 USD}", yen)
    assert met("{order.total: over 1000 JPY}", yen)


@pytest.mark.parametrize(
    ("condition", "value", "expected"),
    [
        ("{order.item_count: over 20}", 21, True),
        ("{order.item_count: over 20}", 20, False),
        ("{order.item_count: between 2 and 3}", 3, True),
        ("{order.item_count: exactly 2}", 2, True),
    ],
)
def test_numbers_compare_like_amounts(condition: str, value: int, expected: bool) -> None:
    assert met(condition, {"order.item_count": value}) is expected


@pytest.mark.parametrize(
    ("condition", "changes", "expected"),
    [
        ("{order.country: US}", {}, True),
        ("{order.country: us}", {}, True),
        ("{order.country: [CA, US]}", {}, True),
        ("{order.country: {not: [NO, US]}}", {}, False),
        ("{order.country: {not: NO}}", {}, True),
        ("{order.country: {in: eu}}", {"order.country": "DE"}, True),
        ("{order.country: {not_in: eu}}", {"order.country": "DE"}, False),
        ("{order.country: {in: eea}}", {"order.country": "NO"}, True),
        ("{customer.email: {ends_with: '@EXAMPLE.com'}}", {}, True),
        ("{customer.email: {starts_with: bob}}", {}, False),
        ("{customer.name: {contains: núñez}}", {}, True),
        ("{customer.name: {contains: ana, ends_with: núñez}}", {}, True),
        ("{customer.name: {contains: ana, ends_with: x}}", {}, False),
        ("{order.metadata.status: in stock}", {"order.metadata.status": "In Stock"}, True),
        ("{order.metadata.answer: 'not yes'}", {"order.metadata.answer": "not yes"}, True),
        ("{order.skus: {contains: mug-01}}", {}, True),
        ("{order.skus: {contains: MUG}}", {}, False),
        ("{order.skus: {contains_any: [A, MUG-01]}}", {}, True),
        ("{order.skus: {contains_all: [A, MUG-01]}}", {}, False),
        ("{order.skus: {contains_all: [A, MUG-01]}}", {"order.skus": ["MUG-01", "A", "B"]}, True),
        ("{order.skus: {none_of: [A, B]}}", {}, True),
        ("{order.skus: {none_of: [A, MUG-01]}}", {}, False),
        ("{event.live: no}", {}, True),
        ("{event.live: yes}", {}, False),
    ],
)
def test_texts_lists_and_yes_no(condition: str, changes: dict[str, Any], expected: bool) -> None:
    assert met(condition, changes) is expected


@pytest.mark.parametrize("operator", ["not: yes", "not_in: [yes]"])
def test_a_missing_text_is_nothing_in_particular_so_not_is_met(operator: str) -> None:
    assert met(f"{{order.metadata.gift: {{{operator}}}}}")


@pytest.mark.parametrize(
    "condition",
    [
        "{order.metadata.gift: yes}",
        "{order.metadata.gift: {contains: y}}",
        "{order.metadata.gift: {in: [yes]}}",
        "{order.reference: {starts_with: c}}",
    ],
)
def test_a_missing_text_equals_and_contains_nothing(condition: str) -> None:
    assert not met(condition)


def test_a_missing_amount_or_date_exceeds_and_precedes_nothing() -> None:
    missing = {"order.total": None, "order.paid_at": None}
    for condition in ("order.total: over 0", "order.total: under 5", "order.paid_at: before 2030-01-01"):
        assert not met(f"{{{condition}}}", missing)
    assert met("{order.total: {exists: no}}", missing)


@pytest.mark.parametrize(("answer", "expected"), [("yes", False), ("no", True)])
def test_exists_asks_whether_there_is_a_value(answer: str, expected: bool) -> None:
    assert met(f"{{order.metadata.gift: {{exists: {answer}}}}}") is expected
    assert met(f"{{order.metadata.gift: {{exists: {answer}}}}}", {"order.metadata.gift": "x"}) is not expected
    assert met(f"{{order.skus: {{exists: {answer}}}}}", {"order.skus": []}) is expected


@pytest.mark.parametrize(
    ("words", "moment", "expected"),
    [
        ("before 2026-01-31", datetime(2026, 1, 30, 23, 59, 59, tzinfo=BERLIN), True),
        ("before 2026-01-31", datetime(2026, 1, 31, 0, 0, tzinfo=BERLIN), False),
        ("after 2026-01-31", datetime(2026, 1, 31, 23, 59, 59, tzinfo=BERLIN), False),
        ("after 2026-01-31", datetime(2026, 2, 1, 0, 0, tzinfo=BERLIN), True),
        ("on 2026-01-31", datetime(2026, 1, 31, 0, 0, tzinfo=BERLIN), True),
        ("on 2026-01-31", datetime(2026, 2, 1, 0, 0, tzinfo=BERLIN), False),
        ("after 2026-01-31 12:00", datetime(2026, 1, 31, 12, 0, 1, tzinfo=BERLIN), True),
        # The day the clocks go forward has 23 hours.
        ("on 2026-03-29", datetime(2026, 3, 29, 23, 30, tzinfo=BERLIN), True),
        ("on 2026-03-29", datetime(2026, 3, 30, 0, 0, tzinfo=BERLIN), False),
    ],
)
def test_days_begin_and_end_in_shop_time(words: str, moment: datetime, expected: bool) -> None:
    assert met(f"{{order.paid_at: {words}}}", {"order.paid_at": moment.astimezone(UTC)}) is expected


def test_ages_are_counted_from_now() -> None:
    now = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
    three_days_ago = {"order.created_at": datetime(2026, 11, 21, 12, 0, tzinfo=UTC)}
    assert met("{order.created_at: within 3 days}", three_days_ago, now)
    assert not met("{order.created_at: within 71 hours}", three_days_ago, now)
    assert met("{order.created_at: older than 2 days}", three_days_ago, now)
    assert not met("{order.created_at: older than 3 days}", three_days_ago, now)


def test_within_looks_ahead_too() -> None:
    now = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
    assert met("{order.paid_at: within 3 days}", {"order.paid_at": datetime(2026, 11, 26, tzinfo=UTC)}, now)


@pytest.mark.parametrize(
    ("words", "clock", "expected"),
    [
        ("between 09:00 and 17:00", "09:00", True),
        ("between 09:00 and 17:00", "17:00", True),
        ("between 09:00 and 17:00", "17:01", False),
        ("between 22:00 and 06:00", "23:30", True),
        ("between 22:00 and 06:00", "05:00", True),
        ("between 22:00 and 06:00", "12:00", False),
        ("before 09:00", "08:59", True),
        ("before 09:00", "09:00", False),
        ("after 17:00", "17:30", True),
    ],
)
def test_times_of_day_are_shop_time_and_go_past_midnight(words: str, clock: str, expected: bool) -> None:
    hour, minute = map(int, clock.split(":"))
    now = datetime(2026, 11, 24, hour, minute, tzinfo=BERLIN).astimezone(UTC)
    assert met(f"{{now.time: {words}}}", now=now) is expected


@pytest.mark.parametrize(
    ("day", "expected"), [(23, True), (24, False), (28, True), (29, True)], ids=["Mon", "Tue", "Sat", "Sun"]
)
def test_weekdays_are_named_short_or_in_full(day: int, expected: bool) -> None:
    now = datetime(2026, 11, day, 23, 30, tzinfo=BERLIN).astimezone(UTC)
    assert met("{now.weekday: [Sat, sunday, Mon]}", now=now) is expected


@pytest.mark.parametrize(("clock", "open_"), [("08:59", False), ("09:00", True), ("16:59", True), ("17:00", False)])
def test_business_hours_include_their_first_minute_and_not_their_last(clock: str, open_: bool) -> None:
    shop = "shop: {timezone: Europe/Berlin, business_hours: {days: Mon-Fri, hours: 09:00-17:00}}"
    hour, minute = map(int, clock.split(":"))
    now = datetime(2026, 11, 24, hour, minute, tzinfo=BERLIN).astimezone(UTC)
    for words, expected in (("business hours", open_), ("outside business hours", not open_)):
        rules, rule = rule_if(f"{{now: {words}}}", shop)
        assert rule.condition.met(order(rules, now=now)) is expected


def test_the_weekend_is_outside_business_hours() -> None:
    shop = "shop: {timezone: Europe/Berlin, business_hours: {days: [Mon-Thu, Sat], hours: 09:00-17:00}}"
    rules, rule = rule_if("{now: business hours}", shop)
    friday, saturday = (datetime(2026, 11, day, 12, 0, tzinfo=BERLIN) for day in (27, 28))
    assert not rule.condition.met(order(rules, now=friday))
    assert rule.condition.met(order(rules, now=saturday))


def test_all_lines_must_be_met_any_needs_one_none_forbids_each() -> None:
    condition = """
      any:
        - order.total: over 1000 USD
        - order.country: [NO, CH]
          order.total: over 500 USD
      none:
        - order.metadata.customer_type: wholesale"""
    norway = {"order.total": Money(Decimal(600), "USD"), "order.country": "NO"}
    assert met(condition, norway)
    assert not met(condition, norway | {"order.country": "US"})
    assert met(condition, norway | {"order.country": "US", "order.total": Money(Decimal(1001), "USD")})
    assert not met(condition, norway | {"order.metadata.customer_type": "Wholesale"})


def test_groups_can_be_nested_and_hold_expressions() -> None:
    condition = "{all: [{any: [order.total > 10, {order.mode: subscription}]}, {none: [order.country == 'US']}]}"
    assert not met(condition)
    assert met(condition, {"order.country": "CA"})


def test_named_lists_of_the_file_are_used_and_fold_case() -> None:
    more = "lists: {nordics: [no, SE, DK]}"
    assert met("{order.country: {in: nordics}}", {"order.country": "NO"}, more=more)
    assert not met("{order.country: {in: nordics}}", {"order.country": "DE"}, more=more)


def test_every_condition_says_what_it_saw() -> None:
    rules, rule = rule_if("{any: [{order.total: over 2000 USD}, {order.metadata.gift: yes}], order.item_count: over 1}")
    seen = rule.explain(order(rules, {"order.total": Money(Decimal("1500.00"), "USD")})).condition
    assert seen is not None
    group, count = seen.children
    assert (group.text, group.met, group.was) == ("any:", False, None)
    assert [(one.text, one.was, one.met) for one in group.children] == [
        ("order.total: over 2000 USD", "USD 1500", False),
        ("order.metadata.gift: yes", "", False),
    ]
    assert (count.text, count.was, count.met) == ("order.item_count: over 1", "2", True)


def test_a_condition_that_cannot_be_answered_is_a_failure_not_a_no() -> None:
    rules, rule = rule_if("raw.metadata.count", when="balance.available")
    context = order(rules)
    context["raw"] = {"metadata": {"count": "three"}}
    with pytest.raises(EvaluationError, match="must be true or false"):
        rule.plan(context)


def test_an_amount_without_a_currency_needs_one_from_the_shop() -> None:
    text = """
  - name: Rule
    when: order paid
    if: {order.total: over 100}
    do: [{slack.message: {channel: "#a", text: Hello}}]
"""
    assert messages(text, shop="shop: {name: X}") == ["C03 100 of which currency?"]
    assert messages(text) == []
