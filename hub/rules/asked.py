"""One line of a structured condition, as it is read: what all kinds of fields have in common."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hub.model import Context
from hub.rules.comparing import Compiled
from hub.rules.document import Node, Text, written
from hub.rules.templates import Workshop
from hub.rules.types import Kind
from hub.rules.values import Misread

#: Whether a value (None: missing) is what was asked for; the context is for what depends on the time.
Met = Callable[[Any, Context], bool]


@dataclass(frozen=True, slots=True)
class Test:
    met: Met
    printed: Callable[[Any], str]  #: the value for the trace, "" when it is missing
    one_of: frozenset[str] | None = None  #: the only texts (in small letters) that meet it


@dataclass(frozen=True, slots=True)
class Asked:
    """The line that is read: the field, what stands behind it."""

    field: Compiled
    key: str
    node: Node
    workshop: Workshop

    def line(self, value: str) -> str:
        """The line with another value, for suggestions."""
        return f"{self.key}: {value}"

    @property
    def kind(self) -> Kind:
        return self.field.type.kind


def example(asked: Asked) -> str:
    return {
        Kind.AMOUNT: "over 100 USD", Kind.NUMBER: "over 3", Kind.DATE: "within 3 days", Kind.YES_NO: "yes",
        Kind.LIST: "{contains: MUG-01}", Kind.TIME: "after 17:00", Kind.COUNTRY: "US", Kind.CURRENCY: "USD",
        Kind.WEEKDAY: "[Sat, Sun]",
    }.get(asked.kind, "{exists: yes}")  # fmt: skip


def typed(asked: Asked, what: str) -> str:
    """The text behind the field; a list there is a mistake."""
    if isinstance(asked.node, Text):
        return asked.node.value.strip()
    message = f"“{asked.key}” is {asked.kind}; it cannot be compared with a list."
    raise Misread("C09", message, f"For example:  {asked.line(what)}")


SIGN = re.compile(r"(>=|<=|=>|=<|==|!=|<>|>|<|=|≥|≤)\s*(.+)")
_SIGNS = {
    ">": "over", "<": "under", ">=": "at least", "=>": "at least", "≥": "at least", "<=": "at most", "=<": "at most",
    "≤": "at most", "==": "exactly", "=": "exactly",
}  # fmt: skip


def sign_mistake(key: str, sign: str, rest: str) -> Misread:
    """C05: a comparison sign instead of a word."""
    value = rest.strip().strip("\"'")
    if sign in {"!=", "<>"}:
        return Misread("C05", sign_message(sign), f"Write:  {key}: {{not: {written(value)}}}")
    return Misread("C05", sign_message(f"{sign} {value}"), f"Write it with words:  {key}: {_SIGNS[sign]} {value}")


def sign_message(shown: str) -> str:
    if shown[0] in ">!":
        return f"“{shown}” does not work here, because {shown[0]} has a special meaning in YAML."
    return f"“{shown}” does not work here: comparisons are written with words."
