"""The parser of texts: ``{{ }}``, ``{% if %}``, ``{% for %}``, with Jinja's ``trim_blocks`` and ``lstrip_blocks``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from hub.rules.parsing import Parser
from hub.rules.syntax import Choice, Expression, ForBlock, IfBlock, Insert, Piece, SyntaxMistake
from hub.rules.tokens import Token, tokenize

_BLOCK = re.compile(r"\{\{-?|\{%[-+]?")
_CLOSING = {"{{": "}}", "{%": "%}"}
_INSIDE = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\{\{|\{%|\}\}|%\}", re.DOTALL)


@lru_cache(maxsize=2048)  # as for expressions
def parse_text(source: str) -> tuple[Piece, ...]:
    """The pieces of a text with ``{{ … }}`` and ``{% … %}``; raises :class:`SyntaxMistake`."""
    return _TextParser(source).pieces()


@dataclass(slots=True)
class _Open:
    """A block that waits for its end."""

    word: str
    at: int
    name: str = ""
    head: Expression | None = None
    pieces: list[Piece] | None = None
    branches: list[tuple[Expression | None, tuple[Piece, ...]]] | None = None


class _TextParser:
    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0
        self._blocks: list[_Open] = []
        self._pieces: list[Piece] = []

    def pieces(self) -> tuple[Piece, ...]:
        while found := _BLOCK.search(self._source, self._at):
            self._data(self._source[self._at : found.start()], found[0])
            self._piece(found)
        self._data(self._source[self._at :], "")
        if self._blocks:
            block = self._blocks[-1]
            message = f"This {{% {block.word} %}} is never ended."
            raise SyntaxMistake("X07", block.at, message, f"Add  {{% end{block.word} %}}  behind its text.")
        return tuple(self._pieces)

    def _data(self, text: str, opening: str) -> None:
        if opening == "{%":
            # A block on a line of its own leaves no empty line.
            start = text.rfind("\n") + 1
            begins_line = start > 0 or self._at == 0 or self._source[self._at - 1] == "\n"
            if begins_line and not text[start:].strip(" \t"):
                text = text[:start]
        elif opening.endswith("-"):
            text = text.rstrip()
        if text:
            self._pieces.append(text)

    def _piece(self, found: re.Match[str]) -> None:
        opening = found[0][:2]
        start, end, behind = self._inside(found)
        self._at = behind
        if opening == "{{":
            tree = Parser(self._source, tokenize(self._source, start, end)).whole()
            self._pieces.append(Insert(tree, found.start()))
        else:
            self._statement(tokenize(self._source, start, end), found.start())
            if self._source[behind : behind + 1] == "\n":
                self._at += 1
        if self._source[end : end + 1] == "-":
            self._at += len(self._source[self._at :]) - len(self._source[self._at :].lstrip())

    def _inside(self, found: re.Match[str]) -> tuple[int, int, int]:
        """Start and end of what stands between the braces, and the offset behind them."""
        closing = _CLOSING[found[0][:2]]
        for part in _INSIDE.finditer(self._source, found.end()):
            if part[0] == closing:
                trims = part.start() > found.end() and self._source[part.start() - 1] == "-"
                return found.end(), part.start() - trims, part.end()
            if part[0] in _CLOSING:
                break
        raise self._unclosed(found, closing)

    def _unclosed(self, found: re.Match[str], closing: str) -> SyntaxMistake:
        opening = found[0][:2]
        hint = f"Write both braces on each side:  {opening} … {closing}"
        return SyntaxMistake("X07", found.start(), f"This {opening} is never closed with {closing}.", hint)

    def _statement(self, found: list[Token], at: int) -> None:
        word = found[0].text
        rest = Parser(self._source, found[1:]) if len(found) > 1 else None
        if word == "if" and rest:
            self._blocks.append(_Open("if", at, head=rest.whole(), pieces=self._pieces, branches=[]))
            self._pieces = []
        elif word == "for" and rest:
            self._for(found, at)
        elif word in {"elif", "else"} and rest:
            self._branch(word, found, rest, at)
        elif word in {"endif", "endfor"}:
            self._end(word, at)
        else:
            message = f"“{word}” is not available in rules." if word else "There is nothing in this block."
            raise SyntaxMistake("X04", at, message, "Only {% if %} and {% for %} blocks can be used.")

    def _for(self, found: list[Token], at: int) -> None:
        if len(found) < 4 or found[1].kind != "name" or found[2].text != "in":
            raise SyntaxMistake("X14", at, "This loop cannot be read.", "Write:  {% for item in order.items %}")
        parser = Parser(self._source, found[3:])
        over = parser.whole()
        if isinstance(over, Choice):
            raise SyntaxMistake("X04", at, "A loop takes no condition.", "Put {% if %} inside the loop.")
        self._blocks.append(_Open("for", at, name=found[1].text, head=over, pieces=self._pieces, branches=[]))
        self._pieces = []

    def _branch(self, word: str, found: list[Token], rest: Parser, at: int) -> None:
        if not self._blocks or (word == "elif" and self._blocks[-1].word == "for"):
            raise SyntaxMistake("X14", at, f"There is no {{% if %}} before this {{% {word} %}}.", "Remove it.")
        block = self._blocks[-1]
        self._close_branch(block)
        block.head = rest.whole() if word == "elif" else None
        if word == "else" and found[1].kind != "end":
            raise SyntaxMistake("X14", found[1].at, "“else” takes no condition.", "Write:  {% elif … %}")

    def _close_branch(self, block: _Open) -> None:
        assert block.branches is not None
        block.branches.append((block.head, tuple(self._pieces)))
        self._pieces = []

    def _end(self, word: str, at: int) -> None:
        if not self._blocks or self._blocks[-1].word != word.removeprefix("end"):
            begin = word.removeprefix("end")
            raise SyntaxMistake(
                "X14", at, f"There is no {{% {begin} %}} that this could end.", f"Remove  {{% {word} %}}"
            )
        block = self._blocks.pop()
        self._close_branch(block)
        assert block.branches is not None
        assert block.pieces is not None
        self._pieces = block.pieces
        if block.word == "if":
            self._pieces.append(IfBlock(tuple(block.branches), block.at))
        else:
            over, body = block.branches[0]
            empty = block.branches[1][1] if len(block.branches) > 1 else ()
            assert over is not None
            self._pieces.append(ForBlock(block.name, over, body, empty, block.at))
