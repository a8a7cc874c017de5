"""Values as people write them: numbers, money and dates in the shop's language and time zone (Babel's data, CLDR)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

from babel import Locale
from babel.dates import format_date, format_datetime, format_time, parse_pattern
from babel.numbers import NumberPattern, get_currency_symbol

from hub.errors import EvaluationError
from hub.money import Money, own_digits, with_own_digits
from hub.rules.shop import Shop

#: Date tokens as in Sheets and Zapier, and what CLDR calls them
#: (https://unicode.org/reports/tr35/tr35-dates.html#Date_Field_Symbol_Table).
DATE_TOKENS = {
    "YYYY": "yyyy", "YY": "yy", "MMMM": "MMMM", "MMM": "MMM", "MM": "MM", "M": "M", "DD": "dd", "D": "d",
    "dddd": "EEEE", "ddd": "EEE", "HH": "HH", "H": "H", "hh": "hh", "h": "h", "mm": "mm", "ss": "ss", "A": "a",
}  # fmt: skip


class Printer:
    """Prints for one shop."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._locale = Locale.parse(shop.language.replace("-", "_"))
        self._currency = _Pattern(self._locale, self._locale.currency_formats["standard"])
        self._decimal = _Pattern(self._locale, self._locale.decimal_formats[None])
        self._date = lru_cache(maxsize=256)(lambda day: format_date(day, "medium", self._locale))

    def text(self, value: Any) -> str:
        """What ``{{ value }}`` prints."""
        if isinstance(value, str):
            return value
        if value is None:
            return ""
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, Decimal):
            return plain(value)
        if isinstance(value, datetime | date | time):
            return self._moment(value)
        if isinstance(value, list | dict):
            raise EvaluationError(f"“{value!s:.60}” is not a single value, so it cannot stand in a text.")
        return str(value)

    def _moment(self, value: datetime | date | time) -> str:
        if isinstance(value, datetime):
            local = self._shop.local(value) if value.tzinfo else value
            return str(format_datetime(local.replace(tzinfo=None), "medium", locale=self._locale))
        if isinstance(value, date):
            return str(self._date(value))
        return str(format_time(value, "medium", locale=self._locale))

    def money(self, value: Money) -> str:
        """``€49.00`` in English, ``49,00 €`` in German."""
        amount = with_own_digits(value.amount, value.currency)
        return self._currency.apply(amount, _symbol(value.currency, str(self._locale)), own_digits(value.currency))

    def number(self, value: Decimal | int) -> str:
        """Digits grouped as the language does; decimals as they are."""
        return self._decimal.apply(value, "", 0)

    def moment(self, value: datetime, pattern: Callable[[datetime], str]) -> str:
        return pattern(self._shop.local(value))

    def local(self, value: datetime) -> datetime:
        """A moment in shop time, without the zone: as a clock on the wall shows it."""
        return self._shop.local(value).replace(tzinfo=None)

    def pattern(self, tokens: str) -> Callable[[datetime], str]:
        """A compiled date format; raises ``ValueError`` naming the first part that is no token."""
        compiled = parse_pattern(_to_cldr(tokens))
        return lambda moment: str(compiled.apply(moment, self._locale))


def plain(value: Decimal) -> str:
    """A number without exponent, as it is typed."""
    return format(value, "f")


@lru_cache(maxsize=512)
def _symbol(currency: str, locale: str) -> str:
    return str(get_currency_symbol(currency, locale))


class _Pattern:
    """A number format of CLDR, taken apart once: applying Babel's own costs ten times as much."""

    def __init__(self, locale: Locale, pattern: NumberPattern) -> None:
        self._prefix, self._negative_prefix = pattern.prefix
        self._suffix, self._negative_suffix = pattern.suffix
        self._groups = pattern.grouping
        symbols = locale.number_symbols.get("latn", {})
        self._point, self._comma = symbols["decimal"], symbols["group"]

    def apply(self, value: Decimal | int, symbol: str, digits: int) -> str:
        """``digits``: how many decimals at least; those that carry value are never dropped."""
        whole, _, fraction = format(abs(Decimal(value)), "f").partition(".")
        printed = self._grouped(whole)
        if fraction := fraction.rstrip("0").ljust(digits, "0"):
            printed += self._point + fraction
        before, behind = (self._negative_prefix, self._negative_suffix) if value < 0 else (self._prefix, self._suffix)
        # Letters do not touch digits: NOK 49.00 (https://unicode.org/reports/tr35/tr35-numbers.html#Currencies).
        space = "\u00a0" if before.endswith("¤") and symbol[-1:].isalpha() else ""
        return f"{before.replace('¤', symbol)}{space}{printed}{behind.replace('¤', symbol)}"

    def _grouped(self, whole: str) -> str:
        first, others = self._groups
        parts, rest = [whole[-first:]], whole[:-first]
        while rest:
            parts.append(rest[-others:])
            rest = rest[:-others]
        return str(self._comma.join(reversed(parts)))


def _to_cldr(tokens: str) -> str:
    result, at = [], 0
    while at < len(tokens):
        token = next((one for one in DATE_TOKENS if tokens.startswith(one, at)), None)
        if token is not None:
            result.append(DATE_TOKENS[token])
            at += len(token)
            continue
        if tokens[at].isalpha():
            raise ValueError(tokens[at])
        result.append("''" if tokens[at] == "'" else tokens[at])
        at += 1
    return "".join(result)


def rounded(value: Decimal | int, digits: int) -> Decimal:
    """Half up, as invoices do."""
    return Decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
