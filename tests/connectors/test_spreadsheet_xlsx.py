"""Rows in a local .xlsx file: what people and other programs find in it."""

from __future__ import annotations

import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from openpyxl.styles import Font, PatternFill
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.table import Table

from connectors.spreadsheet import AddRow
from connectors.table import RowAdded, RowFound, RowUpdated
from hub.connector import CANNOT_TELL, NOT_APPLIED, Batch, ConfigError, Permanent
from tests.connectors.spreadsheets import (
    add,
    change,
    column,
    connect,
    find,
    orders_to_add,
    rows_to_add,
    xlsx_rows,
)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A workbook that a person made."""
    made = openpyxl.Workbook()
    sheet = made.active
    assert sheet is not None
    sheet.title = "Orders"
    sheet.append(["Order", "Total", "When"])
    sheet.append([1041, 12.5, None])
    made.create_sheet("Notes")["A1"] = "mine"
    made.save(tmp_path / "orders.xlsx")
    return tmp_path / "orders.xlsx"


def test_file_tab_and_header_are_made_with_the_first_row(tmp_path: Path) -> None:
    outcomes = add(connect(tmp_path, "orders.xlsx"), rows_to_add(1, {"Order": 1042, "Total": Decimal("49.00")}))
    assert xlsx_rows(tmp_path / "orders.xlsx") == [["Order", "Total"], [1042, 49]]
    assert outcomes == [RowAdded(row_number=2, link=(tmp_path / "orders.xlsx").as_uri())]


def test_without_a_tab_name_the_first_tab_is_used(book: Path) -> None:
    add(connect(book.parent, "orders.xlsx"), rows_to_add(1, {"Order": 1042}, sheet=""))
    assert column(xlsx_rows(book), "Order") == [1041, 1042]


def test_a_new_tab_is_made_in_a_workbook_of_the_hub_but_not_in_a_persons(book: Path) -> None:
    tmp_path = book.parent
    own = connect(tmp_path, "own.xlsx")
    add(own, rows_to_add(1, {"Order": 1}))
    add(own, rows_to_add(2, {"Refund": 2}, sheet="Refunds"))
    assert xlsx_rows(tmp_path / "own.xlsx", "Refunds") == [["Refund"], [2]]
    (refused,) = add(connect(tmp_path, "orders.xlsx"), rows_to_add(3, {"Refund": 2}, sheet="Refunds"))
    assert isinstance(refused, ConfigError)
    assert refused.message == "orders.xlsx has no tab “Refunds”."
    assert refused.hint.startswith("Its tabs are “Orders”, “Notes”.")


def test_a_tab_that_somebody_renamed_is_not_made_anew(tmp_path: Path) -> None:
    connection, path = connect(tmp_path, "orders.xlsx"), tmp_path / "orders.xlsx"
    add(connection, rows_to_add(1, {"Order": 1}))
    opened = openpyxl.load_workbook(path)
    opened["Orders"].title = "Bestellungen"
    opened.save(path)
    (refused,) = add(connection, rows_to_add(2, {"Order": 2}))
    assert isinstance(refused, ConfigError)


def test_columns_of_a_persons_tab_are_not_made_and_those_of_the_hubs_are(book: Path) -> None:
    tmp_path = book.parent
    (refused,) = add(connect(tmp_path, "orders.xlsx"), rows_to_add(1, {"Note": "x"}))
    assert isinstance(refused, ConfigError)
    assert refused.message == "“Orders” in orders.xlsx has no column “Note”."
    own = connect(tmp_path, "own.xlsx")
    add(own, rows_to_add(1, {"Order": 1}))
    add(own, rows_to_add(2, {"Note": "new", "Order": 2}))
    assert xlsx_rows(tmp_path / "own.xlsx") == [["Order", "Note"], [1, None], [2, "new"]]


def test_a_column_that_somebody_renamed_is_not_made_anew(tmp_path: Path) -> None:
    connection, path = connect(tmp_path, "orders.xlsx"), tmp_path / "orders.xlsx"
    add(connection, rows_to_add(1, {"Order": 1, "Total": 2}))
    opened = openpyxl.load_workbook(path)
    opened["Orders"]["B1"] = "Amount"
    opened.save(path)
    (refused,) = add(connection, rows_to_add(2, {"Order": 2, "Total": 3}))
    assert isinstance(refused, ConfigError)
    assert len(xlsx_rows(path)) == 2


@pytest.mark.parametrize("text", ['=HYPERLINK("http://x","y")', "=1", "+49 30 1", "-5", "@SUM(A1)", "#N/A", "0155"])
def test_text_stays_text(tmp_path: Path, text: str) -> None:
    connection = connect(tmp_path, "orders.xlsx")
    add(connection, rows_to_add(1, {"Order": 1, "Customer": text}))
    cell = openpyxl.load_workbook(tmp_path / "orders.xlsx")["Orders"]["B2"]
    assert (cell.data_type, cell.value) == ("s", text)
    assert find(connection, {"Order": 1}) == RowFound(found=True, row_number=2, row={"Order": 1, "Customer": text})


def test_a_formula_like_text_stays_text_when_somebody_edits_the_cell(tmp_path: Path) -> None:
    add(connect(tmp_path, "orders.xlsx"), rows_to_add(1, {"Customer": "=1+1"}, {"Customer": "Ana"}))
    with zipfile.ZipFile(tmp_path / "orders.xlsx") as archive:
        assert archive.read("xl/styles.xml").count(b'quotePrefix="1"') == 1


def test_numbers_and_dates_are_typed(tmp_path: Path) -> None:
    values = {
        "Total": Decimal("-49.95"),
        "Paid": True,
        "When": datetime(2026, 11, 24, 10, 0, tzinfo=UTC),
        "Day": date(2026, 11, 24),
        "Card": 4242424242424242,
    }
    add(connect(tmp_path, "orders.xlsx"), rows_to_add(1, values))
    sheet = openpyxl.load_workbook(tmp_path / "orders.xlsx")["Orders"]
    read = [cell.value for cell in sheet[2]]
    assert read == [-49.95, True, datetime(2026, 11, 24, 10, 0), datetime(2026, 11, 24), "4242424242424242"]
    assert [cell.number_format for cell in sheet[2]] == [
        "General",
        "General",
        "yyyy-mm-dd h:mm:ss",
        "yyyy-mm-dd",
        "General",
    ]


@pytest.mark.parametrize("hostile", ["Ana\r\nOrder\n", "🧵 لا‎ שלום", "<c r='A1'/>&amp;", "x" * 32_767, "_x000D_"])
def test_hostile_text_stays_in_its_cell(tmp_path: Path, hostile: str) -> None:
    connection = connect(tmp_path, "orders.xlsx")
    add(connection, rows_to_add(1, {"Customer": hostile, "Order": 1}, {"Customer": "next", "Order": 2}))
    assert xlsx_rows(tmp_path / "orders.xlsx")[1:] == [[hostile.replace("\r\n", "\n"), 1], ["next", 2]]


def test_what_a_cell_cannot_hold_is_a_dead_letter_with_the_fix_and_the_others_are_written(tmp_path: Path) -> None:
    batch = rows_to_add(1, {"Order": 1, "Note": "x" * 1_000_000}, {"Order": 2, "Note": "A\x00na\ud800"})
    refused, written = add(connect(tmp_path, "orders.xlsx"), batch)
    assert isinstance(refused, Permanent)
    assert "1,000,000 characters" in refused.message
    assert "truncate(32767)" in refused.message
    assert isinstance(written, RowAdded)
    assert xlsx_rows(tmp_path / "orders.xlsx")[1:] == [[2, "A\ufffdna\ufffd"]]


def test_what_a_person_has_arranged_stays(book: Path) -> None:
    opened = openpyxl.load_workbook(book)
    sheet = opened["Orders"]
    sheet["A1"].font = Font(bold=True)
    sheet["B2"].number_format = "#,##0.00 €"
    sheet["B2"].fill = PatternFill("solid", start_color="FFFF00")
    sheet["D1"] = "=SUM(B:B)"
    sheet.freeze_panes = "A2"
    sheet.column_dimensions["A"].width = 33
    sheet.add_data_validation(DataValidation("whole", sqref="A2:A100"))
    opened.save(book)
    add(connect(book.parent, "orders.xlsx"), rows_to_add(1, {"Order": 1042, "Total": Decimal("49.00")}))
    sheet = openpyxl.load_workbook(book)["Orders"]
    assert sheet["A1"].font.bold
    assert not sheet["A3"].font.bold
    assert sheet["D1"].value == "=SUM(B:B)"
    assert (sheet.freeze_panes, sheet.column_dimensions["A"].width) == ("A2", 33)
    assert len(sheet.data_validations.dataValidation) == 1
    assert (sheet["B3"].value, sheet["B3"].number_format) == (49, "#,##0.00 €")
    assert sheet["B3"].fill.start_color.rgb == "00FFFF00"
    assert openpyxl.load_workbook(book)["Notes"]["A1"].value == "mine"


def test_new_rows_belong_to_the_table_above_them(book: Path) -> None:
    opened = openpyxl.load_workbook(book)
    opened["Orders"].add_table(Table(displayName="Orders", ref="A1:C2"))
    opened.save(book)
    add(connect(book.parent, "orders.xlsx"), rows_to_add(1, {"Order": 1042}, {"Order": 1043}))
    table = openpyxl.load_workbook(book)["Orders"].tables["Orders"]
    assert table.ref == "A1:C4"
    assert table.autoFilter is None or table.autoFilter.ref == "A1:C4"


def test_formatted_empty_rows_below_do_not_count(book: Path) -> None:
    opened = openpyxl.load_workbook(book)
    opened["Orders"]["A500"].font = Font(bold=True)
    opened.save(book)
    (added,) = add(connect(book.parent, "orders.xlsx"), rows_to_add(1, {"Order": 1042}))
    assert isinstance(added, RowAdded)
    assert added.row_number == 3


def test_update_changes_the_named_cells_of_the_first_fitting_row(book: Path) -> None:
    connection = connect(book.parent, "orders.xlsx")
    add(connection, rows_to_add(1, {"Order": 1042, "Total": 5}, {"Order": 1042, "Total": 6}))
    assert change(connection, 2, {"Order": "1042"}, {"Total": Decimal("7.5")}) == RowUpdated(found=True, row_number=3)
    assert xlsx_rows(book)[1:] == [[1041, 12.5, None], [1042, 7.5, None], [1042, 6, None]]
    assert change(connection, 3, {"Order": 9}, {"Total": 1}) == RowUpdated(found=False)


def test_a_row_is_found_by_what_its_formula_came_to(book: Path) -> None:
    # openpyxl writes formulas without results; an office program would have put the result there.
    opened = openpyxl.load_workbook(book)
    opened["Orders"]["A2"] = "=1000+41"
    opened.save(book)
    with_result = book.with_name("calculated.xlsx")
    with zipfile.ZipFile(book) as old, zipfile.ZipFile(with_result, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, content.replace(b"<v />", b"<v>1041</v>").replace(b"<v></v>", b"<v>1041</v>"))
    connection = connect(book.parent, "calculated.xlsx")
    assert change(connection, 1, {"Order": 1041}, {"Total": 1}) == RowUpdated(found=True, row_number=2)
    assert xlsx_rows(with_result)[1][:2] == ["=1000+41", 1]


def test_dates_are_found_and_come_back_as_text(tmp_path: Path) -> None:
    connection = connect(tmp_path, "orders.xlsx")
    when = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
    add(connection, rows_to_add(1, {"When": when, "Total": Decimal("2.5")}))
    row = {"When": "2026-11-24 10:00:00", "Total": 2.5}
    assert find(connection, {"When": when}) == RowFound(found=True, row_number=2, row=row)


def test_a_batch_that_comes_again_writes_nothing_and_answers_the_same(tmp_path: Path) -> None:
    first = add(connect(tmp_path, "orders.xlsx"), orders_to_add(7, 1, 2, 3))
    assert add(connect(tmp_path, "orders.xlsx"), orders_to_add(7, 1, 2, 3)) == first
    assert AddRow().lookup(connect(tmp_path, "orders.xlsx"), orders_to_add(7, 3, 4)) == [first[2], NOT_APPLIED]
    assert column(xlsx_rows(tmp_path / "orders.xlsx"), "Order") == [1, 2, 3]


def test_a_batch_is_known_after_a_person_has_sorted_and_saved_the_workbook(tmp_path: Path) -> None:
    connection, path = connect(tmp_path, "orders.xlsx"), tmp_path / "orders.xlsx"
    first = add(connection, orders_to_add(7, 1, 2))
    opened = openpyxl.load_workbook(path)
    opened["Orders"].delete_rows(2, 2)
    opened.save(path)
    assert AddRow().lookup(connection, orders_to_add(7, 1, 2)) == first


def test_receipts_in_the_workbook_stay_few_and_know_what_they_have_dropped(tmp_path: Path) -> None:
    connection, path = connect(tmp_path, "orders.xlsx"), tmp_path / "orders.xlsx"
    for batch in range(1, 26):
        add(connection, orders_to_add(batch, batch))
    assert len(openpyxl.load_workbook(path).custom_doc_props) == 21  # type: ignore[attr-defined]  # not in the stubs
    assert AddRow().lookup(connection, orders_to_add(2, 2)) == [CANNOT_TELL]
    assert AddRow().lookup(connection, orders_to_add(26, 26)) == [NOT_APPLIED]


def test_two_hubs_that_share_a_workbook_do_not_take_each_others_batches_for_their_own(tmp_path: Path) -> None:
    add(connect(tmp_path, "orders.xlsx", hub_id="one"), orders_to_add(1, 1))
    add(connect(tmp_path, "orders.xlsx", hub_id="two"), orders_to_add(1, 1))
    assert column(xlsx_rows(tmp_path / "orders.xlsx"), "Order") == [1, 1]


def test_one_batch_for_two_tabs_writes_both_and_knows_both(tmp_path: Path) -> None:
    connection = connect(tmp_path, "orders.xlsx")
    one, two = (
        rows_to_add(1, {"Order": 1}, sheet="A", names=["a"]),
        rows_to_add(1, {"Order": 2}, sheet="B", names=["b"]),
    )
    both = Batch(1, [*one.deliveries, *two.deliveries])
    first = add(connection, both)
    assert add(connection, both) == first
    assert AddRow().lookup(connection, both) == first
    assert (xlsx_rows(tmp_path / "orders.xlsx", "A"), xlsx_rows(tmp_path / "orders.xlsx", "B")) == (
        [["Order"], [1]],
        [["Order"], [2]],
    )


@pytest.mark.parametrize("content", [b"", b"not a workbook", b"PK\x05\x06" + b"\0" * 18])
def test_a_file_that_is_no_workbook_is_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "orders.xlsx").write_bytes(content)
    (refused,) = add(connect(tmp_path, "orders.xlsx"), orders_to_add(1, 1))
    assert isinstance(refused, ConfigError)
    assert "cannot be read as an Excel workbook" in refused.message
    assert (tmp_path / "orders.xlsx").read_bytes() == content


def test_rows_wait_while_somebody_has_the_workbook_open(book: Path) -> None:
    (book.parent / "~$orders.xlsx").touch()
    (refused,) = add(connect(book.parent, "orders.xlsx"), orders_to_add(1, 1))
    assert isinstance(refused, ConfigError)
    assert refused.message == "orders.xlsx is open in Excel."


def test_a_name_that_excel_refuses_for_a_tab_is_told(tmp_path: Path) -> None:
    (refused,) = add(connect(tmp_path, "orders.xlsx"), rows_to_add(1, {"Order": 1}, sheet="A/B"))
    assert isinstance(refused, ConfigError)
    (too_long,) = add(connect(tmp_path, "orders.xlsx"), rows_to_add(1, {"Order": 1}, sheet="x" * 40))
    assert isinstance(too_long, ConfigError)


def test_merged_cells_are_a_matter_for_a_person(book: Path) -> None:
    opened = openpyxl.load_workbook(book)
    opened["Orders"].merge_cells("A2:B2")
    opened.save(book)
    changed = change(connect(book.parent, "orders.xlsx"), 1, {"Order": 1041}, {"Total": 3})
    assert isinstance(changed, ConfigError)
    assert "B2 in “Orders” is merged" in changed.message


def test_check_tells_the_columns_and_changes_nothing(tmp_path: Path, book: Path) -> None:
    assert connect(tmp_path, "new.xlsx").check().ok
    assert not (tmp_path / "new.xlsx").exists()
    before = book.stat().st_mtime_ns
    assert connect(tmp_path, "orders.xlsx").check().message.endswith("has the columns Order, Total, When.")
    assert book.stat().st_mtime_ns == before
