"""Lists that people keep: the filters of the list of orders under a name, for one person or for all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.store.statements import upsert
from hub.store.tables import users, views

#: Of one person; more would be a second menu.
MOST = 20


@dataclass(frozen=True, slots=True)
class View:
    """A list that somebody keeps. ``filters``: by name, as they were written down; whoever reads them checks them."""

    id: int
    user_id: int
    owner: str
    name: str
    filters: Mapping[str, str]
    shared: bool


def seen_by(connection: Connection, user_id: int) -> list[View]:
    """The lists that a person has on their page: their own and the shared ones, by name."""
    mine = (views.c.user_id == user_id) | views.c.shared
    statement = sa.select(views, users.c.name.label("owner")).join(users, users.c.id == views.c.user_id).where(mine)
    return [
        View(row.id, row.user_id, row.owner, row.name, json.loads(row.filters), row.shared)
        for row in connection.execute(statement.order_by(views.c.name, views.c.id))
    ]


def keep(
    connection: Connection, user_id: int, name: str, filters: Mapping[str, str], now: int, *, shared: bool
) -> bool:
    """Keeps filters under a name, in place of the person's list of that name; False when they have too many."""
    # Locked, so that two forms sent at once do not make one too many.
    connection.execute(sa.select(users.c.id).where(users.c.id == user_id).with_for_update())
    names = set(connection.execute(sa.select(views.c.name).where(views.c.user_id == user_id)).scalars())
    if name not in names and len(names) >= MOST:
        return False
    row = {"user_id": user_id, "name": name, "filters": json.dumps(dict(filters)), "shared": shared, "created_at": now}
    statement = upsert(connection.dialect.name, views, ("user_id", "name"), ("filters", "shared"))
    connection.execute(statement, row)
    return True


def remove(connection: Connection, view_id: int) -> bool:
    """Removes a list; whether it was there."""
    return connection.execute(views.delete().where(views.c.id == view_id)).rowcount == 1
