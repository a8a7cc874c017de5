"""A local .csv file: rows are appended and synced; rows that change are rewritten into a new file.

A batch of new rows costs two syncs, its intent's and its rows', however large it and the file are.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path

from connectors.spreadsheet.csv_receipts import APPLIED, NOT_APPLIED, UNCLEAR, Intent, Receipts
from connectors.spreadsheet.csv_recovery import neighbourhood, what_became_of
from connectors.spreadsheet.csv_text import BOM, Layout, decoded, guarded, layout_of, rows, unguarded
from connectors.spreadsheet.local_files import (
    FileLock,
    opened_by_a_person,
    refused,
    replace_file,
    sync_folder,
    write_all,
)
from connectors.table import Change, Header, Search, Value, short, typed
from hub import connector
from hub.connector import CANNOT_TELL, Ambiguous, Answer, ConfigError

_Edit = Callable[[int, list[str]], bool]  #: changes a row's cells, given its number; answers whether it did


class CsvFile:
    """One .csv file. Safe to use from several threads and processes; ``state`` names its receipts and its lock.

    All but ``opened`` and ``close`` is to be used inside ``opened``.
    """

    longest: int | None = None  #: characters in a cell

    def __init__(self, path: Path, state: Path, _hub_id: str) -> None:
        self._path = path
        self._new_file = path.with_name(f".{path.name}.new")
        self._receipts = Receipts(state.with_name(f"{state.name}.receipts"))
        self._lock = FileLock(state.with_name(f"{state.name}.lock"))
        self._layout = Layout()
        self._first_row = b""
        self._made: Sequence[str] = ()  # columns, once the change at hand makes some
        self.header = Header(path.name, [])

    def close(self) -> None:
        """Closes the receipts; a batch under way finishes first."""
        with self._lock.here:
            self._receipts.close()

    @contextmanager
    def opened(self, sheet: str, *, for_writing: bool) -> Iterator[CsvFile]:
        """Holds the file, with its header read and whatever a crash left behind cleared up.

        ``sheet`` has no meaning here. Raises ``ConfigError``, ``RateLimited`` or ``OSError`` when it cannot be had.
        """
        with self._lock.held():
            problem = opened_by_a_person(self._path) if for_writing else None
            if problem is not None:
                raise problem
            self._receipts.refresh()
            intent = self._receipts.unsettled
            if intent is not None:
                self._receipts.settle(what_became_of(intent, self._path, self._new_file))
            self._read_top()
            yield self

    # --- What was done before -----------------------------------------------------------------------------------

    def done(self, batch: int, keys: Sequence[str]) -> list[int | Answer | None]:
        """Per effect key: the row that this batch wrote (None: no row fitted), or what is known otherwise."""
        numbers = self._receipts.rows(batch)
        otherwise = CANNOT_TELL if self._receipts.otherwise(batch) == UNCLEAR else connector.NOT_APPLIED
        return [numbers.get(short(key), otherwise) for key in keys]

    # --- Columns ------------------------------------------------------------------------------------------------

    def _read_top(self) -> None:
        self._first_row, self._made = b"", ()
        if self._path.exists():
            with self._path.open("rb") as file:
                self._first_row = next(rows(file), b"")
        self._layout = layout_of(self._first_row) if self._first_row else Layout()
        names = [unguarded(cell).strip() for cell in self._layout.cells(self._text(self._first_row))]
        self.header = Header(self._path.name, names)

    @property
    def _empty(self) -> bool:
        return not self._first_row

    def _text(self, row: bytes) -> str:
        try:
            return decoded(row)
        except UnicodeDecodeError:
            fix = "Save it again as “CSV UTF-8 (comma delimited)”."
            raise ConfigError(f"{self._path.name} is not in UTF-8.", fix) from None

    def make_columns(self, names: Sequence[str]) -> None:
        """Adds columns at the right, where the hub may: in a file that it made, or that has no rows yet.

        A column that the hub made and that is gone was renamed by somebody: that is for a person to mend.
        """
        made = self._receipts.made
        ours = bool(made) and set(made) <= set(self.header.names) and not set(names) & set(made)
        if not (self._empty or ours or self._count() == 1):
            return
        if self._empty or ours:
            self._made = [*(made if ours else ()), *names]
        self.header = Header(self.header.sheet, [*self.header.names, *names])
        if not self._empty:
            mark = BOM if self._first_row.startswith(BOM) else b""
            self._first_row = mark + self._header_line()
            self._rewrite(0, dict, lambda _number, _cells: False, with_header=True)

    def _header_line(self) -> bytes:
        return self._layout.line([guarded(name) for name in self.header.names]).encode()

    # --- Rows ---------------------------------------------------------------------------------------------------

    def append(self, batch: int, new: Mapping[str, Mapping[int, Value]]) -> list[int]:
        """Adds rows (per effect key the cells by column index) below the last one; returns their numbers.

        Raises ``Ambiguous`` when the disk fails in the middle of it.
        """
        first = 2 if self._empty else self._count() + 1
        numbers = list(range(first, first + len(new)))
        text = self._lines(new.values())
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            at = os.fstat(descriptor).st_size
            before = neighbourhood(file, at)
            text = text if _ends_a_line(file, at) else self._layout.end + text
            data = text.encode()
            all_rows = {**self._receipts.rows(batch), **dict(zip(map(short, new), numbers, strict=True))}
            intent = Intent(batch=batch, rows=all_rows, size=at + len(data), records=numbers[-1], made=self._made)
            self._receipts.intend(replace(intent, text=text, at=at, before=before))
            self._write(descriptor, at, data)
        self._mark(APPLIED)
        return numbers

    def _lines(self, new: Iterable[Mapping[int, Value]]) -> str:
        header = self._header_line().decode() if self._empty else ""
        return header + "".join(self._layout.row(cells, len(self.header.names)) for cells in new)

    def _write(self, descriptor: int, at: int, data: bytes) -> None:
        try:
            os.lseek(descriptor, at, os.SEEK_SET)
            write_all(descriptor, data)
            os.fsync(descriptor)
            if at == 0:
                sync_folder(self._path.parent)
        except OSError as error:
            self._take_back(descriptor, at)
            raise refused(error, self._path) from error

    def _take_back(self, descriptor: int, at: int) -> None:
        try:
            os.ftruncate(descriptor, at)
            os.fsync(descriptor)
        except OSError as error:
            raise Ambiguous(f"The disk with {self._path} failed while rows were written ({error.strerror}).") from error
        self._mark(NOT_APPLIED)

    def _mark(self, how: str) -> None:
        # What is done is done, also when a full disk has no room for the mark: the next opening looks for itself.
        with suppress(OSError):
            self._receipts.settle(how)

    def change(self, batch: int, changes: Sequence[Change]) -> list[int | None]:
        """Changes cells in the first row that fits, per change; returns its number, None where no row fits."""
        search = Search([change.find for change in changes])
        keys = [short(change.key) for change in changes]
        width = len(self.header.names)

        def edit(number: int, cells: list[str]) -> bool:
            hits = search.at(number, [unguarded(cell) for cell in cells])
            for hit in hits:
                cells += [""] * (width - len(cells))
                for column, value in changes[hit].cells.items():
                    cells[column] = guarded(value)
            return bool(hits)

        if not self._empty:
            self._rewrite(
                batch, lambda: {**self._receipts.rows(batch), **dict(zip(keys, search.numbers, strict=True))}, edit
            )
        return search.numbers

    def search(self, wanted: Sequence[Mapping[int, Value]]) -> list[tuple[int, list[Value]] | None]:
        """The number and the cells of the first row that fits, per delivery; None where none does."""
        search = Search(wanted)
        found: dict[int, tuple[int, list[Value]]] = {}
        for number, row in self._numbered() if not self._empty else ():
            cells = [unguarded(cell) for cell in self._layout.cells(self._text(row))]
            for hit in search.at(number, cells):
                found[hit] = (number, [typed(cell) for cell in cells])
        return [found.get(at) for at in range(len(wanted))]

    def _numbered(self) -> Iterator[tuple[int, bytes]]:
        with self._path.open("rb") as file:
            yield from enumerate(islice(rows(file), 1, None), 2)

    def _count(self) -> int:
        """How many rows there are, the header included; counted only when somebody else has changed the file."""
        size = self._path.stat().st_size
        if size == self._receipts.size:
            return self._receipts.records
        with self._path.open("rb") as file:
            return sum(1 for _ in rows(file))

    def _rewrite(
        self, batch: int, places: Callable[[], Mapping[str, int | None]], edit: _Edit, with_header: bool = False
    ) -> None:
        """Replaces the file by one in which ``edit`` has changed rows; the others stay byte for byte."""
        try:
            records, edited = self._copy(edit)
            if edited or with_header:
                new, old = self._new_file.stat(), self._path.stat()
                intent = Intent(batch=batch, rows=places(), size=new.st_size, records=records, made=self._made)
                self._receipts.intend(replace(intent, was=old.st_ino, will_be=new.st_ino))
                replace_file(self._new_file, self._path)
                self._mark(APPLIED)
        finally:
            self._new_file.unlink(missing_ok=True)

    def _copy(self, edit: _Edit) -> tuple[int, bool]:
        number, edited = 1, False
        with self._new_file.open("wb") as file:
            file.write(self._first_row)
            for number, row in self._numbered():
                cells = self._layout.cells(self._text(row))
                changed = edit(number, cells)
                edited |= changed
                file.write(self._layout.line(cells).encode() if changed else row)
            file.flush()
            os.fsync(file.fileno())
        return number, edited


def _ends_a_line(file: io.FileIO, at: int) -> bool:
    file.seek(max(0, at - 1))
    return at == 0 or file.read(1) == b"\n"
