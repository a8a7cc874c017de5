"""Comparisons in expressions: whether two things can be compared at all, and the fastest way to do it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from hub.model import Context
from hub.money import Money
from hub.rules import values
from hub.rules.operators import COMPARISONS, NATIVE
from hub.rules.shop import Shop
from hub.rules.types import ANY, NUMBERS, TEXT, TEXTUAL, Kind, Type
from hub.rules.values import Misread

Run = Callable[[Context], Any]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A checked expression: its type, its value for a context, and its text for messages."""

    type: Type
    run: Run
    words: str
    constant: bool = False


_ORDERED = {"<", "<=", ">", ">="}


def mismatch(sign: str, left: Compiled, right: Compiled) -> Misread | None:
    """Why two things cannot be compared, as a Problem; None if they can."""
    if sign in {"in", "not in"}:
        return _membership_mismatch(sign, left, right)
    kinds = {left.type.kind, right.type.kind}
    if Kind.ANY in kinds:
        return None
    if Kind.LIST in kinds or Kind.GROUP in kinds:
        return _list_mismatch(left, right)
    if _family(left.type) != _family(right.type):
        return _type_mismatch(sign, left, right)
    if sign in _ORDERED and _family(left.type) in {"text", "yes/no"} and Kind.TIME not in kinds:
        return Misread(
            "X09", f"“{left.words}” is {left.type.kind}; {sign} needs numbers.", f"Use  ==  or  in :  {left.words} == …"
        )
    if left.type.kind is Kind.DATE and (left.constant or right.constant):
        return _date_mismatch(left)
    return _impossible_word(left, right) or _impossible_word(right, left)


def _family(type_: Type) -> str:
    if type_.kind in NUMBERS:
        return "number"
    if type_.kind in TEXTUAL or type_.kind is Kind.TIME:
        return "text"
    return {Kind.YES_NO: "yes/no", Kind.DATE: "date"}.get(type_.kind, "other")


def _membership_mismatch(sign: str, left: Compiled, right: Compiled) -> Misread | None:
    if right.type.kind is Kind.ANY or (right.type.kind in TEXTUAL and left.type.kind in TEXTUAL and not right.constant):
        return None
    if right.type.kind is not Kind.LIST:
        hint = f"Write a list:  {left.words} {sign} [{right.words}]"
        return Misread("X09", f"“{right.words}” is {right.type.kind}; “{sign}” needs a list.", hint)
    if left.type.kind is Kind.LIST:
        return _list_mismatch(left, right)
    element = right.type.element or ANY
    if Kind.ANY not in {left.type.kind, element.kind} and _family(left.type) != _family(element):
        return _type_mismatch("==", left, replace(right, type=element))
    if not right.constant:
        return None
    for one in right.run({}):
        word = Compiled(TEXT, lambda _context: None, str(one), constant=True)
        if isinstance(one, str) and (mistake := _impossible_word(left, replace(word, run=_always(one)))):
            return mistake
    return None


def _always(value: Any) -> Run:
    return lambda _context: value


def _list_mismatch(left: Compiled, right: Compiled) -> Misread:
    which, other = (left, right) if left.type.kind in {Kind.LIST, Kind.GROUP} else (right, left)
    if which.type.kind is Kind.GROUP:
        return Misread(
            "X09", f"“{which.words}” is a group of fields, so it cannot be compared.", f"Name one:  {which.words}.…"
        )
    hint = f"Write:  {other.words} in {which.words}"
    return Misread("C08", f"“{which.words}” is a list, so it cannot be equal to one value.", hint)


def _type_mismatch(sign: str, left: Compiled, right: Compiled) -> Misread:
    field, other = (right, left) if left.constant else (left, right)
    words = f"“{field.words}” is {field.type.kind}"
    if other.constant and isinstance(value := other.run({}), str):
        if _family(field.type) == "number":
            hint = f"Remove the quotes:  {field.words} {sign} {value}"
            return Misread("X09", f"{words}, but “{value}” in quotes is text.", hint)
        if _family(field.type) == "yes/no":
            right_word = "false" if value.lower() in {"no", "false"} else "true"
            return Misread(
                "X09", f"{words}, but “{value}” in quotes is text.", f"Write:  {field.words} {sign} {right_word}"
            )
        if _family(field.type) == "date":
            return _date_mismatch(field)
    hint = f"Put quotes around it:  {field.words} {sign} '{other.words}'" if other.constant else ""
    return Misread("X09", f"{words}, but “{other.words}” is {other.type.kind}.", hint)


def _date_mismatch(field: Compiled) -> Misread:
    hint = f"Use the other form:  if: {{{field.words}: after 2026-01-31}}"
    return Misread("X09", f"“{field.words}” is a date; dates are not compared in expressions.", hint)


def _impossible_word(field: Compiled, other: Compiled) -> Misread | None:
    """A fixed word, country or currency that the field can never be."""
    if not other.constant or field.constant or not isinstance(value := other.run({}), str):
        return None
    try:
        right = values.coded(field.words, field.type, value)
    except Misread as error:
        return error
    if right != value:
        return Misread(
            "C06", f"Expressions tell capital and small letters apart: “{value}” is never met.", f"Write:  '{right}'"
        )
    return None


def compare(sign: str, left: Compiled, right: Compiled, shop: Shop) -> Run:
    general = COMPARISONS[sign]
    kinds = {left.type.kind, right.type.kind}
    if right.constant and not left.constant and Kind.ANY not in kinds:
        fixed = right.run({})
        if left.type.kind is Kind.AMOUNT and shop.currency is not None and sign in NATIVE:
            return _with_amount(sign, left.run, Money(fixed, shop.currency))
        if sign in NATIVE and left.type.kind is not Kind.AMOUNT:
            return _with_constant(sign, left.run, fixed)
        if sign in {"in", "not in"} and left.type.kind in TEXTUAL:
            return _within(left.run, frozenset(fixed), sign == "in")
    one, two = left.run, right.run
    return lambda context: general(one(context), two(context))


def _with_constant(sign: str, run: Run, fixed: Any) -> Run:
    if sign == "==":
        return lambda context: run(context) == fixed
    if sign == "!=":
        return lambda context: run(context) != fixed
    compare = NATIVE[sign]
    return lambda context: (value := run(context)) is not None and compare(value, fixed)


def _with_amount(sign: str, run: Run, fixed: Money) -> Run:
    """A bare number is an amount in the shop's currency: 1500 JPY are not over 1000."""
    compare, number, currency = NATIVE[sign], fixed.amount, fixed.currency
    missing = sign == "!="

    def apply(context: Context) -> bool:
        value = run(context)
        if value is None or value.currency != currency:
            return missing
        return compare(value.amount, number)

    return apply


def _within(run: Run, allowed: frozenset[Any], wanted: bool) -> Run:
    if wanted:
        return lambda context: run(context) in allowed
    return lambda context: run(context) not in allowed
