"""The composition root: from settings to a hub that runs. Nothing happens on import."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any, Protocol

from hub.clock import Clock, SteadyClock
from hub.engine.approval_links import ApprovalLinks
from hub.engine.backfilling import SessionWindows
from hub.engine.chores import Chore, Chores
from hub.engine.connections import Connections
from hub.engine.contexts import Contexts
from hub.engine.dispatcher import Dispatcher
from hub.engine.fetching import Fetcher, StripeReader
from hub.engine.local import Local
from hub.engine.planner import Planner
from hub.engine.polling import EventList, Polling
from hub.engine.preparing import Preparer
from hub.engine.reconciling import PaidList, Reconciling
from hub.engine.rulebook import Rulebook
from hub.engine.sending import Sender
from hub.engine.subscribing import Subscribing
from hub.errors import FetchError
from hub.log import get_logger, hide
from hub.money import STRIPE_DECIMALS
from hub.registry import Registry, discover
from hub.settings import Settings
from hub.store import facts, journal, lanes, schema
from hub.store.database import Connection, Database, open_database

log = get_logger(__name__)


@dataclass
class Hub:
    """An open hub: the database, the rules, and what works on them. Close it in the end."""

    settings: Settings
    environment: Mapping[str, str]
    clock: Clock
    database: Database
    registry: Registry
    rulebook: Rulebook
    contexts: Contexts
    decimals: Mapping[str, int]  #: of Stripe's amounts, by currency

    @cached_property
    def stripe(self) -> Reader | None:
        """What reads from Stripe, one for all, so that they share its budget; None without an API key."""
        return stripe_reader(self.settings)

    @cached_property
    def approval_links(self) -> ApprovalLinks:
        """The links to approvals that messages carry."""
        base = self.settings.public_url.rstrip("/") or f"http://{self.settings.host}:{self.settings.port}"
        return ApprovalLinks(base, self.database.write(facts.approval_secret).result())

    def close(self) -> None:
        self.database.close()


def open_hub(
    settings: Settings,
    environment: Mapping[str, str],
    clock: Clock | None = None,
    registry: Registry | None = None,
) -> Hub:
    """Opens the database and brings it up to date; rules are not read yet. Raises ``HubError`` with the remedy."""
    registry = registry or discover(settings.connectors_dir)
    hide(*settings.webhook_secrets, *([key.get_secret_value()] if (key := settings.stripe_api_key) else []))
    database = open_database(settings.database_url)
    schema.upgrade(database)
    # Machines that share a database must agree on when a lease ends, whatever their own clocks say.
    clock = clock or SteadyClock(database.time)
    decimals = {**STRIPE_DECIMALS, **settings.currency_decimals}
    return Hub(
        settings=settings,
        environment=environment,
        clock=clock,
        database=database,
        registry=registry,
        rulebook=Rulebook(database, registry, settings.rules, environment, clock),
        contexts=Contexts(database, decimals),
        decimals=decimals,
    )


class Worker:
    """What plans and delivers: ``hub work``, and the larger part of ``hub serve``."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        settings, database, clock = hub.settings, hub.database, hub.clock
        lease = timedelta(seconds=settings.lease_seconds)
        hub_id = database.write(facts.hub_id).result()
        first_start = database.write(lambda connection: facts.first_start(connection, clock.now())).result()
        self.connections = Connections(hub.registry, settings.data_dir, hub_id, clock)
        self._fetcher = self._make_fetcher()
        self.planner = Planner(
            database,
            hub.rulebook,
            hub.contexts,
            clock,
            mode=settings.livemode,
            first_start=first_start,
            lease=lease,
            rehearse=settings.is_demo,
            fetch=self._fetcher,
            planned=self._planned,
        )
        preparer = Preparer(database, hub.rulebook, hub.contexts, clock, hub.approval_links)
        sender = Sender(
            database,
            hub.rulebook,
            preparer,
            self.connections,
            hub.registry,
            clock,
            worker=f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}",
            lease=lease,
            rehearse=settings.is_demo,
        )
        self.dispatcher = Dispatcher(
            database,
            self.planner,
            sender,
            Local(database, preparer, clock).batch,
            clock,
            lease=lease,
            alone=database.dialect == "sqlite",
            chores=Chores(database, clock, self._chores()),
        )

    def _chores(self) -> list[Chore]:
        """Reading the journal for subscriptions; with a key for Stripe, polling and the nightly reconciliation."""
        hub, reader = self._hub, self._hub.stripe
        found: list[Chore] = [Subscribing(hub.database)]
        if reader is None:
            return found
        found.append(Reconciling(reader, hub.database, hub.clock, hub.rulebook, self._stored))
        if every_ms := hub.settings.stripe_poll_seconds * 1000:
            found.append(polling(hub, self._stored, every_ms))
        return found

    def _stored(self) -> None:
        self.dispatcher.wake()
        self._hub.database.announce()

    def start(self) -> None:
        """Begins to plan and deliver, in threads."""
        self._hub.database.write(self._look_again).result()
        self.dispatcher.start()

    def reload(self) -> None:
        """The rules have changed: what was held, or paused, is tried again."""
        self._hub.database.write(self._look_again).result()
        self.dispatcher.wake()

    def stop(self) -> None:
        """Ends after what is being sent."""
        if self._fetcher is not None:
            self._fetcher.close()
        self.dispatcher.stop()
        self.connections.close()

    def _look_again(self, connection: Connection) -> None:
        journal.wake_postponed(connection, self._hub.clock.now())
        lanes.resume_paused(connection)

    def _planned(self) -> None:
        self.dispatcher.wake_lanes()
        self._hub.database.announce()

    def _make_fetcher(self) -> Fetcher | None:
        reader = self._hub.stripe
        if reader is None:
            return None
        return Fetcher(reader, self._hub.database, self._hub.clock, lambda: self.dispatcher.wake())


def polling(hub: Hub, stored: Callable[[], None], every_ms: int = 0) -> Polling:
    """What looks through Stripe's lists of events for the rules in force; there is a key."""
    assert hub.stripe is not None
    rulebook = hub.rulebook
    return Polling(hub.stripe, hub.database, hub.clock, rulebook.event_types, rulebook.accounts, stored, every_ms)


class Reader(StripeReader, EventList, PaidList, SessionWindows, Protocol):
    """Everything that is read from Stripe; see ``hub.checkout.enrich.StripeObjects``."""

    def session(self, session_id: str, account: str) -> dict[str, Any]: ...

    def products(self) -> Iterable[Sequence[dict[str, Any]]]: ...

    def readable(self, needs: Iterable[str]) -> Mapping[str, FetchError | None]: ...


def stripe_reader(settings: Settings) -> Reader | None:
    """What reads from Stripe; None without an API key."""
    if settings.stripe_api_key is None:
        return None
    # Imported here: the SDK costs 0.2 s and 18 MB, which a hub without a key need not pay.
    from hub.checkout.enrich import StripeObjects

    key, base = settings.stripe_api_key.get_secret_value(), settings.stripe_api_base
    return StripeObjects(key, base, settings.stripe_requests_per_second)
