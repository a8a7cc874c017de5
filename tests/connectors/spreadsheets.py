"""What the tests of both kinds of local spreadsheets need: connections, deliveries, what a file holds."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import openpyxl

from connectors import table
from connectors.spreadsheet import AddRow, FindRow, Spreadsheet, UpdateRow
from connectors.table import fingerprint
from hub.clock import ManualClock
from hub.connector import Batch, Delivery, Failure, Place, Result

Outcomes = Sequence[Result | Failure]


def connect(folder: Path, file: str, hub_id: str = "hub-1") -> Spreadsheet:
    """A connection to ``file`` of a hub whose data folder is ``folder``."""
    return Spreadsheet(Spreadsheet.Config(file=file), Place("orders", folder, hub_id, ManualClock()))


def key(name: object) -> str:
    """An effect key: 32 hex digits that differ for every name."""
    return "".join(fingerprint([str(name), str(part)]) for part in range(4))


def rows_to_add(
    batch: int, *rows: Mapping[str, Any], sheet: str = "Orders", names: Sequence[object] = ()
) -> Batch[table.AddRow]:
    """A batch with a delivery per row; the effect keys follow from ``names``, else from the batch and the position."""
    named = names or [f"{batch}/{position}" for position in range(len(rows))]
    deliveries = [
        Delivery(key(name), table.AddRow(sheet=sheet, columns=dict(row))) for name, row in zip(named, rows, strict=True)
    ]
    return Batch(batch, deliveries)


def orders_to_add(batch: int, *numbers: int) -> Batch[table.AddRow]:
    """A batch with a row per order number; the effect key follows from the number."""
    return rows_to_add(batch, *({"Order": number, "Customer": "Ana Núñez"} for number in numbers), names=numbers)


def add(connection: Spreadsheet, batch: Batch[table.AddRow]) -> Outcomes:
    return AddRow().run(connection, batch)


def change(
    connection: Spreadsheet, batch: int, find: Mapping[str, Any], columns: Mapping[str, Any], sheet: str = "Orders"
) -> Result | Failure:
    """The outcome of one ``update_row``."""
    params = table.UpdateRow(sheet=sheet, find=dict(find), columns=dict(columns))
    return UpdateRow().run(connection, Batch(batch, [Delivery(key(batch), params)]))[0]


def find(connection: Spreadsheet, wanted: Mapping[str, Any], sheet: str = "Orders") -> Result | Failure:
    """The outcome of one ``find_row``."""
    params = table.FindRow(sheet=sheet, find=dict(wanted))
    return FindRow().run(connection, Batch(1, [Delivery(key("find"), params)]))[0]


def csv_rows(path: Path, delimiter: str = ",") -> list[list[str]]:
    """What any reader of .csv files sees."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file, delimiter=delimiter, strict=True))


def xlsx_rows(path: Path, sheet: str = "Orders") -> list[list[Any]]:
    """What another program sees in a workbook."""
    book = openpyxl.load_workbook(path)
    return [list(row) for row in book[sheet].iter_rows(values_only=True)]


def column(rows: Sequence[Sequence[Any]], name: str) -> list[Any]:
    """One column of a sheet, without its header."""
    at = list(rows[0]).index(name)
    return [row[at] for row in rows[1:]]
