"""Conditions on amounts and numbers: ``over 100 USD``, ``between 2 and 5``."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from hub.money import Money
from hub.rules import values
from hub.rules.asked import SIGN, Asked, Met, example, sign_mistake, typed
from hub.rules.operators import NATIVE
from hub.rules.types import Kind
from hub.rules.values import Misread

_QUANTITY = re.compile(r"(over|under|at least|at most|exactly)\s+(.+)", re.IGNORECASE)
_BETWEEN = re.compile(r"between\s+(.+?)\s+and\s+(.+)", re.IGNORECASE)
COMPARE = {"over": ">", "under": "<", "at least": ">=", "at most": "<=", "exactly": "=="}
_OTHER_WORDS = (
    (r"(?:is\s+)?(?:more|greater|higher|larger|bigger)\s+than|above|exceeds|gt", "over"),
    (r"(?:is\s+)?(?:less|fewer|lower|smaller)\s+than|below|lt", "under"),
    (r"minimum|min|from|no less than|not less than", "at least"),
    (r"maximum|max|up to|no more than|not more than", "at most"),
    (r"is|equals?|equal to|equals to", "exactly"),
)  # fmt: skip


def quantity(asked: Asked) -> Met:
    """The test that the line means; raises ``Misread``."""
    text = typed(asked, "between 50 and 100")
    if between := _BETWEEN.fullmatch(text):
        return _between(asked, between[1], between[2])
    found = _QUANTITY.fullmatch(text)
    if found is None:
        raise _quantity_mistake(asked, text)
    word = found[1].lower()
    limit = _limit(asked, found[2], lambda right: asked.line(f"{word} {right}"))
    compare = NATIVE[COMPARE[word]]
    if isinstance(limit, Money):
        amount, currency = limit.amount, limit.currency
        return lambda value, _context: (
            value is not None and value.currency == currency and compare(value.amount, amount)
        )
    return lambda value, _context: value is not None and compare(value, limit)


def _limit(asked: Asked, text: str, write: Callable[[str], str]) -> Any:
    if asked.kind is Kind.AMOUNT:
        return values.amount(text, asked.workshop.shop.currency, write)
    if re.fullmatch(r"-?[\d.,]+\s+[A-Za-z]{3}", text):
        raise Misread("C03", f"“{asked.key}” is a number without a currency.", f"Write:  {write(text.split()[0])}")
    return values.number(text, write)


def _between(asked: Asked, first: str, second: str) -> Met:
    currency = re.search(r"[A-Za-z]{3}$", second)
    behind = f" {currency[0]}" if currency and asked.kind is Kind.AMOUNT else ""
    if behind and not re.search(r"[A-Za-z$€£¥]", first):
        first = f"{first}{behind}"
    low = _limit(asked, first, lambda right: asked.line(f"between {right} and {second}"))
    high = _limit(asked, second, lambda right: asked.line(f"between {first} and {right}"))
    if isinstance(low, Money):
        return _amounts_between(asked, low, high)
    if low > high:
        raise _reversed(asked, str(low), str(high), "")
    return lambda value, _context: value is not None and low <= value <= high


def _amounts_between(asked: Asked, low: Money, high: Money) -> Met:
    if low.currency != high.currency:
        raise Misread("C10", f"{low.currency} and {high.currency} cannot be compared.", "Use one currency.")
    if low.amount > high.amount:
        # As typed: “100”, not “100.00”.
        raise _reversed(asked, f"{low.amount:f}", f"{high.amount:f}", f" {low.currency}")
    currency, least, most = low.currency, low.amount, high.amount
    return lambda value, _context: value is not None and value.currency == currency and least <= value.amount <= most


def _reversed(asked: Asked, low: str, high: str, behind: str) -> Misread:
    hint = f"Write the smaller one first:  {asked.line(f'between {high} and {low}{behind}')}"
    return Misread("C10", f"Nothing is between {low} and {high}.", hint)


def _quantity_mistake(asked: Asked, text: str) -> Misread:
    if sign := SIGN.fullmatch(text):
        return sign_mistake(asked.key, sign[1], sign[2])
    for pattern, word in _OTHER_WORDS:
        if other := re.fullmatch(rf"({pattern})\s+(\S.*)", text, re.IGNORECASE):
            return Misread("C02", f"“{other[1]}” is not used here.", f"Write:  {asked.line(f'{word} {other[2]}')}")
    if re.search(r"\d", text):
        symbol = re.sub(r"^\s*(over|under|at least|at most|exactly)\s*", "", text)
        _limit(asked, symbol, lambda right: asked.line(f"exactly {right}"))
        message = f"How should “{asked.key}” compare with {text}?"
        return Misread("C02", message, f"Write:  {asked.line(f'exactly {text}')}   — or over, under, at least, at most")
    hint = f"For example:  {asked.line(example(asked))}"
    return Misread("C02", f"“{asked.key}” is {asked.kind}; “{text}” is no comparison.", hint)
