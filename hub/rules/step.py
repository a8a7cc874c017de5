"""A compiled step: whether it runs, what it sends, in which lane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from hub.connector import Action, Params
from hub.errors import EvaluationError
from hub.model import Context
from hub.retry import RetryPolicy
from hub.rules.actions import AnyAction
from hub.rules.approving import Approval
from hub.rules.comparing import Run
from hub.rules.conditions import ALWAYS, Condition, Seen
from hub.rules.problems import Place
from hub.rules.settings import Setting, validated


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a rule, blocks taken apart: a block is a step of kind ``if``, its children follow it.

    A block's answer is its result ``{"met": …}``; its children read it from the results of the run.
    """

    key: str
    kind: str  #: action, if, wait, stop or approve
    place: Place
    id: str | None = None
    action: AnyAction | None = None
    connection: str | None = None
    condition: Condition = ALWAYS
    guards: tuple[tuple[str, bool], ...] = ()  #: the blocks it stands in, with the answer it needs
    values: Mapping[str, Setting] = field(default_factory=dict)
    retry: RetryPolicy | None = None
    on_error: str | tuple[Step, ...] = "stop"  #: stop, continue, or the steps to run
    on_unknown: str | None = None
    reads: frozenset[str] = frozenset()  #: ids of the steps whose results it reads
    wait: timedelta | None = None
    reason: Setting | None = None  #: of a stop
    approval: Approval | None = None
    tells_of: str | None = None  #: the key of the approval that it tells people of
    each: Run | None = None  #: the list of a step's own ``for_each``
    item: str | None = None  #: which entry of it

    @property
    def uses_steps(self) -> bool:
        """Whether it has to see what earlier steps, or the blocks it stands in, answered."""
        return bool(self.reads or self.guards)

    def wanted(self, context: Context) -> bool:
        """Whether it runs: its ``if`` and the blocks it stands in. Raises ``EvaluationError``."""
        if self.guards:
            results = context.get("steps", {})
            if not all(results.get(block, {}).get("met") is answer for block, answer in self.guards):
                return False
        return self.condition.met(self._scope(context))

    def settings(self, context: Context) -> Params:
        """What is handed to the action: rendered, encoded, validated. Raises ``EvaluationError`` with a sentence."""
        assert self.action is not None
        scope = self._scope(context)
        rendered = {name: one.render(scope, True) for name, one in self.values.items()}
        return validated(self.action.params, rendered, self.action.name)

    def as_read(self, context: Context) -> dict[str, Any]:
        """The settings as their author reads them, before they are encoded. Raises ``EvaluationError``."""
        scope = self._scope(context)
        return {name: one.render(scope, False) for name, one in self.values.items()}

    def asks(self, context: Context) -> Mapping[str, str]:
        """What an approval shows to whoever decides. Raises ``EvaluationError``."""
        assert self.approval is not None
        return self.approval.as_read(self._scope(context))

    def lane(self, context: Context) -> tuple[str, ...] | None:
        """The values of the settings that name its lane; None when they are not known before the step runs."""
        if not isinstance(self.action, Action):
            return ()
        settings = [self.values.get(name) for name in self.action.lane]
        if any(one is not None and one.uses_steps for one in settings):
            return None
        scope = self._scope(context)
        try:
            return tuple("" if one is None else str(one.render(scope, True)) for one in settings)
        except EvaluationError:
            return None  # told when the step runs

    def explain(self, context: Context) -> Seen | None:
        """Its own condition with what it saw; None without one."""
        return None if self.condition is ALWAYS else self.condition.seen(self._scope(context))

    def for_item(self, item: str) -> Step:
        return replace(self, key=f"{self.key}[{item}]", item=item)

    def items(self, context: Context) -> Sequence[str]:
        assert self.each is not None
        return [name for name, _ in entries_of(self.each, context)]

    def _scope(self, context: Context) -> Context:
        if self.each is None or self.item is None:
            return context
        return with_item(context, self.each, self.item)


def entries_of(each: Run, context: Context) -> list[tuple[str, Any]]:
    """The entries of a list, each with its identity: its id, or its index when ids are missing or not unique."""
    entries = each(context)
    if entries is None:
        return []
    if not isinstance(entries, list):
        raise EvaluationError(f"for_each needs a list, but got “{entries!s:.60}”.")
    ids = [entry.get("id") if isinstance(entry, dict) else None for entry in entries]
    if all(isinstance(one, str) and one for one in ids) and len(set(ids)) == len(ids):
        return list(zip(map(str, ids), entries, strict=True))
    return [(str(index), entry) for index, entry in enumerate(entries)]


def with_item(context: Context, each: Run, item: str) -> Context:
    """The context of one entry of a list, by its identity; without one when it is not there any more."""
    entry = next((entry for name, entry in entries_of(each, context) if name == item), None)
    return {**context, "item": entry}
