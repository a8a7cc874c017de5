"""What rules cost: one condition, one row, a file of 1,000 rules. Run:  python -m bench rules"""

from __future__ import annotations

import time
from collections.abc import Callable

from hub.registry import Registry
from hub.rules import catalogue, samples
from hub.rules.load import load_texts
from hub.rules.ruleset import RuleSet

_CONNECTIONS = """
shop: {currency: EUR, timezone: Europe/Berlin}
connections:
  spreadsheet: {file: orders.csv}
rules:
"""

_RULE = """
  - name: Rule {number}
    when: {trigger}
    if: >-
      order.total > 10 and order.currency == "EUR" and order.country in ["US", "CA", "GB"] and order.mode == "payment"
      and order.metadata.source != "shop"
    do:
      - spreadsheet.add_row:
          sheet: Orders
          columns:
            Order: "{{{{ order.number }}}}"
            Customer: "{{{{ customer.name }}}}"
            Products: "{{{{ order.product_names | join(', ') }}}}"
            Name: "{{{{ customer.name | upper }}}}"
            Total: "{{{{ order.total | money }}}}"
            Items: "{{% for item in order.items %}}{{{{ item.quantity }}}} × {{{{ item.name }}}} {{% endfor %}}"
"""


def file_of(rules: int) -> str:
    """A file with so many rules, one in ten of them for paid orders."""
    triggers = list(catalogue.TRIGGERS)[:4]
    texts = [
        _RULE.format(number=number, trigger=triggers[0] if number % 10 == 0 else triggers[number % 3 + 1])
        for number in range(rules)
    ]
    return _CONNECTIONS + "".join(texts)


def load(rules: int) -> RuleSet:
    loaded = load_texts({"rules.yaml": file_of(rules)}, Registry(), {})
    assert loaded.ruleset is not None, loaded.problems
    assert not any(rule.held for rule in loaded.ruleset.rules), loaded.problems[:1]
    return loaded.ruleset


def microseconds(work: Callable[[], object], turns: int) -> float:
    """The best of five, per turn."""
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(turns):
            work()
        best = min(best, (time.perf_counter() - start) / turns)
    return best * 1e6


def main() -> None:
    ruleset = load(1)
    trigger = catalogue.TRIGGERS["order paid"]
    context = ruleset.complete(samples.context(trigger, ruleset.shop), now=samples.moment(ruleset.shop))
    rule, step = ruleset.rules[0], ruleset.rules[0].steps[0]
    assert rule.plan(context)
    columns = step.values["columns"].render
    line("one condition (5 comparisons)", microseconds(lambda: rule.condition.met(context), 20_000), "µs", 5)
    line("a row of six columns, rendered", microseconds(lambda: columns(context, True), 5_000), "µs", 25)
    line("... and validated as the action's", microseconds(lambda: step.settings(context), 5_000), "µs")
    line("completing a context", microseconds(lambda: ruleset.complete(context, now=context["now"]), 5_000), "µs")
    start = time.perf_counter()
    large = load(1_000)
    line("checking 1,000 rules", time.perf_counter() - start, "s", 2)
    plans = microseconds(lambda: [one.plan(context) for one in large.for_trigger("order paid")], 50)
    line("matching an event, 100 of them", plans / 1000, "ms", 1)


def line(what: str, value: float, unit: str, limit: int | None = None) -> None:
    print(f"{what:<36}{value:8.2f} {unit:<3}" + (f"(limit {limit})" if limit else ""))
