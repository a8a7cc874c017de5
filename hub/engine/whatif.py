"""Recorded events under other rules: what would be done more, less or otherwise. Nothing is stored, fetched or sent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub.checkout import orders as tellings
from hub.checkout.reading import Reading
from hub.clock import to_datetime
from hub.engine.contexts import Contexts, Seen, readings
from hub.engine.planner import unique_for
from hub.model import Context, Event, Order, OrderState
from hub.rules.ruleset import Rule, RuleSet
from hub.rules.trying import Pretended, rehearse
from hub.store import journal, orders
from hub.store.database import Connection, Database

#: Events to read at a time: large enough to share look-ups, small enough to hold in memory.
BATCH = 200

_NOTHING = Pretended()


@dataclass(frozen=True, slots=True)
class Act:
    """A step as it would be sent."""

    action: str
    sent: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Effect:
    """What a rule would do for one subject. ``error``: a condition that could not be answered."""

    rule: str
    subject: str
    order: int | None
    item: str
    acts: Sequence[Act]
    error: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """``before`` is None for what is new, ``after`` for what is gone."""

    before: Effect | None
    after: Effect | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """``events`` gone over; ``same`` effects in both.

    ``unknown``: subjects left out of rules that need what was never read from Stripe.
    """

    events: int
    same: int
    differences: Sequence[Difference]
    unknown: int


_Key = tuple[str, ...]
_Case = tuple[Reading, Order | None, Sequence[str], Seen]


def compare(
    database: Database, contexts: Contexts, old: RuleSet, new: RuleSet, batches: Iterable[Sequence[int]]
) -> Comparison:
    """What ``new`` would make of recorded events that ``old`` would not, and the other way round.

    ``batches`` are places in the journal, in order, ``BATCH`` at a time.
    """
    before, after, events = _Effects(old), _Effects(new), 0
    for seqs in batches:
        events += len(seqs)
        for case in _cases(database, contexts, seqs):
            before.add(case)
            after.add(case)
    pairs = [Difference(before.found.get(key), after.found.get(key)) for key in {**before.found, **after.found}]
    differences = [pair for pair in pairs if pair.before != pair.after]
    return Comparison(events, len(pairs) - len(differences), differences, len(before.unknown | after.unknown))


def shown(effect: Effect | None) -> list[str]:
    """An effect for people, a line for each step."""
    if effect is None:
        return []
    if effect.error:
        return [f"a condition could not be evaluated: {effect.error}"]
    return [line for number, act in enumerate(effect.acts, 1) for line in _act(number, act.action, act.sent)]


def _act(number: int, action: str, sent: Mapping[str, Any]) -> Iterator[str]:
    settings = [f"{name}: {_value(value)}" for name, value in sent.items()]
    yield f"{number} {action}  {' · '.join(settings)}".rstrip()


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _cases(database: Database, contexts: Contexts, seqs: Sequence[int]) -> Iterator[_Case]:
    def load(connection: Connection) -> tuple[dict[int, Reading], dict[str, Order]]:
        events = journal.load(connection, seqs)
        known = orders.find_all(connection, {event.object_id for event in events.values()})
        return readings(connection, events.values()), {order.id: order for order in known}

    found, known = database.read(load)
    cases = [(reading, known.get(reading.event.object_id)) for _, reading in sorted(found.items())]
    for (reading, order), seen in zip(cases, contexts.seen(cases), strict=True):
        state = None if reading.order is None or order is None else _state_then(order, reading.event)
        yield reading, order, reading.triggers(state), seen


def _state_then(order: Order, event: Event) -> OrderState:
    """Where the order stood when the event was made, from what is known of it now."""

    def past(moment: int | None) -> int | None:
        return moment if moment is not None and moment <= event.created else None

    return tellings.state_of(
        paid_at=past(order.paid_at), failed_at=past(order.failed_at), expired_at=past(order.expired_at)
    )


class _Effects:
    """What one rule set makes of events, each effect once."""

    def __init__(self, ruleset: RuleSet) -> None:
        self._ruleset = ruleset
        self.found: dict[_Key, Effect] = {}
        self.unknown: set[str] = set()

    def add(self, case: _Case) -> None:
        reading, order, triggers, seen = case
        context = self._ruleset.complete(seen.context, now=to_datetime(reading.event.received_at))
        subject = reading.subject if order is None else order.id
        for trigger in triggers:
            for rule in self._ruleset.for_trigger(trigger):
                if rule.held is not None and not rule.held.missing_connection:
                    continue
                if seen.lacking.keys() & rule.needs:
                    self.unknown.add(subject)
                    continue
                self._plan(rule, reading.event, trigger, subject, None if order is None else order.number, context)

    def _plan(self, rule: Rule, event: Event, trigger: str, subject: str, number: int | None, context: Context) -> None:
        for tried in rehearse(rule, context, _NOTHING):
            acts = [Act(step.act, step.sent) for step in tried.acting]
            if not acts and not tried.error:
                continue
            unique, _ = unique_for(event, subject, trigger, rule, rule.with_item(context, tried.item))
            key = (rule.name, *unique, tried.item)
            self.found.setdefault(key, Effect(rule.name, subject, number, tried.item, acts, tried.error))
