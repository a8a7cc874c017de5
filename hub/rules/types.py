"""The types of values in rules: what a field holds decides how it can be compared, printed and pretended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum


class Kind(StrEnum):
    """The value of each member completes the sentence "“order.total” is …"."""

    TEXT = "text"
    NUMBER = "a number"
    AMOUNT = "an amount of money"
    DATE = "a date"
    YES_NO = "a yes/no value"
    WORDS = "one of a few fixed words"
    COUNTRY = "a country code"
    CURRENCY = "a currency code"
    TIME = "a time of day"
    WEEKDAY = "a day of the week"
    LIST = "a list"
    GROUP = "a group of fields"
    ANY = "of no known type"


@dataclass(frozen=True, slots=True, eq=False)
class Type:
    """What a value is. Lists have an ``element``, groups have ``fields``; ``open`` groups accept any further key."""

    kind: Kind
    element: Type | None = None
    fields: Mapping[str, Field] = field(default_factory=dict)
    open: Type | None = None  #: the type of keys that are not in ``fields`` (metadata: text)
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One entry of the catalogue. ``sample`` is written as in rules.yaml; ``source`` says what must be fetched."""

    name: str
    type: Type
    help: str
    sample: str = ""
    optional: bool = False  #: may be missing: inserts nothing
    source: str = "event"
    typical: bool = True  #: whether the built-in samples have it

    def fetched_from(self, source: str) -> Field:
        return replace(self, source=source)


TEXT = Type(Kind.TEXT)
NUMBER = Type(Kind.NUMBER)
AMOUNT = Type(Kind.AMOUNT)
DATE = Type(Kind.DATE)
YES_NO = Type(Kind.YES_NO)
COUNTRY = Type(Kind.COUNTRY)
CURRENCY = Type(Kind.CURRENCY)
TIME = Type(Kind.TIME)
WEEKDAY = Type(Kind.WEEKDAY)
ANY = Type(Kind.ANY)
TEXTS = Type(Kind.LIST, element=TEXT)

#: Kinds that can be calculated with.
NUMBERS = frozenset({Kind.NUMBER, Kind.AMOUNT})
#: Kinds whose values are text when they are printed and compared.
TEXTUAL = frozenset({Kind.TEXT, Kind.WORDS, Kind.COUNTRY, Kind.CURRENCY, Kind.WEEKDAY})
#: Kinds that cannot stand in a text as they are.
STRUCTURED = frozenset({Kind.LIST, Kind.GROUP})


def words(*allowed: str) -> Type:
    """Text that can only be one of ``allowed``."""
    return Type(Kind.WORDS, words=allowed)


def group(*fields: Field, open: Type | None = None) -> Type:  # noqa: A002 - reads as the attribute it fills
    """A value with named parts."""
    return Type(Kind.GROUP, fields={one.name: one for one in fields}, open=open)


def list_of(element: Type) -> Type:
    return Type(Kind.LIST, element=element)
