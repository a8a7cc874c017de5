"""How commands print: tables for people, one JSON document for programs, progress where it takes a while."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from hub.clock import to_datetime

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output, nothing else.")]
Limit = Annotated[int | None, typer.Option(min=1, help="At most so many.")]

#: Wide enough when piped: a table that is cut by a width nobody has is of no use.
_PIPED_WIDTH = 200


def console() -> Console:
    """Standard output; plain when it is not a terminal."""
    return Console(highlight=False, soft_wrap=False, width=None if sys.stdout.isatty() else _PIPED_WIDTH)


def say(text: str = "") -> None:
    """Prints a text in which buyers may have their words."""
    print(visible(text))


def visible(text: str) -> str:
    """Nothing in it steers a terminal or turns its writing direction: such characters are spelled out."""
    return _STEERING.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


#: Control characters but tab and line feed, and those that change the direction of what follows
#: (https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing).
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def print_json(document: Any) -> None:
    """The whole answer for a program; spelled out in JSON's own way, whatever steers a terminal stays what it is."""
    say(json.dumps(document, ensure_ascii=False, indent=2))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], empty: str) -> None:
    """Rows as a table; ``empty`` when there are none."""
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(_plain(cell) for cell in row))
    if table.row_count:
        console().print(table)
    else:
        print(empty)


def _plain(cell: Any) -> Any:
    # Text, not markup: a buyer called "[red]" is not a colour.
    return Text("" if cell is None else visible(str(cell)))


def when(milliseconds: int | None) -> str:
    """A time of ours for people, in the machine's time zone, to the second."""
    if milliseconds is None:
        return ""
    return to_datetime(milliseconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def no(message: str) -> typer.Exit:
    """The answer "no": a sentence on standard error, exit code 1; to be raised."""
    print(visible(message), file=sys.stderr)
    return typer.Exit(1)


def progress(things: Sequence[Any], what: str) -> Iterator[Any]:
    """Goes through ``things`` with a progress bar on standard error, when it is a terminal."""
    bar = Console(stderr=True)
    yield from track(things, description=what, console=bar, transient=True, disable=not bar.is_terminal)
