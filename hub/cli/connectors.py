"""``hub connectors``: what is there, and whether the credentials of this shop's connections work."""

from __future__ import annotations

import json
import keyword
import re
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import typer

from hub.cli.open_ import opened
from hub.cli.output import AsJson, no, print_json, print_table, say
from hub.cli.rules_file import registry as all_connectors
from hub.cli.rules_file import usable
from hub.connector import Check
from hub.engine.connections import Connections, try_out
from hub.settings import Environment
from hub.store import facts
from hub.testing import released

app = typer.Typer(add_completion=False, help="The connectors, and this shop's connections.", rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def listing(context: typer.Context, as_json: AsJson = False) -> None:
    """List every connector with its actions, those of packages and of the drop-in folder too."""
    if context.invoked_subcommand is not None:
        return
    registry = all_connectors(Environment())
    found: list[dict[str, Any]] = [
        {
            "kind": kind,
            "from": str(registry.place(kind)),
            "connection": None if (one := registry.connection(kind)) is None else one.title,
            "actions": list(registry.actions_of(kind)),
        }
        for kind in registry.kinds
    ]
    if as_json:
        print_json(found)
        return
    rows = [(one["kind"], ", ".join(one["actions"]), one["from"]) for one in found]
    rows += [(kind, "not installed", command) for kind, command in registry.not_installed.items()]
    print_table(["Connector", "Actions", "From"], rows, "")


@app.command()
def check(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Only this connection.")] = None,
    as_json: AsJson = False,
) -> None:
    """Try the credentials of every connection in the rules file; nothing is sent."""
    ruleset = usable(None)
    with opened() as hub:
        names = [one for one in ruleset.connections if name in {None, one}]
        if name is not None and not names:
            raise no(f"There is no connection “{name}”. There is: {', '.join(ruleset.connections) or 'none'}.")
        hub_id = hub.database.write(facts.hub_id).result()
        connections = Connections(hub.registry, hub.settings.data_dir, hub_id, hub.clock)
        try:
            checked = {one: try_out(connections, one, ruleset) for one in names}
        finally:
            connections.close()
    _print(checked, as_json=as_json)
    if not all(one.ok for one in checked.values()):
        raise typer.Exit(1)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="One word in small letters: the service's name.")],
    folder: Annotated[Path, typer.Option("--to", help="Where its folder is made.")] = Path(),
) -> None:
    """Write a connector that works, with its test, page and package: a start, to be changed into yours."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,30}", name) or keyword.iskeyword(name):
        raise typer.BadParameter("A connector's name is one word in small letters, such as  pager.")
    if name in all_connectors(Environment()).kinds:
        raise no(f"There is a connector “{name}” already. See  hub connectors")
    place = folder / f"hub-{name}"
    words = {"name": name, "NAME": name.upper(), "Title": "".join(part.capitalize() for part in name.split("_"))}
    try:
        place.mkdir(parents=True)
        for source, target in _STARTER.items():
            text = files("hub.testing").joinpath("starter", source).read_text("utf-8").format(**words)
            (place / target.format(**words)).write_text(text, "utf-8")
    except FileExistsError:
        raise no(f"{place} is there already; nothing was written.") from None
    say(f"Written: {place}/, a connector for a made-up service. Make it yours: hub_{name}.py, then its test and page.")
    say(f"Test it:     pytest {place}")
    say(f"Install it:  pip install --editable {place}      Then  hub connectors  lists it.")


@app.command()
def freeze(
    kind: Annotated[str, typer.Argument(help="The connector.")],
    folder: Annotated[Path, typer.Option("--to", help="Where its page is.")] = Path("docs/connectors"),
) -> None:
    """Write down the settings and results of a release, for its contract test: later releases have to keep them."""
    registry = all_connectors(Environment())
    if kind not in registry.kinds:
        raise no(f"There is no connector “{kind}”. There is: {', '.join(registry.kinds)}.")
    shapes = {name: released.action_shape(one) for name, one in registry.actions_of(kind).items()}
    if connection := registry.connection(kind):
        shapes["connection"] = released.connection_shape(connection)
    file = folder / f"{kind}.released.json"
    try:
        file.write_text(json.dumps(shapes, indent=1, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")
    except OSError as error:
        raise no(f"{file} cannot be written ({error.strerror}).") from None
    say(f"Written: {file}. The contract suite reads it beside the connector's page.")


_STARTER = {
    "connector.py.txt": "hub_{name}.py",
    "test.py.txt": "test_hub_{name}.py",
    "page.md.txt": "{name}.md",
    "pyproject.toml.txt": "pyproject.toml",
}


def _print(checked: dict[str, Check], *, as_json: bool) -> None:
    if as_json:
        found: list[dict[str, Any]] = [{"name": name, **asdict(one)} for name, one in checked.items()]
        print_json(found)
        return
    for name, one in checked.items():
        say(f"{'✓' if one.ok else '✗'} {name}: {one.message}" + (f"  {one.hint}" if one.hint and not one.ok else ""))
    if not checked:
        say("The rules file has no connections.")
