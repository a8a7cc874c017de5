"""What a batch does to a local file, whatever its format: what was done before, new columns, the rows that fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from connectors.table import (
    AddRow,
    Change,
    FindRow,
    Header,
    RowFound,
    RowUpdated,
    UpdateRow,
    Value,
    nothing_to_write,
    too_long,
)
from hub.connector import Answer, Batch, Delivery, Failure, Params, Result

ParamsT = TypeVar("ParamsT", bound=Params)
Outcomes = dict[str, Result | Failure]  #: by effect key


class Book(Protocol):
    """A file with the tab in question chosen; see ``CsvFile`` and ``XlsxFile``."""

    header: Header
    longest: int | None

    def opened(self, sheet: str, *, for_writing: bool) -> AbstractContextManager[Book]: ...
    def close(self) -> None: ...
    def done(self, batch: int, keys: Sequence[str]) -> list[int | Answer | None]: ...
    def make_columns(self, names: Sequence[str]) -> None: ...
    def append(self, batch: int, new: Mapping[str, Mapping[int, Value]]) -> list[int]: ...
    def change(self, batch: int, changes: Sequence[Change]) -> list[int | None]: ...
    def search(self, wanted: Sequence[Mapping[int, Value]]) -> list[tuple[int, list[Value]] | None]: ...


def add(book: Book, batch: Batch[AddRow], result: Callable[[int | None], Result]) -> Outcomes:
    """Adds the rows of a batch below the last one; ``result`` turns a row number into a result."""
    outcomes = _done(book, batch, result)
    for one in _open(batch, outcomes):
        columns = one.params.columns
        _note(outcomes, one.key, nothing_to_write(columns) or too_long(columns, book.longest))
    _make_columns(book, (one.params.columns for one in _open(batch, outcomes)))
    for one in _open(batch, outcomes):
        _note(outcomes, one.key, book.header.problem(one.params.columns))
    rows = {one.key: book.header.place(one.params.columns) for one in _open(batch, outcomes)}
    numbers = book.append(batch.id, rows) if rows else []
    return outcomes | {key: result(number) for key, number in zip(rows, numbers, strict=True)}


def update(book: Book, batch: Batch[UpdateRow]) -> Outcomes:
    """Changes cells in the first row that fits, per delivery."""
    outcomes = _done(book, batch, updated)
    if not book.header.names:
        return {one.key: updated(None) for one in batch.deliveries} | outcomes
    for one in _open(batch, outcomes):
        _note(outcomes, one.key, too_long(one.params.columns, book.longest) or book.header.problem(one.params.find))
    _make_columns(book, (one.params.columns for one in _open(batch, outcomes)))
    for one in _open(batch, outcomes):
        _note(outcomes, one.key, book.header.problem(one.params.columns))
    place = book.header.place
    changes = [Change(one.key, place(one.params.find), place(one.params.columns)) for one in _open(batch, outcomes)]
    numbers = book.change(batch.id, changes) if changes else []
    return outcomes | {change.key: updated(number) for change, number in zip(changes, numbers, strict=True)}


def find(book: Book, batch: Batch[FindRow]) -> Outcomes:
    """Looks for the first row that fits, per delivery."""
    outcomes: Outcomes = {}
    if not book.header.names:
        return {one.key: RowFound(found=False) for one in batch.deliveries}
    for one in batch.deliveries:
        _note(outcomes, one.key, book.header.problem(one.params.find))
    wanted = _open(batch, outcomes)
    rows = book.search([book.header.place(one.params.find) for one in wanted])
    return outcomes | {one.key: _found(book.header, row) for one, row in zip(wanted, rows, strict=True)}


def _done(book: Book, batch: Batch[ParamsT], result: Callable[[int | None], Result]) -> Outcomes:
    """What the batch has written already. What nobody can tell is written: the hub asks again only if it may be."""
    keys = [one.key for one in batch.deliveries]
    rows = zip(keys, book.done(batch.id, keys), strict=True)
    return {key: result(row) for key, row in rows if not isinstance(row, Answer)}


def _open(batch: Batch[ParamsT], outcomes: Outcomes) -> list[Delivery[ParamsT]]:
    return [one for one in batch.deliveries if one.key not in outcomes]


def _note(outcomes: Outcomes, key: str, failure: Failure | None) -> None:
    if failure is not None:
        outcomes[key] = failure


def _make_columns(book: Book, wanted: Iterable[Iterable[str]]) -> None:
    missing = dict.fromkeys(name for columns in wanted for name in book.header.missing(columns))
    if missing:
        book.make_columns(list(missing))


def updated(row: int | None) -> RowUpdated:
    """The result of a change of row number ``row``; None: no row fitted."""
    return RowUpdated(found=row is not None, row_number=row)


def _found(header: Header, row: tuple[int, list[Value]] | None) -> RowFound:
    if row is None:
        return RowFound(found=False)
    number, cells = row
    return RowFound(found=True, row_number=number, row=header.named(cells))
