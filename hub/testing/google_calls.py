"""The calls that the fake Google Sheets answers, by method and path.

https://developers.google.com/workspace/sheets/api/reference/rest
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from hub.testing.google_batch import batch_update
from hub.testing.google_book import Book, Json
from hub.testing.google_grid import Refused, invalid
from hub.testing.google_masks import masked

_BOOK = re.compile(r"/v4/spreadsheets/([^/:]+)(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the API; ``query`` has every value of a parameter."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    body: Json | None
    authorization: str

    @property
    def writes(self) -> bool:
        """Whether it counts as a write: all but GET and searches."""
        return self.method != "GET" and not self.path.endswith(":search")

    @property
    def book_id(self) -> str:
        """The spreadsheet it is about; empty when it is about none."""
        found = _BOOK.fullmatch(self.path)
        return found[1] if found else ""

    @property
    def rest(self) -> str:
        """The path behind the spreadsheet's id."""
        found = _BOOK.fullmatch(self.path)
        return found[2] if found else self.path

    def option(self, name: str, otherwise: str = "") -> str:
        """A parameter that is given once."""
        return self.query.get(name, [otherwise])[-1]

    @property
    def options(self) -> dict[str, str]:
        """All parameters, as given last."""
        return {name: values[-1] for name, values in self.query.items()}

    @property
    def ranges(self) -> list[str]:
        return self.query.get("ranges", [])

    def __repr__(self) -> str:
        return f"{self.method} {self.path}"


async def read(request: Request) -> Call:
    """The call that an HTTP request makes."""
    body = await request.json() if await request.body() else None
    query = {name: request.query_params.getlist(name) for name in request.query_params}
    return Call(request.method, request.url.path, query, body, request.headers.get("authorization", ""))


def perform(call: Call, book: Book) -> Json:
    """Carries out ``call``; the answer, cut to its field mask. Raises ``Refused``."""
    for method, pattern, action in _ACTIONS:
        found = re.fullmatch(pattern, call.rest, re.DOTALL)
        if found and method == call.method:
            answer = action(call, book, *found.groups())
            return _masked(answer, call.option("fields"))
    raise Refused(404, "NOT_FOUND", "Method not found.")


def _masked(answer: Json, mask: str) -> Json:
    try:
        cut: Json = masked(answer, mask) if mask else answer
    except ValueError:
        raise invalid(f"Request contains an invalid argument: fields: {mask}") from None
    return cut


def _with_cells(call: Call, asked: bool) -> bool:
    # A mask decides alone: https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/get
    mask = call.option("fields")
    return "data" in re.split(r"\W", mask) if mask else asked


def _get(call: Call, book: Book) -> Json:
    return book.get(call.ranges, _with_cells(call, call.option("includeGridData").lower() == "true"))


def _batch_update(call: Call, book: Book) -> Json:
    body = call.body or {}
    return batch_update(book, body, _with_cells(call, bool(body.get("responseIncludeGridData"))))


def _batch_get_values(call: Call, book: Book) -> Json:
    values = [book.get_values(name, call.options) for name in call.ranges]
    return {"spreadsheetId": book.id, "valueRanges": values}


def _batch_update_values(call: Call, book: Book) -> Json:
    body = call.body or {}
    updated = [book.update_values(one["range"], one, body["valueInputOption"]) for one in body.get("data", [])]
    return {"spreadsheetId": book.id, "responses": updated}


def _values(call: Call, book: Book, name: str) -> Json:
    return book.get_values(name, call.options)


def _update_values(call: Call, book: Book, name: str) -> Json:
    return book.update_values(name, call.body or {}, _input_option(call))


def _append_values(call: Call, book: Book, name: str) -> Json:
    _input_option(call)
    return book.append_values(name, call.body or {}, call.options)


def _input_option(call: Call) -> str:
    option = call.option("valueInputOption")
    if option not in ("RAW", "USER_ENTERED"):
        raise invalid("'valueInputOption' is required but not specified")
    return option


def _clear_values(_call: Call, book: Book, name: str) -> Json:
    return book.clear_values(name)


def _get_metadata(_call: Call, book: Book, number: str) -> Json:
    return book.get_metadata(int(number))


def _search_metadata(call: Call, book: Book) -> Json:
    return book.search_metadata((call.body or {}).get("dataFilters", []))


_ACTIONS: list[tuple[str, str, Callable[..., Any]]] = [
    ("GET", "", _get),
    ("POST", ":batchUpdate", _batch_update),
    ("GET", "/values:batchGet", _batch_get_values),
    ("POST", "/values:batchUpdate", _batch_update_values),
    ("POST", "/values/(.+):append", _append_values),
    ("POST", "/values/(.+):clear", _clear_values),
    ("GET", "/values/(.+)", _values),
    ("PUT", "/values/(.+)", _update_values),
    ("GET", r"/developerMetadata/(\d+)", _get_metadata),
    ("POST", "/developerMetadata:search", _search_metadata),
]
