"""``airtable.add_record``: the contract suite, and what it puts into a table."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest

from connectors.airtable import Added, AddRecord, Airtable, Record
from hub.clock import ManualClock
from hub.connector import Action, Batch, ConfigError, Connection, Delivery, Permanent, Place
from hub.testing.airtable import BASE, TOKEN
from hub.testing.airtable import Airtable as Fake
from hub.testing.contract import INSERTED, ConnectorContract


def connect(url: str, token: str, place: Place) -> Airtable:
    config = {"base": BASE, "token": token, "base_url": url, "timeout": "0.5 seconds"}
    return Airtable(Airtable.Config.model_validate(config), place)


class TestAddRecord(ConnectorContract):
    action: ClassVar[Action[Any, Any]] = AddRecord()
    settings: ClassVar[dict[str, Any]] = {"table": "Orders", "fields": {"Customer": INSERTED, "Order": "1042"}}
    refused: ClassVar[dict[str, Any]] = {"table": "Orders", "fields": {"Colour": "red"}}
    secret: ClassVar[str | None] = "token"

    @pytest.fixture
    def peer(self) -> Iterator[Fake]:
        with Fake() as fake:
            yield fake

    def connect(self, peer: Fake, place: Place) -> Connection:
        return connect(peer.url, TOKEN, place)

    def connect_wrongly(self, peer: Fake, place: Place) -> Connection:
        return connect(peer.url, "patWrong.token", place)

    def unreachable(self, place: Place) -> Connection:
        return connect("http://127.0.0.1:9", TOKEN, place)

    def assert_inert(self, peer: Fake, delivery: Delivery[Any], value: str) -> None:
        (record,) = peer.tables["Orders"]
        assert set(record) == {"Customer", "Order", "Hub key"}
        assert record["Order"] == "1042"


@pytest.fixture
def fake() -> Iterator[Fake]:
    with Fake() as running:
        yield running


@pytest.fixture
def airtable(fake: Fake, tmp_path: Path) -> Airtable:
    return connect(fake.url, TOKEN, Place("airtable", tmp_path, "hub-1", ManualClock()))


def record(number: int, table: str = "Orders", **fields: Any) -> Delivery[Record]:
    return Delivery(f"{number:032x}", Record(table=table, fields=fields))


def test_ten_records_are_one_call_and_keep_their_types(fake: Fake, airtable: Airtable) -> None:
    wanted = [record(n, Order=n, Total=Decimal("49.50"), Paid=date(2026, 11, 24)) for n in range(10)]
    outcomes = AddRecord().run(airtable, Batch(1, wanted))
    assert len(fake.received) == 1
    assert [one["Order"] for one in fake.tables["Orders"]] == list(range(10))
    assert fake.tables["Orders"][0] == {"Order": 0, "Total": 49.5, "Paid": "2026-11-24", "Hub key": "0" * 32}
    ids = [one.id for one in outcomes if isinstance(one, Added)]
    assert len(set(ids)) == 10


def test_a_table_with_a_space_or_a_slash_in_its_name_is_found(fake: Fake, airtable: Airtable) -> None:
    fake.tables["Orders 1/2"] = []
    (added,) = AddRecord().run(airtable, Batch(1, [record(1, "Orders 1/2", Order="1")]))
    assert isinstance(added, Added)
    assert added.link.endswith("/Orders%201%2F2/rec00000000000001")


def test_a_table_that_is_not_there_and_a_missing_key_field_are_told(fake: Fake, airtable: Airtable) -> None:
    (no_table,) = AddRecord().run(airtable, Batch(1, [record(1, "Sales", Order="1")]))
    assert isinstance(no_table, Permanent)
    assert "Sales" in no_table.message
    several = AddRecord().run(airtable, Batch(1, [record(n, "Sales", Order="1") for n in range(3)]))
    assert len(several) == 3
    assert len(fake.received) == 2, "a table that is not there is not asked for again, record by record"
    fake.fields -= {"Hub key"}
    (no_field,) = AddRecord().run(airtable, Batch(1, [record(1, Order="1")]))
    assert isinstance(no_field, ConfigError)
    assert "Hub key" in no_field.message
