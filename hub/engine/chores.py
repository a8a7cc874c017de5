"""What the hub does by itself from time to time, whichever process comes first: polling, reconciliation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Protocol

from hub.clock import Clock
from hub.errors import FetchError
from hub.log import get_logger
from hub.store import chores
from hub.store.database import Connection, Database

log = get_logger(__name__)

#: Whoever takes a chore may be gone; so long afterwards somebody else begins it again.
_LEASE_MS = 600_000
#: After a failure a chore comes again this soon, or after its own interval if that is shorter.
_AGAIN_MS = 60_000


class Chore(Protocol):
    """``work`` goes on where ``cursor`` says ("" the first time) and returns the next one; raises ``FetchError``."""

    @property
    def name(self) -> str: ...

    @property
    def every_ms(self) -> int: ...

    @property
    def first_ms(self) -> int:
        """How long after the very first start it is due first."""
        ...

    def work(self, cursor: str) -> str: ...


class Chores:
    """Does what is due; one process at a time, by the database."""

    def __init__(self, database: Database, clock: Clock, found: Sequence[Chore]) -> None:
        self._database = database
        self._clock = clock
        self._chores = found
        self._due: dict[str, int] = {}

    def start(self) -> None:
        """Makes the chores known to the database."""
        now = self._clock.now()

        def write(connection: Connection) -> None:
            for one in self._chores:
                chores.ensure(connection, one.name, now + one.first_ms)

        if self._chores:
            self._database.write(write).result()

    def turn(self) -> int | None:
        """Does what is due; returns when the next is (milliseconds), None without chores."""
        for one in self._chores:
            if self._due.get(one.name, 0) <= self._clock.now():
                self._try(one)
        return min(self._due.values(), default=None)

    def _try(self, one: Chore) -> None:
        now = self._clock.now()
        cursor = self._database.write(
            lambda connection: chores.claim(connection, one.name, now, now + _LEASE_MS)
        ).result()
        if cursor is None:
            due = self._database.read(lambda connection: chores.due_at(connection, one.name))
            # Not due after all, or another process is at it: look again when it may be ours.
            self._due[one.name] = max(due or 0, now + min(_AGAIN_MS, one.every_ms))
            return
        pause = one.every_ms
        try:
            cursor = one.work(cursor)
        except FetchError as error:
            log.warning("not done", chore=one.name, reason=str(error))
            pause = min(_AGAIN_MS, one.every_ms)
        self._due[one.name] = self._clock.now() + pause
        self._database.write(partial(chores.done, name=one.name, due_at=self._due[one.name], cursor=cursor)).result()
