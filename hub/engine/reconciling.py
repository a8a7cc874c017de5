"""Stripe's paid sessions held against the orders on record: proof that no sale was missed, or the list of what is open.

https://docs.stripe.com/api/checkout/sessions/list. Sales from before the hub's first start are not the hub's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Protocol

from hub.checkout import events, session
from hub.clock import Clock
from hub.log import get_logger
from hub.model import Order, Source
from hub.store import facts, journal, listing, orders
from hub.store.database import Connection, Database

log = get_logger(__name__)

_DAY_MS = 86_400_000
#: How far the nightly one looks back: a bank debit takes up to a week and more to arrive.
NIGHTLY_MS = 14 * _DAY_MS
_LAST = "last_reconciliation"
_MISSED = "Stripe has it as paid; the hub does not."
_EXTRA = "The hub has it as paid; Stripe does not list it as such."


class SessionList(Protocol):
    """An account's complete Checkout Sessions that were created since a moment in seconds, page by page."""

    def complete_sessions(self, since: int, account: str) -> Iterable[Sequence[dict[str, Any]]]: ...


@dataclass(frozen=True, slots=True)
class Line:
    """An order that is not complete. ``state``: open, missing or extra; ``why`` for people."""

    id: str
    number: int | None
    state: str
    why: str


@dataclass(slots=True)
class Report:
    """``paid`` sessions at Stripe, how many of them are ``complete`` here, and the others. Times in milliseconds."""

    made_at: int
    since: int
    paid: int = 0
    complete: int = 0
    healed: int = 0
    orders: list[Line] = field(default_factory=list)

    def count(self, state: str) -> int:
        """How many are open, missing or extra."""
        return sum(line.state == state for line in self.orders)

    @property
    def is_clean(self) -> bool:
        return not self.orders

    def document(self) -> dict[str, Any]:
        """As programs get it."""
        counts = {state: self.count(state) for state in ("open", "missing", "extra")}
        head = {"paid": self.paid, "complete": self.complete, **counts, "healed": self.healed}
        return head | {"orders": [asdict(line) for line in self.orders], "made_at": self.made_at, "since": self.since}


def reconcile(
    source: SessionList, database: Database, clock: Clock, accounts: Sequence[str], since_ms: int, *, heal: bool
) -> Report:
    """Compares, and with ``heal`` journals what is missing, so that the rules act on it. The report is kept.

    Raises ``FetchError``, ``NotStored``.
    """
    first_start = database.write(lambda connection: facts.first_start(connection, clock.now())).result()
    report = Report(clock.now(), max(since_ms, first_start))
    # Stripe takes whole seconds; what is a little older than asked for is looked at and not counted as extra.
    told: set[str] = set()
    for account in accounts:
        for page in source.complete_sessions(report.since // 1000, account):
            paid = [one for one in page if session.is_paid(one) and one.get("mode") != "setup"]
            told |= {str(one.get("id")) for one in paid}
            _compare(database, clock, report, account, paid, heal=heal)
    _find_extra(database, report, accounts, told)
    text = json.dumps(report.document())
    database.write(lambda connection: facts.put(connection, _LAST, text)).result()
    return report


def last(connection: Connection) -> dict[str, Any] | None:
    """The last report as a document; None before the first."""
    text = facts.get(connection, _LAST)
    found: dict[str, Any] | None = None if text is None else json.loads(text)
    return found


def _compare(
    database: Database, clock: Clock, report: Report, account: str, paid: Sequence[dict[str, Any]], *, heal: bool
) -> None:
    ids = [str(one.get("id")) for one in paid]

    def load(connection: Connection) -> tuple[dict[str, Order], dict[str, str]]:
        known = {order.id: order for order in orders.find_all(connection, ids)}
        return known, listing.open_subjects(connection, ids)

    known, open_ = database.read(load)
    missing = []
    for one, name in zip(paid, ids, strict=True):
        report.paid += 1
        order = known.get(name)
        if order is None or order.paid_at is None:
            missing.append(one)
            report.orders.append(Line(name, None if order is None else order.number, "missing", _MISSED))
        elif name in open_:
            report.orders.append(Line(name, order.number, "open", open_[name]))
        else:
            report.complete += 1
    if heal and missing:
        now = clock.now()
        found = [events.completed(one, account, Source.POLL, now) for one in missing]
        database.write(lambda connection: journal.append(connection, found, now)).result()
        report.healed += len(found)


def _find_extra(database: Database, report: Report, accounts: Sequence[str], told: set[str]) -> None:
    recorded = database.read(lambda connection: orders.paid_since(connection, report.since))
    looked_at = [one for one in recorded if one.account in accounts]
    report.orders += [Line(one.id, one.number, "extra", _EXTRA) for one in looked_at if one.id not in told]


class Reconciling:
    """The chore: once a day, healing what is missing."""

    name: ClassVar[str] = "reconcile"
    every_ms: ClassVar[int] = _DAY_MS
    first_ms: ClassVar[int] = _DAY_MS

    def __init__(
        self,
        source: SessionList,
        database: Database,
        clock: Clock,
        accounts: Callable[[], Sequence[str]],
        stored: Callable[[], None],
    ) -> None:
        self._source = source
        self._accounts = accounts
        self._database = database
        self._clock = clock
        self._stored = stored

    def work(self, cursor: str) -> str:
        """Raises ``FetchError``."""
        since = self._clock.now() - NIGHTLY_MS
        report = reconcile(self._source, self._database, self._clock, self._accounts(), since, heal=True)
        log.info("reconciled", paid=report.paid, complete=report.complete, healed=report.healed)
        if not report.is_clean:
            counts = {state: report.count(state) for state in ("open", "missing", "extra")}
            log.warning("not every paid order is complete: hub reconcile --last", **counts)
        if report.healed:
            self._stored()
        return cursor
