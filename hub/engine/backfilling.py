"""Sales from before the hub's first start, taken over from Stripe's list of Checkout Sessions, one day at a time.

They go through the journal like every other sale. Being older than the hub they are recorded and not acted on, unless a
person asks: goods of last year are not shipped again. How far it got is kept after every day.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from hub.checkout import events
from hub.clock import Clock
from hub.model import Event, Source
from hub.store import facts, journal
from hub.store.database import Connection, Database

_DAY_MS = 86_400_000
#: How far each kind got: what was recorded only may be acted on later.
_CURSOR = {False: "backfilled", True: "backfilled and acted on"}


class SessionWindows(Protocol):
    """An account's complete Checkout Sessions created in ``[since, until)``, in seconds, with items, page by page."""

    def complete_sessions_with_items(
        self, since: int, until: int, account: str
    ) -> Iterable[Sequence[dict[str, Any]]]: ...


@dataclass(frozen=True, slots=True)
class Day:
    """A span in milliseconds, a day at most."""

    since: int
    until: int


@dataclass(frozen=True, slots=True)
class Found:
    """``sales`` at Stripe, and how many of them were ``new`` to the journal."""

    sales: int
    new: int


def days(database: Database, since_ms: int, until_ms: int, *, act: bool) -> list[Day]:
    """The days that are left, oldest first: those that an earlier run finished are not looked at again."""
    since = max(since_ms, database.read(lambda connection: _finished(connection, since_ms, act=act)))
    return [Day(start, min(start + _DAY_MS, until_ms)) for start in range(since, until_ms, _DAY_MS)]


def take_over(
    source: SessionWindows,
    database: Database,
    clock: Clock,
    accounts: Sequence[str],
    since_ms: int,
    day: Day,
    *,
    act: bool,
) -> Found:
    """Journals the sales of one day, and has the rules ``act`` on them if asked. ``since_ms``: where the whole began.

    Raises ``FetchError``, ``NotStored``; then the day counts as not looked at.
    """
    sales = new = 0
    for account in accounts:
        for page in source.complete_sessions_with_items(day.since // 1000, day.until // 1000, account):
            now = clock.now()
            told = [events.completed(one, account, Source.PERSON, now) for one in page if one.get("mode") != "setup"]
            new += database.write(partial(_store, told=told, now=now, act=act)).result()
            sales += len(told)
    mark = f"{since_ms} {day.until}"
    database.write(lambda connection: facts.put(connection, _CURSOR[act], mark)).result()
    return Found(sales, new)


def _store(connection: Connection, *, told: Sequence[Event], now: int, act: bool) -> int:
    appended = journal.append(connection, told, now)
    if act:
        journal.replan(connection, [seq for one in told for seq in journal.seqs(connection, one.id)], now)
    return sum(not one.duplicate for one in appended)


def _finished(connection: Connection, since_ms: int, *, act: bool) -> int:
    """Up to where an earlier run came, if it began no later than this one; else 0."""
    began, _, finished = (facts.get(connection, _CURSOR[act]) or "").partition(" ")
    return int(finished) if began and int(began) <= since_ms else 0
