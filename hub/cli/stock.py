"""``hub stock``: the stock list and its movements."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from hub.cli import stock_file
from hub.cli.open_ import opened, operator
from hub.cli.output import AsJson, Limit, no, print_json, print_table, when
from hub.clock import iso
from hub.errors import HubError
from hub.store import audit, stock
from hub.store.database import Connection

app = typer.Typer(add_completion=False, help="The stock list and its movements.", rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def listing(context: typer.Context, as_json: AsJson = False) -> None:
    """List the stock, or change it."""
    if context.invoked_subcommand is not None:
        return
    with opened() as hub:
        items = hub.database.read(stock.items)
    if as_json:
        print_json([asdict(item) for item in items])
        return
    rows = [(item.sku, item.on_hand, item.reserved, item.low_at) for item in items]
    print_table(["SKU", "On hand", "Reserved", "Low at"], rows, "Nothing yet. Add with  hub stock set SKU NUMBER")


@app.command("set")
def set_(
    sku: Annotated[str, typer.Argument()],
    count: Annotated[int, typer.Argument(min=0, metavar="NUMBER", help="Pieces you counted.")],
) -> None:
    """Set what is on hand; the difference becomes a movement."""
    if wrong := stock_file.mistake_in(sku):
        raise HubError(f"This is no name for a product: {wrong}.", "Write  hub stock set SKU NUMBER")
    _set({sku: count})
    print(f"{sku}: {count} on hand.")


@app.command()
def low(
    sku: Annotated[str, typer.Argument()],
    count: Annotated[int, typer.Argument(min=0, metavar="NUMBER", help="Pieces left that count as low.")],
) -> None:
    """Choose when the trigger “stock low” fires for a SKU."""
    with opened() as hub:
        known = hub.database.write(lambda connection: stock.set_low_at(connection, sku, count)).result()
    if not known:
        raise no(f"“{sku}” is not in the stock list. Add it with  hub stock set {shlex.quote(sku)} NUMBER")
    print(f"{sku}: low at {count}.")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="Columns: sku, on_hand; low_at if you like.")],
) -> None:
    """Set many at once from a spreadsheet file: all of it, or, when a line is wrong, nothing."""
    lines = stock_file.read(file)
    _set({one.sku: one.on_hand for one in lines}, {one.sku: one.low_at for one in lines if one.low_at is not None})
    print(f"{len(lines)} SKUs set from {file}.")


@app.command()
def export(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE.csv]", help="Without it, it is printed.")] = None,
) -> None:
    """Write the stock list as a spreadsheet file, which can be imported again."""
    with opened() as hub:
        items = hub.database.read(stock.items)
    try:
        with (
            contextlib.nullcontext(sys.stdout)
            if file is None
            else file.open("w", encoding="utf-8-sig", newline="") as out
        ):
            stock_file.write(out, items)
    except OSError as error:
        raise HubError(f"{file or 'The list'} cannot be written ({error.strerror}).", "Choose another file.") from None
    if file is not None:
        print(f"{len(items)} SKUs written to {file}.")


@app.command()
def moves(sku: Annotated[str, typer.Argument()], limit: Limit = None, as_json: AsJson = False) -> None:
    """List the movements of a SKU, newest first."""
    with opened() as hub:
        rows = hub.database.read(lambda connection: stock.movements(connection, sku, limit))
    if not rows:
        raise no(f"“{sku}” has no movements. List the stock with  hub stock")
    if as_json:
        print_json([_movement(row) for row in rows])
        return
    columns = ["At", "Kind", "Change", "On hand", "Reserved", "For"]
    print_table(columns, [_shown(row) for row in rows], "")


def _shown(row: Any) -> tuple[object, ...]:
    change, reserved = (f"{count:+}" if count else "" for count in (row.delta, row.reserved))
    return when(row.at), row.kind, change, row.balance, reserved, row.subject


def _movement(row: Any) -> dict[str, Any]:
    names = ("sku", "kind", "delta", "reserved", "balance", "subject")
    return {name: getattr(row, name) for name in names} | {"at": iso(row.at)}


def _set(counts: Mapping[str, int], low_at: Mapping[str, int] | None = None) -> None:
    with opened() as hub:
        now = hub.clock.now()

        def write(connection: Connection) -> None:
            stock.set_on_hand(connection, counts, now=now)
            for sku, count in (low_at or {}).items():
                stock.set_low_at(connection, sku, count)
            for sku, count in counts.items():
                audit.record(connection, operator(), "counted", f"sku {sku}", now, str(count))

        hub.database.write(write).result()
