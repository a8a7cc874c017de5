"""What an event means to the hub: its order, its subject, the triggers it fires."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hub.checkout import orders, session
from hub.checkout.events import Told
from hub.checkout.life import Happening, happening
from hub.checkout.session import Json
from hub.model import Event, Order, OrderState

#: Events of which Stripe may make two Event objects for one thing (https://docs.stripe.com/webhooks#handle-duplicate-events),
#: and which an object has once in its life. For all others (updates, partial refunds) each event is a thing of its own.
_ONCE_PER_OBJECT = (".created", ".deleted")


def is_once_per_object(event_type: str) -> bool:
    return event_type in orders.ORDER_EVENTS or event_type.endswith(_ONCE_PER_OBJECT)


@dataclass(frozen=True, slots=True)
class Reading:
    """An event with the object it is about. ``order`` is what this event alone tells.

    ``later``: what it means for the life of a sale after the checkout; its order is found, not told.
    ``url``: where the object is still to be read.
    """

    event: Event
    raw: Json
    order: Order | None
    subject: str
    later: Happening | None = None
    url: str = ""

    def triggers(self, state: OrderState | None) -> tuple[str, ...]:
        """What fires: the friendly trigger, if any, and the raw type. ``state``: the order's, after this event."""
        if self.later is not None:
            friendly = self.later.trigger
        else:
            friendly = None if state is None else orders.friendly_trigger(self.event.type, state)
        return (self.event.type,) if friendly is None else (friendly, self.event.type)


def read(event: Event, told: Told) -> Reading:
    """The meaning of ``event``; never fails, whatever the object looks like."""
    raw = told.about
    if told.url:
        return Reading(event, raw, None, event.id, url=told.url)
    is_session = event.type in orders.ORDER_EVENTS and raw.get("object", "checkout.session") == "checkout.session"
    order = orders.told_by(event, raw) if is_session else None
    # What has no other name than its event's has that of the snapshot: told both ways, it happened once.
    named = replace(event, id=told.twin) if told.twin else event
    if not is_session and (later := happening(named, raw, told.before)) is not None:
        return Reading(event, raw, None, later.subject, later)
    object_id = session.text(raw.get("id"))
    return Reading(event, raw, order, object_id if object_id and is_once_per_object(event.type) else named.id)
