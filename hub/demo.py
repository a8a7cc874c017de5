"""Demo mode: a hub without Stripe credentials shows what it does, with a signing secret of its own.

The secret is kept in the data folder, so that ``hub send-test`` finds it and a restart does not change it.
"""

from __future__ import annotations

import http.client
import os
import secrets
from collections.abc import Sequence
from typing import Any

from hub.errors import HubError, StorageError
from hub.settings import Settings
from hub.store import stock
from hub.store.database import Connection
from hub.testing import events as samples
from hub.testing.events import Buyer, Item, Sale

_SECRET_FILE = "demo-signing-secret"

MUG = Item()
POSTER = Item("Harbour poster", "POSTER-A2", 3900, 1)
CANDLE = Item("Beeswax candle", "CANDLE-S", 1250, 6)

#: Pieces that the demo's stock list begins with.
STOCK = {"MUG-01": 40, "POSTER-A2": 12, "CANDLE-S": 60}


def webhook_secret(settings: Settings) -> str | None:
    """The secret that test events are signed with: the first configured one, else the demo's; None without any."""
    if settings.webhook_secrets:
        return settings.webhook_secrets[0]
    file = settings.data_dir / _SECRET_FILE
    return file.read_text(encoding="ascii").strip() if file.is_file() else None


def make_secret(settings: Settings) -> str:
    """The demo's secret, made at the first start; raises ``StorageError`` if the data folder cannot be written."""
    known = webhook_secret(settings)
    if known is not None:
        return known
    secret = f"whsec_{secrets.token_urlsafe(24)}"
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        file = os.open(settings.data_dir / _SECRET_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "w") as stream:
            stream.write(secret)
    except OSError as error:
        raise StorageError(
            f"The data folder {settings.data_dir} cannot be written ({error.strerror}).",
            "Allow writing there, or choose another HUB_DATA_DIR.",
        ) from None
    return secret


def fill_stock(connection: Connection, now: int) -> None:
    """Puts the sample products into stock, once: what is there is left as it is."""
    known = {item.sku for item in stock.items(connection)}
    stock.set_on_hand(connection, {sku: count for sku, count in STOCK.items() if sku not in known}, now=now)


def sample_sales() -> list[dict[str, Any]]:
    """The events of a small day at the shop: paid orders, one that waits for its money, one that is given up."""
    nora = Buyer("Nora Lind", "nora@example.com", "NO", "Oslo", "Storgata 5", "0155", "")
    ben = Buyer("Ben Okafor", "ben@example.com", "DE", "Berlin", "Lindenweg 8", "10115", "")
    paid = [
        Sale(items=(MUG,)),
        Sale(items=(POSTER, CANDLE), buyer=nora),
        Sale(items=(Item(quantity=6), POSTER), buyer=ben, metadata={"gift": "yes"}),
    ]
    waiting = samples.session(Sale(items=(MUG,), buyer=ben, payment_status="unpaid"))
    given_up = samples.session(Sale(items=(POSTER,), payment_status="unpaid"), status="expired")
    return [
        *(samples.event("checkout.session.completed", samples.session(sale)) for sale in paid),
        samples.event("checkout.session.completed", waiting),
        samples.event("checkout.session.expired", given_up),
    ]


def place_order(settings: Settings, port: int) -> None:
    """Sends one more sample order through the webhook."""
    secret = webhook_secret(settings)
    assert secret is not None, "made at the start of the demo"
    document = samples.event("checkout.session.completed", samples.session(Sale(items=(MUG,))))
    post(settings.host, port, [document], secret)


def post(host: str, port: int, documents: Sequence[dict[str, Any]], secret: str) -> None:
    """Sends events through the real webhook path; raises ``HubError`` when one is not taken."""
    connection = http.client.HTTPConnection(host, port, timeout=30)
    for document in documents:
        body = samples.encode(document)
        connection.request("POST", "/webhooks/stripe", body, {"Stripe-Signature": samples.signature(body, secret)})
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
        if answer.status != 200:
            raise HubError(
                f"A sample order was answered {answer.status}: {text}", "This should not happen; please tell us."
            )
    connection.close()
