"""What an event means to the hub: its order, its subject, the triggers it fires."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hub.checkout import orders, session
from hub.checkout.life import Happening, happening
from hub.model import Event, Order, OrderState

#: Events of which Stripe may make two Event objects for one thing (https://docs.stripe.com/webhooks#handle-duplicate-events),
#: and which an object has once in its life. For all others (updates, partial refunds) each event is a thing of its own.
_ONCE_PER_OBJECT = (".created", ".deleted")


@dataclass(frozen=True, slots=True)
class Reading:
    """An event with the object it is about. ``order`` is what this event alone tells.

    ``later``: what it means for the life of a sale after the checkout; its order is found, not told.
    """

    event: Event
    raw: Mapping[str, Any]
    order: Order | None
    subject: str
    later: Happening | None = None

    def triggers(self, state: OrderState | None) -> tuple[str, ...]:
        """What fires: the friendly trigger, if any, and the raw type. ``state``: the order's, after this event."""
        if self.later is not None:
            friendly = self.later.trigger
        else:
            friendly = None if state is None else orders.friendly_trigger(self.event.type, state)
        return (self.event.type,) if friendly is None else (friendly, self.event.type)


def object_to_fetch(event: Event) -> bool:
    """Whether the event only names a session that its order cannot be told without."""
    return event.thin and event.type in orders.ORDER_EVENTS


def read(event: Event, raw: Mapping[str, Any]) -> Reading:
    """The meaning of ``event`` about the object ``raw``; never fails, whatever the object looks like."""
    is_session = event.type in orders.ORDER_EVENTS and raw.get("object", "checkout.session") == "checkout.session"
    order = orders.told_by(event, raw) if is_session else None
    if not is_session and (later := happening(event, raw)) is not None:
        return Reading(event, raw, None, later.subject, later)
    object_id = session.text(raw.get("id"))
    once = event.type in orders.ORDER_EVENTS or event.type.endswith(_ONCE_PER_OBJECT)
    return Reading(event, raw, order, object_id if once and object_id else event.id)
