"""``hub rules``: what was in force when, the difference, and the way back."""

from __future__ import annotations

import getpass
from typing import Annotated, Any

import typer

from hub.app import Hub
from hub.cli.open_ import opened
from hub.cli.output import AsJson, Limit, no, print_json, print_table, when
from hub.cli.problems import in_words
from hub.clock import iso
from hub.engine.versions import difference, on_disk
from hub.rules.load import load_texts
from hub.store import rulesets
from hub.store.rulesets import Version

app = typer.Typer(add_completion=False, no_args_is_help=True, help="The versions of the rules.", rich_markup_mode=None)

#: So many digits of a digest name a version for people.
_SHORT = 12

Name = Annotated[str, typer.Argument(metavar="VERSION", help="Its number, or the beginning of its digest.")]


@app.command()
def log(limit: Limit = None, as_json: AsJson = False) -> None:
    """List the versions that were in force, newest first."""
    with opened() as hub:
        found = hub.database.read(lambda connection: rulesets.versions(connection, limit))
    if as_json:
        print_json([_document(one) for one in found])
        return
    before = [*found[1:], None]
    rows = [
        (one.number, when(one.loaded_at), one.digest[:_SHORT], one.author, one.reason, _size(older, one))
        for one, older in zip(found, before, strict=True)
    ]
    columns = ["Version", "In force since", "Digest", "By", "Why", "Lines"]
    print_table(columns, rows, "No rules have been in force yet: they are recorded when  hub serve  loads them.")


@app.command()
def show(version: Name) -> None:
    """Print the files of a version."""
    with opened() as hub:
        found = _find(hub, version)
    for name, text in found.files.items():
        if len(found.files) > 1:
            print(f"# --- {name} ---")
        print(text.rstrip("\n"))


@app.command()
def diff(
    version: Annotated[str | None, typer.Argument(metavar="[VERSION]", show_default=False)] = None,
    other: Annotated[str | None, typer.Argument(metavar="[VERSION]", show_default=False)] = None,
) -> None:
    """Show what changed: between two versions, or from one (the last in force) to the file as it is now."""
    with opened() as hub:
        old = _find(hub, version) if version else _last(hub)
        new = _find(hub, other) if other else None
        files = new.files if new else on_disk(hub.settings.rules, old.files)
    lines = list(difference(old.files, files, f"version {old.number}", f"version {new.number}" if new else "now"))
    print("\n".join(lines) if lines else "There is no difference.")


@app.command()
def rollback(
    version: Name,
    reason: Annotated[str, typer.Option(help="Why, for the log.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Put the files of a version back in place; a running hub takes them up at once."""
    with opened() as hub:
        wanted = _find(hub, version)
        loaded = load_texts(wanted.files, hub.registry, hub.environment)
        if loaded.ruleset is None:
            raise no(f"{in_words(loaded.problems)}\n\nThis version of the hub cannot use it any more.")
        present = on_disk(hub.settings.rules, wanted.files)
        lines = list(difference(present, wanted.files, "now", f"version {wanted.number}"))
        if not lines:
            raise no(f"The file is as it was in version {wanted.number}.")
        print("\n".join(lines))
        if not yes:
            typer.confirm("\nPut this version back?", abort=True)
        hub.rulebook.put(wanted.files, getpass.getuser(), reason or f"back to version {wanted.number}")
    print(f"Version {wanted.number} is back in {hub.settings.rules}.")


def _find(hub: Hub, name: str) -> Version:
    found = hub.database.read(lambda connection: rulesets.version(connection, name))
    if found is None:
        raise no(f"There is no version {name}. List them with  hub rules log")
    return found


def _last(hub: Hub) -> Version:
    found = hub.database.read(lambda connection: rulesets.versions(connection, 1))
    if not found:
        raise no("No rules have been in force yet: they are recorded when  hub serve  loads them.")
    return found[0]


def _size(older: Version | None, newer: Version) -> str:
    """How many lines came and went, as +3 -1."""
    changed = list(difference(older.files if older else {}, newer.files, "", ""))
    plus = sum(line.startswith("+") and not line.startswith("+++") for line in changed)
    minus = sum(line.startswith("-") and not line.startswith("---") for line in changed)
    return f"+{plus} -{minus}"


def _document(version: Version) -> dict[str, Any]:
    return {
        "version": version.number,
        "digest": version.digest,
        "loaded_at": iso(version.loaded_at),
        "author": version.author,
        "reason": version.reason,
        "files": list(version.files),
    }
