"""Tables for spreadsheets, written row by row as they are read."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from starlette.responses import Response, StreamingResponse

from hub.clock import to_datetime
from hub.web.console.desk import HEADERS

_BUFFER = 64 * 1024
#: https://owasp.org/www-community/attacks/CSV_Injection: what a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_answer(name: str, rows: Iterable[tuple[object, ...]]) -> Response:
    """A download; the byte-order mark tells spreadsheet programs that it is UTF-8."""
    headers = HEADERS | {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(_encoded(rows), 200, headers, "text/csv; charset=utf-8")


def _encoded(rows: Iterable[tuple[object, ...]]) -> Iterator[bytes]:
    buffer = io.StringIO()
    buffer.write("\ufeff")
    writer = csv.writer(buffer)
    for row in rows:
        writer.writerow([_cell(one) for one in row])
        if buffer.tell() > _BUFFER:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def _cell(value: object) -> object:
    """Text that would be a formula begins with an apostrophe; numbers stay numbers."""
    if not isinstance(value, str):
        return value
    plain = value.encode("utf-8", "replace").decode()
    return f"'{plain}" if plain.startswith(_FORMULA) else plain


def iso(moment: int | None) -> str:
    """A time of ours in UTC, as spreadsheets read it."""
    return "" if moment is None else to_datetime(moment).strftime("%Y-%m-%d %H:%M:%S")
