"""``hub listen``: events of a Stripe account for a hub that the internet cannot reach, while developing.

The Stripe CLI forwards them, where it is installed (https://docs.stripe.com/cli/listen). It drops events when its
connection breaks, so Stripe's list of events is looked through beside it.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from hub.app import Hub, polling
from hub.cli.open_ import opened
from hub.cli.output import say
from hub.engine.polling import Polling
from hub.errors import FetchError, HubError, RulesError
from hub.settings import add_webhook_secret

_GET_IT = "The Stripe CLI is not installed (https://docs.stripe.com/stripe-cli)"
#: How far back the first look goes: what was sold while nobody listened.
_FIRST_LOOK_MS = 3_600_000
_OVERLAP_MS = 900_000
_PATIENCE_SECONDS = 10


def listen(
    every: Annotated[int, typer.Option(min=1, metavar="SECONDS", help="How often to look through the list.")] = 20,
) -> None:
    """Bring a Stripe account's events to a hub on this machine: through the Stripe CLI, and by looking for them."""
    with opened() as hub:
        if hub.rulebook.load().ruleset is None:
            raise RulesError("The rules cannot be used.", "Correct them first:  hub check")
        cli = shutil.which("stripe")
        if cli is None and hub.stripe is None:
            raise HubError(f"{_GET_IT}, and there is no API key.", "Install it, or set STRIPE_API_KEY.")
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        with _forwarding(hub, cli) as forwarding:
            _look(hub, forwarding, stop, every)


@contextmanager
def _forwarding(hub: Hub, cli: str | None) -> Iterator[subprocess.Popen[bytes] | None]:
    """The Stripe CLI at work, ended with this; None when it is not there, or not signed in."""
    if cli is None or not _knows_secret(hub, cli):
        if cli is None:
            say(f"{_GET_IT}: events are found by looking alone.")
        yield None
        return
    settings = hub.settings
    to = f"http://{settings.host}:{settings.port}/webhooks/stripe"
    command = [cli, "listen", "--forward-to", to, "--events", ",".join(hub.rulebook.event_types())]
    process = subprocess.Popen([*command, *(["--live"] if settings.livemode else [])], stdin=subprocess.DEVNULL)
    say(f"The Stripe CLI forwards events to {to}. Ctrl-C ends it.")
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()


def _knows_secret(hub: Hub, cli: str) -> bool:
    """Whether the CLI forwards; sees to it that the hub knows what it signs with."""
    command = [cli, "listen", "--print-secret", *(["--live"] if hub.settings.livemode else [])]
    asked = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    secret = asked.stdout.strip()
    if asked.returncode or not secret.startswith("whsec_"):
        say(f"The Stripe CLI cannot listen: {asked.stderr.strip() or 'it gave no secret'}\n  → Sign in:  stripe login")
        return False
    if secret not in hub.settings.webhook_secrets:
        said = "it is in .env now."
        if not add_webhook_secret(secret):
            said = "add what  stripe listen --print-secret  says to STRIPE_WEBHOOK_SECRET, after a comma."
        say(f"The hub does not know the CLI's signing secret yet: {said} Start  hub serve  anew.")
    return True


def _look(hub: Hub, forwarding: subprocess.Popen[bytes] | None, stop: threading.Event, every: int) -> None:
    """Looks through Stripe's list of events until told to stop; without a key only waits."""
    looking = None if hub.stripe is None else polling(hub, hub.database.announce)
    if looking is None:
        say("Without STRIPE_API_KEY nobody looks for events that the CLI drops.")
    since = hub.clock.now() - _FIRST_LOOK_MS
    while True:
        since = since if looking is None else _found_since(hub, looking, since)
        if stop.wait(every):
            return
        if forwarding is not None and forwarding.poll() is not None:
            say(f"The Stripe CLI has ended ({forwarding.returncode}). Events are found by looking alone.")
            forwarding = None


def _found_since(hub: Hub, looking: Polling, since: int) -> int:
    """One look; the moment from which the next one is to look."""
    began = hub.clock.now()
    try:
        found = looking.look(since)
    except FetchError as error:
        say(f"{error.message} Trying again.")
        return since
    if found.new:
        say(f"{found.new} events were found by looking.")
    return began - _OVERLAP_MS
