"""``hub send-test``: signed sample events to a running hub."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from hub.cli.output import AsJson, no, print_json, print_table, progress
from hub.demo import webhook_secret
from hub.errors import HubError
from hub.rules import catalogue, suggest
from hub.settings import Environment, read_settings
from hub.testing import events as samples
from hub.testing.plays import PLAYS, play_of, played, stage
from hub.testing.versions import VERSIONS, as_of

ORDER_PAID = ("order paid", "checkout.session.completed")


def send_test(
    kind: Annotated[str, typer.Argument(metavar="EVENT", help="A trigger, or one of Stripe's types.")] = ORDER_PAID[0],
    count: Annotated[int, typer.Option(min=1, max=100_000)] = 1,
    version: Annotated[str, typer.Option("--api-version", help="As this version of the API tells it.")] = VERSIONS[0],
    to: Annotated[str | None, typer.Option(metavar="URL", help="Another hub's webhook address.")] = None,
    as_json: AsJson = False,
) -> None:
    """Send signed sample events to a running hub, as Stripe would: the event, and before it what led to it."""
    if not re.match(r"20\d\d-\d\d-\d\d", version) or version[:10] < VERSIONS[-1]:
        raise typer.BadParameter(
            f"A version begins with its day, {VERSIONS[-1]} or later. Tried: {', '.join(VERSIONS)}."
        )
    settings = read_settings(Environment())
    secret = webhook_secret(settings)
    if secret is None:
        raise HubError("There is no signing secret.", "Set STRIPE_WEBHOOK_SECRET, or start the demo with  hub serve")
    url = to or f"http://{settings.host}:{settings.port}/webhooks/stripe"
    sent = [_post(url, as_of(one, version), secret) for one in _made(kind, count)]
    if as_json:
        print_json(sent)
        return
    print_table(["Event", "Type", "About"], [(one["event"], one["type"], one["about"]) for one in sent[:10]], "")
    if len(sent) > 10:
        print(f"… and {len(sent) - 10} more.")


def _made(name: str, count: int) -> Iterator[dict[str, Any]]:
    """The events to send, oldest first, with a progress bar over the things that they are about."""
    if name in ORDER_PAID:
        for _ in progress(range(count), "Sending"):
            yield samples.event(ORDER_PAID[-1], samples.session(samples.Sale()))
        return
    found = play_of(name)
    if found is None:
        close = suggest.by_spelling(name, [*catalogue.TRIGGERS, *PLAYS])
        hint = f" Did you mean “{close}”?" if close else ""
        raise typer.BadParameter(f"There is no sample of “{name}”.{hint} There are: {', '.join(PLAYS)}.")
    with stage() as fake:
        for _ in progress(range(count), "Sending"):
            yield from played(fake, *found)


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
    return {**json.loads(text), "type": document["type"], "about": document["data"]["object"]["id"]}
