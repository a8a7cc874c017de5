"""``hub triggers``, ``hub fields``, ``hub actions``, ``hub filters``: the reference, from the checker's own tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from hub.cli.output import AsJson, no, print_json, print_table
from hub.cli.rules_file import registry as all_connectors
from hub.connector import Action
from hub.rules import catalogue, stripe_types, suggest
from hub.rules.actions import AnyAction
from hub.rules.catalogue import Trigger
from hub.rules.filters import FILTERS
from hub.rules.slots import Setting, result_type, settings_of
from hub.rules.types import Field, Kind, Type
from hub.settings import Environment


def triggers(as_json: AsJson = False) -> None:
    """List what when: can name. Every Stripe event type works too."""
    found = list(catalogue.TRIGGERS.values())
    if as_json:
        print_json([_trigger(one) for one in found])
        return
    print_table(
        ["Trigger", "When", "Fields of"], [(one.name, one.help, ", ".join(sorted(one.roots))) for one in found], ""
    )


def _trigger(trigger: Trigger) -> dict[str, Any]:
    return {
        "name": trigger.name,
        "help": trigger.help,
        "events": list(trigger.events),
        "roots": sorted([*trigger.roots, *catalogue.ALWAYS]),
        "sample": f"sample {trigger.sample}",
    }


# --- Fields ---------------------------------------------------------------------------------------------------------

_PLAIN = {
    Kind.TEXT: "text", Kind.NUMBER: "number", Kind.AMOUNT: "amount", Kind.DATE: "date", Kind.YES_NO: "yes/no",
    Kind.WORDS: "fixed words", Kind.COUNTRY: "country", Kind.CURRENCY: "currency", Kind.TIME: "time",
    Kind.WEEKDAY: "weekday", Kind.LIST: "list", Kind.GROUP: "group", Kind.ANY: "any",
}  # fmt: skip


def fields(
    trigger: Annotated[str | None, typer.Argument(metavar="[TRIGGER]", help="Only what this trigger has.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the fields that conditions and texts can use."""
    found = list(_fields(trigger))
    if as_json:
        print_json([_field(path, one) for path, one in found])
        return
    rows = [(path, _type_name(one.type) + ("?" if one.optional else ""), one.sample, one.help) for path, one in found]
    print_table(["Field", "Type (? may be missing)", "Sample", "What it is"], rows, "")


def _fields(name: str | None) -> Iterator[tuple[str, Field]]:
    roots: list[str] = [*catalogue.ROOTS]
    if name is not None:
        found = catalogue.trigger(name)
        if found is None or (name not in catalogue.TRIGGERS and not stripe_types.is_known(name)):
            raise no(
                f"There is no trigger “{name}”. {_did_you_mean(suggest.closest('trigger', name, catalogue.TRIGGERS))}"
            )
        roots = [
            root
            for root in catalogue.ROOTS
            if root in {*found.roots, *catalogue.ALWAYS} or (root == "item" and "order" in found.roots)
        ]
    for root in roots:
        yield from catalogue.fields_below(root, catalogue.ROOTS[root])


def _field(path: str, field: Field) -> dict[str, Any]:
    return {
        "name": path,
        "type": _type_name(field.type),
        "optional": field.optional,
        "help": field.help,
        "sample": field.sample,
        "source": field.source,
        "words": list(field.type.words),
    }


def _type_name(type_: Type) -> str:
    if type_.kind is Kind.LIST and type_.element is not None:
        return "list of groups" if type_.element.fields else "list of texts"
    return "text" if type_.open is not None else _PLAIN[type_.kind]


# --- Actions --------------------------------------------------------------------------------------------------------


def actions(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Only this action, with its settings.")] = None,
    as_json: AsJson = False,
) -> None:
    """List what steps can do, or the settings and results of one action."""
    registry = all_connectors(Environment())
    if name is None:
        found = [action for one in registry.names if (action := registry.get(one))]
        if as_json:
            print_json([_action(one) for one in found])
        else:
            print_table(["Action", "What it does"], [(one.name, one.title) for one in found], "")
        return
    action = registry.get(name)
    if action is None:
        raise no(f"There is no action “{name}”. {_did_you_mean(suggest.closest('action', name, registry.names))}")
    if as_json:
        print_json(_action(action))
    else:
        _print_action(action)


def _action(action: AnyAction) -> dict[str, Any]:
    results = result_type(action.result).fields
    return {
        "name": action.name,
        "title": action.title,
        "connection": action.connection.kind if isinstance(action, Action) else None,
        "settings": [_setting(one) for one in settings_of(action.params).values()],
        "results": [{"name": name, "type": _type_name(one.type), "help": one.help} for name, one in results.items()],
    }


def _setting(setting: Setting) -> dict[str, Any]:
    return {"name": setting.name, "required": setting.required, "help": setting.help, "example": _example(setting)}


def _example(setting: Setting) -> Any:
    return setting.examples[0] if setting.examples else None


def _print_action(action: AnyAction) -> None:
    print(f"{action.name}   {action.title}")
    settings = [
        (f"{one.name}:", "needed" if one.required else "", one.help, str(_example(one) or ""))
        for one in settings_of(action.params).values()
    ]
    print_table(["Setting", "", "What it is", "Example"], settings, "It has no settings.")
    results = [(f"steps.<id>.{name}", one.help) for name, one in result_type(action.result).fields.items()]
    print_table(["Result", "What it is"], results, "It has no results.")


# --- Filters --------------------------------------------------------------------------------------------------------


def filters(as_json: AsJson = False) -> None:
    """List the filters that texts can use."""
    if as_json:
        print_json(
            [
                {"name": one.name, "arguments": list(one.arguments), "help": one.help, "example": one.example}
                for one in FILTERS.values()
            ]
        )
        return
    print_table(
        ["Filter", "What it does", "Example"], [(one.name, one.help, one.example) for one in FILTERS.values()], ""
    )


def _did_you_mean(close: str | None) -> str:
    return f"Did you mean “{close}”?" if close else "List them without a name."
