"""Facts about this installation."""

from __future__ import annotations

import secrets
import uuid

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.store.statements import insert_ignoring
from hub.store.tables import facts


def hub_id(connection: Connection) -> str:
    """This installation's own id, made at the first start: 32 hex digits."""
    return _once(connection, "hub_id", uuid.uuid4().hex)


def first_start(connection: Connection, now: int) -> int:
    """When the hub first started on this database."""
    return int(_once(connection, "first_start", str(now)))


def approval_secret(connection: Connection) -> str:
    """What links to approvals are signed with, made here and never shown."""
    return _once(connection, "approval_secret", secrets.token_hex(32))


def claim(connection: Connection, name: str) -> bool:
    """Whether ``name`` is used here for the first time ever."""
    statement = insert_ignoring(connection.dialect.name, facts, facts.c.name)
    return connection.execute(statement, {"name": name, "value": ""}).scalar() is not None


def get(connection: Connection, name: str) -> str | None:
    """What was put under ``name``."""
    return connection.execute(sa.select(facts.c.value).where(facts.c.name == name)).scalar()


def put(connection: Connection, name: str, value: str) -> None:
    """Keeps a value under ``name``, in place of the one before."""
    connection.execute(insert_ignoring(connection.dialect.name, facts), {"name": name, "value": value})
    connection.execute(facts.update().where(facts.c.name == name).values(value=value))


def touch(connection: Connection, now: int) -> None:
    """Writes something: shows whether the disk takes it."""
    put(connection, "last_touch", str(now))


def _once(connection: Connection, name: str, value: str) -> str:
    connection.execute(insert_ignoring(connection.dialect.name, facts), {"name": name, "value": value})
    found: str = connection.execute(sa.select(facts.c.value).where(facts.c.name == name)).scalar_one()
    return found
