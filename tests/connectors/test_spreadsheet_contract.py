"""Local spreadsheets before the contract suite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from connectors.spreadsheet import AddRow, Spreadsheet
from connectors.table import AddRow as Row
from hub.connector import Batch, Connection, Delivery, Place
from hub.testing.contract import INSERTED, LocalConnectorContract
from tests.connectors.keyed_rows import rows_of, with_keys
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


class FileContract(LocalConnectorContract):
    action = AddRow()
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
        text = str(row[1])
        assert not text.startswith(("=", "+", "-", "@", "\t", "\r")) or peer.path.suffix == ".xlsx"


class TestCsv(FileContract):
    file = "orders.csv"


class TestXlsx(FileContract):
    file = "orders.xlsx"
