"""YAML as a tree of what the person typed: every value is text, with its place in the file.

PyYAML only composes (https://yaml.org/spec/1.1/#composing); it never guesses types, so ``NO``, ``01234``, ``22:30``
and ``+1555`` stay what they are. Anchors, aliases, tags and merge keys are not part of the language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import yaml

from hub.rules.problems import Place

#: libyaml's loader: 16 times as fast as the pure one, with the same marks. No tags are resolved.
_Fast = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """A single value, as typed. ``style`` is "" (no quotes), a quote, ``|`` or ``>``."""

    value: str
    place: Place
    style: str
    end: tuple[int, int]  #: line and column (from 0) behind its last character

    @property
    def is_empty(self) -> bool:
        """Nothing was typed."""
        return not self.value and not self.style

    @property
    def is_quoted(self) -> bool:
        return self.style != ""


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """A list: lines that begin with “- ”, or ``[a, b]``."""

    nodes: tuple[Node, ...]
    place: Place
    end: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One setting."""

    key: Text
    value: Node


@dataclass(frozen=True, slots=True, eq=False)
class Map:
    """Settings below each other, or ``{a: b}``."""

    entries: tuple[Entry, ...]
    place: Place
    end: tuple[int, int]

    def entry(self, key: str) -> Entry | None:
        return next((entry for entry in self.entries if entry.key.value == key), None)

    def get(self, key: str) -> Node | None:
        entry = self.entry(key)
        return None if entry is None else entry.value


Node = Text | Items | Map


def compose(text: str) -> yaml.Node | None:
    """PyYAML's node graph of one document; raises ``yaml.YAMLError``."""
    node: yaml.Node | None = yaml.compose(text, Loader=_Fast)
    return node


def tokens(text: str) -> Iterator[yaml.Token]:
    """PyYAML's tokens, for what composing forgets (anchors)."""
    yield from yaml.scan(text, Loader=_Fast)


def explained(text: str) -> yaml.MarkedYAMLError | None:
    """What is wrong with ``text`` in the words of the pure loader, which says more; None if nothing is."""
    try:
        yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        return error
    except (yaml.YAMLError, RecursionError) as error:
        return yaml.MarkedYAMLError(problem=str(error))
    return None


def place_of(file: str, mark: yaml.Mark) -> Place:
    return Place(file, mark.line + 1, mark.column + 1)


# --- Places inside a text -------------------------------------------------------------------------------------------


def locate(text: Text, offset: int, lines: Sequence[str]) -> Place:
    """Where the character at ``offset`` of a text's value stands in the file.

    Folding, escapes and indentation make offsets differ; words do not, so the word at ``offset`` is looked up as the
    same occurrence in the raw lines.
    """
    place = text.place
    if not text.is_quoted and text.end[0] == place.line - 1:
        return Place(place.file, place.line, place.column + offset)
    found = re.compile(r"[\w.]+|\S").search(text.value, offset)
    if found is None:
        return place
    word = found[0]
    nth = text.value.count(word, 0, found.start() + len(word)) - 1
    position = _occurrence(_raw(text, lines), word, nth)
    return place if position is None else _advanced(text, lines, position)


def _raw(text: Text, lines: Sequence[str]) -> str:
    first, last = text.place.line - 1, text.end[0]
    region = list(lines[first : last + 1])
    if not region:
        return ""
    if len(region) > last - first:
        region[-1] = region[-1][: text.end[1]]
    region[0] = region[0][_start(text) :]
    return "\n".join(region)


def _start(text: Text) -> int:
    """Behind the opening quote, the ``|`` or ``>``; column from 0."""
    return text.place.column - 1 + (1 if text.is_quoted else 0)


def _occurrence(raw: str, word: str, nth: int) -> int | None:
    position = -len(word)
    for _ in range(nth + 1):
        position = raw.find(word, position + len(word))
        if position < 0:
            return None
    return position


def _advanced(text: Text, lines: Sequence[str], position: int) -> Place:
    raw = _raw(text, lines)
    line = raw.count("\n", 0, position)
    start = raw.rfind("\n", 0, position) + 1
    column = position - start + (_start(text) if line == 0 else 0)
    return Place(text.place.file, text.place.line + line, column + 1)


# --- Writing YAML ---------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def written(value: str) -> str:
    """``value`` as it can be typed into the file: bare when that means the same, else in quotes."""
    if _means(value, value) and not re.search(r"[{}\[\],#“”]|^[\"'>|!&*%@`]", value):
        return value
    return quoted(value)


def quoted(value: str) -> str:
    """``value`` in the quotes that suit it."""
    if "\n" not in value:
        for quote in ('"', "'"):
            if quote not in value and (quote == "'" or "\\" not in value):
                return f"{quote}{value}{quote}"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _means(typed: str, value: str) -> bool:
    """Whether ``key: typed`` is read as that value."""
    try:
        node = compose(f"key: {typed}\n")
    except yaml.YAMLError:
        return False
    match node:
        case yaml.MappingNode(value=[(_, yaml.ScalarNode(value=read))]):
            return bool(read == value)
        case _:
            return False
