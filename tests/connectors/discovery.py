"""Google's own description of the Sheets API, from its Python client, as judge of every exchange with the fake."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import googleapiclient

from hub.testing.google_sheets import Exchange


def mistakes(exchange: Exchange) -> list[str]:
    """What in an exchange contradicts the description: path, parameters, body, answer."""
    call = exchange.call
    method = _method(call.method, call.path)
    if method is None:
        return [f"no such method: {call}"]
    known = {**method.get("parameters", {}), **_document()["parameters"]}
    found = [f"{call}: no parameter {name}" for name in call.query if name not in known]
    for name, values in call.query.items():
        for value in values:
            found += [f"{call}: {name}: {one}" for one in _text(value, known.get(name, {}))]
    if "request" in method:
        found += [f"{call}: {one}" for one in _wrong(call.body, method["request"], "body")]
    elif call.body is not None:
        found.append(f"{call}: must not have a body")
    if exchange.status == 200:
        found += [f"{call}: {one}" for one in _wrong(exchange.answer, method["response"], "answer")]
    return found


@cache
def _document() -> dict[str, Any]:
    folder = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"
    document: dict[str, Any] = json.loads((folder / "sheets.v4.json").read_text("utf-8"))
    return document


@cache
def _methods() -> list[tuple[str, re.Pattern[str], dict[str, Any]]]:
    def walk(resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield from resource.get("methods", {}).values()
        for below in resource.get("resources", {}).values():
            yield from walk(below)

    # The most fixed text first: “values/{range}:append” is also a “values/{range}”.
    found = sorted(walk(_document()), key=lambda method: -len(re.sub(r"\{\w+\}", "", method["path"])))
    return [
        (one["httpMethod"], re.compile("/" + re.sub(r"\\\{\w+\\\}", "(.+)", re.escape(one["path"]))), one)
        for one in found
    ]


def _method(verb: str, path: str) -> dict[str, Any] | None:
    fitting = (method for known, pattern, method in _methods() if known == verb and pattern.fullmatch(path))
    return next(fitting, None)


def _text(value: str, parameter: dict[str, Any]) -> Iterator[str]:
    if "enum" in parameter and value not in parameter["enum"]:
        yield f"{value} is none of {parameter['enum']}"
    if parameter.get("type") == "boolean" and value.lower() not in ("true", "false"):
        yield f"{value} is not true or false"


_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "object": dict,
    "array": list,
}


def _wrong(value: Any, schema: dict[str, Any], where: str) -> Iterator[str]:
    if "$ref" in schema:
        schema = _document()["schemas"][schema["$ref"]]
    kind = schema.get("type", "any")
    if kind != "any" and not _is(value, kind):
        yield f"{where} is not of type {kind}: {value!r:.100}"
    elif kind == "array":
        for number, one in enumerate(value):
            yield from _wrong(one, schema["items"], f"{where}[{number}]")
    elif kind == "object":
        yield from _wrong_members(value, schema, where)
    elif "enum" in schema and value not in schema["enum"]:
        yield f"{where} is none of {schema['enum']}: {value}"
    elif schema.get("format") == "int32" and not -(2**31) <= value < 2**31:
        yield f"{where} is no int32: {value}"


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _wrong_members(value: dict[str, Any], schema: dict[str, Any], where: str) -> Iterator[str]:
    properties, others = schema.get("properties", {}), schema.get("additionalProperties")
    for name, member in value.items():
        if member is None:
            continue  # the same as not there: https://protobuf.dev/programming-guides/json
        if name in properties:
            yield from _wrong(member, properties[name], f"{where}.{name}")
        elif others is None:
            yield f"{where} has no member {name}"
        else:
            yield from _wrong(member, others, f"{where}.{name}")
