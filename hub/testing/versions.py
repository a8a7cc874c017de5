"""Events as older API versions render them: the fields that rules depend on, where they stood at the time.

https://docs.stripe.com/changelog; each step is named by the version that moved something. The other way round, from any
of these to what rules see, is ``hub.checkout``.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from hub.testing.events import API_VERSION

Json = dict[str, Any]

#: A version of every shape there was, newest first.
VERSIONS = (API_VERSION, "2025-03-31.basil", "2025-02-24.acacia", "2022-11-15", "2020-08-27", "2020-03-02")


def as_of(document: Mapping[str, Any], version: str) -> Json:
    """A snapshot event of today as an endpoint of another version gets it. ``version`` begins with its day."""
    made: Json = copy.deepcopy(dict(document)) | {"api_version": version}
    thing, day = made["data"]["object"], version[:10]
    change = {
        "checkout.session": _session,
        "invoice": _invoice,
        "subscription": _subscription,
    }.get(thing.get("object"))
    if change is not None:
        change(thing, day)
    return made


def _session(thing: Json, day: str) -> None:
    if day < "2026-03-25":
        thing["ui_mode"] = "hosted"
    if day < "2025-03-31":
        thing["shipping_details"] = (thing.get("collected_information") or {}).get("shipping_details")
    if day < "2025-02-24":
        thing.pop("collected_information", None)
    if day < "2022-11-15":
        thing["shipping"] = thing.pop("shipping_details")
        thing.pop("shipping_cost", None)
    if day < "2020-08-27" and "line_items" in thing:
        thing["display_items"] = [_display_item(one) for one in _data(thing.pop("line_items"))]


def _display_item(line: Mapping[str, Any]) -> Json:
    price = line["price"]
    product = price["product"]
    sku = {
        "id": price["id"],
        "object": "sku",
        "attributes": {"name": line["description"]},
        "metadata": {**product["metadata"], **price["metadata"]},
        "product": product["id"],
    }
    amount, quantity = price["unit_amount"], line["quantity"]
    return {"amount": amount, "currency": line["currency"], "quantity": quantity, "type": "sku", "sku": sku}


def _invoice(thing: Json, day: str) -> None:
    if day < "2025-03-31":
        details = (thing.pop("parent", None) or {}).get("subscription_details") or {}
        thing["subscription"] = details.get("subscription")


def _subscription(thing: Json, day: str) -> None:
    if day < "2025-03-31":
        for one in _data(thing["items"]):
            for name in ("current_period_start", "current_period_end"):
                thing[name] = one.pop(name, None)


def _data(found: Mapping[str, Any]) -> Sequence[Json]:
    data: Sequence[Json] = found["data"]
    return data
