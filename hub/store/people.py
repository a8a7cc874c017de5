"""People who may use the console: their roles, one-time links and sessions.

Of links and sessions only the digests are stored: who reads the database cannot sign in with what is in it.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.model import Role
from hub.store.statements import insert_ignoring
from hub.store.tables import sessions, sign_in_links, users, views

_HOUR_MS = 3_600_000
#: A session ends when it was not used for so long, and in any case after the second: people sign in anew.
IDLE_MS = 12 * _HOUR_MS
LONGEST_MS = 30 * 24 * _HOUR_MS
#: That it was used is noted only so often: looking at a page should not write.
_NOTED_MS = 300_000


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may use the console."""

    id: int
    name: str
    role: Role
    has_password: bool


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who has signed in. ``digest`` finds the session without opening it; pages show its ``handle``."""

    digest: str
    user: User
    created_at: int
    seen_at: int

    @property
    def handle(self) -> str:
        """What names the session on a page: of the digest, form tokens are made."""
        return digest(f"handle:{self.digest}")[:24]

    def should_be_noted(self, now: int) -> bool:
        """Whether it is time to write down that it is still used."""
        return now - self.seen_at > _NOTED_MS


_USER = (users.c.id.label("user_id"), users.c.name, users.c.role, users.c.password.is_not(None).label("has_password"))


def _user(row: Any) -> User:
    return User(row.user_id, row.name, Role(row.role), bool(row.has_password))


def add(connection: Connection, name: str, role: Role, now: int) -> bool:
    """Adds a person; False when the name is taken."""
    row = {"name": name, "role": role.value, "created_at": now}
    statement = insert_ignoring(connection.dialect.name, users, users.c.id)
    return connection.execute(statement, row).scalar() is not None


def find(connection: Connection, name: str) -> User | None:
    """The person of that name, in any case."""
    # Not in the database: SQLite knows capitals of ASCII only.
    return next((one for one in everybody(connection) if one.name.casefold() == name.casefold()), None)


def everybody(connection: Connection) -> list[User]:
    """All people, by name."""
    return [_user(row) for row in connection.execute(sa.select(*_USER).order_by(users.c.name))]


def remove(connection: Connection, user: User) -> bool:
    """Removes a person with their kept lists and ends their sessions.

    False for the last owner, without whom nobody could let others in.
    """
    owners = [one for one in everybody(connection) if one.role is Role.OWNER]
    if [one.id for one in owners] == [user.id]:
        return False
    for table in (sessions, sign_in_links, views):
        connection.execute(table.delete().where(table.c.user_id == user.id))
    connection.execute(users.delete().where(users.c.id == user.id))
    return True


def first_owner(connection: Connection, now: int) -> User:
    """The owner that has been there longest; made when nobody is there yet."""
    chosen = sa.select(*_USER).where(users.c.role == Role.OWNER.value).order_by(users.c.id).limit(1)
    if connection.execute(chosen).first() is None:
        add(connection, "owner", Role.OWNER, now)
    return _user(connection.execute(chosen).one())


def password(connection: Connection, user_id: int) -> str | None:
    """The Argon2 hash of a person's password; None before one is chosen."""
    found: str | None = connection.execute(sa.select(users.c.password).where(users.c.id == user_id)).scalar()
    return found


def set_password(connection: Connection, user_id: int, hashed: str) -> None:
    """Keeps the hash of a person's new password; links that were made for them before sign nobody in any more."""
    connection.execute(users.update().where(users.c.id == user_id).values(password=hashed))
    connection.execute(sign_in_links.delete().where(sign_in_links.c.user_id == user_id))


def new_link(connection: Connection, user_id: int, expires_at: int) -> str:
    """The token of a link that signs a person in once."""
    token = secrets.token_urlsafe(24)
    connection.execute(sign_in_links.insert(), {"digest": digest(token), "user_id": user_id, "expires_at": expires_at})
    return token


def use_link(connection: Connection, token: str, now: int) -> User | None:
    """Whom a link signs in; None when it is used, old or made up."""
    connection.execute(sign_in_links.delete().where(sign_in_links.c.expires_at <= now))
    chosen = sign_in_links.delete().where(sign_in_links.c.digest == digest(token))
    user_id = connection.execute(chosen.returning(sign_in_links.c.user_id)).scalar()
    row = connection.execute(sa.select(*_USER).where(users.c.id == user_id)).first()
    return None if row is None else _user(row)


def open_session(connection: Connection, user_id: int, now: int) -> str:
    """The token of a new session; the moment to forget those that have ended."""
    ended = (sessions.c.seen_at <= now - IDLE_MS) | (sessions.c.created_at <= now - LONGEST_MS)
    connection.execute(sessions.delete().where(ended))
    token = secrets.token_urlsafe(24)
    row = {"digest": digest(token), "user_id": user_id, "created_at": now, "seen_at": now}
    connection.execute(sessions.insert(), row)
    return token


def session(connection: Connection, token: str, now: int) -> Session | None:
    """The session of a token, unless it has ended."""
    return next(iter(_sessions(connection, now, sessions.c.digest == digest(token))), None)


def open_sessions(connection: Connection, now: int) -> list[Session]:
    """All sessions that have not ended, the last used first."""
    return _sessions(connection, now, sa.true())


def _sessions(connection: Connection, now: int, chosen: sa.ColumnElement[bool]) -> list[Session]:
    statement = (
        sa.select(sessions.c.digest, sessions.c.created_at, sessions.c.seen_at, *_USER)
        .join(users, users.c.id == sessions.c.user_id)
        .where(chosen, sessions.c.seen_at > now - IDLE_MS, sessions.c.created_at > now - LONGEST_MS)
        .order_by(sessions.c.seen_at.desc())
    )
    return [Session(row.digest, _user(row), row.created_at, row.seen_at) for row in connection.execute(statement)]


def note_session(connection: Connection, digest: str, now: int) -> None:
    """Writes down that a session is still used."""
    connection.execute(sessions.update().where(sessions.c.digest == digest).values(seen_at=now))


def end_session(connection: Connection, digest: str) -> bool:
    """Ends a session; whether there was one."""
    return connection.execute(sessions.delete().where(sessions.c.digest == digest)).rowcount == 1


def end_other_sessions(connection: Connection, user_id: int, kept: str) -> None:
    """Ends a person's sessions but the one of digest ``kept``: after a new password nobody stays in by the old one."""
    chosen = (sessions.c.user_id == user_id, sessions.c.digest != kept)
    connection.execute(sessions.delete().where(*chosen))


def digest(token: str) -> str:
    """What of a secret is stored; the tokens are random, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()
