"""What can be wrong with one line of YAML, and how it would be right."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from hub.rules.asked import SIGN, sign_mistake
from hub.rules.document import quoted


@dataclass(frozen=True, slots=True)
class Fix:
    """A mistake on a line and the line as it should be; line and column count from 0."""

    code: str
    line: int
    column: int
    message: str
    suggestion: str
    text: str
    more: tuple[tuple[int, str], ...] = ()  #: further lines that change with it
    is_guess: bool = False  #: what belongs to what is not known for sure any more

    @property
    def depth(self) -> int:
        """How deep the corrected line stands."""
        return len(self.text) - len(self.text.lstrip())

    @property
    def changes(self) -> tuple[tuple[int, str], ...]:
        return ((self.line, self.text), *self.more)


@dataclass(frozen=True, slots=True)
class Line:
    """A line taken apart: margin and dashes, a name with its colon, a value."""

    index: int
    whole: str
    margin: str
    name: str  #: "" for a bare value
    value: str
    at: int  #: where the value begins

    @property
    def label(self) -> str:
        """The name as it stands in suggestions."""
        return f"{self.name}: " if self.name else "- " if "-" in self.margin else ""

    def with_value(self, value: str) -> str:
        return self.whole[: self.at] + value


_LINE = re.compile(
    r"(?P<margin>\s*(?:- +)*)(?:(?P<name>[^\s\"'#{\[\-:][^:#\"'{\[]*|\"[^\"]*\"|'[^']*'):(?: +|$))?(?P<value>.*?)\s*$"
)

Detector = Callable[[Line], Fix | None]


def _taken_apart(lines: Sequence[str], index: int) -> Line:
    found = _LINE.match(lines[index])
    assert found is not None
    return Line(index, lines[index], found["margin"], found["name"] or "", found["value"], found.start("value"))


def mistakes_of(lines: Sequence[str], index: int) -> Iterator[Fix]:
    """The mistakes that a line may have, the likeliest first; which one it is, only trying tells."""
    line = _taken_apart(lines, index)
    for detect in _DETECTORS:
        fix = detect(line)
        if fix is not None:
            yield fix


def special(lines: Sequence[str], index: int) -> Fix | None:
    """A value that YAML takes for an anchor, an alias or a tag."""
    line = _taken_apart(lines, index)
    return _sign(line) or _special_start(line) or _special_inside(line)


# --- Detectors, the likeliest first ---------------------------------------------------------------------------------


def _braces(line: Line) -> Fix | None:
    if not line.value.startswith(("{{", "{%")):
        return None
    fixed = quoted(line.value)
    hint = f"Write:  {line.label}{fixed}"
    return Fix("Y04", line.index, line.at, "A value that starts with {{ needs quotes.", hint, line.with_value(fixed))


def _sign(line: Line) -> Fix | None:
    found = SIGN.fullmatch(line.value)
    if found is None or not line.name or re.fullmatch(r"[|>][-+\d]*", line.value):
        return None
    mistake = sign_mistake(line.name, found[1], found[2])
    right = mistake.suggestion.partition(f"{line.name}: ")[2]
    return Fix("C05", line.index, line.at, mistake.message, mistake.suggestion, line.with_value(right))


def _special_start(line: Line) -> Fix | None:
    first = line.value[:1]
    if first == "" or first not in "@`%&*!,]}|>" or re.fullmatch(r"[|>][-+\d]*", line.value):
        return None
    if first in "@`":
        message = f"Text that starts with {first} needs quotes."
    else:
        message = f"Text that starts with {first} has a special meaning in YAML."
    fixed = quoted(line.value)
    return Fix("Y03", line.index, line.at, message, f"Write:  {line.label}{fixed}", line.with_value(fixed))


def _special_inside(line: Line) -> Fix | None:
    """``[*a, b]``: the sign stands inside a list."""
    found = re.search(r"[\[{,]\s*([&*!][^\s,\]}]+)", line.value)
    if found is None:
        return None
    fixed = line.value[: found.start(1)] + quoted(found[1]) + line.value[found.end(1) :]
    message = f"Text that starts with {found[1][0]} has a special meaning in YAML."
    at = line.at + found.start(1)
    return Fix("Y03", line.index, at, message, f"Write:  {line.label}{fixed}", line.with_value(fixed))


def _inner_quote(line: Line) -> Fix | None:
    quote = line.value[:1]
    if quote == "" or quote not in "\"'" or len(line.value) < 3 or not line.value.endswith(quote):
        return None
    inner = line.value[1:-1]
    at = inner.find(quote)
    if at < 0:
        return None
    other = "'" if quote == '"' else '"'
    fixed = f"{other}{inner}{other}" if other not in inner else quoted(inner.replace(other, "’"))
    message = f"There is a {quote} inside a text that is wrapped in {quote}, so YAML thinks the text ends there."
    hint = f"Wrap the text in {other} instead:  {line.label}{fixed}"
    # An apostrophe is pointed at; otherwise the place where YAML was surprised: behind the quote.
    is_apostrophe = re.match(r"\w'\w", inner[max(at - 1, 0) :]) is not None
    column = line.at + 1 + at + (0 if is_apostrophe else 1)
    return Fix("Y05", line.index, column, message, hint, line.with_value(fixed))


def _behind_quote(line: Line) -> Fix | None:
    """``"one" two``: text goes on behind the closing quote."""
    found = re.fullmatch(r"([\"'])((?:(?!\1).)*)\1\s*(\S.*)", line.value)
    if found is None or found[3].startswith(("#", ",")):
        return None
    whole = f"{found[2]}{line.value[found.end(2) + 1 :]}" if found[3] != found[1] else found[2]
    fixed = quoted(whole)
    message = f"Text goes on behind the closing {found[1]}."
    at = line.at + found.start(3)
    return Fix("Y05", line.index, at, message, f"Write:  {line.label}{fixed}", line.with_value(fixed))


def _open_quote(line: Line) -> Fix | None:
    quote = line.value[:1]
    if quote == "" or quote not in "\"'" or line.value.count(quote) % 2 == 0:
        return None
    fixed = f"{line.value}{quote}"
    message = f"This text starts with {quote} but does not end with one."
    return Fix("Y05", line.index, line.at, message, f"Write:  {line.label}{fixed}", line.with_value(fixed))


def _half_quoted(line: Line) -> Fix | None:
    quote = line.value[-1:]
    if quote == "" or quote not in "\"'" or line.value.startswith(quote) or line.value.count(quote) % 2 == 0:
        return None
    fixed = quoted(line.value[:-1])
    message = f"This text ends with {quote} but does not start with one."
    return Fix("Y05", line.index, line.at, message, f"Write:  {line.label}{fixed}", line.with_value(fixed))


def _colon_inside(line: Line) -> Fix | None:
    if not line.name or line.value[:1] in {"", '"', "'", "{", "["} or not re.search(r":(\s|$)", line.value):
        return None
    if re.match(r"[\w.]+:$", line.value):
        return None  # two settings on one line, not a text
    message = "This text contains “: ” (a colon and a space), which YAML reads as a new setting."
    fixed = quoted(line.value)
    hint = f"Put quotes around the text:  {line.label}{fixed}"
    return Fix("Y07", line.index, line.at, message, hint, line.with_value(fixed))


def _no_space(line: Line) -> Fix | None:
    found = re.match(r"(\s*(?:- +)*[A-Za-z_][\w. -]*):(?!//)([^\s:].*)$", line.whole)
    if found is None:
        return None
    text = f"{found[1]}: {found[2]}"
    hint = f"Write:  {text.strip()}"
    return Fix("Y08", line.index, found.end(1), "There is no space after the colon on this line.", hint, text)


def _no_space_after_dash(line: Line) -> Fix | None:
    found = re.match(r"(\s*)-([A-Za-z_\"'].*)$", line.whole)
    if found is None:
        return None
    text = f"{found[1]}- {found[2]}"
    return Fix("K05", line.index, len(found[1]), "There is no space behind the “-”.", f"Write:  {text.strip()}", text)


def _no_colon(line: Line) -> Fix | None:
    """``do``, ``when order paid``, ``columns {Status: x}``, ``Order "{{ … }}"``: a name without its colon."""
    if line.name:
        return None
    found = re.fullmatch(r"([\w.\-]+(?: [\w.\-]+)*?)(?:\s+([\"'\[].*|\{(?!\{).*))?", line.value)
    if found is not None and (found[2] or " " not in found[1]):
        name, value = found[1], found[2] or ""
    elif words := re.fullmatch(r"([\w.\-]+) +(\S.*)", line.value):
        name, value = words[1], words[2]
    else:
        return None
    fixed = f"{name}: {value}".rstrip()
    message = (
        f"There is no colon between “{name}” and “{value[0]}”." if value else f"There is no colon behind “{name}”."
    )
    if value and value[0].isalnum():
        message = f"There is no colon behind “{name}”."
    at = line.at + len(name)
    return Fix("Y08", line.index, at, message, f"Write:  {fixed}", line.with_value(fixed))


_PAIRS = {"[": "]", "{": "}"}


def _open_bracket(line: Line) -> Fix | None:
    first = line.value[:1]
    if first not in _PAIRS or line.value.count(first) <= line.value.count(_PAIRS[first]):
        return None
    fixed = line.value.rstrip(",") + _PAIRS[first]
    message = f"This {first} is never closed with {_PAIRS[first]}."
    return Fix("Y06", line.index, line.at, message, f"Write:  {line.label}{fixed}", line.with_value(fixed))


def _stray_bracket(line: Line) -> Fix | None:
    last = line.value[-1:]
    opening = {"]": "[", "}": "{"}.get(last)
    if opening is None or line.value.count(last) <= line.value.count(opening):
        return None
    fixed = line.value[:-1]
    at = line.at + len(line.value) - 1
    return Fix(
        "Y06",
        line.index,
        at,
        f"There is no {opening} for this {last}.",
        f"Write:  {line.label}{fixed}",
        line.with_value(fixed),
    )


def _second_document(line: Line) -> Fix | None:
    mark = line.whole.strip()
    if mark not in {"---", "..."}:
        return None
    message = f"“{mark}” begins another document; a rules file is one."
    return Fix("Y11", line.index, 0, message, "Delete this line.", "", is_guess=True)


def _directive(line: Line) -> Fix | None:
    if not line.whole.startswith("%"):
        return None
    message = "Lines that begin with % are instructions to YAML; rules have none."
    return Fix("Y11", line.index, 0, message, "Delete this line.", "")


_DETECTORS: tuple[Detector, ...] = (
    _second_document, _directive, _no_space_after_dash, _braces, _sign, _special_start, _inner_quote, _behind_quote,
    _open_quote, _half_quoted, _open_bracket, _stray_bracket, _no_space, _colon_inside, _no_colon,
)  # fmt: skip
