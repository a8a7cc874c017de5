"""Why each rule ran for an order, or did not: the recorded events, gone over once more. Nothing is planned or sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from hub.checkout import orders as tellings
from hub.checkout.reading import Reading
from hub.clock import to_datetime
from hub.engine.contexts import Contexts, readings
from hub.errors import EvaluationError
from hub.model import Context, Event, Order
from hub.rules.conditions import Seen
from hub.rules.ruleset import Rule, RuleSet
from hub.rules.step import entries_of
from hub.store import journal, listing
from hub.store.database import Connection, Database
from hub.store.journal import EVERY_RULE, PlanningLine
from hub.store.listing import DeliveryLine

NOT_THERE_YET = "The rule was not there, or read otherwise, when the event was planned. To run it:  hub replay {event}"
ANOTHER_RUN = "Its conditions are met, and it runs only once per {what}: it has run for another order already."
NOT_PLANNED = "The event is not planned yet."
EMPTY = "{each} has no entries."


@dataclass(frozen=True, slots=True)
class Look:
    """What one rule made of one event. ``seen``: its conditions, per entry of its list ("" without ``for_each``)."""

    event: str
    trigger: str
    because: str
    seen: Mapping[str, Seen]


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether a rule ran for an order. If not, ``looks`` say why, or ``because`` when no event concerned it."""

    rule: str
    ran: bool
    deliveries: Sequence[DeliveryLine]
    because: str = ""
    looks: Sequence[Look] = ()


@dataclass(frozen=True, slots=True)
class _Told:
    """An event of the order with the triggers it fired, and what became of its planning."""

    reading: Reading
    triggers: Sequence[str]
    plannings: Mapping[str, PlanningLine]
    context: Context

    @property
    def event(self) -> Event:
        return self.reading.event


def explain(database: Database, contexts: Contexts, ruleset: RuleSet, order: Order) -> list[Answer]:
    """One answer per rule of the file as it is now, and per former one that ran."""
    told = list(_told(database, contexts, ruleset, order))
    deliveries = database.read(lambda connection: listing.list_deliveries(connection, subject=order.id))
    ran: dict[str, list[DeliveryLine]] = {}
    for line in reversed(deliveries):
        ran.setdefault(line.rule, []).append(line)
    former = [Answer(name, True, lines) for name, lines in ran.items() if ruleset.rule(name) is None]
    return [_answer(rule, told, ran.get(rule.name, ())) for rule in ruleset.rules] + former


def _told(database: Database, contexts: Contexts, ruleset: RuleSet, order: Order) -> Iterator[_Told]:
    def load(connection: Connection) -> tuple[dict[int, Reading], list[PlanningLine]]:
        seqs = journal.seqs(connection, order.id)
        return readings(connection, journal.load(connection, seqs).values()), journal.plannings_of(connection, seqs)

    read, plannings = database.read(load)
    known: Order | None = None
    for _, reading in sorted(read.items()):
        event = reading.event
        if reading.order is not None:
            known = reading.order if known is None else tellings.merge(known, reading.order)
        context = contexts.of({event.seq: order.number})[event.seq]
        yield _Told(
            reading,
            reading.triggers(None if known is None else known.state),
            {one.rule: one for one in plannings if one.event_seq == event.seq},
            ruleset.complete(context, now=to_datetime(event.received_at)),
        )


def _answer(rule: Rule, told: Sequence[_Told], ran: Sequence[DeliveryLine]) -> Answer:
    if ran:
        return Answer(rule.name, True, ran)
    if not rule.enabled:
        return Answer(rule.name, False, (), "It is switched off.")
    looks = [_look(rule, one, trigger) for one in told for trigger in one.triggers if trigger in rule.triggers]
    if looks:
        return Answer(rule.name, False, (), looks=looks)
    had = dict.fromkeys(one.triggers[0] for one in told if one.triggers)
    because = f"It starts with “{' or '.join(rule.triggers)}”. This order had: {', '.join(had) or 'nothing yet'}."
    return Answer(rule.name, False, (), because)


def _look(rule: Rule, told: _Told, trigger: str) -> Look:
    planning = told.plannings.get(rule.name) or told.plannings.get(EVERY_RULE)
    if planning is not None and planning.note:
        return Look(told.event.id, trigger, planning.note, {})
    if planning is None or planning.due_at is not None:
        return Look(told.event.id, trigger, NOT_PLANNED, {})
    if rule.held is not None:
        return Look(told.event.id, trigger, f"The rule is held: {rule.held.reason}", {})
    try:
        return _conditions(rule, told, trigger)
    except EvaluationError as error:
        return Look(told.event.id, trigger, f"A condition could not be evaluated: {error}", {})


def _conditions(rule: Rule, told: _Told, trigger: str) -> Look:
    found = {item: rule.explain(context) for item, context in _entries(rule, told.context)}
    look = Look(told.event.id, trigger, "", {item: one.condition for item, one in found.items() if one.condition})
    if not found:
        return replace(look, because=EMPTY.format(each=rule.for_each))
    other = next((one.because for one in found.values() if one.because), "")
    if other or not any(one.met for one in found.values()):
        return replace(look, because=other or "Its conditions are not met.")
    if rule.once_per is not None:
        return replace(look, because=ANOTHER_RUN.format(what=rule.once_per.what))
    return replace(look, because=NOT_THERE_YET.format(event=told.event.id))


def _entries(rule: Rule, context: Context) -> list[tuple[str, Context]]:
    if rule.each is None:
        return [("", context)]
    return [(item, rule.with_item(context, item)) for item, _ in entries_of(rule.each, context)]
