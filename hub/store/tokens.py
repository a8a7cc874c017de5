"""Tokens with which programs use the API. Only digests are stored; a token is shown once, when it is made."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.model import Role, TokenScope
from hub.store.people import digest
from hub.store.statements import insert_ignoring
from hub.store.tables import tokens

#: So that scanners for secrets, and people, see what it is.
PREFIX = "hub_"
#: That it was used is noted only so often: reading should not write.
_NOTED_MS = 300_000


@dataclass(frozen=True, slots=True)
class Token:
    """A token as lists show it."""

    name: str
    role: Role
    scope: TokenScope
    created_at: int
    used_at: int | None

    def should_be_noted(self, now: int) -> bool:
        """Whether it is time to write down that it is still used."""
        return self.used_at is None or now - self.used_at > _NOTED_MS


def add(connection: Connection, name: str, role: Role, scope: TokenScope, now: int) -> str | None:
    """Makes a token and returns it; None when the name is taken."""
    token = PREFIX + secrets.token_urlsafe(30)
    row = {"name": name, "digest": digest(token), "role": role.value, "scope": scope.value, "created_at": now}
    statement = insert_ignoring(connection.dialect.name, tokens, tokens.c.id)
    return None if connection.execute(statement, row).scalar() is None else token


def remove(connection: Connection, name: str) -> bool:
    """Ends a token; whether there was one."""
    return connection.execute(tokens.delete().where(tokens.c.name == name)).rowcount == 1


def all_(connection: Connection) -> list[Token]:
    """Every token, by name."""
    return [_token(row) for row in connection.execute(sa.select(tokens).order_by(tokens.c.name))]


def find(connection: Connection, token: str) -> Token | None:
    """Which token somebody shows; None when it is made up or removed."""
    row = connection.execute(sa.select(tokens).where(tokens.c.digest == digest(token))).first()
    return None if row is None else _token(row)


def note(connection: Connection, name: str, now: int) -> None:
    """Writes down that a token is used."""
    connection.execute(tokens.update().where(tokens.c.name == name).values(used_at=now))


def _token(row: Any) -> Token:
    return Token(row.name, Role(row.role), TokenScope(row.scope), row.created_at, row.used_at)
