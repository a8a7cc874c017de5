"""What people do, at the console or a command line: a parcel left, a rule is run for an order, a delivery retried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from hub import own_events
from hub.clock import to_datetime
from hub.engine.contexts import Contexts
from hub.model import Order
from hub.rules.ruleset import Rule, RuleSet
from hub.rules.trying import Pretended, Tried, rehearse
from hub.store import audit, deciding, journal, orderlist
from hub.store.database import Connection, Database
from hub.store.journal import Postponed


@dataclass(frozen=True, slots=True)
class Parcel:
    """A parcel that left. ``part``: 1 for the first of the order, 2, 3 … for more; None where it is not known."""

    part: int = 1
    carrier: str | None = None
    tracking_number: str | None = None
    tracking_url: str | None = None
    is_last: bool = True


def ship(connection: Connection, order: Order, parcel: Parcel, now: int) -> bool:
    """Marks a parcel of an order as shipped and tells the rules; False when that parcel was marked before."""
    known = orderlist.by_ids(connection, [order.id])[order.id]
    if parcel.part != known.parcels + 1:
        return False
    sent = own_events.order_shipped(
        order,
        carrier=parcel.carrier,
        tracking_number=parcel.tracking_number,
        tracking_url=parcel.tracking_url,
        now=now,
        part=parcel.part,
    )
    if journal.append(connection, [sent], now)[0].duplicate:
        return False
    orderlist.add_parcel(connection, order.number, now, is_last=parcel.is_last)
    return True


@dataclass(frozen=True, slots=True)
class Preview:
    """What a rule would do with an event of an order."""

    event_id: str
    event_seq: int
    tried: Sequence[Tried]

    @property
    def runs(self) -> bool:
        """Whether anything would be done."""
        return any(one.why.met and not one.error for one in self.tried)


def preview(
    database: Database,
    contexts: Contexts,
    ruleset: RuleSet,
    order: Order,
    rule: Rule,
    event_ids: Sequence[str],
    now: int,
) -> list[Preview]:
    """What ``rule`` would do for an order with each of its events that fire it. Nothing is stored or sent."""
    events = database.read(lambda connection: [journal.find(connection, one) for one in event_ids])
    found = []
    for event in filter(None, events):
        context = contexts.of({event.seq: order.number})[event.seq]
        seen = ruleset.complete(context, now=to_datetime(now))
        found.append(Preview(event.id, event.seq, rehearse(rule, seen, Pretended())))
    return found


def run_rule(connection: Connection, event_seq: int, rule: Rule, now: int) -> None:
    """Has one rule planned for an event, as a person asks, however old it is; finished effects do not repeat."""
    journal.postpone(connection, [Postponed(event_seq, rule.name, now, 0, "", asked=True)])


class Decision(StrEnum):
    """What a person decides about deliveries; see ``hub.store.deciding``."""

    RETRY = "retry"
    CANCEL = "cancel"
    HAPPENED = "happened"
    DID_NOT_HAPPEN = "did-not-happen"


#: As the audit log has it.
_DECIDED = {
    Decision.RETRY: "retried",
    Decision.CANCEL: "cancelled",
    Decision.HAPPENED: "said that it happened",
    Decision.DID_NOT_HAPPEN: "said that it did not happen",
}


def decide(connection: Connection, decision: Decision, ids: Sequence[int], who: str, now: int) -> dict[int, str]:
    """Carries a decision out and writes down who took it; returns why not, by id, for the deliveries left alone."""
    match decision:
        case Decision.RETRY:
            refused = deciding.retry(connection, ids, now)
        case Decision.CANCEL:
            refused = deciding.cancel(connection, ids, now)
        case Decision.HAPPENED | Decision.DID_NOT_HAPPEN:
            happened = decision is Decision.HAPPENED
            said = {one: deciding.resolve(connection, one, happened=happened, now=now) for one in ids}
            refused = {one: why for one, why in said.items() if why}
    for one in ids:
        if one not in refused:
            audit.record(connection, who, _DECIDED[decision], f"delivery {one}", now)
    return refused


def replay(connection: Connection, wanted: str, who: str, now: int) -> bool:
    """Has an event, or all events about an object, planned again by the rules of now; False when there is none."""
    seqs = journal.seqs(connection, wanted)
    journal.replan(connection, seqs, now)
    if seqs:
        audit.record(connection, who, "replayed", wanted, now)
    return bool(seqs)
