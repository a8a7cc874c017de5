"""What rules need to know of connectors. ``hub.registry.Registry`` satisfies it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from hub.connector import Action, Connection, LedgerAction

AnyAction = Action[Any, Any] | LedgerAction[Any]


class Actions(Protocol):
    """The actions that steps can name."""

    @property
    def kinds(self) -> Sequence[str]:
        """Every kind of connector."""
        ...

    @property
    def names(self) -> Sequence[str]:
        """Every action's name. Imports every connector: for listings and suggestions only."""
        ...

    def get(self, name: str) -> AnyAction | None:
        """The action called ``name``."""
        ...

    def actions_of(self, kind: str) -> Mapping[str, AnyAction]:
        """The actions of one connector by name; empty for an unknown kind."""
        ...

    def connection(self, kind: str) -> type[Connection] | None:
        """The connection class of a kind; None when it needs no connection or does not exist."""
        ...
