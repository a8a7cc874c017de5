"""The JSON Schema agrees with the checker where a schema can: every good file passes, a wrong name does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from hub.registry import discover
from hub.rules.schema import json_schema

ROOT = Path(__file__).parent.parent.parent.parent
FILES = [ROOT / "rules.yaml", *sorted((ROOT / "docs" / "examples").glob("*.yaml"))]
GOOD = """
shop: {currency: EUR}
connections: {slack: {token: "${SLACK_TOKEN}"}}
rules:
  - name: Tell
    when: [order paid, invoice.paid]
    if: {any: [{order.total: over 100 EUR}, order.country == 'DE']}
    do:
      - id: told
        slack.message: {channel: "#orders", text: "{{ order.number }}", on_unknown: hold}
        retry: {times: 2, wait: 1 minute}
      - wait: 1 day
      - if: {customer.email: {exists: yes}}
        do: [{stop: enough}]
"""


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = json_schema(discover(None))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def read(text: str) -> Any:
    """As editors read it: YAML 1.2 has no dates, and yes and no are texts there."""
    return yaml.load(text, yaml.BaseLoader)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_example_passes(validator: jsonschema.Draft202012Validator, file: Path) -> None:
    document = read(file.read_text("utf-8")) | {"version": 1}
    assert [error.message[:200] for error in validator.iter_errors(document)] == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("rules:", "rule:"),
        ("currency: EUR", "curency: EUR"),
        ("when:", "wen:"),
        ("order paid", "order payed"),
        ("slack.message", "slack.mesage"),
        ("channel:", "chanel:"),
        ("retry: {times", "retry: {tries"),
        ("on_unknown: hold", "on_unknown: forget"),
        ("- name: Tell\n   ", "-"),
        ("do: [{stop: enough}]", "doo: [{stop: enough}]"),
    ],
)
def test_a_wrong_name_is_noticed(validator: jsonschema.Draft202012Validator, right: str, wrong: str) -> None:
    assert validator.is_valid(read(GOOD))
    assert right in GOOD
    assert not validator.is_valid(read(GOOD.replace(right, wrong, 1)))


def test_everything_has_its_line_of_help() -> None:
    schema = json_schema(discover(None))
    places = [schema["properties"], *(schema["$defs"][name]["properties"] for name in ("rule", "step", "example"))]
    missing = [name for place in places for name, one in place.items() if not one.get("description")]
    assert missing == []
