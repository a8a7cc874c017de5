"""The hub's receipts inside an .xlsx file, as custom document properties: saved together with the rows or not at all.

Excel and LibreOffice keep such properties (File › Info › Properties › Advanced) when people edit the workbook.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from openpyxl.packaging.custom import CustomPropertyList, StringProperty

from connectors.table import fingerprint, short
from hub.connector import CANNOT_TELL, NOT_APPLIED, Answer

#: A doubtful batch comes again as soon as the hub has started, so a few are enough.
_KEPT = 20
_MADE = "Hub made "


def properties(book: Any) -> CustomPropertyList[Any]:
    """The custom properties of a workbook (``Any``: the stubs do not know of them)."""
    found: CustomPropertyList[Any] = book.custom_doc_props
    return found


class Receipts:
    """The receipts of one hub in one open workbook; kept when the workbook is saved."""

    def __init__(self, properties: CustomPropertyList[Any], hub_id: str) -> None:
        self._properties = properties
        self._receipt = f"Hub receipt {fingerprint([hub_id])} "

    # --- Rows ---------------------------------------------------------------------------------------------------

    def add(self, batch: int, rows: Mapping[str, int | None]) -> None:
        """Notes which rows a batch wrote, by effect key; None: no row fitted. Drops the oldest receipts."""
        name = f"{self._receipt}{batch}"
        before = self._get(name).split()[1:]
        entries = [*before, *(f"{short(key)}={number or ''}" for key, number in rows.items())]
        self._set(name, " ".join([str(len(entries)), *entries]))
        for old in self._batches()[:-_KEPT]:
            del self._properties[f"{self._receipt}{old}"]

    def done(self, batch: int, keys: Sequence[str]) -> list[int | Answer | None]:
        """Per effect key: the row that the batch wrote (None: no row fitted), or what is known otherwise."""
        count, *entries = self._get(f"{self._receipt}{batch}").split() or ["0"]
        rows = dict(_entry(entry) for entry in entries)
        kept = self._batches()
        dropped = len(kept) >= _KEPT and batch < min(kept)
        # Excel's own dialog holds 255 characters: a text that is shorter than it was no longer tells everything.
        otherwise = CANNOT_TELL if dropped or len(rows) < int(count) else NOT_APPLIED
        return [rows.get(short(key), otherwise) for key in keys]

    def _batches(self) -> list[int]:
        """The batches with a receipt, the oldest first."""
        names = [name for name in self._properties.names if name.startswith(self._receipt)]
        return [int(name.removeprefix(self._receipt)) for name in names]

    # --- Columns ------------------------------------------------------------------------------------------------

    def note_made(self, tab: str, columns: Sequence[str]) -> None:
        """Keeps in mind which columns of a tab the hub has made."""
        name = _MADE + fingerprint([tab])
        self._set(name, " ".join([*self._get(name).split(), *map(_mark, columns)]))

    def made(self, tab: str) -> bool:
        """Whether the hub made the tab."""
        return bool(self._get(_MADE + fingerprint([tab])))

    def may_make_columns(self, tab: str, there: Sequence[str], wanted: Sequence[str]) -> bool:
        """Whether ``wanted`` are new columns of a tab that the hub made, and not renamed ones."""
        made = set(self._get(_MADE + fingerprint([tab])).split())
        return bool(made) and made <= set(map(_mark, there)) and made.isdisjoint(map(_mark, wanted))

    def may_make_tab(self, tab: str) -> bool:
        """Whether ``tab`` is a new tab of a workbook that the hub made, and not a renamed one."""
        return any(name.startswith(_MADE) for name in self._properties.names) and not self.made(tab)

    # --- Properties ---------------------------------------------------------------------------------------------

    def _get(self, name: str) -> str:
        return str(self._properties[name].value or "") if name in self._properties.names else ""

    def _set(self, name: str, value: str) -> None:
        if name in self._properties.names:
            del self._properties[name]
        self._properties.append(StringProperty(name=name, value=value))


def _mark(column: str) -> str:
    return fingerprint([column])[:6]


def _entry(entry: str) -> tuple[str, int | None]:
    key, _, number = entry.partition("=")
    return key, int(number) if number else None
