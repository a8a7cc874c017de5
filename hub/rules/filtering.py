"""Filters on compiled expressions: whether one fits, and its closure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hub.model import Context
from hub.rules.comparing import Compiled, Run
from hub.rules.filters import Filter
from hub.rules.printing import Printer
from hub.rules.types import Kind
from hub.rules.values import Misread


def misfit(known: Filter, base: Compiled, arguments: Sequence[Compiled], printer: Printer) -> Misread | None:
    """Why a filter cannot be used like this; None if it can."""
    example = f"For example:  {known.example}"
    least = sum(not one.endswith("?") for one in known.arguments)
    if not least <= len(arguments) <= len(known.arguments):
        wanted = " and ".join(one.rstrip("?") for one in known.arguments) or "nothing"
        return Misread("X09", f"The filter “{known.name}” takes {wanted} in brackets.", example)
    if base.type.kind not in {*known.takes, Kind.ANY}:
        message = f"“{base.words}” is {base.type.kind}; the filter “{known.name}” cannot be used on it."
        return Misread("X09", message, example)
    if known.arguments == ("format?",) and arguments and arguments[0].constant:
        return _unknown_format(str(arguments[0].run({})), printer)
    return None


def _unknown_format(tokens: str, printer: Printer) -> Misread | None:
    try:
        printer.pattern(tokens)
    except ValueError as error:
        hint = "Use YYYY, MM, DD, HH, mm:  {{ order.paid_at | date('DD.MM.YYYY') }}"
        return Misread("X09", f"“{error}” is not a part of a date format.", hint)
    return None


def filtered(known: Filter, base: Compiled, arguments: Sequence[Compiled], printer: Printer) -> Run:
    """The filter applied to an expression; a missing value stays missing, except for ``default``."""
    apply, run = known.make(printer), base.run
    if not known.keeps_missing:
        other = arguments[0].run
        return lambda context: apply(run(context), other(context))
    if all(one.constant for one in arguments):
        return _with_fixed(apply, run, [one.run({}) for one in arguments])
    runs = [one.run for one in arguments]

    def with_arguments(context: Context) -> Any:
        value = run(context)
        return None if value is None else apply(value, *(one(context) for one in runs))

    return with_arguments


def _with_fixed(apply: Callable[..., Any], run: Run, fixed: list[Any]) -> Run:
    if not fixed:
        return lambda context: None if (value := run(context)) is None else apply(value)
    return lambda context: None if (value := run(context)) is None else apply(value, *fixed)
