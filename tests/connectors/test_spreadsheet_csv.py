"""Rows in a local .csv file: what people and other programs find in it."""

from __future__ import annotations

import json
import os
import resource
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

from connectors.spreadsheet import AddRow, Spreadsheet
from connectors.table import RowAdded, RowFound, RowUpdated
from hub.connector import CANNOT_TELL, NOT_APPLIED, Batch, ConfigError, Permanent
from tests.connectors.spreadsheets import add, change, column, connect, csv_rows, find, orders_to_add, rows_to_add


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """The kernel takes no byte beyond ``size`` in any file: what a disk without space does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_file_and_header_are_made_with_the_first_row(tmp_path: Path) -> None:
    outcomes = add(connect(tmp_path, "shop/orders.csv"), rows_to_add(1, {"Order": 1042, "Total": Decimal("49.00")}))
    assert (tmp_path / "shop/orders.csv").read_bytes() == b"Order,Total\r\n1042,49.00\r\n"
    assert outcomes == [RowAdded(row_number=2, link=(tmp_path / "shop/orders.csv").as_uri())]


def test_columns_are_found_by_the_text_of_their_header(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("Total,Note,Order\n1.00,old,1041\n")
    add(connect(tmp_path, "orders.csv"), rows_to_add(1, {"Order": 1042, "Total": Decimal("49.00")}))
    assert csv_rows(path)[1:] == [["1.00", "old", "1041"], ["49.00", "", "1042"]]


def test_a_persons_file_without_the_column_pauses_the_connection_and_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("Order,E-Mail\n1041,bo@example.com\n")
    batch = rows_to_add(1, {"Order": 1042, "E-mail": "ana@example.com"}, {"Order": 1043})
    refused, written = add(connect(tmp_path, "orders.csv"), batch)
    assert isinstance(refused, ConfigError)
    assert refused.message == "orders.csv has no column “E-mail”."
    assert "Did you mean “E-Mail”?" in refused.hint
    assert written == RowAdded(row_number=3, link=path.as_uri())
    assert column(csv_rows(path), "Order") == ["1041", "1043"]


def test_a_persons_header_without_rows_gets_the_missing_columns_at_the_right(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes("\ufeffBestellung;Größe\n".encode())
    add(connect(tmp_path, "orders.csv"), rows_to_add(1, {"Bestellung": 1, "Preis": 2}))
    assert path.read_bytes() == "\ufeffBestellung;Größe;Preis\n1;;2\n".encode()


def test_a_file_that_the_hub_made_gets_new_columns_without_shifting_any_cell(tmp_path: Path) -> None:
    connection = connect(tmp_path, "orders.csv")
    add(connection, rows_to_add(1, {"Order": 1}))
    add(connection, rows_to_add(2, {"Note": "hello", "Order": 2}))
    assert (tmp_path / "orders.csv").read_text() == "Order,Note\n1\n2,hello\n"
    assert find(connection, {"Order": 1}) == RowFound(found=True, row_number=2, row={"Order": 1, "Note": None})


def test_a_column_that_somebody_renamed_is_not_made_anew(tmp_path: Path) -> None:
    connection = connect(tmp_path, "orders.csv")
    add(connection, rows_to_add(1, {"Order": 1, "Total": 2}))
    path = tmp_path / "orders.csv"
    path.write_text(path.read_text().replace("Total", "Amount"))
    (refused,) = add(connection, rows_to_add(2, {"Order": 2, "Total": 3}))
    assert isinstance(refused, ConfigError)
    assert len(csv_rows(path)) == 2


def test_two_columns_of_one_name_are_a_matter_for_a_person(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("Order,Total,Total\n1,2,3\n")
    (refused,) = add(connect(tmp_path, "orders.csv"), rows_to_add(1, {"Total": 5}))
    assert isinstance(refused, ConfigError)
    assert refused.message == "orders.csv has 2 columns called “Total”."


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_text_never_starts_a_formula_and_comes_back_as_it_was(tmp_path: Path, start: str) -> None:
    connection = connect(tmp_path, "orders.csv")
    text = start + 'HYPERLINK("http://x","y")'
    add(connection, rows_to_add(1, {"Order": 1, "Customer": text}))
    assert column(csv_rows(tmp_path / "orders.csv"), "Customer") == ["'" + text]
    assert find(connection, {"Order": 1}) == RowFound(found=True, row_number=2, row={"Order": 1, "Customer": text})


def test_numbers_dates_and_yes_no_stay_what_they_are(tmp_path: Path) -> None:
    values = {
        "Loss": Decimal("-5.00"),
        "Count": -3,
        "Paid": True,
        "When": datetime(2026, 11, 24, 10, 0, tzinfo=UTC),
        "Day": date(2026, 11, 24),
        "None": None,
    }
    add(connect(tmp_path, "orders.csv"), rows_to_add(1, values))
    assert csv_rows(tmp_path / "orders.csv")[1] == ["-5.00", "-3", "TRUE", "2026-11-24 10:00:00", "2026-11-24", ""]


@pytest.mark.parametrize(
    "hostile",
    [
        "Ana\r\nOrder,999\r\n",
        "He said \"no\", twice; 'really'",
        "x" * 1_000_000,
        "🧵 لا‎ שלום 🏴‍☠️",
        ' ="1"',
        "a;=1+1\t=2",
    ],
)
def test_hostile_text_stays_in_its_cell(tmp_path: Path, hostile: str) -> None:
    connection = connect(tmp_path, "orders.csv")
    add(connection, rows_to_add(1, {"Customer": hostile, "Order": 1}))
    add(connection, rows_to_add(2, {"Customer": "next", "Order": 2}))
    csv_text = csv_rows(tmp_path / "orders.csv")
    assert column(csv_text, "Order") == ["1", "2"]
    assert column(csv_text, "Customer")[0] == hostile


def test_characters_that_no_reader_accepts_are_replaced(tmp_path: Path) -> None:
    add(connect(tmp_path, "orders.csv"), rows_to_add(1, {"Customer": "A\x00na\ud800\x1b"}))
    assert column(csv_rows(tmp_path / "orders.csv"), "Customer") == ["A\ufffdna\ufffd\ufffd"]


def test_a_cell_with_any_programs_separator_is_quoted(tmp_path: Path) -> None:
    add(connect(tmp_path, "orders.csv"), rows_to_add(1, {"Customer": "a;=1+1"}))
    assert (tmp_path / "orders.csv").read_text().splitlines()[1] == '"a;=1+1"'


def test_a_row_of_empty_texts_is_a_dead_letter_and_the_others_are_written(tmp_path: Path) -> None:
    refused, written = add(connect(tmp_path, "orders.csv"), rows_to_add(1, {"Order": " ", "Note": ""}, {"Order": 2}))
    assert isinstance(refused, Permanent)
    assert isinstance(written, RowAdded)
    assert column(csv_rows(tmp_path / "orders.csv"), "Order") == ["2"]


def test_a_file_without_a_final_line_end_gets_one(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_bytes(b"Order\n1")
    add(connect(tmp_path, "orders.csv"), rows_to_add(1, {"Order": 2}))
    assert (tmp_path / "orders.csv").read_bytes() == b"Order\n1\n2\n"


def test_row_numbers_follow_what_people_do_to_the_file(tmp_path: Path) -> None:
    connection, path = connect(tmp_path, "orders.csv"), tmp_path / "orders.csv"
    add(connection, rows_to_add(1, {"Order": 1}, {"Order": 2}))
    path.write_text('Order\r\n2\r\n1\r\n7\r\n"8\n8"\r\n')
    (added,) = add(connection, rows_to_add(2, {"Order": 3}))
    assert isinstance(added, RowAdded)
    assert added.row_number == 6


def test_update_changes_the_named_cells_of_the_first_fitting_row_and_no_other_byte(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes(b'Order;State;"Note"\n1;open;"x"\n2;open;"keep ""this"""\n2;open;second\n-3;open;=1+1\n')
    connection = connect(tmp_path, "orders.csv")
    assert change(connection, 1, {"Order": Decimal("2.0")}, {"State": "=shipped"}) == RowUpdated(
        found=True, row_number=3
    )
    assert change(connection, 2, {"Order": -3}, {"State": "done"}) == RowUpdated(found=True, row_number=5)
    assert path.read_bytes() == (
        b'Order;State;"Note"\n1;open;"x"\n2;\'=shipped;"keep ""this"""\n2;open;second\n-3;done;=1+1\n'
    )


def test_update_keeps_the_permissions_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("Order,State\n1,open\n")
    path.chmod(0o640)
    change(connect(tmp_path, "orders.csv"), 1, {"Order": 1}, {"State": "done"})
    assert path.stat().st_mode & 0o777 == 0o640
    assert sorted(one.name for one in tmp_path.iterdir()) == ["orders.csv", "spreadsheets"]


def test_update_and_find_tell_when_no_row_fits(tmp_path: Path) -> None:
    connection = connect(tmp_path, "orders.csv")
    assert change(connection, 1, {"Order": 1}, {"State": "done"}) == RowUpdated(found=False)
    assert find(connection, {"Order": 1}) == RowFound(found=False)
    add(connection, rows_to_add(2, {"Order": 1}))
    assert change(connection, 3, {"Order": 5}, {"Order": 6}) == RowUpdated(found=False)
    assert find(connection, {"Order": 5}) == RowFound(found=False)


def test_an_empty_value_finds_no_row(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("Order,E-mail\n1,\n")
    connection = connect(tmp_path, "orders.csv")
    assert find(connection, {"E-mail": ""}) == RowFound(found=False)
    assert change(connection, 1, {"E-mail": None}, {"Order": 2}) == RowUpdated(found=False)


def test_text_with_leading_zeros_is_not_the_number(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("Code,Name\n7,seven\n007,Bond\n")
    connection = connect(tmp_path, "orders.csv")
    assert find(connection, {"Code": "007"}) == RowFound(found=True, row_number=3, row={"Code": "007", "Name": "Bond"})


def test_numbers_that_are_found_can_be_compared_by_later_steps(tmp_path: Path) -> None:
    (tmp_path / "stock.csv").write_text("SKU,Stock,Price,Code\nMUG,4,24.50,0012\n")
    found = find(connect(tmp_path, "stock.csv"), {"SKU": "MUG"})
    row = {"SKU": "MUG", "Stock": 4, "Price": 24.5, "Code": "0012"}
    assert found == RowFound(found=True, row_number=2, row=row)
    assert json.loads(found.model_dump_json())["row"] == row


def test_find_by_two_columns_needs_both(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("Order,Item,Count\n1,MUG,2\n1,POSTER,3\n")
    found = find(connect(tmp_path, "orders.csv"), {"Order": 1, "Item": "POSTER"})
    assert found == RowFound(found=True, row_number=3, row={"Order": 1, "Item": "POSTER", "Count": 3})


def test_a_batch_that_comes_again_writes_nothing_and_answers_the_same(tmp_path: Path) -> None:
    first = add(connect(tmp_path, "orders.csv"), orders_to_add(7, 1, 2, 3))
    assert add(connect(tmp_path, "orders.csv"), orders_to_add(7, 1, 2, 3)) == first
    assert column(csv_rows(tmp_path / "orders.csv"), "Order") == ["1", "2", "3"]


def test_a_part_of_a_batch_that_comes_again_is_known_row_by_row(tmp_path: Path) -> None:
    connection = connect(tmp_path, "orders.csv")
    first = add(connection, orders_to_add(7, 1, 2))
    answers = AddRow().lookup(connection, orders_to_add(7, 2, 9))
    assert answers == [first[1], NOT_APPLIED]
    add(connection, orders_to_add(7, 2, 9))
    add(connection, orders_to_add(7, 1, 2, 9))
    assert column(csv_rows(tmp_path / "orders.csv"), "Order") == ["1", "2", "9"]


def test_another_batch_with_the_same_rows_is_written_a_person_has_asked_for_it(tmp_path: Path) -> None:
    connection = connect(tmp_path, "orders.csv")
    add(connection, orders_to_add(7, 1))
    add(connection, orders_to_add(8, 1))
    assert column(csv_rows(tmp_path / "orders.csv"), "Order") == ["1", "1"]


def test_a_batch_is_known_after_people_have_sorted_and_edited_the_file(tmp_path: Path) -> None:
    connection, path = connect(tmp_path, "orders.csv"), tmp_path / "orders.csv"
    first = add(connection, orders_to_add(7, 1, 2))
    path.write_text('"Order";"Customer"\n2;Somebody else\n')
    assert AddRow().lookup(connect(tmp_path, "orders.csv"), orders_to_add(7, 1, 2)) == first


def test_receipts_stay_small_and_know_what_they_have_dropped(tmp_path: Path) -> None:
    connection = connect(tmp_path, "orders.csv")
    for batch in range(1, 201):
        add(connection, rows_to_add(batch, *({"Order": row, "Note": "x" * 60} for row in range(500))))
    (receipts,) = (tmp_path / "spreadsheets").glob("*.receipts")
    assert receipts.stat().st_size < 5_000_000
    assert len(csv_rows(tmp_path / "orders.csv")) == 200 * 500 + 1
    again = connect(tmp_path, "orders.csv")
    assert AddRow().lookup(again, rows_to_add(1, {"Order": 1})) == [CANNOT_TELL]
    assert AddRow().lookup(again, rows_to_add(201, {"Order": 1})) == [NOT_APPLIED]
    assert isinstance(AddRow().lookup(again, rows_to_add(200, {"Order": 1}))[0], RowAdded)


def test_damaged_receipts_stop_the_connection_instead_of_risking_a_second_row(tmp_path: Path) -> None:
    connection = connect(tmp_path, "orders.csv")
    add(connection, orders_to_add(1, 1))
    (receipts,) = (tmp_path / "spreadsheets").glob("*.receipts")
    receipts.write_bytes(b"garbage\n" + receipts.read_bytes())
    (refused,) = add(connect(tmp_path, "orders.csv"), orders_to_add(2, 2))
    assert isinstance(refused, ConfigError)
    assert "damaged" in refused.message


@pytest.mark.parametrize("marker", ["~$orders.csv", ".~lock.orders.csv#"])
def test_rows_wait_while_somebody_has_the_file_open_in_an_office_program(tmp_path: Path, marker: str) -> None:
    connection = connect(tmp_path, "orders.csv")
    (tmp_path / marker).touch()
    (refused,) = add(connection, orders_to_add(1, 1))
    assert isinstance(refused, ConfigError)
    assert "is open in" in refused.message
    (tmp_path / marker).unlink()
    assert isinstance(add(connection, orders_to_add(1, 1))[0], RowAdded)


def test_a_file_in_another_encoding_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_bytes("Größe\n1\n".encode("cp1252"))
    (refused,) = add(connect(tmp_path, "orders.csv"), rows_to_add(1, {"Größe": 2}))
    assert isinstance(refused, ConfigError)
    assert refused.hint == "Save it again as “CSV UTF-8 (comma delimited)”."


def test_a_missing_folder_outside_the_data_folder_is_told_not_made(tmp_path: Path) -> None:
    connection = connect(tmp_path / "data", str(tmp_path / "share" / "orders.csv"))
    (refused,) = add(connection, orders_to_add(1, 1))
    assert isinstance(refused, ConfigError)
    assert not (tmp_path / "share").exists()


def test_a_disk_that_fills_up_in_the_middle_of_a_row_pauses_the_connection_and_leaves_no_half_row(
    tmp_path: Path,
) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("Order,Customer\n" + "1,Bo\n" * 20_000)
    connection, size = connect(tmp_path, "orders.csv"), path.stat().st_size
    with files_no_larger_than(size + 10):
        (refused,) = add(connection, orders_to_add(1, 1042))
    assert isinstance(refused, ConfigError)
    assert refused.message == f"There is no space left for {path}."
    assert path.stat().st_size == size
    assert AddRow().lookup(connection, orders_to_add(1, 1042)) == [NOT_APPLIED]
    add(connection, orders_to_add(2, 1042))
    assert csv_rows(path)[-1] == ["1042", "Ana Núñez"]


def test_without_space_for_the_receipt_the_row_is_not_written(tmp_path: Path) -> None:
    connection = connect(tmp_path, "orders.csv")
    add(connection, orders_to_add(1, 1))
    with files_no_larger_than(1000):
        (refused,) = add(connection, rows_to_add(2, {"Order": 2, "Customer": "x" * 5000}))
    assert isinstance(refused, ConfigError)
    add(connection, orders_to_add(3, 3))
    assert column(csv_rows(tmp_path / "orders.csv"), "Order") == ["1", "3"]


def test_check_tells_the_columns_and_changes_nothing(tmp_path: Path) -> None:
    connection = connect(tmp_path, "orders.csv")
    assert connection.check().ok
    assert not (tmp_path / "orders.csv").exists()
    (tmp_path / "orders.csv").write_text("Order,Total\n")
    assert connection.check().message.endswith("orders.csv has the columns Order, Total.")
    (tmp_path / "~$orders.csv").touch()
    assert not connection.check().ok


def test_a_file_of_another_kind_is_a_mistake_in_the_settings() -> None:
    with pytest.raises(ValidationError, match=r"“orders\.xls” is neither a \.csv nor an \.xlsx file"):
        Spreadsheet.Config(file="orders.xls")


def test_tabs_have_no_meaning_and_one_batch_for_several_is_one_append(tmp_path: Path) -> None:
    connection = connect(tmp_path, "orders.csv")
    one, two = (
        rows_to_add(1, {"Order": 1}, sheet="A", names=["a"]),
        rows_to_add(1, {"Order": 2}, sheet="B", names=["b"]),
    )
    both = Batch(1, [*one.deliveries, *two.deliveries])
    add(connection, both)
    add(connection, both)
    assert column(csv_rows(tmp_path / "orders.csv"), "Order") == ["1", "2"]


@pytest.mark.parametrize("file", ["orders.csv", "orders.xlsx"])
def test_a_file_that_the_hub_may_not_write_pauses_the_connection(file: str) -> None:
    with tempfile.TemporaryDirectory(prefix="hub-") as folder:
        root = Path(folder)
        theirs = root / "theirs"
        theirs.mkdir()
        mine = connect(root / "made", str(theirs / file))
        add(mine, orders_to_add(1, 1))
        assert mine.check().ok
        before = (theirs / file).read_bytes()
        theirs.chmod(0o555)
        (theirs / file).chmod(0o444)
        root.chmod(0o755)
        (root / "data").mkdir(mode=0o777)
        (root / "data").chmod(0o777)
        said = as_nobody(lambda: add(connect(root / "data", str(theirs / file)), orders_to_add(2, 2)))
        assert said.startswith(f"[ConfigError('{theirs / file} cannot be written (Permission denied).')]")
        assert as_nobody(connect(root / "data", str(theirs / file)).check).startswith("Check(ok=False")
        assert (theirs / file).read_bytes() == before
        theirs.chmod(0o755)


def as_nobody(work: Callable[[], object]) -> str:
    """What ``work`` answers to a user without rights."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setuid(65534)
            os.write(writing, repr(work()).encode())
        finally:
            os._exit(0)  # whatever happened: pytest itself must not go on in here
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading) as answer:
        return answer.read()
