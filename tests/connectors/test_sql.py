"""``sql.insert`` and ``sql.upsert`` on real databases: the contract suite, types, refusals, and a process killed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa

from connectors.sql import Insert, Sql, Upsert, Written
from connectors.table import usable
from hub.clock import ManualClock
from hub.connector import Action, Batch, ConfigError, Connection, Delivery, Permanent, Place, Retryable
from hub.testing.contract import INSERTED, LocalConnectorContract
from hub.testing.sending import delivery, key, send, send_again

INSERT, UPSERT = Insert(), Upsert()


class Shop:
    """The shop's database; an effect is a row that has a delivery's number."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
        metadata = sa.MetaData()
        self.orders = sa.Table(
            "Orders",
            metadata,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("number", sa.String(40), unique=True),
            sa.Column("customer", sa.Text),
            sa.Column("total", sa.Numeric(12, 2)),
            sa.Column("pieces", sa.Integer),
            sa.Column("is_gift", sa.Boolean),
            sa.Column("paid_at", sa.DateTime),
            sa.Column("day", sa.Date),
            sa.Column("items", sa.JSON),
        )
        metadata.create_all(self.engine)

    def rows(self) -> list[dict[str, Any]]:
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(sa.select(self.orders)).mappings()]

    def effects(self, delivery: Delivery[Any]) -> int:
        keys = sa.text("SELECT count(*) FROM hub_effects WHERE key = :key")
        with self.engine.connect() as connection:
            has_key = (
                "hub_effects" in sa.inspect(self.engine).get_table_names()
                and connection.execute(keys, {"key": delivery.key}).scalar_one()
            )
        number = delivery.params.columns["number"]
        found = sum(bool(row["number"] == str(number)) for row in self.rows())
        assert found == int(has_key), "the key and the row stand or fall together"
        return found


@pytest.fixture(params=["sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    url = f"sqlite:///{tmp_path}/shop.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    made = Shop(url)
    yield made
    made.engine.dispose()


def connect(url: str, place: Place, **more: Any) -> Sql:
    return Sql(Sql.Config.model_validate({"url": url, **more}), place)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place("db", tmp_path, "hub", ManualClock())


@pytest.fixture
def sql(shop: Shop, place: Place) -> Iterator[Sql]:
    opened = connect(shop.url, place)
    yield opened
    opened.close()


class WithDatabase(LocalConnectorContract):
    secret: ClassVar[str | None] = "url"

    @pytest.fixture
    def peer(self, tmp_path: Path) -> Iterator[Shop]:
        made = Shop(f"sqlite:///{tmp_path}/shop.db")
        yield made
        made.engine.dispose()

    def connect(self, peer: Shop, place: Place) -> Connection:
        return connect(peer.url, place)

    def connect_wrongly(self, peer: Shop, place: Place) -> Connection:
        return connect("sqlite:////nowhere/at/all.db", place)

    def batch(self, *settings: Any, id: int = 1) -> Batch[Any]:  # noqa: A002 - a batch calls it so
        """Rows with a number of their own each: the table has no two of one number."""
        made = super().batch(*settings, id=id)
        return replace(made, deliveries=[numbered(one) for one in made.deliveries])

    def assert_inert(self, peer: Shop, delivery: Delivery[Any], value: str) -> None:
        (row,) = peer.rows()
        assert row["customer"] == usable(value)


def numbered(one: Delivery[Any]) -> Delivery[Any]:
    columns = {**one.params.columns, "number": one.key}
    return replace(one, params=one.params.model_copy(update={"columns": columns}))


class TestInsert(WithDatabase):
    action: ClassVar[Action[Any, Any]] = INSERT
    settings: ClassVar[dict[str, Any]] = {"table": "Orders", "columns": {"number": "1", "customer": INSERTED}}
    refused: ClassVar[dict[str, Any]] = {"table": "Orders", "columns": {"number": "1", "colour": "red"}}


class TestUpsert(WithDatabase):
    action: ClassVar[Action[Any, Any]] = UPSERT
    settings: ClassVar[dict[str, Any]] = {**TestInsert.settings, "match": "number"}
    refused: ClassVar[dict[str, Any]] = {**TestInsert.refused, "match": "number"}


def row(number: int, **columns: Any) -> Delivery[Any]:
    return delivery(INSERT, {"table": "Orders", "columns": {"number": str(number), **columns}}, number)


def change(number: int, at: int, match: Any = "number", **columns: Any) -> Delivery[Any]:
    settings = {"table": "Orders", "match": match, "columns": {"number": str(number), **columns}}
    return delivery(UPSERT, settings, at)


def test_values_arrive_in_the_types_of_their_columns(shop: Shop, sql: Sql) -> None:
    columns = {
        "customer": 1042,
        "total": "49.90",
        "pieces": Decimal("3.0"),
        "is_gift": "yes",
        "paid_at": datetime(2026, 11, 25, 14, 30, tzinfo=UTC),
        "day": "2026-11-25T14:30:00",
        "items": '[{"sku": "MUG"}]',
    }
    outcome = INSERT.run(sql, Batch(1, [row(1, **columns)]))[0]
    assert outcome == Written(done="inserted")
    (stored,) = shop.rows()
    del stored["id"]
    assert stored == {
        "number": "1",
        "customer": "1042",
        "total": Decimal("49.90"),
        "pieces": 3,
        "is_gift": True,
        "paid_at": datetime(2026, 11, 25, 14, 30),
        "day": date(2026, 11, 25),
        "items": [{"sku": "MUG"}],
    }


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"total": "a lot"}, "“total” does not fit"),
        ({"pieces": Decimal("1.5")}, "“pieces” does not fit"),
        ({"paid_at": "yesterday"}, "“paid_at” does not fit"),
        ({"is_gift": "perhaps"}, "“is_gift” does not fit"),
        ({"custmer": "Ana"}, "Did you mean “customer”?"),
    ],
)
def test_what_does_not_fit_is_told_and_the_others_are_written(
    shop: Shop, sql: Sql, columns: dict[str, Any], said: str
) -> None:
    outcomes = send(INSERT, sql, Batch(1, [row(1), row(2, **columns), row(3)]))
    assert [type(one) for one in outcomes] == [Written, Permanent, Written]
    assert said in outcomes[1].message  # type: ignore[union-attr]
    assert {one["number"] for one in shop.rows()} == {"1", "3"}


def test_an_empty_text_is_null_where_the_column_is_no_text(shop: Shop, sql: Sql) -> None:
    INSERT.run(sql, Batch(1, [row(1, total="", customer="")]))
    assert (shop.rows()[0]["total"], shop.rows()[0]["customer"]) == (None, "")


def test_a_rule_of_the_table_refuses_one_row_and_names_no_customer(shop: Shop, sql: Sql) -> None:
    again = delivery(INSERT, {"table": "Orders", "columns": {"number": "1", "customer": "Ana"}}, 2)
    outcomes = send(INSERT, sql, Batch(1, [row(1), again, row(3)]))
    assert [type(one) for one in outcomes] == [Written, Permanent, Written]
    assert "Ana" not in outcomes[1].message  # type: ignore[union-attr]
    assert len(shop.rows()) == 2


def test_a_table_that_is_not_there_is_told_with_the_closest(sql: Sql) -> None:
    wrong = delivery(INSERT, {"table": "Order", "columns": {"number": "1"}}, 1)
    outcome = INSERT.run(sql, Batch(1, [wrong]))[0]
    assert isinstance(outcome, Permanent)
    assert "Did you mean “Orders”?" in outcome.message


def test_an_upsert_changes_its_row_or_writes_one(shop: Shop, sql: Sql) -> None:
    send(INSERT, sql, Batch(1, [row(1, customer="Ana", pieces=2)]))
    outcomes = send(UPSERT, sql, Batch(2, [change(1, 11, customer="Ada"), change(2, 12, customer="Bo")]))
    assert [one.done for one in outcomes if isinstance(one, Written)] == ["updated", "inserted"]
    found = {one["number"]: (one["customer"], one["pieces"]) for one in shop.rows()}
    assert found == {"1": ("Ada", 2), "2": ("Bo", None)}


def test_an_older_change_that_comes_again_does_not_undo_a_newer_one(shop: Shop, sql: Sql) -> None:
    first, second = change(1, 11, customer="old"), change(1, 12, customer="new")
    send(UPSERT, sql, Batch(1, [first]))
    send(UPSERT, sql, Batch(2, [second]))
    assert send_again(UPSERT, sql, Batch(1, [first])) == [Written(done="nothing")]
    assert [one["customer"] for one in shop.rows()] == ["new"]


def test_match_needs_its_value(sql: Sql) -> None:
    outcome = UPSERT.run(sql, Batch(1, [change(1, 1, match=["number", "customer"])]))[0]
    assert isinstance(outcome, Permanent)
    assert "customer" in outcome.message


def test_names_with_quotes_do_not_leave_their_place(shop: Shop, sql: Sql) -> None:
    evil = delivery(INSERT, {"table": "Orders", "columns": {'number"; DROP TABLE x; --': "1"}}, 1)
    assert isinstance(INSERT.run(sql, Batch(1, [evil]))[0], Permanent)
    assert shop.rows() == []


def test_a_column_that_was_added_meanwhile_is_found_at_the_next_try(shop: Shop, sql: Sql) -> None:
    batch = Batch(1, [row(1, note="fragile")])
    assert isinstance(send(INSERT, sql, batch)[0], Permanent)
    with shop.engine.begin() as connection:
        connection.execute(sa.text('ALTER TABLE "Orders" ADD COLUMN note TEXT'))
    assert send(INSERT, sql, batch) == [Written(done="inserted")]


def test_a_database_that_nobody_serves_is_surely_not_written_to(place: Place) -> None:
    sql = connect("postgresql://user:pw@127.0.0.1:9/shop", place)
    outcome = send(INSERT, sql, Batch(1, [row(1)]))[0]
    assert isinstance(outcome, Retryable)
    assert not sql.check().ok


def test_a_user_who_may_not_make_tables_gets_the_statement(postgres_url: str, place: Place) -> None:
    shop = Shop(postgres_url)
    with shop.engine.begin() as connection:
        connection.execute(sa.text("REVOKE CREATE ON SCHEMA public FROM PUBLIC"))
        connection.execute(sa.text("CREATE ROLE clerk LOGIN"))
        connection.execute(sa.text('GRANT SELECT, INSERT ON "Orders" TO clerk'))
        connection.execute(sa.text("ALTER ROLE clerk SET search_path = public"))
    try:
        url = sa.make_url(postgres_url).set(username="clerk").render_as_string(hide_password=False)
        outcome = send(INSERT, connect(url, place), Batch(1, [row(1)]))[0]
        assert isinstance(outcome, ConfigError), repr(outcome)
        assert "CREATE TABLE hub_effects" in outcome.hint
    finally:
        with shop.engine.begin() as connection:
            connection.execute(sa.text("DROP OWNED BY clerk; DROP ROLE clerk"))
        shop.engine.dispose()


def test_a_session_that_the_server_ends_in_between_leaves_no_row_or_one(postgres_url: str, place: Place) -> None:
    shop, sql = Shop(postgres_url), connect(postgres_url, place)
    send(INSERT, sql, Batch(1, [row(1)]))
    with shop.engine.begin() as connection:
        connection.execute(
            sa.text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    for _ in range(2):
        send_again(INSERT, sql, Batch(2, [row(2)]))
    assert sorted(one["number"] for one in shop.rows()) == ["1", "2"]
    sql.close()
    shop.engine.dispose()


KILLED = """
import os, sys
from pathlib import Path
from connectors.sql import Insert, Sql
from hub.clock import ManualClock
from hub.connector import Batch, Place
from hub.testing.sending import delivery
sql = Sql(Sql.Config.model_validate({"url": sys.argv[1]}), Place("db", Path("."), "hub", ManualClock()))
rows = [delivery(Insert(), {"table": "Orders", "columns": {"number": str(n)}}, n) for n in range(5)]
Insert().run(sql, Batch(1, rows))
os.kill(os.getpid(), 9)
"""


def test_a_process_killed_before_it_could_say_so_wrote_each_row_once(shop: Shop, sql: Sql) -> None:
    died = subprocess.run([sys.executable, "-c", KILLED, shop.url], check=False)
    assert died.returncode == -9
    outcomes = send_again(INSERT, sql, Batch(1, [row(number) for number in range(5)]))
    assert outcomes == [Written(done="nothing")] * 5
    assert len(shop.rows()) == 5
    assert key(1) != key(2)


@pytest.mark.parametrize("url", ["oracle://x", "not an address", ""])
def test_an_address_of_no_known_database_is_told(url: str) -> None:
    with pytest.raises(ValueError, match="postgresql://"):
        Sql.Config.model_validate({"url": url})
