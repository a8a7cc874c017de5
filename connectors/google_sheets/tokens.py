"""The mark that a batch leaves in a spreadsheet, in one atomic call with its rows, so that it can be looked up.

A mark is developer metadata: nobody sees it in the sheet. Google refuses a second one with the same ``metadataId``
and with it the rows of the whole call, so a batch cannot be written twice, not even by a call that arrives late.
https://developers.google.com/workspace/sheets/api/guides/metadata
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.table import fingerprint

Json = dict[str, Any]

#: Ten minutes' worth of calls at Google's quota; a batch in doubt usually comes again within seconds. A spreadsheet
#: has room for 30,000 characters of metadata, and a token takes up to 45 of them.
KEPT = 600
_NAME = "co-hub"
_HUB, _KEYS = 4, 6  # characters


@dataclass(frozen=True, slots=True)
class Token:
    """Says that ``batch`` was written to one tab. ``found``: of an update, which of its deliveries found a row."""

    id: int
    hub: str
    minute: int  #: when, since 1970
    batch: int
    keys: str  #: tells the effect keys
    found: int = 0  #: one bit per delivery

    @property
    def creation(self) -> Json:
        """The request that makes it; refused when there is one with its id."""
        metadata = {
            "metadataId": self.id,
            "metadataKey": _NAME,
            "metadataValue": f"{self.hub} {self.minute:x} {self.batch:x} {self.keys} {self.found:x}",
            # Not PROJECT: the shop may change to a service account of another project while a batch is in doubt.
            "visibility": "DOCUMENT",
            "location": {"spreadsheet": True},
        }
        return {"createDeveloperMetadata": {"developerMetadata": metadata}}


#: The body of a search for the tokens of every hub.
SEARCH: Json = {"dataFilters": [{"developerMetadataLookup": {"metadataKey": _NAME}}]}


def token(hub_id: str, minute: int, batch: int, sheet: str, keys: Sequence[str], found: Sequence[bool] = ()) -> Token:
    """The token of a batch's part for one tab; its id is the same whenever the batch comes again."""
    digest = hashlib.sha256(f"{hub_id}\n{batch}\n{sheet}".encode()).digest()
    number = int.from_bytes(digest[:4], "big") >> 1  # positive and of 32 bits
    bits = sum(1 << at for at, one in enumerate(found) if one)
    return Token(max(number, 1), fingerprint([hub_id])[:_HUB], minute, batch, keys_of(keys), bits)


def keys_of(keys: Iterable[str]) -> str:
    """What a token tells of its effect keys."""
    return fingerprint(keys)[:_KEYS]


def found_in(answer: Json) -> dict[int, Token]:
    """The tokens in the answer to :data:`SEARCH`, by id."""
    matches = [one["developerMetadata"] for one in answer.get("matchedDeveloperMetadata", ())]
    return {one["metadataId"]: _read(one) for one in matches}


def _read(metadata: Json) -> Token:
    hub, minute, batch, keys, found = metadata["metadataValue"].split(" ")
    return Token(metadata["metadataId"], hub, int(minute, 16), int(batch, 16), keys, int(found, 16))


def surplus(known: Iterable[Token]) -> list[int]:
    """The ids of the oldest tokens beyond those that are kept; of hubs that are gone as well."""
    ordered = sorted(known, key=lambda one: (one.minute, one.batch))
    return [one.id for one in ordered[: max(0, len(ordered) - KEPT)]]


def deletion(token_id: int) -> Json:
    """The request that removes a token."""
    return {"deleteDeveloperMetadata": {"dataFilter": {"developerMetadataLookup": {"metadataId": token_id}}}}


def may_be_deleted(wanted: Token, known: Iterable[Token]) -> bool:
    """Whether a token that is not among ``known`` may have been there: none is older, and old ones are removed."""
    there = list(known)
    older = any(one.hub == wanted.hub and one.batch < wanted.batch for one in there)
    return len(there) >= KEPT and not older
