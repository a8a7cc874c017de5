"""What a person has done with an order: a parcel left; one rule gone over for it, shown before it runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hub import own_events
from hub.clock import to_datetime
from hub.engine.contexts import Contexts
from hub.model import Order
from hub.rules.ruleset import Rule, RuleSet
from hub.rules.trying import Pretended, Tried, rehearse
from hub.store import journal, orderlist
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
