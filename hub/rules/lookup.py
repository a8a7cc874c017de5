"""Looking up values by path: in mappings and lists only, never in Python objects."""

from __future__ import annotations

from typing import Any

from hub.model import Context
from hub.rules.comparing import Run
from hub.rules.shop import Shop
from hub.rules.values import WEEKDAYS


def look_up(base: Any, part: str | int) -> Any:
    """``base.part`` in mappings and lists only; missing otherwise."""
    if base.__class__ is dict:
        return base.get(part) if part.__class__ is str or part in base else base.get(str(part))
    if base.__class__ is list and isinstance(part, int):
        return base[part] if -len(base) <= part < len(base) else None
    return None


def getter(parts: tuple[str | int, ...]) -> Run:
    """The value of a path."""
    root, rest = str(parts[0]), parts[1:]
    if not rest:
        return lambda context: context.get(root)
    if len(rest) == 1 and isinstance(rest[0], str):
        name = rest[0]

        def field(context: Context) -> Any:
            base = context.get(root)
            return base.get(name) if base.__class__ is dict else None

        return field

    def deep(context: Context) -> Any:
        value = context.get(root)
        for part in rest:
            value = look_up(value, part)
        return value

    return deep


def now_part(shop: Shop, part: str) -> Run:
    """``now.weekday`` and ``now.time``, in shop time."""
    if part == "weekday":
        return lambda context: WEEKDAYS[shop.local(context["now"]).weekday()]
    return lambda context: shop.local(context["now"]).strftime("%H:%M")
