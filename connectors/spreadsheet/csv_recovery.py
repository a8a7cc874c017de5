"""After a crash: whether the last change of a .csv file was made, also when somebody has saved the file since."""

from __future__ import annotations

import hashlib
import io
import os
from collections import Counter
from pathlib import Path
from typing import BinaryIO

from connectors.spreadsheet.csv_receipts import APPLIED, NOT_APPLIED, UNCLEAR, Intent
from connectors.spreadsheet.csv_text import Layout, layout_of, rows, unguarded

#: How many bytes in front of an append identify its place.
_NEIGHBOURHOOD = 4096


def what_became_of(intent: Intent, path: Path, new_file: Path) -> str:
    """Whether ``intent`` was carried out on ``path``; clears up what was left half done.

    Raises ``OSError`` when the file cannot be read or mended: then nothing may be written yet.
    """
    if intent.text is not None:
        return _appended(intent, intent.text.encode(), path)
    new_file.unlink(missing_ok=True)
    inode = path.stat().st_ino if path.exists() else 0
    return {intent.will_be: APPLIED, intent.was: NOT_APPLIED}.get(inode, UNCLEAR)


def neighbourhood(file: BinaryIO | io.FileIO, at: int) -> str:
    """What tells the bytes in front of ``at``; leaves the file there."""
    start = max(0, at - _NEIGHBOURHOOD)
    file.seek(start)
    return hashlib.sha256(file.read(at - start)).hexdigest()[:16] if at else ""


def _appended(intent: Intent, text: bytes, path: Path) -> str:
    there, size, before = _around(path, intent.at, len(text))
    if there == text:
        return APPLIED
    # After a power cut the file may have its new length already, but not yet its bytes.
    unfinished = size <= intent.at + len(text) and text.startswith(there.rstrip(b"\0"))
    if unfinished and before == intent.before:
        if size > intent.at:
            _cut(path, intent.at)
        return NOT_APPLIED
    # Somebody has saved the file since. Rows that are there were written; rows that are not may have been changed.
    return APPLIED if _holds(path, text) else UNCLEAR


def _around(path: Path, at: int, length: int) -> tuple[bytes, int, str]:
    """What stands at a place, the size of the file, and what stands before that place."""
    if not path.exists():
        return b"", 0, ""
    with path.open("rb") as file:
        before = neighbourhood(file, at)
        return file.read(length), os.fstat(file.fileno()).st_size, before


def _cut(path: Path, size: int) -> None:
    with path.open("r+b", buffering=0) as file:
        file.truncate(size)
        os.fsync(file.fileno())


def _holds(path: Path, text: bytes) -> bool:
    """Whether all rows of ``text`` are somewhere in the file, whatever program has saved it."""
    if not path.exists():
        return False
    written = list(rows(io.BytesIO(text)))
    missing = Counter(_plain(layout_of(written[-1]), row) for row in written)
    with path.open("rb") as file:
        layout = layout_of(next(rows(file), b""))
        file.seek(0)
        missing.subtract(_plain(layout, row) for row in rows(file))
    return not +missing


def _plain(layout: Layout, row: bytes) -> tuple[str, ...]:
    cells = [unguarded(cell).strip() for cell in layout.cells(row.decode("utf-8-sig", "replace"))]
    while cells and not cells[-1]:
        cells.pop()
    return tuple(cells)
