"""``expand[]`` as https://docs.stripe.com/expand has it: ids become objects, includable fields appear."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

from hub.testing.stripe import errors
from hub.testing.stripe.books import Books, Json
from hub.testing.stripe.lists import page

_DEEPEST = 4


class Expander:
    """``allowed`` is asked for each type that an expansion reaches; it raises when the key may not read it."""

    def __init__(self, books: Books, allowed: Callable[[str], None]) -> None:
        self._books = books
        self._allowed = allowed

    def render(self, thing: Json, paths: Sequence[str]) -> Json:
        """A copy of ``thing`` with what ``paths`` name in full."""
        made = copy.deepcopy(thing)
        for path in paths:
            parts = path.split(".")
            if len(parts) > _DEEPEST + (parts[0] == "data"):
                raise errors.invalid(
                    f"You cannot expand more than {_DEEPEST} levels of a property. (Property: {path})", "expand"
                )
            self._expand(made, parts, path)
        return made

    def _expand(self, value: Any, parts: Sequence[str], path: str) -> None:
        if not parts:
            return
        head, *rest = parts
        if isinstance(value, list):
            for one in value:
                self._expand(one, parts, path)
        elif isinstance(value, dict):
            if head not in value:
                self._include(value, head, path)
            if isinstance(value[head], str):
                value[head] = self._fetched(value[head], path)
            self._expand(value[head], rest, path)

    def _include(self, thing: Json, name: str, path: str) -> None:
        kind = thing.get("object")
        if kind == "checkout.session" and name == "line_items":
            thing[name] = self.line_items(thing["id"], {})
        elif kind == "invoice" and name == "payments":
            owner = self._books.owner_of(thing["id"])
            found = [one for one in self._books.all("invoice_payment", owner) if one["invoice"] == thing["id"]]
            thing[name] = page(copy.deepcopy(found), {}, "/v1/invoice_payments")
        elif kind == "customer" and name == "tax_ids":
            thing[name] = page([], {}, f"/v1/customers/{thing['id']}/tax_ids")
        else:
            raise errors.invalid(f"This property cannot be expanded ({path}).", "expand")

    def line_items(self, session_id: str, given: Json) -> Json:
        """A page of a session's items, in their own order."""
        lines = self._books.lines.get(session_id, [])
        return page(copy.deepcopy(lines), given, f"/v1/checkout/sessions/{session_id}/line_items")

    def _fetched(self, identity: str, path: str) -> Any:
        kept = self._books.kept.get(identity)
        if kept is None:
            raise errors.invalid(f"This property cannot be expanded ({path}).", "expand")
        self._allowed(kept.thing["object"])
        return copy.deepcopy(kept.thing)
