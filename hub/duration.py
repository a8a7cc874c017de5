"""Lengths of time as people write them in rules and settings: ``20 seconds``, ``3 days``."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
_PATTERN = re.compile(r"^\s*(\d{1,6}(?:\.\d{1,3})?)\s*(second|minute|hour|day|week)s?\s*$", re.IGNORECASE)


def parse(text: str) -> timedelta:
    """``timedelta`` for ``"3 days"``, ``"1 minute"``, ``"0.5 seconds"``; raises ``ValueError`` with a sentence."""
    match = _PATTERN.match(text)
    if match is None:
        raise ValueError(f"“{text}” is not a length of time. Write a number and a unit, like 20 seconds or 3 days.")
    return timedelta(seconds=float(match[1]) * _UNITS[match[2].lower()])


def words(length: timedelta) -> str:
    """The shortest exact wording: ``90 seconds`` is ``90 seconds``, ``120 seconds`` is ``2 minutes``."""
    seconds = length.total_seconds()
    for unit, size in reversed(_UNITS.items()):
        if seconds >= size and seconds % size == 0:
            count = int(seconds // size)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{seconds:g} seconds"
