"""Values as people type them: amounts, numbers, dates, times, codes. One reader per type, used wherever they stand."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from babel import Locale
from babel.core import get_global

from hub.money import Money, own_digits
from hub.rules.shop import Shop
from hub.rules.suggest import by_spelling
from hub.rules.types import Kind, Type

_ISO_3166 = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD
CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF
GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN
KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA
NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI
SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI
VN VU WF WS YE YT ZA ZM ZW
"""
_EU = "AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE"

#: Two-letter country codes, and XK (Kosovo), which Stripe accepts.
COUNTRIES = frozenset(_ISO_3166.split()) | {"XK"}
#: Named lists that every file has (https://european-union.europa.eu/principles-countries-history/eu-countries_en).
EU = tuple(_EU.split())
EEA = (*EU, "IS", "LI", "NO")

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_FULL_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_SYMBOLS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY"}
_COUNTRY_WORDS = {
    "UK": "GB", "ENGLAND": "GB", "SCOTLAND": "GB", "WALES": "GB", "GREAT BRITAIN": "GB", "USA": "US", "AMERICA": "US",
    "HOLLAND": "NL", "EL": "GR",
}  # fmt: skip
_CURRENCY_WORDS = {
    "DOLLAR": "USD", "DOLLARS": "USD", "EURO": "EUR", "EUROS": "EUR", "POUND": "GBP", "POUNDS": "GBP", "YEN": "JPY",
    "FRANC": "CHF", "FRANKEN": "CHF",
}  # fmt: skip
_ONCE = {"one_time", "onetime", "one-time", "one time", "once", "single"}
_MEANT_WORDS = {
    "payment": (_ONCE, "A one-time purchase is called “payment”."),
    "subscription": ({"recurring", "subscribe", "abo"}, "A recurring purchase is called “subscription”."),
    "canceled": ({"cancelled"}, "Stripe writes “canceled” with one l."),
}


class Misread(Exception):
    """A value that cannot be read: a Problem's code, sentence and suggestion, without its place."""

    def __init__(self, code: str, message: str, suggestion: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.suggestion = suggestion


#: Puts a corrected value where the wrong one stood, for the suggestion.
Write = Callable[[str], str]


def _as_it_is(value: str) -> str:
    return value


_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_AMOUNT = re.compile(r"(?P<number>-?[\d.,' \u00a0\u202f]*\d)\s*(?P<currency>[^\d\s.,'].*)?")


def amount(text: str, currency: str | None, write: Write = _as_it_is) -> Money:
    """``100 USD``, ``49.50 eur``; a bare number is in ``currency``. Raises :class:`Misread`."""
    found = _AMOUNT.fullmatch(text.strip())
    symbol = next((one for one in _SYMBOLS if one in text), None)
    if symbol is not None:
        rest = text.replace(symbol, "").strip()
        code = next((word.upper() for word in rest.split() if word.upper() in _currencies()), _SYMBOLS[symbol])
        digits = "".join(character for character in rest if character in "0123456789.,-") or "100"
        message = f"Write the currency as a three-letter code, not “{symbol}”."
        raise Misread("C03", message, write(f"{digits} {code}"))
    if found is None:
        example = write(f"100 {currency or 'USD'}")
        raise Misread("C03", f"“{text}” is not an amount.", f"For example:  {example}")
    code = (found["currency"] or "").strip()
    if not code and currency is None:
        hint = f"Write:  {write(f'{text} USD')}   — or set  shop: currency:  once for the whole file."
        raise Misread("C03", f"{text} of which currency?", hint)
    known = currency_code(code, lambda right: write(f"{found['number']} {right}")) if code else str(currency)
    behind = f" {known}" if code else ""
    value = number(found["number"], lambda right: write(f"{right}{behind}"), own_digits(known))
    return Money(Decimal(value), known)


def number(text: str, write: Write = _as_it_is, decimals: int = 2) -> int | Decimal:
    """``100`` or ``49.5``. Raises :class:`Misread`, also for separators that people read differently."""
    typed = text.strip()
    plain = re.sub(r"[,.'\s\u00a0\u202f](?=\d{3}(?:\D|$))", "", typed)
    if re.fullmatch(r"-?\d{1,3}\.\d{3}", typed) and decimals < 3:
        short = typed[:-1]
        raise Misread(
            "C03",
            f"“{typed}” can be read in two ways: {plain} or {short}?",
            f"Write:  {write(plain)}   — or  {write(short)}",
        )
    if _NUMBER.fullmatch(typed):
        return Decimal(typed) if "." in typed else int(typed)
    right = re.sub(r",(?=\d{1,2}$)", ".", re.sub(r"[.,'\s\u00a0\u202f](?=\d{3}(?:\D|$))", "", typed))
    if _NUMBER.fullmatch(right):
        message = f"Write “{typed}” without separators, and decimals with a point."
        raise Misread("C03", message, f"Write:  {write(right)}")
    raise Misread("C03", f"“{typed}” is not a number.", f"For example:  {write('100')}")


_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[ T](\d{2}):(\d{2}))?")


def moment(text: str, shop: Shop, write: Write = _as_it_is) -> tuple[datetime, bool]:
    """``2026-01-31`` or ``2026-01-31 10:00`` in shop time, and whether it is a whole day. Raises :class:`Misread`."""
    found = _DAY.fullmatch(text.strip())
    if found is None:
        raise Misread("C04", f"“{text}” is not a date.", f"Write dates as year-month-day:  {write(_day_like(text))}")
    parts = [int(part or 0) for part in found.groups()]
    try:
        local = datetime(*parts, tzinfo=shop.timezone)  # type: ignore[misc,arg-type]  # the pattern gives five numbers
    except ValueError:
        raise Misread("C04", f"There is no such day: {text}.", f"For example:  {write('2026-01-31')}") from None
    return local, found[4] is None


def _day_like(text: str) -> str:
    """The date that was probably meant, if only one can be."""
    found = re.fullmatch(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})", text.strip())
    if found is None:
        return "2026-01-31"
    first, second, year = int(found[1]), int(found[2]), found[3]
    if first > 12 or "." in text:
        return f"{year}-{second:02}-{first:02}"
    return f"{year}-{first:02}-{second:02}" if second > 12 else "2026-01-31"


def end_of_day(day: datetime) -> datetime:
    """When the day that begins at ``day`` is over, also on days of 23 or 25 hours."""
    return (day.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=day.tzinfo)


def minutes(text: str, write: Write = _as_it_is) -> int:
    """Minutes since midnight of ``09:00``; ``24:00`` is the end of the day. Raises :class:`Misread`."""
    found = re.fullmatch(r"(\d{1,2}):(\d{2})", text.strip())
    if found is None or int(found[2]) > 59 or int(found[1]) * 60 + int(found[2]) > 1440:
        raise Misread("C04", f"“{text}” is not a time of day.", f"Write hours and minutes:  {write(_time_like(text))}")
    return int(found[1]) * 60 + int(found[2])


def _time_like(text: str) -> str:
    found = re.fullmatch(r"(\d{1,2})(?:[.:h](\d{2}))?\s*(am|pm|h)?", text.strip().lower())
    if found is None or int(found[1]) > 24:
        return "09:00"
    hour = int(found[1]) % 12 + 12 if found[3] == "pm" else int(found[1])
    return f"{hour:02}:{found[2] or '00'}"


def days(text: str) -> frozenset[int]:
    """``Mon-Fri``, ``Sat``, ``Monday``. Raises :class:`Misread`."""
    first, dash, last = text.partition("-")
    start = weekday(first.strip())
    end = weekday(last.strip()) if dash else start
    return frozenset((start + step) % 7 for step in range((end - start) % 7 + 1))


def weekday(text: str) -> int:
    for names in (WEEKDAYS, _FULL_WEEKDAYS):
        for index, name in enumerate(names):
            if name.lower() == text.lower():
                return index
    close = by_spelling(text, (*WEEKDAYS, *_FULL_WEEKDAYS))
    raise Misread("C06", f"“{text}” is not a day of the week.", f"Did you mean {close or 'Mon'}?")


def yes_no(text: str, write: Write = _as_it_is) -> bool:
    known = {"yes": True, "true": True, "no": False, "false": False}.get(text.strip().lower())
    if known is None:
        right = "no" if text.strip().lower() in {"off", "0", "n", "never"} else "yes"
        raise Misread("C06", f"“{text}” is neither yes nor no.", f"Write:  {write(right)}")
    return known


# --- Codes and fixed words ------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _currencies() -> frozenset[str]:
    return frozenset(get_global("all_currencies"))


def currency_code(text: str, write: Write = _as_it_is) -> str:
    """Upper case; raises :class:`Misread` for a word that is none."""
    code = text.upper()
    if code in _currencies():
        return code
    meant = _CURRENCY_WORDS.get(code) or by_spelling(code, _currencies(), 0.8)
    if meant and write is not _as_it_is:
        hint = f"Write:  {write(meant)}"
    else:
        hint = f"Did you mean {meant}?" if meant else "For example USD, EUR or GBP."
    raise Misread("C06", f"“{text}” is not a currency code. Stripe uses three letters.", hint)


def country_code(text: str) -> str:
    """Upper case; raises :class:`Misread` for a name or a word that is none."""
    code = text.upper()
    if code in COUNTRIES:
        return code
    meant = _COUNTRY_WORDS.get(code) or _country_names().get(text.casefold()) or _near_country(text)
    hint = f"Did you mean {meant}?" if meant else "For example US, DE or GB."
    raise Misread("C06", f"“{text}” is not a country code. Stripe uses two letters.", hint)


@lru_cache(maxsize=1)
def _country_names() -> Mapping[str, str]:
    """Only needed when a code is wrong: the names cost 30 ms to load."""
    names: dict[str, str] = {}
    for language in ("de", "fr", "es", "en"):
        territories = Locale.parse(language).territories
        names |= {name.casefold(): code for code, name in territories.items() if code in COUNTRIES}
    return names


def _near_country(text: str) -> str | None:
    name = by_spelling(text.casefold(), _country_names(), 0.85) if len(text) > 3 else None
    return _country_names()[name] if name else None


def fixed_word(field: str, type_: Type, text: str) -> str:
    """The word as Stripe writes it. Raises :class:`Misread` for one that the field can never be."""
    known = next((word for word in type_.words if word.lower() == text.lower()), None)
    if known is not None:
        return known
    hint = next(
        (hint for word, (others, hint) in _MEANT_WORDS.items() if word in type_.words and text.lower() in others), ""
    )
    close = by_spelling(text, type_.words)
    raise Misread(
        "C06", f"“{field}” can only be: {', '.join(type_.words)}.", hint or (f"Did you mean {close}?" if close else "")
    )


def coded(field: str, type_: Type, text: str) -> str:
    """``text`` as a value of a field with a closed set of values; any other text as it is. Raises :class:`Misread`."""
    match type_.kind:
        case Kind.COUNTRY:
            return country_code(text)
        case Kind.CURRENCY:
            return currency_code(text)
        case Kind.WEEKDAY:
            return WEEKDAYS[weekday(text)]
        case Kind.WORDS:
            return fixed_word(field, type_, text)
        case _:
            return text
