"""Expressions: checked against the catalogue and compiled to closures over plain data, in one walk.

Nothing here can reach a Python attribute, call or import: names are looked up in mappings and lists only, operators and
filters come from closed tables.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hub.errors import EvaluationError
from hub.model import Context
from hub.rules import filtering, suggest
from hub.rules.comparing import Compiled, Run, compare, mismatch
from hub.rules.filters import FILTERS
from hub.rules.lookup import getter, look_up, now_part
from hub.rules.operators import calculate, has_value
from hub.rules.printing import Printer
from hub.rules.scope import Report, Scope, Uses, resolve
from hub.rules.shop import Shop
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
)
from hub.rules.types import ANY, NUMBER, NUMBERS, TEXT, YES_NO, Kind, Type, list_of
from hub.rules.values import Misread

#: Answers whether ``texts.name`` exists, by its compiled form.
TextOf = Callable[[str], Run | None]


def _nothing(_context: Context) -> None:
    return None


#: Stands for an expression that had a Problem: nothing more is said about it.
UNUSABLE = Compiled(ANY, _nothing, "")


@dataclass(frozen=True, slots=True)
class Compiler:
    """Compiles the expressions of one place. ``lenient``: any value answers an ``if`` (in texts), not only yes/no."""

    scope: Scope
    shop: Shop
    printer: Printer
    report: Report
    warn: Report
    missing_text: Callable[[int, str, str], None]
    uses: Uses
    text_of: TextOf = lambda _name: None
    lenient: bool = False

    def compile(self, tree: Expression) -> Compiled:
        match tree:
            case Const():
                return self._constant(tree)
            case Path():
                return self.path(tree)
            case Part():
                return self._part(tree)
            case ListOf():
                return self._list(tree)
            case Not() | Logic():
                return self._logic(tree)
            case Compare():
                return self._comparison(tree)
            case Arithmetic() | Negative():
                return self._arithmetic(tree)
            case Choice():
                return self._choice(tree)
            case Filtered():
                return self._filtered(tree)

    def condition(self, tree: Expression) -> Run:
        """The same, as an answer: strictly true or false, or (lenient) whether there is a value."""
        compiled = self.compile(tree)
        run = compiled.run
        if compiled.type.kind is Kind.YES_NO:
            return lambda context: run(context) is True
        if self.lenient:
            return lambda context: has_value(run(context))
        if compiled.type.kind is not Kind.ANY:
            self._not_a_question(tree, compiled)
        return _strict(run, compiled.words)

    def _not_a_question(self, tree: Expression, compiled: Compiled) -> None:
        words = compiled.words
        message = f"“{words}” is {compiled.type.kind}; a condition must be true or false."
        hint = f"Compare it:  {words} == …   — or check that it is filled in:  if: {{{words}: {{exists: yes}}}}"
        self.report("X08", tree.at, message, hint)

    # --- Names and constants ---

    def _constant(self, tree: Const) -> Compiled:
        value = tree.value
        if value is None:
            hint = "Ask whether a field is filled in:  if: {customer.phone: {exists: no}}"
            self.report("X04", tree.at, "“none” is not available in rules.", hint)
            return UNUSABLE
        kind = YES_NO if isinstance(value, bool) else TEXT if isinstance(value, str) else NUMBER
        return Compiled(kind, lambda _context: value, _shown(value), constant=True)

    def path(self, tree: Path) -> Compiled:
        """A field; ``UNUSABLE`` when it is not known here, which is reported."""
        if tree.parts[0] == "texts" and "texts" not in self.scope.local:
            return self._text(tree)
        try:
            found = resolve(tree.parts, self.scope)
        except Misread as error:
            self.report(error.code, tree.at, error.message, error.suggestion)
            return UNUSABLE
        self.uses.sources |= found.sources
        if tree.parts[0] == "steps" and len(tree.parts) > 1:
            self.uses.steps.add(str(tree.parts[1]))
        return Compiled(found.type, self._getter(tree.parts), str(tree))

    def _text(self, tree: Path) -> Compiled:
        name = ".".join(map(str, tree.parts[1:]))
        run = self.text_of(name)
        if run is None:
            close = suggest.by_spelling(name, self.scope.texts)
            known = (
                f"Under texts: there is {', '.join(self.scope.texts)}."
                if self.scope.texts
                else "Add it under “texts:”."
            )
            hint = f"Did you mean “texts.{close}”?" if close else known
            self.missing_text(tree.at, f"We do not know “{tree}”.", hint)
            return UNUSABLE
        return Compiled(TEXT, run, str(tree))

    def _getter(self, parts: tuple[str | int, ...]) -> Run:
        if parts[0] == "now" and len(parts) == 2 and "now" not in self.scope.local:
            return now_part(self.shop, str(parts[1]))
        return getter(parts)

    def _part(self, tree: Part) -> Compiled:
        base = self.compile(tree.base)
        name, run = tree.name, base.run
        found = base.type.fields.get(str(name))
        if isinstance(name, int) and base.type.element is not None:
            type_ = base.type.element
        elif found is not None:
            self.uses.sources |= {found.source} - {"event"}
            type_ = found.type
        elif base.type.kind in {Kind.ANY, Kind.GROUP} and (base.type.open or base.type.kind is Kind.ANY):
            type_ = base.type.open or ANY
        else:
            self.report("X02", tree.at, f"“{base.words}” is {base.type.kind} and has no “{name}”.", "")
            return UNUSABLE
        return Compiled(type_, lambda context: look_up(run(context), name), f"{base.words}.{name}")

    def _list(self, tree: ListOf) -> Compiled:
        elements = [self.compile(one) for one in tree.elements]
        type_ = elements[0].type if elements else ANY
        words = f"[{', '.join(one.words for one in elements)}]"
        if all(one.constant for one in elements):
            fixed = [one.run({}) for one in elements]
            return Compiled(list_of(type_), lambda _context: fixed, words, constant=True)
        runs = [one.run for one in elements]
        return Compiled(list_of(type_), lambda context: [run(context) for run in runs], words)

    # --- Conditions ---

    def _logic(self, tree: Not | Logic) -> Compiled:
        if isinstance(tree, Not):
            inner = self.condition(tree.operand)
            return Compiled(YES_NO, lambda context: not inner(context), "not …")
        runs = [self.condition(one) for one in tree.operands]
        return Compiled(YES_NO, _all(runs) if tree.word == "and" else _any(runs), f"… {tree.word} …")

    def _choice(self, tree: Choice) -> Compiled:
        condition = self.condition(tree.condition)
        then, other = self.compile(tree.then), self.compile(tree.otherwise)
        yes, no = then.run, other.run
        type_ = then.type if then.type.kind is other.type.kind else ANY
        return Compiled(type_, lambda context: yes(context) if condition(context) else no(context), then.words)

    def _comparison(self, tree: Compare) -> Compiled:
        operands = [self.compile(tree.first), *(self.compile(one) for _, one in tree.rest)]
        runs = [
            self._one_comparison(sign, left, right, tree)
            for (sign, _), left, right in zip(tree.rest, operands[:-1], operands[1:], strict=True)
        ]
        words = " ".join(
            [
                operands[0].words,
                *(f"{sign} {one.words}" for (sign, _), one in zip(tree.rest, operands[1:], strict=True)),
            ]
        )
        return Compiled(YES_NO, runs[0] if len(runs) == 1 else _all(runs), words)

    def _one_comparison(self, sign: str, left: Compiled, right: Compiled, tree: Compare) -> Run:
        if left is UNUSABLE or right is UNUSABLE:
            return _nothing
        mistake = mismatch(sign, left, right)
        if mistake is not None:
            self.report(mistake.code, tree.at, mistake.message, mistake.suggestion)
            return _nothing
        self._look_at_currency(sign, left, right, tree)
        return compare(sign, left, right, self.shop)

    def _look_at_currency(self, sign: str, left: Compiled, right: Compiled, tree: Compare) -> None:
        amounts = [one for one in (left, right) if one.type.kind is Kind.AMOUNT]
        if self.shop.currency is None and len(amounts) == 1:
            hint = f"Set  shop: currency:   — or write  {amounts[0].words}: over 100 USD"
            self.warn("X15", tree.at, f"“{amounts[0].words} {sign} …” does not look at the currency.", hint)

    # --- Numbers and filters ---

    def _arithmetic(self, tree: Arithmetic | Negative) -> Compiled:
        if isinstance(tree, Negative):
            inner = self.compile(tree.operand)
            if inner.constant:
                value = -inner.run({})
                return Compiled(NUMBER, lambda _context: value, _shown(value), constant=True)
            self._number(inner, tree.at)
            return Compiled(inner.type, lambda context: calculate("*", inner.run(context), -1), f"-{inner.words}")
        left, right = self.compile(tree.left), self.compile(tree.right)
        self._number(left, tree.left.at)
        self._number(right, tree.right.at)
        sign, one, two = tree.operator, left.run, right.run
        words = f"{left.words} {sign} {right.words}"
        type_ = _result_type(sign, left.type, right.type)
        return Compiled(type_, lambda context: calculate(sign, one(context), two(context)), words)

    def _number(self, operand: Compiled, at: int) -> None:
        if operand.type.kind not in {*NUMBERS, Kind.ANY}:
            hint = "To join texts, put them next to each other:  {{ a }} {{ b }}"
            self.report("X09", at, f"“{operand.words}” is {operand.type.kind}, so it cannot be calculated with.", hint)

    def _filtered(self, tree: Filtered) -> Compiled:
        base = self.compile(tree.base)
        arguments = [self.compile(one) for one in tree.arguments]
        known = FILTERS.get(tree.name)
        if known is None:
            close = suggest.closest("filter", tree.name, FILTERS)
            hint = f"Did you mean “{close}”?" if close else f"There are: {', '.join(FILTERS)}."
            self.report("X01", tree.at, f"There is no filter “{tree.name}”.", hint)
            return UNUSABLE
        if base is UNUSABLE:
            return UNUSABLE
        misfit = filtering.misfit(known, base, arguments, self.printer)
        if misfit is not None:
            self.report(misfit.code, tree.at, misfit.message, misfit.suggestion)
            return UNUSABLE
        run = filtering.filtered(known, base, arguments, self.printer)
        return Compiled(known.gives(base.type), run, f"{base.words} | {tree.name}")


def _strict(run: Run, words: str) -> Run:
    """A value of unknown type as an answer: it must turn out to be true or false."""

    def answer(context: Context) -> bool:
        value = run(context)
        if value is None:
            return False
        if not isinstance(value, bool):
            raise EvaluationError(f"“{words}” is “{value!s:.60}”; a condition must be true or false.")
        return value

    return answer


def _all(runs: list[Run]) -> Run:
    if len(runs) == 2:
        one, two = runs
        return lambda context: one(context) and two(context)
    return lambda context: all(run(context) for run in runs)


def _any(runs: list[Run]) -> Run:
    if len(runs) == 2:
        one, two = runs
        return lambda context: one(context) or two(context)
    return lambda context: any(run(context) for run in runs)


def _result_type(sign: str, left: Type, right: Type) -> Type:
    if Kind.ANY in {left.kind, right.kind}:
        return ANY
    if left.kind is Kind.AMOUNT or right.kind is Kind.AMOUNT:
        return NUMBER if sign == "/" and left.kind is right.kind else left if left.kind is Kind.AMOUNT else right
    return NUMBER


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
