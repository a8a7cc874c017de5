"""Small rule sets, and orders in front of them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from hub.model import Context, Severity
from hub.rules import catalogue, samples
from hub.rules.load import load_texts
from hub.rules.ruleset import Rule, RuleSet
from tests.unit.rules.actions import Known

SECRETS = {
    "SLACK_TOKEN": "xoxb-secret",
    "GOOGLE_CREDENTIALS": "google-secret",
    "SMTP_PASSWORD": "smtp-secret",
    "CARRIER_TOKEN": "carrier-secret",
}

_CONNECTIONS = """
connections:
  slack: {token: "${SLACK_TOKEN}"}
  google_sheets: {spreadsheet: abc, credentials: "${GOOGLE_CREDENTIALS}"}
  email: {server: smtp.example.com, from: shop@example.com, password: "${SMTP_PASSWORD}"}
  carrier: {type: http, base_url: "https://api.carrier.example", auth: "bearer ${CARRIER_TOKEN}"}
"""

SHOP = "shop: {name: Mug & Poster, email: hello@shop.example, timezone: Europe/Berlin, currency: EUR}"


def ruleset(rules: str, shop: str = SHOP, more: str = "") -> RuleSet:
    """The rule set of a text without Problems."""
    loaded = load_texts({"rules.yaml": f"{shop}\n{_CONNECTIONS}\n{more}\nrules:\n{rules}"}, Known(), SECRETS)
    assert [one for one in loaded.problems if one.severity is Severity.PROBLEM] == []
    assert loaded.ruleset is not None
    return loaded.ruleset


def messages(rules: str, shop: str = SHOP, more: str = "") -> list[str]:
    """Codes and sentences of all Problems and warnings of a text."""
    loaded = load_texts({"rules.yaml": f"{shop}\n{_CONNECTIONS}\n{more}\nrules:\n{rules}"}, Known(), SECRETS)
    return [f"{one.code} {one.message}" for one in loaded.problems]


def rule_if(condition: str, shop: str = SHOP, more: str = "", when: str = "order paid") -> tuple[RuleSet, Rule]:
    """A rule with a condition, written as it stands behind ``if:``."""
    text = f"""
  - name: Rule
    when: {when}
    if: {condition}
    do:
      - slack.message: {{channel: "#orders", text: Hello}}
"""
    found = ruleset(text, shop, more)
    return found, found.rules[0]


def rule_text(text: str, shop: str = SHOP, more: str = "") -> tuple[RuleSet, Rule]:
    """A rule that sends a text, given as lines of a text block."""
    indented = "\n".join(f"            {line}" for line in text.split("\n"))
    found = ruleset(
        f"""
  - name: Rule
    when: order paid
    do:
      - slack.message:
          channel: "#orders"
          text: |-
{indented}
""",
        shop,
        more,
    )
    return found, found.rules[0]


def order(rules: RuleSet, changes: Mapping[str, Any] | None = None, now: datetime | None = None) -> Context:
    """A sample order with some fields changed."""
    trigger = catalogue.TRIGGERS["order paid"]
    roots = copy.deepcopy(samples.context(trigger, rules.shop))
    for path, value in (changes or {}).items():
        samples.change(roots, tuple(path.split(".")), value)
    return rules.complete(roots, now=now or samples.moment(rules.shop))


def rendered(text: str, changes: Mapping[str, Any] | None = None, shop: str = SHOP, more: str = "") -> str:
    """What a text becomes, as its author reads it."""
    rules, rule = rule_text(text, shop, more)
    return str(rule.steps[0].as_read(order(rules, changes))["text"])
