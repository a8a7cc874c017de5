"""What the hub has done to a .csv file, kept beside the hub's data: the reason why no row is written twice.

Each change is put on the disk as an intent *before* it is made, and marked once it is done. So after a crash only
the last intent can be in doubt, and it says exactly which bytes to look for. All methods are called with the
file's lock held.

The file has one JSON object per line: ``{"columns": [made by the hub]}``, ``{"lost": batch}``, an intent (it has a
``batch``), or ``{"settled": how}`` about the intent before it.
"""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from connectors.spreadsheet.local_files import replace_file, write_all
from hub.connector import ConfigError

APPLIED, NOT_APPLIED, UNCLEAR = "applied", "not applied", "unclear"

#: When the receipts reach the first size they are rewritten: without the rows' texts, at most the second size.
_LARGE = 4 << 20
_SMALL = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A change about to be made. ``rows``: the row number per short effect key; None: there was no such row.

    An append is ``text`` at the byte ``at``, and ``before`` tells the bytes in front of it; a replacement turns the
    file with inode ``was`` into the one with inode ``will_be``. ``size`` and ``records``: of the changed file.
    """

    batch: int
    rows: Mapping[str, int | None]
    size: int
    records: int
    text: str | None = None
    at: int = 0
    before: str = ""
    was: int = 0
    will_be: int = 0
    made: Sequence[str] = ()  #: all columns that the hub has made, when it makes some with this change


class Receipts:
    """The receipts of one .csv file, shared by all processes that write it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1
        self._forget()

    def _forget(self) -> None:
        self._end = 0
        self._start = 0  #: where the latest intent begins
        self._places: dict[int, int] = {}  #: where the latest applied intent of a batch begins
        self._settled: dict[int, str] = {}  #: what became of the latest intent of a batch
        self._lost = 0  #: receipts of batches up to this one may have been dropped
        self.unsettled: Intent | None = None
        self.made: Sequence[str] = ()  #: the columns that the hub itself gave the file
        self.size = -1  #: of the file as the hub left it
        self.records = 0

    def close(self) -> None:
        """Closes the file; it is opened again when it is needed."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    # --- Reading ----------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Takes in what other processes have written since; cuts off a line that a crash left unfinished.

        Raises ``ConfigError`` when the receipts are damaged: without them rows could be written twice.
        """
        self._open()
        if os.fstat(self._descriptor).st_size == self._end:
            return
        with self._path.open("rb") as file:
            file.seek(self._end)
            for line in file:
                if not line.endswith(b"\n"):
                    os.ftruncate(self._descriptor, self._end)
                    return
                self._take(self._parse(line), len(line))

    def _open(self) -> None:
        if self._descriptor >= 0 and not self._is_current():
            self.close()
        if self._descriptor < 0:
            self._forget()
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def _is_current(self) -> bool:
        """Whether the open file still has that name: another process may have rewritten the receipts."""
        return self._path.exists() and self._path.stat().st_ino == os.fstat(self._descriptor).st_ino

    def _parse(self, line: bytes) -> dict[str, Any]:
        try:
            entry: dict[str, Any] = json.loads(line)
        except ValueError:
            raise ConfigError(
                f"The hub's own record {self._path} is damaged.",
                "Restore it from a backup. Without one: compare the sheet with  hub orders,  then delete the file.",
            ) from None
        return entry

    def _take(self, entry: Mapping[str, Any], length: int) -> None:
        if "batch" in entry:
            if self.unsettled is not None:
                self._note(self.unsettled, UNCLEAR)
            self.unsettled = Intent(**{name: value for name, value in entry.items() if name != "settled"})
            self._start = self._end
        if "settled" in entry and self.unsettled is not None:
            self._note(self.unsettled, entry["settled"])
        self.made = entry.get("columns", self.made)
        self._lost = entry.get("lost", self._lost)
        self._end += length

    def _note(self, intent: Intent, how: str) -> None:
        self._settled[intent.batch] = how
        if how == APPLIED:
            self._places[intent.batch] = self._start
            self.size, self.records = intent.size, intent.records
            self.made = intent.made or self.made
        self.unsettled = None

    def otherwise(self, batch: int) -> str:
        """What is known of the rows of a batch that are not among :meth:`rows`: not applied, or unclear."""
        how = self._settled.get(batch)
        return UNCLEAR if how == UNCLEAR or (how != NOT_APPLIED and batch <= self._lost) else NOT_APPLIED

    def rows(self, batch: int) -> Mapping[str, int | None]:
        """The rows that a batch has written, by short key."""
        if batch not in self._places:
            return {}
        with self._path.open("rb") as file:
            file.seek(self._places[batch])
            found: dict[str, int | None] = self._parse(file.readline())["rows"]
        return found

    # --- Writing ----------------------------------------------------------------------------------------------

    def intend(self, intent: Intent) -> None:
        """Puts on the disk what is about to be done."""
        if self._end > _LARGE:
            self._shrink()
        self._append(asdict(intent))
        os.fsync(self._descriptor)

    def settle(self, how: str) -> None:
        """Marks the last intent. Not synced: whoever misses the mark after a power cut looks at the sheet itself."""
        self._append({"settled": how})

    def _append(self, entry: Mapping[str, Any]) -> None:
        line = _line(entry)
        try:
            write_all(self._descriptor, line)
        except OSError:
            os.ftruncate(self._descriptor, self._end)
            raise
        self._take(entry, len(line))

    def _shrink(self) -> None:
        kept, lost = self._latest()
        new = self._path.with_suffix(".new")
        with new.open("wb") as file:
            file.writelines([_line({"columns": self.made}), _line({"lost": max(lost, self._lost)}), *kept])
            file.flush()
            os.fsync(file.fileno())
        replace_file(new, self._path)
        self.refresh()

    def _latest(self) -> tuple[deque[bytes], int]:
        """The latest receipts without texts, and the highest batch among those left out."""
        kept: deque[bytes] = deque()
        size = 0
        lost = max((batch for batch, how in self._settled.items() if how == UNCLEAR), default=0)
        with self._path.open("rb") as file:
            for place in sorted(self._places.values()):
                file.seek(place)
                entry = self._parse(file.readline())
                slim = {name: entry[name] for name in ("batch", "rows", "size", "records")}
                kept.append(_line(slim | {"settled": APPLIED}))
                size += len(kept[-1])
                while size > _SMALL:
                    dropped = kept.popleft()
                    size -= len(dropped)
                    lost = max(lost, json.loads(dropped)["batch"])
        return kept, lost


def _line(entry: Mapping[str, Any]) -> bytes:
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
