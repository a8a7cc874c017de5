"""Finding connectors: which kinds there are, and the module behind a kind, imported when a rule first names it.

Three places: those that come with the hub; installed packages, by the entry point group ``hub.connectors`` (name: the
kind, value: the module); and, if ``HUB_CONNECTORS_DIR`` names one, a folder of ``<kind>.py`` files.
"""

from __future__ import annotations

import importlib
import importlib.util
import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from hub.connector import Action, Connection, LedgerAction
from hub.errors import HubError

AnyAction = Action[Any, Any] | LedgerAction[Any]

#: The connectors that come with the hub, in the order in which people see them.
BUILT_IN: Mapping[str, str] = {
    "spreadsheet": "connectors.spreadsheet",
    "google_sheets": "connectors.google_sheets",
    "codes": "connectors.codes",
    "inventory": "connectors.inventory",
    "slack": "connectors.slack",
    "email": "connectors.email",
    "http": "connectors.http",
    "airtable": "connectors.airtable",
    "sql": "connectors.sql",
    "forward": "connectors.forward",
    "notify": "connectors.notify",
}

#: Connectors that need a package of an extra: kind, and the package. The extra is called like the kind.
_EXTRAS: Mapping[str, str] = {"notify": "apprise"}

_GROUP = "hub.connectors"


class Registry:
    """The connectors by kind. A connector module has an ``ACTIONS`` tuple of its action objects.

    ``modules`` are module names, or files of a drop-in folder.
    """

    def __init__(self, modules: Mapping[str, str | Path] = BUILT_IN) -> None:
        self._modules = modules
        self._loaded: dict[str, dict[str, AnyAction]] = {}

    @cached_property
    def kinds(self) -> Sequence[str]:
        """Every kind of connector that can be used, without importing any."""
        return [kind for kind in self._modules if kind not in self.not_installed]

    @cached_property
    def not_installed(self) -> Mapping[str, str]:
        """The connectors whose package is missing, each with the command that installs it."""
        return {
            kind: f'pip install "checkout-hub[{kind}]"'
            for kind, package in _EXTRAS.items()
            if kind in self._modules and importlib.util.find_spec(package) is None
        }

    def place(self, kind: str) -> str | Path:
        """Where a kind comes from: the name of its module, or its file."""
        return self._modules[kind]

    def get(self, name: str) -> AnyAction | None:
        """The action called ``name`` (``slack.message``); imports its connector on first use."""
        return self.actions_of(name.partition(".")[0]).get(name)

    def actions_of(self, kind: str) -> Mapping[str, AnyAction]:
        """The actions of one connector by name; empty for an unknown kind."""
        if kind not in self._modules:
            return {}
        if kind in self.not_installed:
            raise HubError(f"The connector “{kind}” is not installed.", f"Install it:  {self.not_installed[kind]}")
        if kind not in self._loaded:
            self._loaded[kind] = _actions(kind, self._modules[kind])
        return self._loaded[kind]

    def connection(self, kind: str) -> type[Connection] | None:
        """The connection class of ``kind``; None when the kind needs no connection or does not exist."""
        for action in self.actions_of(kind).values():
            if isinstance(action, Action):
                return action.connection
        return None

    @cached_property
    def names(self) -> Sequence[str]:
        """Every action's name. Imports every connector: for listings and for suggestions only."""
        return [name for kind in self.kinds for name in self.actions_of(kind)]


def discover(folder: Path | None) -> Registry:
    """The connectors of this installation, with those of ``folder``. Nothing is imported yet.

    Raises ``HubError`` when two have the same kind: which one sends a shop's orders must never be a matter of luck.
    """
    found: dict[str, str | Path] = dict(BUILT_IN)
    more: list[tuple[str, str | Path]] = [(point.name, point.value) for point in entry_points(group=_GROUP)]
    for kind, module in more + list(_drop_ins(folder)):
        if kind in found:
            raise HubError(f"Two connectors are called “{kind}”: {found[kind]} and {module}.", "Rename or remove one.")
        found[kind] = module
    return Registry(found)


def _drop_ins(folder: Path | None) -> Iterator[tuple[str, str | Path]]:
    if folder is None:
        return
    if not folder.is_dir():
        raise HubError(f"HUB_CONNECTORS_DIR: there is no folder {folder}.", "Make it, or take the setting away.")
    for place in (folder, *sorted(folder.glob("*.py"))):
        if place.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            # Whoever can write there can run code as the hub.
            raise HubError(f"{place} can be written by others than its owner.", f"Run  chmod go-w {place}")
    yield from ((file.stem, file) for file in sorted(folder.glob("*.py")) if not file.stem.startswith("_"))


def _module(kind: str, place: str | Path) -> ModuleType:
    if isinstance(place, str):
        return importlib.import_module(place)
    # Never through sys.path: a file called email.py would hide the standard library's module.
    name = f"hub_connector_{kind}"
    spec = importlib.util.spec_from_file_location(name, place)
    assert spec is not None, "a .py file always has one"
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _actions(kind: str, place: str | Path) -> dict[str, AnyAction]:
    try:
        module = _module(kind, place)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise HubError(
            f"The connector “{kind}” ({place}) cannot be loaded: {reason}.", "Correct or remove it."
        ) from error
    actions = {action.name: action for action in _declared(module)}
    foreign = [name for name in actions if name.partition(".")[0] != kind]
    if foreign:
        raise HubError(f"The connector “{kind}” declares {', '.join(foreign)}.", f"Its actions must be called {kind}.…")
    return actions


def _declared(module: ModuleType) -> Sequence[AnyAction]:
    actions = getattr(module, "ACTIONS", None)
    if not isinstance(actions, tuple) or not all(isinstance(one, Action | LedgerAction) for one in actions):
        raise HubError(f"{module.__name__} is no connector.", "It needs  ACTIONS = (…,)  with its actions.")
    return actions
