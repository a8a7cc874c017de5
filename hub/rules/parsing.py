"""The parser of expressions.

It is our own because every Problem needs the exact place and a sentence for people; Jinja's nodes carry a line only,
and its parser comes with code generation, which must not exist here. A test holds it against Jinja's parser.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache

from hub.rules.syntax import (
    Arithmetic,
    Choice,
    Compare,
    Const,
    Expression,
    Filtered,
    ListOf,
    Logic,
    Negative,
    Not,
    Part,
    Path,
    SyntaxMistake,
)
from hub.rules.tokens import NOT_AVAILABLE, WRONG_SIGNS, Token, call_mistake, tokenize

# --- Words ----------------------------------------------------------------------------------------------------------


_COMPARISONS = {"==", "!=", "<", "<=", ">", ">="}
_CONSTANTS = {"true": True, "false": False, "none": None, "True": True, "False": False, "None": None}
_RESERVED = {"and", "or", "not", "in", "if", "else", "is"}


@lru_cache(maxsize=2048)  # files say the same things again and again, and are read again on every save
def expression(source: str) -> Expression:
    """The tree of a whole expression; raises :class:`SyntaxMistake`."""
    return Parser(source, tokenize(source, 0, len(source))).whole()


class Parser:
    def __init__(self, source: str, found: Sequence[Token]) -> None:
        self._source = source
        self._tokens = found
        self._index = 0

    @property
    def _next(self) -> Token:
        return self._tokens[self._index]

    def _is(self, *texts: str) -> bool:
        token = self._next
        return token.kind in {"operator", "name"} and token.text in texts

    def _take(self) -> Token:
        token = self._next
        self._index += 1
        return token

    def _accept(self, *texts: str) -> Token | None:
        return self._take() if self._is(*texts) else None

    def _expect(self, text: str, opened: Token) -> None:
        if self._accept(text):
            return
        if self._next.kind == "end":
            raise SyntaxMistake("X14", opened.at, f"“{opened.text}” is never closed with “{text}”.", f"Add  {text}")
        raise self._stray(self._next)

    def whole(self) -> Expression:
        if self._next.kind == "end":
            raise SyntaxMistake("X14", self._next.at, "Something is missing here.", "Write the name of a field.")
        tree = self.expression()
        if self._next.kind != "end":
            raise self._stray(self._next)
        return tree

    def _stray(self, token: Token) -> SyntaxMistake:
        if token.text == "=":
            return self._single_equals(token)
        if token.text in WRONG_SIGNS:
            return SyntaxMistake("X06", token.at, *WRONG_SIGNS[token.text])
        if token.text == "is":
            return SyntaxMistake("X04", token.at, "“is” is not available in rules.", "Compare with  ==  or  != .")
        if token.text == "(":
            return self._call(token)
        if token.text in NOT_AVAILABLE:
            return SyntaxMistake("X04", token.at, f"“{token.text}” is not available in rules.", _instead(token.text))
        if token.kind == "end":
            return SyntaxMistake("X14", token.at, "Something is missing at the end.", "Complete the expression.")
        return SyntaxMistake(
            "X14",
            token.at,
            f"“{token.text}” cannot be read here.",
            "Is a word like  and  or a comma missing in front of it?",
        )

    def _single_equals(self, token: Token) -> SyntaxMistake:
        left = self._source[: token.at].strip()
        right = self._source[token.at + 1 :].strip()
        return SyntaxMistake("X06", token.at, "A single = does not compare.", f"Write ==  :  {left} == {right}")

    def _call(self, token: Token) -> SyntaxMistake:
        name = self._tokens[self._index - 1]
        return call_mistake(self._source, name)

    def expression(self) -> Expression:
        then = self._logic()
        word = self._accept("if")
        if word is None:
            return then
        condition = self._logic()
        otherwise = self.expression() if self._accept("else") else Const("", word.at)
        return Choice(condition, then, otherwise, then.at)

    def _logic(self) -> Expression:
        """``and`` and ``or``; both in one place need brackets, because people disagree which goes first."""
        first = self._negation()
        operands = [first]
        words: list[Token] = []
        while word := self._accept("and", "or"):
            if words and word.text != words[0].text:
                raise SyntaxMistake(
                    "X12",
                    word.at,
                    "“and” and “or” stand side by side; it is not clear which belongs together.",
                    "Put brackets around the part that belongs together:  (a or b) and c",
                )
            words.append(word)
            operands.append(self._negation())
        return Logic(words[0].text, tuple(operands), first.at) if words else first

    def _negation(self) -> Expression:
        if self._is("not"):
            token = self._take()
            return Not(self._negation(), token.at)
        return self._comparison()

    def _comparison(self) -> Expression:
        first = self._sum()
        rest: list[tuple[str, Expression]] = []
        while operator := self._comparison_sign():
            rest.append((operator, self._sum()))
        if self._is("="):
            raise self._single_equals(self._next)
        return Compare(first, tuple(rest), first.at) if rest else first

    def _comparison_sign(self) -> str | None:
        if self._is(*_COMPARISONS, "in"):
            return self._take().text
        if self._is("not") and self._tokens[self._index + 1].text == "in":
            self._index += 2
            return "not in"
        return None

    def _sum(self) -> Expression:
        left = self._product()
        while token := self._accept("+", "-"):
            left = Arithmetic(token.text, left, self._product(), left.at)
        return left

    def _product(self) -> Expression:
        left = self._signed()
        while token := self._accept("*", "/"):
            left = Arithmetic(token.text, left, self._signed(), left.at)
        return left

    def _signed(self) -> Expression:
        tree = self._unary()
        while token := self._accept("|"):
            tree = self._filter(tree, token)
        return tree

    def _unary(self) -> Expression:
        if token := self._accept("-"):
            return Negative(self._unary(), token.at)
        if self._accept("+"):
            return self._unary()
        return self._parts(self._primary())

    def _filter(self, base: Expression, bar: Token) -> Expression:
        name = self._take()
        if name.kind != "name":
            raise SyntaxMistake("X14", bar.at, "The name of a filter is missing after “|”.", "For example:  | money")
        arguments: tuple[Expression, ...] = ()
        if opened := self._accept("("):
            arguments = self._list(")", opened)
        return Filtered(base, name.text, arguments, name.at, base.at)

    def _list(self, close: str, opened: Token) -> tuple[Expression, ...]:
        elements: list[Expression] = []
        while not self._is(close):
            elements.append(self.expression())
            if not self._accept(","):
                break
        self._expect(close, opened)
        return tuple(elements)

    def _parts(self, tree: Expression) -> Expression:
        while True:
            if self._accept("."):
                tree = _extended(tree, self._part_name())
            elif self._is("[") and not isinstance(tree, Const | ListOf):
                opened = self._take()
                tree = _extended(tree, self._subscript(opened))
            elif self._is("("):
                raise self._call(self._next)
            else:
                return tree

    def _part_name(self) -> str | int:
        token = self._take()
        if token.kind == "name":
            return token.text
        if token.kind == "number" and token.text.isdigit():
            return int(token.text)
        raise SyntaxMistake("X14", token.at, "The name of a field is missing after the dot.", "Complete the name.")

    def _subscript(self, opened: Token) -> str | int:
        index = self.expression()
        self._expect("]", opened)
        if isinstance(index, Const) and isinstance(index.value, str | int) and not isinstance(index.value, bool):
            return index.value
        raise SyntaxMistake("X04", opened.at, "Only a number or a quoted name can stand in [ ].", "For example:  [0]")

    def _primary(self) -> Expression:
        token = self._take()
        if token.kind == "string":
            return Const(_unescaped(token.text), token.at)
        if token.kind == "number":
            digits = token.text.replace("_", "")
            return Const(Decimal(digits) if "." in digits else int(digits), token.at)
        if token.kind == "name" and token.text in _CONSTANTS:
            return Const(_CONSTANTS[token.text], token.at)
        if token.kind == "name" and token.text not in _RESERVED:
            return Path((token.text,), token.at)
        if token.text == "(":
            return self._brackets(token)
        if token.text == "[":
            return ListOf(self._list("]", token), token.at)
        self._index -= 1
        raise self._stray(token)

    def _brackets(self, opened: Token) -> Expression:
        tree = self.expression()
        if self._is(","):
            raise SyntaxMistake("X04", opened.at, "A list is written in square brackets.", 'For example:  ["US", "CA"]')
        self._expect(")", opened)
        return tree


def _extended(tree: Expression, name: str | int) -> Expression:
    return Path((*tree.parts, name), tree.at) if isinstance(tree, Path) else Part(tree, name, tree.at)


def _instead(sign: str) -> str:
    return {
        "~": "Put the parts next to each other:  {{ a }}{{ b }}",
        ":": "Write filters and conditions as in  order.total | round(2)",
        "{": "Write the names without braces.",
        "}": "Write the names without braces.",
    }.get(sign, "Use  + - * /  for numbers, and  and or not  for conditions.")


def _unescaped(literal: str) -> str:
    return re.sub(
        r"\\(.)", lambda found: {"n": "\n", "t": "\t"}.get(found[1], found[1]), literal[1:-1], flags=re.DOTALL
    )
