"""Time as a thing that is passed in, so that tests can move it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time in whole milliseconds since 1970-01-01 UTC."""

    def now(self) -> int: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        return time.time_ns() // 1_000_000


class ManualClock:
    """A clock that stands still until it is told to move."""

    def __init__(self, now: int = 1_764_000_000_000) -> None:
        self._now = now

    def now(self) -> int:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += round(seconds * 1000)


def to_datetime(milliseconds: int) -> datetime:
    """An aware UTC ``datetime`` for a time of ours."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
