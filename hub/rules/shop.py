"""The facts of ``shop:`` that conditions and texts depend on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo


@dataclass(frozen=True, slots=True)
class BusinessHours:
    """``days`` are 0 (Monday) to 6; times are minutes since midnight, the first included, the last not."""

    days: frozenset[int]
    opens: int
    closes: int

    def include(self, local: datetime) -> bool:
        """Whether the shop is open at a moment in shop time."""
        minute = local.hour * 60 + local.minute
        return local.weekday() in self.days and self.opens <= minute < self.closes


@dataclass(frozen=True, slots=True)
class Shop:
    """What ``shop:`` says; everything has a default."""

    name: str = ""
    email: str = ""
    timezone: tzinfo = UTC
    currency: str | None = None  #: what a bare amount means
    language: str = "en"
    business_hours: BusinessHours | None = None
    alerts: str = ""

    def local(self, moment: datetime) -> datetime:
        """A moment in shop time."""
        return moment.astimezone(self.timezone)
