"""Google Sheets: rows in a spreadsheet that is shared with a service account.

A batch is one atomic call, its rows together with a token; after a failure that leaves it open whether the call
arrived, the token tells. Columns are found by the text of their header; nothing is ever shifted.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, ClassVar, TypeVar

from connectors import table
from connectors.google_sheets import rows
from connectors.google_sheets.book import Book
from connectors.google_sheets.client import GOOGLE, Google
from connectors.google_sheets.rows import Outcomes
from connectors.table import RowAdded, RowFound, RowUpdated
from hub.connector import (
    Action,
    AfterValidator,
    Answer,
    Batch,
    Check,
    Connection,
    Delivery,
    Duration,
    Failure,
    Field,
    Idempotency,
    Mistake,
    Params,
    Place,
    PlainText,
    Result,
    Secret,
)


def _book_id(text: str) -> str:
    """The id in a link to a spreadsheet, or the id itself."""
    found = re.search(r"/spreadsheets/(?:u/\d+/)?d/([\w-]+)", text) or re.fullmatch(r"([\w-]+)", text.strip())
    if found is None:
        raise Mistake(f"“{text}” is neither a link to a Google spreadsheet nor its id.")
    return found[1]


class GoogleSheets(Connection):
    """One spreadsheet, shared with one service account."""

    kind: ClassVar[str] = "google_sheets"
    title: ClassVar[str] = "Google Sheets"

    class Config(Params):
        """Which spreadsheet, and as whom."""

        spreadsheet: Annotated[str, AfterValidator(_book_id)] = Field(
            description="the link to the spreadsheet, or its id",
            examples=["https://docs.google.com/spreadsheets/d/1AbCdEf"],
        )
        credentials: Secret = Field(
            description="the JSON key of a Google service account, or the path of that file",
            examples=["${GOOGLE_CREDENTIALS}"],
        )
        base_url: str = Field(GOOGLE, description="another address of the API, for a fake", examples=[GOOGLE])
        timeout: Duration = Field(
            timedelta(seconds=20), description="how long to wait for an answer", examples=["20 seconds"]
        )

    def __init__(self, config: GoogleSheets.Config, place: Place) -> None:
        super().__init__(config, place)
        self._lock = threading.Lock()
        self._book: Book | None = None

    @property
    def book(self) -> Book:
        """The spreadsheet; raises ``ConfigError`` when the credentials are none."""
        with self._lock:
            if self._book is None:
                config, place = self.config, self.place
                google = Google(config.credentials.get_secret_value(), config.base_url, config.timeout, place.clock)
                self._book = Book(google, config.spreadsheet, place.hub_id, place.clock)
            return self._book

    def check(self) -> Check:
        try:
            title, tabs = self.book.titles()
        except Failure as failure:
            otherwise = "See whether this machine reaches sheets.googleapis.com, and try again in a minute."
            return Check(False, failure.message, getattr(failure, "hint", otherwise))
        there = ", ".join(f"“{tab}”" for tab in tabs)
        return Check(True, f"“{title}” with the tabs {there}, as {self.book.google.email}.")

    def close(self) -> None:
        if self._book is not None:
            self._book.google.close()


# --- Actions ------------------------------------------------------------------------------------------------------

_SHEET = Field(min_length=1, max_length=100, description="the tab", examples=["Orders"])


class AddRowParams(rows.NewRow):
    """A row to add below the last one."""

    sheet: PlainText = _SHEET


class UpdateRowParams(table.UpdateRow):
    """Cells to change in the first row that has the values of ``find``."""

    sheet: PlainText = _SHEET


class FindRowParams(table.FindRow):
    """A row to look for: the first one that has the values of ``find``."""

    sheet: PlainText = _SHEET


ParamsT = TypeVar("ParamsT", AddRowParams, UpdateRowParams, FindRowParams)
WritingT = TypeVar("WritingT", AddRowParams, UpdateRowParams)
_LANE = ("sheet",)
#: https://developers.google.com/workspace/sheets/api/limits: 60 writes a minute; what is due meanwhile goes together.
_PACE = timedelta(seconds=1)


class AddRow(Action[GoogleSheets, AddRowParams]):
    """Adds rows below the last one; up to 500 in one call. The columns of an empty tab are made."""

    name: ClassVar[str] = "google_sheets.add_row"
    title: ClassVar[str] = "Add a row to a Google sheet"
    connection: ClassVar[type[Connection]] = GoogleSheets
    params: ClassVar[type[Params]] = AddRowParams
    result: ClassVar[type[Result]] = RowAdded
    idempotency: ClassVar[Idempotency] = Idempotency.LOOKUP
    lane: ClassVar[tuple[str, ...]] = _LANE
    max_batch: ClassVar[int] = 500
    pace: ClassVar[timedelta] = _PACE

    def run(self, connection: GoogleSheets, batch: Batch[AddRowParams]) -> list[Result | Failure]:
        return _by_tab(connection, batch, rows.add)

    def lookup(self, connection: GoogleSheets, batch: Batch[AddRowParams]) -> list[Result | Answer]:
        return _look_up(connection, batch, lambda link, _found: RowAdded(link=link))


class UpdateRow(Action[GoogleSheets, UpdateRowParams]):
    """Changes cells of the first row that fits; the other cells stay as they are."""

    name: ClassVar[str] = "google_sheets.update_row"
    title: ClassVar[str] = "Change a row of a Google sheet"
    connection: ClassVar[type[Connection]] = GoogleSheets
    params: ClassVar[type[Params]] = UpdateRowParams
    result: ClassVar[type[Result]] = RowUpdated
    idempotency: ClassVar[Idempotency] = Idempotency.LOOKUP
    lane: ClassVar[tuple[str, ...]] = _LANE
    max_batch: ClassVar[int] = 50  # which of them found a row has to fit into the token
    pace: ClassVar[timedelta] = _PACE

    def run(self, connection: GoogleSheets, batch: Batch[UpdateRowParams]) -> list[Result | Failure]:
        return _by_tab(connection, batch, rows.update)

    def lookup(self, connection: GoogleSheets, batch: Batch[UpdateRowParams]) -> list[Result | Answer]:
        return _look_up(connection, batch, lambda _link, found: RowUpdated(found=found))


class FindRow(Action[GoogleSheets, FindRowParams]):
    """Looks for the first row that fits."""

    name: ClassVar[str] = "google_sheets.find_row"
    title: ClassVar[str] = "Find a row of a Google sheet"
    connection: ClassVar[type[Connection]] = GoogleSheets
    params: ClassVar[type[Params]] = FindRowParams
    result: ClassVar[type[Result]] = RowFound
    idempotency: ClassVar[Idempotency] = Idempotency.NATIVE  # reading twice does no harm
    lane: ClassVar[tuple[str, ...]] = _LANE
    max_batch: ClassVar[int] = 50  # the rows that are read are named in the address of the call

    def run(self, connection: GoogleSheets, batch: Batch[FindRowParams]) -> list[Result | Failure]:
        return _by_tab(connection, batch, rows.find)


ACTIONS = (AddRow(), UpdateRow(), FindRow())


# --- Batches ------------------------------------------------------------------------------------------------------


def _tabs(batch: Batch[ParamsT]) -> list[tuple[str, Batch[ParamsT]]]:
    """A batch by tab: a tab that depends on an earlier step's answer is not part of the lane."""
    tabs: dict[str, list[Delivery[ParamsT]]] = {}
    for one in batch.deliveries:
        tabs.setdefault(one.params.sheet, []).append(one)
    return [(tab, Batch(batch.id, deliveries, batch.repeated)) for tab, deliveries in tabs.items()]


def _by_tab(
    connection: GoogleSheets, batch: Batch[ParamsT], run: Callable[[Book, str, Batch[ParamsT]], Outcomes]
) -> list[Result | Failure]:
    """Runs each tab's part of a batch; what fails for one tab leaves the others alone."""
    outcomes: Outcomes = {}
    for tab, part in _tabs(batch):
        try:
            outcomes |= run(connection.book, tab, part)
        except Failure as failure:
            outcomes |= {one.key: failure for one in part.deliveries}
    return [outcomes[one.key] for one in batch.deliveries]


def _look_up(
    connection: GoogleSheets,
    batch: Batch[WritingT],
    result: Callable[[str, bool], Result],
) -> list[Result | Answer]:
    answers: dict[str, Result | Answer] = {}
    for tab, part in _tabs(batch):
        answers |= rows.look_up(connection.book, tab, part, result)
    return [answers[one.key] for one in batch.deliveries]
