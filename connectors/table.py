"""What every spreadsheet shares: the settings of its actions, columns by header text, what a cell holds, keys.

Used by ``spreadsheet`` (local files) and ``google_sheets``; knows neither files nor networks.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated

from hub.connector import (
    AfterValidator,
    Cell,
    ConfigError,
    Field,
    Mistake,
    Params,
    Permanent,
    PlainText,
    Result,
)

Value = str | bool | int | Decimal | datetime | date | time | None
"""What a cell holds."""


def _header(text: str) -> str:
    if not text.strip():
        raise Mistake("A column's name cannot be empty.")
    return text.strip()


Column = Annotated[str, AfterValidator(_header)]
Columns = Annotated[dict[Column, Cell], Field(min_length=1)]

_COLUMNS = Field(description="the values by column name", examples=[{"Order": "{{ order.number }}"}])
_FIND = Field(description="the row is the first one with these values", examples=[{"Order": "{{ order.number }}"}])
_SHEET = Field("", max_length=100, description="the tab; empty: the first one", examples=["Orders"])


class AddRow(Params):
    """A row to add below the last one."""

    sheet: PlainText = _SHEET
    columns: Columns = _COLUMNS


class UpdateRow(Params):
    """Cells to change in the first row that has the values of ``find``."""

    sheet: PlainText = _SHEET
    find: Columns = _FIND
    columns: Columns = _COLUMNS


class FindRow(Params):
    """A row to look for: the first one that has the values of ``find``."""

    sheet: PlainText = _SHEET
    find: Columns = _FIND


class RowAdded(Result):
    """Where the row was written; people may have moved it since."""

    row_number: int | None = Field(None, description="the row, when the far end said which", examples=[42])
    link: str = Field(description="opens the sheet at that row")


class RowUpdated(Result):
    """Whether there was such a row, and which."""

    found: bool = Field(description="whether a row had these values")
    row_number: int | None = Field(None, description="the row that was changed", examples=[42])


class RowFound(Result):
    """Whether there is such a row, and what it holds."""

    found: bool = Field(description="whether a row has these values")
    row_number: int | None = Field(None, description="the row", examples=[42])
    row: dict[str, str | bool | int | float | None] = Field(
        default_factory=dict, description="its cells by column name", examples=[{"Stock": 4}]
    )


# --- Cells ------------------------------------------------------------------------------------------------------

#: What neither XML nor other people's readers can hold: control characters, halves of surrogate pairs, non-characters.
_UNUSABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")
#: Cells hold numbers as doubles; this many digits always survive that.
_EXACT_DIGITS = 15


def usable(value: Value) -> Value:
    """``value`` as every kind of sheet can hold it.

    Unusable characters become U+FFFD, times wall time, and numbers that a double cannot hold exactly become text.
    """
    if isinstance(value, str):
        return _UNUSABLE.sub("\ufffd", value)
    if isinstance(value, int | Decimal) and not _fits_a_double(Decimal(value)):
        return printed(value)
    if isinstance(value, datetime | time):
        # A cell has no time zone; the rule has already chosen the shop's.
        return value.replace(tzinfo=None)
    return value


def _fits_a_double(number: Decimal) -> bool:
    return number.is_finite() and len(number.normalize().as_tuple().digits) <= _EXACT_DIGITS


def is_blank(value: Value) -> bool:
    """Whether a cell with this value looks empty."""
    return value is None or (isinstance(value, str) and not value.strip())


def printed(value: Value) -> str:
    """``value`` as text that any program reads back: numbers with a point, dates as in ISO 8601."""
    match value:
        case None:
            return ""
        case bool():
            return "TRUE" if value else "FALSE"
        case Decimal():
            return format(value, "f")
        case datetime():  # also a date: has to come first
            return value.strftime("%Y-%m-%d %H:%M:%S")
        case time():
            return value.strftime("%H:%M:%S")
        case _:
            return str(value)


def comparable(value: Value) -> str:
    """What two cells must share to count as equal: ``1042``, ``"1042"`` and ``1042.0`` do, ``"007"`` and 7 do not."""
    text = printed(value).strip()
    if "." in text and _NUMBER.fullmatch(text):
        text = text.rstrip("0").removesuffix(".")
    return text


def typed(text: str) -> str | int | Decimal:
    """The number that ``text`` is, if it is written as numbers are; else the text."""
    if len(text) > _EXACT_DIGITS or not _NUMBER.fullmatch(text):
        return text
    return Decimal(text) if "." in text else int(text)


def nothing_to_write(columns: Mapping[str, Value]) -> Permanent | None:
    """Why a row cannot be added, if so."""
    if all(is_blank(value) for value in columns.values()):
        return Permanent("Every column of the row is empty, so there is nothing to write. Check the rule's texts.")
    return None


def too_long(columns: Mapping[str, Value], longest: int | None) -> Permanent | None:
    """Why cells cannot be written faithfully, if so. ``longest``: how many characters a cell holds; None: any."""
    for name, value in columns.items():
        if longest is not None and isinstance(value, str) and len(value) > longest:
            return Permanent(
                f"The text for “{name}” has {len(value):,} characters, a cell holds {longest:,}. "
                f"Shorten it in the rule:  | truncate({longest})"
            )
    return None


# --- Columns ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Header:
    """The first row of a sheet; ``sheet`` is how people call it (“Orders” of orders.xlsx)."""

    sheet: str
    names: Sequence[str]

    def missing(self, wanted: Iterable[str]) -> list[str]:
        """Those of ``wanted`` that the sheet does not have."""
        return [name for name in wanted if name not in self.names]

    def problem(self, wanted: Iterable[str]) -> ConfigError | None:
        """Why ``wanted`` cannot be placed, with what to do, if so."""
        for name in wanted:
            times = self.names.count(name)
            if times == 0:
                return self._no_column(name)
            if times > 1:
                return ConfigError(
                    f"{self.sheet} has {times} columns called “{name}”.",
                    "Give each column a name of its own; the hub goes on by itself.",
                )
        return None

    def _no_column(self, name: str) -> ConfigError:
        there = ", ".join(f"“{known}”" for known in self.names if known) or "none"
        close = difflib.get_close_matches(name, [known for known in self.names if known], n=1)
        meant = f"Did you mean “{close[0]}”? " if close else ""
        return ConfigError(
            f"{self.sheet} has no column “{name}”.",
            f"{meant}Its columns are {there}. Add the column to the first row, or correct its name in rules.yaml.",
        )

    def place(self, columns: Mapping[str, Value]) -> dict[int, Value]:
        """The values by column index, from 0. All of them must be there: see :meth:`problem`."""
        return {self.names.index(name): usable(value) for name, value in columns.items()}

    def named(self, cells: Sequence[Value]) -> dict[str, str | bool | int | float | None]:
        """A row's cells by column name, as JSON knows them; columns without a name are left out."""
        filled = [*cells, *[None] * (len(self.names) - len(cells))]
        return {name: _as_json(value) for name, value in zip(self.names, filled, strict=False) if name}


def _as_json(value: Value) -> str | bool | int | float | None:
    if isinstance(value, date | time):
        return printed(value)
    if isinstance(value, Decimal):
        return int(value) if value == int(value) else float(value)
    return value


@dataclass(frozen=True, slots=True)
class Change:
    """New ``cells`` for the first row that has the values of ``find``; both by column index."""

    key: str  #: the effect key
    find: Mapping[int, Value]
    cells: Mapping[int, Value]


class Search:
    """Which of many wanted rows is which: one pass over a sheet, whatever the number of deliveries.

    ``wanted``: per delivery the values to find by column index. An empty value finds nothing: an order without
    an e-mail address must not change the first row without one.
    """

    def __init__(self, wanted: Sequence[Mapping[int, Value]]) -> None:
        self.numbers: list[int | None] = [None] * len(wanted)  #: the row number per delivery, as far as found
        self._open: dict[tuple[int, ...], dict[tuple[str, ...], list[int]]] = {}
        for position, values in enumerate(wanted):
            if not any(is_blank(value) for value in values.values()):
                key = tuple(comparable(value) for value in values.values())
                self._open.setdefault(tuple(values), {}).setdefault(key, []).append(position)

    def at(self, row_number: int, cells: Sequence[Value]) -> list[int]:
        """The positions in ``wanted`` of which this is the first fitting row."""
        hits: list[int] = []
        for columns, keys in self._open.items():
            key = tuple(comparable(cells[column]) if column < len(cells) else "" for column in columns)
            hits += keys.pop(key, [])
        for position in hits:
            self.numbers[position] = row_number
        return sorted(hits)


# --- Batches ------------------------------------------------------------------------------------------------------


def fingerprint(keys: Iterable[str]) -> str:
    """What tells a batch from another one that got the same id after a backup was restored: 8 hex digits."""
    return hashlib.sha256(",".join(keys).encode()).hexdigest()[:8]


def short(key: str) -> str:
    """An effect key as receipts hold it: within its batch that is more than enough."""
    return fingerprint([key])
