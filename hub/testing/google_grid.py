"""The cells of the fake Google Sheets: tabs, ranges in A1 notation, what is typed into a cell and how it is shown.

https://developers.google.com/workspace/sheets/api/guides/concepts
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

#: https://developers.google.com/workspace/sheets/api/guides/formats#about_date_time_values
_EPOCH = datetime(1899, 12, 30)
_LONGEST_CELL = 50_000

Value = str | int | float | bool | None  #: a formula is a :class:`Formula`


class Formula(str):
    """A formula as typed, with its “=”. The fake does not calculate."""

    __slots__ = ()


class Refused(Exception):
    """A request that Google answers with an error: HTTP code, canonical status, message."""

    def __init__(self, code: int, status: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.message = message


def invalid(message: str) -> Refused:
    """The answer to a request that makes no sense."""
    return Refused(400, "INVALID_ARGUMENT", message)


@dataclass
class Tab:
    """One sheet. ``rows`` are as long as they have values; ``formats`` are number formats by (row, column), from 0."""

    id: int
    title: str
    row_count: int = 1000
    column_count: int = 26
    rows: list[list[Value]] = field(default_factory=list)
    formats: dict[tuple[int, int], Mapping[str, Any]] = field(default_factory=dict)
    #: Where a native table that begins in A1 ends: its row below the last, and its width; None: there is no table.
    table: tuple[int, int] | None = None

    @property
    def table_id(self) -> str:
        return f"table{self.id}"

    def add_table(self, width: int) -> None:
        """Makes a native table of what is there; what stands below it later is pushed down by new rows."""
        self.table = (len(self.rows), width)

    def grow_table(self, count: int) -> int:
        """Makes room for rows at the end of the table; returns the first of them, from 0."""
        assert self.table is not None
        end, width = self.table
        self.rows = [*self.rows[:end], *([] for _ in range(count)), *self.rows[end:]]
        self.row_count += count
        self.table = (end + count, width)
        return end

    def value(self, row: int, column: int) -> Value:
        """What is in a cell; None: nothing."""
        cells = self.rows[row] if row < len(self.rows) else []
        return cells[column] if column < len(cells) else None

    def put(self, row: int, column: int, value: Value) -> None:
        """Types ``value`` into a cell; an empty text empties it. The cell has to be inside the grid."""
        if row >= self.row_count or column >= self.column_count:
            raise self.beyond(row, column)
        if isinstance(value, str) and len(value) > _LONGEST_CELL:
            raise invalid("Your input contains more than the maximum of 50000 characters in a single cell.")
        while len(self.rows) <= row:
            self.rows.append([])
        # A new list: copies of the tab that share its rows must not change.
        cells = [*self.rows[row], *[None] * (column + 1 - len(self.rows[row]))]
        cells[column] = None if value == "" else value
        while cells and cells[-1] is None:
            cells.pop()
        self.rows[row] = cells
        while self.rows and not self.rows[-1]:
            self.rows.pop()

    def beyond(self, row: int, column: int) -> Refused:
        """The answer to a request for a cell outside the grid."""
        return invalid(
            f"Range ({self.title}!{letters(column)}{row + 1}) exceeds grid limits. "
            f"Max rows: {self.row_count}, max columns: {self.column_count}"
        )

    def copy(self) -> Tab:
        """The tab as it is now; shares the rows, which are never changed in place."""
        return Tab(
            self.id, self.title, self.row_count, self.column_count, list(self.rows), dict(self.formats), self.table
        )


@dataclass(frozen=True)
class Area:
    """A rectangle of a tab, from 0, ends excluded; as far as the grid goes."""

    tab: Tab
    top: int
    left: int
    bottom: int
    right: int

    @property
    def name(self) -> str:
        """In A1 notation, as Google writes it in answers."""
        first, last = f"{letters(self.left)}{self.top + 1}", f"{letters(self.right - 1)}{self.bottom}"
        title = self.tab.title.replace("'", "''")
        quoted = self.tab.title if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", self.tab.title) else f"'{title}'"
        return f"{quoted}!{first}" if first == last else f"{quoted}!{first}:{last}"

    def values(self) -> Iterator[list[Value]]:
        """The rows, without trailing empty cells and rows."""
        last = min(self.bottom, len(self.tab.rows))
        rows = [self.tab.rows[row][self.left : self.right] for row in range(self.top, last)]
        while rows and all(value is None for value in rows[-1]):
            rows.pop()
        for row in rows:
            while row and row[-1] is None:
                row.pop()
            yield row


def letters(column: int) -> str:
    """``0`` is A, ``26`` is AA."""
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name


def _column(name: str) -> int:
    number = 0
    for letter in name.upper():
        number = number * 26 + ord(letter) - 64
    return number - 1


_CELLS = re.compile(r"([A-Za-z]{1,3})?([1-9]\d*)?(?::([A-Za-z]{1,3})?([1-9]\d*)?)?")


def area(text: str, tabs: Sequence[Tab]) -> Area:
    """The rectangle that ``text`` names: ``'Orders'!A1:B2``, ``Orders!A:A``, ``Orders!1:2``, ``Orders``, ``A1``."""
    title, bang, cells = text.rpartition("!")
    tab = _named(title if bang else text, tabs)
    if tab is None and not bang:
        tab, cells = tabs[0], text
    elif not bang:
        cells = ""
    found = _CELLS.fullmatch(cells)
    if tab is None or found is None or cells == ":":
        raise invalid(f"Unable to parse range: {text}")
    first, top, last, bottom = found.groups()
    return _cut(tab, (first, top), (last, bottom) if ":" in cells else (first, top))


def _named(title: str, tabs: Sequence[Tab]) -> Tab | None:
    if title.startswith("'") and title.endswith("'"):
        title = title[1:-1].replace("''", "'")
    return next((tab for tab in tabs if tab.title.casefold() == title.casefold()), None)


_Corner = tuple[str | None, str | None]  # column letters, row number


def _cut(tab: Tab, first: _Corner, last: _Corner) -> Area:
    top, left = int(first[1] or 1) - 1, _column(first[0]) if first[0] else 0
    if top >= tab.row_count or left >= tab.column_count:
        raise tab.beyond(top, left)
    bottom = int(last[1]) if last[1] else tab.row_count
    right = _column(last[0]) + 1 if last[0] else tab.column_count
    return Area(tab, top, left, min(bottom, tab.row_count), min(right, tab.column_count))


# --- What is typed and what is shown ------------------------------------------------------------------------------


def typed(value: Any, option: str) -> Value:
    """A JSON value of ``values.*`` as it ends in the cell: as it is (RAW), or as if a person had typed it."""
    if not isinstance(value, str) or option != "USER_ENTERED":
        return value  # type: ignore[no-any-return]  # JSON of the request: checked by whoever compares with the schema
    if value.startswith("="):
        return Formula(value)
    if value.startswith("'"):
        return value[1:]
    if value.upper() in ("TRUE", "FALSE"):
        return value.upper() == "TRUE"
    return float(value) if re.fullmatch(r"[+-]?\d+(\.\d+)?(E[+-]?\d+)?", value, re.IGNORECASE) else value


def extended(value: Value) -> dict[str, Any]:
    """A cell's value as ``ExtendedValue``."""
    match value:
        case Formula():
            return {"formulaValue": str(value)}
        case bool():
            return {"boolValue": value}
        case str():
            return {"stringValue": value}
        case _:
            return {"numberValue": value}


def from_extended(value: Mapping[str, Any]) -> Value:
    """An ``ExtendedValue`` as a cell's value."""
    if len(value) > 1:
        raise invalid("Only one of the fields of ExtendedValue may be set.")
    for kind, content in value.items():
        if kind == "formulaValue":
            return Formula(content)
        if kind in ("stringValue", "numberValue", "boolValue"):
            return content  # type: ignore[no-any-return]  # JSON of the request
        raise invalid(f"Invalid value: {kind} cannot be written.")
    return None


def shown(value: Value, number_format: Mapping[str, Any] | None) -> str:
    """A cell as people see it; of number formats only the kind is heeded."""
    kind = (number_format or {}).get("type", "")
    match value:
        case None:
            return ""
        case bool():
            return str(value).upper()
        case int() | float() if kind in ("DATE", "DATE_TIME", "TIME"):
            moment = _EPOCH + timedelta(days=value)
            return moment.strftime({"DATE": "%Y-%m-%d", "TIME": "%H:%M:%S"}.get(kind, "%Y-%m-%d %H:%M:%S"))
        case int() | float():
            return f"{value:.10g}"
        case _:
            return str(value)


def rendered(tab: Tab, row: int, column: int, render: str, dates: str) -> Value:
    """A cell as ``values.get`` answers it. ``render`` and ``dates``: its two options."""
    value, number_format = tab.value(row, column), tab.formats.get((row, column))
    is_date = (number_format or {}).get("type") in ("DATE", "DATE_TIME", "TIME")
    if value is None:
        return ""
    if render == "FORMATTED_VALUE" or (is_date and dates == "FORMATTED_STRING" and render == "UNFORMATTED_VALUE"):
        return shown(value, number_format)
    return str(value) if isinstance(value, Formula) else value
