"""Subscriptions and their invoices: kept as events tell them, listed newest first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.model import Subscription, SubscriptionInvoice
from hub.store import search
from hub.store.statements import insert_ignoring
from hub.store.tables import subscription_invoices, subscriptions

T = TypeVar("T", Subscription, SubscriptionInvoice)
_Key = tuple[str, str, bool]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which subscriptions to list. ``status``: Stripe's, or "" for all; ``before``: a number to go on below."""

    livemode: bool
    status: str = ""
    asked: str = ""
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Subscriptions, newest first. ``older``: the number that the next page goes on below; None on the last."""

    found: Sequence[Subscription]
    older: int | None


def record(
    connection: Connection, told: Sequence[Subscription], merge: Callable[[Subscription, Subscription], Subscription]
) -> None:
    """Adds what events tell of subscriptions; those that changed can be found by it. Atomic with the transaction."""
    changed = _accumulate(connection, subscriptions, Subscription, told, merge)
    search.index(connection, {one.number: _words(one) for one in changed}, search.SUBSCRIPTIONS)


def record_invoices(
    connection: Connection,
    told: Sequence[SubscriptionInvoice],
    merge: Callable[[SubscriptionInvoice, SubscriptionInvoice], SubscriptionInvoice],
) -> None:
    """The same of their invoices."""
    _accumulate(connection, subscription_invoices, SubscriptionInvoice, told, merge)


def _accumulate(
    connection: Connection, table: sa.Table, kind: type[T], told: Sequence[T], merge: Callable[[T, T], T]
) -> list[T]:
    """Adds tellings to the rows there are, new ones in the order in which they are told; those that are new or changed.

    On PostgreSQL the rows stay locked until the transaction's end.
    """
    first = {_key(one): one for one in reversed(told)}
    if not first:
        return []
    names = (table.c.id, table.c.account, table.c.livemode)
    statement = insert_ignoring(connection.dialect.name, table, *names)
    rows = [_row(first[key]) for key in dict.fromkeys(map(_key, told))]
    new = {tuple(row) for row in connection.execute(statement, rows)}
    chosen = sa.select(table).where(table.c.id.in_([key[0] for key in first])).order_by(*names).with_for_update()
    stored = {_key(one): one for one in _read(connection.execute(chosen), kind)}
    current = {key: stored[key] for key in first}
    for one in told:
        current[_key(one)] = merge(current[_key(one)], one)
    for key, one in current.items():
        if one != stored[key]:
            same = [column == value for column, value in zip(names, key, strict=True)]
            connection.execute(table.update().where(*same).values(_row(one)))
    return [one for key, one in current.items() if key in new or one != stored[key]]


def _key(one: Subscription | SubscriptionInvoice) -> _Key:
    return one.id, one.account, one.livemode


def _row(one: Subscription | SubscriptionInvoice) -> dict[str, Any]:
    row = asdict(one)
    if isinstance(one, Subscription):
        del row["number"]  # the database's
    return row


def _read(rows: Iterable[Any], kind: type[T]) -> Iterator[T]:
    names = [field.name for field in fields(kind)]
    return (kind(**{name: getattr(row, name) for name in names}) for row in rows)


def _words(one: Subscription) -> list[str]:
    return [one.id, one.customer_name, one.customer_email, one.customer, one.plan or one.described, one.price]


def page(connection: Connection, wanted: Wanted, limit: int) -> Page:
    """Up to ``limit`` subscriptions; of a question that finds very many, perhaps fewer on a page before the last."""
    statement = sa.select(subscriptions).where(subscriptions.c.livemode == wanted.livemode)
    if wanted.status:
        statement = statement.where(subscriptions.c.status == wanted.status)
    asked = search.Asked(search.SUBSCRIPTIONS, wanted.asked, wanted.before)
    rows, older = search.page(connection, statement, subscriptions.c.number, asked, limit)
    return Page(list(_read(rows, Subscription)), older)


def find(connection: Connection, subscription_id: str) -> Subscription | None:
    """The subscription with Stripe's id."""
    chosen = sa.select(subscriptions).where(subscriptions.c.id == subscription_id).order_by(subscriptions.c.number)
    return next(_read(connection.execute(chosen), Subscription), None)


def invoices(connection: Connection, one: Subscription, limit: int) -> list[SubscriptionInvoice]:
    """The newest invoices of a subscription, newest first."""
    table = subscription_invoices
    mine = (table.c.subscription == one.id, table.c.account == one.account, table.c.livemode == one.livemode)
    chosen = sa.select(table).where(*mine).order_by(table.c.created_at.desc(), table.c.id).limit(limit)
    return list(_read(connection.execute(chosen), SubscriptionInvoice))


def has_live(connection: Connection) -> bool:
    """Whether any subscription is a real one."""
    statement = sa.select(subscriptions.c.number).where(subscriptions.c.livemode == sa.true()).limit(1)
    return connection.execute(statement).scalar() is not None
