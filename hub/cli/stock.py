"""``hub stock``: the stock list and its movements."""

from __future__ import annotations

import contextlib
import csv
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from hub.cli.open_ import opened, operator
from hub.cli.output import AsJson, Limit, iso, no, print_json, print_table, when
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
        raise no(f"“{sku}” is not in the stock list. Add it with  hub stock set {sku} NUMBER")
    print(f"{sku}: low at {count}.")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="Columns: sku, on_hand; low_at if you like.")],
) -> None:
    """Set many at once from a spreadsheet file: all of it, or, when a line is wrong, nothing."""
    lines = _read(file)
    _set({one.sku: one.on_hand for one in lines}, {one.sku: one.low_at for one in lines if one.low_at is not None})
    print(f"{len(lines)} SKUs set from {file}.")


@app.command()
def export(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE.csv]", help="Without it, it is printed.")] = None,
) -> None:
    """Write the stock list as a spreadsheet file, which can be imported again."""
    with opened() as hub:
        items = hub.database.read(stock.items)
    rows = [(_safe(one.sku), one.on_hand, one.reserved, one.low_at) for one in items]
    try:
        with (
            contextlib.nullcontext(sys.stdout)
            if file is None
            else file.open("w", encoding="utf-8-sig", newline="") as out
        ):
            csv.writer(out).writerows([("sku", "on_hand", "reserved", "low_at"), *rows])
    except OSError as error:
        raise HubError(f"{file} cannot be written ({error.strerror}).", "Choose another file.") from None
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
    columns = ["At", "Kind", "Change", "On hand", "For"]
    print_table(columns, [(when(row.at), row.kind, f"{row.delta:+}", row.balance, row.subject) for row in rows], "")


def _movement(row: Any) -> dict[str, Any]:
    return {"sku": row.sku, "kind": row.kind, "delta": row.delta, "balance": row.balance, "subject": row.subject} | {
        "at": iso(row.at)
    }


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


@dataclass(frozen=True, slots=True)
class _Line:
    sku: str
    on_hand: int
    low_at: int | None


def _read(file: Path) -> list[_Line]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            rows = list(csv.DictReader(text))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise HubError(f"{file} cannot be read ({error}).", "Save it as CSV in UTF-8.") from None
    lines = [_line(file, number, row) for number, row in enumerate(rows, start=2)]
    twice = [sku for sku, count in Counter(one.sku for one in lines).items() if count > 1]
    if twice:
        raise HubError(f"{file} has “{twice[0]}” more than once.", "Nothing was changed. Keep one line for each SKU.")
    return lines


def _line(file: Path, number: int, row: Mapping[str, str | None]) -> _Line:
    sku, count, low_at = ((row.get(name) or "").strip() for name in ("sku", "on_hand", "low_at"))
    if not sku or not _is_count(count) or not (_is_count(low_at) or not low_at):
        raise HubError(f"{file}, line {number}: it needs a sku and a whole number in on_hand.", "Nothing was changed.")
    return _Line(
        sku[1:] if sku[:1] == "'" and sku[1:].startswith(_FORMULA) else sku, int(count), int(low_at) if low_at else None
    )


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 16


def _safe(sku: str) -> str:
    """https://owasp.org/www-community/attacks/CSV_Injection: a spreadsheet would take it for a formula."""
    return f"'{sku}" if sku.startswith(_FORMULA) else sku


_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
