"""What a connector's parameter model says about its fields, in the terms of rules: shape, encoding, type of result."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from hub.connector import Encoding, Json, Params, Result
from hub.rules.types import ANY, NUMBER, TEXT, TEXTS, YES_NO, Field, Kind, Type, group

JSON_ENCODING: Encoding = next(one for one in Json.__metadata__ if isinstance(one, Encoding))


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a value goes. ``shape`` is ``value``, ``map``, ``list`` or ``any`` of them, as deep as one likes."""

    shape: str
    encoding: Encoding | None = None
    inner: Slot | None = None
    nullable: bool = False
    choices: tuple[str, ...] = ()

    @property
    def is_typed(self) -> bool:
        """Whether a whole ``{{ … }}`` keeps its type: the field says so, or it is no text at all (a number)."""
        return self.encoding is None or self.encoding.typed


@dataclass(frozen=True, slots=True)
class Setting:
    """One field of a parameter model."""

    name: str
    slot: Slot
    required: bool
    help: str
    examples: Sequence[Any] = field(default_factory=tuple)
    model: type[BaseModel] | None = None  #: nested settings


@lru_cache(maxsize=512)
def settings_of(model: type[Params]) -> Mapping[str, Setting]:
    """The settings of an action or connection, by the name that is written in rules.yaml."""
    return {
        info.alias or name: Setting(
            name=info.alias or name,
            slot=_slot(info.annotation, info.metadata),
            required=info.is_required(),
            help=info.description or "",
            examples=tuple(info.examples or ()),
        )
        for name, info in model.model_fields.items()
    }


def _slot(annotation: Any, metadata: Sequence[Any] = ()) -> Slot:
    """``Annotated[str, Encoding]``, ``dict[str, …]``, ``list[…]``, ``… | None``."""
    encoding = next((one for one in metadata if isinstance(one, Encoding)), None)
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        return _slot(inner, [*metadata, *more])
    if encoding is not None:
        shape = "any" if encoding.nested else "value"
        return Slot(shape, encoding, nullable=type(None) in get_args(annotation))
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in {Union, types.UnionType}:
        return _union(arguments)
    if origin is dict or annotation is dict:
        return Slot("map", inner=_slot(arguments[1]) if arguments else None)
    if origin in {list, tuple, set, frozenset}:
        return Slot("list", inner=_slot(arguments[0]) if arguments else None)
    if origin is Literal:
        return Slot("value", choices=tuple(map(str, arguments)))
    return Slot("any" if annotation is Any else "value")


def _union(arguments: tuple[Any, ...]) -> Slot:
    """The member that holds most: a list of addresses rather than one address, one of which may stand for it."""
    slots = [_slot(one) for one in arguments if one is not type(None)]
    order = {"any": 3, "map": 2, "list": 1, "value": 0}
    best = max(slots, key=lambda slot: (order[slot.shape], slot.encoding is not None))
    nullable = type(None) in arguments or any(slot.nullable for slot in slots)
    return Slot(best.shape, best.encoding, best.inner, nullable, best.choices)


# --- Results --------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=512)
def result_type(model: type[Result]) -> Type:
    """What ``steps.<id>`` holds after an action, from its declared result."""
    fields = [
        Field(info.alias or name, _value_type(info), info.description or "", _sample(info))
        for name, info in model.model_fields.items()
    ]
    return group(*fields)


def _value_type(info: FieldInfo) -> Type:
    members = [one for one in get_args(info.annotation) if one is not type(None)]
    annotation = (
        members[0] if get_origin(info.annotation) in {Union, types.UnionType} and len(members) == 1 else info.annotation
    )
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is bool:
        return YES_NO
    if annotation is int:
        return NUMBER
    if annotation is str:
        return TEXT
    if origin is dict:
        return Type(Kind.GROUP, open=TEXT if arguments[1:] == (str,) else ANY)
    if origin is list:
        return TEXTS if arguments == (str,) else Type(Kind.LIST, element=ANY)
    return ANY


def _sample(info: FieldInfo) -> str:
    return str(info.examples[0]) if info.examples else ""
