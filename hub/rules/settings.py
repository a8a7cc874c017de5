"""The settings of a step: read and checked against the action's parameters, rendered and encoded when the step runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from hub.connector import Encoding, Params
from hub.errors import EvaluationError
from hub.model import Context
from hub.money import Money, with_own_digits
from hub.rules.document import Items, Map, Node, Text
from hub.rules.filters import UrlText
from hub.rules.scope import Scope, Uses
from hub.rules.slots import JSON_ENCODING, Slot
from hub.rules.templates import Template, Workshop, printable_hint
from hub.rules.types import STRUCTURED, Kind

#: Renders a setting. ``escaped`` False: as the author reads it, before encoding for the destination.
Render = Callable[[Context, bool], Any]

#: Stands for a value that is not known before the step runs.
DYNAMIC = object()


@dataclass(frozen=True, slots=True)
class Setting:
    """One compiled setting. ``static`` has its value, with ``DYNAMIC`` where something is inserted."""

    render: Render
    static: Any
    node: Node
    uses_steps: bool


@dataclass(frozen=True, slots=True)
class SettingReader:
    """Compiles the settings of one step."""

    workshop: Workshop
    scope: Scope
    uses: Uses

    def read(self, node: Node, slot: Slot) -> Setting:
        """The setting at ``node``; mistakes are reported."""
        own = Uses()
        compiled = replace(self, uses=own)._read(node, slot)
        self.uses.sources |= own.sources
        self.uses.steps |= own.steps
        return replace(compiled, uses_steps=bool(own.steps))

    def _read(self, node: Node, slot: Slot) -> Setting:
        if isinstance(node, Map) and slot.shape in {"map", "any"}:
            return self._map(node, slot.inner or slot)
        if isinstance(node, Items) and slot.shape in {"list", "any"}:
            return self._list(node, slot.inner or slot)
        if isinstance(node, Text):
            return self._text(node, slot)
        self._wrong_shape(node, slot)
        return _constant(None, node)

    def _map(self, node: Map, inner: Slot) -> Setting:
        entries = {entry.key.value: self._read(entry.value, inner) for entry in node.entries}
        for entry in node.entries:
            self._plain_key(entry.key)
        static = {key: one.static for key, one in entries.items()}
        renders = [(key, one.render) for key, one in entries.items()]
        return Setting(
            lambda context, escaped: {key: one(context, escaped) for key, one in renders}, static, node, False
        )

    def _plain_key(self, key: Text) -> None:
        if "{{" in key.value:
            message = "Names on the left of a colon are fixed; {{ }} can only be used on the right."
            self.workshop.problems.add("X11", key.place, message, "Write the name out.")

    def _list(self, node: Items, inner: Slot) -> Setting:
        entries = [self._read(one, inner) for one in node.nodes]
        renders = [one.render for one in entries]
        static = [one.static for one in entries]
        return Setting(lambda context, escaped: [one(context, escaped) for one in renders], static, node, False)

    def _wrong_shape(self, node: Node, slot: Slot) -> None:
        if slot.shape == "map":
            message, hint = (
                "Settings are missing here: one line each, with a name and a colon.",
                'For example:  Order: "{{ order.number }}"',
            )
        elif isinstance(node, Items):
            message, hint = "One value belongs here, not a list.", "Remove the “- ” or the [ ]."
        else:
            message, hint = "One value belongs here, not several settings.", "Put the value behind the colon."
        self.workshop.problems.add("A05", node.place, message, hint)

    # --- Texts ---

    def _text(self, node: Text, slot: Slot) -> Setting:
        if node.is_empty and slot.shape != "value":
            self._wrong_shape(node, slot)
            return _constant(None, node)
        template = self.workshop.template(node, self.scope, self.uses)
        if slot.shape == "list" and slot.inner is not None and not _is_list(template):
            slot = slot.inner  # one text stands for a list of one
        if template.constant is not None:
            return _constant(_literal(node, slot), node)
        if slot.encoding is not None and slot.encoding.name == "URL":
            self._fixed_host(node)
        if slot.encoding is not None and slot.encoding.name == "formula":
            hint = "Write the order's data into a column, and let the formula point to that column."
            self.workshop.report(node)(
                "X11", 0, "A formula is fixed text: a buyer's name could become a part of it.", hint
            )
        if template.whole is not None:
            self._whole_fits(template, node, slot)
            if slot.is_typed or slot.shape in {"list", "map"}:
                return Setting(_typed(template, slot, self.workshop), DYNAMIC, node, False)
        insert = _inserter(slot.encoding)
        optional = slot.nullable and template.whole is not None

        def render(context: Context, escaped: bool) -> Any:
            return template.text(context, insert if escaped else str) or (None if optional else "")

        return Setting(render, DYNAMIC, node, False)

    def _whole_fits(self, template: Template, node: Text, slot: Slot) -> None:
        whole = template.whole
        if whole is None or whole.type.kind not in STRUCTURED or slot.shape == "any":
            return
        if slot.shape in {"list", "map"} and (whole.type.kind is Kind.LIST) == (slot.shape == "list"):
            return
        message = f"“{whole.words}” is {whole.type.kind} and cannot be a single value."
        at = node.value.find(whole.words.partition(" ")[0])
        self.workshop.report(node)("X13", max(at, 0), message, printable_hint(whole))

    def _fixed_host(self, node: Text) -> None:
        if re.match(r"^(/(?!/)|https?://[^/{]+(/|$|\?))", node.value) is None:
            hint = "The address must start with fixed text, e.g. https://api.example.com/…"
            message = "The server of an address must not come from the order: requests could go anywhere."
            self.workshop.report(node)("X11", 0, message, hint)


def _is_list(template: Template) -> bool:
    return template.whole is not None and template.whole.type.kind in {Kind.LIST, Kind.ANY}


def _constant(value: Any, node: Node) -> Setting:
    return Setting(lambda _context, _escaped: value, value, node, False)


_JSON_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")
_JSON_WORDS = {"true": True, "false": False, "null": None}


def _literal(node: Text, slot: Slot) -> Any:
    """Text as typed; in JSON, what is not quoted may be a number, true, false or null."""
    if slot.shape != "any" or node.is_quoted:
        return node.value
    if node.value in _JSON_WORDS:
        return _JSON_WORDS[node.value]
    if _JSON_NUMBER.fullmatch(node.value):
        return Decimal(node.value) if "." in node.value else int(node.value)
    return node.value


def _inserter(encoding: Encoding | None) -> Callable[[str], str]:
    if encoding is None:
        return str
    if encoding.name != "URL":
        return encoding.insert
    insert = encoding.insert
    return lambda text: text if text.__class__ is UrlText else insert(text)


def _typed(template: Template, slot: Slot, workshop: Workshop) -> Render:
    """A whole ``{{ … }}`` with its type: numbers stay numbers, amounts have their own digits, dates are dates."""
    assert template.whole is not None
    run, local = template.whole.run, workshop.printer.local
    if slot.encoding == JSON_ENCODING or slot.shape in {"any", "map", "list"}:
        return lambda context, _escaped: _as_json(run(context))

    def render(context: Context, _escaped: bool) -> Any:
        value = run(context)
        kind = value.__class__
        if kind is str or kind is int or value is None:
            return value
        if kind is Money:
            return with_own_digits(value.amount, value.currency)
        if isinstance(value, datetime):
            return local(value) if value.tzinfo else value
        if isinstance(value, list | dict):
            raise EvaluationError(f"“{template.whole.words if template.whole else ''}” is not a single value.")
        return value

    return render


def _as_json(value: Any) -> Any:
    """A value in what JSON has; numbers stay exact decimals, dates become ISO 8601 text."""
    if isinstance(value, Money):
        return with_own_digits(value.amount, value.currency)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, list):
        return [_as_json(one) for one in value]
    if isinstance(value, dict):
        return {key: _as_json(one) for key, one in value.items()}
    return value


def validated(model: type[Params], values: Mapping[str, Any], name: str) -> Params:
    """An instance of an action's parameters; raises ``EvaluationError`` with a sentence without the customer's data."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise EvaluationError("; ".join(f"{name}: {sentence(one)}" for one in error.errors()[:3])) from None


def sentence(error: Any) -> str:
    """One of pydantic's errors in words for people."""
    where = ".".join(str(part) for part in error["loc"] if not str(part).startswith("function-"))
    if error["type"] == "mistake":
        return f"{where}: {error['msg']}" if where else str(error["msg"])
    words = _WORDS.get(error["type"])
    text = words.format(**error.get("ctx", {})) if words else _generic(error)
    return f"{where} {text}".strip()


def _generic(error: Any) -> str:
    message = str(error["msg"]).removeprefix("Value error, ").rstrip(".")
    return f"cannot be used: {message[:1].lower()}{message[1:]}."


#: pydantic's error types (https://docs.pydantic.dev/latest/errors/validation_errors/) in our words.
_WORDS = {
    "missing": "is missing.",
    "int_parsing": "must be a whole number.",
    "int_type": "must be a whole number.",
    "int_from_float": "must be a whole number.",
    "float_parsing": "must be a number.",
    "bool_parsing": "must be yes or no.",
    "string_type": "must be text.",
    "string_too_short": "must not be empty.",
    "string_too_long": "must have at most {max_length} characters.",
    "greater_than_equal": "must be at least {ge}.",
    "greater_than": "must be more than {gt}.",
    "less_than_equal": "must be at most {le}.",
    "less_than": "must be less than {lt}.",
    "literal_error": "can only be: {expected}.",
    "enum": "can only be: {expected}.",
    "dict_type": "must have settings below it, one per line.",
    "list_type": "must be a list.",
    "extra_forbidden": "is not a setting here.",
}  # fmt: skip
