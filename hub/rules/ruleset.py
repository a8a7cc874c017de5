"""The loaded rules: what the engine asks of them. Nothing here reads files, clocks or networks.

A step's place in a run is its ``key``: its ``id``, or else its position (``2``; inside blocks ``2.do.1``). Keys are
part of effect keys, so they stay the same as long as the rule is not reordered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from hub.model import Context
from hub.retry import RetryPolicy
from hub.rules import catalogue
from hub.rules.comparing import Run
from hub.rules.conditions import ALWAYS, Condition, Seen
from hub.rules.connections import ConnectionSpec
from hub.rules.examples import Example
from hub.rules.problems import Place
from hub.rules.shop import Shop
from hub.rules.step import Step, entries_of, with_item

__all__ = [
    "ConnectionSpec",
    "Explanation",
    "Held",
    "Rule",
    "RuleSet",
    "RunPlan",
    "Shop",
    "Step",
    "StepPlan",
    "with_results",
]

#: The steps that a rule with ``delay`` begins with; no id and no position looks like them.
DELAY, DELAYED_IF = "0", "0.if"


@dataclass(frozen=True, slots=True)
class Held:
    """Why a rule does not run. ``missing_connection``: it is written correctly; demo mode rehearses it."""

    reason: str
    missing_connection: bool


@dataclass(frozen=True, slots=True)
class OncePer:
    """``once_per``: at most one run per value (within a time)."""

    what: str
    value: Run
    within: timedelta | None


@dataclass(frozen=True, slots=True)
class StepPlan:
    key: str
    step: Step


@dataclass(frozen=True, slots=True)
class RunPlan:
    """One run of a rule. ``item`` is "" without ``for_each``, else the entry's id, or its index if it has none."""

    item: str
    steps: tuple[StepPlan, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a rule runs or does not: its conditions with the values they saw."""

    met: bool
    condition: Seen | None
    because: str = ""  #: a reason that is no condition (another account)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule. With a Problem it is held and has no steps."""

    name: str
    place: Place
    triggers: tuple[str, ...] = ()
    enabled: bool = True
    held: Held | None = None
    needs: frozenset[str] = frozenset()  #: what must be fetched from Stripe before it can be planned
    retry: RetryPolicy | None = None
    condition: Condition = ALWAYS
    for_each: str | None = None  #: as written
    each: Run | None = None
    steps: tuple[Step, ...] = ()
    error_steps: tuple[Step, ...] = ()
    accounts: frozenset[str] | None = None  #: ids of connected accounts; None: all
    once_per: OncePer | None = None
    delay: timedelta | None = None
    tags: tuple[str, ...] = ()
    note: str = ""
    examples: tuple[Example, ...] = ()

    @cached_property
    def _planned(self) -> tuple[Step, ...]:
        return self.steps if self.delay is None else self._delayed()

    @cached_property
    def _by_key(self) -> Mapping[str, Step]:
        return {step.key: step for step in self.every_step()}

    @cached_property
    def _plans(self) -> tuple[StepPlan, ...] | None:
        """The steps of every run; None when they depend on a list."""
        if any(step.each for step in self._planned):
            return None
        return tuple(StepPlan(step.key, step) for step in self._planned)

    @property
    def line(self) -> int:
        return self.place.line

    def plan(self, context: Context) -> list[RunPlan]:
        """The runs that an event makes; [] when the conditions are not met.

        Raises ``EvaluationError`` when a condition cannot be answered: that is a failure, never "no match".
        """
        if not self._concerns(context):
            return []
        if self.each is None:
            return [RunPlan("", self._steps_of(context))] if self._met(context) else []
        plans = []
        for item, entry in entries_of(self.each, context):
            seen = {**context, "item": entry}
            if self._met(seen):
                plans.append(RunPlan(item, self._steps_of(seen)))
        return plans

    def explain(self, context: Context) -> Explanation:
        """Every condition with the value it saw; for a rule with ``for_each``, ``context`` is one item's."""
        if not self._concerns(context):
            return Explanation(False, None, "The event is of another account.")
        if self.condition is ALWAYS:
            return Explanation(True, None)
        seen = self.condition.seen(context)
        return Explanation(seen.met, seen)

    def step(self, key: str) -> Step | None:
        """The step that a plan's key means; None when the rule has none."""
        found = self._by_key.get(key)
        if found is None and (split := re.fullmatch(r"(.+?)\[(.+)\]", key, re.DOTALL)):
            base = self._by_key.get(split[1])
            return None if base is None or base.each is None else base.for_item(split[2])
        return found

    def with_item(self, context: Context, item: str) -> Context:
        """The context as ``plan`` saw it for one item."""
        return context if self.each is None else with_item(context, self.each, item)

    def on_error_steps(self, step: Step | None = None) -> Sequence[StepPlan]:
        """What runs when ``step`` has finally failed: its own steps, else the rule's; nothing if the rule goes on."""
        own = "stop" if step is None else step.on_error
        if own == "continue":
            return ()
        steps = own if isinstance(own, tuple) else self.error_steps
        return tuple(StepPlan(one.key, one) for one in steps)

    def _concerns(self, context: Context) -> bool:
        return self.accounts is None or context.get("account", {}).get("id") in self.accounts

    def _met(self, context: Context) -> bool:
        return self.delay is not None or self.condition.met(context)

    def _steps_of(self, context: Context) -> tuple[StepPlan, ...]:
        return self._plans if self._plans is not None else tuple(self._expanded(context))

    def _expanded(self, context: Context) -> Iterator[StepPlan]:
        for step in self._planned:
            for one in (step,) if step.each is None else map(step.for_item, step.items(context)):
                yield StepPlan(one.key, one)

    def _delayed(self) -> tuple[Step, ...]:
        """A delay is a wait in front; the conditions are asked behind it, not when the event arrives."""
        wait = Step(key=DELAY, kind="wait", place=self.place, wait=self.delay)
        block = Step(key=DELAYED_IF, kind="if", place=self.place, condition=self.condition)
        guard = ((DELAYED_IF, True),)
        inside = [replace(step, guards=guard + step.guards) for step in self.steps]
        return (wait, block, *inside)

    def every_step(self) -> Iterator[Step]:
        """All steps, those of ``on_error`` too."""
        for step in (*self._planned, *self.error_steps):
            yield step
            if isinstance(step.on_error, tuple):
                yield from step.on_error


@dataclass(frozen=True, kw_only=True)
class RuleSet:
    """All rules of a file and its includes. ``digest`` is a SHA-256 over file names and texts, in hex."""

    digest: str
    files: Mapping[str, str]
    shop: Shop
    connections: Mapping[str, ConnectionSpec]
    rules: tuple[Rule, ...]
    accounts: Mapping[str, str] = field(default_factory=dict)  #: name by account id

    @cached_property
    def _by_trigger(self) -> Mapping[str, Sequence[Rule]]:
        found: dict[str, list[Rule]] = {}
        for rule in self.rules:
            for trigger in rule.triggers if rule.enabled else ():
                found.setdefault(trigger, []).append(rule)
        return found

    @cached_property
    def _by_name(self) -> Mapping[str, Rule]:
        return {rule.name: rule for rule in reversed(self.rules)}

    @cached_property
    def _shop_values(self) -> Mapping[str, Any]:
        shop = self.shop
        return {
            "name": shop.name or None,
            "email": shop.email or None,
            "timezone": str(shop.timezone),
            "currency": shop.currency,
            "language": shop.language,
        }

    @property
    def triggers(self) -> frozenset[str]:
        """Every trigger that an enabled rule names."""
        return frozenset(self._by_trigger)

    @cached_property
    def event_types(self) -> frozenset[str]:
        """Every type of event that an enabled rule's trigger means."""
        found = (catalogue.trigger(name) for name in self.triggers)
        return frozenset(kind for one in found if one is not None for kind in one.events)

    def for_trigger(self, trigger: str) -> Sequence[Rule]:
        """The enabled rules of a trigger (friendly name or raw type), in the order of the file."""
        return self._by_trigger.get(trigger, ())

    def rule(self, name: str) -> Rule | None:
        return self._by_name.get(name)

    def complete(self, context: Context, *, now: datetime) -> Context:
        """Adds what every rule sees: ``shop``, ``now`` and the account's name."""
        account = context.get("account", {})
        named = {**account, "name": self.accounts.get(account.get("id") or "", account.get("name"))}
        return {**context, "shop": self._shop_values, "now": now, "account": named}


def with_results(context: Context, results: Mapping[str, Mapping[str, Any]]) -> Context:
    """Adds what finished steps of the run answered, by their keys: ``steps.<id>``, and the answers of blocks."""
    return {**context, "steps": {**context.get("steps", {}), **results}}
