"""``spreadsheets.batchUpdate`` of the fake Google Sheets: all changes or none.

A kind of change that is not modelled is answered with 501, never ignored.
https://developers.google.com/workspace/sheets/api/guides/batch
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hub.testing import google_grid as grid
from hub.testing.google_book import Book, Json, matches
from hub.testing.google_grid import Refused, Tab, invalid

_MOST_CELLS = 10_000_000
#: https://developers.google.com/workspace/sheets/api/guides/metadata
_METADATA_CHARACTERS = 30_000


def batch_update(book: Book, body: Json, with_cells: bool) -> Json:
    """Applies the requests in their order; the first that is refused undoes them all.

    ``with_cells``: the spreadsheet in the answer, if it is wanted at all, holds cells.
    """
    requests = body.get("requests", [])
    if not requests:
        raise invalid("Must specify at least one request.")
    before = [tab.copy() for tab in book.tabs], dict(book.metadata)
    try:
        answer: Json = {"spreadsheetId": book.id, "replies": [_apply(book, *one) for one in enumerate(requests)]}
        _check_size(book)
        if body.get("includeSpreadsheetInResponse"):
            answer["updatedSpreadsheet"] = book.get(body.get("responseRanges", []), with_cells)
    except Refused:
        book.tabs, book.metadata = before
        raise
    return answer


def _check_size(book: Book) -> None:
    if sum(tab.row_count * tab.column_count for tab in book.tabs) > _MOST_CELLS:
        raise invalid(
            "This action would increase the number of cells in the workbook above the limit of 10000000 cells."
        )


def _apply(book: Book, number: int, request: Json) -> Json:
    changes: dict[str, Callable[[Book, Json], Json]] = {
        "appendCells": _append_cells,
        "updateCells": _update_cells,
        "createDeveloperMetadata": _create_metadata,
        "deleteDeveloperMetadata": _delete_metadata,
        "addSheet": _add_sheet,
        "deleteSheet": _delete_sheet,
    }
    ((kind, content),) = request.items()
    if kind not in changes:
        raise Refused(501, "UNIMPLEMENTED", f"This fake does not know {kind}.")
    try:
        return changes[kind](book, content)
    except Refused as refused:
        raise Refused(refused.code, refused.status, f"Invalid requests[{number}].{kind}: {refused.message}") from None


def _tab(book: Book, id: int) -> Tab:  # noqa: A002 - Google's word
    found = next((tab for tab in book.tabs if tab.id == id), None)
    if found is None:
        raise invalid(f"No grid with id: {id}")
    return found


def _append_cells(book: Book, content: Json) -> Json:
    rows = content.get("rows", [])
    if (
        "tableId" in content
    ):  # https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/request#appendcellsrequest
        tab = next((one for one in book.tabs if one.table and one.table_id == content["tableId"]), None)
        if tab is None:
            raise invalid(f"No table with id: {content['tableId']}")
        top = tab.grow_table(len(rows))
    else:
        tab = _tab(book, content.get("sheetId", 0))
        top = len(tab.rows)
        tab.row_count = max(tab.row_count, top + len(rows))
    _put_rows(tab, top, 0, rows, content["fields"])
    return {}


def _update_cells(book: Book, content: Json) -> Json:
    if "start" not in content:
        raise Refused(501, "UNIMPLEMENTED", "This fake knows updateCells only with a start.")
    start = content["start"]
    tab = _tab(book, start.get("sheetId", 0))
    _put_rows(tab, start.get("rowIndex", 0), start.get("columnIndex", 0), content.get("rows", []), content["fields"])
    return {}


def _create_metadata(book: Book, content: Json) -> Json:
    metadata = content["developerMetadata"]
    id = metadata.get("metadataId") or max(book.metadata, default=0) + 1  # noqa: A001 - Google's word
    location = metadata.get("location", {})
    if id in book.metadata:
        raise invalid(f"The developer metadata ID {id} is already in use.")
    if not metadata.get("metadataKey") or not metadata.get("visibility") or not 0 < id < 2**31:
        raise invalid("Developer metadata needs a key, a visibility and a positive ID.")
    kind = "SPREADSHEET" if location.get("spreadsheet") else "SHEET"
    if kind == "SHEET":
        _tab(book, location.get("sheetId", 0))
    created = metadata | {"metadataId": id, "location": {"locationType": kind, **location}}
    book.metadata[id] = created
    there = [one for one in book.metadata.values() if one["location"] == created["location"]]
    if sum(len(one["metadataKey"]) + len(one.get("metadataValue", "")) for one in there) > _METADATA_CHARACTERS:
        raise invalid("The developer metadata of this location is larger than 30000 characters.")
    return {"createDeveloperMetadata": {"developerMetadata": created}}


def _delete_metadata(book: Book, content: Json) -> Json:
    gone = [one for one in book.metadata.values() if matches(one, content["dataFilter"])]
    for metadata in gone:
        del book.metadata[metadata["metadataId"]]
    return {"deleteDeveloperMetadata": {"deletedDeveloperMetadata": gone}}


def _add_sheet(book: Book, content: Json) -> Json:
    properties = content.get("properties", {})
    title = properties.get("title") or f"Sheet{len(book.tabs) + 1}"
    if any(tab.title.casefold() == title.casefold() for tab in book.tabs):
        raise invalid(f'A sheet with the name "{title}" already exists. Please enter another name.')
    size = properties.get("gridProperties", {})
    tab = Tab(properties.get("sheetId") or next(book.tab_ids), title)
    tab.row_count, tab.column_count = size.get("rowCount", 1000), size.get("columnCount", 26)
    book.tabs.append(tab)
    return {"addSheet": {"properties": book.properties(tab)}}


def _delete_sheet(book: Book, content: Json) -> Json:
    book.tabs.remove(_tab(book, content["sheetId"]))
    book.metadata = {
        known: one for known, one in book.metadata.items() if one["location"].get("sheetId") != content["sheetId"]
    }
    return {}


def _put_rows(tab: Tab, top: int, left: int, rows: Sequence[Json], fields: str) -> None:
    """Writes what the mask ``fields`` names: ``userEnteredValue``, ``userEnteredFormat.numberFormat`` or ``*``."""
    wanted = set(fields.split(","))
    unknown = wanted - {"*", "userEnteredValue", "userEnteredFormat.numberFormat"}
    if unknown:
        raise Refused(501, "UNIMPLEMENTED", f"This fake does not know the cell fields {', '.join(sorted(unknown))}.")
    for row, content in enumerate(rows, top):
        for column, cell in enumerate(content.get("values", []), left):
            if wanted & {"*", "userEnteredValue"}:
                tab.put(row, column, grid.from_extended(cell.get("userEnteredValue", {})))
            if wanted & {"*", "userEnteredFormat.numberFormat"}:
                tab.formats.pop((row, column), None)
                if "numberFormat" in cell.get("userEnteredFormat", {}):
                    tab.formats[row, column] = cell["userEnteredFormat"]["numberFormat"]
