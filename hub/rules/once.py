"""``once_per:``: what a rule's runs are unique for, and within which time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hub.model import Context
from hub.rules import keys
from hub.rules.comparing import Run
from hub.rules.document import Entry, Map, Text
from hub.rules.lookup import getter
from hub.rules.ruleset import OncePer
from hub.rules.scope import Scope, Uses
from hub.rules.step_parts import length
from hub.rules.syntax import Path
from hub.rules.templates import Workshop


def read(entry: Entry, scope: Scope, workshop: Workshop, uses: Uses) -> OncePer | None:
    """``order``, ``customer`` …, a field, or ``{what: customer.email, within: 30 days}``; None for every event."""
    what, within = _parts(entry, workshop)
    if what is None or what.value == "event":
        return None
    value = _value(what, scope, workshop, uses)
    return None if value is None else OncePer(what.value, value, within)


def _parts(entry: Entry, workshop: Workshop) -> tuple[Text | None, timedelta | None]:
    problems = workshop.problems
    if not isinstance(entry.value, Map):
        return keys.as_text(entry, problems, "customer"), None
    entries = keys.known(entry.value, "once_per:", ("what", "within"), problems, "setting")
    keys.missing([] if "what" in entries else ["what"], "once_per:", entry.value.place, problems)
    what = keys.as_text(entries["what"], problems, "customer.email") if "what" in entries else None
    text = keys.as_text(entries["within"], problems, "30 days") if "within" in entries else None
    return what, None if text is None else length(text, workshop, "within")


def _value(what: Text, scope: Scope, workshop: Workshop, uses: Uses) -> Run | None:
    if what.value in {"order", "subscription", "invoice", "customer"} and what.value in scope.roots:
        return _customer if what.value == "customer" else getter((what.value, "id"))
    parts = tuple(int(part) if part.isdigit() else part for part in what.value.split("."))
    compiled = workshop.compiler(what, scope, uses, lenient=False).path(Path(parts, 0))
    return compiled.run if compiled.words else None


def _customer(context: Context) -> Any:
    """Stripe's customer; guests have none, so their e-mail address."""
    customer = context.get("customer") or {}
    return customer.get("id") or customer.get("email")
