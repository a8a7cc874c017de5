"""Time as a thing that is passed in, so that tests can move it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time in whole milliseconds since 1970-01-01 UTC."""

    def now(self) -> int: ...

    def tend(self) -> None:
        """Called every few seconds by whoever works for long: the moment to compare with another clock."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        return time.time_ns() // 1_000_000

    def tend(self) -> None:
        pass


class SteadyClock:
    """The time of ``source`` as of the last :meth:`tend`, and as it passes since, however this machine's is set."""

    def __init__(self, source: Callable[[], int]) -> None:
        self._source = source
        self._base = (source(), time.monotonic())

    def now(self) -> int:
        base, since = self._base
        return base + round((time.monotonic() - since) * 1000)

    def tend(self) -> None:
        """Asks ``source`` again; raises what it raises."""
        self._base = (self._source(), time.monotonic())


class ManualClock:
    """A clock that stands still until it is told to move."""

    def __init__(self, now: int = 1_764_000_000_000) -> None:
        self._now = now

    def now(self) -> int:
        return self._now

    def tend(self) -> None:
        pass

    def advance(self, seconds: float) -> None:
        self._now += round(seconds * 1000)


def to_datetime(milliseconds: int) -> datetime:
    """An aware UTC ``datetime`` for a time of ours."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def iso(milliseconds: int | None) -> str | None:
    """A time of ours for programs: ISO 8601 in UTC."""
    return None if milliseconds is None else to_datetime(milliseconds).isoformat().replace("+00:00", "Z")
