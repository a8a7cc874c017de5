"""What the engine asks of a rule set: plans, steps, blocks, lanes, keys."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from hub.errors import EvaluationError
from hub.model import Context
from hub.money import Money
from hub.retry import NEVER, RetryPolicy
from hub.rules.ruleset import Rule, with_results
from tests.unit.rules.shop import order, ruleset

ITEMS = [
    {"id": "li_1", "name": "Mug", "sku": "MUG", "quantity": 2},
    {"id": "li_2", "name": "Cup", "sku": "CUP", "quantity": 1},
]


def keys(rule: Rule, context: Context) -> list[tuple[str, list[str]]]:
    return [(run.item, [step.key for step in run.steps]) for run in rule.plan(context)]


def test_a_rule_without_a_list_makes_one_run_with_its_steps_by_id_or_position() -> None:
    rules = ruleset(
        """
  - name: Rule
    when: order paid
    do:
      - id: stock
        inventory.decrease: {sku: MUG, by: 1}
      - slack.message: {channel: "#a", text: Hello}
"""
    )
    rule = rules.rules[0]
    assert keys(rule, order(rules)) == [("", ["stock", "2"])]
    assert [rule.step(key) and rule.step(key).kind for key in ("stock", "2", "3")] == ["action", "action", None]  # type: ignore[union-attr]  # checked by “and”


def test_conditions_that_are_not_met_make_no_run() -> None:
    rules = ruleset(
        """
  - name: Rule
    when: order paid
    if: {order.total: over 100}
    do: [{slack.message: {channel: "#a", text: Hello}}]
"""
    )
    assert rules.rules[0].plan(order(rules)) == []


def test_for_each_makes_one_run_per_item_that_meets_the_conditions() -> None:
    rules = ruleset(
        """
  - name: Rule
    when: order paid
    for_each: order.items
    if: {item.quantity: over 1}
    do:
      - inventory.decrease: {sku: "{{ item.sku }}", by: "{{ item.quantity }}"}
"""
    )
    rule = rules.rules[0]
    context = order(rules, {"order.items": ITEMS})
    assert keys(rule, context) == [("li_1", ["1"])]
    step = rule.steps[0]
    params: Any = step.settings(rule.with_item(context, "li_1"))
    assert (params.sku, params.by) == ("MUG", 2)


@pytest.mark.parametrize(
    "items",
    [[{"sku": "A"}, {"sku": "B"}], [{"id": "x", "sku": "A"}, {"id": "x", "sku": "B"}], [{"id": None}, {"id": "y"}]],
    ids=["no ids", "the same id twice", "one id missing"],
)
def test_items_without_ids_of_their_own_are_known_by_their_place(items: list[dict[str, Any]]) -> None:
    rules = ruleset(
        """
  - name: Rule
    when: order paid
    for_each: order.items
    do: [{slack.message: {channel: "#a", text: "{{ item.sku }}"}}]
"""
    )
    context = order(rules)
    context["order"]["items"] = items
    rule = rules.rules[0]
    assert [item for item, _ in keys(rule, context)] == ["0", "1"]
    assert rule.with_item(context, "1")["item"] is items[1]


def test_a_steps_own_list_gives_it_one_key_per_entry() -> None:
    rules = ruleset(
        """
  - name: Rule
    when: order paid
    do:
      - slack.message: {channel: "#a", text: Start}
      - for_each: order.items
        if: {item.quantity: over 1}
        slack.message: {channel: "#a", text: "{{ item.name }}"}
"""
    )
    rule = rules.rules[0]
    context = order(rules, {"order.items": ITEMS})
    assert keys(rule, context) == [("", ["1", "2[li_1]", "2[li_2]"])]
    first, second = rule.step("2[li_1]"), rule.step("2[li_2]")
    assert first is not None
    assert second is not None
    assert first.wanted(context)
    assert not second.wanted(context)
    params: Any = first.settings(context)
    assert params.text == "Mug"


BLOCKS = """
  - name: Rule
    when: order paid
    do:
      - if: {order.total: over 100}
        do:
          - slack.message: {channel: "#big", text: Big}
          - if: {order.country: NO}
            do:
              - slack.message: {channel: "#norway", text: Norway}
            else:
              - slack.message: {channel: "#abroad", text: Abroad}
        else:
          - slack.message: {channel: "#small", text: Small}
      - slack.message: {channel: "#all", text: All}
"""


def channels(rule: Rule, context: Context) -> list[str]:
    """Runs a plan as the engine does: a block's answer is its result."""
    results: dict[str, dict[str, Any]] = {}
    reached = []
    for planned in rule.plan(context)[0].steps:
        step = rule.step(planned.key)
        assert step is not None
        seen = with_results(context, results)
        if step.kind == "if":
            results[step.key] = {"met": step.wanted(seen)}
        elif step.wanted(seen):
            params: Any = step.settings(seen)
            reached.append(params.channel)
    return reached


@pytest.mark.parametrize(
    ("total", "country", "expected"),
    [
        (200, "NO", ["#big", "#norway", "#all"]),
        (200, "US", ["#big", "#abroad", "#all"]),
        (50, "NO", ["#small", "#all"]),
        (50, "US", ["#small", "#all"]),
    ],
)
def test_blocks_are_flat_and_their_children_follow_their_answer(total: int, country: str, expected: list[str]) -> None:
    rules = ruleset(BLOCKS)
    context = order(rules, {"order.total": Money(Decimal(total), "EUR"), "order.country": country})
    rule = rules.rules[0]
    assert keys(rule, context)[0][1] == [
        "1", "1.do.1", "1.do.2", "1.do.2.do.1", "1.do.2.else.1", "1.else.1", "2",
    ]  # fmt: skip
    assert channels(rule, context) == expected


def test_a_step_asks_for_results_only_when_it_reads_them() -> None:
    rules = ruleset(
        """
  - name: Rule
    when: order paid
    do:
      - id: stock
        inventory.decrease: {sku: MUG, by: 1}
      - slack.message: {channel: "#a", text: "{{ steps.stock.left }} left"}
      - if: steps.stock.left <= 5
        slack.message: {channel: "#a", text: Low}
      - slack.message: {channel: "#a", text: Fixed}
"""
    )
    rule = rules.rules[0]
    assert [step.uses_steps for step in rule.steps] == [False, True, True, False]
    context = with_results(order(rules), {"stock": {"sku": "MUG", "before": 6, "left": 5}})
    params: Any = rule.steps[1].settings(context)
    assert params.text == "5 left"
    assert rule.steps[2].wanted(context)


def test_a_lane_is_the_values_of_the_settings_that_name_it() -> None:
    rules = ruleset(
        """
  - name: Rule
    when: order paid
    do:
      - id: ask
        google_sheets.add_row:
          sheet: "{{ order.paid_at | date('YYYY-MM') }}"
          columns: {A: b}
      - slack.message: {channel: "#a", text: Hello}
      - google_sheets.add_row: {sheet: "{{ steps.ask.link }}", columns: {A: b}}
      - inventory.decrease: {sku: MUG, by: 1}
      - email.send: {to: a@example.com, subject: Hi, body: Hi}
"""
    )
    context = order(rules)
    assert [step.lane(context) for step in rules.rules[0].steps] == [("2026-11",), ("#a",), None, (), ()]


def test_a_delay_waits_first_and_asks_the_conditions_then() -> None:
    rules = ruleset(
        """
  - name: Rule
    when: order paid
    delay: 2 days
    if: {order.total: over 100}
    do: [{slack.message: {channel: "#a", text: Hello}}]
"""
    )
    rule = rules.rules[0]
    context = order(rules)
    run = rule.plan(context)[0]
    assert [(one.step.kind, one.step.wait) for one in run.steps] == [
        ("wait", timedelta(days=2)),
        ("if", None),
        ("action", None),
    ]
    block, message = run.steps[1].step, run.steps[2].step
    assert not block.wanted(context)
    assert message.uses_steps
    assert message.wanted(with_results(context, {block.key: {"met": True}}))
    assert not message.wanted(with_results(context, {block.key: {"met": False}}))


def test_errors_run_the_steps_own_steps_or_else_the_rules_or_nothing() -> None:
    rules = ruleset(
        """
  - name: Rule
    when: order paid
    do:
      - slack.message: {channel: "#a", text: One}
        on_error: continue
      - slack.message: {channel: "#a", text: Two}
        on_error:
          - slack.message: {channel: "#b", text: "{{ error.message }}"}
      - slack.message: {channel: "#a", text: Three}
    on_error:
      - slack.message: {channel: "#c", text: "{{ error.step }} {{ error.attempts }}"}
"""
    )
    rule = rules.rules[0]
    assert [[one.key for one in rule.on_error_steps(step)] for step in rule.steps] == [
        [],
        ["2.on_error.1"],
        ["on_error.1"],
    ]
    own = rule.step("2.on_error.1")
    assert own is not None
    params: Any = own.settings(order(rules) | {"error": {"message": "no <network>"}})
    assert params.text == "no &lt;network&gt;"


def test_retries_are_read_for_rule_and_step() -> None:
    rules = ruleset(
        """
  - name: Rule
    when: order paid
    retry: none
    do:
      - slack.message: {channel: "#a", text: One}
        retry: {times: 5, wait: 2 minutes}
      - slack.message: {channel: "#a", text: Two}
"""
    )
    rule = rules.rules[0]
    assert rule.retry == NEVER
    assert [step.retry for step in rule.steps] == [RetryPolicy(5, timedelta(minutes=2)), None]


def test_on_unknown_and_connection_are_settings_of_every_external_action() -> None:
    rules = ruleset(
        """
  - name: Rule
    when: order paid
    do:
      - slack.message: {channel: "#a", text: One, on_unknown: hold}
      - http.request: {connection: carrier, url: /x}
"""
    )
    steps = rules.rules[0].steps
    assert [(step.on_unknown, step.connection) for step in steps] == [("hold", "slack"), (None, "carrier")]


def test_only_events_of_the_named_accounts_concern_a_rule() -> None:
    more = "accounts: {farm: acct_1, other: acct_2}"
    rules = ruleset(
        """
  - name: Rule
    when: order paid
    account: farm
    do: [{slack.message: {channel: "#a", text: "{{ account.name }}"}}]
""",
        more=more,
    )
    rule = rules.rules[0]
    context = order(rules)
    assert rule.plan(context) == []
    farm = rules.complete(context | {"account": {"id": "acct_1"}}, now=context["now"])
    assert len(rule.plan(farm)) == 1
    params: Any = rule.steps[0].settings(farm)
    assert params.text == "farm"


def test_rules_are_found_by_trigger_in_the_order_of_the_file_and_only_when_enabled() -> None:
    step = 'do: [{slack.message: {channel: "#a", text: Hello}}]'
    rules = ruleset(
        f"""
  - {{name: A, when: order paid, {step}}}
  - {{name: B, when: [order placed, order paid], {step}}}
  - {{name: C, when: order paid, enabled: no, {step}}}
  - {{name: D, when: checkout.session.completed, {step}}}
"""
    )
    assert [rule.name for rule in rules.for_trigger("order paid")] == ["A", "B"]
    assert [rule.name for rule in rules.for_trigger("checkout.session.completed")] == ["D"]
    assert rules.for_trigger("payout paid") == ()
    assert rules.triggers == {"order paid", "order placed", "checkout.session.completed"}


def test_what_must_be_fetched_is_known_when_the_file_is_loaded() -> None:
    rules = ruleset(
        """
  - name: Nothing
    when: order paid
    do: [{slack.message: {channel: "#a", text: "{{ order.total }} {{ customer.name }}"}}]
  - name: Items
    when: order paid
    if: {order.skus: {contains: A}}
    do: [{slack.message: {channel: "#a", text: Hello}}]
  - name: In a loop, in a text of a late step
    when: order paid
    do:
      - slack.message: {channel: "#a", text: Hello}
      - if: {order.total: over 5}
        do:
          - slack.message: {channel: "#a", text: "{% for item in order.items %}{{ item.name }}{% endfor %}"}
  - name: Payment
    when: order paid
    do: [{slack.message: {channel: "#a", text: "{{ order.receipt_url }}"}}]
  - name: Refund
    when: order refunded
    do: [{slack.message: {channel: "#a", text: "{{ refund.amount | money }} {{ order.number }}"}}]
  - name: After an error
    when: order paid
    do: [{slack.message: {channel: "#a", text: Hello}}]
    on_error: [{slack.message: {channel: "#a", text: "{{ order.product_names | lines }}"}}]
"""
    )
    assert [set(rule.needs) for rule in rules.rules] == [
        set(),
        {"line_items"},
        {"line_items"},
        {"payment_intent"},
        {"session"},
        {"line_items"},
    ]


def test_settings_that_turn_out_wrong_fail_with_the_actions_name_and_a_sentence() -> None:
    rules = ruleset(
        """
  - name: Rule
    when: order paid
    do: [{inventory.decrease: {sku: "{{ order.reference }}", by: "{{ order.item_count }}"}}]
"""
    )
    with pytest.raises(EvaluationError, match=r"inventory\.decrease: sku must"):
        rules.rules[0].steps[0].settings(order(rules))


def test_once_per_says_what_a_run_is_unique_for() -> None:
    step = 'do: [{slack.message: {channel: "#a", text: Hello}}]'
    rules = ruleset(
        f"""
  - {{name: A, when: order paid, once_per: order, {step}}}
  - {{name: B, when: order paid, once_per: {{what: customer.email, within: 30 days}}, {step}}}
  - {{name: C, when: order paid, once_per: event, {step}}}
  - {{name: D, when: order paid, once_per: customer, {step}}}
"""
    )
    found = [rule.once_per for rule in rules.rules]
    context = order(rules, {"customer.id": None})
    assert [one and (one.what, one.value(context), one.within) for one in found] == [
        ("order", "cs_test_sample1", None),
        ("customer.email", "ana@example.com", timedelta(days=30)),
        None,
        ("customer", "ana@example.com", None),
    ]
