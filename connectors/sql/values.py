"""Values of a rule in the types of a table's columns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

import sqlalchemy as sa

from connectors.sql.database import closest
from connectors.table import Value, usable
from hub.connector import Permanent


def values_for(table: sa.Table, columns: Mapping[str, Value]) -> dict[str, Any]:
    """A row as the table takes it; raises ``Permanent``."""
    return {
        name: _fitting(column_of(table, name), usable(value) if isinstance(value, str) else value)
        for name, value in columns.items()
    }


def column_of(table: sa.Table, name: str) -> sa.Column[Any]:
    """A column by its name; raises ``Permanent`` when there is none."""
    if name not in table.c:
        raise Permanent(f"The table “{table.name}” has no column “{name}”.{closest(name, table.c.keys())}")
    return table.c[name]


def _fitting(column: sa.Column[Any], value: Value) -> Any:
    """``value`` in the column's type; raises ``Permanent`` for one that cannot be."""
    if value is None or (value == "" and not isinstance(column.type, sa.String)):
        return None
    try:
        return _converted(column.type, value)
    except (ValueError, InvalidOperation, NotImplementedError):
        kind = str(column.type).partition("(")[0].lower()
        raise Permanent(f"The value for “{column.name}” does not fit: the column holds {kind}.") from None


def _converted(kind: sa.types.TypeEngine[Any], value: Any) -> Any:
    match kind:
        case sa.Boolean():
            return _yes_or_no(value)
        case sa.Integer():
            number = Decimal(str(value))
            if number != number.to_integral_value():
                raise ValueError
            return int(number)
        case sa.Numeric():  # floats too
            return Decimal(str(value))
        case sa.DateTime():
            moment = value if isinstance(value, datetime) else datetime.fromisoformat(_iso(value))
            return moment if kind.timezone else moment.replace(tzinfo=None)
        case sa.Date():
            return value if type(value) is date else datetime.fromisoformat(_iso(value)).date()
        case sa.JSON():
            return json.loads(value) if isinstance(value, str) and value[:1] in "[{" else _plain(value)
        case _:
            return value if not isinstance(value, bool | int | Decimal | date | time) else _text(value)


def _iso(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _yes_or_no(value: Any) -> bool:
    known = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if str(value).lower() not in known:
        raise ValueError
    return known[str(value).lower()]


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else _iso(value) if isinstance(value, date) else value


def _text(value: Any) -> str:
    return value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)
