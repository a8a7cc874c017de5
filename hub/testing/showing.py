"""Pages that show what a fake of a far end holds: a channel, a sheet, a mailbox. They look again by themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse
from starlette.types import Receive, Scope, Send

from hub.testing.serving import Serving

if TYPE_CHECKING:  # a page needs one of them, and each its own packages
    from hub.testing.google_sheets import GoogleSheets
    from hub.testing.slack import Slack
    from hub.testing.smtp import Letter, Smtp

_STYLE = """
body{font:16px/1.45 system-ui,sans-serif;margin:1.5rem auto;max-width:70rem;padding:0 1rem}
table{border-collapse:collapse;margin:.5rem 0 2rem}td,th{border:1px solid #8886;padding:.3rem .6rem;text-align:left}
td{white-space:pre-wrap;vertical-align:top}@media(prefers-color-scheme:dark){body{background:#16181c;color:#e6e6e6}}
"""


@dataclass(frozen=True, slots=True)
class Table:
    """A part of a page: rows of text under a heading."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def showing(title: str, tables: Callable[[], Sequence[Table]]) -> Serving:
    """Serves a page of tables, newly made for every request; nothing in them is taken for markup."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        body = "".join(_table(one) for one in tables()) or "<p>Nothing yet.</p>"
        text = '<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="2">'
        text += f'<meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
        await HTMLResponse(f"{text}<style>{_STYLE}</style><h1>{escape(title)}</h1>{body}</html>")(scope, receive, send)

    return Serving(app)


def _table(table: Table) -> str:
    head = "".join(f"<th>{escape(one)}</th>" for one in table.head)
    rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows)
    return f"<h2>{escape(table.title)}</h2><table><tr>{head}</tr>{rows}</table>"


def channels(slack: Slack) -> list[Table]:
    """The channels that something was posted to, the newest message first."""
    return [
        Table(f"#{one.name}", ["Time", "Message"], [(m["ts"], m["text"]) for m in reversed(one.messages)])
        for one in slack.workspace.channels
        if one.messages
    ]


def sheets(google: GoogleSheets) -> list[Table]:
    """Every tab that has something in it, as a grid; the first row is its header."""
    found = []
    for book in google.books.values():
        for tab in book.tabs:
            rows = [["" if cell is None else str(cell) for cell in row] for row in book.rows(tab.title)]
            if rows:
                found.append(Table(f"{book.title}: {tab.title}", rows[0], rows[1:]))
    return found


def mailbox(mail: Smtp) -> list[Table]:
    """The letters, newest first."""
    rows = [_letter(one) for one in reversed(mail.letters)]
    return [Table("Letters", ["To", "Subject", "Text", "Attachments"], rows)] if rows else []


def _letter(letter: Letter) -> tuple[str, str, str, str]:
    message = letter.message
    body = message.get_body(("plain", "html"))
    text = "" if body is None else str(body.get_content())
    attached = ", ".join(str(one.get_filename()) for one in message.iter_attachments())
    return ", ".join(letter.recipients), str(message["Subject"]), text, attached
