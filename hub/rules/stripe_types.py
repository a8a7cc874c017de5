"""What Stripe knows: its event types, and the fields of the objects in ``raw``.

Read from a file that ``tools/stripe_fields.py`` writes from the installed ``stripe`` package; only when a rule asks.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib import resources
from typing import Any

from hub.rules import suggest
from hub.rules.types import ANY, NUMBER, TEXT, TEXTS, YES_NO, Field, Kind, Type


@lru_cache(maxsize=1)
def _document() -> Mapping[str, Any]:
    packed = resources.files("hub.rules").joinpath("data/stripe.json.gz").read_bytes()
    document: Mapping[str, Any] = json.loads(gzip.decompress(packed))
    return document


def version() -> str:
    """The version of the ``stripe`` package that the file was made from."""
    return str(_document()["version"])


def event_types() -> list[str]:
    return list(_document()["events"])


def is_known(event_type: str) -> bool:
    """Whether Stripe sends events of this type."""
    return event_type in _document()["events"]


def closest(event_type: str) -> str | None:
    known = event_types()
    plain = event_type.removeprefix("v1.")
    return plain if plain in known else suggest.by_spelling(plain, known)


def object_of(event_type: str) -> str:
    """The Stripe object that events of this type are about, if its fields are known."""
    return str(_document()["events"].get(event_type, "")) if "." in event_type else ""


@lru_cache(maxsize=64)
def raw_type(object_name: str) -> Type:
    """The type of ``raw`` for a Stripe object; anything when it is none of those whose fields are known."""
    return Type(Kind.GROUP, fields=_Fields(object_name)) if object_name else ANY


class _Fields(Mapping[str, Field]):
    """The fields of one of Stripe's objects, by its own name or its class's.

    They are made when they are asked for: they contain each other, and most rules ask for none.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def _codes(self) -> Mapping[str, str]:
        document = _document()
        codes: Mapping[str, str] = document["classes"][document["objects"].get(self._name, self._name)]
        return codes

    def __getitem__(self, name: str) -> Field:
        return Field(name, _type(self._codes[name]), "as Stripe sends it")

    def __iter__(self) -> Iterator[str]:
        return iter(self._codes)

    def __len__(self) -> int:
        return len(self._codes)

    def __bool__(self) -> bool:
        return True


_PLAIN = {"s": TEXT, "n": NUMBER, "b": YES_NO, "*": ANY}


def _type(code: str) -> Type:
    first, rest = code[0], code[1:]
    match first:
        case "m":
            return Type(Kind.GROUP, open=TEXT)
        case "[":
            return TEXTS if rest == "s" else Type(Kind.LIST, element=_type(rest))
        case "L":
            data = Field("data", Type(Kind.LIST, element=_type(rest)), "the entries")
            return Type(Kind.GROUP, fields={"data": data, "has_more": Field("has_more", YES_NO, "more than these")})
        case "@":
            return Type(Kind.GROUP, fields=_Fields(rest))
        case "~":
            # An id, or the object itself where the event carries it expanded.
            return Type(Kind.ANY, fields=_Fields(rest))
        case _:
            return _PLAIN[first]
