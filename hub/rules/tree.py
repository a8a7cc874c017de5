"""From PyYAML's nodes to our own, watching for what YAML reads differently than people mean."""

from __future__ import annotations

import re
from collections.abc import Sequence

import yaml

from hub.rules.document import Entry, Items, Map, Node, Text, place_of, quoted
from hub.rules.problems import Flaw, Place

_NO_TAG = {"tag:yaml.org,2002:str", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map", None}

#: Far more levels than any rule has, far fewer than Python's stack.
_DEEPEST = 40

_TWICE = {
    "do": "Put all steps into one do: list.",
    "if": "Put all conditions below one “if:”.",
    "rules": "Put all rules below one “rules:”.",
    "examples": "Put all examples below one “examples:”.",
}


class Tree:
    """Converts one file; ``flaws`` are what was noticed on the way."""

    def __init__(self, file: str, lines: Sequence[str]) -> None:
        self._file = file
        self._lines = lines
        self.flaws: list[Flaw] = []
        self._depth = 0

    def node(self, node: yaml.Node) -> Node:
        """The node and all below it."""
        if isinstance(node, yaml.ScalarNode):
            return self._text(node)
        if self._depth == _DEEPEST:
            place = place_of(self._file, node.start_mark)
            self._flaw("Y10", place, "This stands too deep inside other things.", "Nothing needs so many levels.")
            return Text("", place, "", _end(node))
        self._depth += 1
        found = self._map(node) if isinstance(node, yaml.MappingNode) else self._items(node)
        self._depth -= 1
        return found

    def _items(self, node: yaml.Node) -> Items:
        nodes = tuple(self.node(one) for one in node.value)
        return Items(nodes, place_of(self._file, node.start_mark), _end(node))

    def _map(self, node: yaml.MappingNode) -> Node:
        entries: dict[str, Entry] = {}
        repeated: list[Entry] = []
        first_lines: dict[str, int] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                return self._unquoted_braces(node, key)
            entry = self._entry(key, value)
            first_lines.setdefault(entry.key.value, entry.key.place.line)
            first = entries.setdefault(entry.key.value, entry)
            if first is not entry:
                repeated.append(entry)
                if isinstance(first.value, Text) and first.value.is_empty:
                    entries[entry.key.value] = entry  # a name typed twice, and only then what belongs to it
        if repeated:
            self._twice(repeated, first_lines)
        return Map(tuple(entries.values()), place_of(self._file, node.start_mark), _end(node))

    def _entry(self, key: yaml.ScalarNode, value: yaml.Node) -> Entry:
        text = self._plain(key)
        split = re.match(r"^([\w.\- ]+?) *([{\[\"'])", text.value)
        if split and not text.is_quoted:
            return self._no_colon(text, split)
        if text.value == "<<":
            self._flaw("Y03", text.place, "“<<” (merging settings) is not used in rules.", "Write the settings out.")
        return Entry(text, self.node(value))

    def _no_colon(self, key: Text, split: re.Match[str]) -> Entry:
        """``columns {Status: x}``: taken for what was meant, so that nothing seems to be missing."""
        message = f"There is no colon between “{split[1]}” and “{split[2]}”."
        self._flaw("Y08", key.place, message, f"Write:  {split[1]}: {split[2]}…", spoils=True)
        name = Text(split[1], key.place, "", key.end)
        return Entry(name, Text("", key.place, '"', key.end))

    def _unquoted_braces(self, node: yaml.MappingNode, key: yaml.Node) -> Node:
        place = place_of(self._file, node.start_mark)
        line = self._lines[node.start_mark.line]
        before, value = line[: place.column - 1], line[place.column - 1 :].rstrip()
        if not value.startswith("{{"):
            value = "{" + value
            before = before.rstrip("{")
        self._flaw(
            "Y04", place, "A value that starts with {{ needs quotes.", f"Write:  {before.strip()} {quoted(value)}"
        )
        return Text(value, place, '"', _end(node))

    def _twice(self, repeated: list[Entry], first_lines: dict[str, int]) -> None:
        names = list(dict.fromkeys(entry.key.value for entry in repeated))
        key, first = repeated[0].key, first_lines[names[0]]
        if len(names) > 1:
            listed = f"{', '.join(f'“{name}”' for name in names[:-1])} and “{names[-1]}”"
            message = f"{listed} are used twice here (first on line {first}). Only one of them would be used."
            hint = "Probably a line that begins with “- ” is missing above this one."
            self._flaw("Y13", key.place, message, hint, spoils=True)
            return
        message = f"“{names[0]}” is used twice here (first on line {first}). Only one of them would be used."
        self._flaw("Y13", key.place, message, _TWICE.get(names[0], f"Keep one “{names[0]}” and delete the other."))

    def _plain(self, node: yaml.ScalarNode) -> Text:
        style = "" if node.style in {None, ""} else node.style
        return Text(node.value, place_of(self._file, node.start_mark), style, _end(node))

    def _text(self, node: yaml.ScalarNode) -> Text:
        text = self._plain(node)
        if node.tag not in _NO_TAG:
            self._tag(text, str(node.tag))
        elif not text.is_quoted:
            self._look_at(text)
        elif text.style in {'"', "'"} and text.end[0] > text.place.line - 1:
            self._open_quote(text)
        return text

    def _open_quote(self, text: Text) -> None:
        """A quoted text over several lines that swallowed settings: its end was forgotten."""
        following = self._lines[text.place.line : text.end[0] + 1]
        if any(re.match(r"\s*(?:- +)*[\w.\-]+:(\s|$)", line) for line in following):
            message = f"This text starts with {text.style} but does not end with one."
            typed = self._lines[text.place.line - 1][text.place.column - 1 :].rstrip()
            self._flaw("Y05", text.place, message, f"Write:  {self._key_before(text)}{typed}{text.style}", spoils=True)

    def _look_at(self, text: Text) -> None:
        """An unquoted value: was a part of it lost, or is a quote?"""
        line, column = text.end
        rest = self._lines[line][column:] if line < len(self._lines) else ""
        if eaten := re.match(r"\s*#(\S.*)$", rest):
            self._comment(text, eaten[1].rstrip(), column + rest.index("#") + 1)
        elif text.value[-1:] in {'"', "'"} and text.value.count(text.value[-1]) % 2 and len(text.value) > 1:
            self._half_quoted(text)
        elif re.match(r"^[“”„‘’].*[“”‘’]$", text.value, re.DOTALL):
            self._typographic(text)

    def _comment(self, text: Text, eaten: str, column: int) -> None:
        place = Place(self._file, text.end[0] + 1, column)
        key = self._key_before(text)
        if not text.value:
            message = "In YAML, # starts a comment, so everything after it is ignored and this value is empty."
            self._flaw("Y12", place, message, f"Put quotes around it:  {key}{quoted(f'#{eaten}')}")
            return
        message = f"In YAML, “ #” starts a comment. Only “{text.value}” would be used; “#{eaten}” would be lost."
        fixed = quoted(f"{text.value} #{eaten}")
        hint = "(If it is a comment, add a space after the #.)"
        self._flaw("Y12", place, message, f"Put quotes around the whole text:  {key}{fixed}\n{hint}")

    def _half_quoted(self, text: Text) -> None:
        quote = text.value[-1]
        message = f"This text ends with {quote} but does not start with one."
        fixed = quoted(text.value[:-1])
        self._flaw("Y05", text.place, message, f"Write:  {self._key_before(text)}{fixed}")

    def _typographic(self, text: Text) -> None:
        message = "These are typographic quotes; they become part of the text."
        self._flaw("Y15", text.place, message, f"Write:  {self._key_before(text)}{quoted(text.value[1:-1])}")

    def _tag(self, text: Text, tag: str) -> None:
        self._flaw(
            "Y03",
            text.place,
            f"“{tag}” has a special meaning in YAML that rules do not use.",
            "Put the value in quotes.",
        )

    def _key_before(self, text: Text) -> str:
        """The setting's name in front of a value on the same line, as it is written in suggestions."""
        before = self._lines[text.place.line - 1][: text.place.column - 1].strip()
        return f"{before.removeprefix('- ')} " if before.endswith(":") else ""

    def _flaw(self, code: str, place: Place, message: str, suggestion: str, *, spoils: bool = False) -> None:
        self.flaws.append(Flaw(code, place, message, suggestion, spoils))


def _end(node: yaml.Node) -> tuple[int, int]:
    return node.end_mark.line, node.end_mark.column
