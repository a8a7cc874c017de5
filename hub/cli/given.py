"""The events that ``hub try`` and ``hub test`` are given: from a file, or recorded in the journal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from hub.checkout import events
from hub.checkout.reading import read
from hub.cli.open_ import opened
from hub.engine import contexts
from hub.errors import HubError
from hub.model import Context, Source
from hub.money import STRIPE_DECIMALS
from hub.store import journal, listing, orders

#: What an order in a file is numbered as.
_NUMBER = 1042


def named(name: str, folder: Path) -> Context | None:
    """The context of ``samples/big.json`` (relative to ``folder``) or of a recorded ``evt_…``; None if it is not there.

    Raises ``HubError`` when the file cannot be read as an event.
    """
    if name.endswith(".json"):
        return from_file(folder / name) if (folder / name).exists() else None
    return recorded(name)


def from_file(path: Path) -> Context:
    """The context of one of Stripe's events, saved as JSON. Raises ``HubError``."""
    try:
        body = path.read_bytes()
        event = events.parse(body, source=Source.PERSON, received_at=0)
    except OSError as error:
        raise HubError(f"{path} cannot be read: {error.strerror}.", "Correct the name.") from None
    except events.NotAnEvent as error:
        raise HubError(
            f"{path} is not one of Stripe's events: {error}.", "Save an event of Stripe's as JSON."
        ) from None
    reading = read(event, events.told(event))
    order = None if reading.order is None else replace(reading.order, number=_NUMBER)
    return contexts.of_event(reading, order, STRIPE_DECIMALS)


def recorded(event_id: str) -> Context | None:
    """The context of an event in the journal; None if it is not there."""
    with opened() as hub:
        event = hub.database.read(lambda connection: journal.find(connection, event_id))
        if event is None:
            return None
        order = hub.database.read(lambda connection: orders.find(connection, event.object_id))
        return hub.contexts.of({event.seq: None if order is None else order.number})[event.seq]


def last(types: Sequence[str]) -> Context | None:
    """The context of the newest recorded event of one of these types."""
    with opened() as hub:
        found = [hub.database.read(partial(listing.list_events, kind=kind, limit=1)) for kind in types]
    newest = max((one for lines in found for one in lines), key=lambda line: line.received_at, default=None)
    return None if newest is None else recorded(newest.id)
