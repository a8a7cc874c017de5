"""The built-in samples (``given: sample order``), made from the catalogue's sample values."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hub.model import Context
from hub.money import Money
from hub.rules import catalogue
from hub.rules.catalogue import Trigger
from hub.rules.shop import Shop
from hub.rules.types import Field, Kind, Type

#: When the samples happen, in shop time.
MOMENT = "2026-11-24 10:00"
_NOT_IN_CONTEXT = {"shop", "now", "item", "error", "approval", "raw"}


def moment(shop: Shop) -> datetime:
    """When the samples happen, in UTC."""
    return _date(MOMENT, shop)


def context(trigger: Trigger, shop: Shop) -> Context:
    """Every root with the catalogue's sample values, as an event of ``trigger`` would bring them."""
    roots: Context = {
        name: _group(type_, shop) for name, type_ in catalogue.ROOTS.items() if name not in _NOT_IN_CONTEXT
    }
    roots["event"] |= {"type": trigger.events[0]}
    return {**roots, "raw": {}}


def _group(type_: Type, shop: Shop) -> dict[str, Any]:
    return {name: _value(field, shop) if field.typical else None for name, field in type_.fields.items()}


def _value(field: Field, shop: Shop) -> Any:
    type_, sample = field.type, field.sample
    match type_.kind:
        case Kind.GROUP:
            return _group(type_, shop)
        case Kind.LIST:
            element = type_.element
            return [_group(element, shop)] if element is not None and element.fields else [sample]
        case Kind.AMOUNT:
            return Money(Decimal(sample), _currency(shop))
        case Kind.CURRENCY:
            return sample or _currency(shop)
        case Kind.NUMBER:
            return int(sample)
        case Kind.YES_NO:
            return sample == "yes"
        case Kind.DATE:
            return _date(sample, shop)
        case _:
            return sample


def _currency(shop: Shop) -> str:
    return shop.currency or "EUR"


def _date(text: str, shop: Shop) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=shop.timezone).astimezone(UTC)


# --- Changing a sample ----------------------------------------------------------------------------------------------


def change(roots: Context, parts: tuple[str | int, ...], value: Any) -> None:
    """Sets one field of a context, and what follows from it."""
    _set(roots, parts, value)
    if isinstance(value, Money):
        _set(roots, (*parts[:-1], "currency"), value.currency)
    match parts:
        case ("order", "items", *_):
            _summarise(roots["order"])
        case ("customer", "name") if value:
            roots["customer"]["first_name"] = str(value).split(" ")[0]
        case ("customer", "address", "country"):
            roots["customer"]["country"] = value
        case ("order", "shipping", *rest):
            if rest == ["address", "country"]:
                roots["order"]["country"] = value
            roots["order"]["shipping"]["label"] = _label(roots["order"]["shipping"])


def _set(roots: Context, parts: tuple[str | int, ...], value: Any) -> None:
    inner: Any = roots
    for part, following in itertools.pairwise(parts):
        inner = _child(inner, part, [] if isinstance(following, int) else {})
    last = parts[-1]
    if isinstance(inner, list) and isinstance(last, int):
        inner.extend([None] * (last + 1 - len(inner)))
        inner[last] = value
    else:
        inner[str(last)] = value


def _child(inner: Any, part: str | int, empty: Any) -> Any:
    if isinstance(inner, list) and isinstance(part, int):
        inner.extend({} for _ in range(part + 1 - len(inner)))
        return inner[part]
    found = inner.get(str(part))
    if not isinstance(found, dict | list):
        inner[str(part)] = found = empty
    return found


def _summarise(order: dict[str, Any]) -> None:
    """What can be said of all items together."""
    items = order["items"] = [_completed(one, order["currency"], index) for index, one in enumerate(order["items"], 1)]
    order["item_count"] = sum(one.get("quantity") or 0 for one in items)
    for name, key in (
        ("skus", "sku"),
        ("product_names", "name"),
        ("product_ids", "product_id"),
        ("price_ids", "price_id"),
    ):
        order[name] = list(dict.fromkeys(one[key] for one in items if one.get(key)))


def _completed(item: dict[str, Any], currency: str, index: int) -> dict[str, Any]:
    total = item.get("total") or item.get("price")
    own = total.currency if isinstance(total, Money) else currency
    return {"id": f"li_sample{index}", "quantity": 1, "currency": own, "metadata": {}, **item}


def _label(shipping: dict[str, Any]) -> str:
    address = shipping["address"]
    town = " ".join(part for part in (address.get("postal_code"), address.get("city")) if part)
    region = ", ".join(part for part in (town, address.get("state")) if part)
    lines = (shipping.get("name"), address.get("line1"), address.get("line2"), region, address.get("country"))
    return "\n".join(line for line in lines if line)
