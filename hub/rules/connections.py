"""``connections:``, the only place where secrets may appear, and only as ``${NAME}``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr, ValidationError

from hub.connector import Connection, Params
from hub.rules import keys, suggest
from hub.rules.actions import Actions
from hub.rules.document import Entry, Items, Map, Node, Text, quoted
from hub.rules.problems import Place, Problems
from hub.rules.settings import sentence
from hub.rules.slots import Setting, settings_of

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
#: What the tokens of well-known services look like.
_TOKEN = re.compile(r"\b(xox[abprs]-|sk_(live|test)_|rk_(live|test)_|whsec_|ghp_|AKIA|SG\.|-----BEGIN)")
_SECRET_HEADERS = re.compile(r"authori[sz]ation|api[-_]?key|token|secret|password|cookie", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ConnectionSpec:
    """One configured connection. ``settings`` are as written, ``config()`` has the secrets: never print it."""

    name: str
    kind: str
    line: int
    settings: Mapping[str, Any]
    unset: tuple[str, ...]  #: names of ${…} that this machine does not have
    environment: Mapping[str, str] = field(repr=False, compare=False, default_factory=dict)

    def config(self) -> dict[str, Any]:
        """The settings with every ``${NAME}`` replaced."""
        return {key: _filled(value, self.environment) for key, value in self.settings.items()}


def _filled(value: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(one, environment) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, environment) for one in value]
    return _VARIABLE.sub(lambda found: environment.get(found[1], ""), value)


@dataclass(frozen=True, slots=True)
class ConnectionReader:
    actions: Actions
    environment: Mapping[str, str]
    problems: Problems

    def read(self, node: Map) -> dict[str, ConnectionSpec]:
        """Every connection; one that has mistakes too, so that the steps which name it are not mistaken as well."""
        lost = [entry for entry in node.entries if self._is_lost(entry)]
        if lost:
            names = ", ".join(entry.key.value for entry in lost)
            hint = "Write the connection's name above, like  slack:  and indent its settings below it."
            self.problems.add("K09", lost[0].key.place, f"These are settings, but of which connection? {names}", hint)
        return {entry.key.value: self._connection(entry) for entry in node.entries if entry not in lost}

    def _is_lost(self, entry: Entry) -> bool:
        """A setting where the name of a connection should be: the line above it is missing."""
        is_empty = isinstance(entry.value, Text) and not entry.value.value
        return entry.key.value not in self.actions.kinds and not isinstance(entry.value, Map) and not is_empty

    def _connection(self, entry: Entry) -> ConnectionSpec:
        name = entry.key.value
        node = keys.as_map(
            entry.value, f"The connection “{name}”", f"{name}:  and below it  token: ${{SLACK_TOKEN}}", self.problems
        )
        entries = {} if node is None else {one.key.value: one for one in node.entries}
        kind = self._kind(entry, entries.pop("type", None))
        connection = self.actions.connection(kind) if kind else None
        if node is not None and connection is not None:
            rest = Map(tuple(entries.values()), node.place, node.end)
            entries = self._check(name, rest, connection, entry.key.place)
        settings = {key: _plain(one.value) for key, one in entries.items()}
        unset = self._unset(entries)
        return ConnectionSpec(name, kind, entry.key.place.line, settings, unset, self.environment)

    def _kind(self, entry: Entry, typed: Entry | None) -> str:
        """The connector: ``type:``, or the connection's own name."""
        name = entry.key.value
        if typed is None:
            if name not in self.actions.kinds:
                self._no_kind(name, entry.key.place)
                return ""
            return self._needs_connection(name, entry.key.place)
        text = keys.as_text(typed, self.problems, "slack")
        if text is None:
            return ""
        if text.value not in self.actions.kinds:
            close = suggest.by_spelling(text.value, self.actions.kinds)
            hint = f"Did you mean “{close}”?" if close else f"There are: {', '.join(self.actions.kinds)}."
            self.problems.add("K06", text.place, f"There is no connector called “{text.value}”.", hint)
            return ""
        return self._needs_connection(text.value, text.place)

    def _no_kind(self, name: str, place: Place) -> None:
        close = suggest.by_spelling(name.replace(" ", "_").replace("-", "_"), self.actions.kinds, 0.8)
        if close:
            hint = f"Write  {close}:  — or, if it is a name of your own, add  type: {close}"
        else:
            hint = f"Add  type:  with one of: {', '.join(self.actions.kinds)}."
        self.problems.add("K02", place, f"“{name}” is not the name of a connector, so it needs a type.", hint)

    def _needs_connection(self, kind: str, place: Place) -> str:
        if self.actions.connection(kind) is None:
            hint = "Remove it; steps can use it as it is."
            self.problems.add("K06", place, f"“{kind}” needs no connection: it lives in the hub's own database.", hint)
            return ""
        return kind

    # --- Settings ---

    def _check(self, name: str, node: Map, connection: type[Connection], place: Place) -> dict[str, Entry]:
        config = connection.Config
        known = settings_of(config)
        entries = keys.known(node, f"The connection “{name}”", list(known), self.problems, "setting")
        required = [one for one in known.values() if one.required and one.name not in entries]
        keys.missing([one.name for one in required], f"The connection “{name}”", place, self.problems)
        for key, entry in entries.items():
            self._look_for_secrets(name, entry, _is_secret(config, known[key]))
        if not required:
            self._validate(name, entries, config, place)
        return entries

    def _validate(self, name: str, entries: Mapping[str, Entry], config: type[Params], place: Place) -> None:
        """What can be known without the secrets: settings with ``${…}`` are left out of the complaints."""
        values = {key: _plain(entry.value) for key, entry in entries.items()}
        open_ones = {key for key, entry in entries.items() if _VARIABLE.search(str(values[key]))}
        try:
            config.model_validate(values)
        except ValidationError as error:
            for one in error.errors():
                key = str(one["loc"][0]) if one["loc"] else ""
                if key not in open_ones:
                    self._invalid(name, entries.get(key), one, place)

    def _invalid(self, name: str, entry: Entry | None, error: Any, place: Place) -> None:
        suggestion = error.get("ctx", {}).get("suggestion", "")
        if entry is None:
            self.problems.add("A05", place, f"The connection “{name}”: {sentence(error)}", suggestion)
            return
        hint = f"Write:  {entry.key.value}: {quoted(suggestion)}" if suggestion else ""
        self.problems.add("A05", entry.value.place, sentence(error), hint or "Correct the value.")

    def _look_for_secrets(self, name: str, entry: Entry, secret: bool) -> None:
        for key, text in _texts(entry.key.value, entry.value):
            if text.value.startswith("${{"):
                hint = f"Write:  {key}: ${{{_variable(name, key)}}}"
                self.problems.add("X10", text.place, "A secret is written with one brace on each side.", hint)
            elif (
                text.value
                and not _VARIABLE.search(text.value)
                and (_TOKEN.search(text.value) or self._must_be_secret(key, text, secret))
            ):
                self._literal_secret(name, key, text)

    def _must_be_secret(self, key: str, text: Text, secret: bool) -> bool:
        is_path = re.fullmatch(r"[\w./~ -]+\.json", text.value) is not None
        return (secret and not is_path) or _SECRET_HEADERS.search(key) is not None

    def _literal_secret(self, name: str, key: str, text: Text) -> None:
        message = (
            f"“{key}” looks like a real password or key written into the file."
            " Anyone who can read this file can use it."
        )
        hint = f"Put it in the .env file and write:  {key}: ${{{_variable(name, key)}}}"
        self.problems.add("S01", text.place, message, hint)

    def _unset(self, entries: Mapping[str, Entry]) -> tuple[str, ...]:
        unset = []
        for entry in entries.values():
            for _, text in _texts(entry.key.value, entry.value):
                for name in _VARIABLE.findall(text.value):
                    if not self.environment.get(name):
                        unset.append(name)
                        self.problems.warn("S03", text.place, f"{name} is not set.", f"Add it to .env:  {name}=…")
        return tuple(dict.fromkeys(unset))


def _variable(connection: str, key: str) -> str:
    words = re.sub(r"[^A-Za-z0-9]+", "_", connection if key.lower() in connection.lower() else f"{connection} {key}")
    return words.strip("_").upper()


def _is_secret(config: type[Params], setting: Setting) -> bool:
    for name, info in config.model_fields.items():
        if (info.alias or name) == setting.name:
            return "SecretStr" in str(info.annotation) or info.annotation is SecretStr
    return False


def _plain(node: Node) -> Any:
    match node:
        case Text():
            return node.value
        case Items():
            return [_plain(one) for one in node.nodes]
        case Map():
            return {entry.key.value: _plain(entry.value) for entry in node.entries}


def _texts(key: str, node: Node) -> list[tuple[str, Text]]:
    """Every single value below a setting, with the name it stands behind."""
    match node:
        case Text():
            return [(key, node)]
        case Items():
            return [pair for one in node.nodes for pair in _texts(key, one)]
        case Map():
            return [pair for entry in node.entries for pair in _texts(entry.key.value, entry.value)]
