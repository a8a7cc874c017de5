"""Expressions and texts as trees: a part of Jinja's grammar
(https://jinja.palletsprojects.com/en/stable/templates/).

``hub.rules.parsing`` and ``hub.rules.text_parsing`` make the trees; every node knows its offset in the text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal


class SyntaxMistake(Exception):
    """Text that cannot be read as the language; ``at`` is the offset in it."""

    def __init__(self, code: str, at: int, message: str, suggestion: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.at = at
        self.message = message
        self.suggestion = suggestion


# --- The tree -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Const:
    value: str | bool | int | Decimal | None
    at: int


@dataclass(frozen=True, slots=True)
class Path:
    """``order.shipping.address.city``, ``raw.custom_fields[0].key``."""

    parts: tuple[str | int, ...]
    at: int

    def __str__(self) -> str:
        return ".".join(map(str, self.parts))


@dataclass(frozen=True, slots=True)
class Part:
    """A field of something that is not a plain path: ``(order.items | first).name``."""

    base: Expression
    name: str | int
    at: int


@dataclass(frozen=True, slots=True)
class ListOf:
    elements: tuple[Expression, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Not:
    operand: Expression
    at: int


@dataclass(frozen=True, slots=True)
class Logic:
    """``and`` or ``or``."""

    word: str
    operands: tuple[Expression, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Compare:
    first: Expression
    rest: tuple[tuple[str, Expression], ...]  #: operator and operand; several are a chain: 1 < x < 5
    at: int


@dataclass(frozen=True, slots=True)
class Arithmetic:
    operator: str
    left: Expression
    right: Expression
    at: int


@dataclass(frozen=True, slots=True)
class Negative:
    operand: Expression
    at: int


@dataclass(frozen=True, slots=True)
class Choice:
    """``a if condition else b``."""

    condition: Expression
    then: Expression
    otherwise: Expression
    at: int


@dataclass(frozen=True, slots=True)
class Filtered:
    base: Expression
    name: str
    arguments: tuple[Expression, ...]
    at: int  #: the filter's name
    start: int


Expression = Const | Path | Part | ListOf | Not | Logic | Compare | Arithmetic | Negative | Choice | Filtered


@dataclass(frozen=True, slots=True)
class Insert:
    expression: Expression
    at: int


@dataclass(frozen=True, slots=True)
class IfBlock:
    branches: tuple[tuple[Expression | None, tuple[Piece, ...]], ...]  #: None: else
    at: int


@dataclass(frozen=True, slots=True)
class ForBlock:
    name: str
    over: Expression
    body: tuple[Piece, ...]
    empty: tuple[Piece, ...]
    at: int


Piece = str | Insert | IfBlock | ForBlock


def paths_in(tree: Expression) -> Iterator[Path]:
    """Every path an expression reads, in reading order."""
    match tree:
        case Path():
            yield tree
        case Part(base=inner) | Not(operand=inner) | Negative(operand=inner):
            yield from paths_in(inner)
        case ListOf(elements=several) | Logic(operands=several):
            yield from _paths_in_all(several)
        case Compare(first=first, rest=rest):
            yield from _paths_in_all((first, *(one for _, one in rest)))
        case Arithmetic(left=left, right=right):
            yield from _paths_in_all((left, right))
        case Choice(condition=condition, then=then, otherwise=otherwise):
            yield from _paths_in_all((then, condition, otherwise))
        case Filtered(base=base, arguments=arguments):
            yield from _paths_in_all((base, *arguments))
        case Const():
            return


def _paths_in_all(trees: Iterable[Expression]) -> Iterator[Path]:
    for tree in trees:
        yield from paths_in(tree)
