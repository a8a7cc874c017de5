"""``hub events``: the journal."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from hub.cli.open_ import opened, since_ms
from hub.cli.output import AsJson, Limit, print_json, print_table, when
from hub.clock import iso
from hub.store import listing


def events(
    kind: Annotated[str | None, typer.Option("--type", help="Only this type, e.g. checkout.session.completed.")] = None,
    since: Annotated[str | None, typer.Option(help="Received within this time, e.g. 7d.")] = None,
    limit: Limit = None,
    as_json: AsJson = False,
) -> None:
    """List the verified events, newest first."""
    with opened() as hub:
        moment = since_ms(since, hub.clock.now())
        found = hub.database.read(
            lambda connection: listing.list_events(connection, kind=kind, since=moment, limit=limit)
        )
    if as_json:
        print_json([asdict(one) | {"created": iso(one.created), "received_at": iso(one.received_at)} for one in found])
        return
    columns = ["Received", "Event", "Type", "About", "Mode", "Still waiting for"]
    rows = [
        (when(one.received_at), one.id, one.type, one.object_id, "live" if one.livemode else "test", one.waiting)
        for one in found
    ]
    print_table(columns, rows, "No events yet. Send one with  hub send-test")
