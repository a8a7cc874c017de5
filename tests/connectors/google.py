"""What the tests of the Google Sheets connector need: connections to the fake, deliveries, the hub's part in short."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from connectors.google_sheets import (
    AddRow,
    AddRowParams,
    FindRow,
    FindRowParams,
    GoogleSheets,
    UpdateRow,
    UpdateRowParams,
)
from hub.clock import ManualClock
from hub.connector import NOT_APPLIED, Ambiguous, Batch, Delivery, Failure, Place, RateLimited, Result, Retryable
from hub.testing.google_book import Book
from hub.testing.google_sheets import GoogleSheets as Fake
from tests.connectors.spreadsheets import key

Outcomes = Sequence[Result | Failure]


def connect(google: Fake, book: Book, **settings: Any) -> GoogleSheets:
    """A connection to a spreadsheet of the fake. Where calls are to hang, ``timeout`` has to be short."""
    config = {
        "spreadsheet": book.id,
        "credentials": google.service_account(),
        "base_url": google.url,
    }
    place = Place("sheets", Path("/nowhere"), "hub-1", google.clock)
    return GoogleSheets(GoogleSheets.Config.model_validate(config | settings), place)


def rows_to_add(batch: int, *rows: Mapping[str, Any], sheet: str = "Orders") -> Batch[AddRowParams]:
    """A batch with a delivery per row; the effect keys follow from the rows."""
    deliveries = [Delivery(key(row), AddRowParams(sheet=sheet, columns=dict(row))) for row in rows]
    return Batch(batch, deliveries)


def orders_to_add(batch: int, *numbers: int) -> Batch[AddRowParams]:
    """A batch with a row per order number."""
    return rows_to_add(batch, *({"Order": number, "Customer": "Ana Núñez"} for number in numbers))


def add(connection: GoogleSheets, batch: Batch[AddRowParams]) -> Outcomes:
    """The outcomes as the hub sees them: what is raised is the outcome of all."""
    try:
        return AddRow().run(connection, batch)
    except Failure as failure:
        return [failure] * len(batch)


def change(
    connection: GoogleSheets, batch: int, find: Mapping[str, Any], columns: Mapping[str, Any]
) -> Result | Failure:
    """The outcome of one ``update_row``."""
    return UpdateRow().run(connection, row_to_change(batch, find, columns))[0]


def row_to_change(batch: int, find: Mapping[str, Any], columns: Mapping[str, Any]) -> Batch[UpdateRowParams]:
    """A batch of one ``update_row``."""
    params = UpdateRowParams(sheet="Orders", find=dict(find), columns=dict(columns))
    return Batch(batch, [Delivery(key(batch), params)])


def find(connection: GoogleSheets, wanted: Mapping[str, Any]) -> Result | Failure:
    """The outcome of one ``find_row``."""
    params = FindRowParams(sheet="Orders", find=dict(wanted))
    return FindRow().run(connection, Batch(1, [Delivery(key("find"), params)]))[0]


def again(batch: Batch[AddRowParams]) -> Batch[AddRowParams]:
    """The batch as it comes again after a failure that left its fate open."""
    return Batch(batch.id, batch.deliveries, repeated=True)


def settle(connection: GoogleSheets, batch: Batch[AddRowParams], clock: ManualClock) -> None:
    """What the hub does with a batch until it has succeeded: looks up what is in doubt, waits when it is asked to."""
    repeated = batch.repeated
    for _ in range(50):
        try:
            if repeated and NOT_APPLIED not in AddRow().lookup(connection, batch):
                return
            outcome = AddRow().run(connection, again(batch) if repeated else batch)[0]
        except Failure as failure:
            outcome = failure
        if isinstance(outcome, Result):
            return
        assert isinstance(outcome, Ambiguous | Retryable | RateLimited), outcome
        repeated |= isinstance(outcome, Ambiguous)
        clock.advance(outcome.after.total_seconds() if isinstance(outcome, RateLimited) else 1)
    raise AssertionError(f"batch {batch.id} never came through: {outcome}")


def column(rows: Sequence[Sequence[Any]], name: str) -> list[Any]:
    """One column of a sheet, without its header."""
    at = list(rows[0]).index(name)
    return [row[at] if at < len(row) else None for row in rows[1:]]
