"""One spreadsheet at Google: what is known of it, and the atomic calls that change it."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from gspread.http_client import HTTPClient
from gspread.urls import SPREADSHEET_BATCH_UPDATE_URL, SPREADSHEET_URL

from connectors.google_sheets import tokens
from connectors.google_sheets.client import Google, Refusal
from connectors.google_sheets.tabs import Json, Tab, from_google, letters, new_tab, read_tab
from connectors.google_sheets.tokens import Token
from connectors.table import Value
from hub.connector import Ambiguous, Clock, ConfigError, Failure, Retryable

#: How long a tab's header that was read is trusted (milliseconds). That nobody moved a column meanwhile is seen in
#: the answer to the write.
_TRUSTED = 10_000
#: What a write answers: the cells that it was asked to show, as they are right after it.
_SHOWN = "updatedSpreadsheet(sheets(data(startRow,rowData(values(formattedValue,effectiveValue)))))"
_AS_VALUES = {"valueRenderOption": "UNFORMATTED_VALUE"}

Shown = Sequence[tuple[int, list[Json]]]
"""Per range that was asked for: the number of its first row, and its rows (``RowData``)."""


class NoTab(ConfigError):
    """The spreadsheet has no such tab."""


class Book:
    """A spreadsheet as one hub uses it. Safe to use from several threads, one per tab."""

    def __init__(self, google: Google, book_id: str, hub_id: str, clock: Clock) -> None:
        self.google = google
        self.id = book_id
        self._hub_id = hub_id
        self._clock = clock
        self._lock = threading.Lock()
        self._tabs: dict[str, tuple[int, Tab]] = {}
        self._tokens: dict[int, Token] | None = None

    # --- Reading --------------------------------------------------------------------------------------------------

    def tab(self, name: str) -> Tab:
        """What is known of a tab: read anew unless that was a moment ago. Raises ``ConfigError`` when there is none."""
        now = self._clock.now()
        read_at, known = self._tabs.get(name, (0, None))
        if known is not None and now - read_at < _TRUSTED:
            return known
        try:
            found = self.google.read(lambda client: read_tab(client, self.id, name))
        except Refusal:
            raise self._no_tab(name) from None
        self._tabs[name] = now, found
        return found

    def tab_or_new(self, name: str) -> Tab:
        """A tab, or one that the next write makes."""
        try:
            return self.tab(name)
        except NoTab:
            return new_tab(name)

    def _no_tab(self, name: str) -> NoTab:
        there = ", ".join(f"“{title}”" for title in self.titles()[1])
        return NoTab(
            f"The spreadsheet has no tab “{name}”.",
            f"Its tabs are {there}. Correct “sheet:” in rules.yaml, make the tab, or write  new_tab: yes",
        )

    def titles(self) -> tuple[str, list[str]]:
        """The name of the spreadsheet, and of its tabs."""
        params: dict[str, Any] = {"fields": "properties(title),sheets(properties(title))"}
        answer = self.google.read(lambda client: client.spreadsheets_get(self.id, params))
        return answer["properties"]["title"], [sheet["properties"]["title"] for sheet in answer["sheets"]]

    def is_empty(self, tab: Tab) -> bool:
        """Whether nothing at all is in a tab."""
        name = tab.range("")[:-1]
        return "values" not in self.google.read(lambda client: client.values_get(self.id, name))

    def columns(self, tab: Tab, wanted: Sequence[int]) -> list[list[Value]]:
        """The rows of a tab below the header, with nothing but the columns ``wanted`` in them; one call."""
        ranges = [tab.range(f"{letters(column)}:{letters(column)}") for column in wanted]
        found = self._values(ranges, {"majorDimension": "COLUMNS", "dateTimeRenderOption": "SERIAL_NUMBER"})
        columns = [one.get("values", [[]])[0] for one in found]
        height = max(map(len, columns), default=0)
        return [
            [from_google(column[row]) if row < len(column) else None for column in columns] for row in range(1, height)
        ]

    def rows(self, tab: Tab, numbers: Sequence[int]) -> list[list[Value]]:
        """Whole rows by number, dates as people see them; one call, none for no rows."""
        if not numbers:
            return []
        ranges = [tab.range(f"{number}:{number}") for number in numbers]
        found = self._values(ranges, {"dateTimeRenderOption": "FORMATTED_STRING"})
        return [[from_google(value) for value in one.get("values", [[]])[0]] for one in found]

    def _values(self, ranges: list[str], options: Mapping[str, Any]) -> list[Json]:
        params: dict[str, Any] = {**_AS_VALUES, **options}
        answer = self.google.read(lambda client: client.values_batch_get(self.id, ranges, params))
        found: list[Json] = answer["valueRanges"]
        return found

    # --- Tokens -----------------------------------------------------------------------------------------------------

    def token(self, batch: int, sheet: str, keys: Sequence[str], found: Sequence[bool] = ()) -> Token:
        """The token that a batch's part for one tab leaves."""
        return tokens.token(self._hub_id, self._clock.now() // 60_000, batch, sheet, keys, found)

    def tokens(self, *, anew: bool) -> dict[int, Token]:
        """The tokens in the spreadsheet, by id; ``anew``: as they are now, not as they were last known."""
        if self._tokens is None or anew:
            url = f"{SPREADSHEET_URL % self.id}/developerMetadata:search"
            answer = self.google.read(lambda client: client.request("post", url, json=tokens.SEARCH).json())
            self._tokens = tokens.found_in(answer)
        return self._tokens

    # --- Writing ----------------------------------------------------------------------------------------------------

    def write(
        self, tab: Tab, token: Token, requests: Sequence[Json], show: Sequence[str], *, repeated: bool
    ) -> Shown | None:
        """Carries out ``requests`` and leaves ``token``, both or neither; what is then in the ranges ``show``.

        None: that had been done before. Raises ``Ambiguous`` when nobody can say whether it happened.
        """
        surplus = tokens.surplus([*self.tokens(anew=False).values(), token])
        body = {
            "requests": [token.creation, *map(tokens.deletion, surplus), *requests],
            "includeSpreadsheetInResponse": True,
            "responseRanges": list(show),
        }
        try:
            answer = self.google.write(lambda client: _batch_update(client, self.id, body))
        except Refusal as refusal:
            problem = self._problem(tab, token, surplus, refusal, repeated)
            if problem is not None:
                raise problem from None
            return None
        with self._lock:
            kept = {number: one for number, one in (self._tokens or {}).items() if number not in surplus}
            self._tokens = {**kept, token.id: token}
        return _shown(answer)

    def _problem(
        self, tab: Tab, token: Token, surplus: Sequence[int], refusal: Refusal, repeated: bool
    ) -> Failure | None:
        """Why Google refused a write: the sheet has changed, or it never will be; None: it had been applied before."""
        known = self.tokens(anew=True)
        there = known.get(token.id)
        if there is not None and there.keys == token.keys:
            return None
        if there is not None:
            # Another batch has the same id: by chance, or because a backup of the hub's database was restored.
            kind = Ambiguous if repeated else Retryable
            return kind("Another batch has left the same mark in the spreadsheet; the rows come again under a new one.")
        self.forget(tab.name)
        if tab.is_new:
            made = [title for title in self.titles()[1] if title.casefold() == tab.name.casefold()]
            return Retryable(f"Somebody has just made the tab “{made[0]}”.") if made else refusal
        if not known.keys() >= set(surplus) or self.tab(tab.name) != tab:
            return Retryable("The spreadsheet has changed; the hub has looked at it anew.")
        return refusal

    def forget(self, name: str) -> None:
        """Has a tab read anew when it is used next."""
        self._tabs.pop(name, None)


def _batch_update(client: HTTPClient, book_id: str, body: Json) -> Json:
    params: dict[str, Any] = {"fields": _SHOWN}
    answer: Json = client.request("post", SPREADSHEET_BATCH_UPDATE_URL % book_id, params=params, json=body).json()
    return answer


def _shown(answer: Json) -> Shown:
    sheets = answer.get("updatedSpreadsheet", {}).get("sheets", [])
    data = sheets[0].get("data", []) if sheets else []
    return [(one.get("startRow", 0) + 1, one.get("rowData", [])) for one in data]
