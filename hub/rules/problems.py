"""Collecting Problems while a file is read: where they are, one per cause, and which rules they hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from hub.model import Problem, Severity


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a file; lines and columns count from 1."""

    file: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something in an otherwise readable file that does not mean what it looks like; not yet told."""

    code: str
    place: Place
    message: str
    suggestion: str


class Problems:
    """The Problems of one load, over all its files."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, int, int], Problem] = {}
        self._lines: dict[str, Sequence[str]] = {}
        self._silent: set[tuple[str, int]] = set()
        self._rule: str | None = None
        self.spoilt: dict[str | None, str] = {}  #: rules that cannot run, with the first reason; None: the whole file

    def read_lines(self, file: str, lines: Sequence[str]) -> None:
        """Makes a file's lines known, for the excerpts."""
        self._lines[file] = lines

    @contextmanager
    def within(self, rule: str | None) -> Iterator[None]:
        """Problems found meanwhile belong to ``rule``."""
        before, self._rule = self._rule, rule
        try:
            yield
        finally:
            self._rule = before

    def add(self, code: str, place: Place, message: str, suggestion: str = "") -> None:
        """A mistake: the rule it is in (else the whole file) cannot be used."""
        self._add(code, place, message, suggestion, Severity.PROBLEM)

    def warn(self, code: str, place: Place, message: str, suggestion: str = "") -> None:
        """Something to look at; everything runs."""
        self._add(code, place, message, suggestion, Severity.WARNING)

    def add_flaw(self, flaw: Flaw) -> None:
        """What was noticed while the lines were read; it has silenced its own line."""
        self._silent.discard((flaw.place.file, flaw.place.line))
        self.add(flaw.code, flaw.place, flaw.message, flaw.suggestion)
        self._silent.add((flaw.place.file, flaw.place.line))

    def silence(self, file: str, *lines: int) -> None:
        """Nothing more is said about these lines: whatever else is wrong there has the same cause."""
        self._silent.update((file, line) for line in lines)

    def is_silent(self, place: Place) -> bool:
        return (place.file, place.line) in self._silent

    def _add(self, code: str, place: Place, message: str, suggestion: str, severity: Severity) -> None:
        if severity is Severity.PROBLEM:
            self.spoilt.setdefault(self._rule, f"{message} (line {place.line})")
        if self.is_silent(place):
            return
        lines = self._lines.get(place.file, ())
        problem = Problem(
            code=code,
            file=place.file,
            line=place.line,
            column=place.column,
            message=message,
            suggestion=suggestion,
            severity=severity,
            source=lines[place.line - 1] if 0 < place.line <= len(lines) else "",
            rule=self._rule,
        )
        self._found.setdefault((code, place.file, place.line, place.column), problem)

    def sorted(self) -> tuple[Problem, ...]:
        """By file in the order of reading, then by place."""
        order = {file: index for index, file in enumerate(self._lines)}
        return tuple(sorted(self._found.values(), key=lambda one: (order.get(one.file, -1), one.line, one.column)))
