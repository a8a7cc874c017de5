"""Conditions on dates and times: ``within 3 days``, ``after 2026-01-31``, ``business hours``."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from hub import duration
from hub.model import Context
from hub.rules import values
from hub.rules.asked import SIGN, Asked, Met, sign_message, typed
from hub.rules.operators import NATIVE
from hub.rules.values import Misread

_DAY = re.compile(r"(before|after|on)\s+(.+)", re.IGNORECASE)
_AGE = re.compile(r"(within|older than)\s+(.+)", re.IGNORECASE)


def moment(asked: Asked) -> Met:
    """The test on a date that the line means; raises ``Misread``."""
    text = typed(asked, "within 3 days")
    if asked.key == "now" and (hours := re.fullmatch(r"(outside\s+)?business hours", text, re.IGNORECASE)):
        return _business_hours(asked, wanted=hours[1] is None)
    if found := _DAY.fullmatch(text):
        return _day(asked, found[1].lower(), found[2])
    if found := _AGE.fullmatch(text):
        return _age(asked, found[1].lower(), found[2])
    if sign := SIGN.fullmatch(text):
        word = "after" if sign[1] in {">", ">=", "=>", "≥"} else "before" if sign[1] in {"<", "<=", "=<", "≤"} else "on"
        raise Misread(
            "C05", sign_message(f"{sign[1]} {sign[2]}"), f"Write it with words:  {asked.line(f'{word} {sign[2]}')}"
        )
    hint = f"For example:  {asked.line('within 3 days')}   — or before, after, on 2026-01-31, older than 2 weeks"
    raise Misread("C04", f"“{asked.key}” is a date; “{text}” cannot be compared with it.", hint)


def _business_hours(asked: Asked, *, wanted: bool) -> Met:
    hours, local = asked.workshop.shop.business_hours, asked.workshop.shop.local
    if hours is None:
        hint = "Add to shop:  business_hours: {days: Mon-Fri, hours: 09:00-17:00}"
        raise Misread("C11", "The shop's business hours are not set.", hint)
    return lambda value, _context: value is not None and hours.include(local(value)) is wanted


def _day(asked: Asked, word: str, text: str) -> Met:
    start, whole_day = values.moment(text, asked.workshop.shop, lambda right: asked.line(f"{word} {right}"))
    end = values.end_of_day(start) if whole_day else start
    if word == "before":
        return lambda value, _context: value is not None and value < start
    if word == "after":
        later = NATIVE[">=" if whole_day else ">"]
        return lambda value, _context: value is not None and later(value, end)
    if not whole_day:
        raise Misread("C04", "“on” takes a whole day.", f"Write:  {asked.line(f'on {text.split()[0]}')}")
    return lambda value, _context: value is not None and start <= value < end


def _age(asked: Asked, word: str, text: str) -> Met:
    length = _length(asked, word, text)
    if word == "within":
        # Both ways: created_at within the last 3 days, trial_ends_at within the next 3.
        return lambda value, context: value is not None and abs(_since(value, context)) <= length
    return lambda value, context: value is not None and _since(value, context) > length


def _length(asked: Asked, word: str, text: str) -> timedelta:
    try:
        return duration.parse(text)
    except ValueError as error:
        raise Misread("C04", str(error), f"For example:  {asked.line(f'{word} 3 days')}") from None


def _since(value: datetime, context: Context) -> timedelta:
    now: datetime = context["now"]
    return now - value


_CLOCK = re.compile(r"(before|after)\s+(\S+)|between\s+(\S+)\s+and\s+(\S+)", re.IGNORECASE)


def clock(asked: Asked) -> Met:
    """``now.time`` is text like 09:05, so times compare as text does."""
    text = typed(asked, "between 09:00 and 17:00")
    found = _CLOCK.fullmatch(text)
    if found is None:
        hint = f"For example:  {asked.line('between 09:00 and 17:00')}   — or before, after"
        raise Misread("C04", f"“{asked.key}” is a time of day; “{text}” cannot be compared with it.", hint)
    if found[1]:
        limit = _clock(asked, found[2])
        if found[1].lower() == "before":
            return lambda value, _context: value < limit
        return lambda value, _context: value >= limit
    start, end = _clock(asked, found[3]), _clock(asked, found[4])
    if start <= end:
        return lambda value, _context: start <= value <= end
    # 22:00 to 06:00 goes past midnight.
    return lambda value, _context: value >= start or value <= end


def _clock(asked: Asked, text: str) -> str:
    minutes = values.minutes(text, lambda right: asked.line(f"after {right}"))
    return f"{minutes // 60:02}:{minutes % 60:02}"
