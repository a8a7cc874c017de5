"""Fetching what rules need from Stripe, beside the planning, with a memory that survives a restart.

An event whose rule waits has a postponed planning; success makes it due, failure postpones it further. So a fetch
that is lost with its process is started again when the planning comes due.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, Protocol

from hub.checkout.wants import CHANGING, OBJECT, Want
from hub.clock import Clock
from hub.errors import FetchError, NotStored
from hub.log import get_logger
from hub.model import Event
from hub.retry import LONGEST_PAUSE, RetryPolicy
from hub.store import journal, orders
from hub.store.database import Connection, Database

log = get_logger(__name__)

#: A few requests at a time stay far below Stripe's 25 per second and endpoint.
_AT_ONCE = 4
#: Never given up: an order that cannot be read is told to a person, not dropped.
_RETRY = RetryPolicy(times=1_000_000, wait=timedelta(seconds=2))


class StripeReader(Protocol):
    """What is needed of ``hub.checkout.enrich.StripeObjects``."""

    def read(self, want: Want, account: str) -> Any: ...

    def told(self, event: Event, url: str) -> dict[str, Any]: ...


class Fetcher:
    """Fetches each object once at a time; ``fetched`` is called when plannings have become due."""

    def __init__(self, stripe: StripeReader, database: Database, clock: Clock, fetched: Callable[[], None]) -> None:
        self._stripe = stripe
        self._database = database
        self._clock = clock
        self._fetched = fetched
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="hub-fetch")
        self._under_way: set[tuple[Want, int]] = set()
        self._lock = threading.Lock()

    def __call__(self, event: Event, want: Want) -> None:
        with self._lock:
            if (want, event.seq) in self._under_way:
                return
            self._under_way.add((want, event.seq))
        self._pool.submit(self._work, event, want)

    def _work(self, event: Event, want: Want) -> None:
        try:
            self._fetch(event, want)
        except NotStored as error:
            log.error("fetched, not stored", event_id=event.id, reason=str(error))
        finally:
            with self._lock:
                self._under_way.discard((want, event.seq))

    def _fetch(self, event: Event, want: Want) -> None:
        try:
            is_thin = want.kind == OBJECT
            body = self._stripe.told(event, want.id) if is_thin else self._stripe.read(want, event.account)
        except FetchError as error:
            log.warning("stripe did not answer", kind=want.kind, object_id=want.id, reason=str(error))
            self._database.write(partial(self._postpone, seq=event.seq, error=error)).result()
            return
        self._database.write(lambda connection: self._keep(connection, event, want, body)).result()
        self._fetched()

    def _keep(self, connection: Connection, event: Event, want: Want, body: Any) -> None:
        now = self._clock.now()
        orders.keep_enrichment(
            connection,
            # What one event says of a thing that changes must not stand for a later one.
            object_id=event.id if want.kind in CHANGING else want.id,
            kind=want.kind,
            account=event.account,
            livemode=event.livemode,
            body=body,
            now=now,
        )
        journal.wake_event(connection, event.seq, now)

    def _postpone(self, connection: Connection, *, seq: int, error: FetchError) -> None:
        """Pauses double with every failure, unless Stripe says how long to wait."""
        for waiting in journal.waiting(connection, seq):
            pause = _RETRY.pause(waiting.tries + 1, random.random()) or LONGEST_PAUSE
            if error.retry_after is not None:
                pause = timedelta(seconds=error.retry_after)
            due_at = self._clock.now() + round(pause.total_seconds() * 1000)
            again = replace(waiting, due_at=due_at, tries=waiting.tries + 1, note=str(error))
            journal.postpone(connection, [again])

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
