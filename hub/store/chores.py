"""What is done again and again, by one process at a time: when it is due, who is at it, and how far it got."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.store.statements import insert_ignoring
from hub.store.tables import chores


def ensure(connection: Connection, name: str, due_at: int) -> None:
    """Makes a chore known; one that is known keeps its time."""
    connection.execute(insert_ignoring(connection.dialect.name, chores), {"name": name, "due_at": due_at})


def due_at(connection: Connection, name: str) -> int | None:
    """When a chore is due; None if it is not known."""
    found: int | None = connection.execute(sa.select(chores.c.due_at).where(chores.c.name == name)).scalar()
    return found


def claim(connection: Connection, name: str, now: int, until: int) -> str | None:
    """Takes a due chore until ``until``; returns how far it got, or None when it is not due or somebody is at it."""
    free = (chores.c.name == name, chores.c.due_at <= now, chores.c.leased_until <= now)
    if connection.execute(chores.update().where(*free).values(leased_until=until)).rowcount == 0:
        return None
    return cursor(connection, name)


def cursor(connection: Connection, name: str) -> str:
    """How far a chore got, in its own words; "" before its first time."""
    found: str | None = connection.execute(sa.select(chores.c.cursor).where(chores.c.name == name)).scalar()
    return found or ""


def done(connection: Connection, name: str, due_at: int, cursor: str) -> None:
    """Gives a chore back: when it is due again, and how far it got."""
    values = {"due_at": due_at, "cursor": cursor, "leased_until": 0}
    connection.execute(chores.update().where(chores.c.name == name).values(values))
