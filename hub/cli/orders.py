"""``hub orders`` and ``hub order``: the sales, and everything about one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated, Any

import typer

from hub.app import Hub
from hub.cli.deliveries import as_document
from hub.cli.open_ import opened, since_ms
from hub.cli.output import AsJson, Limit, no, print_json, print_table, say, when
from hub.clock import iso
from hub.model import Context, Order, OrderState
from hub.money import Money, from_stripe
from hub.store import listing
from hub.store import orders as order_store
from hub.store.database import Connection
from hub.store.listing import DeliveryLine, EventLine


class Mode(StrEnum):
    """Stripe keeps live and test data apart, and so does the hub."""

    LIVE = "live"
    TEST = "test"


def orders(
    search: Annotated[str | None, typer.Argument(help="Part of a name, e-mail or id; or a number.")] = None,
    state: Annotated[OrderState | None, typer.Option(help="Only those in this state.")] = None,
    since: Annotated[str | None, typer.Option(help="Created within this time, e.g. 7d.")] = None,
    mode: Annotated[Mode | None, typer.Option(help="Only live ones, or only test purchases.")] = None,
    limit: Limit = None,
    as_json: AsJson = False,
) -> None:
    """List orders, newest first."""
    with opened() as hub:
        moment = since_ms(since, hub.clock.now())
        wanted = None if state is None else state.value
        is_live = None if mode is None else mode is Mode.LIVE
        found = hub.database.read(
            lambda connection: listing.list_orders(
                connection, state=wanted, search=search, since=moment, livemode=is_live, limit=limit
            )
        )
        if as_json:
            print_json([_document(hub, one) for one in found])
            return
        rows = [_row(hub, one) for one in found]
    print_table(["Number", "Created", "State", "Total", "Customer", "E-mail", "Id"], rows, "No orders.")


def order(
    session_id: Annotated[str, typer.Argument(metavar="ID", help="The Checkout Session (cs_…) or the number.")],
    as_json: AsJson = False,
) -> None:
    """Show one order: buyer, items, and what happened to it."""
    with opened() as hub:
        found = hub.database.read(lambda connection: find_order(connection, session_id))
        if found is None:
            raise no(f"There is no order {session_id}. List them with  hub orders")
        context = hub.contexts.of({found.event_seq: found.number})[found.event_seq]
        events, deliveries = hub.database.read(
            lambda connection: (
                listing.events_about(connection, found.id),
                listing.list_deliveries(connection, subject=found.id),
            )
        )
        if as_json:
            print_json(_document(hub, found) | _details(context) | {"timeline": _timeline(events, deliveries)})
            return
        _print(hub, found, context, events, deliveries)


def find_order(connection: Connection, name: str) -> Order | None:
    """The order of a session (``cs_…``) or of a number."""
    if name.isascii() and name.isdigit() and len(name) < 16:
        return order_store.load(connection, [int(name)]).get(int(name))
    return order_store.find(connection, name)


def _total(hub: Hub, one: Order) -> Money | None:
    if one.total is None or not one.currency:
        return None
    return from_stripe(one.total, one.currency, hub.decimals)


def _row(hub: Hub, one: Order) -> tuple[Any, ...]:
    total = _total(hub, one)
    shown = "" if total is None else f"{total} {total.currency}"
    state = f"{one.state} (test)" if hub.settings.livemode and not one.livemode else one.state
    return one.number, when(one.created_at), state, shown, one.customer_name, one.customer_email, one.id


def _document(hub: Hub, one: Order) -> dict[str, Any]:
    """An order as programs get it; amounts are decimal strings in main units."""
    total = _total(hub, one)
    return {
        "id": one.id,
        "number": one.number,
        "account": one.account,
        "livemode": one.livemode,
        "state": one.state.value,
        "mode": one.mode,
        "total": None if total is None else str(total),
        "currency": one.currency or None,
        "customer": {"name": one.customer_name or None, "email": one.customer_email or None},
        "payment_intent": one.payment_intent,
        "subscription": one.subscription,
        "created_at": iso(one.created_at),
        "paid_at": iso(one.paid_at),
    }


def _details(context: Context) -> dict[str, Any]:
    return {"customer": plain(context["customer"]), "items": plain(context["order"]["items"])}


def plain(value: Any) -> Any:
    """A context's value as JSON: amounts as decimal strings."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return str(value) if isinstance(value, Money) else value


def _timeline(events: Sequence[EventLine], deliveries: Sequence[DeliveryLine]) -> list[dict[str, Any]]:
    """What happened, in order: events as they came, deliveries as they stand."""
    entries = [(one.received_at, {"kind": "event", **_event(one)}) for one in events]
    entries += [(one.updated_at, {"kind": "delivery", **as_document(one)}) for one in reversed(deliveries)]
    return [entry | {"at": iso(at)} for at, entry in sorted(entries, key=lambda pair: pair[0])]


def _event(one: EventLine) -> dict[str, Any]:
    return asdict(one) | {"created": iso(one.created), "received_at": iso(one.received_at)}


def _print(
    hub: Hub, one: Order, context: Context, events: Sequence[EventLine], deliveries: Sequence[DeliveryLine]
) -> None:
    total = _total(hub, one)
    mode = "" if one.livemode else "  (test mode)"
    say(f"Order {one.number}  {one.state}  {total or ''} {one.currency}{mode}")
    say(f"{one.id}")
    say(f"{one.customer_name}  {one.customer_email}".rstrip())
    label = context["order"]["shipping"]["label"]
    if label:
        say(label)
    say()
    items = [(line["quantity"], line["name"], line["sku"], line["total"]) for line in context["order"]["items"]]
    print_table(["Pieces", "Item", "SKU", "Total"], items, "No items known; they are fetched when a rule needs them.")
    say()
    rows = [(when(event.received_at), "event", event.type, event.id, event.waiting) for event in events]
    rows += [
        (when(line.updated_at), line.state, line.action, f"{line.rule}, step {line.step}", line.error)
        for line in reversed(deliveries)
    ]
    print_table(["When", "What", "Which", "Where", "Note"], sorted(rows, key=lambda row: row[0]), "")
    say()
