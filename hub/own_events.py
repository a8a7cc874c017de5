"""Events of the hub itself: stock that runs low, codes that run out, a parcel that left.

They enter the same journal as Stripe's, in the transaction that makes them true, and meet the rules in the same way.
Their ids are made of what happened: told twice, they happen once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hub import keys
from hub.model import Event, Order, Source

STOCK_LOW = "hub.stock.low"
STOCK_SOLD_OUT = "hub.stock.sold_out"
CODES_LOW = "hub.codes.low"
ORDER_SHIPPED = "hub.order.shipped"


def stock_crossed(sku: str, before: int, left: int, low_at: int | None, *, cause: str, now: int) -> list[Event]:
    """What a movement from ``before`` to ``left`` pieces means; ``cause``: the key of the movement."""
    about = {"sku": sku, "left": left, "low_at": low_at}
    crossed = [STOCK_LOW] if low_at is not None and left <= low_at < before else []
    if left <= 0 < before:
        crossed.append(STOCK_SOLD_OUT)
    return [_of_the_shop(kind, sku, cause, about, now) for kind in crossed]


def codes_low(pool: str, left: int, *, cause: str, now: int) -> Event:
    """A pool has come down to its limit; ``cause``: the effect key that took the code."""
    return _of_the_shop(CODES_LOW, pool, cause, {"pool": pool, "left": left}, now)


def order_shipped(
    order: Order, *, carrier: str | None, tracking_number: str | None, tracking_url: str | None, now: int, part: int = 1
) -> Event:
    """A parcel of an order left. ``part``: 2, 3 … for further parcels of the same order; each is told once."""
    about = {
        "id": order.id,
        "part": part,
        "carrier": carrier,
        "tracking_number": tracking_number,
        "tracking_url": tracking_url,
        "at": now // 1000,
    }
    return _event(ORDER_SHIPPED, order.id, str(part), about, now, order.account, order.livemode)


def is_of_the_shop(event: Event) -> bool:
    """Whether an event is about the shop's own stock or codes: there is one of each, for live and test alike."""
    return event.source is Source.HUB and event.type != ORDER_SHIPPED


def _of_the_shop(kind: str, object_id: str, cause: str, about: Mapping[str, Any], now: int) -> Event:
    return _event(kind, object_id, cause, about, now, account="", livemode=True)


def _event(
    kind: str, object_id: str, cause: str, about: Mapping[str, Any], now: int, account: str, livemode: bool
) -> Event:
    found = f"hub_{keys.own_event_key(kind, object_id, cause)}"
    document = {"id": found, "object": "event", "type": kind, "created": now // 1000, "livemode": livemode}
    return Event(
        id=found,
        type=kind,
        object_id=object_id,
        account=account,
        livemode=livemode,
        created=now,
        thin=False,
        source=Source.HUB,
        received_at=now,
        body=json.dumps(document | {"data": {"object": about}}).encode(),
    )
