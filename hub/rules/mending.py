"""YAML that cannot be read: what the person meant is found line by line, told, and put in its place for the rest.

A correction is only told when the file can be read further with it: every suggestion has been tried.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import yaml

from hub.rules.document import compose, explained, tokens
from hub.rules.line_mistakes import Fix, indented, mistakes_of, special
from hub.rules.problems import Place, Problems

#: So many corrections are tried in one file; a file with more mistakes is told of the first ones.
_MOST = 20
_INVISIBLE = re.compile("[\u00a0\u1680\u2000-\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff]")
_SPECIAL = re.compile(r"(?:^|[\s\[{,])[&*!]\S", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Mended:
    """``node`` is None for an empty file. ``is_changed``: the lines are not those of the file any more."""

    node: yaml.Node | None
    lines: list[str]
    is_changed: bool


def mend(name: str, lines: Sequence[str], problems: Problems) -> Mended | None:
    """PyYAML's nodes of a file, its mistakes told and corrected; None when it is beyond reading."""
    mender = _Mender(name, list(lines), problems)
    mender.whitespace()
    mender.special_signs()
    return mender.compose()


class _Mender:
    def __init__(self, name: str, lines: list[str], problems: Problems) -> None:
        self._name = name
        self._lines = lines
        self._problems = problems
        self._is_changed = False

    # --- Before YAML sees it ---

    def whitespace(self) -> None:
        """Tabs and invisible spaces where indentation or a separating space should be."""
        for index, line in enumerate(self._lines):
            margin = line[: len(line) - len(line.lstrip())]
            if "\t" in margin:
                self._tab(index, margin)
            elif found := _INVISIBLE.search(line):
                self._invisible(index, found.start())

    def _tab(self, index: int, margin: str) -> None:
        message = "This line is indented with a Tab. YAML only allows spaces."
        hint = "Replace each Tab with 2 spaces (most editors: “Convert indentation to spaces”)."
        if not self._is_changed:  # the hint is about the whole file: once is enough
            self._tell(Fix("Y01", index, margin.index("\t"), message, hint, ""))
        rest = self._lines[index].lstrip()
        widths = [
            *_expected_indent(self._lines, index),
            *_nearby_indents(self._lines, index),
            len(margin.expandtabs(2)),
        ]
        texts = [" " * width + rest for width in widths]
        self._replace(index, next((text for text in texts if self._reads_beyond(index, text)), texts[0]))

    def _invisible(self, index: int, at: int) -> None:
        """Only where it changes the meaning: in the margin, behind a dash or a colon."""
        line = self._lines[index]
        if not re.fullmatch(r"\s*(?:-\s*)*(?:[^\s:]+:\s*)?", line[:at]):
            return
        message = "There is an invisible special space here, as copied from a web page."
        self._tell(Fix("Y02", index, at, message, "Delete it and type an ordinary space.", ""))
        self._replace(index, line[:at] + _INVISIBLE.sub(" ", line[at:]))

    def special_signs(self) -> None:
        """Anchors, aliases and tags: YAML reads them, people do not mean them."""
        text = "\n".join(self._lines)
        if not _SPECIAL.search(text):
            return
        for line in _lines_of_special_tokens(text):
            meant = special(self._lines, line)
            if meant is not None:
                self._apply(meant)

    # --- What YAML cannot read ---

    def compose(self) -> Mended | None:
        for _ in range(_MOST):
            try:
                node = compose("\n".join(self._lines))
            except yaml.YAMLError:
                if not self._correct():
                    return None
            else:
                return Mended(node, self._lines, self._is_changed)
        return None

    def _correct(self) -> bool:
        error = explained("\n".join(self._lines))
        if error is None or error.problem_mark is None:
            return self._beyond(0, 0)
        candidates = list(self._candidates(error))
        for index in candidates:
            for fix in mistakes_of(self._lines, index):
                if self._helps(fix):
                    return self._apply(fix)
        for index in candidates:
            for indent in _nearby_indents(self._lines, index):
                moved = indented(self._lines, index, indent)
                if moved is not None and self._helps(moved):
                    return self._apply(moved)
        return self._beyond(min(error.problem_mark.line, len(self._lines) - 1), error.problem_mark.column)

    def _candidates(self, error: yaml.MarkedYAMLError) -> Iterator[int]:
        """The lines where the mistake can be: an error is noticed on its line or later."""
        assert error.problem_mark is not None
        noticed = min(error.problem_mark.line, len(self._lines) - 1)
        marks = [noticed] if error.context_mark is None else [noticed, error.context_mark.line]
        if "scalar" in str(error.context):
            marks.reverse()  # an open quote is where it was opened
        seen = set()
        for line in (*marks, *_before(self._lines, noticed, 4)):
            if line not in seen and line < len(self._lines):
                seen.add(line)
                yield line
        yield from (line for line in self._open_quotes(noticed) if line not in seen)

    def _open_quotes(self, noticed: int) -> Iterator[int]:
        """Lines further up whose quote is still open: it swallowed everything up to the next one."""
        for index in range(noticed):
            if re.search(r":\s+([\"'])(?:(?!\1).)*$", self._lines[index]):
                yield index

    def _beyond(self, line: int, column: int) -> bool:
        message = "This line cannot be read: its punctuation or its indentation is not what YAML expects here."
        hint = "Compare it with the line above: a colon behind each name, “- ” before each step, 2 spaces per level."
        self._tell(Fix("Y10", line, column, message, hint, ""))
        return False

    # --- Trying and telling ---

    def _helps(self, fix: Fix) -> bool:
        return self._reads_beyond(fix.line, fix.text)

    def _reads_beyond(self, index: int, text: str) -> bool:
        """Whether the file can be read further with another line in this place."""
        before = _readable_up_to("\n".join(self._lines))
        changed = [*self._lines[:index], text, *self._lines[index + 1 :]]
        return _readable_up_to("\n".join(changed)) > max(before, index)

    def _apply(self, fix: Fix) -> bool:
        self._tell(fix)
        self._replace(fix.line, fix.text)
        return True

    def _replace(self, index: int, text: str) -> None:
        self._lines[index] = text
        self._is_changed = True

    def _tell(self, fix: Fix) -> None:
        place = Place(self._name, fix.line + 1, fix.column + 1)
        self._problems.add(fix.code, place, fix.message, fix.suggestion)
        self._problems.silence(self._name, fix.line + 1)


def _readable_up_to(text: str) -> float:
    """The line on which reading fails; infinite when it does not."""
    try:
        compose(text)
    except yaml.MarkedYAMLError as error:
        return error.problem_mark.line if error.problem_mark else 0
    except yaml.YAMLError:
        return 0
    return float("inf")


def _lines_of_special_tokens(text: str) -> list[int]:
    found: list[int] = []
    try:
        for token in tokens(text):
            if isinstance(token, yaml.AnchorToken | yaml.AliasToken | yaml.TagToken):
                found.append(token.start_mark.line)
    except yaml.YAMLError:
        pass  # told when it is composed
    return sorted(set(found))


def _before(lines: Sequence[str], index: int, count: int) -> Iterator[int]:
    """The nearest lines with content above one."""
    for line in range(index - 1, -1, -1):
        if lines[line].strip() and not lines[line].lstrip().startswith("#"):
            yield line
            count -= 1
            if not count:
                return


def _expected_indent(lines: Sequence[str], index: int) -> Iterator[int]:
    """Where a line should begin, judging by the one above: below its text, or deeper when it ends with a colon."""
    for above in _before(lines, index, 1):
        margin = re.match(r"\s*(?:- +)?", lines[above])
        assert margin is not None
        yield margin.end() + (2 if lines[above].rstrip().endswith(":") else 0)


def _nearby_indents(lines: Sequence[str], index: int) -> list[int]:
    """Where the lines around begin: their margin, and what stands behind their dashes; the nearest first."""
    own = len(lines[index]) - len(lines[index].lstrip())
    found: set[int] = set()
    below = [line for line in range(index + 1, min(index + 4, len(lines))) if lines[line].strip()]
    for line in (*_before(lines, index, 6), *below):
        match = re.match(r"\s*(?:- +)?", lines[line])
        assert match is not None
        found |= {len(lines[line]) - len(lines[line].lstrip()), match.end()}
    return sorted(found - {own}, key=lambda indent: abs(indent - own))
