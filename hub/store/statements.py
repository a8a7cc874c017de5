"""Statements that the two databases write alike but SQLAlchemy builds per dialect.

Each is built once: building an expression costs several times what running it does, and these are on the hot path.
The same holds for the statements at module level elsewhere in ``hub.store``.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


@cache
def insert_ignoring(dialect: str, table: sa.Table, *returning: sa.Column[Any]) -> Any:
    """``INSERT … ON CONFLICT DO NOTHING [RETURNING …]``."""
    statement = _insert(dialect, table).on_conflict_do_nothing()
    return statement.returning(*returning) if returning else statement


@cache
def upsert(dialect: str, table: sa.Table, key: tuple[str, ...], changing: tuple[str, ...]) -> Any:
    """``INSERT … ON CONFLICT (key) DO UPDATE`` of the columns ``changing``."""
    insert = _insert(dialect, table)
    changes = {name: insert.excluded[name] for name in changing}
    return insert.on_conflict_do_update(index_elements=[table.c[name] for name in key], set_=changes)


def _insert(dialect: str, table: sa.Table) -> Any:
    return (postgresql if dialect == "postgresql" else sqlite).insert(table)
