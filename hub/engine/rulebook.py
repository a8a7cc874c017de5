"""The rules in force, and those that deliveries were planned with before."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path

from hub.checkout.life import REVERSING_EVENTS
from hub.checkout.orders import ORDER_EVENTS
from hub.checkout.subscriptions import SUBSCRIPTION_EVENTS
from hub.clock import Clock
from hub.engine import versions
from hub.errors import RulesError
from hub.registry import Registry
from hub.rules.load import Loaded, load, load_texts
from hub.rules.ruleset import RuleSet
from hub.store import rulesets
from hub.store.database import Database

#: How many former rule sets stay compiled.
_KEPT = 8


class Rulebook:
    """The current rule set; a broken file never replaces it. Safe to use from several threads."""

    def __init__(
        self, database: Database, registry: Registry, path: Path, environment: Mapping[str, str], clock: Clock
    ) -> None:
        self._database = database
        self._registry = registry
        self._environment = environment
        self._clock = clock
        self._former: OrderedDict[int, RuleSet] = OrderedDict()
        self._lock = threading.Lock()
        self._current: tuple[int, RuleSet] | None = None
        self.path = path
        self.loaded: Loaded | None = None  #: the last attempt to load the file, with its problems

    @property
    def current(self) -> tuple[int, RuleSet]:
        """The rule set in force, with the id it is stored under."""
        assert self._current is not None, "load() comes first"
        return self._current

    def event_types(self) -> list[str]:
        """Stripe's types that the rules in force, and the states of orders and subscriptions, depend on."""
        ruled = sorted(self._current[1].event_types) if self._current else []
        named = [kind for kind in ruled if not kind.startswith("hub.")]
        return list(dict.fromkeys([*sorted(ORDER_EVENTS), *REVERSING_EVENTS, *SUBSCRIPTION_EVENTS, *named]))

    def accounts(self) -> list[str]:
        """Where sales are looked for: the key's own account (""), and the connected ones that the rules name."""
        return ["", *(self._current[1].accounts if self._current else [])]

    def paths(self) -> list[Path]:
        """The rules file and those it includes."""
        included = [] if self._current is None else list(self._current[1].files)[1:]
        return [self.path, *(self.path.parent / name for name in included)]

    def load(self) -> Loaded:
        """Reads the file; what can be used of it is in force from now on. Raises ``RulesError`` if it is not there."""
        loaded = load(self.path, self._registry, self._environment)
        self.loaded = loaded
        ruleset = loaded.ruleset
        if ruleset is not None:
            stored = self._keep(ruleset, "", "")
            with self._lock:
                self._current = (stored, ruleset)
        return loaded

    def put(self, files: Mapping[str, str], author: str, reason: str) -> None:
        """Replaces the files; what was there stays in the log, or beside them if it cannot be used.

        A running hub takes them up by itself. Raises ``RulesError`` when they cannot be used, or not be written.
        """
        wanted = load_texts(files, self._registry, self._environment).ruleset
        if wanted is None:
            raise RulesError("These rules cannot be used.", "Correct them first:  hub check")
        present = versions.on_disk(self.path, files)
        former = load_texts(present, self._registry, self._environment).ruleset
        if former is not None:
            self._keep(former, "", "")
        else:
            versions.replace(self.path.with_name(f"{self.path.name}.broken"), next(iter(present.values())))
        versions.write(self.path, files)
        self._keep(wanted, author, reason)

    def _keep(self, ruleset: RuleSet, author: str, reason: str) -> int:
        now = self._clock.now()
        return self._database.write(
            lambda connection: rulesets.keep(connection, ruleset.digest, ruleset.files, now, author, reason)
        ).result()

    def by_id(self, ruleset_id: int) -> RuleSet:
        """The rule set that a delivery was planned with, compiled again if need be.

        Raises ``RulesError`` when this version of the hub cannot read that file any more.
        """
        current_id, current = self.current
        if ruleset_id == current_id:
            return current
        with self._lock:
            found = self._former.get(ruleset_id)
        return found or self._compile(ruleset_id)

    def _compile(self, ruleset_id: int) -> RuleSet:
        files = self._database.read(lambda connection: rulesets.files(connection, ruleset_id))
        loaded = load_texts(files, self._registry, self._environment)
        if loaded.ruleset is None:
            raise RulesError("The rules this was planned with cannot be read by this version of the hub.")
        with self._lock:
            self._former[ruleset_id] = loaded.ruleset
            while len(self._former) > _KEPT:
                self._former.popitem(last=False)
        return loaded.ruleset
