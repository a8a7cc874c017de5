"""The OpenAPI 3.1 document, made of the table of calls and of the models they take and answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter

from hub import __version__
from hub.web.api.calls import Call
from hub.web.api.shapes import LINE, LONGEST, Failure

_REF = "#/components/schemas/{model}"
_NAME = {"type": "string", "minLength": 1, "maxLength": LONGEST, "pattern": LINE}
_PLACE = re.compile(r"{(\w+)(?::path)?}")


def document(calls: Sequence[Call]) -> dict[str, Any]:
    """Everything that can be asked, and every answer."""
    schemas, paths = dict[str, Any](), dict[str, Any]()
    for call in calls:
        path = _PLACE.sub(r"{\1}", f"/api/v1/{call.path}")
        paths.setdefault(path, {})[call.method.lower()] = _operation(call, schemas)
    _schema(Failure, schemas, "serialization")
    failure = {"description": "Why not", "content": {"application/json": {"schema": {"$ref": f"{_REF[:-7]}Failure"}}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Hub", "version": __version__, "summary": "What the console shows and does, as JSON."},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {"Failure": failure},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(call: Call, schemas: dict[str, Any]) -> dict[str, Any]:
    places = [{"name": name, "in": "path", "required": True, "schema": _NAME} for name in _PLACE.findall(call.path)]
    statuses = [401, 403, 422, 429, 503]
    statuses += [404] if places else []
    statuses += [404, 409, 413, 415] if call.method != "GET" else []
    statuses += [404] if call.method == "GET" and call.takes else []
    answer = {"application/json": {"schema": _schema(call.returns, schemas, "serialization")}}
    found: dict[str, Any] = {
        "operationId": f"{call.method.lower()}_{re.sub(r'[^a-z]+', '_', call.path).strip('_')}",
        "summary": call.summary,
        "description": f"Roles: {', '.join(sorted(call.roles))}.",
        "responses": {"200": {"description": "Done", "content": answer}}
        | {str(status): {"$ref": "#/components/responses/Failure"} for status in sorted(set(statuses))},
    }
    if call.takes is not None and call.method == "GET":
        places += _parameters(call.takes.model_json_schema())
    elif call.takes is not None:
        body = {"schema": _schema(call.takes, schemas, "validation")}
        found["requestBody"] = {"required": True, "content": {"application/json": body}}
    return found | ({"parameters": places} if places else {})


def _parameters(schema: dict[str, Any]) -> list[dict[str, Any]]:
    required, definitions = schema.get("required", ()), schema.get("$defs", {})
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _as_text(one, definitions)}
        for name, one in schema["properties"].items()
    ]


def _as_text(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Of a parameter that may be left out: in an address there is no null."""
    chosen = next((one for one in schema.get("anyOf", ()) if one.get("type") != "null"), schema)
    kept = {name: value for name, value in schema.items() if name in {"description"}}
    if "$ref" in chosen:
        chosen = definitions[chosen["$ref"].rpartition("/")[2]]
    return {name: value for name, value in chosen.items() if name not in {"title", "default"}} | kept


def _schema(shape: Any, schemas: dict[str, Any], mode: Any) -> dict[str, Any]:
    found = TypeAdapter(shape).json_schema(mode=mode, ref_template=_REF)
    schemas |= found.pop("$defs", {})
    title = found.get("title")
    if not title or found.get("type") != "object":
        return found
    schemas[title] = found
    return {"$ref": _REF.format(model=title)}
