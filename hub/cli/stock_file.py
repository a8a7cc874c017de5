"""The stock list as a spreadsheet file: what ``hub stock export`` writes and ``hub stock import`` reads."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from hub.errors import HubError
from hub.store.stock import StockItem

COLUMNS = ("sku", "on_hand", "reserved", "low_at")
_NEEDED = ("sku", "on_hand")
_DELIMITERS = ",;\t"
#: https://owasp.org/www-community/attacks/CSV_Injection: what a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_LONGEST_SKU = 200
#: Control characters, and halves of surrogate pairs: PostgreSQL takes neither NUL nor those.
_UNUSABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_MOST_PIECES = 10**9
#: Wrong lines that are named; whoever has more has one cause, and sees it.
_NAMED = 20


@dataclass(frozen=True, slots=True)
class Line:
    """What a line of the file says of a SKU, in pieces. ``low_at`` None: nothing."""

    sku: str
    on_hand: int
    low_at: int | None


def write(file: TextIO, items: Iterable[StockItem]) -> None:
    """Writes the stock list, its header first."""
    rows = [(_guarded(one.sku), one.on_hand, one.reserved, one.low_at) for one in items]
    csv.writer(file).writerows([COLUMNS, *rows])


def read(file: Path) -> list[Line]:
    """The lines of a file, as a spreadsheet program or :func:`write` saved it.

    Raises ``HubError`` that names every line which is wrong; then nothing of the file should be used.
    """
    rows = _rows(file)
    header = [cell.strip().lower().replace(" ", "_") for cell in next(rows, (0, []))[1]]
    if missing := [name for name in _NEEDED if name not in header]:
        remedy = "Begin the file with a line that names the columns: sku, on_hand, and low_at if you like."
        raise HubError(f"{file} has no column “{missing[0]}”.", remedy)
    numbered = {number: dict(zip(header, cells, strict=False)) for number, cells in rows}
    lines = {number: _line(row) for number, row in numbered.items()}
    if wrong := list(_mistakes(lines)):
        more = [f"… and {len(wrong) - _NAMED} more"] if len(wrong) > _NAMED else []
        found = "\n".join(f"  {text}" for text in [*wrong[:_NAMED], *more])
        raise HubError(f"{file} has mistakes:\n{found}", "Nothing was changed. Correct them and import the file again.")
    return [one for one in lines.values() if isinstance(one, Line)]


def _rows(file: Path) -> Iterator[tuple[int, Sequence[str]]]:
    """The rows that are not blank, each with the number of its (last) line."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            first = text.readline()
            text.seek(0)
            reader = csv.reader(text, delimiter=max(_DELIMITERS, key=first.count))
            found = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise HubError(f"{file} cannot be read ({error}).", "Save it as CSV in UTF-8.") from None
    return iter(found)


def _line(row: Mapping[str, str]) -> Line | str:
    """What a row says; or, as a sentence, what is wrong with it."""
    sku, on_hand, low_at = (row.get(name, "").strip() for name in ("sku", "on_hand", "low_at"))
    sku = _unguarded(sku)
    if wrong := mistake_in(sku):
        return wrong
    if not _is_count(on_hand.removeprefix("-")):
        return f"on_hand is “{on_hand}”, not a whole number of pieces"
    if low_at and not _is_count(low_at):
        return f"low_at is “{low_at}”, not a whole number of pieces"
    return Line(sku, int(on_hand), int(low_at) if low_at else None)


def mistake_in(sku: str) -> str:
    """What is wrong with the name of a product, as a sentence; "" when it can be in the stock list."""
    if not sku:
        return "the sku is missing"
    if len(sku) > _LONGEST_SKU or _UNUSABLE.search(sku):
        return f"a sku has at most {_LONGEST_SKU} characters, all on one line"
    return ""


def _mistakes(lines: Mapping[int, Line | str]) -> Iterator[str]:
    first: dict[str, int] = {}
    for number, one in lines.items():
        if isinstance(one, str):
            yield f"line {number}: {one}"
        elif (known := first.setdefault(one.sku, number)) != number:
            yield f"line {number}: “{one.sku}” is in line {known} already"


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= len(str(_MOST_PIECES)) and int(text) <= _MOST_PIECES


def _guarded(sku: str) -> str:
    """A SKU as a cell that no spreadsheet takes for a formula."""
    return f"'{sku}" if sku.lstrip("'").startswith(_FORMULA) else sku


def _unguarded(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA) else cell
