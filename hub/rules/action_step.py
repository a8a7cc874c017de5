"""The action of a step: its settings against its parameters, its connection, its defaults."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from hub.connector import Action
from hub.rules import catalogue, keys
from hub.rules import slots as models
from hub.rules.actions import AnyAction
from hub.rules.connections import ConnectionSpec
from hub.rules.document import Entry, Map, Text, quoted
from hub.rules.problems import Place
from hub.rules.scope import Scope, Uses
from hub.rules.settings import DYNAMIC, Setting, SettingReader, sentence
from hub.rules.step import Step
from hub.rules.templates import Workshop

_ON_UNKNOWN = ("resend", "hold")


@dataclass(frozen=True, slots=True)
class ActionReader:
    workshop: Workshop
    connections: Mapping[str, ConnectionSpec]
    scope: Scope
    uses: Uses
    missing: set[str]  #: kinds of connectors without a connection
    warned: set[str]  #: those that were told of, in any rule

    def read(self, step: Step, action: AnyAction, what: Entry, defaults: Map | None, node: Map) -> Step:
        """``step`` with everything that its action's settings say."""
        entries = self._entries(action, what, defaults, node)
        if entries is None:
            return replace(step, action=action)
        on_unknown = self._on_unknown(entries.pop("on_unknown", None))
        connection = self._connection(action, what, entries.pop("connection", None))
        known = models.settings_of(action.params)
        reader = SettingReader(self.workshop, self.scope, self.uses)
        values = {name: reader.read(entry.value, known[name].slot) for name, entry in entries.items()}
        self._validate(action, what, values)
        return replace(step, action=action, connection=connection, on_unknown=on_unknown, values=values)

    def _entries(self, action: AnyAction, what: Entry, defaults: Map | None, node: Map) -> dict[str, Entry] | None:
        """The settings by name, completed from ``defaults:``; None when they are not where they belong."""
        given = what.value
        allowed = settings_allowed(action)
        if isinstance(given, Text) and given.is_empty:
            if self._beside(action, what, node, allowed):
                return None
            given = Map((), what.key.place, given.end)
        if not isinstance(given, Map):
            hint = f"For example:  {next(iter(allowed))}: …  on a line of its own, indented below it."
            self.workshop.problems.add("K03", given.place, f"{action.name} needs settings below it.", hint)
            return None
        entries = keys.known(given, action.name, allowed, self.workshop.problems, "setting")
        for entry in defaults.entries if defaults else ():
            if entry.key.value in allowed:
                entries.setdefault(entry.key.value, entry)
        required = [
            one.name for one in models.settings_of(action.params).values() if one.required and one.name not in entries
        ]
        keys.missing(required, action.name, what.key.place, self.workshop.problems, "A04")
        return entries

    def _beside(self, action: AnyAction, what: Entry, node: Map, allowed: list[str]) -> bool:
        """A03: the settings stand at the same column as the action."""
        column = what.key.place.column
        beside = [one.key for one in node.entries if one.key.value in allowed and one.key.place.column == column]
        if not beside:
            return False
        names = ", ".join(key.value for key in beside)
        message = f"The settings of {action.name} must be indented below it."
        self.workshop.problems.add("A03", beside[0].place, message, f"Add 2 more spaces in front of: {names}.")
        return True

    def _on_unknown(self, entry: Entry | None) -> str | None:
        text = None if entry is None else keys.as_text(entry, self.workshop.problems, "hold")
        if text is None or text.value in _ON_UNKNOWN:
            return None if text is None else text.value
        message = "on_unknown says what happens when nobody can tell whether it arrived: resend or hold."
        self.workshop.problems.add("K06", text.place, message, "Write:  on_unknown: hold")
        return None

    # --- Connections ---

    def _connection(self, action: AnyAction, what: Entry, entry: Entry | None) -> str | None:
        """The connection a step uses: the one it names, the one named like its kind, or the only one of its kind."""
        if not isinstance(action, Action):
            return None
        kind = action.connection.kind
        of_kind = [name for name, spec in self.connections.items() if spec.kind == kind]
        if entry is not None:
            return self._named(entry, kind, of_kind)
        if kind in of_kind:
            return kind
        if len(of_kind) > 1:
            names = ", ".join(of_kind)
            message = f"There are several connections for {action.name}: {names}."
            hint = f"Add:  connection: {of_kind[0]}"
            self.workshop.problems.add("A07", what.key.place, message, hint, named_elsewhere=True)
            return None
        if not of_kind:
            self._not_connected(action, what.key.place)
            return None
        return of_kind[0]

    def _named(self, entry: Entry, kind: str, of_kind: list[str]) -> str | None:
        text = keys.as_text(entry, self.workshop.problems, of_kind[0] if of_kind else kind)
        if text is None:
            return None
        if text.value in of_kind:
            return text.value
        other = self.connections.get(text.value)
        if other is not None and other.kind:
            message = f"The connection “{text.value}” is for {other.kind}, not for {kind}."
        else:
            message = f"There is no connection called “{text.value}”."
        hint = (
            f"There is: {', '.join(of_kind)}."
            if of_kind
            else f"Add it under connections:  {text.value}:  with  type: {kind}"
        )
        self.workshop.problems.add("A02", text.place, message, hint, named_elsewhere=True)
        return None

    def _not_connected(self, action: Action[Any, Any], place: Place) -> None:
        kind, title = action.connection.kind, action.connection.title
        self.missing.add(kind)
        if kind not in self.warned:
            self.warned.add(kind)
            names = [one.name for one in models.settings_of(action.connection.Config).values() if one.required]
            hint = f"Add it under connections:  {kind}:" + (f"  with {', '.join(names)}" if names else "")
            self.workshop.problems.warn("A06", place, f"{title} is not connected yet.", hint)

    # --- Values that are known already ---

    def _validate(self, action: AnyAction, what: Entry, values: Mapping[str, Setting]) -> None:
        """Checks fixed values as the connector will: what is inserted later is stood in for by the examples."""
        known = models.settings_of(action.params)
        filled = {name: _filled(one.static, known[name].examples) for name, one in values.items()}
        try:
            action.params.model_validate(filled)
        except ValidationError as error:
            for one in error.errors():
                self._invalid(action, what, values, one)

    def _invalid(self, action: AnyAction, what: Entry, values: Mapping[str, Setting], error: Any) -> None:
        suggestion = error.get("ctx", {}).get("suggestion", "")
        problems = self.workshop.problems
        if not error["loc"]:
            problems.add(
                "A05", what.key.place, f"{action.name}: {error['msg']}".removeprefix("Value error, "), suggestion
            )
            return
        name = str(error["loc"][0])
        setting = values.get(name)
        if setting is None or error["type"] == "missing" or _is_dynamic(setting.static):
            return
        message = str(error["msg"]) if error["type"] == "mistake" else sentence(error)
        hint = f"Write:  {name}: {quoted(suggestion)}" if suggestion else "Correct the value."
        problems.add("A05", setting.node.place, message, hint)


def settings_allowed(action: AnyAction) -> list[str]:
    """The names of everything that may stand below an action."""
    common = ("connection", "on_unknown") if isinstance(action, Action) else ()
    return [*models.settings_of(action.params), *common]


def _is_dynamic(static: Any) -> bool:
    if isinstance(static, dict):
        return any(map(_is_dynamic, static.values()))
    return any(map(_is_dynamic, static)) if isinstance(static, list) else static is DYNAMIC


def _filled(static: Any, examples: Any) -> Any:
    """A value with something plausible wherever the order's data will stand."""
    if isinstance(static, dict):
        return {key: _filled(one, _scalars(examples)) for key, one in static.items()}
    if isinstance(static, list):
        return [_filled(one, _scalars(examples)) for one in static]
    return _plausible(next(iter(examples), "example")) if static is DYNAMIC else static


def _plausible(example: Any) -> Any:
    """An example as it may turn out: with sample values for its ``{{ … }}``."""
    if not isinstance(example, str):
        return example
    return re.sub(r"\{\{\s*([\w.]+).*?\}\}", lambda found: catalogue.sample_of(found[1]), example)


def _scalars(examples: Any) -> list[Any]:
    """The single values inside examples, for the places inside a list or group."""
    found: list[Any] = []
    for one in examples:
        inner = one.values() if isinstance(one, dict) else one if isinstance(one, list) else [one]
        found += [value for value in inner if not isinstance(value, dict | list)]
    return found
