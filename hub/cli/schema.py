"""``hub schema``: the JSON Schema of rules files, for editors."""

from __future__ import annotations

from hub.cli.output import print_json
from hub.cli.rules_file import registry
from hub.rules.schema import json_schema
from hub.settings import Environment


def schema() -> None:
    """Print the JSON Schema of rules.yaml, with every connector that is installed."""
    print_json(json_schema(registry(Environment())))
