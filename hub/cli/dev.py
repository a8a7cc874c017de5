"""``hub dev``: far ends to develop against, on this machine, without an account anywhere."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, TypeVar

import typer

from hub.errors import HubError
from hub.settings import Environment, Settings, read_settings
from hub.testing import showing as shown
from hub.testing.google_sheets import GoogleSheets
from hub.testing.showing import Table, showing
from hub.testing.slack import Slack
from hub.testing.stripe import Endpoint, FakeStripe

T = TypeVar("T")

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
    with _started(lambda: FakeStripe(port=port), port) as fake:
        secret = settings.webhook_secrets[0] if settings.webhook_secrets else _SECRET
        endpoint = fake.add_endpoint(to or f"{hub}/webhooks/stripe", thin=thin, secret=secret)
        fake.success_url = f"{hub}/thanks?session_id={{CHECKOUT_SESSION_ID}}"
        _explain(fake, endpoint, settings)
        _wait()


@app.command()
def slack(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where the fake listens; 0: any free port.")] = 12113,
    channels: Annotated[str, typer.Option(help="Its channels, with commas.")] = "orders,support,warehouse",
) -> None:
    """Start a fake Slack, and a page that shows its channels."""
    with _started(lambda: Slack(port), port) as fake:
        fake.workspace.channels.clear()
        for name in channels.split(","):
            fake.workspace.add_channel(name.strip().removeprefix("#"))
        lines = f"""connections:
  slack: {{type: slack, token: "${{SLACK_TOKEN}}", base_url: {fake.base_url}}}"""
        _show("Slack", lambda: shown.channels(fake), lines, {"SLACK_TOKEN": fake.token})


@app.command()
def sheets(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where the fake listens; 0: any free port.")] = 12114,
) -> None:
    """Start a fake Google Sheets with one spreadsheet, and a page that shows its grid."""
    with _started(lambda: GoogleSheets(port=port), port) as fake:
        book = fake.new_book()
        book.add_tab("Orders")
        lines = f"""connections:
  google: {{type: google_sheets, spreadsheet: {book.id}, credentials: "${{GOOGLE_KEY}}", base_url: {fake.url}}}"""
        secrets = {"GOOGLE_KEY": f"'{fake.service_account()}'"}
        _show("Google Sheets", lambda: shown.sheets(fake), lines, secrets)


@app.command()
def mail(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where the fake listens; 0: any free port.")] = 12115,
) -> None:
    """Start a fake mail server that delivers nothing, and a page that shows its mailbox."""
    try:
        from hub.testing.smtp import Smtp  # the only fake that needs a package of its own
    except ImportError:
        raise HubError("The fake mail server needs the package aiosmtpd.", "pip install aiosmtpd") from None
    with _started(lambda: Smtp(port), port) as fake:
        lines = f"""connections:
  mail: {{type: email, server: {fake.host}, port: {fake.port}, tls: none, from: shop@example.com}}"""
        _show("mail server", lambda: shown.mailbox(fake), lines, {})


def _started(start: Callable[[], T], port: int) -> T:
    try:
        return start()
    except OSError as error:
        raise HubError(f"Port {port} cannot be used ({error.strerror}).", "Choose another with  --port 0") from None


def _show(what: str, tables: Callable[[], Sequence[Table]], lines: str, secrets: Mapping[str, str]) -> None:
    """Says how a hub is pointed at the fake, and serves the page until Ctrl-C."""
    with showing(f"Fake {what}", tables) as serving:
        print(f"Fake {what}; see what it gets:  {serving.url}/")
        print(f"In rules.yaml:\n\n{lines}\n")
        if secrets:
            print("In .env:\n")
            for name, value in secrets.items():
                print(f"  {name}={value}")
            print()
        print("Ctrl-C ends it; what it holds is forgotten then.", flush=True)
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
