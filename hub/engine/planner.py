"""From journalled events to deliveries: orders brought up to date, rules matched, runs written down.

A batch takes two transactions. The first records what the events tell about their orders; rules are matched
between the two, so that nobody waits for a lock while conditions are evaluated; the second stores the runs and
marks the events as planned. A crash in between plans the batch again, to the same keys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Protocol

from hub import keys, own_events
from hub.checkout import orders as tellings
from hub.checkout.life import REVERSING_EVENTS, Happening
from hub.checkout.reading import Reading
from hub.checkout.subscriptions import SUBSCRIPTION_EVENTS
from hub.checkout.wants import OBJECT, Want
from hub.clock import Clock, to_datetime
from hub.connector import Action
from hub.engine import finding, subscribing
from hub.engine.contexts import Contexts, Seen, readings
from hub.engine.rulebook import Rulebook
from hub.errors import EvaluationError
from hub.model import Context, Event, Order
from hub.rules.ruleset import Rule, RuleSet, RunPlan, StepPlan
from hub.store import approvals, journal, orders, reversals, runs
from hub.store.database import Connection, Database
from hub.store.journal import EVERY_RULE, Planning, Postponed
from hub.store.lanes import Lane
from hub.store.runs import NewDelivery, NewRun, Once

#: Events per batch: large enough to share commits, small enough to hold in memory.
BATCH = 200
#: A held rule is looked at again on every reload and start; the clock is only the last resort.
_HELD_MS = 3_600_000
#: A clock may differ from Stripe's by as much as the check of signatures tolerates: no order of today is taken for old.
_CLOCKS_DIFFER_MS = 300_000

_TOO_OLD = "It happened before the hub's first start: recorded, not acted on. To act on it:  hub replay {id}"
_OTHER_MODE = "Live and test are kept apart: it was made with the other kind of key."

#: The lane of steps that only steer: ``if``, ``wait``, ``stop``. A lane without a connection is this database's own.
STEERING = Lane(":steps", "", serial=True)
#: Approvals wait in a lane of their own, so that what waits for a person is found at once.
APPROVALS = Lane(approvals.LANE, "", serial=True)

_NO_KEY = "It needs data from Stripe: set STRIPE_API_KEY (a restricted, read-only key is enough)."


#: A refund waits so long, again and again, for its order to be told: an hour and a half in all.
_SALE_WAITS = (60_000, 300_000, 900_000, 1_200_000, 2_700_000)
_WAITS_FOR_SALE = "Its order is not on record yet."
#: What the orders and subscriptions on record follow from, whatever the rules are.
_KEPT = frozenset({*tellings.ORDER_EVENTS, *REVERSING_EVENTS, *SUBSCRIPTION_EVENTS})
_NO_SALE = "No order on record was paid with this payment: not acted on."


class Fetch(Protocol):
    """Asks Stripe for an object; answers by making the event's plannings due. See ``hub.engine.fetching``."""

    def __call__(self, event: Event, want: Want) -> None: ...


@dataclass(frozen=True, slots=True)
class _Case:
    """An event in front of the rules."""

    planning: Planning
    reading: Reading
    order: Order | None  #: as stored, after this event
    rules: Sequence[tuple[str, Rule]]  #: those it meets, each with the trigger
    lacking: Mapping[str, Want] = field(default_factory=dict)  #: what must be read first, by what rules need
    context: Context = field(default_factory=dict)

    @property
    def subject(self) -> str:
        """The sale itself, or what happened to it later."""
        return self.reading.subject if self.order is None or self.reading.later else self.order.id


@dataclass(slots=True)
class _Batch:
    """What a batch comes to, under the rules of its beginning."""

    ruleset_id: int
    ruleset: RuleSet
    runs: list[NewRun] = field(default_factory=list)
    planned: list[Planning] = field(default_factory=list)
    postponed: list[Postponed] = field(default_factory=list)
    asked: list[tuple[Event, Want]] = field(default_factory=list)  #: of Stripe


class Planner:
    """Plans what is due, one batch at a time.

    ``mode`` is the API key's (True live, False test, None unknown): events of the other mode are recorded and have
    no effects, and so are those from before ``first_start``, unless a person asks. ``fetch`` is None without an API
    key; one that is not answered within ``lease`` may be started again by someone else. ``planned`` is called after
    each batch that made deliveries.
    """

    def __init__(
        self,
        database: Database,
        rulebook: Rulebook,
        contexts: Contexts,
        clock: Clock,
        *,
        mode: bool | None,
        first_start: int,
        lease: timedelta,
        rehearse: bool,
        fetch: Fetch | None,
        planned: Callable[[], None],
    ) -> None:
        self._database = database
        self._rulebook = rulebook
        self._contexts = contexts
        self._clock = clock
        self._mode = mode
        self._acts_since = first_start - _CLOCKS_DIFFER_MS
        self._lease_ms = round(lease.total_seconds() * 1000)
        self._rehearse = rehearse
        self._fetch = fetch
        self._planned = planned

    def turn(self) -> int:
        """Plans up to one batch; returns how many plannings were due."""
        now = self._clock.now()
        due, found = self._database.read(lambda connection: _due(connection, now))
        if not due:
            return 0
        batch = _Batch(*self._rulebook.current)
        for case in self._cases(due, found, batch, now):
            self._match(case, batch)
        if self._database.write(lambda connection: _store(connection, batch, now), lasting=False).result():
            self._planned()
        # Only now: an answer makes postponed plannings due, so they have to be there.
        if self._fetch is not None:
            for event, want in batch.asked:
                self._fetch(event, want)
        return len(due)

    def next_due(self) -> int | None:
        """When the next planning is due."""
        return self._database.read(journal.next_due)

    def _cases(self, due: Sequence[Planning], found: Mapping[int, Reading], batch: _Batch, now: int) -> list[_Case]:
        """The events that rules may act on, their orders recorded; the others are planned or postponed right here."""
        read = [(planning, found[planning.event.seq]) for planning in due]
        after = iter(self._record([reading for _, reading in read], now))
        linked = self._linked([reading.later for _, reading in read if reading.later is not None])
        cases = []
        for planning, reading in read:
            order = _sale_of(reading, linked) if reading.order is None else next(after)
            if reading.url and self._can_read(planning.event) and _is_wanted(planning.event, batch.ruleset):
                self._wait_for(planning, EVERY_RULE, [Want(OBJECT, reading.url)], batch)
            elif why_not := self._why_not(planning):
                batch.planned.append(replace(planning, note=why_not))
            elif not (rules := _met(batch, planning, reading, order)):
                batch.planned.append(planning)
            elif order is None and reading.later is not None and reading.later.payment_intent is not None:
                self._wait_for_sale(planning, batch)
            else:
                cases.append(_Case(planning, reading, order, rules))
        seen = self._contexts.seen([(case.reading, case.order) for case in cases])
        return [_looked_at(case, one, batch.ruleset, now) for case, one in zip(cases, seen, strict=True)]

    def _record(self, readings: Sequence[Reading], now: int) -> list[Order]:
        """Stores what events tell of orders, refunds, disputes and subscriptions; the orders after each telling."""
        telling = [one for one in readings if one.order is not None]
        told = [one.order for one in telling if one.order is not None]
        reversed_ = [one.later.reversal for one in readings if one.later is not None and one.later.reversal is not None]
        subscribed = subscribing.told(readings)
        if not told and not reversed_ and not subscribed:
            return []

        def write(connection: Connection) -> list[Order]:
            after = orders.record(connection, told, tellings.merge, now) if told else []
            finding.index(connection, telling, after, self._contexts.decimals)
            payments = [one.payment_intent for one in told if one.payment_intent is not None]
            reversals.apply(connection, payments, tellings.with_reversals, now)
            reversals.record(connection, reversed_, tellings.with_reversals, now)
            subscribing.keep(connection, subscribed)
            return after

        return self._database.write(write, lasting=False).result()

    def _linked(self, later: Sequence[Happening]) -> Mapping[orders.OrderKey, Order]:
        """The sales that later events belong to, by the ids these give."""
        payments = {one.payment_intent for one in later if one.payment_intent is not None}
        subscriptions = {one.subscription for one in later if one.subscription is not None}
        sessions = {one.session for one in later if one.session is not None}
        if not payments and not subscriptions and not sessions:
            return {}
        return self._database.read(
            lambda connection: {
                **orders.find_by(connection, "payment_intent", payments),
                **orders.find_by(connection, "subscription", subscriptions),
                **orders.find_by(connection, "id", sessions),
            }
        )

    def _wait_for_sale(self, planning: Planning, batch: _Batch) -> None:
        """A refund may be told before its order is; one of a payment that was no Checkout has none."""
        if planning.tries >= len(_SALE_WAITS):
            batch.planned.append(replace(planning, note=_NO_SALE))
            return
        due_at = self._clock.now() + _SALE_WAITS[planning.tries]
        waiting = Postponed(
            planning.event.seq, planning.rule, due_at, planning.tries + 1, _WAITS_FOR_SALE, planning.asked
        )
        batch.postponed.append(waiting)

    def _why_not(self, planning: Planning) -> str:
        """Why no rule may act on an event; "" when they may."""
        event = planning.event
        if not self._can_read(event) and not own_events.is_of_the_shop(event):
            return _OTHER_MODE
        # A shop that installs the hub has done its earlier orders by other means.
        if event.created < self._acts_since and not planning.asked:
            return _TOO_OLD.format(id=event.id)
        return ""

    def _can_read(self, event: Event) -> bool:
        """Whether the key is one of the event's mode."""
        return self._mode is None or self._mode is event.livemode

    def _match(self, case: _Case, batch: _Batch) -> None:
        waiting = len(batch.postponed)
        for trigger, rule in case.rules:
            self._plan_rule(case, trigger, rule, batch)
        still_waits = {one.rule for one in batch.postponed[waiting:]}
        if case.planning.rule not in still_waits:
            batch.planned.append(case.planning)

    def _plan_rule(self, case: _Case, trigger: str, rule: Rule, batch: _Batch) -> None:
        held = rule.held
        if held is not None and not (self._rehearse and held.missing_connection):
            self._postpone(case.planning, rule.name, f"The rule is held: {held.reason}", _HELD_MS, batch)
        elif wanted := {case.lacking[need] for need in rule.needs if need in case.lacking}:
            self._wait_for(case.planning, rule.name, sorted(wanted), batch)
        else:
            self._plan_runs(case, trigger, rule, batch)

    def _plan_runs(self, case: _Case, trigger: str, rule: Rule, batch: _Batch) -> None:
        try:
            planned = rule.plan(case.context)
            batch.runs += [_run(case, trigger, rule, one, batch.ruleset_id) for one in planned if one.steps]
        except EvaluationError as error:
            # Not "no match": a rule that silently never runs is the worst kind. It stays visible until it is mended.
            self._postpone(case.planning, rule.name, f"A condition could not be evaluated: {error}", _HELD_MS, batch)

    def _wait_for(self, planning: Planning, rule: str, wanted: Sequence[Want], batch: _Batch) -> None:
        if self._fetch is None:
            self._postpone(planning, rule, _NO_KEY, _HELD_MS, batch)
            return
        kinds = " and the ".join(want.kind.replace("_", " ") for want in wanted)
        self._postpone(planning, rule, f"Asking Stripe for the {kinds}.", self._lease_ms, batch)
        batch.asked += [(planning.event, want) for want in wanted]

    def _postpone(self, planning: Planning, rule: str, note: str, wait: int, batch: _Batch) -> None:
        tries = planning.tries if planning.rule == rule else 0
        due_at = self._clock.now() + wait
        batch.postponed.append(Postponed(planning.event.seq, rule, due_at, tries, note, planning.asked))


def _due(connection: Connection, now: int) -> tuple[list[Planning], Mapping[int, Reading]]:
    due = journal.due(connection, now, BATCH)
    return due, readings(connection, [one.event for one in due])


def _is_wanted(event: Event, ruleset: RuleSet) -> bool:
    """Whether the object that a thin notification names is worth reading: for what is kept, or for a rule."""
    return event.type in _KEPT or event.type in ruleset.event_types


def _looked_at(case: _Case, seen: Seen, ruleset: RuleSet, now: int) -> _Case:
    return replace(case, lacking=seen.lacking, context=ruleset.complete(seen.context, now=to_datetime(now)))


def _sale_of(reading: Reading, linked: Mapping[orders.OrderKey, Order]) -> Order | None:
    """The order that a later event belongs to, if it is on record."""
    later, event = reading.later, reading.event
    wanted = later and (later.session or later.payment_intent or later.subscription)
    return linked.get((wanted, event.account, event.livemode)) if wanted else None


def _met(batch: _Batch, planning: Planning, reading: Reading, order: Order | None) -> list[tuple[str, Rule]]:
    """The rules an event meets, each with the trigger; only the waiting one, if that is what is planned."""
    return [
        (trigger, rule)
        for trigger in reading.triggers(None if order is None else order.state)
        for rule in batch.ruleset.for_trigger(trigger)
        if planning.rule in {EVERY_RULE, rule.name}
    ]


def _run(case: _Case, trigger: str, rule: Rule, planned: RunPlan, ruleset_id: int) -> NewRun:
    event = case.planning.event
    context = rule.with_item(case.context, planned.item)
    unique, once = unique_for(event, case.subject, trigger, rule, context)
    return NewRun(
        key=keys.run_key(event, *unique, rule.name, planned.item),
        event_seq=event.seq,
        order_number=None if case.order is None else case.order.number,
        subject=case.subject,
        trigger=trigger,
        rule=rule.name,
        item=planned.item,
        ruleset_id=ruleset_id,
        deliveries=[new_delivery(step, context) for step in planned.steps],
        once=once,
    )


def unique_for(
    event: Event, subject: str, trigger: str, rule: Rule, context: Context
) -> tuple[tuple[str, str], Once | None]:
    """What a run happens once for: trigger and subject, or what ``once_per`` says, whatever the trigger was.

    With a time, other runs of the same value may follow later; whether one is too near is known when it is stored.
    """
    if rule.once_per is None or (value := rule.once_per.value(context)) is None:
        return (trigger, subject), None
    what, within = rule.once_per.what, rule.once_per.within
    if within is None:
        return (f"once_per {what}", str(value)), None
    key = keys.once_key(event, rule.name, what, str(value))
    once = Once(key, event.created, round(within.total_seconds() * 1000))
    return (f"once_per {what}", f"{value} {subject}"), once


def new_delivery(planned: StepPlan, context: Context) -> NewDelivery:
    """The delivery of a step, in the lane that its settings name."""
    step = planned.step
    if step.action is None:
        return NewDelivery(planned.key, step.kind, "", STEERING if step.approval is None else APPROVALS)
    kind = step.action.name.partition(".")[0]
    if not isinstance(step.action, Action):
        return NewDelivery(planned.key, step.action.name, "", Lane(f":{kind}", "", serial=True))
    place = step.connection or kind  # without its connection (demo mode) a step still has a lane
    lane = Lane(":".join([place, *(step.lane(context) or ())]), place, step.action.serial)
    return NewDelivery(planned.key, step.action.name, step.connection or "", lane)


def _store(connection: Connection, batch: _Batch, now: int) -> int:
    new = runs.add_runs(connection, batch.runs, now)
    journal.planned(connection, batch.planned, batch.ruleset_id)
    journal.postpone(connection, batch.postponed)
    return new
