"""Google Sheets before the contract suite."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import pytest

from connectors.google_sheets import AddRow, GoogleSheets, UpdateRow
from hub.clock import ManualClock
from hub.connector import Action, Batch, Connection, Delivery, Place
from hub.testing.contract import INSERTED, ConnectorContract
from hub.testing.faults import Fault
from hub.testing.google_book import Book
from hub.testing.google_calls import Call
from hub.testing.google_grid import Formula
from hub.testing.google_sheets import GoogleSheets as Fake
from tests.connectors.keyed_rows import KEY, ORDER, changed, finding_keys, rows_of, rows_to_change, with_keys


class Peer:
    """A spreadsheet at the fake; faults meet the writes only."""

    def __init__(self, google: Fake) -> None:
        self.google = google
        self.book: Book = google.new_book()
        self.book.add_tab("Orders", ["Order", "Customer", "End", KEY])
        self._faults: list[Fault] = []
        google.plan = self._plan
        google.retry_after = 7

    def _plan(self, call: Call) -> Fault:
        return self._faults.pop(0) if call.writes and self._faults else Fault.NONE

    def fail(self, *faults: Fault) -> None:
        self._faults += faults

    @property
    def calls(self) -> int:
        return sum(exchange.call.writes for exchange in self.google.exchanges)

    def effects(self, delivery: Delivery[Any]) -> int:
        return len(rows_of(self.book.rows("Orders"), delivery))


class TestAddRow(ConnectorContract):
    action: ClassVar[Action[Any, Any]] = AddRow()
    settings: ClassVar[Mapping[str, Any]] = {
        "sheet": "Orders",
        "columns": {"Order": 7, "Customer": INSERTED, "End": "x"},
    }
    refused: ClassVar[Mapping[str, Any]] = {"sheet": "Orders", "columns": {"Order": "", "Customer": ""}}
    secret = "credentials"

    @pytest.fixture
    def peer(self, google: Fake) -> Iterator[Peer]:
        yield Peer(google)
        google.retry_after = None

    def _connect(self, place: Place, book: str, credentials: str, base_url: str) -> Connection:
        settings = {"spreadsheet": book, "credentials": credentials, "base_url": base_url, "timeout": "1 second"}
        return GoogleSheets(GoogleSheets.Config.model_validate(settings), place)

    def connect(self, peer: Peer, place: Place) -> Connection:
        return self._connect(place, peer.book.id, peer.google.service_account(), peer.google.url)

    def connect_wrongly(self, peer: Peer, place: Place) -> Connection:
        gone = peer.google.service_account("gone@shop.iam.gserviceaccount.com")
        peer.google.accounts.remove("gone@shop.iam.gserviceaccount.com")
        return self._connect(place, peer.book.id, gone, peer.google.url)

    def unreachable(self, place: Place) -> Connection:
        with Fake(ManualClock()) as elsewhere:
            return self._connect(place, "nowhere", elsewhere.service_account(), elsewhere.url)

    def batch(self, *settings: Mapping[str, Any], id: int = 1) -> Batch[Any]:  # noqa: A002 - as in the suite
        return with_keys(super().batch(*settings, id=id))

    def assert_inert(self, peer: Peer, delivery: Delivery[Any], value: str) -> None:
        header, row = peer.book.rows("Orders")
        assert header == ["Order", "Customer", "End", KEY]
        assert (row[0], row[2]) == (7, "x")
        assert not isinstance(row[1], Formula)


class ChangingPeer(Peer):
    """A spreadsheet with rows to change."""

    def __init__(self, google: Fake) -> None:
        super().__init__(google)
        self.book.tabs.remove(self.book.tab("Orders"))
        self.book.add_tab("Orders", *rows_to_change())

    def effects(self, delivery: Delivery[Any]) -> int:
        return changed(self.book.rows("Orders"), delivery)


class TestUpdateRow(TestAddRow):
    action = UpdateRow()
    settings: ClassVar[Mapping[str, Any]] = {
        "sheet": "Orders",
        "find": {"Order": ORDER},
        "columns": {"Customer": INSERTED, "End": "x"},
    }
    refused: ClassVar[Mapping[str, Any]] = {
        "sheet": "Orders",
        "find": {"Order": ORDER},
        "columns": {"Customer": "x" * 50_001},
    }

    @pytest.fixture
    def peer(self, google: Fake) -> Iterator[Peer]:
        yield ChangingPeer(google)
        google.retry_after = None

    def batch(self, *settings: Mapping[str, Any], id: int = 1) -> Batch[Any]:  # noqa: A002 - as in the suite
        return finding_keys(ConnectorContract.batch(self, *settings, id=id))

    def assert_inert(self, peer: Peer, delivery: Delivery[Any], value: str) -> None:
        rows = peer.book.rows("Orders")
        assert [row[0] for row in rows] == [row[0] for row in rows_to_change()]
        assert not isinstance(rows[1][1], Formula)
