"""A spreadsheet of the fake Google Sheets: its tabs, its values and its developer metadata.

Not modelled: formulas are kept, not calculated; formats other than number formats; merges, filters, charts,
protected ranges, comments; the shift of formats when rows are inserted.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hub.testing import google_grid as grid
from hub.testing.google_grid import Area, Refused, Tab, Value

Json = dict[str, Any]


class Book:
    """One spreadsheet; ``editors`` and ``viewers`` are the accounts that it is shared with."""

    def __init__(self, id: str, title: str, editors: Iterable[str]) -> None:  # noqa: A002 - Google's word
        self.id = id
        self.title = title
        self.editors = set(editors)
        self.viewers: set[str] = set()
        self.tabs = [Tab(0, "Sheet1")]
        self.metadata: dict[int, Json] = {}
        self.tab_ids = itertools.count(1001)

    # --- For tests: what a person does --------------------------------------------------------------------------

    def tab(self, title: str) -> Tab:
        """The tab of that name; KeyError without one."""
        return next(tab for tab in self.tabs if tab.title == title)

    def add_tab(self, title: str, *rows: Sequence[Value]) -> Tab:
        """A new tab with these rows."""
        tab = Tab(next(self.tab_ids), title)
        self.tabs.append(tab)
        for row, values in enumerate(rows):
            for column, value in enumerate(values):
                tab.put(row, column, value)
        return tab

    def rows(self, title: str) -> list[list[Value]]:
        """What is in a tab, without trailing empty cells."""
        return [list(row) for row in self.tab(title).rows]

    # --- spreadsheets.values --------------------------------------------------------------------------------------

    def get_values(self, name: str, options: Mapping[str, str]) -> Json:
        """``values.get``."""
        area = grid.area(name, self.tabs)
        render = options.get("valueRenderOption", "FORMATTED_VALUE")
        dates = options.get("dateTimeRenderOption", "SERIAL_NUMBER")
        values = [
            [grid.rendered(area.tab, row, area.left + at, render, dates) for at in range(len(cells))]
            for row, cells in enumerate(area.values(), area.top)
        ]
        by_columns = options.get("majorDimension") == "COLUMNS"
        if by_columns:
            values = _transposed(values)
        answer: Json = {"range": area.name, "majorDimension": "COLUMNS" if by_columns else "ROWS"}
        return answer | {"values": values} if values else answer

    def update_values(self, name: str, body: Json, option: str) -> Json:
        """``values.update``; a null leaves its cell as it is."""
        area = grid.area(name, self.tabs)
        values = _transposed(body["values"]) if body.get("majorDimension") == "COLUMNS" else body.get("values", [])
        for row, cells in enumerate(values, area.top):
            for column, value in enumerate(cells, area.left):
                if value is not None:
                    area.tab.put(row, column, grid.typed(value, option))
        return self._updated(area, values)

    def append_values(self, name: str, body: Json, options: Mapping[str, str]) -> Json:
        """``values.append``: below the table that is found around the range."""
        area = grid.area(name, self.tabs)
        table = _table(area)
        top, left = (area.top, area.left) if table is None else (table.bottom, table.left)
        values = body.get("values", [])
        if options.get("insertDataOption") == "INSERT_ROWS":
            area.tab.rows[top:top] = [[] for _ in values]
            area.tab.row_count += len(values)
        area.tab.row_count = max(area.tab.row_count, top + len(values))
        start = Area(area.tab, top, left, top + 1, left + 1)
        updates = self.update_values(start.name, {"values": values}, options["valueInputOption"])
        answer: Json = {"spreadsheetId": self.id, "updates": updates}
        return answer | {"tableRange": table.name} if table is not None else answer

    def clear_values(self, name: str) -> Json:
        """``values.clear``."""
        area = grid.area(name, self.tabs)
        for row, cells in enumerate(list(area.values()), area.top):
            for column in range(area.left, area.left + len(cells)):
                area.tab.put(row, column, None)
        return {"spreadsheetId": self.id, "clearedRange": area.name}

    def _updated(self, area: Area, values: Sequence[Sequence[Any]]) -> Json:
        width = max(map(len, values), default=0)
        changed = Area(area.tab, area.top, area.left, area.top + len(values), area.left + max(width, 1))
        return {
            "spreadsheetId": self.id,
            "updatedRange": changed.name,
            "updatedRows": len(values),
            "updatedColumns": width,
            "updatedCells": sum(map(len, values)),
        }

    # --- spreadsheets ---------------------------------------------------------------------------------------------

    def get(self, names: Sequence[str], with_cells: bool) -> Json:
        """``spreadsheets.get``: everything, before a field mask is applied. ``names``: ranges; none: all tabs."""
        areas = [grid.area(name, self.tabs) for name in names]
        tabs = [tab for tab in self.tabs if not areas or any(area.tab is tab for area in areas)]
        sheets = []
        for tab in tabs:
            sheet: Json = {"properties": self.properties(tab)}
            if tab.table is not None:
                sheet["tables"] = [_table_of(tab)]
            if with_cells:
                sheet["data"] = [_data(area) for area in areas or [_whole(tab)] if area.tab is tab]
            sheets.append(sheet)
        answer: Json = {
            "spreadsheetId": self.id,
            "properties": {"title": self.title, "locale": "en_US", "timeZone": "Etc/GMT"},
            "sheets": sheets,
            "spreadsheetUrl": f"https://docs.google.com/spreadsheets/d/{self.id}/edit",
        }
        return answer | {"developerMetadata": list(self.metadata.values())} if self.metadata else answer

    def properties(self, tab: Tab) -> Json:
        """``SheetProperties`` of a tab."""
        return {
            "sheetId": tab.id,
            "title": tab.title,
            "index": self.tabs.index(tab),
            "sheetType": "GRID",
            "gridProperties": {"rowCount": tab.row_count, "columnCount": tab.column_count},
        }

    # --- spreadsheets.developerMetadata -----------------------------------------------------------------------------

    def get_metadata(self, id: int) -> Json:  # noqa: A002 - Google's word
        """``developerMetadata.get``."""
        if id not in self.metadata:
            raise Refused(404, "NOT_FOUND", f"No developer metadata with id: {id}")
        return self.metadata[id]

    def search_metadata(self, filters: Sequence[Json]) -> Json:
        """``developerMetadata.search``."""
        found = []
        for metadata in self.metadata.values():
            matching = [one for one in filters if matches(metadata, one)]
            if matching:
                found.append({"developerMetadata": metadata, "dataFilters": matching})
        return {"matchedDeveloperMetadata": found} if found else {}


def matches(metadata: Json, data_filter: Json) -> bool:
    """Whether a piece of developer metadata is what a ``DataFilter`` looks for."""
    lookup = data_filter.get("developerMetadataLookup")
    if lookup is None or not set(lookup) <= {
        "metadataId",
        "metadataKey",
        "metadataValue",
        "visibility",
        "locationType",
    }:
        raise Refused(501, "UNIMPLEMENTED", "This fake knows metadata look-ups by id, key, value, visibility and type.")
    there = metadata | {"locationType": metadata["location"]["locationType"]}
    return all(there.get(name) == value for name, value in lookup.items())


def _table_of(tab: Tab) -> Json:
    """``Table`` of a tab that has one; starts that are 0 are left out, as in every answer of Google's."""
    assert tab.table is not None
    end, width = tab.table
    area = {"sheetId": tab.id, "endRowIndex": end, "endColumnIndex": width}
    return {"tableId": tab.table_id, "name": tab.title, "range": area}


def _whole(tab: Tab) -> Area:
    return Area(tab, 0, 0, tab.row_count, tab.column_count)


def _data(area: Area) -> Json:
    """``GridData`` of an area, down to its last row with something in it."""
    formatted = [row + 1 for row, column in area.tab.formats if area.left <= column < area.right]
    last = min(area.bottom, max([len(area.tab.rows), *formatted]))
    rows = [_row_data(area, row) for row in range(area.top, last)]
    data: Json = {"rowData": rows} if rows else {}
    return data | {name: value for name, value in (("startRow", area.top), ("startColumn", area.left)) if value}


def _row_data(area: Area, row: int) -> Json:
    cells = [_cell_data(area.tab, row, column) for column in range(area.left, area.right)]
    while cells and not cells[-1]:
        cells.pop()
    return {"values": cells} if cells else {}


def _cell_data(tab: Tab, row: int, column: int) -> Json:
    value, number_format = tab.value(row, column), tab.formats.get((row, column))
    cell: Json = {}
    if value is not None:
        cell |= {"userEnteredValue": grid.extended(value), "formattedValue": grid.shown(value, number_format)}
        if not isinstance(value, grid.Formula):
            cell["effectiveValue"] = grid.extended(value)
    if number_format is not None:
        cell["userEnteredFormat"] = {"numberFormat": dict(number_format)}
    return cell


def _table(area: Area) -> Area | None:
    """The block of filled cells around the upper left of ``area``; a blank row or column ends it.

    https://developers.google.com/workspace/sheets/api/guides/values#appending_values
    """
    tab = area.tab
    filled = [
        (row, column)
        for row in range(area.top, min(area.bottom, len(tab.rows)))
        for column in range(area.left, area.right)
        if tab.value(row, column) is not None
    ]
    if not filled:
        return None
    top, left = filled[0]
    bottom, right = top + 1, left + 1
    while (grown := _grown(tab, top, left, bottom, right)) != (top, left, bottom, right):
        top, left, bottom, right = grown
    return Area(tab, top, left, bottom, right)


def _grown(tab: Tab, top: int, left: int, bottom: int, right: int) -> tuple[int, int, int, int]:
    """The block, one further in each direction in which a cell beside it is filled."""

    def any_filled(rows: Iterable[int], columns: Iterable[int]) -> bool:
        return any(tab.value(row, column) is not None for row, column in itertools.product(rows, list(columns)))

    across, down = range(max(left - 1, 0), right + 1), range(max(top - 1, 0), bottom + 1)
    return (
        top - 1 if top and any_filled([top - 1], across) else top,
        left - 1 if left and any_filled(down, [left - 1]) else left,
        bottom + 1 if any_filled([bottom], across) else bottom,
        right + 1 if any_filled(down, [right]) else right,
    )


def _transposed(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    return [list(column) for column in itertools.zip_longest(*rows, fillvalue="")]
