"""Stripe's paid sessions held against the orders on record: proof that no sale was missed, or the list of what is open.

https://docs.stripe.com/api/checkout/sessions/list. Sales from before the hub's first start are not the hub's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Protocol

from hub.checkout import events, session
from hub.checkout.session import Json
from hub.clock import Clock
from hub.engine.rulebook import Rulebook
from hub.errors import FetchError
from hub.log import get_logger
from hub.model import Event, Order, Source
from hub.store import facts, journal, listing, orders, reversals
from hub.store.database import Connection, Database

log = get_logger(__name__)

_DAY_MS = 86_400_000
#: How far the nightly one looks back: a bank debit takes up to a week and more to arrive.
NIGHTLY_MS = 14 * _DAY_MS
_LAST = "last_reconciliation"
_MISSED = "Stripe has it as paid; the hub does not."
_NO_REFUND = "Stripe has given this money back; the hub was not told."
_NO_INVOICE = "Stripe has this invoice as paid; the hub was not told."
_INVOICE_PAID = "invoice.paid"
_SUCCEEDED = "succeeded"
_EXTRA = "The hub has it as paid; Stripe does not list it as such."


class PaidList(Protocol):
    """What an account sold, gave back and was paid since a moment in seconds, page by page."""

    def complete_sessions(self, since: int, account: str) -> Iterable[Sequence[dict[str, Any]]]: ...

    def refunds(self, since: int, account: str) -> Iterable[Sequence[dict[str, Any]]]: ...

    def paid_invoices(self, since: int, account: str) -> Iterable[Sequence[dict[str, Any]]]: ...


@dataclass(frozen=True, slots=True)
class Line:
    """An order, refund or invoice that is not complete. ``state``: open, missing or extra; ``why`` for people."""

    id: str
    number: int | None
    state: str
    why: str


@dataclass(slots=True)
class Report:
    """``paid`` sessions at Stripe, how many of them are ``complete`` here, and the others. Times in milliseconds.

    ``unread``: what the key may not read, so that nothing can be said of it.
    """

    made_at: int
    since: int
    paid: int = 0
    complete: int = 0
    healed: int = 0
    orders: list[Line] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

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
        lines = [asdict(line) for line in self.orders]
        return head | {"orders": lines, "unread": self.unread, "made_at": self.made_at, "since": self.since}


def reconcile(
    source: PaidList, database: Database, clock: Clock, rulebook: Rulebook, since_ms: int, *, heal: bool
) -> Report:
    """Compares, and with ``heal`` journals what is missing, so that the rules act on it. The report is kept.

    Raises ``FetchError``, ``NotStored``.
    """
    first_start = database.write(lambda connection: facts.first_start(connection, clock.now())).result()
    report = Report(clock.now(), max(since_ms, first_start))
    # Stripe takes whole seconds; what is a little older than asked for is looked at and not counted as extra.
    told: set[str] = set()
    accounts = rulebook.accounts()
    for account in accounts:
        for page in source.complete_sessions(report.since // 1000, account):
            paid = [one for one in page if session.is_paid(one) and one.get("mode") != "setup"]
            told |= {str(one.get("id")) for one in paid}
            _compare(database, clock, report, account, paid, heal=heal)
        with _if_allowed(report):
            for page in source.refunds(report.since // 1000, account):
                _compare_refunds(database, clock, report, account, page, heal=heal)
        if _INVOICE_PAID in rulebook.event_types():
            with _if_allowed(report):
                for page in source.paid_invoices(report.since // 1000, account):
                    _compare_invoices(database, clock, report, account, page, heal=heal)
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
        _journal(database, clock, report, [events.completed(one, account, Source.POLL, clock.now()) for one in missing])


def _journal(database: Database, clock: Clock, report: Report, found: Sequence[Event]) -> None:
    now = clock.now()
    database.write(lambda connection: journal.append(connection, found, now)).result()
    report.healed += len(found)


@contextmanager
def _if_allowed(report: Report) -> Iterator[None]:
    """A key that may not read something is no failure of the whole; the report says what was not looked at."""
    try:
        yield
    except FetchError as error:
        if not error.is_forbidden:
            raise
        report.unread.append(str(error))


def _compare_refunds(
    database: Database, clock: Clock, report: Report, account: str, page: Sequence[Json], *, heal: bool
) -> None:
    """Refunds of orders on record that have succeeded, and of which the hub was not told that they have."""
    paid_with = {str(one["id"]): session.object_id(one.get("payment_intent")) for one in page}

    def load(connection: Connection) -> tuple[dict[str, Order], dict[str, str]]:
        payments = {payment for payment in paid_with.values() if payment is not None}
        known = orders.find_by(connection, "payment_intent", payments)
        return {key[0]: order for key, order in known.items()}, reversals.known(connection, paid_with)

    of, told = database.read(load)
    missing = [
        (one, order)
        for one in page
        if one.get("status") == _SUCCEEDED
        and told.get(one["id"]) != _SUCCEEDED
        and (order := of.get(paid_with[one["id"]] or "")) is not None
    ]
    report.orders += [Line(str(one["id"]), order.number, "missing", _NO_REFUND) for one, order in missing]
    if heal and missing:
        now = clock.now()
        kind, source = "refund.updated", Source.POLL
        found = [events.read_as(kind, one, _SUCCEEDED, account, order.livemode, source, now) for one, order in missing]
        _journal(database, clock, report, found)


def _compare_invoices(
    database: Database, clock: Clock, report: Report, account: str, page: Sequence[Json], *, heal: bool
) -> None:
    """Paid invoices that rules may act on and that no event told of; a first period is its order's."""
    wanted = [one for one in page if one.get("billing_reason") != "subscription_create"]
    ids = [str(one["id"]) for one in wanted]
    told = database.read(lambda connection: journal.told_about(connection, ids, _INVOICE_PAID))
    missing = [one for one in wanted if one["id"] not in told]
    report.orders += [Line(str(one["id"]), None, "missing", _NO_INVOICE) for one in missing]
    if heal and missing:
        _journal(database, clock, report, [_paid(one, account, clock.now()) for one in missing])


def _paid(invoice: Json, account: str, now: int) -> Event:
    return events.read_as(_INVOICE_PAID, invoice, "paid", account, bool(invoice.get("livemode")), Source.POLL, now)


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
        source: PaidList,
        database: Database,
        clock: Clock,
        rulebook: Rulebook,
        stored: Callable[[], None],
    ) -> None:
        self._source = source
        self._rulebook = rulebook
        self._database = database
        self._clock = clock
        self._stored = stored

    def work(self, cursor: str) -> str:
        """Raises ``FetchError``."""
        since = self._clock.now() - NIGHTLY_MS
        report = reconcile(self._source, self._database, self._clock, self._rulebook, since, heal=True)
        log.info("reconciled", paid=report.paid, complete=report.complete, healed=report.healed)
        if not report.is_clean:
            counts = {state: report.count(state) for state in ("open", "missing", "extra")}
            log.warning("not every paid order is complete: hub reconcile --last", **counts)
        if report.healed:
            self._stored()
        return cursor
