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
    spoils: bool = False  #: what stands around it cannot be judged


class Problems:
    """The Problems of one load, over all its files."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, int, int], Problem] = {}
        self._lines: dict[str, Sequence[str]] = {}
        self._silent: set[tuple[str, int]] = set()
        self._elsewhere: set[Problem] = set()
        self._rule: str | None = None
        self._is_closed = False
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

    def add(
        self, code: str, place: Place, message: str, suggestion: str = "", *, named_elsewhere: bool = False
    ) -> None:
        """A mistake: the rule it is in (else the whole file) cannot be used.

        ``named_elsewhere``: about something (a connection, a list) that another place of the file should name; it is
        only a consequence when there is a mistake in such a place.
        """
        self._add(code, place, message, suggestion, Severity.PROBLEM, named_elsewhere)

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

    def close(self) -> None:
        """Nothing more is told: what follows would be about a guess."""
        self._is_closed = True

    def is_silent(self, place: Place) -> bool:
        return (place.file, place.line) in self._silent

    def _add(
        self,
        code: str,
        place: Place,
        message: str,
        suggestion: str,
        severity: Severity,
        named_elsewhere: bool = False,
    ) -> None:
        if severity is Severity.PROBLEM:
            self.spoilt.setdefault(self._rule, f"{message} (line {place.line})")
        if self._is_closed or self.is_silent(place) or self._is_repeated(code, message):
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
        if named_elsewhere:
            self._elsewhere.add(problem)

    def _is_repeated(self, code: str, message: str) -> bool:
        """A root that is missing throughout a rule (no for_each:, no on_error:) is told of once."""
        return code == "X03" and any(
            one.code == code and one.message == message and one.rule == self._rule for one in self._found.values()
        )

    def sorted(self) -> tuple[Problem, ...]:
        """By file in the order of reading, then by place."""
        order = {file: index for index, file in enumerate(self._lines)}
        consequences = self._elsewhere if None in self.spoilt else ()
        found = [one for one in self._found.values() if one not in consequences]
        return tuple(sorted(found, key=lambda one: (order.get(one.file, -1), one.line, one.column)))
