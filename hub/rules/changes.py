"""``--with field=value``: the lines of an example's ``with:``, from the command line."""

from __future__ import annotations

from collections.abc import Sequence

from hub.errors import HubError
from hub.rules import catalogue, examples
from hub.rules import scope as scopes
from hub.rules.document import Items, Node, Text
from hub.rules.examples import Change
from hub.rules.printing import Printer
from hub.rules.problems import Place, Problems
from hub.rules.ruleset import Rule, RuleSet
from hub.rules.slots import result_type
from hub.rules.templates import Workshop
from hub.rules.values import Misread


class Changes:
    """Reads changes for one rule."""

    def __init__(self, ruleset: RuleSet, rule: Rule) -> None:
        triggers = tuple(one for name in rule.triggers if (one := catalogue.trigger(name)))
        steps = {step.id: result_type(step.action.result) for step in rule.every_step() if step.id and step.action}
        self._scope = scopes.with_steps(scopes.of_triggers(triggers, {}), steps)
        self._workshop = Workshop(ruleset.shop, Printer(ruleset.shop), Problems(), {})

    def read(self, typed: Sequence[str]) -> list[Change]:
        """The changes; raises ``HubError`` for a field that is not known or a value that it cannot have."""
        return [self._change(one) for one in typed]

    def _change(self, typed: str) -> Change:
        field, equals, value = typed.partition("=")
        if not equals:
            raise HubError(f"“{typed}” is no change.", 'Write  --with "order.total=1500 USD"')
        try:
            return examples.change(field.strip(), _node(value.strip()), self._scope, self._workshop)
        except Misread as error:
            raise HubError(f"--with {field}: {error.message}", error.suggestion) from None


def _node(value: str) -> Node:
    """``[a, b]`` is a list, everything else text as it is."""
    place = Place("", 1, 1)
    if value.startswith("[") and value.endswith("]"):
        parts = [part.strip() for part in value[1:-1].split(",") if part.strip()]
        return Items(tuple(Text(part, place, '"', (0, 0)) for part in parts), place, (0, 0))
    return Text(value, place, '"', (0, 0))
