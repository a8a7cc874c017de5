"""Local spreadsheets before the contract suite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import openpyxl
import pytest

from connectors.spreadsheet import AddRow, Spreadsheet, UpdateRow
from connectors.table import AddRow as Row
from hub.connector import Action, Batch, Connection, Delivery, Place
from hub.testing.contract import INSERTED, LocalConnectorContract
from tests.connectors.keyed_rows import ORDER, changed, finding_keys, rows_of, rows_to_change, with_keys
from tests.connectors.spreadsheets import csv_rows, xlsx_rows


class Peer:
    """The file, as another program sees it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def rows(self) -> Sequence[Sequence[Any]]:
        if not self.path.exists():
            return []
        return csv_rows(self.path) if self.path.suffix == ".csv" else xlsx_rows(self.path)

    def effects(self, delivery: Delivery[Row]) -> int:
        return len(rows_of(self.rows(), delivery))


def is_inert(cell: Any, path: Path) -> bool:
    """Whether no program takes a cell for a formula."""
    return path.suffix == ".xlsx" or not str(cell).startswith(("=", "+", "-", "@", "\t", "\r"))


class FileContract(LocalConnectorContract):
    action: ClassVar[Action[Any, Any]] = AddRow()
    settings: ClassVar[Mapping[str, Any]] = {
        "sheet": "Orders",
        "columns": {"Order": 7, "Customer": INSERTED, "End": "x"},
    }
    refused: ClassVar[Mapping[str, Any]] = {"sheet": "Orders", "columns": {"Order": "", "Customer": ""}}
    file: ClassVar[str]

    @pytest.fixture
    def peer(self, tmp_path: Path) -> Peer:
        return Peer(tmp_path / self.file)

    def connect(self, peer: Peer, place: Place) -> Connection:
        return Spreadsheet(Spreadsheet.Config(file=self.file), place)

    def batch(self, *settings: Mapping[str, Any], id: int = 1) -> Batch[Any]:  # noqa: A002 - as in the suite
        return with_keys(super().batch(*settings, id=id))

    def assert_inert(self, peer: Peer, delivery: Delivery[Any], value: str) -> None:
        header, row = peer.rows()
        assert list(header) == ["Order", "Customer", "End"]
        assert (str(row[0]), row[2]) == ("7", "x")
        assert is_inert(row[1], peer.path)


class TestCsv(FileContract):
    file = "orders.csv"


class TestXlsx(FileContract):
    file = "orders.xlsx"


class ChangingPeer(Peer):
    """A file with rows to change."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        book = openpyxl.Workbook()
        sheet = book.create_sheet("Orders", 0)
        for row in rows_to_change():
            sheet.append(row)
        if path.suffix == ".xlsx":
            book.save(path)
        else:
            path.write_text("".join(",".join(row) + "\n" for row in rows_to_change()))

    def effects(self, delivery: Delivery[Any]) -> int:
        return changed(self.rows(), delivery)


class ChangingContract(FileContract):
    action = UpdateRow()
    settings: ClassVar[Mapping[str, Any]] = {
        "sheet": "Orders",
        "find": {"Order": ORDER},
        "columns": {"Customer": INSERTED, "End": "x"},
    }

    @pytest.fixture
    def peer(self, tmp_path: Path) -> Peer:
        return ChangingPeer(tmp_path / self.file)

    def batch(self, *settings: Mapping[str, Any], id: int = 1) -> Batch[Any]:  # noqa: A002 - as in the suite
        return finding_keys(LocalConnectorContract.batch(self, *settings, id=id))

    def assert_inert(self, peer: Peer, delivery: Delivery[Any], value: str) -> None:
        rows = peer.rows()
        assert [row[0] for row in rows] == [row[0] for row in rows_to_change()]
        assert is_inert(rows[1][1], peer.path)


class TestChangesInXlsx(ChangingContract):
    file = "orders.xlsx"
    refused: ClassVar[Mapping[str, Any]] = {
        "sheet": "Orders",
        "find": {"Order": ORDER},
        "columns": {"Customer": "x" * 32_768},
    }
