"""A local .xlsx file: each batch is one atomic replacement that holds its rows and its receipt.

openpyxl keeps values, formats, formulas, tables, filters and validations; what it does not know (drawn shapes, some
charts) is lost when the hub writes: https://openpyxl.readthedocs.io/en/stable/tutorial.html#loading-from-a-file
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from copy import copy
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import openpyxl
from openpyxl.cell.cell import Cell, MergedCell
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.workbook import Workbook
from openpyxl.workbook.child import INVALID_TITLE_REGEX
from openpyxl.worksheet.cell_range import CellRange
from openpyxl.worksheet.worksheet import Worksheet

from connectors.spreadsheet.local_files import FileLock, opened_by_a_person, replace_file
from connectors.spreadsheet.xlsx_receipts import Receipts, properties
from connectors.table import Change, Header, Search, Value
from hub.connector import Answer, ConfigError

_UNREADABLE = (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, ParseError)
_FIRST_TAB = "Sheet1"
_LONGEST_TITLE = 31
_FORMULA = ("=", "+", "-", "@")


class XlsxFile:
    """One .xlsx file. Safe to use from several threads and processes; ``state`` names its lock.

    All but ``opened`` and ``close`` is to be used inside ``opened``.
    """

    longest: int | None = 32_767  #: https://support.microsoft.com/office/1672b34d-7043-467e-8e27-269d656771c3

    def __init__(self, path: Path, state: Path, hub_id: str) -> None:
        self._path = path
        self._new_file = path.with_name(f".{path.name}.new")
        self._hub_id = hub_id
        self._lock = FileLock(state.with_name(f"{state.name}.lock"))
        self._book = Workbook()
        self._tab: Any = None  # a Worksheet, or openpyxl's read-only kind of one; None: not there yet
        self.header = Header(path.name, [])

    def close(self) -> None:
        """Nothing stays open between two batches."""

    @contextmanager
    def opened(self, sheet: str, *, for_writing: bool) -> Iterator[XlsxFile]:
        """Holds the file, with the header of its tab ``sheet`` read ("": the first tab).

        Raises ``ConfigError``, ``RateLimited`` or ``OSError`` when it cannot be had.
        """
        with self._lock.held():
            problem = opened_by_a_person(self._path) if for_writing else None
            if problem is not None:
                raise problem
            with closing(self._load(read_only=not for_writing)) as self._book:
                self._receipts = Receipts(properties(self._book), self._hub_id)
                self._choose(sheet, for_writing)
                yield self

    def _load(self, *, read_only: bool) -> Workbook:
        if not self._path.exists():
            book = Workbook()
            del book[book.sheetnames[0]]
            return book
        try:
            # Reading wants what a formula came to; writing must keep the formula.
            return openpyxl.load_workbook(self._path, read_only=read_only, data_only=read_only)
        except _UNREADABLE as error:
            raise ConfigError(
                f"{self._path.name} cannot be read as an Excel workbook ({type(error).__name__}).",
                "Open it in Excel or LibreOffice and save it again as .xlsx without a password.",
            ) from error

    def _choose(self, sheet: str, for_writing: bool) -> None:
        titles = {tab.title.casefold(): tab for tab in self._book.worksheets}
        self._tab = titles.get(sheet.casefold()) if sheet else next(iter(titles.values()), None)
        name = self._tab.title if self._tab is not None else sheet or _FIRST_TAB
        if self._tab is None and titles and not self._receipts.may_make_tab(name):
            there = ", ".join(f"“{tab.title}”" for tab in titles.values())
            raise ConfigError(
                f"{self._path.name} has no tab “{name}”.",
                f"Its tabs are {there}. Correct “sheet:” in rules.yaml, or make the tab.",
            )
        if self._tab is None and for_writing:
            self._tab = self._make_tab(name)
        self.header = Header(f"“{name}” in {self._path.name}", _names(self._tab))

    def _make_tab(self, name: str) -> Worksheet:
        if len(name) > _LONGEST_TITLE or INVALID_TITLE_REGEX.search(name):
            allowed = f"Excel allows {_LONGEST_TITLE} characters, none of them  [ ] : * ? / \\"
            raise ConfigError(f"“{name}” cannot be the name of a tab.", f"{allowed} . Correct “sheet:” in rules.yaml.")
        tab: Worksheet = self._book.create_sheet(name)
        return tab

    def done(self, batch: int, keys: Sequence[str]) -> list[int | Answer | None]:
        """Per effect key: the row that this batch wrote (None: no row fitted), or what is known otherwise."""
        return self._receipts.done(batch, keys)

    def make_columns(self, names: Sequence[str]) -> None:
        """Adds columns at the right, where the hub may: in a tab that it made, or that has no rows yet.

        A column that the hub made and that is gone was renamed by somebody: that is for a person to mend.
        """
        title, there = self._tab.title, self.header.names
        if self._last_row() > 1 and not self._receipts.may_make_columns(title, there, names):
            return
        if not there or self._receipts.made(title):
            self._receipts.note_made(title, names)
        for column, name in enumerate(names, len(there) + 1):
            _put(self._tab.cell(1, column), name)
        self.header = Header(self.header.sheet, [*there, *names])

    def append(self, batch: int, new: Mapping[str, Mapping[int, Value]]) -> list[int]:
        """Adds rows (per effect key the cells by column index) below the last one; returns their numbers."""
        last = max(self._last_row(), 1)
        numbers = list(range(last + 1, last + 1 + len(new)))
        for number, cells in zip(numbers, new.values(), strict=True):
            for column in range(1, len(self.header.names) + 1):
                cell = self._tab.cell(number, column)
                if last > 1:
                    cell._style = copy(self._tab.cell(last, column)._style)
                _put(cell, cells.get(column - 1))
        self._grow_tables(last, numbers[-1])
        self._receipts.add(batch, dict(zip(new, numbers, strict=True)))
        self._save()
        return numbers

    def _last_row(self) -> int:
        for number in range(self._tab.max_row, 0, -1):
            if any(value is not None for value in next(self._tab.iter_rows(number, number, values_only=True))):
                return number
        return 0

    def _grow_tables(self, last: int, new_last: int) -> None:
        """Makes the rows part of a table that ends where they begin."""
        for table in self._tab.tables.values():
            area = CellRange(table.ref)
            if area.max_row == last and not table.totalsRowCount:
                area.expand(down=new_last - last)
                table.ref = area.coord
                if table.autoFilter is not None:
                    table.autoFilter.ref = table.ref

    def change(self, batch: int, changes: Sequence[Change]) -> list[int | None]:
        """Changes cells in the first row that fits, per change; returns its number, None where no row fits."""
        numbers = [None if row is None else row[0] for row in self.search([change.find for change in changes])]
        for number, change in zip(numbers, changes, strict=True):
            for column, value in change.cells.items() if number is not None else ():
                _put(self._tab.cell(number, column + 1), value)
        if any(numbers):
            self._receipts.add(batch, {change.key: number for change, number in zip(changes, numbers, strict=True)})
            self._save()
        return numbers

    def search(self, wanted: Sequence[Mapping[int, Value]]) -> list[tuple[int, list[Value]] | None]:
        """The number and the cells of the first row that fits, per delivery; None where none does."""
        search = Search(wanted)
        found: dict[int, tuple[int, list[Value]]] = {}
        with closing(self._load(read_only=True)) as book:
            there = self._tab is not None and self._tab.title in book.sheetnames
            rows = book[self._tab.title].iter_rows(min_row=2, values_only=True) if there else ()
            for number, row in enumerate(rows, 2):
                cells = [_value(cell) for cell in row]
                found.update((hit, (number, cells)) for hit in search.at(number, cells))
        return [found.get(at) for at in range(len(wanted))]

    def _save(self) -> None:
        try:
            self._book.save(self._new_file)
            with self._new_file.open("rb") as file:
                os.fsync(file.fileno())
            replace_file(self._new_file, self._path)
        finally:
            self._new_file.unlink(missing_ok=True)


def _names(tab: Any) -> list[str]:
    row = next(tab.iter_rows(1, 1, values_only=True), ()) if tab is not None else ()
    names = ["" if value is None else str(value).strip() for value in row]
    while names and not names[-1]:
        names.pop()
    return names


def _put(cell: Cell | MergedCell, value: Value) -> None:
    if isinstance(cell, MergedCell):
        where = f"{cell.coordinate} in “{cell.parent.title}”"
        raise ConfigError(f"The cell {where} is merged with others.", "Unmerge it; rows need cells of their own.")
    if not isinstance(value, str):
        cell.value = value
        return
    cell.value = value.replace("\r\n", "\n").replace("\r", "\n")
    # Else text that begins with “=” would be a formula. The quote prefix keeps it text when somebody edits the cell.
    cell.data_type = "s"
    cell.quotePrefix = value.startswith(_FORMULA)


def _value(cell: Any) -> Value:
    if isinstance(cell, float):
        return int(cell) if cell.is_integer() else Decimal(repr(cell))
    value: Value = cell
    return value
