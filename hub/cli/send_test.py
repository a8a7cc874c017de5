"""``hub send-test``: signed sample events to a running hub."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from hub.checkout.orders import COMPLETED, EXPIRED, FAILED_LATER, PAID_LATER
from hub.cli.output import AsJson, no, print_json, progress
from hub.demo import webhook_secret
from hub.errors import HubError
from hub.settings import Environment, read_settings
from hub.testing import events as samples

#: What can be sent, and the session each is about.
KINDS: dict[str, Callable[[], dict[str, Any]]] = {
    COMPLETED: lambda: samples.session(samples.Sale()),
    PAID_LATER: lambda: samples.session(samples.Sale()),
    FAILED_LATER: lambda: samples.session(samples.Sale(payment_status="unpaid")),
    EXPIRED: lambda: samples.session(samples.Sale(payment_status="unpaid"), status="expired"),
}


def send_test(
    kind: Annotated[str, typer.Argument(metavar="EVENT-TYPE", help="One of: " + ", ".join(KINDS))] = COMPLETED,
    count: Annotated[int, typer.Option(min=1, max=100_000)] = 1,
    to: Annotated[str | None, typer.Option(metavar="URL", help="Another hub's webhook address.")] = None,
    as_json: AsJson = False,
) -> None:
    """Send signed sample events to a running hub, as Stripe would."""
    if kind not in KINDS:
        raise typer.BadParameter(f"There is no sample of “{kind}”. There are: {', '.join(KINDS)}.")
    settings = read_settings(Environment())
    secret = webhook_secret(settings)
    if secret is None:
        raise HubError("There is no signing secret.", "Set STRIPE_WEBHOOK_SECRET, or start the demo with  hub serve")
    url = to or f"http://{settings.host}:{settings.port}/webhooks/stripe"
    sent = []
    for _ in progress(range(count), "Sending"):
        document = samples.event(kind, KINDS[kind]())
        sent.append(_post(url, document, secret) | {"order": document["data"]["object"]["id"]})
    if as_json:
        print_json(sent)
        return
    for one in sent[:10]:
        print(f"{one['event']}  {kind}  order {one['order']}")
    if count > 10:
        print(f"… and {count - 10} more.")


def _post(url: str, document: dict[str, Any], secret: str) -> dict[str, Any]:
    body = samples.encode(document)
    headers = {"Stripe-Signature": samples.signature(body, secret), "Content-Type": "application/json"}
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=30)
    try:
        connection.request("POST", parts.path or "/webhooks/stripe", body, headers)
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
    except OSError as error:
        raise HubError(f"No hub answers at {url} ({error}).", "Start it with  hub serve") from None
    finally:
        connection.close()
    if answer.status != 200:
        raise no(f"The hub answered {answer.status}: {text.strip()}")
    found: dict[str, Any] = json.loads(text)
    return found
