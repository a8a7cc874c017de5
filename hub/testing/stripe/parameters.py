"""Stripe's form encoding: ``line_items[0][price]=price_1&expand[]=customer`` as nested values, and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from hub.testing.stripe import errors

Json = dict[str, Any]
_PART = re.compile(r"\[([^\]]*)\]")


def decode(text: str) -> Json:
    """The parameters of a query or a form; ``a[]`` and ``a[0]`` make lists, every leaf is text."""
    found: Json = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        path = [name.partition("[")[0], *_PART.findall(name)]
        _put(found, path, value)
    return {name: _lists(value) for name, value in found.items()}


def _put(into: Json, path: list[str], value: str) -> None:
    head, *rest = path
    key = head or str(len(into))
    if not rest:
        into[key] = value
        return
    below = into.setdefault(key, {})
    if not isinstance(below, dict):
        raise errors.invalid(f"Invalid object: {head}", head)
    _put(below, rest, value)


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    below = {key: _lists(one) for key, one in value.items()}
    return list(below.values()) if below and all(key.isdigit() for key in below) else below


def whole(value: Any, name: str) -> int:
    """A whole number, or Stripe's refusal."""
    text = str(value)
    if not re.fullmatch(r"-?[0-9]{1,18}", text):
        raise errors.invalid(f"Invalid integer: {text}", name, "parameter_invalid_integer")
    return int(text)


def yes(value: Any) -> bool:
    return str(value).lower() == "true"


def words(value: Any) -> list[str]:
    """A list of texts, also where one was given without brackets."""
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def metadata(before: Mapping[str, str], given: Any) -> dict[str, str]:
    """Metadata after an update: an empty value removes its key, an empty ``metadata`` all of them."""
    if not isinstance(given, dict):
        return dict(before) if given is None else {}
    return {key: str(value) for key, value in {**before, **given}.items() if value != ""}
