"""Writes ``hub/rules/data/stripe.json.gz``: Stripe's event types and the fields of the objects they are about.

Run it after updating the ``stripe`` package:  ``python tools/stripe_fields.py``. Rules are checked against this file,
so that checking them neither imports the package (0.2 s) nor depends on its private modules.

A type is written as: ``s`` text, ``n`` number, ``b`` true/false, ``*`` anything, ``m`` text by any key (metadata),
``[x`` a list of x, ``@name`` an object, ``~name`` an id or, expanded, an object.
"""

from __future__ import annotations

import ast
import gzip
import importlib
import inspect
import json
import re
import sys
import types
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, ForwardRef, Literal, Union, get_args, get_origin

import stripe
from stripe._event import Event
from stripe._list_object import ListObject
from stripe._object_classes import OBJECT_CLASSES
from stripe._stripe_object import StripeObject, UntypedStripeObject
from stripe.events._event_classes import _V2_EVENT_CLASS_LOOKUP

TARGET = Path(__file__).parent.parent / "hub" / "rules" / "data" / "stripe.json.gz"

#: The objects that friendly triggers and events of the same families are about.
ROOTS = (
    "checkout.session",
    "charge",
    "refund",
    "dispute",
    "payment_intent",
    "invoice",
    "subscription",
    "customer",
    "payout",
)


class Walker:
    """Follows annotations from the root classes; every class once."""

    def __init__(self) -> None:
        self.classes: dict[str, dict[str, str]] = {}

    def name(self, found: type[Any]) -> str:
        """The short name of a class, after its fields have been written down."""
        name = class_label(found)
        if name not in self.classes:
            self.classes[name] = {}
            self.classes[name] = {field: self.code(note, found) for field, note in _annotations(found).items()}
        return name

    def code(self, note: Any, owner: type[Any]) -> str:
        if isinstance(note, str | ForwardRef):
            return self.code(_resolved(note, owner), owner)
        origin, arguments = get_origin(note), get_args(note)
        if origin in {Union, types.UnionType}:
            return self._union([one for one in arguments if one is not type(None)], owner)
        if origin in {list, ListObject} or note is list:
            inner = f"[{self.code(arguments[0], owner)}" if arguments else "[*"
            return inner if origin is not ListObject else f"L{inner[1:]}"
        if origin is Literal:
            return "b" if all(isinstance(one, bool) for one in arguments) else "s"
        if origin is UntypedStripeObject:
            return "m" if arguments == (str,) else "*"
        return self._plain(note)

    def _plain(self, note: Any) -> str:
        if note is bool:
            return "b"
        if note in {int, float, Decimal}:
            return "n"
        if note is str:
            return "s"
        if isinstance(note, type) and issubclass(note, StripeObject) and _annotations(note):
            return f"@{self.name(note)}"
        return "*"

    def _union(self, members: list[Any], owner: type[Any]) -> str:
        codes = {self.code(one, owner) for one in members}
        if len(codes) == 1:
            return codes.pop()
        objects = [one for one in codes if one.startswith("@")]
        if codes <= {"s", *objects} and len(objects) == 1:
            return f"~{objects[0][1:]}"
        return "*"


def _annotations(found: type[Any]) -> Mapping[str, Any]:
    return {
        name: note
        for name, note in inspect.get_annotations(found).items()
        if not name.startswith("_") and name != "OBJECT_NAME"
    }


@cache
def _imports(module: types.ModuleType) -> Mapping[str, tuple[str, str]]:
    """The names a module imports, also only for type checking: name → module and name there."""
    tree = ast.parse(inspect.getsource(module))
    return {
        alias.asname or alias.name: (str(node.module), alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def _resolved(note: str | ForwardRef, owner: type[Any]) -> Any:
    text = note if isinstance(note, str) else note.__forward_arg__
    module = sys.modules[owner.__module__]
    names: dict[str, Any] = dict(vars(module))
    words = set(re.findall(r"\w+", text))
    for name, (source, original) in _imports(module).items():
        if name not in names and name in words:
            names[name] = getattr(importlib.import_module(source), original)
    return eval(text, names)


def _event_types() -> Iterator[str]:
    yield from get_args(Event.__annotations__["type"])


def _objects_of_events() -> Iterator[tuple[str, type[Any]]]:
    """Snapshot type and the class of its object, from the thin event's typed link."""
    for name, (module, class_name) in _V2_EVENT_CLASS_LOOKUP.items():
        if name.startswith("v1."):
            found = getattr(importlib.import_module(module), class_name)
            fetch = getattr(found, "fetch_related_object", None)
            note = fetch.__annotations__.get("return") if fetch else None
            if note is not None:
                yield name.removeprefix("v1."), _resolved(note, found) if isinstance(note, str | ForwardRef) else note


def document() -> dict[str, Any]:
    """What the installed package declares, as the file holds it."""
    walker = Walker()
    objects = {}
    for name in ROOTS:
        module, class_name = OBJECT_CLASSES[name]
        objects[name] = walker.name(getattr(importlib.import_module(module), class_name))
    events = dict.fromkeys(_event_types(), "")
    for name, found in _objects_of_events():
        root = next((one for one, class_name in objects.items() if class_name == class_label(found)), None)
        if name in events:
            events[name] = root or ""
    return {"version": stripe.VERSION, "events": events, "objects": objects, "classes": walker.classes}


def main() -> None:
    found = document()
    TARGET.parent.mkdir(exist_ok=True)
    text = json.dumps(found, separators=(",", ":"), sort_keys=True)
    # mtime=0: the same package gives the same file.
    TARGET.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    print(
        f"{TARGET.name}: stripe {stripe.VERSION}, {len(found['events'])} events,"
        f" {len(found['classes'])} objects, {TARGET.stat().st_size:,} bytes"
    )


def class_label(found: type[Any]) -> str:
    module = ".".join(part.lstrip("_") for part in found.__module__.split(".")[1:])
    return f"{module}.{found.__qualname__}"


if __name__ == "__main__":
    main()
