"""Conditions: read from the file, checked by the types of their fields, compiled, and able to say what they saw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from hub.errors import EvaluationError
from hub.model import Context
from hub.rules import matching, parsing
from hub.rules.asked import Test
from hub.rules.comparing import Run
from hub.rules.document import Entry, Items, Map, Node, Text, written
from hub.rules.expressions import Compiler
from hub.rules.problems import Place
from hub.rules.scope import Scope, Uses
from hub.rules.syntax import Expression, Path, SyntaxMistake, paths_in
from hub.rules.templates import Workshop
from hub.rules.values import Misread


@dataclass(frozen=True, slots=True)
class Seen:
    """A condition as it was evaluated. ``was`` is the value it saw, "" when that was missing, None for a group."""

    text: str
    met: bool
    was: str | None = None
    children: tuple[Seen, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition or a group of them. ``met`` raises ``EvaluationError`` when it cannot be answered."""

    text: str
    met: Callable[[Context], bool]
    was: Callable[[Context], str] | None = None
    children: tuple[Condition, ...] = ()
    one_of: frozenset[str] | None = None  #: of one line: what the field must be one of, if that is what it asks

    def seen(self, context: Context) -> Seen:
        """The condition with what it saw; raises ``EvaluationError``."""
        was = None if self.was is None else self.was(context)
        return Seen(self.text, self.met(context), was, tuple(child.seen(context) for child in self.children))


ALWAYS = Condition("", lambda _context: True)

_GROUPS = {"all": "all:", "any": "any:", "none": "none:"}
_OTHER_WORDS = {"or": "any", "and": "all", "not": "none", "one_of": "any", "either": "any", "neither": "none"}


@dataclass(frozen=True, slots=True)
class ConditionReader:
    """Reads the ``if:`` of one place."""

    workshop: Workshop
    scope: Scope
    uses: Uses

    def read(self, node: Node) -> Condition:
        """The condition that ``if:`` means; mistakes are reported, and the condition is then never met."""
        match node:
            case Text():
                return self._expression(node)
            case Map():
                return _all_of([self._entry(entry) for entry in node.entries], "all:")
            case Items():
                message = "A list under if: is unclear: must all of them be true, or is one enough?"
                place = node.nodes[0].place if node.nodes else node.place
                dash = _dash_of(node, self.workshop)
                return self._problem("C01", dash or place, message, "Write  all:  or  any:  above the list.")

    def _entry(self, entry: Entry) -> Condition:
        key = entry.key.value
        if key in _GROUPS:
            return self._group(key, entry.value)
        if key in _OTHER_WORDS:
            right = _OTHER_WORDS[key]
            return self._problem(
                "K01", entry.key.place, f"Conditions have no setting called “{key}”.", f"Write  {right}:  instead."
            )
        return self._field(entry)

    def _group(self, word: str, node: Node) -> Condition:
        nodes = node.nodes if isinstance(node, Items) else ()
        if not nodes:
            hint = f"Write:  {word}:  and below it lines like  - order.total: over 100 USD"
            return self._problem("C02", node.place, f"Below {word}: each condition starts with “- ”.", hint)
        children = [self.read(one) for one in nodes]
        met = [child.met for child in children]
        text = _GROUPS[word]
        if word == "all":
            return _all_of(children, text)
        if word == "any":
            return Condition(text, lambda context: any(one(context) for one in met), children=tuple(children))
        return Condition(text, lambda context: not any(one(context) for one in met), children=tuple(children))

    # --- One line: a field and what it must be ---

    def _field(self, entry: Entry) -> Condition:
        compiler = self._compiler(entry.key)
        compiled = compiler.path(Path(_parts(entry.key.value), 0))
        if not compiled.words:
            return _NEVER
        try:
            test = matching.read(compiled, entry, self.workshop)
        except Misread as error:
            elsewhere = error.code in {"C11", "C12"}  # business hours and lists
            self.workshop.problems.add(
                error.code, _place(entry), error.message, error.suggestion, named_elsewhere=elsewhere
            )
            return _NEVER
        return self._leaf(f"{entry.key.value}: {as_typed(entry.value)}", compiled.run, test)

    def _leaf(self, text: str, run: Run, test: Test) -> Condition:
        met, printed = test.met, test.printed
        return Condition(
            text,
            lambda context: met(run(context), context),
            was=lambda context: printed(run(context)),
            one_of=test.one_of,
        )

    # --- One line of an expression ---

    def _expression(self, node: Text) -> Condition:
        text = node.value.strip()
        if "{{" in text or "{%" in text:
            bare = text.replace("{{", "").replace("}}", "")
            message = "An if: condition must not mix text and {{ }}; such a condition would always be true."
            return self._problem(
                "X05", node.place, message, f"Write the names without braces:  if: {' '.join(bare.split())}"
            )
        compiler = self._compiler(node)
        try:
            tree = parsing.expression(node.value)
        except SyntaxMistake as error:
            compiler.report(error.code, error.at, error.message, error.suggestion)
            return _NEVER
        met = compiler.condition(tree)
        return Condition(text, met, was=self._values(tree))

    def _values(self, tree: Expression) -> Callable[[Context], str]:
        """What the fields of an expression were."""
        silent = replace(self._compiler(_NOWHERE), report=_silent, warn=_silent, missing_text=_silent)
        fields = {str(path): silent.path(path) for path in paths_in(tree)}
        show = self.workshop.shown

        def was(context: Context) -> str:
            return ", ".join(f"{name} = {show(field.run(context)) or '(empty)'}" for name, field in fields.items())

        return was

    def _compiler(self, text: Text) -> Compiler:
        return self.workshop.compiler(text, self.scope, self.uses, lenient=False)

    def _problem(self, code: str, place: Place, message: str, suggestion: str) -> Condition:
        self.workshop.problems.add(code, place, message, suggestion)
        return _NEVER


def _never(_context: Context) -> bool:
    raise EvaluationError("The condition has a problem.")


def _silent(*_problem: object) -> None:
    """What was told already when the expression was compiled."""


_NEVER = Condition("", _never)
_NOWHERE = Text("", Place("", 0, 0), "", (0, 0))


def _all_of(children: list[Condition], text: str) -> Condition:
    met = [child.met for child in children]
    if len(met) == 1:
        return children[0]
    if len(met) == 2:
        one, two = met
        return Condition(text, lambda context: one(context) and two(context), children=tuple(children))
    return Condition(text, lambda context: all(one(context) for one in met), children=tuple(children))


def _parts(key: str) -> tuple[str | int, ...]:
    return tuple(int(part) if part.isdigit() else part for part in key.split("."))


def _place(entry: Entry) -> Place:
    """A value that is nowhere to be seen is reported at its name."""
    return entry.key.place if isinstance(entry.value, Text) and entry.value.is_empty else entry.value.place


def _dash_of(node: Items, workshop: Workshop) -> Place | None:
    """The “- ” of a list's first entry: that is what has to change."""
    line = workshop.lines.get(node.place.file, ())[node.place.line - 1]
    return node.place if line[node.place.column - 1 :].startswith("-") else None


def as_typed(node: Node) -> str:
    """A value in one line, as it could be typed."""
    match node:
        case Text():
            return written(node.value) if node.value else '""' if node.is_quoted else ""
        case Items():
            return f"[{', '.join(as_typed(one) for one in node.nodes)}]"
        case Map():
            return "{" + ", ".join(f"{one.key.value}: {as_typed(one.value)}" for one in node.entries) + "}"
