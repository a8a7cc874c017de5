"""The journal: every verified event once, and what of it is still to be planned."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.model import Appended, Event, Source
from hub.store.statements import Many, insert_ignoring, upsert
from hub.store.tables import events, orders, plannings

#: The planning row that stands for every rule.
EVERY_RULE = ""

_EVENT = (
    events.c.seq,
    events.c.id,
    events.c.type,
    events.c.object_id,
    events.c.account,
    events.c.livemode,
    events.c.thin,
    events.c.source,
    events.c.created,
    events.c.received_at,
    events.c.body,
)


@dataclass(frozen=True, slots=True)
class Planning:
    """An event that waits to be planned, for every rule (``rule`` "") or for the one that had to wait.

    ``asked``: a person wants it acted on, however old it is. ``note`` says, once it is planned, why nothing was done.
    """

    event: Event
    rule: str
    tries: int
    asked: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Postponed:
    """A rule that cannot be planned for an event yet: when to look again, and why, for people."""

    event_seq: int
    rule: str
    due_at: int
    tries: int
    note: str
    asked: bool = False


@dataclass(frozen=True, slots=True)
class PlanningLine:
    """What became of an event's planning: ``due_at`` is None once it is done; ``note`` says why it waits or was not."""

    event_seq: int
    rule: str
    due_at: int | None
    note: str


def append(connection: Connection, received: Sequence[Event], now: int) -> list[Appended]:
    """Stores what is new of ``received``, in order, each with its planning; one answer per event.

    Atomic with the transaction: an event that is stored will be planned, whatever happens afterwards.
    """
    if not received:
        return []
    statement = insert_ignoring(connection.dialect.name, events, events.c.seq, *_IDENTITY)
    stored = {tuple(row[1:]): row[0] for row in connection.execute(statement, [_row(event) for event in received])}
    if stored:
        _PLANNING(connection, [{"event_seq": seq, "rule": EVERY_RULE, "due_at": now} for seq in stored.values()])
    # Two copies of one event may come in the same moment: the first is the new one.
    return [Appended(event.id, stored.pop(_identity(event), None) is None) for event in received]


_PLANNING = Many(plannings.insert(), "event_seq", "rule", "due_at")
_IDENTITY = (events.c.id, events.c.type, events.c.account, events.c.livemode)


def _identity(event: Event) -> tuple[str, str, str, bool]:
    return event.id, event.type, event.account, event.livemode


def _row(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "type": event.type,
        "object_id": event.object_id,
        "account": event.account,
        "livemode": event.livemode,
        "thin": event.thin,
        "source": event.source.value,
        "created": event.created,
        "received_at": event.received_at,
        "body": event.body,
    }


def due(connection: Connection, now: int, limit: int) -> list[Planning]:
    """Up to ``limit`` plannings that are due, oldest first."""
    rows = connection.execute(_DUE, {"now": now, "most": limit})
    return [Planning(_event(row), row.rule, row.tries, row.asked) for row in rows]


_DUE = (
    sa.select(plannings.c.rule, plannings.c.tries, plannings.c.asked, *_EVENT)
    .join(events, events.c.seq == plannings.c.event_seq)
    .where(plannings.c.due_at.is_not(None), plannings.c.due_at <= sa.bindparam("now"))
    .order_by(plannings.c.due_at, plannings.c.event_seq)
    .limit(sa.bindparam("most"))
)


def next_due(connection: Connection) -> int | None:
    """When the next planning is due; None when nothing waits."""
    found: int | None = connection.execute(
        sa.select(sa.func.min(plannings.c.due_at)).where(plannings.c.due_at.is_not(None))
    ).scalar()
    return found


def planned(connection: Connection, done: Iterable[Planning], ruleset_id: int) -> None:
    """Marks plannings as done under a rule set."""
    rows = [
        {"seq": one.event.seq, "name": one.rule, "planned_with": ruleset_id, "why": one.note, "by_hand": False}
        for one in done
    ]
    _PLANNED(connection, rows)


_PLANNED = Many(
    plannings.update()
    .where(plannings.c.event_seq == sa.bindparam("seq"), plannings.c.rule == sa.bindparam("name"))
    .values(
        due_at=None,
        ruleset_id=sa.bindparam("planned_with"),
        note=sa.bindparam("why"),
        asked=sa.bindparam("by_hand"),
    )
)


def postpone(connection: Connection, postponed: Sequence[Postponed]) -> None:
    """Has rules of events planned later; nothing is lost while a rule is held or Stripe does not answer."""
    if not postponed:
        return
    rows = [
        {
            "event_seq": one.event_seq,
            "rule": one.rule,
            "due_at": one.due_at,
            "tries": one.tries,
            "note": one.note,
            "asked": one.asked,
        }
        for one in postponed
    ]
    statement = upsert(connection.dialect.name, plannings, ("event_seq", "rule"), ("due_at", "tries", "note", "asked"))
    connection.execute(statement, rows)


def wake_postponed(connection: Connection, now: int) -> int:
    """Makes every postponed planning due: the rules or the settings may have changed. Returns how many."""
    statement = plannings.update().where(plannings.c.due_at > now).values(due_at=now, tries=0)
    return connection.execute(statement).rowcount


def wake_event(connection: Connection, seq: int, now: int) -> None:
    """Makes the postponed plannings of one event due."""
    open_ones = (plannings.c.event_seq == seq, plannings.c.due_at.is_not(None))
    connection.execute(plannings.update().where(*open_ones).values(due_at=now))


def waiting(connection: Connection, seq: int) -> list[Postponed]:
    """The open plannings of one event."""
    columns = [plannings.c[name] for name in ("event_seq", "rule", "due_at", "tries", "note", "asked")]
    open_ones = (plannings.c.event_seq == seq, plannings.c.due_at.is_not(None))
    return [Postponed(*row) for row in connection.execute(sa.select(*columns).where(*open_ones))]


def plannings_of(connection: Connection, seqs: Sequence[int]) -> list[PlanningLine]:
    """The plannings of events, done and open."""
    columns = [plannings.c[name] for name in ("event_seq", "rule", "due_at", "note")]
    return [
        PlanningLine(*row) for row in connection.execute(sa.select(*columns).where(plannings.c.event_seq.in_(seqs)))
    ]


def replan(connection: Connection, chosen: Sequence[int], now: int) -> None:
    """Has events planned again by every rule, as a person asks; effects that exist keep their keys: none repeats."""
    connection.execute(
        plannings.update()
        .where(plannings.c.event_seq.in_(list(chosen)), plannings.c.rule == EVERY_RULE)
        .values(due_at=now, tries=0, asked=True)
    )


def load(connection: Connection, seqs: Iterable[int]) -> dict[int, Event]:
    """Events by their place in the journal."""
    return {row.seq: _event(row) for row in connection.execute(_LOAD, {"seqs": list(seqs)})}


_LOAD = sa.select(*_EVENT).where(events.c.seq.in_(sa.bindparam("seqs", expanding=True)))


def following(connection: Connection, after: int, limit: int) -> list[Event]:
    """The events after a place in the journal, in order."""
    statement = sa.select(*_EVENT).where(events.c.seq > after).order_by(events.c.seq).limit(limit)
    return [_event(row) for row in connection.execute(statement)]


def find(connection: Connection, event_id: str) -> Event | None:
    """The event with Stripe's id, the newest if several accounts have one."""
    statement = sa.select(*_EVENT).where(events.c.id == event_id).order_by(events.c.seq.desc()).limit(1)
    row = connection.execute(statement).first()
    return None if row is None else _event(row)


def latest_about(connection: Connection, object_ids: Iterable[str], family: str) -> dict[str, Event]:
    """The newest event of a family of types (``customer.subscription.``) about each of several objects."""
    chosen = events.c.object_id.in_(list(object_ids)), events.c.type.startswith(family, autoescape=True)
    found = connection.execute(sa.select(*_EVENT).where(*chosen, ~events.c.thin).order_by(events.c.created))
    return {row.object_id: _event(row) for row in found}


def told_about(connection: Connection, object_ids: Iterable[str], kind: str) -> set[str]:
    """Which of several objects an event of type ``kind`` was about."""
    statement = sa.select(events.c.object_id).where(events.c.object_id.in_(list(object_ids)), events.c.type == kind)
    return set(connection.execute(statement).scalars())


def seqs(connection: Connection, wanted: str) -> list[int]:
    """The places in the journal of an event id, or of all events about an object's id."""
    statement = sa.select(events.c.seq).where(sa.or_(events.c.id == wanted, events.c.object_id == wanted))
    return list(connection.execute(statement.order_by(events.c.seq)).scalars())


def received_since(connection: Connection, since: int) -> list[int]:
    """The places in the journal of what was received since then, in order."""
    statement = sa.select(events.c.seq).where(events.c.received_at >= since).order_by(events.c.seq)
    return list(connection.execute(statement).scalars())


def latest(connection: Connection, count: int, sales: int) -> list[int]:
    """The places in the journal of the last ``count`` events and of all about the last ``sales`` orders, in order."""
    last = sa.select(events.c.seq).order_by(events.c.seq.desc()).limit(count)
    sold = sa.select(orders.c.id).order_by(orders.c.number.desc()).limit(sales).subquery()
    about = sa.select(events.c.seq).where(events.c.object_id.in_(sa.select(sold.c.id)))
    return sorted({*connection.execute(last).scalars(), *connection.execute(about).scalars()})


def _event(row: Any) -> Event:
    return Event(
        seq=row.seq,
        id=row.id,
        type=row.type,
        object_id=row.object_id,
        account=row.account,
        livemode=row.livemode,
        thin=row.thin,
        source=Source(row.source),
        created=row.created,
        received_at=row.received_at,
        body=bytes(row.body),
    )
