"""``hub codes``: the pools of licence keys and voucher codes."""

from __future__ import annotations

import csv
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from hub.cli.open_ import opened, operator
from hub.cli.output import AsJson, Limit, no, print_json, print_table, when
from hub.clock import iso
from hub.errors import HubError
from hub.store import audit, codes
from hub.store.database import Connection

app = typer.Typer(add_completion=False, help="The pools of licence keys and voucher codes.", rich_markup_mode=None)

_LONGEST = 500


@app.callback(invoke_without_command=True)
def listing(context: typer.Context, as_json: AsJson = False) -> None:
    """List the pools, or fill one."""
    if context.invoked_subcommand is not None:
        return
    with opened() as hub:
        found = hub.database.read(codes.pools)
    if as_json:
        print_json([{"pool": one.name, "left": one.left, "taken": one.taken} for one in found])
        return
    rows = [tuple(asdict(one).values()) for one in found]
    print_table(["Pool", "Left", "Given out"], rows, "No pools yet. Fill one with  hub codes import POOL FILE")


@app.command("import")
def import_(
    pool: Annotated[str, typer.Argument(help="The pool's name, as rules have it.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="One code per line, or a CSV with a column “code”.")],
) -> None:
    """Add codes to a pool; those that it has or had are left out."""
    found = _read(file)
    with opened() as hub:
        now = hub.clock.now()

        def write(connection: Connection) -> int:
            audit.record(connection, operator(), "added codes to", f"pool {pool}", now, f"{len(found)} codes")
            return codes.add(connection, pool, found, now)

        new = hub.database.write(write).result()
    known = len(found) - new
    print(f"{new} codes added to “{pool}”." + (f" {known} were there already." if known else ""))


@app.command()
def low(
    pool: Annotated[str, typer.Argument(help="The pool's name, as rules have it.")],
    count: Annotated[int, typer.Argument(min=0, metavar="NUMBER", help="Codes left that count as low.")],
) -> None:
    """Choose when the trigger “codes low” fires for a pool; 10 left, unless chosen."""
    with opened() as hub:
        hub.database.write(lambda connection: codes.set_low_at(connection, pool, count)).result()
    print(f"{pool}: low at {count}.")


@app.command()
def taken(pool: Annotated[str, typer.Argument()], limit: Limit = None, as_json: AsJson = False) -> None:
    """List what was given out of a pool, and for which order, newest first."""
    with opened() as hub:
        known = [one.name for one in hub.database.read(codes.pools)]
        rows = hub.database.read(lambda connection: codes.taken(connection, pool, limit))
    if pool not in known:
        raise no(f"There is no pool “{pool}”. List them with  hub codes")
    if as_json:
        print_json([_taken(row) for row in rows])
        return
    print_table(["At", "Code", "For"], [(when(row.taken_at), row.code, row.subject) for row in rows], "None yet.")


def _taken(row: Any) -> dict[str, Any]:
    return {"code": row.code, "subject": row.subject, "at": iso(row.taken_at)}


def _read(file: Path) -> list[str]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            lines = text.read().splitlines()
        header = [cell.strip().lower() for cell in next(csv.reader(lines[:1]), [])]
        rows = list(csv.DictReader(lines, header))[1:] if "code" in header else [{"code": line} for line in lines]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise HubError(f"{file} cannot be read ({error}).", "Save it as text or CSV in UTF-8.") from None
    found = [(row.get("code") or "").strip() for row in rows if any(row.values())]
    wrong = next((number for number, code in enumerate(found, 1) if not code or len(code) > _LONGEST), None)
    if wrong is not None:
        raise HubError(f"{file}: code {wrong} is empty or longer than {_LONGEST} characters.", "Nothing was added.")
    if not found:
        raise HubError(f"{file} has no codes.", "Write one per line.")
    return found
