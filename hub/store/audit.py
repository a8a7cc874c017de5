"""What people did: every act once, in order, for good. Nothing changes or removes a row; the database refuses it."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.store.tables import audit


@dataclass(frozen=True, slots=True)
class Act:
    """One act. ``thing``: what it was done to (an order's ``cs_…``, ``delivery 7``, ``user Mara``, ``sku MUG-01``)."""

    id: int
    at: int
    who: str
    what: str
    thing: str
    detail: str


#: The act whose detail is a text for colleagues, shown with its order.
NOTED = "noted"


def record(connection: Connection, who: str, what: str, thing: str, now: int, detail: str = "") -> None:
    """Writes an act down, in the transaction that does it: what was rolled back was not done."""
    row = {"at": now, "who": who, "what": what, "thing": thing, "detail": detail}
    connection.execute(audit.insert(), row)


def acts(
    connection: Connection, *, thing: str | None = None, before: int | None = None, limit: int | None = None
) -> list[Act]:
    """Acts, newest first; ``before``: an act's id, to go on from."""
    statement = sa.select(*audit.c)
    if thing is not None:
        statement = statement.where(audit.c.thing == thing)
    if before is not None:
        statement = statement.where(audit.c.id < before)
    rows = connection.execute(statement.order_by(audit.c.id.desc()).limit(limit))
    return [Act(*row) for row in rows]


def following(connection: Connection, after: int, limit: int) -> list[Act]:
    """The acts after the one of that id, oldest first."""
    statement = sa.select(*audit.c).where(audit.c.id > after).order_by(audit.c.id).limit(limit)
    return [Act(*row) for row in connection.execute(statement)]
