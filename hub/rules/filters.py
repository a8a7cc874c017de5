"""The filters: a closed list. Each says what it takes, what it gives and how it is done."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from hub.errors import EvaluationError
from hub.money import Money
from hub.rules.printing import Printer, rounded
from hub.rules.types import NUMBER, NUMBERS, TEXT, TEXTUAL, Kind, Type

_DATES = frozenset({Kind.DATE})
_LISTS = frozenset({Kind.LIST})
_ALL = frozenset(Kind)
_IN_TEXT = _ALL - {Kind.LIST, Kind.GROUP}

#: Applies a filter: the value (never None, except for ``default``) and the arguments.
Apply = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Filter:
    """``make`` is given the shop's printer and the arguments that are known when the file is loaded."""

    name: str
    takes: frozenset[Kind]
    gives: Callable[[Type], Type]
    arguments: tuple[str, ...]  #: names of the arguments, for people; a name ending in "?" may be left out
    help: str
    example: str
    make: Callable[[Printer], Apply]
    keeps_missing: bool = True  #: a missing value stays missing


def _same(base: Type) -> Type:
    return base


def _text(_base: Type) -> Type:
    return TEXT


def _number(_base: Type) -> Type:
    return NUMBER


def _element(base: Type) -> Type:
    return base.element or base


def _money(printer: Printer) -> Apply:
    return lambda value: printer.money(_expect(value, Money, "money", "an amount of money"))


def _grouped(printer: Printer) -> Apply:
    return lambda value: printer.number(value.amount if isinstance(value, Money) else _as_number(value, "number"))


def _round(_printer: Printer) -> Apply:
    def apply(value: Any, digits: Any = 0) -> Any:
        if isinstance(value, Money):
            return Money(rounded(value.amount, int(digits)), value.currency)
        return rounded(_as_number(value, "round"), int(digits))

    return apply


def _date(printer: Printer) -> Apply:
    return _moment(printer, "date", lambda local: local.date())


def _time(printer: Printer) -> Apply:
    return _moment(printer, "time", lambda local: local.time())


def _datetime(printer: Printer) -> Apply:
    return _moment(printer, "datetime", lambda local: local)


def _moment(printer: Printer, name: str, part: Callable[[datetime], Any]) -> Apply:
    """Without a format a real date (or time), printed in the language's medium form; with one, text."""
    compiled: dict[str, Callable[[datetime], str]] = {}

    def apply(value: Any, tokens: str | None = None) -> Any:
        local = printer.local(_expect(value, datetime, name, "a date"))
        if tokens is None:
            return part(local)
        if tokens not in compiled:
            compiled[tokens] = printer.pattern(tokens)
        return compiled[tokens](local)

    return apply


def _default(_printer: Printer) -> Apply:
    return lambda value, other: other if value is None or value == "" else value


def _on_text(change: Callable[..., str]) -> Callable[[Printer], Apply]:
    return lambda printer: lambda value, *arguments: change(printer.text(value), *arguments)


def _truncate(text: str, length: Any) -> str:
    limit = max(int(length), 1)
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _replace(text: str, old: str, new: str) -> str:
    return text.replace(old, new) if old else text


def _title(text: str) -> str:
    # Not str.title(): that makes “O'Brien's” into “O'Brien'S”.
    return " ".join(word[:1].upper() + word[1:] for word in text.split(" "))


def _join(printer: Printer) -> Apply:
    return lambda value, separator=", ": separator.join(map(printer.text, _as_list(value, "join")))


def _lines(printer: Printer) -> Apply:
    return lambda value: "\n".join(map(printer.text, _as_list(value, "lines")))


def _length(_printer: Printer) -> Apply:
    return lambda value: len(value) if isinstance(value, list | str | dict) else 0


def _first(_printer: Printer) -> Apply:
    return lambda value: next(iter(_as_list(value, "first")), None)


def _last(_printer: Printer) -> Apply:
    return lambda value: next(iter(_as_list(value, "last")[-1:]), None)


def _plural(_printer: Printer) -> Apply:
    return lambda value, one, many: one if _as_number(value, "plural") == 1 else many


def _url(printer: Printer) -> Apply:
    return lambda value: UrlText(urllib.parse.quote(printer.text(value), safe=""))


def _json(_printer: Printer) -> Apply:
    return lambda value: json.dumps(jsonable(value), ensure_ascii=False)


class UrlText(str):
    """Text that is percent-encoded already: a ``url:`` setting does not encode it twice."""

    __slots__ = ()


def jsonable(value: Any) -> Any:
    """``value`` in what JSON has: amounts as numbers with their own digits, dates as ISO 8601 text."""
    if isinstance(value, Money):
        return _json_number(Decimal(str(value)))
    if isinstance(value, Decimal):
        return _json_number(value)
    if isinstance(value, list):
        return [jsonable(one) for one in value]
    if isinstance(value, dict):
        return {key: jsonable(one) for key, one in value.items()}
    return value.isoformat() if hasattr(value, "isoformat") else value


def _json_number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _expect(value: Any, kind: type[Any], name: str, words: str) -> Any:
    if isinstance(value, kind):
        return value
    raise EvaluationError(f"“{name}” needs {words}, but got “{value!s:.60}”.")


def _as_number(value: Any, name: str) -> Decimal | int:
    if isinstance(value, Money):
        return value.amount
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise EvaluationError(f"“{name}” needs a number, but got “{value!s:.60}”.")
    return value


def _as_list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise EvaluationError(f"“{name}” needs a list, but got “{value!s:.60}”.")
    return value


_AMOUNTS = frozenset({Kind.AMOUNT})
_COUNTS = frozenset({Kind.NUMBER})

FILTERS: Mapping[str, Filter] = {
    one.name: one
    for one in (
        Filter(
            "money", _AMOUNTS, _text, (),
            "the amount with its currency, as the shop's language writes it", "{{ order.total | money }}", _money,
        ),
        Filter(
            "number", NUMBERS, _text, (),
            "digits grouped as the shop's language does", "{{ order.item_count | number }}", _grouped,
        ),
        Filter("round", NUMBERS, _same, ("digits?",), "rounds half up", "{{ (order.total / 3) | round(2) }}", _round),
        Filter(
            "date", _DATES, _text, ("format?",),
            "the day in shop time; with a format: D MMMM YYYY", "{{ order.paid_at | date('D MMMM YYYY') }}", _date,
        ),
        Filter(
            "time", _DATES, _text, ("format?",),
            "the time of day in shop time; with a format: HH:mm", "{{ order.paid_at | time('HH:mm') }}", _time,
        ),
        Filter(
            "datetime", _DATES, _text, ("format?",),
            "day and time in shop time", "{{ order.paid_at | datetime }}", _datetime,
        ),
        Filter(
            "default", _ALL, _same, ("value",),
            "another value when there is none", "{{ customer.phone | default('no phone') }}", _default,
            keeps_missing=False,
        ),
        Filter("upper", _IN_TEXT, _text, (), "CAPITAL LETTERS", "{{ order.mode | upper }}", _on_text(str.upper)),
        Filter("lower", _IN_TEXT, _text, (), "small letters", "{{ customer.email | lower }}", _on_text(str.lower)),
        Filter("title", _IN_TEXT, _text, (), "Each Word Begins Large", "{{ customer.name | title }}", _on_text(_title)),
        Filter("trim", _IN_TEXT, _text, (), "no spaces at the ends", "{{ customer.name | trim }}", _on_text(str.strip)),
        Filter(
            "truncate", _IN_TEXT, _text, ("length",),
            "at most so many characters, the … included", "{{ customer.name | truncate(80) }}", _on_text(_truncate),
        ),
        Filter(
            "replace", _IN_TEXT, _text, ("old", "new"),
            "puts one text in place of another", "{{ order.id | replace('cs_', '') }}", _on_text(_replace),
        ),
        Filter(
            "join", _LISTS, _text, ("separator?",),
            "the entries of a list in one line", "{{ order.skus | join(', ') }}", _join,
        ),
        Filter(
            "lines", _LISTS, _text, (),
            "the entries of a list, one per line", "{{ order.product_names | lines }}", _lines,
        ),
        Filter(
            "length", _LISTS | TEXTUAL, _number, (),
            "how many entries, or characters", "{{ order.items | length }}", _length,
        ),
        Filter("first", _LISTS, _element, (), "the first entry of a list", "{{ order.skus | first }}", _first),
        Filter("last", _LISTS, _element, (), "the last entry of a list", "{{ order.skus | last }}", _last),
        Filter(
            "plural", _COUNTS, _text, ("one", "many"),
            "one word for 1, another for the rest", "{{ order.item_count | plural('item', 'items') }}", _plural,
        ),
        Filter("url", _IN_TEXT, _text, (), "ready to be a part of a web address", "{{ order.id | url }}", _url),
        Filter("json", _ALL, _text, (), "as JSON text", "{{ order.skus | json }}", _json),
    )
}  # fmt: skip
