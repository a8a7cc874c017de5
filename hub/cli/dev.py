"""``hub dev``: far ends to develop against, on this machine, without an account anywhere."""

from __future__ import annotations

import signal
import threading
from typing import Annotated

import typer

from hub.errors import HubError
from hub.settings import Environment, Settings, read_settings
from hub.testing.stripe import Endpoint, FakeStripe

app = typer.Typer(add_completion=False, help="Far ends to develop against, without an account.", rich_markup_mode=None)

#: What the fake signs with when no secret is set: nobody's, so it may stand in a shell's history.
_SECRET = "whsec_fakeStripeForDevelopment"


@app.callback()
def _group() -> None:
    """Far ends to develop against, without an account."""


@app.command()
def stripe(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where the fake listens; 0: any free port.")] = 12111,
    to: Annotated[str | None, typer.Option(metavar="URL", help="Another hub's webhook address.")] = None,
    thin: Annotated[bool, typer.Option("--thin", help="Send thin notifications, as event destinations may.")] = False,
) -> None:
    """Start a fake Stripe: a page with payments and buttons, Stripe's API, and signed webhooks to the hub."""
    settings = read_settings(Environment())
    hub = f"http://{settings.host}:{settings.port}"
    try:
        fake = FakeStripe(port=port)
    except OSError as error:
        raise HubError(f"Port {port} cannot be used ({error.strerror}).", "Choose another with  --port 0") from None
    with fake:
        secret = settings.webhook_secrets[0] if settings.webhook_secrets else _SECRET
        endpoint = fake.add_endpoint(to or f"{hub}/webhooks/stripe", thin=thin, secret=secret)
        fake.success_url = f"{hub}/thanks?session_id={{CHECKOUT_SESSION_ID}}"
        _explain(fake, endpoint, settings)
        _wait()


def _explain(fake: FakeStripe, endpoint: Endpoint, settings: Settings) -> None:
    wanted = {"STRIPE_API_BASE": fake.url, "STRIPE_API_KEY": fake.key, "STRIPE_WEBHOOK_SECRET": endpoint.secret}
    key = settings.stripe_api_key
    is_set = settings.stripe_api_base == fake.url and key is not None and settings.webhook_secrets
    print(f"Fake Stripe: {fake.url}  (open it: sell, refund, dispute; no money moves)")
    print(f"Webhooks go to {endpoint.url}")
    if not is_set:
        print("Put these in .env and start the hub again:\n")
        for name, value in wanted.items():
            print(f"  {name}={value}")
        print()
    print("Ctrl-C ends it; what was sold is forgotten then.", flush=True)


def _wait() -> None:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()
