"""What ``hub serve`` says once it answers; in demo mode with a day of sample orders and what became of them."""

from __future__ import annotations

import sys
import time

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from hub import demo
from hub.app import Hub
from hub.errors import HubError
from hub.log import get_logger
from hub.model import FINAL, DeliveryState
from hub.money import from_stripe
from hub.store import listing
from hub.store.listing import DeliveryLine

log = get_logger(__name__)

#: The sample orders take a moment; longer than this and the table shows what there is.
_SECONDS = 10.0
_WIDTH = 130


def greeting(hub: Hub, port: int, link: str | None) -> None:
    """Runs in a thread of its own, beside the server. ``link`` is the token of a one-time sign-in link, if there is
    one to give away."""
    address = hub.settings.public_url or f"http://{hub.settings.host}:{port}"
    log.info("ready", webhooks=f"{address}/webhooks/stripe", rules=len(hub.rulebook.current[1].rules))
    try:
        if hub.settings.is_demo:
            _demonstrate(hub, port)
    except HubError as error:
        print(error, file=sys.stderr)
    # Not logged: who reads the log should not be able to sign in.
    where = f"{address}/sign-in" if link is None else f"{address}/sign-in?token={link}   (this link signs in once)"
    print(f"\nConsole: {where}\n", flush=True)


def _demonstrate(hub: Hub, port: int) -> None:
    out = Console(width=None if sys.stdout.isatty() else _WIDTH)
    out.print(
        Panel(
            Text("DEMO MODE: nothing is sold and nothing is sent.", style="bold", justify="center"),
            subtitle="No Stripe credentials are set. Put STRIPE_WEBHOOK_SECRET into .env to go live.",
        )
    )
    secret = demo.webhook_secret(hub.settings)
    assert secret is not None
    documents = demo.sample_sales()
    hub.database.write(lambda connection: demo.fill_stock(connection, hub.clock.now())).result()
    demo.post(hub.settings.host, port, documents, secret)
    sessions = [document["data"]["object"]["id"] for document in documents]
    lines = _wait(hub, sessions)
    out.print(_orders(hub, sessions))
    out.print(_deliveries(lines))
    out.print("\nPlace another order:  hub send-test      See what happened:  hub orders, hub deliveries")


def _wait(hub: Hub, sessions: list[str]) -> list[DeliveryLine]:
    """The deliveries of the sample orders, once nothing more happens to them by itself."""
    until = time.monotonic() + _SECONDS
    while True:
        lines = [line for session in sessions for line in _lines(hub, session)]
        open_events = [one for session in sessions for one in _events(hub, session) if one.waiting == "being planned"]
        settled = all(DeliveryState(line.state) in FINAL or line.state == "waiting" for line in lines)
        if (settled and not open_events) or time.monotonic() > until:
            return lines
        time.sleep(0.05)


def _lines(hub: Hub, session: str) -> list[DeliveryLine]:
    found = hub.database.read(lambda connection: listing.list_deliveries(connection, subject=session))
    return list(reversed(found))


def _events(hub: Hub, session: str) -> list[listing.EventLine]:
    return hub.database.read(lambda connection: listing.events_about(connection, session))


def _orders(hub: Hub, sessions: list[str]) -> Table:
    table = Table(title="The sample orders", title_justify="left", box=None, pad_edge=False)
    for column in ("Number", "Customer", "Total", "State"):
        table.add_column(column)
    found = hub.database.read(lambda connection: listing.list_orders(connection, limit=len(sessions) * 4))
    for one in sorted((one for one in found if one.id in sessions), key=lambda one: one.number):
        total = from_stripe(one.total or 0, one.currency, hub.decimals)
        table.add_row(str(one.number), Text(one.customer_name), f"{total} {total.currency}", one.state.value)
    return table


def _deliveries(lines: list[DeliveryLine]) -> Table:
    table = Table(title="\nWhat the rules did", title_justify="left", box=None, pad_edge=False)
    for column in ("Order", "Action", "State", "What"):
        table.add_column(column)
    for line in lines:
        table.add_row(str(line.order), line.action, line.state, Text(_what(line), overflow="ellipsis"))
    return table


def _what(line: DeliveryLine) -> str:
    """A delivery in a few words: its receipt, what would have been sent, or why not."""
    if line.error:
        return line.error
    shown = {"channel", "text", "to", "subject", "sku", "left", "row_number", "url", "sheet"}
    parts = [f"{name}: {value}" for name, value in (line.receipt or {}).items() if name in shown]
    return " · ".join(parts).replace("\n", " ")[:100]
