"""Local spreadsheets, .csv and .xlsx: no account needed.

Rows are written exactly once: what a batch has written is on record before or together with its rows, and a batch
that comes again after a crash finds that record. People may edit the file; columns are found by their header's text.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, ClassVar, TypeVar

from connectors import table
from connectors.spreadsheet.book import Book, Outcomes, add, find, update, updated
from connectors.spreadsheet.csv_file import CsvFile
from connectors.spreadsheet.local_files import refused
from connectors.table import RowAdded, RowFound, RowUpdated, fingerprint
from hub.connector import (
    Action,
    AfterValidator,
    Answer,
    Batch,
    Check,
    Connection,
    Delivery,
    Failure,
    Field,
    Idempotency,
    Mistake,
    Params,
    Place,
    Result,
)

ParamsT = TypeVar("ParamsT", table.AddRow, table.UpdateRow, table.FindRow)


def _file(name: str) -> str:
    if Path(name).suffix.lower() not in (".csv", ".xlsx"):
        raise Mistake(f"“{name}” is neither a .csv nor an .xlsx file.", f"{Path(name).stem or 'orders'}.xlsx")
    return name


class Spreadsheet(Connection):
    """One local file, shared by all lanes that write to it."""

    kind: ClassVar[str] = "spreadsheet"
    title: ClassVar[str] = "Spreadsheet file"

    class Config(Params):
        """Which file."""

        file: Annotated[str, AfterValidator(_file)] = Field(
            description="a .csv or .xlsx file, in the hub's data folder unless it begins with /",
            examples=["orders.xlsx"],
        )

    def __init__(self, config: Spreadsheet.Config, place: Place) -> None:
        super().__init__(config, place)
        data = place.data_dir.resolve()
        self.path = (data / config.file).resolve()
        self.is_csv = self.path.suffix.lower() == ".csv"
        self._inside = self.path.is_relative_to(data)
        # The data folder may be mounted elsewhere tomorrow; the receipts must still be found.
        known_as = self.path.relative_to(data) if self._inside else self.path
        self._state = data / "spreadsheets" / f"{self.path.name}-{fingerprint([str(known_as)])}"
        self._book: Book = _opener(self.is_csv)(self.path, self._state, place.hub_id)

    @contextmanager
    def opened(self, sheet: str, *, for_writing: bool) -> Iterator[Book]:
        """The file, with its tab ``sheet`` chosen, for one writer at a time.

        Raises ``ConfigError``, ``Retryable`` or ``RateLimited`` when it cannot be used now.
        """
        try:
            self._state.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if self._inside:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._book.opened(sheet, for_writing=for_writing) as book:
                yield book
        except OSError as error:
            raise refused(error, self.path) from error

    def parts(self, batch: Batch[ParamsT]) -> list[tuple[str, Batch[ParamsT]]]:
        """A batch by tab; a .csv file has only one."""
        tabs: dict[str, list[Delivery[ParamsT]]] = {}
        for one in batch.deliveries:
            tabs.setdefault("" if self.is_csv else one.params.sheet, []).append(one)
        return [(tab, Batch(batch.id, deliveries, batch.repeated)) for tab, deliveries in tabs.items()]

    def added(self, row: int | None) -> RowAdded:
        """The result of a row that was added as row number ``row``."""
        return RowAdded(row_number=row, link=self.path.as_uri())

    def check(self) -> Check:
        try:
            with self.opened("", for_writing=True) as book:
                names = list(book.header.names)
        except Failure as failure:
            return Check(False, failure.message, getattr(failure, "hint", "Try again in a moment."))
        if not os.access(self.path if self.path.exists() else self.path.parent, os.W_OK):
            return Check(False, f"{self.path} cannot be written.", "Let the hub's user write the file and its folder.")
        there = f"has the columns {', '.join(names)}" if names else "will be made with the first row"
        return Check(True, f"{self.path} {there}.")

    def close(self) -> None:
        self._book.close()


def _opener(is_csv: bool) -> Callable[[Path, Path, str], Book]:
    if is_csv:
        return CsvFile
    # Heavy: openpyxl is loaded only by those who write .xlsx files.
    from connectors.spreadsheet.xlsx_file import XlsxFile

    return XlsxFile


# --- Actions ----------------------------------------------------------------------------------------------------

_LANE = ("sheet",)  # tabs of one file still take turns: the file is locked
_MOST = 500


class AddRow(Action[Spreadsheet, table.AddRow]):
    """Adds rows below the last one. The file and its columns are made when they are missing."""

    name: ClassVar[str] = "spreadsheet.add_row"
    title: ClassVar[str] = "Add a row to a spreadsheet file"
    connection: ClassVar[type[Connection]] = Spreadsheet
    params: ClassVar[type[Params]] = table.AddRow
    result: ClassVar[type[Result]] = RowAdded
    idempotency: ClassVar[Idempotency] = Idempotency.LOOKUP
    lane: ClassVar[tuple[str, ...]] = _LANE
    max_batch: ClassVar[int] = _MOST

    def run(self, connection: Spreadsheet, batch: Batch[table.AddRow]) -> list[Result | Failure]:
        def add_rows(book: Book, part: Batch[table.AddRow]) -> Outcomes:
            return add(book, part, connection.added)

        return _by_tab(connection, batch, add_rows)

    def lookup(self, connection: Spreadsheet, batch: Batch[table.AddRow]) -> list[Result | Answer]:
        return _look_up(connection, batch, connection.added)


class UpdateRow(Action[Spreadsheet, table.UpdateRow]):
    """Changes cells of the first row that fits; the other cells stay as they are."""

    name: ClassVar[str] = "spreadsheet.update_row"
    title: ClassVar[str] = "Change a row of a spreadsheet file"
    connection: ClassVar[type[Connection]] = Spreadsheet
    params: ClassVar[type[Params]] = table.UpdateRow
    result: ClassVar[type[Result]] = RowUpdated
    idempotency: ClassVar[Idempotency] = Idempotency.LOOKUP
    lane: ClassVar[tuple[str, ...]] = _LANE
    max_batch: ClassVar[int] = _MOST

    def run(self, connection: Spreadsheet, batch: Batch[table.UpdateRow]) -> list[Result | Failure]:
        return _by_tab(connection, batch, update)

    def lookup(self, connection: Spreadsheet, batch: Batch[table.UpdateRow]) -> list[Result | Answer]:
        return _look_up(connection, batch, updated)


class FindRow(Action[Spreadsheet, table.FindRow]):
    """Looks for the first row that fits."""

    name: ClassVar[str] = "spreadsheet.find_row"
    title: ClassVar[str] = "Find a row of a spreadsheet file"
    connection: ClassVar[type[Connection]] = Spreadsheet
    params: ClassVar[type[Params]] = table.FindRow
    result: ClassVar[type[Result]] = RowFound
    idempotency: ClassVar[Idempotency] = Idempotency.NATIVE  # reading twice does no harm
    lane: ClassVar[tuple[str, ...]] = _LANE
    max_batch: ClassVar[int] = _MOST

    def run(self, connection: Spreadsheet, batch: Batch[table.FindRow]) -> list[Result | Failure]:
        return _by_tab(connection, batch, find, for_writing=False)


ACTIONS = (AddRow(), UpdateRow(), FindRow())


# --- Batches ----------------------------------------------------------------------------------------------------


def _by_tab(
    connection: Spreadsheet,
    batch: Batch[ParamsT],
    run: Callable[[Book, Batch[ParamsT]], Outcomes],
    *,
    for_writing: bool = True,
) -> list[Result | Failure]:
    """Runs each tab's part of a batch; what fails for one tab leaves the others alone."""
    outcomes: Outcomes = {}
    for tab, part in connection.parts(batch):
        try:
            with connection.opened(tab, for_writing=for_writing) as book:
                outcomes |= run(book, part)
        except Failure as failure:
            outcomes |= {one.key: failure for one in part.deliveries}
    return [outcomes[one.key] for one in batch.deliveries]


def _look_up(
    connection: Spreadsheet, batch: Batch[ParamsT], result: Callable[[int | None], Result]
) -> list[Result | Answer]:
    found: dict[str, Result | Answer] = {}
    for tab, part in connection.parts(batch):
        keys = [one.key for one in part.deliveries]
        with connection.opened(tab, for_writing=False) as book:
            rows = book.done(part.id, keys)
        found |= {key: row if isinstance(row, Answer) else result(row) for key, row in zip(keys, rows, strict=True)}
    return [found[one.key] for one in batch.deliveries]
