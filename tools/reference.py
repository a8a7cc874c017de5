"""Writes ``docs/reference.md``: triggers, fields, actions, connections and filters, from the tables of the checker.

Run it after changing one of them:  ``python tools/reference.py``. A test holds the page against the tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from hub.connector import Action
from hub.registry import Registry, discover
from hub.rules import catalogue
from hub.rules.filters import FILTERS
from hub.rules.schema import COMMON_SETTINGS
from hub.rules.slots import Setting, result_type, settings_of

TARGET = Path(__file__).parent.parent / "docs" / "reference.md"
HEAD = """\
# Reference

Everything that [rules](rules.md) can name. Made by `tools/reference.py` from the tables that the checker uses;
`hub triggers`, `hub fields`, `hub actions` and `hub filters` show the same, with the connectors of your own.
"""


def page(connectors: Registry) -> str:
    """The whole page as Markdown."""
    parts = [HEAD, *_triggers(), *_fields(), *_actions(connectors), *_connections(connectors), *_filters()]
    return "\n".join(parts) + "\n"


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    for row in rows:
        yield f"| {' | '.join(_cell(value) for value in row)} |"
    yield ""


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _triggers() -> Iterator[str]:
    yield "## Triggers\n"
    found = catalogue.TRIGGERS.values()
    yield from _table(
        ["`when:`", "When", "Fields of", "Stripe's events"],
        [
            (_code(one.name), one.help, ", ".join(sorted(one.roots)) or "–", ", ".join(map(_code, one.events)))
            for one in found
        ],
    )


def _fields() -> Iterator[str]:
    yield "## Fields\n"
    for root, type_ in catalogue.ROOTS.items():
        rows = [
            (_code(path), "yes" if one.optional else "", _code(one.sample), one.help)
            for path, one in catalogue.fields_below(root, type_)
        ]
        if rows:
            yield f"### {root}\n"
            yield from _table(["Field", "May be missing", "Sample", "What it is"], rows)


def _actions(connectors: Registry) -> Iterator[str]:
    yield "## Actions\n"
    for name in connectors.names:
        action = connectors.get(name)
        assert action is not None, "it was listed"
        yield f"### {name}\n\n{action.title}.\n"
        rows = [_setting(one) for one in settings_of(action.params).values()]
        if isinstance(action, Action):
            rows += [(_code(key), "", "", about) for key, about in COMMON_SETTINGS.items()]
        yield from _table(["Setting", "Required", "Example", "What it is"], rows)
        results = result_type(action.result).fields
        if results:
            yield "Result: " + ", ".join(f"`{key}` ({one.help})" for key, one in results.items()) + ".\n"


def _connections(connectors: Registry) -> Iterator[str]:
    yield "## Connections\n"
    for kind in connectors.kinds:
        connection = connectors.connection(kind)
        if connection is not None:
            yield f"### type: {kind}\n"
            rows = [_setting(one) for one in settings_of(connection.Config).values()]
            yield from _table(["Setting", "Required", "Example", "What it is"], rows)


def _setting(one: Setting) -> tuple[str, str, str, str]:
    example = str(one.examples[0]) if one.examples else ""
    return _code(one.name), "yes" if one.required else "", _code(example.replace("\n", " ")), one.help


def _filters() -> Iterator[str]:
    yield "## Filters\n"
    rows = [(_code(one.name), ", ".join(one.arguments), one.help, _code(one.example)) for one in FILTERS.values()]
    yield from _table(["Filter", "With", "What it does", "Example"], rows)


if __name__ == "__main__":
    TARGET.write_text(page(discover(None)), encoding="utf-8")
