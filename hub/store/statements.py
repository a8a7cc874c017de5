"""Statements that the two databases write alike but SQLAlchemy builds per dialect.

Each is built once: building an expression costs several times what running it does, and these are on the hot path.
The same holds for the statements at module level elsewhere in ``hub.store``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Dialect


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


class Many:
    """A statement that is run for many rows at once, compiled once per database.

    SQLAlchemy prepares the parameters of every row anew (5 µs a row and statement, as much as SQLite takes to store
    it); here they go to the driver as they are. So values must be what the driver takes: text, numbers, bytes, None.
    """

    def __init__(self, statement: sa.Executable, *columns: str) -> None:
        """``columns`` of an INSERT that is not to fill all of them."""
        self._statement: Any = statement
        self._columns = columns or None
        self._compiled: dict[str, tuple[str, list[str] | None, Mapping[str, Any]]] = {}

    def __call__(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Runs it for each of ``rows``; a row has the statement's parameters by name."""
        if not rows:
            return
        sql, order, constants = self._compiled.get(connection.dialect.name) or self._compile(connection.dialect)
        if order is None:
            connection.exec_driver_sql(sql, [{**constants, **row} for row in rows])
        else:
            given = ({**constants, **row} for row in rows) if constants else rows
            connection.exec_driver_sql(sql, [tuple(map(row.__getitem__, order)) for row in given])

    def _compile(self, dialect: Dialect) -> tuple[str, list[str] | None, Mapping[str, Any]]:
        compiled: Any = self._statement.compile(dialect=dialect, column_keys=self._columns)
        required = {name for name, parameter in compiled.binds.items() if parameter.required}
        constants = {name: value for name, value in compiled.params.items() if name not in required}
        made = (str(compiled), compiled.positiontup, constants)
        self._compiled[dialect.name] = made
        return made
