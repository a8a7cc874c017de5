"""What the hub knows of a tab, and how values become cells.

Values are written as typed ``ExtendedValue``: a ``stringValue`` can never become a formula, whatever it begins with.
https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/other#extendedvalue
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from gspread.http_client import HTTPClient

from connectors.table import Header, Value, is_blank

Json = dict[str, Any]

#: What is read of a tab before a write: its id, its size, its header, and the number formats of its first row.
_FIELDS = (
    "sheets(properties(sheetId,title,gridProperties(rowCount)),tables(tableId,range),"
    "data(rowData(values(formattedValue,userEnteredFormat(numberFormat)))))"
)
#: What Google gives a new tab.
_NEW_ROWS = 1000
#: https://developers.google.com/workspace/sheets/api/guides/formats#about_date_time_values
_EPOCH = datetime(1899, 12, 30)
_DATES = {date: "DATE", datetime: "DATE_TIME", time: "TIME"}
_WITH_FORMAT = "userEnteredValue,userEnteredFormat.numberFormat"


class FormulaText(str):
    """A formula that a rule wrote; any other text, whatever it begins with, stays text."""


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab as it was when it was read. ``formats``: by column, the number format that rows below the header have.

    ``is_new``: it is not there yet, and is made by the first write. ``table``: the id of a native table whose header is
    the tab's.
    """

    id: int
    name: str
    header: Header
    formats: Sequence[Json]
    row_count: int
    is_new: bool = False
    table: str | None = None

    def range(self, cells: str) -> str:
        """``cells`` of this tab in A1 notation."""
        return f"{_quoted(self.name)}!{cells}"

    def link(self, book_id: str, row: int | None) -> str:
        """Opens the tab, at a row."""
        at = f"&range=A{row}" if row else ""
        return f"https://docs.google.com/spreadsheets/d/{book_id}/edit#gid={self.id}{at}"

    # --- Requests -------------------------------------------------------------------------------------------------

    def append(self, rows: Sequence[Mapping[int, Value]]) -> Json:
        """The request that adds rows (cells by column index) below the last row with anything in it, or to the table.

        Every cell of a row gets its column's number format, for new rows of the grid have none.
        """
        width = len(self.header.names)
        data = [{"values": [self._cell(row.get(column), column) for column in range(width)]} for row in rows]
        where: Json = {"sheetId": self.id} if self.table is None else {"tableId": self.table}
        return {"appendCells": {**where, "rows": data, "fields": _WITH_FORMAT}}

    def creation(self) -> Json:
        """The request that makes the tab."""
        return {"addSheet": {"properties": {"sheetId": self.id, "title": self.name}}}

    def put(self, row: int, cells: Mapping[int, Value]) -> list[Json]:
        """The requests that change single cells of row number ``row``; formats stay, but for dates without one."""
        return [
            {
                "updateCells": {
                    "start": {"sheetId": self.id, "rowIndex": row - 1, "columnIndex": column},
                    "rows": [{"values": [self._cell(value, column)]}],
                    "fields": _WITH_FORMAT if isinstance(value, date | time) else "userEnteredValue",
                }
            }
            for column, value in cells.items()
        ]

    def _cell(self, value: Value, column: int) -> Json:
        known = self.formats[column] if column < len(self.formats) else {}
        cell: Json = {} if is_blank(value) else {"userEnteredValue": _extended(value)}
        if isinstance(value, date | time) and known.get("type") not in _DATES.values():
            known = {"type": _DATES[type(value)]}
        return cell | {"userEnteredFormat": {"numberFormat": known}} if known else cell


def new_tab(name: str) -> Tab:
    """A tab that is still to be made. Its id follows from its name, so that it is made once."""
    number = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) & 0x7FFF_FFFF
    return Tab(number or 1, name, Header(f"“{name}”", []), [], _NEW_ROWS, is_new=True)


def read_tab(client: HTTPClient, book_id: str, name: str) -> Tab:
    """Reads what has to be known of a tab; one call. Raises gspread's ``APIError`` when there is none."""
    params: dict[str, Any] = {"ranges": [f"{_quoted(name)}!1:2"], "fields": _FIELDS}
    (sheet,) = client.spreadsheets_get(book_id, params)["sheets"]
    rows = sheet["data"][0].get("rowData", []) if sheet.get("data") else []
    header, first = [row.get("values", []) for row in [*rows, {}, {}][:2]]
    names = [cell.get("formattedValue", "").strip() for cell in header]
    while names and not names[-1]:
        names.pop()
    formats = [cell.get("userEnteredFormat", {}).get("numberFormat", {}) for cell in first]
    properties = sheet["properties"]
    title = properties["title"]
    size = properties["gridProperties"]["rowCount"]
    table = next((one["tableId"] for one in sheet.get("tables", []) if _is_header(one["range"])), None)
    return Tab(properties["sheetId"], title, Header(f"“{title}”", names), formats, size, table=table)


def _is_header(area: Json) -> bool:
    """Whether a table begins in the tab's first cell."""
    return not area.get("startRowIndex") and not area.get("startColumnIndex")


def _quoted(name: str) -> str:
    escaped = name.replace("'", "''")
    return f"'{escaped}'"


def _extended(value: Value) -> Json:
    match value:
        case FormulaText():
            return {"formulaValue": str(value)}
        case bool():
            return {"boolValue": value}
        case int() | Decimal():
            return {"numberValue": int(value) if value == int(value) else float(value)}
        case date() | time():
            return {"numberValue": serial(value)}
        case _:
            return {"stringValue": str(value).replace("\r\n", "\n").replace("\r", "\n")}


def serial(value: date | time) -> float:
    """A date, a moment or a time of day as the number of days that Sheets keeps."""
    if isinstance(value, time):
        passed = timedelta(hours=value.hour, minutes=value.minute, seconds=value.second)
    elif isinstance(value, datetime):
        passed = value - _EPOCH
    else:
        passed = datetime(value.year, value.month, value.day) - _EPOCH
    return passed / timedelta(days=1)


def from_google(value: Any) -> Value:
    """A value of ``values.get`` (UNFORMATTED_VALUE) as one of ours; numbers without the dust of binary fractions."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else Decimal(repr(round(value, 9)))
    found: Value = value
    return found


def to_find(value: Value) -> Value:
    """A value as it is found among those of :func:`from_google`: dates are numbers there."""
    return from_google(serial(value)) if isinstance(value, date | time) else value


def letters(column: int) -> str:
    """The name of a column, from 0: A, B … Z, AA."""
    name = ""
    while column >= 0:
        column, rest = divmod(column, 26)
        name = chr(65 + rest) + name
        column -= 1
    return name
