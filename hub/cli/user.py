"""``hub user``: who may use the console."""

from __future__ import annotations

from typing import Annotated

import typer

from hub.app import Hub
from hub.cli.open_ import opened, operator
from hub.cli.output import AsJson, no, print_json, print_table
from hub.model import Role
from hub.store import audit, people
from hub.store.database import Connection
from hub.store.people import User

app = typer.Typer(add_completion=False, help="Who may use the console.", no_args_is_help=True, rich_markup_mode=None)

_DAY_MS = 86_400_000

Name = Annotated[str, typer.Argument(help="The name they sign in with.")]


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the people."""
    with opened() as hub:
        found = hub.database.read(people.everybody)
    if as_json:
        print_json([{"name": one.name, "role": one.role, "password": one.has_password} for one in found])
        return
    rows = [(one.name, one.role, "set" if one.has_password else "not yet") for one in found]
    print_table(["Name", "Role", "Password"], rows, "Nobody yet. Add somebody with  hub user add NAME --role owner")


@app.command()
def add(name: Name, role: Annotated[Role, typer.Option(help="What they may do.")]) -> None:
    """Add somebody, and print a link that signs them in once."""
    with opened() as hub:
        now = hub.clock.now()

        def write(connection: Connection) -> bool:
            if people.find(connection, name) is not None or not people.add(connection, name, role, now):
                return False
            audit.record(connection, operator(), "added", f"user {name}", now, role.value)
            return True

        if not hub.database.write(write).result():
            raise no(f"There is somebody called {name} already. A new link:  hub user link {name}")
        _print_link(hub, name)


@app.command()
def link(name: Name) -> None:
    """Print a new link that signs somebody in once, for instance to choose another password."""
    with opened() as hub:
        _print_link(hub, name)


@app.command()
def remove(name: Name) -> None:
    """Remove somebody; their sessions end at once."""
    with opened() as hub:
        user, now = _known(hub, name), hub.clock.now()

        def write(connection: Connection) -> bool:
            removed = people.remove(connection, user)
            if removed:
                audit.record(connection, operator(), "removed", f"user {user.name}", now)
            return removed

        if not hub.database.write(write).result():
            raise no(
                f"{user.name} is the last owner and stays. Add another owner first:  hub user add NAME --role owner"
            )
    print(f"{user.name} may no longer use the console.")


def _known(hub: Hub, name: str) -> User:
    user = hub.database.read(lambda connection: people.find(connection, name))
    if user is None:
        raise no(f"There is nobody called {name}. List all with  hub user list")
    return user


def _print_link(hub: Hub, name: str) -> None:
    user, now = _known(hub, name), hub.clock.now()

    def write(connection: Connection) -> str:
        audit.record(connection, operator(), "made a link for", f"user {user.name}", now)
        return people.new_link(connection, user.id, now + _DAY_MS)

    token = hub.database.write(write).result()
    base = hub.settings.public_url.rstrip("/") or f"http://{hub.settings.host}:{hub.settings.port}"
    print(f"This link signs {user.name} in once, within a day:\n{base}/sign-in?token={token}")
