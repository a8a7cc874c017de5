"""Texts with ``{{ … }}``: compiled from the file, never from data; what they insert is encoded for its destination."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from hub.errors import EvaluationError
from hub.model import Context
from hub.money import Money, with_own_digits
from hub.rules import catalogue, text_parsing
from hub.rules.comparing import Compiled, Run
from hub.rules.document import Text, locate
from hub.rules.expressions import Compiler
from hub.rules.printing import Printer, plain
from hub.rules.problems import Place, Problems
from hub.rules.scope import Report, Scope, Uses
from hub.rules.shop import Shop
from hub.rules.syntax import Expression, ForBlock, IfBlock, Insert, Path, Piece, SyntaxMistake
from hub.rules.types import NUMBERS, STRUCTURED, Kind, Type

#: No setting needs more; a runaway text must not fill the memory.
LONGEST = 100_000
MOST_TURNS = 1_000


@dataclass(slots=True)
class Output:
    """One rendering: how inserted values are encoded, and how many loop turns it took."""

    insert: Callable[[str], str]
    turns: int = 0

    def turn(self) -> None:
        self.turns += 1
        if self.turns > MOST_TURNS:
            raise EvaluationError(f"The text makes more than {MOST_TURNS:,} loop turns.")


Render = Callable[[Context, Output], str]


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled text. ``whole`` is the expression when the text is exactly one ``{{ … }}``; ``constant`` when none."""

    render: Render
    whole: Compiled | None = None
    constant: str | None = None

    def text(self, context: Context, insert: Callable[[str], str]) -> str:
        """Renders; raises ``EvaluationError``."""
        if self.constant is not None:
            return self.constant
        rendered = self.render(context, Output(insert))
        if len(rendered) > LONGEST:
            raise EvaluationError(f"The text is longer than {LONGEST:,} characters.")
        return rendered


def fixed(text: str) -> Template:
    return Template(lambda _context, _output: text, constant=text)


@dataclass(frozen=True, slots=True)
class Workshop:
    """What texts and conditions of one file set are made with."""

    shop: Shop
    printer: Printer
    problems: Problems
    lines: Mapping[str, Sequence[str]]
    lists: Mapping[str, Sequence[str]] = field(default_factory=dict)
    used_texts: set[str] = field(default_factory=set)

    def report(self, text: Text) -> Report:
        """Reports Problems at an offset of ``text``."""
        return self._placing(text, self.problems.add)

    def _placing(self, text: Text, add: Callable[[str, Place, str, str], None]) -> Report:
        lines = self.lines.get(text.place.file, ())
        return lambda code, at, message, suggestion: add(code, locate(text, at, lines), message, suggestion)

    def compiler(self, text: Text, scope: Scope, uses: Uses, *, lenient: bool) -> Compiler:
        """The compiler of expressions inside ``text``."""
        return Compiler(
            scope=scope,
            shop=self.shop,
            printer=self.printer,
            report=self.report(text),
            warn=self._placing(text, self.problems.warn),
            missing_text=self._missing_text(text),
            uses=uses,
            text_of=self._text_of(scope, uses),
            lenient=lenient,
        )

    def _missing_text(self, text: Text) -> Callable[[int, str, str], None]:
        add = partial(self.problems.add, named_elsewhere=True)
        placed = self._placing(text, add)
        return lambda at, message, suggestion: placed("X02", at, message, suggestion)

    def shown(self, value: Any) -> str:
        """A value as conditions tell what they saw: ``USD 1500``, ``Tue 19:10``; "" when it is missing."""
        if isinstance(value, Money):
            amount = with_own_digits(value.amount, value.currency)
            whole = amount == amount.to_integral_value()
            return f"{value.currency} {plain(amount.to_integral_value() if whole else amount)}"
        if isinstance(value, datetime):
            return self.shop.local(value).strftime("%a %Y-%m-%d %H:%M")
        if isinstance(value, list | dict):
            return ", ".join(self.shown(one) for one in value) if isinstance(value, list) else "…"
        return self.printer.text(value)

    def template(self, text: Text, scope: Scope, uses: Uses) -> Template:
        """Checks and compiles ``text``; a mistake is reported and leaves the text as it stands."""
        if not _DYNAMIC.search(text.value):
            self._look_for_single_braces(text, text.value, 0)
            return fixed(text.value)
        pieces = self._parse(text)
        if pieces is None:
            return fixed(text.value)
        compiler = self.compiler(text, scope, uses, lenient=True)
        self._look_at_data(text, pieces)
        if len(pieces) == 1 and isinstance(pieces[0], Insert) and not _is_text(pieces[0].expression):
            whole = compiler.compile(pieces[0].expression)
            return Template(_inserting(whole, self.printer), whole)
        return Template(self._pieces(pieces, compiler))

    def _parse(self, text: Text) -> tuple[Piece, ...] | None:
        try:
            return text_parsing.parse_text(text.value)
        except SyntaxMistake as error:
            self.report(text)(error.code, error.at, error.message, error.suggestion)
            return None

    def check_unused(self, texts: Mapping[str, Text]) -> None:
        """The texts that no rule uses: a mistake in one is only a warning."""
        for name in texts.keys() - self.used_texts:
            try:
                text_parsing.parse_text(texts[name].value)
            except SyntaxMistake as error:
                warn = self._placing(texts[name], self.problems.warn)
                warn(error.code, error.at, error.message, error.suggestion)

    def _text_of(self, scope: Scope, uses: Uses) -> Callable[[str], Run | None]:
        def find(name: str) -> Run | None:
            node = scope.texts.get(name)
            if node is None:
                return None
            self.used_texts.add(name)
            inner = self.template(node, replace(scope, texts={}, local={}), uses)
            return lambda context: inner.text(context, str)

        return find

    # --- Pieces ---

    def _pieces(self, pieces: tuple[Piece, ...], compiler: Compiler) -> Render:
        dollars = [False, *(isinstance(one, str) and one.endswith("$") for one in pieces)]
        parts = [
            one if isinstance(one, str) else self._piece(one, compiler, follows_dollar=dollar)
            for one, dollar in zip(pieces, dollars, strict=False)
        ]
        if all(isinstance(part, str) for part in parts):
            text = "".join(part for part in parts if isinstance(part, str))
            return lambda _context, _output: text

        def render(context: Context, output: Output) -> str:
            return "".join([part if part.__class__ is str else part(context, output) for part in parts])  # type: ignore[operator]  # what is not text is a Render

        return render

    def _piece(self, piece: Insert | IfBlock | ForBlock, compiler: Compiler, *, follows_dollar: bool) -> Render:
        match piece:
            case Insert():
                return self._insert(piece, compiler, follows_dollar=follows_dollar)
            case IfBlock():
                return self._if(piece, compiler)
            case ForBlock():
                return self._for(piece, compiler)

    def _insert(self, piece: Insert, compiler: Compiler, *, follows_dollar: bool) -> Render:
        if _is_text(piece.expression):
            name = str(piece.expression).partition(".")[2]
            node = compiler.scope.texts.get(name)
            if node is not None:
                # Its own words are the author's; only what it inserts is encoded.
                self.used_texts.add(name)
                inner = self.template(node, replace(compiler.scope, texts={}, local={}), compiler.uses)
                return inner.render
        compiled = compiler.compile(piece.expression)
        self._must_be_printable(compiled, piece, compiler)
        if follows_dollar and compiled.type.kind not in {*NUMBERS, Kind.ANY}:
            message = "Variables are written without a $; it would be sent as it is."
            compiler.report("X10", piece.at - 1, message, f"Write:  {{{{ {compiled.words} }}}}")
        return _inserting(compiled, self.printer)

    def _must_be_printable(self, compiled: Compiled, piece: Insert, compiler: Compiler) -> None:
        if compiled.type.kind in STRUCTURED:
            message = f"“{compiled.words}” is {compiled.type.kind} and cannot be a part of a text as it is."
            compiler.report("X13", piece.expression.at, message, printable_hint(compiled))

    def _if(self, piece: IfBlock, compiler: Compiler) -> Render:
        branches = [
            (None if condition is None else compiler.condition(condition), self._pieces(body, compiler))
            for condition, body in piece.branches
        ]

        def render(context: Context, output: Output) -> str:
            for condition, body in branches:
                if condition is None or condition(context):
                    return body(context, output)
            return ""

        return render

    def _for(self, piece: ForBlock, compiler: Compiler) -> Render:
        over = compiler.compile(piece.over)
        if over.type.kind not in {Kind.LIST, Kind.ANY}:
            message = f"“{over.words}” is {over.type.kind}; a loop needs a list."
            compiler.report("X09", piece.over.at, message, "For example:  {% for item in order.items %}")
        element = over.type.element or Type(Kind.ANY)
        inner = replace(compiler, scope=compiler.scope.with_local(**{piece.name: element, "loop": catalogue.LOOP}))
        return _loop(piece.name, over.run, self._pieces(piece.body, inner), self._pieces(piece.empty, compiler))

    # --- What people mean by braces ---

    def _look_at_data(self, text: Text, pieces: tuple[Piece, ...]) -> None:
        at = 0
        for piece in pieces:
            if isinstance(piece, str):
                found = text.value.find(piece, at)
                self._look_for_single_braces(text, piece, max(found, 0))
                at = max(found, 0) + len(piece)

    def _look_for_single_braces(self, text: Text, data: str, at: int) -> None:
        for found in _ONE_BRACE.finditer(data):
            name = found["name"]
            if found["dollar"]:
                self._dollar(text, name, at + found.start())
            elif name.partition(".")[0] in {*catalogue.ROOTS, "steps", "texts"}:
                message = f"{found[0]} would be sent as it is, because variables need two braces."
                self.report(text)("X10", at + found.start(), message, f"Write:  {{{{ {found['inside'].strip()} }}}}")

    def _dollar(self, text: Text, name: str, at: int) -> None:
        if re.fullmatch(r"[A-Z][A-Z0-9_]*", name):
            message = f"${{{name}}} reads a secret, which is only possible under “connections:”."
            self.report(text)("S02", at, message, "Put the secret into a connection; rules name the connection.")
        elif name.partition(".")[0] in catalogue.ROOTS:
            self.report(text)("X10", at, "Variables are written without a $.", f"Write:  {{{{ {name} }}}}")


_DYNAMIC = re.compile(r"\{\{|\{%")
_ONE_BRACE = re.compile(r"(?P<dollar>\$?)(?<!\{)\{(?P<inside>\s*(?P<name>[A-Za-z_][\w.]*)\s*(?:\|[^{}]*)?)\}(?!\})")


def _is_text(tree: Expression) -> bool:
    return isinstance(tree, Path) and tree.parts[0] == "texts"


def printable_hint(compiled: Compiled) -> str:
    """How to get text out of a list or a group."""
    words, element = compiled.words, compiled.type.element
    if compiled.type.kind is Kind.GROUP:
        names = ", ".join(list(compiled.type.fields)[:6])
        return f"Name one of its fields: {names}" if names else f"Name one of its keys:  {words}.…"
    if element is not None and element.fields:
        return f"Go through it:  {{% for item in {words} %}}{{{{ item.name }}}}{{% endfor %}}"
    return f"Use a filter:  {{{{ {words} | join(', ') }}}}"


def _inserting(compiled: Compiled, printer: Printer) -> Render:
    run, text = compiled.run, printer.text

    def render(context: Context, output: Output) -> str:
        value = run(context)
        return "" if value is None else output.insert(value if value.__class__ is str else text(value))

    return render


def _loop(name: str, over: Run, body: Render, empty: Render) -> Render:
    def render(context: Context, output: Output) -> str:
        entries = over(context)
        if not entries:
            return empty(context, output)
        if not isinstance(entries, list):
            raise EvaluationError(f"A loop needs a list, but got “{entries!s:.60}”.")
        return "".join([body(_turn(context, name, entries, index, output), output) for index in range(len(entries))])

    return render


def _turn(context: Context, name: str, entries: list[Any], index: int, output: Output) -> Context:
    output.turn()
    length = len(entries)
    loop = {"index": index + 1, "first": index == 0, "last": index == length - 1, "length": length}
    return {**context, name: entries[index], "loop": loop}
