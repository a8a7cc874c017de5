"""Subscriptions, kept as events are planned; and once, from what the journal held before the hub kept them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from hub.checkout import subscriptions as tellings
from hub.checkout.reading import Reading
from hub.engine.contexts import readings
from hub.store import journal, subscriptions
from hub.store.database import Connection, Database

_AT_ONCE = 500
#: Batches before other chores have their turn.
_BATCHES = 20
_DAY_MS = 86_400_000
#: The cursor when all is read.
_DONE = "done"


def told(found: Iterable[Reading]) -> list[tellings.Telling]:
    """What events tell of subscriptions."""
    every = (tellings.told_by(one.event, one.raw) for one in found if not one.url)
    return [one for one in every if one is not None]


def keep(connection: Connection, found: Sequence[tellings.Telling]) -> None:
    """Adds it to what is on record, in the transaction."""
    subscriptions.record(connection, [one.subscription for one in found], tellings.merge)
    invoices = [one.invoice for one in found if one.invoice is not None]
    subscriptions.record_invoices(connection, invoices, tellings.merge_invoices)


class Subscribing:
    """The chore that reads the journal from its beginning to its end, once."""

    name: ClassVar[str] = "subscriptions"
    first_ms: ClassVar[int] = 0

    def __init__(self, database: Database) -> None:
        self._database = database
        self._is_done = False

    @property
    def every_ms(self) -> int:
        return _DAY_MS if self._is_done else 1000

    def work(self, cursor: str) -> str:
        """Goes on after the place in the journal that ``cursor`` names."""
        for _ in range(_BATCHES):
            if cursor == _DONE:
                self._is_done = True
                break
            cursor = self._batch(int(cursor or 0))
        return cursor

    def _batch(self, after: int) -> str:
        found = self._database.read(lambda connection: journal.following(connection, after, _AT_ONCE))
        if not found:
            return _DONE
        read = self._database.read(lambda connection: readings(connection, found))
        self._database.write(lambda connection: keep(connection, told(read.values()))).result()
        return str(found[-1].seq)
