"""What people look at: events, orders and deliveries, newest first, filtered."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.keys import effect_key
from hub.model import Order
from hub.store import orders as order_store
from hub.store.tables import attempts, audit, deliveries, events, lanes, orders, plannings, reversals, rulesets, runs


@dataclass(frozen=True, slots=True, kw_only=True)
class EventLine:
    """An event in the list. ``waiting``: why it is not fully planned yet, "" when it is."""

    id: str
    type: str
    object_id: str
    account: str
    livemode: bool
    source: str
    created: int
    received_at: int
    waiting: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryLine:
    """A delivery in the list, as ``hub deliveries --json`` shows it."""

    id: int
    key: str
    event: str
    subject: str
    order: int | None
    rule: str
    rules: str  #: the digest of the rule set it was planned with
    step: str
    item: str
    action: str
    connection: str
    state: str
    attempts: int
    receipt: dict[str, Any] | None
    error: str
    due_at: int | None
    updated_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptLine:
    """One try at a delivery."""

    delivery_id: int
    number: int
    started_at: int
    finished_at: int | None
    outcome: str | None
    detail: str


def _waiting() -> sa.ScalarSelect[str]:
    note = sa.func.coalesce(sa.func.nullif(sa.func.max(plannings.c.note), ""), "being planned")
    return (
        sa.select(note)
        .where(plannings.c.event_seq == events.c.seq, plannings.c.due_at.is_not(None))
        .having(sa.func.count() > 0)
        .scalar_subquery()
    )


_EVENTS = sa.select(
    events.c.id,
    events.c.type,
    events.c.object_id,
    events.c.account,
    events.c.livemode,
    events.c.source,
    events.c.created,
    events.c.received_at,
    _waiting().label("waiting"),
)


def list_events(
    connection: Connection, *, kind: str | None = None, since: int | None = None, limit: int | None = None
) -> list[EventLine]:
    """Events, newest first; ``since`` is when they were received."""
    statement = _EVENTS
    if kind is not None:
        statement = statement.where(events.c.type == kind)
    if since is not None:
        statement = statement.where(events.c.received_at >= since)
    return [_event(row) for row in connection.execute(statement.order_by(events.c.seq.desc()).limit(limit))]


def _event(row: Any) -> EventLine:
    columns = {name: value for name, value in row._asdict().items() if name != "seq"}
    return EventLine(**{**columns, "waiting": row.waiting or ""})


def list_orders(
    connection: Connection,
    *,
    state: str | None = None,
    search: str | None = None,
    since: int | None = None,
    livemode: bool | None = None,
    limit: int | None = None,
) -> list[Order]:
    """Orders, newest first. ``search`` looks into name, e-mail, id and number."""
    statement = sa.select(orders)
    if state is not None:
        statement = statement.where(orders.c.state == state)
    if since is not None:
        statement = statement.where(orders.c.created_at >= since)
    if livemode is not None:
        statement = statement.where(orders.c.livemode == livemode)
    if search:
        statement = statement.where(_matches(search))
    rows = connection.execute(statement.order_by(orders.c.number.desc()).limit(limit))
    return [order_store.from_row(row) for row in rows]


def count_orders(connection: Connection, *, livemode: bool) -> int:
    """How many orders of live or of test mode are on record."""
    statement = sa.select(sa.func.count()).select_from(orders).where(orders.c.livemode == livemode)
    return connection.execute(statement).scalar_one()


def _matches(search: str) -> sa.ColumnElement[bool]:
    texts = (orders.c.customer_name, orders.c.customer_email, orders.c.id, orders.c.payment_intent)
    found = [text.icontains(search, autoescape=True) for text in texts]
    if search.isascii() and search.isdigit() and len(search) < 16:
        found.append(orders.c.number == int(search))
    return sa.or_(*found)


def list_deliveries(
    connection: Connection,
    *,
    state: str | None = None,
    subject: str | None = None,
    rule: str | None = None,
    since: int | None = None,
    ids: Sequence[int] | None = None,
    about: Sequence[str] | None = None,
    before: int | None = None,
    limit: int | None = None,
) -> list[DeliveryLine]:
    """Deliveries, newest first. ``subject``: a business object's id; with an order's come those of its refunds and
    disputes. ``about``: what their events are about, by id. ``before``: a delivery's id, to go on
    from. A ready one in a blocked lane shows as waiting.
    """
    statement = (
        sa.select(
            deliveries,
            runs.c.key.label("run_key"),
            runs.c.subject,
            runs.c.rule,
            runs.c.item,
            runs.c.order_number,
            events.c.id.label("event"),
            lanes.c.blocked_until,
            lanes.c.reason,
            rulesets.c.digest,
        )
        .join(runs, runs.c.id == deliveries.c.run_id)
        .join(events, events.c.seq == runs.c.event_seq)
        .join(lanes, lanes.c.id == deliveries.c.lane_id)
        .join(rulesets, rulesets.c.id == deliveries.c.ruleset_id)
    )
    if subject is not None:
        statement = statement.where(runs.c.subject.in_(_with_reversals(subject)))
    if about is not None:
        seqs = sa.select(events.c.seq).where(events.c.object_id.in_(list(about)))
        statement = statement.where(runs.c.event_seq.in_(seqs))
    if rule is not None:
        statement = statement.where(runs.c.rule == rule)
    if since is not None:
        statement = statement.where(deliveries.c.updated_at >= since)
    if ids is not None:
        statement = statement.where(deliveries.c.id.in_(list(ids)))
    if before is not None:
        statement = statement.where(deliveries.c.id < before)
    if state is not None:
        statement = statement.where(_shown_state() == state)
    rows = connection.execute(statement.order_by(deliveries.c.id.desc()).limit(limit))
    return [_delivery(row) for row in rows]


#: What a person or the hub has still to do.
_UNDONE = ("blocked", "ready", "running", "waiting", "unknown", "dead")


def open_subjects(connection: Connection, subjects: Sequence[str]) -> dict[str, str]:
    """Which of several business objects have something undone, each with what."""
    undone = (
        sa.select(runs.c.subject, deliveries.c.action, deliveries.c.state, deliveries.c.error)
        .join(runs, runs.c.id == deliveries.c.run_id)
        .where(runs.c.subject.in_(list(subjects)), deliveries.c.state.in_(_UNDONE))
        .order_by(deliveries.c.id.desc())
    )
    waiting = (
        sa.select(events.c.object_id, plannings.c.rule, plannings.c.note)
        .join(plannings, plannings.c.event_seq == events.c.seq)
        .where(events.c.object_id.in_(list(subjects)), plannings.c.due_at.is_not(None))
    )
    found = {row.subject: f"{row.action} is {row.state}. {row.error}".strip() for row in connection.execute(undone)}
    for row in connection.execute(waiting):
        found[row.object_id] = row.note or "It is being planned."
    return found


def _with_reversals(subject: str) -> sa.CompoundSelect[tuple[str]]:
    of_order = (
        sa.select(reversals.c.id)
        .join(orders, orders.c.payment_intent == reversals.c.payment_intent)
        .where(orders.c.id == subject)
    )
    return sa.union_all(sa.select(sa.literal(subject)), of_order)


def _shown_state() -> sa.ColumnElement[str]:
    held = sa.and_(deliveries.c.state == "ready", lanes.c.reason != "")
    return sa.case((held, sa.literal("waiting")), else_=deliveries.c.state)


def _delivery(row: Any) -> DeliveryLine:
    held = row.state == "ready" and row.reason != ""
    state = "waiting" if held else row.state
    return DeliveryLine(
        id=row.id,
        key=effect_key(row.run_key, row.step),
        event=row.event,
        subject=row.subject,
        order=row.order_number,
        rule=row.rule,
        rules=row.digest,
        step=row.step,
        item=row.item,
        action=row.action,
        connection=row.connection,
        state=state,
        attempts=row.attempts,
        receipt=None if row.receipt is None else json.loads(row.receipt),
        error=row.error or (row.reason if held else ""),
        due_at=max(row.due_at, row.blocked_until) if state in {"ready", "waiting"} else None,
        updated_at=row.updated_at,
    )


def list_attempts(connection: Connection, delivery_ids: Sequence[int]) -> list[AttemptLine]:
    """Every try at the deliveries, in order."""
    statement = (
        sa.select(
            attempts.c.delivery_id,
            attempts.c.number,
            attempts.c.started_at,
            attempts.c.finished_at,
            attempts.c.outcome,
            attempts.c.detail,
        )
        .where(attempts.c.delivery_id.in_(list(delivery_ids)))
        .order_by(attempts.c.delivery_id, attempts.c.number)
    )
    return [AttemptLine(**row._asdict()) for row in connection.execute(statement)]


def events_about(connection: Connection, *object_ids: str) -> list[EventLine]:
    """The events about business objects (a session …), in order of arrival."""
    rows = connection.execute(_EVENTS.where(events.c.object_id.in_(object_ids)).order_by(events.c.seq))
    return [_event(row) for row in rows]


def version(connection: Connection) -> tuple[int | None, ...]:
    """Differs after every new event, order, planning and act of a person. A few look-ups at the ends of indexes."""
    newest = (
        sa.select(sa.func.max(column)).scalar_subquery() for column in (events.c.seq, orders.c.number, audit.c.id)
    )
    waiting = sa.select(sa.func.count()).where(plannings.c.due_at.is_not(None)).scalar_subquery()
    return tuple(connection.execute(sa.select(*newest, waiting)).one())


#: A type is looked for among so many of the newest events: it has no index, which would cost every webhook.
LOOKED_THROUGH = 10_000


def page_of_events(connection: Connection, asked: str, before: int | None, limit: int) -> list[tuple[int, EventLine]]:
    """Events with their places in the journal, newest first; ``asked``: an event's or object's id, a type, or ""."""
    statement = _EVENTS.add_columns(events.c.seq)
    if asked:
        statement = statement.where(_asked(connection, asked))
    if before is not None:
        statement = statement.where(events.c.seq < before)
    rows = connection.execute(statement.order_by(events.c.seq.desc()).limit(limit))
    return [(row.seq, _event(row)) for row in rows]


def _asked(connection: Connection, asked: str) -> sa.ColumnElement[bool]:
    named = sa.union(*(sa.select(events.c.seq).where(column == asked) for column in (events.c.id, events.c.object_id)))
    if connection.execute(named.limit(1)).first() is not None:
        return events.c.seq.in_(named)
    newest = int(connection.execute(sa.select(sa.func.max(events.c.seq))).scalar() or 0)
    return sa.and_(events.c.seq > newest - LOOKED_THROUGH, events.c.type.startswith(asked, autoescape=True))
