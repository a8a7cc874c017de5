"""Whether rules that were written for a connector's last release still work with it as it is now.

A released connector keeps ``<kind>.released.json`` beside its page: what its settings and results were, as
``hub connectors freeze`` has written it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hub.connector import Action, Connection, LedgerAction, Params, Result
from hub.rules.slots import settings_of

Json = dict[str, Any]
AnyAction = Action[Any, Any] | LedgerAction[Any]


def action_shape(action: AnyAction) -> Json:
    """What rules may rely on: settings with what each takes, and the names of results."""
    return {"settings": _settings(action.params), "results": list(_names(action.result))}


def connection_shape(connection: type[Connection]) -> Json:
    """What ``connections:`` may rely on."""
    return {"settings": _settings(connection.Config)}


def broken(released: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What worked with the release and does not now, a sentence each."""
    return [*_broken_settings(released["settings"], now["settings"]), *_missing_results(released, now)]


def _settings(model: type[Params]) -> Json:
    return {
        name: {"required": one.required, "shape": one.slot.shape, "choices": list(one.slot.choices)}
        for name, one in settings_of(model).items()
    }


def _names(model: type[Result]) -> Iterator[str]:
    return (field.alias or name for name, field in model.model_fields.items())


def _broken_settings(released: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name, was in released.items():
        known = now.get(name)
        if known is None:
            yield f"The setting “{name}” is gone."
            continue
        if known["required"] and not was["required"]:
            yield f"The setting “{name}” is needed now."
        if known["shape"] != was["shape"]:
            yield f"The setting “{name}” was a {was['shape']} and is a {known['shape']}."
        gone = set(was["choices"]) - set(known["choices"])
        if gone and known["choices"]:
            yield f"The setting “{name}” no longer takes {', '.join(sorted(gone))}."
    yield from (
        f"The setting “{name}” is new and needed."
        for name, one in now.items()
        if one["required"] and name not in released
    )


def _missing_results(released: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    gone = set(released.get("results", ())) - set(now.get("results", ()))
    return (f"The result “{name}” is gone." for name in sorted(gone))
