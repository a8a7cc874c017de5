"""Pools of licence keys or voucher codes, each given out once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.connector import Permanent, Taken
from hub.store.statements import insert_ignoring, upsert
from hub.store.tables import code_pools, codes

_FREE = codes.c.taken_by.is_(None)


@dataclass(frozen=True, slots=True)
class Pool:
    """How many codes a pool still has, and how many were given out."""

    name: str
    left: int
    taken: int


def take(connection: Connection, *, key: str, pool: str, subject: str, now: int) -> tuple[Taken, bool]:
    """The next code of a pool for the delivery of ``key``; the same one whenever it asks again (then False).

    Raises ``Permanent`` with the remedy when there is no such pool, or it is empty.
    """
    code = connection.execute(_TAKEN, {"pool_name": pool, "key": key}).scalar()
    is_new = code is None
    if code is None:
        free = connection.execute(_NEXT, {"pool_name": pool}).first()
        if free is None:
            raise Permanent(_refusal(connection, pool))
        connection.execute(_TAKE, {"code_id": free.id, "key": key, "whose": subject, "now": now})
        code = free.code
    left: int = connection.execute(_LEFT, {"pool_name": pool}).scalar_one()
    return Taken(code, left), is_new


_TAKEN = sa.select(codes.c.code).where(
    codes.c.pool == sa.bindparam("pool_name"), codes.c.taken_by == sa.bindparam("key")
)
_NEXT = (
    sa.select(codes.c.id, codes.c.code)
    .where(codes.c.pool == sa.bindparam("pool_name"), _FREE)
    .order_by(codes.c.id)
    .limit(1)
    .with_for_update()
)
_TAKE = (
    codes.update()
    .where(codes.c.id == sa.bindparam("code_id"))
    .values(taken_by=sa.bindparam("key"), subject=sa.bindparam("whose"), taken_at=sa.bindparam("now"))
)
_LEFT = sa.select(sa.func.count()).where(codes.c.pool == sa.bindparam("pool_name"), _FREE)


def _refusal(connection: Connection, pool: str) -> str:
    known = [one.name for one in pools(connection)]
    add = f'Add codes with  hub codes import "{pool}" FILE  and retry.'
    if pool in known:
        return f"The pool “{pool}” is empty. {add}"
    others = f" There is: {', '.join(f'“{name}”' for name in known)}." if known else ""
    return f"There is no pool of codes called “{pool}”.{others} {add}"


#: Codes left at which “codes low” fires, unless the shop chose another number.
LOW_AT = 10


def low_at(connection: Connection, pool: str) -> int:
    """The number of codes left that counts as low."""
    found: int | None = connection.execute(_LOW_AT, {"pool_name": pool}).scalar()
    return LOW_AT if found is None else found


_LOW_AT = sa.select(code_pools.c.low_at).where(code_pools.c.pool == sa.bindparam("pool_name"))


def set_low_at(connection: Connection, pool: str, count: int) -> None:
    """Chooses the number of codes left that counts as low."""
    statement = upsert(connection.dialect.name, code_pools, ("pool",), ("low_at",))
    connection.execute(statement, {"pool": pool, "low_at": count})


def add(connection: Connection, pool: str, new: Sequence[str], now: int) -> int:
    """Adds codes in order; those that the pool has or had already are left out. Returns how many are new."""
    rows = [{"pool": pool, "code": code, "added_at": now} for code in dict.fromkeys(new)]
    if not rows:
        return 0
    statement = insert_ignoring(connection.dialect.name, codes, codes.c.id)
    return len(connection.execute(statement, rows).all())


def pools(connection: Connection) -> list[Pool]:
    """Every pool, by name."""
    left = sa.func.sum(sa.case((_FREE, 1), else_=0))
    statement = sa.select(codes.c.pool, left, sa.func.count()).group_by(codes.c.pool).order_by(codes.c.pool)
    return [Pool(name, int(free), total - int(free)) for name, free, total in connection.execute(statement)]


def taken(connection: Connection, pool: str, limit: int | None = None) -> Sequence[Any]:
    """What was given out of a pool, newest first: code, subject, taken_at."""
    statement = sa.select(codes.c.code, codes.c.subject, codes.c.taken_at).where(codes.c.pool == pool, ~_FREE)
    return connection.execute(statement.order_by(codes.c.taken_at.desc(), codes.c.id.desc()).limit(limit)).all()
