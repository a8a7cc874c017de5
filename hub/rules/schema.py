"""The JSON Schema of a rules file, from the tables of the checker: completion and help in editors that know schemas.

An editor's help, not the judge: what ``hub check`` says counts. JSON Schema cannot see into texts and conditions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hub.connector import Action
from hub.rules import catalogue
from hub.rules.actions import Actions, AnyAction
from hub.rules.slots import Setting, Slot, settings_of

Schema = dict[str, Any]

SECTIONS: Mapping[str, str] = {
    "version": "The version of the language; 1.",
    "shop": "What holds for all rules: name, time zone, currency, language.",
    "connections": "The services that rules use, each with its credentials as ${NAME} from .env.",
    "accounts": "Names for connected accounts (acct_…).",
    "lists": "Lists that conditions can name: order.country: {in: nordics}.",
    "texts": "Texts that messages can insert: {{ texts.signature }}.",
    "defaults": "Settings that an action has wherever it is used.",
    "include": "More files with rules, beside this one.",
    "rules": "The rules.",
}
RULE_KEYS: Mapping[str, str] = {
    "name": "Unique; shown wherever the rule is spoken of.",
    "when": "What starts the rule: a trigger like “order paid”, several in a list, or one of Stripe's event types.",
    "if": "Conditions; all of them must be met.",
    "for_each": "Goes through a list, such as order.items; each entry is “item”.",
    "do": "The steps, one after the other.",
    "on_error": "Steps for when one has finally failed.",
    "retry": "How often and how fast a failed step is tried again: {times: 5, wait: 1 minute}, or none.",
    "once_per": "At most one run for each order, customer, subscription, invoice or value of a field.",
    "delay": "Waits this long first; the conditions are asked afterwards.",
    "enabled": "no switches the rule off.",
    "account": "Only events of this connected account.",
    "tags": "For choosing rules:  hub test --tag stock.",
    "note": "A remark for people.",
    "examples": "What the rule must do for given orders;  hub test  tries them.",
}
STEP_KEYS: Mapping[str, str] = {
    "id": "A name, so that later steps can use the result: {{ steps.<id>.… }}.",
    "if": "Conditions for this step alone.",
    "for_each": "Does the step once for each entry of a list.",
    "retry": "As at the rule, for this step.",
    "on_error": "Steps for when this one has finally failed, or continue.",
    "note": "A remark for people.",
    "do": "A block of steps under one condition.",
    "else": "The steps for when the block's condition is not met.",
    "wait": "Waits, such as 3 days, before the next step.",
    "stop": "Ends the run; what is behind it is the reason.",
    "approve": "Waits until somebody says yes at the console; a no ends the run. What is behind it is what is asked.",
}
APPROVE_KEYS: Mapping[str, str] = {
    "text": "What is asked: “Ship order {{ order.number }} for {{ order.total }}?”.",
    "who": "Who decides: owner (unless said otherwise), packer, somebody's name, or several. Owners always may.",
    "within": "How long there is for it, such as 2 days; 7 days unless said otherwise.",
    "tell": "Steps that tell people of it first, with {{ approval.link }}, where it can be answered.",
    "unanswered": "What happens when nobody answers in time: stop (unless said otherwise) or go on.",
}
SHOP_KEYS: Mapping[str, str] = {
    "name": "The shop's name.",
    "email": "The shop's address.",
    "timezone": "Such as Europe/Berlin; for dates and opening hours.",
    "currency": "Of amounts that do not name one, such as EUR.",
    "language": "For dates and amounts, such as de.",
    "business_hours": "For “now: business hours”: {days: Mon-Fri, hours: 09:00-17:00}.",
    "alerts": "Where the hub tells of what waits for a person.",
}
COMMON_SETTINGS: Mapping[str, str] = {
    "connection": "Which connection to use, if there are several of its kind.",
    "on_unknown": "When nobody can tell whether it arrived: resend, or hold for a person.",
}

EXAMPLE_KEYS: Mapping[str, str] = {
    "name": "What it shows.",
    "given": "A sample order, a recorded event (evt_…) or a file.",
    "now": "The time to pretend.",
    "with": "Fields to change, and results of steps.",
    "expect": "The steps that must be done; nothing, or runs.",
}

_TEXT: Schema = {"type": "string"}
_VALUE: Schema = {"type": ["string", "number", "boolean"]}
_ANYTHING: Schema = {}


def json_schema(actions: Actions) -> Schema:
    """Of a whole rules file, for these connectors. Draft 2020-12."""
    steps = {"type": "array", "items": {"$ref": "#/$defs/step"}}
    definitions = {
        "rule": _rule(),
        "step": _step(actions),
        "steps": steps,
        "conditions": _conditions(),
        "retry": {"anyOf": [_TEXT, _object({"times": "How many tries more.", "wait": "The first pause."})]},
        "example": _example(),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Rules of a hub",
        **_described(SECTIONS, _sections(actions)),
        "$defs": definitions,
    }


def _sections(actions: Actions) -> Mapping[str, Schema]:
    return {
        "version": {"const": 1},
        "shop": _object(SHOP_KEYS),
        "connections": {"type": "object", "additionalProperties": _connection(actions)},
        "accounts": {"type": "object", "additionalProperties": _TEXT},
        "lists": {"type": "object", "additionalProperties": {"type": "array"}},
        "texts": {"type": "object", "additionalProperties": _TEXT},
        "defaults": {
            "type": "object",
            "properties": {name: _settings(actions, name) | {"required": []} for name in actions.names},
            "additionalProperties": False,
        },
        "include": {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]},
        "rules": {"type": ["array", "null"], "items": {"$ref": "#/$defs/rule"}},
    }


def _rule() -> Schema:
    triggers = [{"const": name, "description": one.help} for name, one in catalogue.TRIGGERS.items()]
    trigger: Schema = {"anyOf": [*triggers, {"type": "string", "pattern": r"\."}]}
    return _described(
        RULE_KEYS,
        {
            "name": _VALUE,
            "when": {"anyOf": [trigger, {"type": "array", "items": trigger}]},
            "if": {"$ref": "#/$defs/conditions"},
            "for_each": _TEXT,
            "do": {"$ref": "#/$defs/steps"},
            "on_error": {"$ref": "#/$defs/steps"},
            "retry": {"$ref": "#/$defs/retry"},
            "once_per": {"anyOf": [_TEXT, _object({"what": "A field.", "within": "For how long, as 30 days."})]},
            "delay": _TEXT,
            "enabled": {"type": ["boolean", "string"]},
            "tags": {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]},
            "examples": {"type": "array", "items": {"$ref": "#/$defs/example"}},
        },
        required=["name", "when", "do"],
    )


def _step(actions: Actions) -> Schema:
    acts = {name: _settings(actions, name) for name in actions.names}
    described = {**STEP_KEYS, **{name: acts[name]["description"] for name in acts}}
    inner: Mapping[str, Schema] = {
        "if": {"$ref": "#/$defs/conditions"},
        "for_each": _TEXT,
        "retry": {"$ref": "#/$defs/retry"},
        "on_error": {"anyOf": [{"const": "continue"}, {"$ref": "#/$defs/steps"}]},
        "do": {"$ref": "#/$defs/steps"},
        "else": {"$ref": "#/$defs/steps"},
        "stop": {"type": ["string", "null"]},
        "approve": {"anyOf": [_TEXT, _approve()]},
        **acts,
    }
    return _described(described, inner)


def _approve() -> Schema:
    inner: Mapping[str, Schema] = {
        "text": _TEXT,
        "who": {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]},
        "within": _TEXT,
        "tell": {"$ref": "#/$defs/steps"},
        "unanswered": {"enum": ["stop", "go on"]},
    }
    return _described(APPROVE_KEYS, inner, required=["text"])


def _conditions() -> Schema:
    fields: dict[str, str] = {}
    for name, root in catalogue.ROOTS.items():
        fields |= {path: one.help for path, one in catalogue.fields_below(name, root) if "*" not in path}
    several = {"type": "array", "items": {"$ref": "#/$defs/conditions"}}
    shown = {path: {"description": about} for path, about in fields.items()}
    return {
        "anyOf": [
            _TEXT,
            {"type": "object", "properties": {"any": several, "all": several, "none": several, **shown}},
        ]
    }


def _example() -> Schema:
    return _described(EXAMPLE_KEYS, {}, required=["given", "expect"])


def _connection(actions: Actions) -> Schema:
    found: dict[str, Setting] = {}
    for kind in actions.kinds:
        connection = actions.connection(kind)
        if connection is not None:
            found |= settings_of(connection.Config)
    kinds = {"type": {"enum": list(actions.kinds), "description": "Which kind of service; else the name says it."}}
    return {
        "type": ["object", "null"],
        "properties": kinds | {name: {"description": one.help} for name, one in found.items()},
    }


def _settings(actions: Actions, name: str) -> Schema:
    action = actions.get(name)
    assert action is not None, "it was listed"
    own = settings_of(action.params)
    schema: Schema = {
        "type": "object" if any(one.required for one in own.values()) else ["object", "null"],
        "description": _title(action),
        "properties": {key: _setting(one) for key, one in own.items()},
        "required": [key for key, one in own.items() if one.required],
        "additionalProperties": False,
    }
    if isinstance(action, Action):
        schema["properties"] |= {
            "connection": {"type": "string", "description": COMMON_SETTINGS["connection"]},
            "on_unknown": {"enum": ["resend", "hold"], "description": COMMON_SETTINGS["on_unknown"]},
        }
    return schema


def _title(action: AnyAction) -> str:
    return f"{action.title}."


def _setting(setting: Setting) -> Schema:
    schema = _of_slot(setting.slot)
    if setting.help:
        schema["description"] = setting.help
    if setting.examples:
        schema["examples"] = list(setting.examples)
    return schema


def _of_slot(slot: Slot) -> Schema:
    """Any value may be computed by a text with {{ }}; so a choice is a hint, and numbers may be texts."""
    match slot.shape:
        case "map":
            inner = _ANYTHING if slot.inner is None else _of_slot(slot.inner)
            return {"type": "object", "additionalProperties": inner}
        case "list":
            inner = _ANYTHING if slot.inner is None else _of_slot(slot.inner)
            return {"anyOf": [_VALUE, {"type": "array", "items": inner}]}
        case "value" if slot.choices:
            return {"anyOf": [{"enum": list(slot.choices)}, _VALUE]}
        case "value":
            return {"type": [*_VALUE["type"], *(["null"] if slot.nullable else [])]}
        case _:
            return {}


def _object(described: Mapping[str, str]) -> Schema:
    return _described(described, {})


def _described(described: Mapping[str, str], inner: Mapping[str, Schema], required: Sequence[str] = ()) -> Schema:
    """Settings with their help, and nothing beside them."""
    properties = {name: {**inner.get(name, {}), "description": about} for name, about in described.items()}
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return schema | ({"required": list(required)} if required else {})
