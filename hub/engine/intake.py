"""Events into the journal: everyone who waits in the same moment shares one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from hub.clock import Clock
from hub.model import Appended, Event
from hub.store import journal
from hub.store.database import Connection, Database

#: Bounds one transaction; more simply wait for the next one.
_MOST = 200
#: A commit costs the same for one event and for thirty. So a transaction waits this long (seconds) for company, unless
#: it has enough: far below what a buyer notices, and a burst costs a fraction of the disk and the processor.
_LINGER = 0.003
_ENOUGH = 16


class Intake:
    """Appends events from an event loop. While one transaction commits, the next one gathers.

    ``stored`` is called after each commit that brought something new.
    """

    def __init__(self, database: Database, clock: Clock, stored: Callable[[], None]) -> None:
        self._database = database
        self._clock = clock
        self._stored = stored
        self._waiting: list[tuple[Event, asyncio.Future[Appended]]] = []
        self._committing = False
        self._timer: asyncio.TimerHandle | None = None

    async def append(self, event: Event) -> Appended:
        """Returns once the event is on disk (or was before). Raises ``NotStored`` when it cannot be stored."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Appended] = loop.create_future()
        self._waiting.append((event, answer))
        if not self._committing:
            self._gather(loop)
        return await answer

    def _gather(self, loop: asyncio.AbstractEventLoop) -> None:
        """Commits what waits: at once if it is enough, else a moment after the first one came."""
        if len(self._waiting) >= _ENOUGH:
            self._commit(loop)
        elif self._waiting and self._timer is None:
            self._timer = loop.call_later(_LINGER, self._commit, loop)

    def _commit(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        group, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
        self._committing = True
        received = [event for event, _ in group]
        now = self._clock.now()

        def write(connection: Connection) -> list[Appended]:
            return journal.append(connection, received, now)

        future = self._database.write(write, urgent=True)
        future.add_done_callback(lambda done: loop.call_soon_threadsafe(self._answer, loop, group, done))

    def _answer(
        self,
        loop: asyncio.AbstractEventLoop,
        group: Sequence[tuple[Event, asyncio.Future[Appended]]],
        done: Future[list[Appended]],
    ) -> None:
        self._committing = False
        self._gather(loop)  # first, so that the disk has work while the answers go out
        error = done.exception()
        appended = [None] * len(group) if error else done.result()
        for (_, answer), one in zip(group, appended, strict=True):
            if answer.done():  # the sender has hung up; its event is kept all the same
                continue
            if one is None:
                answer.set_exception(error or AssertionError)
            else:
                answer.set_result(one)
        if any(one is not None and not one.duplicate for one in appended):
            self._stored()
