"""What a structured condition asks of a field, by its type: ``over 100 USD``, ``[US, CA]``, ``{not: …}``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from hub.rules import suggest, values
from hub.rules.asked import SIGN, Asked, Met, Test, example, sign_mistake, typed
from hub.rules.comparing import Compiled
from hub.rules.document import Entry, Items, Map, Node, Text, written
from hub.rules.moments import clock, moment
from hub.rules.quantities import COMPARE, quantity
from hub.rules.templates import Workshop
from hub.rules.types import TEXTUAL, Kind
from hub.rules.values import Misread


def read(field: Compiled, entry: Entry, workshop: Workshop) -> Test:
    """The test that ``entry`` means; raises ``Misread``."""
    asked = Asked(field, entry.key.value, entry.value, workshop)
    if isinstance(entry.value, Text) and entry.value.is_empty:
        raise Misread("C02", f"Nothing is said about “{asked.key}”.", f"For example:  {asked.line(example(asked))}")
    return Test(_met(asked), workshop.shown, _possible(asked))


def _possible(asked: Asked) -> frozenset[str] | None:
    """The texts that a line allows, where it says so."""
    if isinstance(asked.node, Map) or asked.kind not in TEXTUAL:
        return None
    return frozenset(word.casefold() for word in _words(asked, asked.node, plain=True))


def _met(asked: Asked) -> Met:
    node = asked.node
    if isinstance(node, Map):
        return _operators(asked, node)
    match asked.kind:
        case Kind.AMOUNT | Kind.NUMBER:
            return quantity(asked)
        case Kind.DATE:
            return moment(asked)
        case Kind.TIME:
            return clock(asked)
        case Kind.YES_NO:
            return _yes_no(asked)
        case Kind.LIST | Kind.GROUP:
            raise _not_one_value(asked)
        case _:
            return _one_of(asked, node)


# --- Yes/no, texts, lists -------------------------------------------------------------------------------------------


def _yes_no(asked: Asked) -> Met:
    wanted = values.yes_no(typed(asked, "yes"), asked.line)
    return lambda value, _context: value is wanted


def _not_one_value(asked: Asked) -> Misread:
    element = asked.field.type.element
    if asked.kind is Kind.GROUP or (element is not None and element.fields):
        fields = asked.field.type.fields or (element.fields if element else {})
        hint = (
            "Use order.skus, order.product_names or order.item_count."
            if asked.key == "order.items"
            else f"Name one of its fields, like  {asked.key}.{next(iter(fields), 'key')}"
        )
        return Misread("C08", f"“{asked.key}” is {asked.kind}, so it cannot be compared.", hint)
    if isinstance(asked.node, Items):
        typed = ", ".join(written(one.value) for one in asked.node.nodes if isinstance(one, Text))
        return Misread(
            "C08",
            f"“{asked.key}” is a list, so it cannot be equal to one value.",
            f"Write:  {asked.line(f'{{contains_any: [{typed}]}}')}",
        )
    assert isinstance(asked.node, Text)
    hint = f"Write:  {asked.line(f'{{contains: {written(asked.node.value)}}}')}"
    return Misread("C08", f"“{asked.key}” is a list, so it cannot be equal to one value.", hint)


def _one_of(asked: Asked, node: Node) -> Met:
    """The text itself, or one of a list; upper and lower case are the same."""
    wanted = frozenset(word.casefold() for word in _words(asked, node, plain=True))
    return lambda value, _context: value is not None and _text(value).casefold() in wanted


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _words(asked: Asked, node: Node, *, plain: bool) -> Sequence[str]:
    """The text or texts that were typed, each checked against what the field can be."""
    nodes = node.nodes if isinstance(node, Items) else (node,)
    if not nodes:
        raise Misread("C10", "Nothing is in an empty list.", f"For example:  {asked.line('[US, CA]')}")
    return [_word(asked, one, plain=plain) for one in nodes]


def _word(asked: Asked, node: Node, *, plain: bool) -> str:
    if not isinstance(node, Text):
        raise Misread("C02", "Only single values can stand in this list.", f"For example:  {asked.line('[US, CA]')}")
    if plain and not node.is_quoted and asked.kind in {Kind.TEXT, Kind.ANY}:
        _look_for_condition_words(asked, node.value)
    if asked.kind in TEXTUAL - {Kind.TEXT} and node.value.lower() in asked.workshop.lists:
        raise Misread("C06", f"“{node.value}” is the name of a list.", f"Write:  {asked.line(f'{{in: {node.value}}}')}")
    if not node.is_quoted and (sign := SIGN.fullmatch(node.value)):
        raise sign_mistake(asked.key, sign[1], sign[2])
    return values.coded(asked.key, asked.field.type, node.value)


_CONDITION_WORDS = re.compile(
    r"(contains|starts with|begins with|ends with|is not|not|is|equals|over|under|at least|at most|exactly|between"
    r"|more than|less than|greater than|one of|any of)\s+(\S.*)",
    re.IGNORECASE,
)
_OPERATOR_OF = {
    "contains": "contains", "starts with": "starts_with", "begins with": "starts_with", "ends with": "ends_with",
    "is not": "not", "not": "not",
}  # fmt: skip


def _look_for_condition_words(asked: Asked, text: str) -> None:
    found = _CONDITION_WORDS.fullmatch(text.strip())
    if found is None:
        return
    word, rest = found[1].lower(), found[2]
    if word in _OPERATOR_OF:
        right = f"Did you mean:  {asked.line(f'{{{_OPERATOR_OF[word]}: {_quoted(rest)}}}')}"
    elif word in {"is", "equals", "exactly"}:
        right = f"Did you mean:  {asked.line(written(rest))}"
    elif word in {"one of", "any of"}:
        right = f"Did you mean:  {asked.line(f'[{rest}]')}"
    else:
        right = f"“{asked.key}” is text; only amounts, numbers and dates can be compared with “{word}”."
    hint = "(If you really mean that exact text, put it in quotes.)"
    raise Misread("C07", f"This looks for the exact text “{text}”.", f"{right}\n{hint}")


def _quoted(value: str) -> str:
    return value if value[:1] in "\"'" else written(value)


_TEXT_OPERATORS = ("not", "in", "not_in", "contains", "starts_with", "ends_with", "exists")
_LIST_OPERATORS = ("contains", "contains_any", "contains_all", "none_of", "exists")
_OTHER_OPERATORS = {
    "is_not": "not", "isnt": "not", "ne": "not", "one_of": "in", "any_of": "in", "none_of": "not_in", "notin": "not_in",
    "begins_with": "starts_with", "startswith": "starts_with", "endswith": "ends_with", "has": "contains",
    "includes": "contains", "include": "contains", "exist": "exists", "any": "contains_any", "all": "contains_all",
    "is_set": "exists", "present": "exists",
}  # fmt: skip


def _operators(asked: Asked, node: Map) -> Met:
    """``{not: …}``, ``{contains: …}`` …; several must all be met."""
    allowed = _allowed(asked)
    tests = [_operator(asked, entry, allowed) for entry in node.entries]
    if len(tests) == 1:
        return tests[0]
    return lambda value, context: all(test(value, context) for test in tests)


def _allowed(asked: Asked) -> Sequence[str]:
    if asked.kind is Kind.LIST:
        return _LIST_OPERATORS
    return _TEXT_OPERATORS if asked.kind in {*TEXTUAL, Kind.ANY} else ("exists",)


def _operator(asked: Asked, entry: Entry, allowed: Sequence[str]) -> Met:
    name = entry.key.value
    if name not in allowed:
        raise _wrong_operator(asked, entry, allowed)
    inner = Asked(asked.field, asked.key, entry.value, asked.workshop)
    if name == "exists":
        return _exists(inner)
    if asked.kind is Kind.LIST:
        return _list_operator(inner, name)
    if name in {"contains", "starts_with", "ends_with"}:
        return _part_of_text(inner, name)
    inside = (
        _one_of_named(inner)
        if name in {"in", "not_in"}
        else frozenset(one.casefold() for one in _words(inner, entry.value, plain=False))
    )
    if name == "in":
        return lambda value, _context: value is not None and _text(value).casefold() in inside
    return lambda value, _context: value is None or _text(value).casefold() not in inside


_QUANTITY_OPERATORS = {
    "gt": "over", "greater_than": "over", "more_than": "over", "above": "over", "lt": "under", "less_than": "under",
    "below": "under", "gte": "at least", "ge": "at least", "min": "at least", "lte": "at most", "le": "at most",
    "max": "at most", "is": "exactly", "equals": "exactly", "eq": "exactly",
}  # fmt: skip


def _wrong_operator(asked: Asked, entry: Entry, allowed: Sequence[str]) -> Misread:
    name, value = entry.key.value, entry.value
    if isinstance(value, Text):
        if asked.kind in {Kind.AMOUNT, Kind.NUMBER} and (word := _quantity_word(name)):
            hint = f"Write:  {asked.line(f'{word} {value.value}')}"
            return Misread("C02", "Comparisons are written in one line.", hint)
        if name in {"is", "equals", "eq"}:
            return Misread("C02", f"“{name}” is not needed.", f"Write:  {asked.line(written(value.value))}")
    right = _OTHER_OPERATORS.get(name.lower())
    close = right if right in allowed else suggest.by_spelling(name, allowed)
    hint = f"Did you mean “{close}”?" if close else f"Possible here: {', '.join(allowed)}."
    return Misread("C02", f"“{name}” cannot be asked of “{asked.key}”, which is {asked.kind}.", hint)


def _quantity_word(name: str) -> str | None:
    words = name.lower().replace("_", " ")
    return words if words in COMPARE or words == "between" else _QUANTITY_OPERATORS.get(name.lower())


def _exists(asked: Asked) -> Met:
    wanted = values.yes_no(typed(asked, "{exists: yes}"), lambda right: asked.line(f"{{exists: {right}}}"))
    return lambda value, _context: (value is not None and value not in ("", [])) is wanted


def _part_of_text(asked: Asked, name: str) -> Met:
    if isinstance(asked.node, Items):
        hint = f"Put each into a line below  any: :  - {asked.line(f'{{{name}: …}}')}"
        raise Misread("C09", f"“{name}” takes one text, not a list.", hint)
    part = typed(asked, "{contains: …}").casefold()
    if name == "contains":
        return lambda value, _context: value is not None and part in _text(value).casefold()
    if name == "starts_with":
        return lambda value, _context: value is not None and _text(value).casefold().startswith(part)
    return lambda value, _context: value is not None and _text(value).casefold().endswith(part)


def _one_of_named(asked: Asked) -> frozenset[str]:
    """A list that is written out, or the name of one under ``lists:``."""
    if isinstance(asked.node, Text):
        named = asked.workshop.lists.get(asked.node.value)
        if named is None:
            close = suggest.by_spelling(asked.node.value, asked.workshop.lists)
            hint = (
                f"Did you mean “{close}”?"
                if close
                else f"Write the list out:  {asked.line(f'[{asked.node.value}]')}   — or add it under “lists:”."
            )
            raise Misread("C12", f"There is no list called “{asked.node.value}”.", hint)
        return frozenset(one.casefold() for one in named)
    return frozenset(one.casefold() for one in _words(asked, asked.node, plain=False))


def _list_operator(asked: Asked, name: str) -> Met:
    element = asked.field.type.element
    if element is not None and element.fields:
        raise _not_one_value(asked)
    if name == "contains" and isinstance(asked.node, Items):
        typed = ", ".join(one.value for one in asked.node.nodes if isinstance(one, Text))
        hint = f"Write  {{contains_any: [{typed}]}}  if one is enough, or  {{contains_all: [{typed}]}} ."
        raise Misread("C09", "“contains” takes one value, not a list.", hint)
    wanted = frozenset(one.casefold() for one in _words(asked, asked.node, plain=False))
    if name == "contains_all":
        return lambda value, _context: value is not None and wanted <= {_text(one).casefold() for one in value}
    if name == "none_of":
        return lambda value, _context: value is None or wanted.isdisjoint(_text(one).casefold() for one in value)
    return lambda value, _context: value is not None and not wanted.isdisjoint(_text(one).casefold() for one in value)
