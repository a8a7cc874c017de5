"""Lists as https://docs.stripe.com/api/pagination has them: newest first, both cursors, ``created``, filters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hub.testing.stripe import errors
from hub.testing.stripe.books import Record
from hub.testing.stripe.parameters import whole, words, yes

Json = dict[str, Any]
_PAGING = {"limit", "starting_after", "ending_before", "expand"}
_COMPARE = {"gt": int.__gt__, "gte": int.__ge__, "lt": int.__lt__, "lte": int.__le__}

#: What each list can be filtered by, beside paging, with the place of the value in the object.
#: Read from the parameters of the ``stripe`` package, 16.1; a name that is not here is refused as Stripe refuses it.
FILTERS: Mapping[str, Mapping[str, str]] = {
    "checkout.session": {
        "created": "created",
        "customer": "customer",
        "customer_details": "customer_details",
        "payment_intent": "payment_intent",
        "payment_link": "payment_link",
        "status": "status",
        "subscription": "subscription",
    },
    "charge": {"created": "created", "customer": "customer", "payment_intent": "payment_intent"},
    "customer": {"created": "created", "email": "email"},
    "dispute": {"created": "created", "charge": "charge", "payment_intent": "payment_intent"},
    "invoice": {
        "created": "created",
        "customer": "customer",
        "status": "status",
        "subscription": "parent.subscription_details.subscription",
        "collection_method": "collection_method",
    },
    "payment_intent": {"created": "created", "customer": "customer"},
    "payment_link": {"active": "active"},
    "payout": {"created": "created", "status": "status"},
    "price": {"active": "active", "created": "created", "currency": "currency", "product": "product", "type": "type"},
    "promotion_code": {"active": "active", "code": "code", "created": "created"},
    "product": {"active": "active", "created": "created"},
    "refund": {"created": "created", "charge": "charge", "payment_intent": "payment_intent"},
    "subscription": {"created": "created", "customer": "customer", "status": "status"},
    "webhook_endpoint": {},
    "invoice_payment": {"created": "created", "invoice": "invoice", "status": "status"},
}


def page(found: Sequence[Json], given: Json, url: str) -> Json:
    """The page of ``found`` (newest first) that the cursors name."""
    limit = whole(given.get("limit", 10), "limit")
    if not 1 <= limit <= 100:
        raise errors.invalid(f"Invalid limit: {limit} must be between 1 and 100.", "limit")
    after, before = given.get("starting_after"), given.get("ending_before")
    if after is not None and before is not None:
        raise errors.invalid("You cannot specify both `starting_after` and `ending_before`.")
    if before is not None:
        end = _place(found, str(before), "ending_before")
        start = max(end - limit, 0)
        return _list(found[start:end], start > 0, url)
    start = 0 if after is None else _place(found, str(after), "starting_after") + 1
    return _list(found[start : start + limit], start + limit < len(found), url)


def _list(data: Sequence[Json], has_more: bool, url: str) -> Json:
    return {"object": "list", "data": list(data), "has_more": has_more, "url": url}


def _place(found: Sequence[Json], cursor: str, name: str) -> int:
    for place, one in enumerate(found):
        if one["id"] == cursor:
            return place
    kind = str(found[0]["object"]) if found else "object"
    raise errors.no_such(kind, cursor, 400, name)


def matching(things: Sequence[Json], kind: str, given: Json) -> list[Json]:
    """The objects that the filters in ``given`` leave; raises for a filter that the list does not have."""
    known = FILTERS[kind]
    found = list(things)
    for name, value in given.items():
        if name in _PAGING:
            continue
        if name not in known:
            raise errors.unknown_parameter(name)
        found = [one for one in found if _fits(_value(one, known[name]), value, name)]
    if kind == "subscription" and "status" not in given:
        # https://docs.stripe.com/api/subscriptions/list: "If no value is supplied, all subscriptions that have not
        # been canceled are returned."
        found = [one for one in found if one["status"] != "canceled"]
    return found


def _value(thing: Json, path: str) -> Any:
    found: Any = thing
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _fits(value: Any, wanted: Any, name: str) -> bool:
    if name == "created":
        return _in_time(value, wanted)
    if isinstance(wanted, dict):
        return isinstance(value, dict) and all(value.get(key) == one for key, one in wanted.items())
    if name == "status" and wanted == "all":
        return True
    return str(value).lower() == wanted.lower() if isinstance(value, bool) else bool(value == wanted)


def _in_time(at: int, wanted: Any) -> bool:
    if not isinstance(wanted, dict):
        return at == whole(wanted, "created")
    for name, bound in wanted.items():
        if name not in _COMPARE:
            raise errors.unknown_parameter(f"created[{name}]")
        if not _COMPARE[name](at, whole(bound, f"created[{name}]")):
            return False
    return True


def events(records: Sequence[Record], given: Json) -> list[Record]:
    """The events that ``type``, ``types[]``, ``created`` and ``delivery_success`` leave.

    https://docs.stripe.com/api/events/list
    """
    unknown = given.keys() - _PAGING - {"type", "types", "created", "delivery_success"}
    if unknown:
        raise errors.unknown_parameter(min(unknown))
    types = words(given.get("types", []))
    if types and "type" in given:
        raise errors.invalid("You may pass either `type` or `types`, but not both.", "types")
    if len(types) > 20:
        raise errors.invalid("You may pass at most 20 values in `types`.", "types")
    found = list(records)
    if types:
        found = [one for one in found if one.type in types]
    if "type" in given:
        found = [one for one in found if matches(one.type, [str(given["type"])])]
    if "created" in given:
        found = [one for one in found if _in_time(one.created, given["created"])]
    if "delivery_success" in given:
        wanted = yes(given["delivery_success"])
        found = [one for one in found if wanted is not bool(one.waiting)]
    return found


def matches(kind: str, patterns: Sequence[str]) -> bool:
    """Whether an event type is among ``patterns``; ``*`` and ``charge.*`` stand for many."""
    return any(
        one == kind or one == "*" or (one.endswith(".*") and kind.startswith(one.removesuffix("*"))) for one in patterns
    )
