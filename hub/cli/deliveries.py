"""``hub deliveries``: every effect and where it stands."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from hub.cli.open_ import opened, since_ms
from hub.cli.output import AsJson, Limit, print_json, print_table, when
from hub.clock import iso
from hub.model import DeliveryState
from hub.store import listing
from hub.store.listing import DeliveryLine


def deliveries(
    state: Annotated[DeliveryState | None, typer.Option(help="Only those in this state.")] = None,
    order: Annotated[str | None, typer.Option(help="Only those of this order (cs_…).")] = None,
    rule: Annotated[str | None, typer.Option(help="Only those of this rule.")] = None,
    since: Annotated[str | None, typer.Option(help="Changed within this time, e.g. 7d.")] = None,
    limit: Limit = None,
    as_json: AsJson = False,
) -> None:
    """List deliveries, newest first."""
    with opened() as hub:
        moment = since_ms(since, hub.clock.now())
        found = hub.database.read(
            lambda connection: listing.list_deliveries(
                connection,
                state=None if state is None else state.value,
                subject=order,
                rule=rule,
                since=moment,
                limit=limit,
            )
        )
    if as_json:
        print_json([as_document(one) for one in found])
        return
    columns = ["ID", "Changed", "State", "Action", "Order", "Rule", "Tries", "Receipt or reason"]
    print_table(columns, [_row(one) for one in found], "No deliveries.")


def as_document(line: DeliveryLine) -> dict[str, Any]:
    """A delivery as programs get it."""
    return asdict(line) | {"due_at": iso(line.due_at), "updated_at": iso(line.updated_at)}


def _row(line: DeliveryLine) -> tuple[Any, ...]:
    return (
        line.id,
        when(line.updated_at),
        line.state,
        line.action,
        line.order,
        line.rule,
        line.attempts,
        line.error or _receipt(line),
    )


def _receipt(line: DeliveryLine) -> str:
    shown = [f"{name} {value}" for name, value in (line.receipt or {}).items() if isinstance(value, str | int)]
    return ", ".join(shown)[:100]
