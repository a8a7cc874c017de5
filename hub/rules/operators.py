"""What ``==``, ``<``, ``in`` and ``+`` do with values. A missing value equals, exceeds and contains nothing."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal, DivisionByZero, InvalidOperation
from typing import Any

from hub.errors import EvaluationError
from hub.money import Money

_MISMATCH = object()


def _comparable(left: Any, right: Any) -> tuple[Any, Any] | None:
    """Both as values Python compares exactly; None for amounts in different currencies."""
    if isinstance(left, Money) and isinstance(right, Money):
        return (left.amount, right.amount) if left.currency == right.currency else None
    left, right = _plain(left), _plain(right)
    if _family(left) is not _family(right) or _family(left) is _MISMATCH:
        raise EvaluationError(f"“{left!s:.60}” and “{right!s:.60}” cannot be compared.")
    return left, right


def _plain(value: Any) -> Any:
    if isinstance(value, Money):
        return value.amount
    return Decimal(str(value)) if isinstance(value, float) else value


def _family(value: Any) -> object:
    if isinstance(value, bool):
        return bool
    if isinstance(value, int | Decimal):
        return Decimal
    for kind in (str, datetime, list, dict):
        if isinstance(value, kind):
            return kind
    return _MISMATCH


def _compared(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def apply(left: Any, right: Any) -> bool:
        if left is None or right is None:
            return False
        both = _comparable(left, right)
        return both is not None and compare(*both)

    return apply


def equal(left: Any, right: Any) -> bool:
    return _EQUAL(left, right)


_EQUAL = _compared(operator.eq)


def unequal(left: Any, right: Any) -> bool:
    return not _EQUAL(left, right)


def is_in(element: Any, container: Any) -> bool:
    """Exact membership in a list, or a part of a text."""
    if element is None or container is None:
        return False
    if isinstance(container, str) and isinstance(element, str):
        return element in container
    if not isinstance(container, list):
        raise EvaluationError(f"“in” needs a list, but got “{container!s:.60}”.")
    return any(_EQUAL(element, one) for one in container)


def is_not_in(element: Any, container: Any) -> bool:
    return not is_in(element, container)


#: Comparisons between two values that are known only when a rule runs.
COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": equal,
    "!=": unequal,
    "<": _compared(operator.lt),
    "<=": _compared(operator.le),
    ">": _compared(operator.gt),
    ">=": _compared(operator.ge),
    "in": is_in,
    "not in": is_not_in,
}

#: The same between two values of one type that Python compares by itself.
NATIVE: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

_ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda left, right: Decimal(left) / Decimal(right),
}


def calculate(sign: str, left: Any, right: Any) -> Any:
    """``left sign right`` for numbers and amounts; missing if one of them is. Raises ``EvaluationError``."""
    if left is None or right is None:
        return None
    for value in (left, right):
        if isinstance(value, bool) or not isinstance(value, int | Decimal | Money | float):
            raise EvaluationError(f"“{value!s:.60}” is not a number.")
    currency = _currency(sign, left, right)
    try:
        result = _ARITHMETIC[sign](_plain(left), _plain(right))
    except (DivisionByZero, InvalidOperation, ZeroDivisionError):
        raise EvaluationError(f"{_plain(left)} cannot be divided by {_plain(right)}.") from None
    return Money(Decimal(result), currency) if currency else result


def _currency(sign: str, left: Any, right: Any) -> str | None:
    """The currency of the result, None for a plain number. Amounts of different currencies do not mix."""
    currencies = {value.currency for value in (left, right) if isinstance(value, Money)}
    if len(currencies) > 1:
        raise EvaluationError(f"Amounts in {' and '.join(sorted(currencies))} cannot be calculated together.")
    if isinstance(left, Money) and isinstance(right, Money) and sign == "/":
        return None
    return next(iter(currencies), None)


def has_value(value: Any) -> bool:
    """``{% if value %}``: false, 0, empty and missing count as no."""
    return bool(value.amount) if isinstance(value, Money) else bool(value)
