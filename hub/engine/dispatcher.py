"""Keeps the deliveries going: finds lanes with work, puts a thread on each, watches leases and the clock."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from hub.clock import Clock
from hub.engine.chores import Chores
from hub.engine.planner import BATCH, Planner
from hub.engine.progress import Progress
from hub.engine.sending import Sender
from hub.errors import NotStored, StorageError
from hub.log import get_logger
from hub.store import claims, lanes
from hub.store.database import Database
from hub.store.lanes import Due

log = get_logger(__name__)

#: Lanes worked on at the same time; most of a delivery is waiting for the far end.
_THREADS = 16
#: Batches of one lane at the same time, where the connector allows more than one.
_PARALLEL = 3
#: A thread goes on to another lane after so many batches, so that a long backlog does not keep others waiting.
_TURNS = 20
#: Without any news, the queue is looked at this often (seconds).
_LOOK = 1.0

#: Planning and looking for work happen at most this often (seconds): what arrives meanwhile shares a transaction.
#: Alone, an event is not kept waiting; in a burst, batches grow and each event costs less.
_PACE = 0.02

BatchOf = Callable[[Due], Progress]


class Dispatcher:
    """Runs the planner and the lanes in threads of this process.

    ``local`` makes effects in the hub's own database, ``sender`` those elsewhere. ``alone``: no other process works
    on this database (SQLite), so whatever is claimed at the start belongs to a process that is gone.
    """

    def __init__(
        self,
        database: Database,
        planner: Planner,
        sender: Sender,
        local: BatchOf,
        clock: Clock,
        *,
        lease: timedelta,
        alone: bool,
        chores: Chores,
    ) -> None:
        self._database = database
        self._planner = planner
        self._chores = chores
        self._sender = sender
        self._local = local
        self._clock = clock
        self._lease = lease
        self._alone = alone
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="hub-lane")
        self._busy: Counter[int] = Counter()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._news = {name: threading.Event() for name in ("plan", "deliver", "chores")}
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Takes back what a dead process held, then works until :meth:`stop`.

        Raises ``StorageError`` when the database allows one process and another one is at work.
        """
        if self._alone:
            if not self._database.lead():
                raise StorageError(
                    "Another process already delivers from this database.",
                    "Stop it (hub serve, hub work), or use PostgreSQL for several: HUB_DATABASE_URL.",
                )
            self._recover(everyone=True)
        self._database.watch(self.wake)
        self._chores.start()
        loops = {
            "plan": self._plan,
            "deliver": self._deliver,
            "chores": self._do_chores,
            "lease": self._watch_leases,
        }
        for name, loop in loops.items():
            thread = threading.Thread(target=self._loop, args=(name, loop), name=f"hub-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Lets what is being sent come to its end; nothing new is begun."""
        self._stopping.set()
        self._sender.stop()
        self.wake()
        for thread in self._threads:
            thread.join()
        self._pool.shutdown(wait=True)

    def wake(self) -> None:
        """There may be something to do."""
        for news in self._news.values():
            news.set()

    def wake_lanes(self) -> None:
        """There may be something to deliver."""
        self._news["deliver"].set()

    def turn(self) -> int:
        """Plans and delivers everything that is due, in the calling thread; for tests and one-off commands."""
        count = 0
        # Deliveries may bring about events of the hub's own, which are planned in the next round.
        while done := self._planner.turn() or sum(self._batch(lane).count for lane in self._due_now()):
            count += done
        return count

    def _loop(self, name: str, work: Callable[[], float]) -> None:
        """``work`` returns how long nothing will be due (seconds); news end that wait."""
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                pause = work()
            except NotStored as error:
                log.error("database not available", doing=name, reason=str(error))
                pause = _LOOK
            except Exception:
                log.exception("unexpected failure", doing=name)
                pause = _LOOK
            self._stopping.wait(max(0.0, began + _PACE - time.monotonic()))
            news = self._news.get(name, self._stopping)
            if news.wait(pause) and name in self._news:
                news.clear()

    def _plan(self) -> float:
        if not self._database.lead():
            return _LOOK
        while self._planner.turn() == BATCH:
            if self._stopping.is_set():
                return 0
        return self._until(self._planner.next_due())

    def _deliver(self) -> float:
        due = self._database.read(lanes.due_lanes)
        now = self._clock.now()
        for lane in due:
            if _when(lane) <= now:
                self._put_on(lane)
        later = [_when(lane) for lane in due if _when(lane) > now]
        return self._until(min(later, default=None))

    def _do_chores(self) -> float:
        return self._until(self._chores.turn())

    def _until(self, moment: int | None) -> float:
        if moment is None:
            return _LOOK
        return min(_LOOK, max(0.0, (moment - self._clock.now()) / 1000))

    def _put_on(self, lane: Due) -> None:
        with self._lock:
            if self._busy[lane.lane_id] >= (1 if lane.serial else _PARALLEL):
                return
            self._busy[lane.lane_id] += 1
        self._pool.submit(self._work, lane)

    def _work(self, lane: Due) -> None:
        """Up to ``_TURNS`` batches of one lane. After each, other lanes may have got something to do."""
        try:
            for _ in range(_TURNS):
                if self._stopping.is_set() or not self._batch(lane).more:
                    break
                self.wake_lanes()
        except NotStored as error:
            log.error("database not available", lane=lane.name, reason=str(error))
        except Exception:
            log.exception("unexpected failure", lane=lane.name)
        finally:
            with self._lock:
                self._busy[lane.lane_id] -= 1
            if not lane.connection:
                self._news["plan"].set()  # what moved stock or took a code may have made an event of our own
            self.wake_lanes()

    def _batch(self, lane: Due) -> Progress:
        return self._sender.batch(lane) if lane.connection else self._local(lane)

    def _due_now(self) -> list[Due]:
        now = self._clock.now()
        return [lane for lane in self._database.read(lanes.due_lanes) if _when(lane) <= now]

    def _watch_leases(self) -> float:
        self._clock.tend()
        self._sender.extend_leases()
        self._recover(everyone=False)
        return self._lease.total_seconds() / 4

    def _recover(self, *, everyone: bool) -> None:
        now, ours = self._clock.now(), self._sender.held
        found = self._database.write(
            lambda connection: claims.recover(connection, now, everyone=everyone, except_for=ours)
        ).result()
        if found:
            log.warning("taken over from a process that is gone", deliveries=found)
            self.wake_lanes()


def _when(lane: Due) -> int:
    return max(lane.due_at, lane.blocked_until)
