"""The picture of ``docs/architecture.md``, held against the imports of the code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

#: Layers from the top; a module may import from its own layer and from those below.
LAYERS = [
    {"hub.cli", "hub.web"},
    {"hub.app", "hub.demo", "hub.watching"},
    {"hub.testing"},
    {"hub.engine"},
    {"hub.checkout", "hub.store", "hub.rules", "hub.registry", "connectors"},
    {"hub.connector", "hub.retry"},
    {
        "hub.model",
        "hub.errors",
        "hub.money",
        "hub.duration",
        "hub.clock",
        "hub.keys",
        "hub.log",
        "hub.settings",
        "hub.own_events",
    },
]
#: Neighbours in a layer that must not know each other.
STRANGERS = [
    {"hub.checkout", "hub.store"},
    {"hub.checkout", "hub.rules"},
    {"hub.store", "hub.rules"},
    {"hub.registry", "hub.rules"},
    {"hub.registry", "hub.store"},
]
#: The places through which a third-party package enters.
DOORS = {
    "sqlalchemy": {"hub.store", "connectors.sql"},
    "alembic": {"hub.store"},
    "psycopg": {"hub.store"},
    "stripe": {"hub.checkout.client"},
    "starlette": {"hub.web", "hub.testing"},
    "uvicorn": {"hub.web.server", "hub.testing"},
    "prometheus_client": {"hub.web.metrics"},
    "structlog": {"hub.log"},
    "watchfiles": {"hub.watching"},
    "dotenv": {"hub.settings"},
    "typer": {"hub.cli"},
    "rich": {"hub.cli"},
    "pygls": {"hub.cli.lsp"},
    "lsprotocol": {"hub.cli.lsp"},
    "yaml": {"hub.rules"},
    "jinja2": {"hub.web"},
    "limits": {"hub.web"},
    "argon2": {"hub.web.console.passwords"},
    "uvloop": {"connectors.http"},
    "babel": {"hub.rules", "hub.cli.init"},
    "gspread": {"connectors.google_sheets"},
    "google": {"connectors.google_sheets"},
    "requests": {"connectors.google_sheets"},
    "slack_sdk": {"connectors.slack"},
    "openpyxl": {"connectors.spreadsheet"},
    "aiohttp": {"connectors.http"},
    "apprise": {"connectors.notify"},
    "aiosmtpd": {"hub.testing"},
    "cryptography": {"hub.testing"},
    "pydantic": {"hub.web.api", "hub.connector", "hub.settings", "hub.rules", "hub.registry"},
    "pydantic_core": {"hub.connector", "hub.rules"},
    "pytest": {"hub.testing"},
}
#: Imports inside functions, each with the comment that says why beside it.
INSIDE_FUNCTIONS = {
    *("hub.app", "hub.cli.check", "hub.cli.dev", "hub.store.schema", "hub.registry", "connectors.spreadsheet"),
}


@dataclass(frozen=True)
class Import:
    importer: str
    imported: str
    inside_function: bool

    def __str__(self) -> str:
        return f"{self.importer} imports {self.imported}"


def modules() -> Iterator[tuple[str, Path]]:
    for folder in ("hub", "connectors"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" not in file.parts:
                yield ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"), file


@cache
def imports() -> list[Import]:
    return [found for module, file in modules() for found in _imports(module, ast.parse(file.read_text("utf-8")))]


def _imports(module: str, tree: ast.Module) -> Iterator[Import]:
    inside = {node for function in ast.walk(tree) if _is_function(function) for node in ast.walk(function)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [_target(node.module or "", alias.name) for alias in node.names]
        else:
            continue
        yield from (Import(module, name, node in inside) for name in names)


def _target(module: str, name: str) -> str:
    """``from hub.store import journal`` imports ``hub.store.journal``; ``from hub.model import Event`` the module."""
    as_module = f"{module}.{name}"
    return as_module if as_module in _known() else module


@cache
def _known() -> set[str]:
    return {module for module, _ in modules()}


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def part(module: str) -> str | None:
    """The part of the picture that a module belongs to."""
    parts = [name for layer in LAYERS for name in layer if module == name or module.startswith(f"{name}.")]
    return max(parts, key=len, default=None)


def layer(name: str) -> int:
    return next(number for number, names in enumerate(LAYERS) if name in names)


def test_every_module_has_a_place_in_the_picture() -> None:
    assert [module for module, _ in modules() if module not in {"hub", "connectors"} and part(module) is None] == []


def test_imports_never_point_upwards() -> None:
    wrong = []
    for found in imports():
        importer, imported = part(found.importer), part(found.imported)
        if importer and imported and layer(imported) < layer(importer):
            wrong.append(str(found))
    assert wrong == []


def test_neighbours_that_should_not_know_each_other_do_not() -> None:
    wrong = [str(found) for found in imports() if {part(found.importer), part(found.imported)} in STRANGERS]
    assert wrong == []


def test_connectors_import_nothing_of_the_hub_but_its_public_interface() -> None:
    wrong = [
        str(found)
        for found in imports()
        if found.importer.startswith("connectors.")
        and found.imported.startswith("hub")
        and found.imported != "hub.connector"
    ]
    assert wrong == []


@pytest.mark.parametrize("package", DOORS)
def test_each_third_party_package_enters_through_its_door(package: str) -> None:
    wrong = [
        str(found)
        for found in imports()
        if found.imported.split(".")[0] == package
        and not any(found.importer == door or found.importer.startswith(f"{door}.") for door in DOORS[package])
    ]
    assert wrong == []


def test_no_import_hides_inside_a_function_without_its_reason() -> None:
    hidden = {found.importer for found in imports() if found.inside_function}
    assert hidden <= INSIDE_FUNCTIONS


def test_there_are_no_cycles() -> None:
    graph: dict[str, set[str]] = {}
    for found in imports():
        if found.imported in _known() and found.imported != found.importer:
            graph.setdefault(found.importer, set()).add(found.imported)
    done: set[str] = set()

    def visit(module: str, path: list[str]) -> None:
        assert module not in path, " imports ".join([*path[path.index(module) :], module])
        if module not in done:
            for imported in sorted(graph.get(module, ())):
                visit(imported, [*path, module])
            done.add(module)

    for module in sorted(graph):
        visit(module, [])


def test_the_rules_reach_neither_network_nor_processes_nor_connectors() -> None:
    """What conditions and texts can do is bounded by what the code that evaluates them can: nothing outside."""
    allowed = {
        *("__future__", "collections", "contextlib", "dataclasses", "datetime", "decimal", "difflib", "enum"),
        *("functools", "gzip", "hashlib", "importlib", "itertools", "json", "operator", "pathlib", "re", "types"),
        *("typing", "zoneinfo", "urllib.parse", "yaml", "babel", "pydantic", "pydantic_core", "hub"),
    }
    found = {one.imported for one in imports() if one.importer.startswith("hub.rules")}
    assert {name for name in found if name.split(".")[0] not in allowed and name not in allowed} == set()
