"""Rows in a Google spreadsheet: the connector with the real gspread, against the fake over HTTP."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

from connectors.google_sheets import (
    AddRow,
    AddRowParams,
    FindRow,
    FindRowParams,
    GoogleSheets,
    UpdateRow,
    UpdateRowParams,
)
from connectors.table import RowAdded, RowFound, RowUpdated
from hub.clock import ManualClock
from hub.connector import (
    CANNOT_TELL,
    NOT_APPLIED,
    Ambiguous,
    Batch,
    ConfigError,
    Delivery,
    Permanent,
    RateLimited,
    Retryable,
)
from hub.testing.faults import Fault
from hub.testing.google_book import Book
from hub.testing.google_calls import Call
from hub.testing.google_grid import Formula
from hub.testing.google_sheets import ACCOUNT
from hub.testing.google_sheets import GoogleSheets as Fake
from tests.connectors.google import (
    add,
    again,
    change,
    column,
    connect,
    find,
    orders_to_add,
    row_to_change,
    rows_to_add,
    settle,
)
from tests.connectors.spreadsheets import key


@pytest.fixture
def book(google: Fake) -> Book:
    found = google.new_book()
    found.add_tab("Orders", ["Order", "Customer", "Total"])
    return found


@pytest.fixture
def connection(google: Fake, book: Book) -> Iterator[GoogleSheets]:
    found = connect(google, book)
    yield found
    found.close()


@pytest.fixture
def clock(google: Fake) -> ManualClock:
    assert isinstance(google.clock, ManualClock)
    return google.clock


@pytest.fixture
def impatient(google: Fake, book: Book) -> Iterator[GoogleSheets]:
    """A connection for calls that hang."""
    found = connect(google, book, timeout="0.4 seconds")
    yield found
    found.close()


def writes(google: Fake) -> list[Call]:
    return [exchange.call for exchange in google.exchanges if exchange.call.writes]


# --- Rows and columns ---------------------------------------------------------------------------------------------


def test_a_batch_is_one_call_and_tells_where_its_rows_are(google: Fake, book: Book, connection: GoogleSheets) -> None:
    batch = rows_to_add(1, *({"Customer": f"No {n}", "Order": n} for n in range(500)))
    outcomes = add(connection, batch)
    assert len(writes(google)) == 1
    assert column(book.rows("Orders"), "Order") == list(range(500))
    link = f"https://docs.google.com/spreadsheets/d/{book.id}/edit#gid={book.tab('Orders').id}&range=A501"
    assert outcomes[-1] == RowAdded(row_number=501, link=link)


def test_reads_are_few_when_batches_follow_each_other(google: Fake, connection: GoogleSheets) -> None:
    for batch in range(1, 11):
        add(connection, orders_to_add(batch, batch))
    assert len(writes(google)) == 10
    assert len(google.exchanges) == 12
    assert google.token_requests == 1


def test_text_stays_text_and_numbers_and_dates_are_typed(book: Book, connection: GoogleSheets) -> None:
    book.add_tab("Types")
    values = {
        "Text": '=HYPERLINK("http://x","y")',
        "Code": "0155",
        "Phone": "+49 30",
        "Total": Decimal("-49.90"),
        "Paid": True,
        "Card": 4242424242424242,
        "When": datetime(2026, 11, 24, 6, 0, tzinfo=UTC),
        "Day": date(2026, 11, 24),
        "Time": time(12, 0),
        "None": None,
        "End": "x",
    }
    add(connection, rows_to_add(1, values, sheet="Types"))
    written = book.rows("Types")[1]
    assert written[:6] == ['=HYPERLINK("http://x","y")', "0155", "+49 30", -49.9, True, "4242424242424242"]
    assert not any(isinstance(value, Formula) for value in written)
    assert written[6:] == [46350.25, 46350, 0.5, None, "x"]
    formats = book.tab("Types").formats
    assert [formats.get((1, at), {}).get("type") for at in range(5, 10)] == [None, "DATE_TIME", "DATE", "TIME", None]


def test_new_rows_have_the_number_formats_that_a_person_gave_the_column(book: Book, connection: GoogleSheets) -> None:
    tab = book.add_tab("Formats", ["Total", "Day", "Order"], [1, 2, 3])
    tab.formats[1, 0] = {"type": "CURRENCY", "pattern": "#,##0.00 €"}
    tab.formats[1, 1] = {"type": "DATE", "pattern": "dd.mm.yyyy"}
    add(connection, rows_to_add(1, {"Order": 7, "Day": date(2026, 11, 24)}, sheet="Formats"))
    assert tab.formats[2, 0]["pattern"] == "#,##0.00 €"
    assert tab.formats[2, 1]["pattern"] == "dd.mm.yyyy"


@pytest.mark.parametrize("hostile", ["Ana\r\nOrder\r999", "A\x00n\ud800a", "🧵 لا‎ שלום", '"; DROP', "x" * 50_000])
def test_hostile_text_stays_in_its_cell(book: Book, connection: GoogleSheets, hostile: str) -> None:
    add(connection, rows_to_add(1, {"Order": 1, "Customer": hostile}, {"Order": 2}))
    expected = hostile.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "\ufffd").replace("\ud800", "\ufffd")
    assert book.rows("Orders")[1:] == [[1, expected], [2]]


def test_what_a_cell_cannot_hold_is_a_dead_letter_and_the_others_are_written(
    book: Book, connection: GoogleSheets
) -> None:
    long, empty, fine = add(connection, rows_to_add(1, {"Customer": "x" * 1_000_000}, {"Customer": ""}, {"Order": 3}))
    assert isinstance(long, Permanent)
    assert "truncate(50000)" in long.message
    assert isinstance(empty, Permanent)
    assert isinstance(fine, RowAdded)
    assert column(book.rows("Orders"), "Order") == [3]


def test_an_empty_tab_gets_its_header_with_the_first_rows(google: Fake, book: Book, connection: GoogleSheets) -> None:
    book.add_tab("New")
    outcomes = add(connection, rows_to_add(1, {"A": 1, "B": 2}, {"C": 3}, sheet="New"))
    assert book.rows("New") == [["A", "B", "C"], [1, 2], [None, None, 3]]
    assert [one.row_number for one in outcomes if isinstance(one, RowAdded)] == [2, 3]
    assert len(writes(google)) == 1


def test_a_header_row_that_is_empty_above_rows_is_told(book: Book, connection: GoogleSheets) -> None:
    book.add_tab("Odd", [], ["Order"], [1])
    (refused,) = add(connection, rows_to_add(1, {"Order": 1}, sheet="Odd"))
    assert isinstance(refused, ConfigError)
    assert refused.message == "The first row of “Odd” is empty, but there are rows below it."


def test_a_missing_column_pauses_the_connection_with_the_fix_and_the_other_rows_are_written(
    book: Book, connection: GoogleSheets
) -> None:
    refused, written = add(connection, rows_to_add(1, {"Order": 1, "Totl": 2}, {"Order": 2}))
    assert isinstance(refused, ConfigError)
    assert refused.message == "“Orders” has no column “Totl”."
    assert refused.hint.startswith("Did you mean “Total”? Its columns are “Order”, “Customer”, “Total”.")
    assert isinstance(written, RowAdded)
    assert column(book.rows("Orders"), "Order") == [2]


def test_columns_that_people_move_are_followed(book: Book, connection: GoogleSheets, clock: ManualClock) -> None:
    add(connection, orders_to_add(1, 1))
    tab = book.tab("Orders")
    tab.rows[:] = [["New", *row] for row in tab.rows]
    clock.advance(11)
    add(connection, orders_to_add(2, 2))
    assert column(book.rows("Orders"), "Order") == [1, 2]


def test_a_row_written_in_the_moment_in_which_columns_are_moved_is_shown_to_a_person(
    book: Book, connection: GoogleSheets
) -> None:
    add(connection, orders_to_add(1, 1))
    tab = book.tab("Orders")
    tab.rows[:] = [["New", *row] for row in tab.rows]
    (told,) = add(connection, orders_to_add(2, 2))
    assert isinstance(told, Permanent)
    assert "Row 3 of “Orders” was written in the moment in which somebody moved its columns" in told.message
    (fine,) = add(connection, orders_to_add(3, 3))
    assert isinstance(fine, RowAdded)
    assert book.rows("Orders")[3] == [None, 3, "Ana Núñez"]


def test_a_tab_that_does_not_exist_is_told_with_those_that_do(google: Fake, connection: GoogleSheets) -> None:
    (refused,) = add(connection, rows_to_add(1, {"Order": 1}, sheet="Ordres"))
    assert isinstance(refused, ConfigError)
    assert refused.message == "The spreadsheet has no tab “Ordres”."
    assert refused.hint.startswith("Its tabs are “Sheet1”, “Orders”.")
    assert writes(google) == []


@pytest.mark.parametrize("name", ["Bo's & Ä 1!A1", "A1", "2026", "'"])
def test_tabs_may_have_any_name(book: Book, connection: GoogleSheets, name: str) -> None:
    book.add_tab(name, ["Order"])
    (added,) = add(connection, rows_to_add(1, {"Order": 5}, sheet=name))
    assert isinstance(added, RowAdded)
    assert book.rows(name) == [["Order"], [5]]


def test_a_tab_that_is_deleted_while_it_is_known_is_noticed(book: Book, connection: GoogleSheets) -> None:
    add(connection, orders_to_add(1, 1))
    book.tabs.remove(book.tab("Orders"))
    (noticed,) = add(connection, orders_to_add(2, 2))
    assert isinstance(noticed, ConfigError)
    assert "no tab “Orders”" in noticed.message
    book.add_tab("Orders", ["Order", "Customer"])
    assert isinstance(add(connection, orders_to_add(3, 3))[0], RowAdded)


def test_a_tab_that_was_replaced_while_it_was_known_is_looked_at_anew(book: Book, connection: GoogleSheets) -> None:
    add(connection, orders_to_add(1, 1))
    book.tabs.remove(book.tab("Orders"))
    book.add_tab("Orders", ["Customer", "Order"])
    (noticed,) = add(connection, orders_to_add(2, 2))
    assert isinstance(noticed, Retryable)
    assert isinstance(add(connection, orders_to_add(3, 3))[0], RowAdded)
    assert book.rows("Orders") == [["Customer", "Order"], ["Ana Núñez", 3]]


def test_what_google_will_never_accept_pauses_the_connection_and_burns_no_try(
    book: Book, connection: GoogleSheets
) -> None:
    tab = book.tab("Orders")
    tab.row_count, tab.column_count = 99_740, 100  # together with the other tab's 26,000 cells: full
    tab.put(99_738, 0, "the last but one row")
    (written,) = add(connection, orders_to_add(1, 1))
    assert isinstance(written, RowAdded)
    (refused,) = add(connection, orders_to_add(2, 2))
    assert isinstance(refused, ConfigError)
    assert "10000000 cells" in refused.message
    assert len(book.rows("Orders")) == 99_740


def test_the_row_number_is_left_out_when_the_end_of_a_large_empty_grid_hides_it(
    book: Book, connection: GoogleSheets
) -> None:
    book.tab("Orders").row_count = 5_000
    (added,) = add(connection, orders_to_add(1, 1))
    assert isinstance(added, RowAdded)
    assert added.row_number is None


# --- Changing and finding -----------------------------------------------------------------------------------------


def test_update_changes_the_named_cells_of_the_first_fitting_row(
    google: Fake, book: Book, connection: GoogleSheets
) -> None:
    add(connection, rows_to_add(1, {"Order": 1, "Customer": "Ana", "Total": 5}, {"Order": 2}, {"Order": 2, "Total": 9}))
    google.exchanges.clear()
    assert change(connection, 2, {"Order": "2"}, {"Customer": "=Bo"}) == RowUpdated(found=True, row_number=3)
    assert change(connection, 3, {"Order": 1}, {"Total": None}) == RowUpdated(found=True, row_number=2)
    assert book.rows("Orders")[1:] == [[1, "Ana"], [2, "=Bo"], [2, None, 9]]
    assert len(google.exchanges) == 4


def test_update_and_find_tell_when_no_row_fits_and_write_nothing(
    google: Fake, book: Book, connection: GoogleSheets
) -> None:
    assert change(connection, 1, {"Order": 9}, {"Total": 1}) == RowUpdated(found=False)
    assert change(connection, 2, {"Customer": ""}, {"Total": 1}) == RowUpdated(found=False)
    assert find(connection, {"Order": 9}) == RowFound(found=False)
    assert writes(google) == []
    book.add_tab("Empty")
    wanted = FindRowParams(sheet="Empty", find={"Order": 1})
    assert FindRow().run(connection, Batch(1, [Delivery(key(1), wanted)])) == [RowFound(found=False)]


def test_rows_are_found_by_dates_and_by_numbers_however_they_are_shown(book: Book, connection: GoogleSheets) -> None:
    book.add_tab("Days")
    when = datetime(2026, 11, 24, 10, 30, 15, tzinfo=UTC)
    add(connection, rows_to_add(1, {"When": when, "Total": Decimal("0.1"), "Who": "Ana"}, sheet="Days"))
    for wanted in ({"When": when}, {"Total": Decimal("0.10")}, {"Total": "0.1", "Who": "Ana"}):
        params = FindRowParams(sheet="Days", find=wanted)
        (found,) = FindRow().run(connection, Batch(1, [Delivery(key(1), params)]))
        row = {"When": "2026-11-24 10:30:15", "Total": 0.1, "Who": "Ana"}
        assert found == RowFound(found=True, row_number=2, row=row)


def test_a_batch_of_updates_is_one_read_and_one_write(google: Fake, book: Book, connection: GoogleSheets) -> None:
    add(connection, orders_to_add(1, *range(100)))
    google.exchanges.clear()
    deliveries = [
        Delivery(key(n), UpdateRowParams(sheet="Orders", find={"Order": n}, columns={"Customer": f"c{n}"}))
        for n in range(80, 130)
    ]
    outcomes = UpdateRow().run(connection, Batch(2, deliveries))
    assert [getattr(one, "found", None) for one in outcomes] == [True] * 20 + [False] * 30
    assert len(google.exchanges) == 2
    assert column(book.rows("Orders"), "Customer")[79:] == ["Ana Núñez", *(f"c{n}" for n in range(80, 100))]


def test_a_row_that_is_moved_while_it_is_changed_is_shown_to_a_person(
    google: Fake, book: Book, connection: GoogleSheets
) -> None:
    add(connection, orders_to_add(1, 1, 2))

    def somebody_sorts(call: Call) -> Fault:
        if call.writes:
            tab = book.tab("Orders")
            tab.rows[1:] = reversed(tab.rows[1:])
        return Fault.NONE

    google.plan = somebody_sorts
    told = change(connection, 2, {"Order": 1}, {"Customer": "Bo"})
    assert isinstance(told, Permanent)
    assert "Row 2 of “Orders” was changed in the moment" in told.message


def test_a_row_that_is_moved_while_it_is_read_is_read_again(google: Fake, book: Book, connection: GoogleSheets) -> None:
    add(connection, orders_to_add(1, 1, 2))

    def somebody_sorts(call: Call) -> Fault:
        if "2:2" in " ".join(call.ranges):
            tab = book.tab("Orders")
            tab.rows[1:] = reversed(tab.rows[1:])
        return Fault.NONE

    google.plan = somebody_sorts
    assert isinstance(find(connection, {"Order": 1}), Retryable)
    assert find(connection, {"Order": 1}) == RowFound(
        found=True, row_number=3, row={"Order": 1, "Customer": "Ana Núñez", "Total": None}
    )


# --- Exactly once -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [Fault.BEFORE, Fault.AFTER, Fault.DROP, Fault.HANG, Fault.LATE, Fault.HTML])
def test_a_write_of_unknown_fate_is_looked_up_and_happens_once(
    google: Fake, book: Book, impatient: GoogleSheets, clock: ManualClock, fault: Fault
) -> None:
    add(impatient, orders_to_add(1, 1))
    google.faults.append(fault)
    batch = orders_to_add(2, 2, 3)
    assert all(isinstance(one, Ambiguous) for one in add(impatient, batch))
    applied = fault in (Fault.AFTER, Fault.DROP)
    answers = AddRow().lookup(impatient, again(batch))
    assert all(isinstance(one, RowAdded) if applied else one is NOT_APPLIED for one in answers)
    settle(impatient, again(batch), clock)
    google.apply_late()
    assert column(book.rows("Orders"), "Order") == [1, 2, 3]


def test_a_call_that_arrives_after_its_look_up_makes_the_repetition_fail_and_is_its_success(
    google: Fake, book: Book, impatient: GoogleSheets
) -> None:
    add(impatient, orders_to_add(1, 1))
    google.faults.append(Fault.LATE)
    batch = orders_to_add(2, 2, 3)
    add(impatient, batch)
    assert AddRow().lookup(impatient, again(batch)) == [NOT_APPLIED, NOT_APPLIED]
    google.apply_late()
    assert all(isinstance(one, RowAdded) for one in add(impatient, again(batch)))
    assert column(book.rows("Orders"), "Order") == [1, 2, 3]


@pytest.mark.parametrize("fault", [Fault.AFTER, Fault.BEFORE])
def test_an_update_of_unknown_fate_is_looked_up_and_does_not_undo_newer_changes(
    google: Fake, book: Book, connection: GoogleSheets, fault: Fault
) -> None:
    add(connection, orders_to_add(1, 1))
    google.faults.extend([Fault.NONE, fault])
    assert isinstance(change(connection, 2, {"Order": 1}, {"Customer": "Bo"}), Ambiguous)
    change(connection, 3, {"Order": 1}, {"Customer": "Cy"})
    (answer,) = UpdateRow().lookup(connection, row_to_change(2, {"Order": 1}, {"Customer": "Bo"}))
    assert answer == (RowUpdated(found=True) if fault is Fault.AFTER else NOT_APPLIED)
    assert column(book.rows("Orders"), "Customer") == ["Cy"]


def test_the_bad_row_of_a_batch_in_doubt_is_known_not_to_have_been_written(
    google: Fake, connection: GoogleSheets
) -> None:
    add(connection, orders_to_add(1, 1))
    batch = rows_to_add(2, {"Order": 2}, {"Customer": ""}, {"Nope": 4}, {"Order": 3})
    google.faults.append(Fault.AFTER)
    add(connection, batch)
    first, empty, missing, last = AddRow().lookup(connection, again(batch))
    assert isinstance(first, RowAdded)
    assert isinstance(last, RowAdded)
    assert (empty, missing) == (NOT_APPLIED, NOT_APPLIED)


def test_a_batch_in_doubt_of_which_a_part_was_cancelled_is_left_to_a_person(
    google: Fake, connection: GoogleSheets
) -> None:
    add(connection, orders_to_add(1, 1))
    google.faults.append(Fault.AFTER)
    add(connection, orders_to_add(2, 2, 3))
    assert AddRow().lookup(connection, again(orders_to_add(2, 3))) == [CANNOT_TELL]


def test_a_batch_number_that_a_restored_backup_gives_out_again_does_not_swallow_rows(
    book: Book, connection: GoogleSheets
) -> None:
    add(connection, orders_to_add(2, 2))
    (refused,) = add(connection, orders_to_add(2, 7))
    assert isinstance(refused, Retryable)
    add(connection, orders_to_add(3, 7))
    assert column(book.rows("Orders"), "Order") == [2, 7]


def test_rows_for_two_tabs_in_one_batch_have_a_mark_each(google: Fake, book: Book, connection: GoogleSheets) -> None:
    book.add_tab("Refunds", ["Order"])
    one, two = rows_to_add(1, {"Order": 1}), rows_to_add(1, {"Order": 2}, sheet="Refunds")
    both = Batch(1, [*one.deliveries, *two.deliveries])
    add(connection, orders_to_add(9, 9))
    google.faults.extend([Fault.NONE, Fault.NONE, Fault.BEFORE])
    fine, doubtful = add(connection, both)
    assert isinstance(fine, RowAdded)
    assert isinstance(doubtful, Ambiguous)
    found, missing = AddRow().lookup(connection, again(both))
    assert isinstance(found, RowAdded)
    assert missing is NOT_APPLIED
    assert book.rows("Refunds") == [["Order"]]


def test_marks_are_invisible_and_old_ones_are_removed(google: Fake, book: Book, connection: GoogleSheets) -> None:
    google.quota = 10_000
    for batch in range(1, 611):
        add(connection, orders_to_add(batch, batch))
    assert len(book.metadata) == 600
    assert AddRow().lookup(connection, again(orders_to_add(2, 2))) == [CANNOT_TELL]
    assert isinstance(AddRow().lookup(connection, again(orders_to_add(610, 610)))[0], RowAdded)
    assert AddRow().lookup(connection, again(orders_to_add(700, 700))) == [NOT_APPLIED]
    characters = sum(len(one["metadataKey"]) + len(one["metadataValue"]) for one in book.metadata.values())
    assert characters < 20_000
    assert len(book.rows("Orders")) == 611


def test_marks_of_a_hub_that_is_gone_make_room(google: Fake, book: Book, connection: GoogleSheets) -> None:
    google.quota = 10_000
    for batch in range(1, 601):
        add(connection, orders_to_add(batch, batch))
    assert isinstance(google.clock, ManualClock)
    google.clock.advance(60)
    successor = connect(google, book)
    successor.place = type(successor.place)("sheets", Path("/nowhere"), "hub-2", google.clock)
    for batch in range(1, 4):
        add(successor, rows_to_add(batch, {"Order": -batch}))
    assert len(book.metadata) == 600
    assert isinstance(AddRow().lookup(successor, again(rows_to_add(1, {"Order": -1})))[0], RowAdded)
    successor.close()


def test_faults_of_all_kinds_lose_nothing_write_nothing_twice_and_cost_little(
    google: Fake, book: Book, clock: ManualClock
) -> None:
    kinds = [Fault.TOO_MANY, Fault.BEFORE, Fault.AFTER, Fault.DROP, Fault.HANG, Fault.LATE]
    calls = iter(range(100_000))

    def one_in_twenty_of_each(call: Call) -> Fault:
        return kinds[at] if call.writes and (at := next(calls) * 7 % 20) < len(kinds) else Fault.NONE

    google.plan = one_in_twenty_of_each
    connection = connect(google, book, timeout="0.05 seconds")
    per_batch, batches = 20, 200
    for batch in range(1, batches + 1):
        numbers = range((batch - 1) * per_batch, batch * per_batch)
        settle(connection, orders_to_add(batch, *numbers), clock)
        google.apply_late()
    connection.close()
    assert column(book.rows("Orders"), "Order") == list(range(per_batch * batches))
    assert len(writes(google)) < batches * 2


# --- Failures -----------------------------------------------------------------------------------------------------


def test_a_used_up_quota_has_the_connection_wait_longer_and_longer_until_the_next_minute(
    google: Fake, connection: GoogleSheets, clock: ManualClock
) -> None:
    add(connection, orders_to_add(1, 1))
    google.quota = 1
    google.exchanges.clear()
    waits: list[float] = []
    while not isinstance((outcome := add(connection, orders_to_add(2, 2))[0]), RowAdded):
        assert isinstance(outcome, RateLimited)
        assert outcome.scope == "connection"
        assert "requests per minute per user" in outcome.message
        waits.append(outcome.after.total_seconds())
        clock.advance(waits[-1])
    assert sum(waits) < 65
    assert len(waits) <= 5


def test_a_passing_limit_costs_seconds_not_a_minute(google: Fake, connection: GoogleSheets) -> None:
    for number in (1, 2):
        google.faults.append(Fault.TOO_MANY)
        (limited,) = add(connection, orders_to_add(number, number))
        assert isinstance(limited, RateLimited)
        assert limited.after.total_seconds() < 4, "a success in between begins anew"
        assert isinstance(add(connection, orders_to_add(number, number))[0], RowAdded)


@pytest.mark.parametrize("fault", [Fault.BEFORE, Fault.DROP, Fault.HANG, Fault.HTML])
def test_a_read_that_fails_is_safe_to_repeat(google: Fake, impatient: GoogleSheets, fault: Fault) -> None:
    google.faults.extend([fault] * 2)
    assert isinstance(add(impatient, orders_to_add(1, 1))[0], Retryable)
    google.faults.clear()
    google.faults.extend([fault] * 2)
    assert isinstance(find(impatient, {"Order": 1}), Retryable)


@pytest.mark.parametrize("fault", [Fault.BEFORE, Fault.AFTER, Fault.DROP, Fault.HTML])
def test_a_read_that_breaks_off_is_asked_once_more_at_once(google: Fake, impatient: GoogleSheets, fault: Fault) -> None:
    google.faults.append(fault)
    assert isinstance(add(impatient, orders_to_add(1, 1))[0], RowAdded)


def test_google_out_of_reach_is_safe_to_repeat(google: Fake, book: Book, connection: GoogleSheets) -> None:
    add(connection, orders_to_add(1, 1))
    for nowhere in ("http://127.0.0.1:9", "http://no-such-host.invalid"):
        away = connect(google, book, base_url=nowhere)
        assert isinstance(add(away, orders_to_add(2, 2))[0], Retryable)
        away.close()
    account = json.loads(google.service_account()) | {"token_uri": "http://127.0.0.1:9/token"}
    unsigned = connect(google, book, credentials=json.dumps(account))
    assert isinstance(add(unsigned, orders_to_add(2, 2))[0], Retryable)
    unsigned.close()


def test_a_spreadsheet_that_is_not_shared_names_the_address_to_share_it_with(
    book: Book, connection: GoogleSheets
) -> None:
    book.editors.clear()
    check = connection.check()
    assert not check.ok
    assert check.hint == f"Share the spreadsheet with {ACCOUNT} as an editor."
    book.viewers.add(ACCOUNT)
    assert connection.check().ok
    (refused,) = add(connection, orders_to_add(1, 1))
    assert isinstance(refused, ConfigError)
    assert refused.hint == f"Share the spreadsheet with {ACCOUNT} as an editor."


def test_a_spreadsheet_that_does_not_exist_is_told(google: Fake, book: Book) -> None:
    connection = connect(google, book, spreadsheet="nothing-there")
    (refused,) = add(connection, orders_to_add(1, 1))
    assert isinstance(refused, ConfigError)
    assert refused.message == "There is no such spreadsheet at Google."
    connection.close()


def test_a_key_that_google_no_longer_accepts_is_told(google: Fake, book: Book) -> None:
    gone = google.service_account("gone@shop.iam.gserviceaccount.com")
    google.accounts.remove("gone@shop.iam.gserviceaccount.com")
    connection = connect(google, book, credentials=gone)
    check = connection.check()
    assert not check.ok
    assert "gone@shop.iam.gserviceaccount.com" in check.message
    assert "account not found" in check.message
    connection.close()


@pytest.mark.parametrize(
    "text", ["{}", "{not json", '{"type": "service_account", "private_key": "s3cr3t"}', "/no/such/file"]
)
def test_credentials_that_are_none_are_told_without_being_shown(google: Fake, book: Book, text: str) -> None:
    connection = connect(google, book, credentials=text)
    (refused,) = add(connection, orders_to_add(1, 1))
    assert isinstance(refused, ConfigError)
    assert "credentials" in refused.message
    assert "s3cr3t" not in refused.message + refused.hint
    assert not connection.check().ok


def test_credentials_may_be_a_file(google: Fake, book: Book, tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text(google.service_account())
    connection = connect(google, book, credentials=str(tmp_path / "key.json"))
    assert connection.check().message.startswith(f"“Shop” with the tabs “Sheet1”, “Orders”, as {ACCOUNT}.")
    connection.close()


def test_an_access_token_that_ended_early_is_renewed(google: Fake, book: Book, connection: GoogleSheets) -> None:
    add(connection, orders_to_add(1, 1))
    google.accounts.revoke_tokens()
    assert isinstance(add(connection, orders_to_add(2, 2))[0], RowAdded)
    assert column(book.rows("Orders"), "Order") == [1, 2]


def test_a_link_an_id_and_nonsense_as_spreadsheet() -> None:
    def spreadsheet(text: str) -> str:
        return GoogleSheets.Config.model_validate({"spreadsheet": text, "credentials": "x"}).spreadsheet

    assert spreadsheet("https://docs.google.com/spreadsheets/d/1AbC-d_f/edit#gid=0") == "1AbC-d_f"
    assert spreadsheet("https://docs.google.com/spreadsheets/u/1/d/1AbC/edit") == "1AbC"
    assert spreadsheet(" 1AbC-d_f ") == "1AbC-d_f"
    with pytest.raises(ValidationError, match="neither a link to a Google spreadsheet nor its id"):
        spreadsheet("https://example.com/sheet")


def test_secrets_are_nowhere_to_be_seen(
    google: Fake, connection: GoogleSheets, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    google.faults.extend([Fault.NONE, Fault.NONE, Fault.AFTER, Fault.TOO_MANY, Fault.DROP, Fault.HTML])
    seen = [repr(connection.config), str(connection.check())]
    for batch in range(1, 6):
        for outcome in add(connection, orders_to_add(batch, batch)):
            seen += [repr(outcome), str(getattr(outcome, "__context__", "")), str(getattr(outcome, "__cause__", ""))]
    everything = "\n".join(seen) + caplog.text
    assert "ya29." not in everything
    assert "PRIVATE KEY" not in everything


def test_lanes_work_side_by_side_and_sign_in_once(google: Fake, book: Book, connection: GoogleSheets) -> None:
    for lane in range(4):
        book.add_tab(f"Lane {lane}", ["Order"])

    def work(lane: int) -> None:
        for number in range(10):
            add(connection, rows_to_add(lane * 100 + number, {"Order": number}, sheet=f"Lane {lane}"))

    threads = [threading.Thread(target=work, args=(lane,)) for lane in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(column(book.rows(f"Lane {lane}"), "Order") == list(range(10)) for lane in range(4))
    assert google.token_requests == 1


def test_preview_shows_what_would_be_sent_without_any_call(google: Fake) -> None:
    params = orders_to_add(1, 1).deliveries[0].params
    assert AddRow().preview(params) == {"sheet": "Orders", "columns": {"Order": 1, "Customer": "Ana Núñez"}}
    assert google.exchanges == []


def test_a_formula_of_the_rule_is_one_and_what_a_buyer_writes_is_text(book: Book, connection: GoogleSheets) -> None:
    settings = {"sheet": "Orders", "columns": {"Order": 1, "Customer": "=1+1"}, "formula": {"Total": "=ROW()*2"}}
    params = AddRowParams.model_validate(settings)
    (outcome,) = AddRow().run(connection, Batch(1, [Delivery(key(1), params)]))
    assert isinstance(outcome, RowAdded), repr(outcome)
    _, (_, customer, total) = book.rows("Orders")
    assert (type(customer), customer) == (str, "=1+1")
    assert (type(total), total) == (Formula, "=ROW()*2")


def monthly(number: int, month: str, new_tab: bool = True) -> Delivery[AddRowParams]:
    settings = {"sheet": f"Orders {month}", "columns": {"Order": number}, "new_tab": new_tab}
    return Delivery(key(number), AddRowParams.model_validate(settings))


def test_a_month_gets_a_tab_of_its_own_with_its_first_rows(book: Book, connection: GoogleSheets) -> None:
    for batch, month in enumerate(["2026-11", "2026-11", "2026-12"], 1):
        outcomes = AddRow().run(connection, Batch(batch, [monthly(10 * batch, month), monthly(10 * batch + 1, month)]))
        assert all(isinstance(one, RowAdded) for one in outcomes), outcomes
    assert book.rows("Orders 2026-11") == [["Order"], [10], [11], [20], [21]]
    assert book.rows("Orders 2026-12") == [["Order"], [30], [31]]


@pytest.mark.parametrize("fault", [Fault.AFTER, Fault.DROP])
def test_a_tab_whose_making_was_in_doubt_is_made_once(
    google: Fake, book: Book, connection: GoogleSheets, fault: Fault
) -> None:
    google.plan = lambda call: fault if call.writes else Fault.NONE
    batch = Batch(1, [monthly(1, "2026-11")])
    assert isinstance(AddRow().run(connection, batch)[0], Ambiguous)
    google.plan = lambda _call: Fault.NONE
    assert isinstance(AddRow().lookup(connection, Batch(1, batch.deliveries, repeated=True))[0], RowAdded)
    again = AddRow().run(connection, Batch(1, batch.deliveries, repeated=True))
    assert isinstance(again[0], RowAdded), repr(again)
    assert book.rows("Orders 2026-11") == [["Order"], [1]]


def test_a_tab_that_is_not_there_is_not_made_unasked(connection: GoogleSheets) -> None:
    (outcome,) = AddRow().run(connection, Batch(1, [monthly(1, "2026-11", new_tab=False)]))
    assert isinstance(outcome, ConfigError)
    assert "new_tab: yes" in outcome.hint


def test_a_full_spreadsheet_pauses_the_connection_and_says_what_to_do(book: Book, connection: GoogleSheets) -> None:
    book.add_tab("Old").row_count = 10_000_000 // 26
    book.tab("Old").column_count = 26
    (outcome,) = AddRow().run(connection, Batch(1, [monthly(1, "2026-11")]))
    assert isinstance(outcome, ConfigError)
    assert "another spreadsheet" in outcome.hint


def test_a_native_table_gets_its_rows_at_its_own_end_and_what_stands_below_moves_down(
    book: Book, connection: GoogleSheets
) -> None:
    tab = book.tab("Orders")
    tab.put(1, 0, 1)
    tab.add_table(3)
    tab.put(3, 0, "Total")
    outcomes = add(connection, orders_to_add(1, 2, 3))
    assert all(isinstance(one, RowAdded) for one in outcomes), outcomes
    assert column(book.rows("Orders"), "Order") == [1, 2, 3, None, "Total"]
    assert [one.row_number for one in outcomes if isinstance(one, RowAdded)] == [None, None]
    assert isinstance(add(connection, orders_to_add(2, 4))[0], RowAdded)
    assert column(book.rows("Orders"), "Order") == [1, 2, 3, 4, None, "Total"]
