"""``hub token``: what programs sign in with at the API."""

from __future__ import annotations

from typing import Annotated

import typer

from hub.cli.open_ import opened, operator
from hub.cli.output import AsJson, no, print_json, print_table, when
from hub.clock import iso
from hub.model import Role, TokenScope
from hub.store import audit, tokens
from hub.store.database import Connection

app = typer.Typer(add_completion=False, help="Tokens of the API.", no_args_is_help=True, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(help="What uses it, e.g. till or accounting.")]


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the tokens; what they are themselves is not kept."""
    with opened() as hub:
        found = hub.database.read(tokens.all_)
    if as_json:
        times = [{"created_at": iso(one.created_at), "used_at": iso(one.used_at)} for one in found]
        names = [{"name": one.name, "role": one.role, "scope": one.scope} for one in found]
        print_json([one | at for one, at in zip(names, times, strict=True)])
        return
    rows = [(one.name, one.role, one.scope, when(one.created_at), when(one.used_at)) for one in found]
    print_table(["Name", "Role", "Scope", "Made", "Last used"], rows, "None yet. Make one with  hub token add NAME")


@app.command()
def add(
    name: Name,
    scope: Annotated[TokenScope, typer.Option(help="write: it may also change things.")] = TokenScope.READ,
    role: Annotated[Role, typer.Option(help="It sees and does what a person of that role may.")] = Role.OWNER,
) -> None:
    """Make a token and print it, once."""
    with opened() as hub:
        now = hub.clock.now()

        def write(connection: Connection) -> str | None:
            token = tokens.add(connection, name, role, scope, now)
            if token is not None:
                audit.record(connection, operator(), "added", f"token {name}", now, f"{role.value}, {scope.value}")
            return token

        token = hub.database.write(write).result()
    if token is None:
        raise no(f"There is a token called {name} already. Choose another name, or  hub token remove {name}")
    print(f"{token}\nIt is not shown again. Send it as  Authorization: Bearer {tokens.PREFIX}…")


@app.command()
def remove(name: Name) -> None:
    """Remove a token; it opens nothing from now on."""
    with opened() as hub:
        now = hub.clock.now()

        def write(connection: Connection) -> bool:
            removed = tokens.remove(connection, name)
            if removed:
                audit.record(connection, operator(), "removed", f"token {name}", now)
            return removed

        removed = hub.database.write(write).result()
    if not removed:
        raise no(f"There is no token called {name}. List all with  hub token list")
    print(f"The token {name} opens nothing any more.")
