"""Examples and tries: the runtime's own path with pretended answers."""

from __future__ import annotations

from hub.rules.example_runs import context_of, run_examples
from hub.rules.readback import reads
from hub.rules.ruleset import Rule, RuleSet
from hub.rules.trying import Pretended, Tried, rehearse
from tests.unit.rules.shop import order, ruleset

RULES = """
  - name: Rule
    when: order paid
    if: {order.total: over 10}
    do:
      - id: stock
        inventory.decrease: {sku: MUG, by: 1}
      - if: steps.stock.left <= 50
        slack.message: {channel: "#low", text: "{{ customer.name }}: {{ steps.stock.left }} left"}
      - wait: 3 days
      - if: {order.country: US}
        do:
          - slack.message: {channel: "#us", text: Hello}
          - stop: nothing for others
      - slack.message: {channel: "#rest", text: Rest}
    on_error:
      - slack.message: {channel: "#alarm", text: "{{ error.action }}: {{ error.message }}"}
    examples:
"""


def one(examples: str) -> tuple[RuleSet, Rule]:
    rules = ruleset(RULES + examples)
    return rules, rules.rules[0]


def acts(tried: list[Tried]) -> list[str]:
    return [step.act for run in tried for step in run.acting]


def test_pretended_answers_are_fine_and_plenty_unless_told_otherwise() -> None:
    rules, rule = one("      - {given: sample order, expect: runs}")
    assert acts(rehearse(rule, order(rules), Pretended())) == ["inventory.decrease", "wait", "slack.message", "stop"]
    low = Pretended({"stock": {"left": 3}})
    assert acts(rehearse(rule, order(rules), low))[:2] == ["inventory.decrease", "slack.message"]


def test_a_step_is_shown_as_its_author_reads_it_and_as_it_would_be_sent() -> None:
    rules, rule = one("      - {given: sample order, expect: runs}")
    context = order(rules, {"customer.name": "A<B"})
    step = rehearse(rule, context, Pretended({"stock": {"left": 3}}))[0].acting[1]
    assert step.settings["text"] == "A<B: 3 left"
    assert step.sent["text"] == "A&lt;B: 3 left"
    assert step.because is not None
    assert step.because.was == "steps.stock.left = 3"


def test_a_pretended_failure_brings_the_error_steps_and_ends_the_run() -> None:
    rules, rule = one("      - {given: sample order, expect: runs}")
    tried = rehearse(rule, order(rules), Pretended(fails={"stock": "no network"}))
    assert acts(tried) == ["inventory.decrease", "slack.message"]
    assert tried[0].acting[1].settings["text"] == "inventory.decrease: no network"


def test_an_example_that_holds_has_nothing_to_say() -> None:
    rules, rule = one(
        """
      - name: everything
        given: sample order
        with:
          order.country: NO
          steps.stock.left: 4
        expect:
          - inventory.decrease: {sku: MUG, by: 1}
          - slack.message: {text: "Ana Núñez: 4 left"}
          - wait
          - slack.message: {channel: "#rest"}
      - name: too small
        given: sample order
        with: {order.total: 10 EUR}
        expect: nothing
      - name: the network is down
        given: sample order
        with: {steps.stock.fails: no network}
        expect:
          - inventory.decrease
          - slack.message: {text: "inventory.decrease: no network"}
"""
    )
    assert [run.why for run in run_examples(rules, rule)] == [(), (), ()]


def test_a_failing_example_says_why_every_condition_was_or_was_not_met() -> None:
    rules, rule = one(
        """
      - name: wrong
        given: sample order
        with: {order.total: 5 EUR}
        expect:
          - inventory.decrease: {sku: MUG}
"""
    )
    assert run_examples(rules, rule)[0].why == (
        "expected steps: inventory.decrease",
        "happened:       none",
        "conditions:",
        "  ✗ order.total: over 10   (was EUR 5)",
    )


def test_a_wrong_setting_shows_one_difference_in_two_lines() -> None:
    rules, rule = one(
        """
      - name: wrong
        given: sample order
        with: {order.country: NO}
        expect:
          - inventory.decrease: {sku: CUP, by: 1}
          - wait
          - slack.message: {text: Rest}
"""
    )
    assert run_examples(rules, rule)[0].why == (
        "inventory.decrease → sku",
        "expected: CUP",
        "got:      MUG",
    )


def test_expecting_nothing_of_a_rule_that_runs_fails() -> None:
    rules, rule = one("      - {name: wrong, given: sample order, expect: nothing}")
    why = run_examples(rules, rule)[0].why
    assert why[0] == "expected steps: nothing"
    assert why[1] == "happened:       inventory.decrease, wait, slack.message, stop"


def test_a_delay_is_no_step_and_its_conditions_are_asked_all_the_same() -> None:
    rules = ruleset(
        """
  - name: Rule
    when: order paid
    delay: 2 days
    if: {order.total: over 10}
    do: [{slack.message: {channel: "#a", text: Hello}}]
    examples:
      - {given: sample order, expect: [slack.message]}
      - {given: sample order, with: {order.total: 5 EUR}, expect: nothing}
"""
    )
    assert [run.why for run in run_examples(rules, rules.rules[0])] == [(), ()]


def test_every_item_of_a_list_is_tried_by_itself() -> None:
    rules = ruleset(
        """
  - name: Rule
    when: order paid
    for_each: order.items
    if: {item.quantity: over 1}
    do: [{inventory.decrease: {sku: "{{ item.sku }}", by: "{{ item.quantity }}"}}]
    examples:
      - given: sample order
        with:
          order.items:
            - {sku: A, quantity: 1}
            - {sku: B, quantity: 2, price: 3 EUR}
            - {sku: C, quantity: 3}
        expect:
          - inventory.decrease: {sku: B, by: 2}
          - inventory.decrease: {sku: C, by: 3}
"""
    )
    assert run_examples(rules, rules.rules[0])[0].why == ()


def test_the_sample_of_another_account_is_chosen_by_its_name() -> None:
    rules = ruleset(
        """
  - name: Rule
    when: order paid
    account: [farm, other]
    do: [{slack.message: {channel: "#a", text: "{{ account.name }}"}}]
    examples:
      - {given: sample order, expect: [{slack.message: {text: farm}}]}
      - {given: sample order, with: {account.name: other}, expect: [{slack.message: {text: other}}]}
""",
        more="accounts: {farm: acct_1, other: acct_2}",
    )
    assert [run.why for run in run_examples(rules, rules.rules[0])] == [(), ()]


def test_now_is_the_samples_own_time_unless_the_example_says_otherwise() -> None:
    rules, rule = one("      - {given: sample order, expect: runs}")
    context, _ = context_of(rules, rule, (), None)
    assert rules.shop.local(context["now"]).isoformat() == "2026-11-24T10:00:00+01:00"


def test_a_condition_that_cannot_be_answered_fails_the_example() -> None:
    rules = ruleset(
        """
  - name: Rule
    when: order paid
    if: order.total - order.tax > 5
    do: [{slack.message: {channel: "#a", text: Hello}}]
    examples:
      - {given: sample order, with: {order.tax: 5 JPY}, expect: nothing}
"""
    )
    why = run_examples(rules, rules.rules[0])[0].why
    assert why == ("a condition could not be evaluated: Amounts in EUR and JPY cannot be calculated together.",)


ASKS = """
  - name: Asks
    when: order paid
    do:
      - id: ok
        approve: {text: "Ship order {{ order.number }}?", who: [packer, Mara], within: 1 day}
      - slack.message: {channel: "#a", text: "{{ steps.ok.answered }}"}
    on_error:
      - slack.message: {channel: "#alarm", text: "{{ error.message }}"}
    examples:
      - {name: yes, given: sample order, expect: [approve: {who: "packer, Mara"}, slack.message]}
      - {name: no, given: sample order, with: {steps.ok.fails: refused}, expect: [approve]}
      - {name: wrong, given: sample order, expect: [approve: {within: 2 days}, slack.message]}
"""


def test_an_approval_is_pretended_to_be_given_unless_the_example_refuses() -> None:
    rules = ruleset(ASKS)
    asks = rules.rules[0]
    asked = rehearse(asks, order(rules), Pretended())[0].acting[0]
    assert asked.settings["text"] == "Ship order 1042?"
    yes, no, wrong = (run.why for run in run_examples(rules, asks))
    assert (yes, no) == ((), ())
    assert wrong == ("approve → within", "expected: 2 days", "got:      1 day")


def test_an_approval_is_read_back_with_who_and_how_long() -> None:
    line = "→ wait until packer or Mara approves; stop after 1 day without an answer"
    assert line in reads(ruleset(ASKS).rules[0]).splitlines()


TELLS = """
  - name: Asks
    when: order paid
    do:
      - id: ok
        if: {order.total: over 10}
        approve:
          text: Ship it?
          tell:
            - id: told
              slack.message: {channel: "#a", text: "Yes or no? {{ approval.link }}"}
      - slack.message: {channel: "#b", text: "{{ steps.ok.by }}{{ steps.told.ts }}"}
    examples:
      - name: told, then asked
        given: sample order
        expect:
          - slack.message: {channel: "#a"}
          - approve
          - slack.message: {channel: "#b"}
      - {name: small, given: sample order, with: {order.total: 5}, expect: [slack.message: {channel: "#b"}]}
      - {name: refused, given: sample order, with: {steps.ok.fails: refused}, expect: [slack.message, approve]}
"""


def test_people_are_told_of_an_approval_under_its_own_condition() -> None:
    rules = ruleset(TELLS)
    assert [run.why for run in run_examples(rules, rules.rules[0])] == [(), (), ()]
    told = rehearse(rules.rules[0], order(rules), Pretended())[0].acting[0]
    assert told.settings["text"] == "Yes or no? (the link to this approval)"
