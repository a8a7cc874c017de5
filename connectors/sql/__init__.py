"""Rows in the shop's own database, PostgreSQL, MySQL or SQLite: ``sql.insert`` and ``sql.upsert``.

In the transaction that writes a row, its effect key goes into a table of the hub's own beside it. A delivery whose
key is there has been done: it comes again without any effect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError

from connectors.sql.database import Sql, is_refused, reason, unreachable
from connectors.sql.values import column_of, values_for
from connectors.table import Columns
from hub.connector import (
    Action,
    Ambiguous,
    Batch,
    ConfigError,
    Connection,
    Delivery,
    Failure,
    Field,
    Idempotency,
    Params,
    Permanent,
    PlainText,
    Result,
)

__all__ = ["ACTIONS", "Insert", "Sql", "Upsert", "Written"]


class Row(Params):
    """A row to write."""

    table: PlainText = Field(pattern=r"^[^\x00\"`]{1,130}$", description="its name", examples=["orders"])
    columns: Columns = Field(description="the values by column", examples=[{"number": "{{ order.number }}"}])


class MatchedRow(Row):
    """A row to change, or to write if there is none."""

    match: Annotated[list[PlainText], Field(min_length=1)] | PlainText = Field(
        description="the columns that tell which row it is", examples=["number"]
    )


class Written(Result):
    """What was done; empty for a delivery that had been done before."""

    done: str = Field(description="inserted, updated, or nothing: it had been done", examples=["inserted"])


class Insert(Action[Sql, Row]):
    """Writes rows; those that are due together in one transaction."""

    name: ClassVar[str] = "sql.insert"
    title: ClassVar[str] = "Write a row into a table of your database"
    connection: ClassVar[type[Connection]] = Sql
    params: ClassVar[type[Params]] = Row
    result: ClassVar[type[Result]] = Written
    idempotency: ClassVar[Idempotency] = Idempotency.NATIVE
    lane: ClassVar[tuple[str, ...]] = ("table",)
    max_batch: ClassVar[int] = 200

    def run(self, connection: Sql, batch: Batch[Row]) -> list[Result | Failure]:
        return _write(connection, batch)


class Upsert(Insert):
    """Changes the row that has the values of ``match``, or writes a new one."""

    name: ClassVar[str] = "sql.upsert"
    title: ClassVar[str] = "Change a row of a table in your database, or write it"
    params: ClassVar[type[Params]] = MatchedRow


def _write(connection: Sql, batch: Batch[Any]) -> list[Result | Failure]:
    # Tables are read before: SQLite lets nobody in beside an open transaction.
    prepared = [_prepared(connection, one) for one in batch.deliveries]
    engine, keys = connection.engine(), connection.keys
    is_committing = False
    try:
        with engine.connect() as database, database.begin() as transaction:
            wanted = [one.key for one in batch.deliveries]
            done = set(database.execute(sa.select(keys.c.key).where(keys.c.key.in_(wanted))).scalars())
            outcomes = [
                Written(done="nothing") if one.key in done else _one(connection, database, one.key, row)
                for one, row in zip(batch.deliveries, prepared, strict=True)
            ]
            is_committing = True
            transaction.commit()
    except DBAPIError as error:
        if is_committing:
            raise Ambiguous("The database did not say whether the row was kept; that is looked up.") from None
        if error.connection_invalidated or isinstance(error, OperationalError):
            raise unreachable(error) from None
        if is_refused(error):
            raise ConfigError(
                "The database does not let the hub write there.", "Allow its user to select and insert."
            ) from None
        raise Permanent(f"The database refuses it: {reason(error)}.") from None
    return outcomes


@dataclass(frozen=True, slots=True)
class _Prepared:
    table: sa.Table
    values: Mapping[str, Any]
    match: Sequence[str]


def _prepared(connection: Sql, delivery: Delivery[Any]) -> _Prepared | Permanent:
    try:
        table = connection.table(delivery.params.table)
        values = values_for(table, delivery.params.columns)
        return _Prepared(table, values, _match(table, delivery.params, values))
    except Permanent as failure:
        connection.forget()
        return failure


def _one(connection: Sql, database: sa.Connection, key: str, row: _Prepared | Permanent) -> Result | Failure:
    """One row and its key, or neither; raises what concerns the others too."""
    if isinstance(row, Permanent):
        return row
    try:
        with database.begin_nested():
            database.execute(connection.keys.insert().values(key=key))
            return Written(done=_apply(database, row))
    except (IntegrityError, DataError) as error:
        connection.forget()
        return Permanent(f"The table “{row.table.name}” does not take the row: {reason(error)}.")


def _apply(database: sa.Connection, row: _Prepared) -> str:
    table = row.table
    if row.match:
        which = sa.and_(*(table.c[name] == row.values[name] for name in row.match))
        # MySQL's driver counts the rows that were found, changed or not.
        if database.execute(table.update().where(which).values(row.values)).rowcount:
            return "updated"
    database.execute(table.insert().values(row.values))
    return "inserted"


def _match(table: sa.Table, params: Any, values: Mapping[str, Any]) -> list[str]:
    if not isinstance(params, MatchedRow):
        return []
    names = [params.match] if isinstance(params.match, str) else params.match
    for name in names:
        column_of(table, name)
        if values.get(name) is None:
            raise Permanent(f"“match” names {name}, but the row has no value for it. Add it to “columns”.")
    return list(names)


ACTIONS = (Insert(), Upsert())
