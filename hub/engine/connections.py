"""Open connections by name: made when first used, kept while their settings stay the same."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hub.clock import Clock
from hub.connector import Check, ConfigError, Connection, Params, Place
from hub.log import get_logger
from hub.registry import Registry
from hub.rules.ruleset import ConnectionSpec, RuleSet

log = get_logger(__name__)


class Connections:
    """The connections that rules name. Safe to use from several threads; so are the connections themselves."""

    def __init__(self, registry: Registry, data_dir: Path, hub_id: str, clock: Clock) -> None:
        self._registry = registry
        self._place: Callable[[str], Place] = lambda name: Place(name, data_dir, hub_id, clock)
        self._open: dict[str, tuple[Params, Connection]] = {}
        self._lock = threading.Lock()

    def get(self, name: str, *rulesets: RuleSet) -> Connection | None:
        """The connection ``name`` as the first rule set that has it describes it; None when none does.

        Raises ``ConfigError`` when its settings cannot be used.
        """
        spec = next((found for ruleset in rulesets if (found := ruleset.connections.get(name))), None)
        if spec is None or spec.unset:
            return None
        config = self._config(spec)
        with self._lock:
            known = self._open.get(name)
            if known is not None and known[0] == config:
                return known[1]
            connection = self._class(spec)(config, self._place(name))
            self._open[name] = (config, connection)
        if known is not None:
            _close(name, known[1])
        return connection

    def _class(self, spec: ConnectionSpec) -> type[Connection]:
        found = self._registry.connection(spec.kind)
        if found is None:
            raise ConfigError(f"There is no connector called {spec.kind}.", "Correct “type:” in rules.yaml.")
        return found

    def _config(self, spec: ConnectionSpec) -> Params:
        settings: Any = spec.config()
        try:
            return self._class(spec).Config.model_validate(settings)
        except ValueError as error:
            # Only where: the values may be secrets.
            places = ", ".join(".".join(map(str, one["loc"])) for one in getattr(error, "errors", list)())
            hint = f"Correct {places or 'its settings'} in rules.yaml and run  hub check."
            raise ConfigError(f"The settings of the connection “{spec.name}” cannot be used.", hint) from None

    def close(self) -> None:
        """Closes every connection."""
        with self._lock:
            opened, self._open = self._open, {}
        for name, (_, connection) in opened.items():
            _close(name, connection)


def try_out(connections: Connections, name: str, ruleset: RuleSet) -> Check:
    """Whether the credentials of a connection in the rules file work; nothing is sent or changed. Never raises."""
    unset = ruleset.connections[name].unset
    if unset:
        return Check(ok=False, message=f"Not set: {', '.join(unset)}.", hint="Set it in .env.")
    try:
        connection = connections.get(name, ruleset)
    except ConfigError as error:
        return Check(ok=False, message=error.message, hint=error.hint)
    assert connection is not None, "the rule set has it, and nothing of it is unset"
    try:
        return connection.check()
    except Exception as error:  # noqa: BLE001 - a connector written elsewhere; its words may hold the secret
        return Check(ok=False, message=f"Its check failed with {type(error).__name__}.", hint="Ask its author.")


def _close(name: str, connection: Connection) -> None:
    with contextlib.suppress(Exception):
        connection.close()
        log.debug("connection closed", connection=name)
