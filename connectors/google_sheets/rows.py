"""What a batch does to one tab: rows below the last one, cells of rows that fit, rows that are looked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, time
from typing import TypeVar

from connectors.google_sheets.book import Book, Shown
from connectors.google_sheets.tabs import FormulaText, Json, Tab, from_google, letters, to_find
from connectors.google_sheets.tokens import Token, keys_of, may_be_deleted
from connectors.table import (
    AddRow,
    Change,
    Column,
    FindRow,
    RowAdded,
    RowFound,
    RowUpdated,
    Search,
    UpdateRow,
    Value,
    comparable,
    is_blank,
    nothing_to_write,
    too_long,
)
from hub.connector import (
    CANNOT_TELL,
    NOT_APPLIED,
    Answer,
    Batch,
    ConfigError,
    Delivery,
    Failure,
    Field,
    Formula,
    Params,
    Permanent,
    Result,
    Retryable,
)


class NewRow(AddRow):
    """A row with formulas in some of its columns."""

    formula: dict[Column, Formula] | None = Field(
        None, description="formulas by column, fixed text", examples=[{"Net": '=INDIRECT("C"&ROW())/1.2'}]
    )

    new_tab: bool | None = Field(None, description="whether a tab that is not there is made", examples=[True])

    @property
    def names(self) -> list[str]:
        """Every column that gets something."""
        return [*self.columns, *(self.formula or ())]


ParamsT = TypeVar("ParamsT", bound=Params)
AddT = TypeVar("AddT", bound=NewRow)
UpdateT = TypeVar("UpdateT", bound=UpdateRow)
FindT = TypeVar("FindT", bound=FindRow)
WritingT = TypeVar("WritingT", bound=NewRow | UpdateRow)
Outcomes = dict[str, Result | Failure]  #: by effect key

#: Characters in a cell: https://support.google.com/drive/answer/37603
LONGEST = 50_000
#: How far above the end of the grid the last row with anything in it is looked for.
_WINDOW = 1_000


# --- Adding -------------------------------------------------------------------------------------------------------


def add(book: Book, sheet: str, batch: Batch[AddT]) -> Outcomes:
    """Adds the rows of a batch below the last row with anything in it; makes the header of an empty tab."""
    outcomes = _unwritable(batch)
    tab = book.tab_or_new(sheet) if any(one.params.new_tab for one in batch.deliveries) else book.tab(sheet)
    header: list[Json] = []
    if not tab.header.names:
        tab, header = _with_header(book, tab, [one.params.names for one in _open(batch, outcomes)])
    _note(outcomes, batch, lambda params: tab.header.problem(params.names))
    new = _open(batch, outcomes)
    if not new:
        return outcomes
    rows = [_placed(tab, one.params) for one in new]
    token = book.token(batch.id, sheet, [one.key for one in new])
    show = [tab.range("1:1"), _bottom(tab, rows[-1])]
    shown = book.write(tab, token, [*header, tab.append(rows)], show, repeated=batch.repeated)
    # Below a table may stand other things: which row was the last of the tab says nothing then.
    numbers = _numbers(shown, len(rows)) if tab.table is None else [None] * len(rows)
    result = _misplaced if _was_moved(tab, shown, rows) else _added
    return outcomes | {one.key: result(book, tab, number) for one, number in zip(new, numbers, strict=True)}


def _placed(tab: Tab, params: NewRow) -> dict[int, Value]:
    formulas = {tab.header.names.index(name): FormulaText(text) for name, text in (params.formula or {}).items()}
    return {**tab.header.place(params.columns), **formulas}


def _with_header(book: Book, tab: Tab, rows: Sequence[Sequence[str]]) -> tuple[Tab, list[Json]]:
    """An empty tab with the columns of the rows, and the requests that make them."""
    if not tab.is_new and not book.is_empty(tab):
        raise ConfigError(
            f"The first row of {tab.header.sheet} is empty, but there are rows below it.",
            "Put the names of the columns into the first row.",
        )
    names = list(dict.fromkeys(name for row in rows for name in row))
    book.forget(tab.name)
    header = tab.put(1, dict(enumerate(names)))
    return replace(tab, header=replace(tab.header, names=names)), [*([tab.creation()] if tab.is_new else []), *header]


def _bottom(tab: Tab, last_row: Mapping[int, Value]) -> str:
    """The end of a column in which the last row of a batch has something, so that its row number shows."""
    filled = next(column for column, value in last_row.items() if not is_blank(value))
    top = max(1, tab.row_count - _WINDOW)
    return tab.range(f"{letters(filled)}{top}:{letters(filled)}")


def _numbers(shown: Shown | None, count: int) -> list[int | None]:
    """The row numbers of the last ``count`` rows; None when the answer does not tell."""
    if not shown:
        return [None] * count
    top, rows = shown[-1]
    filled = [number for number, row in enumerate(rows, top) if _first_value(row) is not None]
    last = filled[-1] if filled else 0
    return [last - count + 1 + at if last > count else None for at in range(count)]


def _was_moved(tab: Tab, shown: Shown | None, rows: Sequence[Mapping[int, Value]]) -> bool:
    """Whether somebody moved a column between the hub's look at the header and its write."""
    if not shown:
        return False
    _, header = shown[0]
    cells = header[0].get("values", []) if header else []
    names = {column: cell.get("formattedValue", "").strip() for column, cell in enumerate(cells)}
    used = {column for row in rows for column in row}
    return any(names.get(column) != tab.header.names[column] for column in used)


def _added(book: Book, tab: Tab, row: int | None) -> RowAdded:
    return RowAdded(row_number=row, link=tab.link(book.id, row))


def _misplaced(book: Book, tab: Tab, row: int | None) -> Permanent:
    book.forget(tab.name)
    return Permanent(
        f"Row {row or '?'} of {tab.header.sheet} was written in the moment in which somebody moved its columns. "
        f"Put its cells into the right columns by hand: {tab.link(book.id, row)}"
    )


# --- Changing -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Hit:
    """A change, and the row that it is for."""

    change: Change
    row: int

    @property
    def column(self) -> int:
        """The column by which the row was found first of all."""
        return next(iter(self.change.find))


def update(book: Book, sheet: str, batch: Batch[UpdateT]) -> Outcomes:
    """Changes cells in the first row that fits, per delivery."""
    outcomes = _unwritable(batch)
    tab = book.tab(sheet)
    if not tab.header.names:
        return {one.key: RowUpdated(found=False) for one in batch.deliveries} | outcomes
    _note(outcomes, batch, lambda params: tab.header.problem([*params.find, *params.columns]))
    place, new = tab.header.place, _open(batch, outcomes)
    changes = [Change(one.key, place(one.params.find), place(one.params.columns)) for one in new]
    rows = _search(book, tab, [change.find for change in changes])
    hits = [_Hit(change, row) for change, row in zip(changes, rows, strict=True) if row is not None]
    outcomes |= {change.key: RowUpdated(found=False) for change, row in zip(changes, rows, strict=True) if row is None}
    if not hits:
        return outcomes
    token = book.token(batch.id, sheet, [change.key for change in changes], [row is not None for row in rows])
    requests = [request for hit in hits for request in tab.put(hit.row, hit.change.cells)]
    show = [tab.range(f"{letters(hit.column)}{hit.row}") for hit in hits]
    shown = book.write(tab, token, requests, show, repeated=batch.repeated)
    return outcomes | _updated(tab, hits, shown)


def _updated(tab: Tab, hits: Sequence[_Hit], shown: Shown | None) -> Outcomes:
    if shown is None:
        return {hit.change.key: RowUpdated(found=True) for hit in hits}
    overwritten = {(hit.row, column) for hit in hits for column in hit.change.cells}
    outcomes: Outcomes = {}
    for hit, (_, cells) in zip(hits, shown, strict=False):
        there = from_google(_first_value(cells[0] if cells else {}))
        wanted = to_find(hit.change.find[hit.column])
        moved = (hit.row, hit.column) not in overwritten and comparable(there) != comparable(wanted)
        outcomes[hit.change.key] = _wrong_row(tab, hit.row) if moved else RowUpdated(found=True, row_number=hit.row)
    return {hit.change.key: RowUpdated(found=True, row_number=hit.row) for hit in hits} | outcomes


def _wrong_row(tab: Tab, row: int) -> Permanent:
    return Permanent(
        f"Row {row} of {tab.header.sheet} was changed in the moment in which somebody moved its rows, "
        "so another order may have been changed. See to it by hand: the sheet's version history shows both."
    )


def _first_value(row: Json) -> object:
    """The effective value of the first cell of a ``RowData``; None: it is empty."""
    cells = row.get("values", [])
    return next(iter(cells[0].get("effectiveValue", {}).values()), None) if cells else None


# --- Finding ------------------------------------------------------------------------------------------------------


def find(book: Book, sheet: str, batch: Batch[FindT]) -> Outcomes:
    """Looks for the first row that fits, per delivery."""
    outcomes: Outcomes = {}
    tab = book.tab(sheet)
    if not tab.header.names:
        return {one.key: RowFound(found=False) for one in batch.deliveries}
    _note(outcomes, batch, lambda params: tab.header.problem(params.find))
    wanted = _open(batch, outcomes)
    finds = [tab.header.place(one.params.find) for one in wanted]
    numbers = _search(book, tab, finds)
    cells = iter(book.rows(tab, [number for number in numbers if number is not None]))
    for one, find, number in zip(wanted, finds, numbers, strict=True):
        outcomes[one.key] = RowFound(found=False) if number is None else _found(tab, find, number, next(cells))
    return outcomes


def _search(book: Book, tab: Tab, finds: Sequence[Mapping[int, Value]]) -> list[int | None]:
    """The number of the first row that fits, per delivery; reads only the columns that are asked about."""
    columns = sorted({column for find in finds for column in find})
    place = {column: at for at, column in enumerate(columns)}
    search = Search([{place[column]: to_find(value) for column, value in find.items()} for find in finds])
    for number, cells in enumerate(book.columns(tab, columns) if columns else (), 2):
        search.at(number, cells)
    return search.numbers


def _found(tab: Tab, find: Mapping[int, Value], number: int, cells: list[Value]) -> Result | Failure:
    # Dates come as people see them, in whatever format: they cannot be compared here.
    texts = {column: value for column, value in find.items() if not isinstance(value, date | time)}
    there = {column: cells[column] if column < len(cells) else None for column in texts}
    if any(comparable(there[column]) != comparable(value) for column, value in texts.items()):
        return Retryable(f"Somebody moved the rows of {tab.header.sheet} while the hub was reading them.")
    return RowFound(found=True, row_number=number, row=tab.header.named(cells))


# --- Batches ------------------------------------------------------------------------------------------------------


def look_up(
    book: Book, sheet: str, batch: Batch[WritingT], result: Callable[[str, bool], Result]
) -> dict[str, Result | Answer]:
    """What became of a batch that may have been written.

    ``result`` makes one of the tab's link and, for updates, of whether the delivery found its row.
    """
    keys = [one.key for one in batch.deliveries]
    known = book.tokens(anew=True)
    wanted = book.token(batch.id, sheet, keys)
    there = known.get(wanted.id)
    if there is None:
        answer = CANNOT_TELL if may_be_deleted(wanted, known.values()) else NOT_APPLIED
        return dict.fromkeys(keys, answer)
    tab = book.tab(sheet)
    written = _written(tab, batch, there)
    if written is None:
        return dict.fromkeys(keys, CANNOT_TELL)
    link = tab.link(book.id, None)
    results = {key: result(link, bool(there.found >> at & 1)) for at, key in enumerate(written)}
    return {key: results.get(key, NOT_APPLIED) for key in keys}


def _written(tab: Tab, batch: Batch[WritingT], there: Token) -> list[str] | None:
    """The effect keys that a token speaks of; None: it does not speak of this batch as it is now."""
    outcomes = _unwritable(batch)
    before_columns = [one.key for one in _open(batch, outcomes)]
    _note(outcomes, batch, lambda params: tab.header.problem(_names(params)))
    candidates = before_columns, [one.key for one in _open(batch, outcomes)]
    return next((keys for keys in candidates if keys_of(keys) == there.keys), None)


def _names(params: NewRow | UpdateRow) -> list[str]:
    return params.names if isinstance(params, NewRow) else [*params.find, *params.columns]


def _unwritable(batch: Batch[WritingT]) -> Outcomes:
    """The deliveries of a batch that can never be written as they are."""
    outcomes: Outcomes = {}
    for one in batch.deliveries:
        columns = one.params.columns
        nothing = nothing_to_write(columns) if isinstance(one.params, AddRow) else None
        refused = nothing or too_long(columns, LONGEST)
        if refused is not None:
            outcomes[one.key] = refused
    return outcomes


def _note(outcomes: Outcomes, batch: Batch[ParamsT], problem: Callable[[ParamsT], Failure | None]) -> None:
    for one in _open(batch, outcomes):
        found = problem(one.params)
        if found is not None:
            outcomes[one.key] = found


def _open(batch: Batch[ParamsT], outcomes: Outcomes) -> list[Delivery[ParamsT]]:
    return [one for one in batch.deliveries if one.key not in outcomes]
