"""Rows as comma-separated text (RFC 4180), in the manner of the file they go to.

https://www.rfc-editor.org/rfc/rfc4180 ; the guard against formulas: https://owasp.org/www-community/attacks/CSV_Injection
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from connectors.table import Value, printed

BOM = b"\xef\xbb\xbf"
_DELIMITERS = ",;\t"
#: All separators of all locales: a program with another one than ours must not see two cells where there is one.
_TO_QUOTE = re.compile(r'[,;\t"\r\n]|^\s|\s$')
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
#: The csv module refuses longer cells than its default of 128 KiB.
csv.field_size_limit(1 << 30)


def guarded(value: Value) -> str:
    """``value`` as a cell's text. What people wrote can never start a formula: it gets a leading apostrophe."""
    text = printed(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text


def unguarded(text: str) -> str:
    """The text that was written, without the apostrophe that :func:`guarded` gave it."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file separates cells and rows."""

    delimiter: str = ","
    end: str = "\r\n"

    def line(self, cells: Sequence[str]) -> str:
        """One row, its end included."""
        quoted = (f'"{cell.replace(chr(34), chr(34) * 2)}"' if _TO_QUOTE.search(cell) else cell for cell in cells)
        joined = self.delimiter.join(quoted)
        # A row of one empty cell would be an empty line, which readers skip.
        return (joined or '""') + self.end

    def row(self, values: Mapping[int, Value], width: int) -> str:
        """A row of ``width`` columns with ``values`` by column index."""
        return self.line([guarded(values.get(column)) for column in range(width)])

    def cells(self, line: str) -> list[str]:
        """The cells of one row as they stand in the file."""
        return next(csv.reader([line], delimiter=self.delimiter), [])


def layout_of(first_line: bytes) -> Layout:
    """The manner of a file, from its first row."""
    text = re.sub(r'"[^"]*"', "", first_line.decode("utf-8", "replace"))
    delimiter = max(_DELIMITERS, key=text.count)
    return Layout(delimiter if delimiter in text else ",", "\n" if not first_line.endswith(b"\r\n") else "\r\n")


def decoded(line: bytes) -> str:
    """A row's text, without a byte-order mark; raises ``UnicodeDecodeError`` when it is not UTF-8."""
    return line.removeprefix(BOM).decode("utf-8")


def rows(file: BinaryIO) -> Iterator[bytes]:
    """The rows of a file as they stand, line ends included; a quoted cell may hold line ends of its own."""
    parts: list[bytes] = []
    inside_quotes = False
    for line in file:
        parts.append(line)
        inside_quotes ^= line.count(b'"') % 2 == 1
        if not inside_quotes:
            yield b"".join(parts)
            parts.clear()
    if parts:
        yield b"".join(parts)
