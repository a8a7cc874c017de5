"""``hub listen`` with a stand-in for the Stripe CLI, which itself needs Stripe: a program that posts, hangs or ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hub.testing.stripe import FakeStripe
from tests.e2e.shop import HUB, SHOP, Shop, eventually, opened

RULES = (
    SHOP
    + """
connections: {orders: {type: spreadsheet, file: orders.csv}}
rules:
  - name: Row
    when: order paid
    do: [{spreadsheet.add_row: {columns: {Order: "{{ order.id }}"}}}]
"""
)
LOG = "listen.log"
#: What the CLI does as far as the hub can see: it tells its secret, posts to the address given, and stays.
STAND_IN = """#!{python}
import os, sys, time, urllib.request
sys.path.insert(0, {repository!r})
from hub.testing import events
secret, mode = "whsec_cliStandIn", os.environ["STAND_IN"]
if mode == "signed out":
    sys.exit("You have not been authenticated yet.")
if "--print-secret" in sys.argv:
    print(secret)
    sys.exit()
to = sys.argv[sys.argv.index("--forward-to") + 1]
assert "checkout.session.completed" in sys.argv[sys.argv.index("--events") + 1].split(",")
body = events.encode(events.event("checkout.session.completed", events.session(events.Sale(session_id="cs_test_cli"))))
headers = {{"Stripe-Signature": events.signature(body, secret)}}
urllib.request.urlopen(urllib.request.Request(to, body, headers)).read()
open("cli.pid", "w").write(str(os.getpid()))
if mode == "dies":
    sys.exit(3)
time.sleep(300)
"""


@pytest.fixture
def stripe() -> Iterator[FakeStripe]:
    with FakeStripe() as running:
        yield running


@pytest.fixture
def shop(tmp_path: Path, stripe: FakeStripe) -> Iterator[Shop]:
    settings = {"STRIPE_API_KEY": stripe.key, "STRIPE_API_BASE": stripe.url, "STRIPE_POLL_SECONDS": "0"}
    with opened(tmp_path, RULES, **settings) as found:
        found.settings["STRIPE_WEBHOOK_SECRET"] += ",whsec_cliStandIn"
        found.serve()
        yield found


@contextmanager
def listening(shop: Shop, mode: str) -> Iterator[subprocess.Popen[bytes]]:
    """``hub listen`` beside the running hub. ``mode``: what the stand-in does; "" where there is none."""
    programs = shop.folder / "bin"
    programs.mkdir(exist_ok=True)
    if mode:
        program = programs / "stripe"
        program.write_text(STAND_IN.format(python=sys.executable, repository=str(Path(__file__).parents[2])))
        program.chmod(0o755)
    with (shop.folder / LOG).open("wb") as log:
        process = subprocess.Popen(
            [HUB, "listen", "--every", "1"],
            cwd=shop.folder,
            env={**shop.environment, "PATH": str(programs), "STAND_IN": mode, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(30)


def says(shop: Shop, words: str) -> None:
    eventually(f"it says “{words}”", lambda: words in (shop.folder / LOG).read_text())


def end(process: subprocess.Popen[bytes]) -> None:
    """Ctrl-C ends it, and well."""
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_cli_forwards_what_it_drops_is_found_and_it_ends_with_the_command(shop: Shop, stripe: FakeStripe) -> None:
    with listening(shop, "stays") as process:
        eventually("what the CLI forwards arrives", lambda: shop.row_of("cs_test_cli"))
        dropped = stripe.sell()["id"]
        eventually("what it drops is found", lambda: shop.row_of(dropped))
        pid = int((shop.folder / "cli.pid").read_text())
        assert is_running(pid)
        says(shop, "1 events were found by looking.")
        end(process)
    assert not is_running(pid)


def test_when_the_cli_dies_looking_goes_on(shop: Shop, stripe: FakeStripe) -> None:
    with listening(shop, "dies") as process:
        eventually("the CLI was there", lambda: shop.row_of("cs_test_cli"))
        dropped = stripe.sell()["id"]
        eventually("what it drops is found", lambda: shop.row_of(dropped))
        says(shop, "The Stripe CLI has ended (3)")
        end(process)


@pytest.mark.parametrize(("mode", "said"), [("", "not installed"), ("signed out", "stripe login")])
def test_without_a_cli_that_can_listen_looking_alone_finds_everything(
    shop: Shop, stripe: FakeStripe, mode: str, said: str
) -> None:
    with listening(shop, mode) as process:
        sold = stripe.sell()["id"]
        eventually("it is found", lambda: shop.row_of(sold))
        says(shop, said)
        end(process)


def test_the_signing_secret_of_the_cli_is_kept_for_the_hub(shop: Shop) -> None:
    del shop.settings["STRIPE_WEBHOOK_SECRET"]
    with listening(shop, "stays") as process:
        eventually("it is in .env", lambda: (shop.folder / ".env").exists())
        says(shop, "Start  hub serve  anew")
        end(process)
    assert "whsec_cliStandIn" in (shop.folder / ".env").read_text()
