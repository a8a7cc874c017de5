"""YAML that cannot be read: what the person meant is found line by line, told, and put in its place for the rest.

A correction is only told when the file can be read further with it: every suggestion has been tried.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import yaml

from hub.rules import shape
from hub.rules.document import compose, explained, tokens
from hub.rules.indentation import before, expected_indents, indents_around, moved, moved_blocks, neighbours
from hub.rules.line_mistakes import Fix, mistakes_of, special
from hub.rules.problems import Place, Problems

#: So many corrections are tried in one file; a file with more mistakes is told of the first ones.
_MOST = 20
_INVISIBLE = re.compile("[\u00a0\u1680\u2000-\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff]")
#: What YAML refuses, and what it takes for the end of a line although editors do not.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
_ALL = float("inf")
_SPECIAL = re.compile(r"(?:^|[\s\[{,])(?:[&*]|!(?!=))\S|:\s+!=", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Mended:
    """``node`` is None for an empty file. ``is_changed``: the lines are not those of the file any more.

    ``is_rebuilt``: what belongs to what was guessed, so nothing more can be said about it.
    """

    node: yaml.Node | None
    lines: list[str]
    is_changed: bool
    is_rebuilt: bool


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
        self._is_rebuilt = False

    # --- Before YAML sees it ---

    def whitespace(self) -> None:
        """Tabs and invisible spaces where indentation or a separating space should be."""
        for index, line in enumerate(self._lines):
            margin = line[: len(line) - len(line.lstrip())]
            if "\t" in margin:
                self._tab(index, margin)
            elif found := _INVISIBLE.search(line):
                self._invisible(index, found.start())
            if found := _FORBIDDEN.search(self._lines[index]):
                message = "There is an invisible control character here, which YAML does not allow."
                self._tell(Fix("Y02", index, found.start(), message, "Delete it.", ""))
                self._replace(index, _FORBIDDEN.sub(" ", self._lines[index]))

    def _tab(self, index: int, margin: str) -> None:
        message = "This line is indented with a Tab. YAML only allows spaces."
        hint = "Replace each Tab with 2 spaces (most editors: “Convert indentation to spaces”)."
        if not self._is_changed:  # the hint is about the whole file: once is enough
            self._tell(Fix("Y01", index, margin.index("\t"), message, hint, ""))
        rest = self._lines[index].lstrip()
        widths = [
            *expected_indents(self._lines, index),
            *indents_around(self._lines, index),
            len(margin.expandtabs(2)),
        ]
        texts = [" " * width + rest for width in widths]
        self._replace(
            index, max(texts, key=lambda text: _readable_up_to(self._text_with(Fix("Y01", index, 0, "", "", text))))
        )

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
        for line, column in _special_tokens(text):
            meant = special(self._lines, line)
            if meant is None:
                message = "This sign has a special meaning in YAML that rules do not use."
                meant = Fix("Y03", line, column, message, "Put the value in quotes.", "", is_guess=True)
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
                return Mended(node, self._lines, self._is_changed, self._is_rebuilt)
        return None

    def _correct(self) -> bool:
        """Applies the correction with which most of the file can be read; False if none helps."""
        error = explained("\n".join(self._lines))
        if error is None or error.problem_mark is None:
            return self._beyond(0, 0)
        noticed = min(error.problem_mark.line, len(self._lines) - 1)
        best = self._best(self._possible(error, noticed))
        return self._beyond(noticed, error.problem_mark.column) if best is None else self._apply(best)

    def _best(self, possible: Iterator[Fix]) -> Fix | None:
        """The correction with which most can be read, and then what is read looks most like rules."""
        best, reach = None, (_readable_up_to("\n".join(self._lines)), 0)
        for fix in possible:
            text = self._text_with(fix)
            found = (_readable_up_to(text), 0)
            if found[0] == _ALL:
                # People indent by two: a line at an odd depth is the one that slipped.
                found = (_ALL, -2 * shape.oddities(compose(text)) - fix.depth % 2)
            if found > reach and found[0] > fix.line:
                best, reach = fix, found
            if reach == (_ALL, 0):
                break
        if best is not None and best.code == "Y09" and (reach[0] < _ALL or reach[1] < -1):
            return replace(best, is_guess=True)
        return best

    def _possible(self, error: yaml.MarkedYAMLError, noticed: int) -> Iterator[Fix]:
        """Corrections that may help, the likeliest first."""
        candidates = list(self._candidates(error, noticed))
        for index in candidates:
            yield from mistakes_of(self._lines, index)
        for index in candidates:
            for indent in indents_around(self._lines, index):
                yield from moved(self._lines, index, index + 1, indent)
        yield from moved_blocks(self._lines, noticed)

    def _candidates(self, error: yaml.MarkedYAMLError, noticed: int) -> Iterator[int]:
        """The lines where the mistake can be: an error is noticed on its line or later."""
        marks = [noticed] if error.context_mark is None else [noticed, error.context_mark.line]
        if "scalar" in str(error.context):
            marks.reverse()  # an open quote is where it was opened
        near = [*before(self._lines, noticed, 4), *neighbours(self._lines, noticed)]
        lines = [*marks, *near, *self._open_quotes(noticed)]
        yield from (line for line in dict.fromkeys(lines) if line < len(self._lines))

    def _open_quotes(self, noticed: int) -> Iterator[int]:
        """Lines further up whose quote is still open: it swallowed everything up to the next one."""
        for index in range(noticed):
            if re.search(r":\s+([\"'])(?:(?!\1).)*$", self._lines[index]):
                yield index

    def _beyond(self, line: int, column: int) -> bool:
        message = "This line cannot be read: its punctuation or its indentation is not what YAML expects here."
        hint = "Compare it with the line above: a colon behind each name, “- ” before each step, 2 spaces per level."
        if not self._is_rebuilt and not self._problems.is_silent(Place(self._name, line, 1)):
            self._tell(Fix("Y10", line, column, message, hint, ""))
        return False

    # --- Trying and telling ---

    def _text_with(self, fix: Fix) -> str:
        changed = list(self._lines)
        for index, text in fix.changes:
            changed[index] = text
        return "\n".join(changed)

    def _apply(self, fix: Fix) -> bool:
        if not (self._is_rebuilt and fix.code == "Y09"):
            self._tell(fix)
        for index, text in fix.changes:
            self._replace(index, text)
        self._is_rebuilt |= fix.is_guess
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
    return _ALL


def _special_tokens(text: str) -> list[tuple[int, int]]:
    """Line and column of the first anchor, alias or tag of each line."""
    found: dict[int, int] = {}
    try:
        for token in tokens(text):
            if isinstance(token, yaml.AnchorToken | yaml.AliasToken | yaml.TagToken):
                found.setdefault(token.start_mark.line, token.start_mark.column)
    except yaml.YAMLError:
        pass  # told when it is composed
    return sorted(found.items())
