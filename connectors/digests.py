"""When messages are gathered, to go out together: what ``digest:`` may say, and the moment that it means."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

from hub.connector import AfterValidator, Mistake, PlainText

NEVER = "never"
_DAILY = re.compile(r"daily ([01]?\d|2[0-3])[:.]([0-5]\d)")


def _known(text: str) -> str:
    wanted = " ".join(text.lower().split())
    if wanted in {NEVER, "hourly"} or _DAILY.fullmatch(wanted):
        return wanted
    raise Mistake("“digest” is never, hourly, or daily with a time.", "daily 18:00")


Digest = Annotated[PlainText, AfterValidator(_known)]
"""``never``, ``hourly`` or ``daily 18:00`` (the shop's time)."""


def due(digest: str | None, now: datetime) -> datetime | None:
    """The next moment after ``now`` (the shop's time) at which what is gathered goes out; None: it is not gathered."""
    daily = _DAILY.fullmatch(digest or "")
    if daily is not None:
        today = now.replace(hour=int(daily[1]), minute=int(daily[2]), second=0, microsecond=0)
        return today if today > now else today + timedelta(days=1)
    if digest != "hourly":
        return None
    # Not by the wall's clock, which may show an hour twice.
    passed = timedelta(minutes=now.minute, seconds=now.second, microseconds=now.microsecond)
    return (now.astimezone(UTC) - passed + timedelta(hours=1)).astimezone(now.tzinfo)
