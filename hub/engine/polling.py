"""Stripe's list of events, looked through for what no webhook told: same journal, same deduplication.

https://docs.stripe.com/api/events/list. The list shows an event up to some minutes late, so every look reaches back
over the one before it; the mark moves only when everything is stored.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from hub.checkout import events
from hub.clock import Clock
from hub.log import get_logger
from hub.model import Event, Source
from hub.store import journal
from hub.store.database import Database

log = get_logger(__name__)

_DAY_MS = 86_400_000
#: What the list shows late is shown within this time (10 minutes were seen; https://docs.stripe.com/webhooks/process-undelivered-events).
_OVERLAP_MS = 900_000
#: Stripe keeps events this long.
_KEPT_MS = 30 * _DAY_MS
#: ``types[]`` takes so many names.
_MOST_TYPES = 20


class EventList(Protocol):
    """Events of some types (all if None) since a moment in seconds, newest first, page by page."""

    def events(self, types: Sequence[str] | None, since: int, account: str) -> Iterable[Sequence[dict[str, Any]]]: ...


@dataclass(frozen=True, slots=True)
class Polled:
    """How many events a look found, and how many of them no webhook had told."""

    found: int
    new: int


class Polling:
    """The chore. ``types`` and ``accounts`` are asked anew each time; ``stored`` is called when something was found."""

    name: ClassVar[str] = "poll"
    first_ms: ClassVar[int] = 0

    def __init__(
        self,
        source: EventList,
        database: Database,
        clock: Clock,
        types: Callable[[], Sequence[str]],
        accounts: Callable[[], Sequence[str]],
        stored: Callable[[], None],
        every_ms: int,
    ) -> None:
        self._source = source
        self._database = database
        self._clock = clock
        self._types = types
        self._accounts = accounts
        self._stored = stored
        self.every_ms = every_ms

    def work(self, cursor: str) -> str:
        """One look; raises ``FetchError``, and then nothing counts as looked through."""
        began = self._clock.now()
        last = int(cursor) if cursor else began - _DAY_MS
        if began - last > _KEPT_MS:
            log.error(
                "events are lost: the hub did not look for more than 30 days, and Stripe keeps them no longer."
                " Find the sales with  hub reconcile --since 90d --heal"
            )
        polled = self.look(last - _OVERLAP_MS)
        if polled.new:
            log.info("found by polling", events=polled.new)
        return str(began)

    def look(self, since_ms: int) -> Polled:
        """Journals everything since a moment. Raises ``FetchError``, ``NotStored``."""
        types = self._types()
        wanted = types if len(types) <= _MOST_TYPES else None
        found = new = 0
        for account in self._accounts():
            for page in self._source.events(wanted, since_ms // 1000, account):
                received = [one for each in page if (one := _read(each, account, self._clock.now())) is not None]
                found += len(received)
                new += self._store(received)
        if new:
            self._stored()
        return Polled(found, new)

    def _store(self, received: Sequence[Event]) -> int:
        # Stripe lists the newest first; the journal keeps the order in which things happened.
        oldest_first, now = received[::-1], self._clock.now()
        appended = self._database.write(lambda connection: journal.append(connection, oldest_first, now)).result()
        return sum(not one.duplicate for one in appended)


def _read(document: dict[str, Any], account: str, now: int) -> Event | None:
    if account:  # the account's own list does not name it, as its webhooks to the platform do
        document = {**document, "account": account}
    try:
        return events.parse(json.dumps(document).encode(), source=Source.POLL, received_at=now)
    except events.NotAnEvent as error:
        log.warning("an event of the list cannot be read", event_id=str(document.get("id")), reason=str(error))
        return None
