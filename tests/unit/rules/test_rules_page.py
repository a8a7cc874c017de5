"""docs/rules.md: every piece of YAML on it passes the check, and its tables name everything there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hub.model import Severity
from hub.rules import catalogue, rules
from hub.rules.filters import FILTERS
from hub.rules.load import load_texts
from tests.unit.rules.actions import Known

PAGE = (Path(__file__).parents[3] / "docs" / "rules.md").read_text("utf-8")
SNIPPETS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)

_AROUND = """
shop: {{currency: USD, timezone: Europe/Berlin, business_hours: {{days: Mon-Fri, hours: 09:00-17:00}}}}
rules:
  - name: Rule
    when: order paid
{condition}
    do:
      - inventory.decrease: {{sku: MUG-01, by: 1}}
"""


def whole(snippet: str) -> str:
    """A snippet as a file: conditions get a rule around them."""
    if not snippet.startswith("if:"):
        return snippet
    return _AROUND.format(condition="\n".join(f"    {line}" for line in snippet.rstrip().split("\n")))


@pytest.mark.parametrize("snippet", SNIPPETS, ids=range(len(SNIPPETS)))
def test_every_snippet_passes_the_check(snippet: str) -> None:
    found = load_texts({"rules.yaml": whole(snippet)}, Known(), {}).problems
    assert [one for one in found if one.severity is Severity.PROBLEM] == []


def test_the_tables_name_every_trigger_filter_and_key() -> None:
    named = set(re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL)))
    assert set(catalogue.TRIGGERS) <= named
    assert {one.split("(")[0] for one in named} >= set(FILTERS)
    assert set(rules.KEYS) <= named
