"""Finding connectors: which kinds there are, and the module behind a kind, imported when a rule first names it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from types import ModuleType
from typing import Any

from hub.connector import Action, Connection, LedgerAction
from hub.errors import HubError

AnyAction = Action[Any, Any] | LedgerAction[Any]

#: The connectors that come with the hub, in the order in which people see them.
BUILT_IN: Mapping[str, str] = {
    "spreadsheet": "connectors.spreadsheet",
    "google_sheets": "connectors.google_sheets",
    "inventory": "connectors.inventory",
    "slack": "connectors.slack",
    "email": "connectors.email",
    "http": "connectors.http",
}


class Registry:
    """The connectors by kind. A connector module has an ``ACTIONS`` tuple of its action objects."""

    def __init__(self, modules: Mapping[str, str] = BUILT_IN) -> None:
        self._modules = modules
        self._loaded: dict[str, dict[str, AnyAction]] = {}

    @property
    def kinds(self) -> Sequence[str]:
        """Every kind of connector, without importing any."""
        return list(self._modules)

    def get(self, name: str) -> AnyAction | None:
        """The action called ``name`` (``slack.message``); imports its connector on first use."""
        return self.actions_of(name.partition(".")[0]).get(name)

    def actions_of(self, kind: str) -> Mapping[str, AnyAction]:
        """The actions of one connector by name; empty for an unknown kind."""
        if kind not in self._modules:
            return {}
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
        return [name for kind in self._modules for name in self.actions_of(kind)]


def _actions(kind: str, module_name: str) -> dict[str, AnyAction]:
    module = importlib.import_module(module_name)
    actions = {action.name: action for action in _declared(module)}
    foreign = [name for name in actions if name.partition(".")[0] != kind]
    if foreign:
        raise HubError(f"The connector “{kind}” declares {', '.join(foreign)}.", f"Its actions must be called {kind}.…")
    return actions


def _declared(module: ModuleType) -> Sequence[AnyAction]:
    actions: Sequence[AnyAction] = module.ACTIONS
    return actions
