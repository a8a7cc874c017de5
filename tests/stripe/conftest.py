"""Stripe's own tools and a receiver for webhooks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import stripe

from hub.clock import ManualClock
from hub.testing.stripe import FakeStripe
from tests.e2e.peers import Peer, Sink

CLI = "@stripe/cli@1.52.0"
Cli = Callable[..., str]


@pytest.fixture(autouse=True)
def no_telemetry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stripe, "enable_telemetry", False)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def fake(clock: ManualClock) -> Iterator[FakeStripe]:
    with FakeStripe(clock) as running:
        yield running


@pytest.fixture
def hook() -> Iterator[Peer]:
    """A web server that keeps what is posted to it."""
    peer = Peer()
    with peer.open():
        yield peer


@pytest.fixture(scope="session")
def stripe_cli(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """Stripe's command line, kept beside the virtual environment: ``cli(fake, "trigger", …)`` gives what it prints."""
    folder = Path(sys.prefix) / "stripe-cli"
    binary = folder / "node_modules" / ".bin" / "stripe"
    if not binary.exists():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("the Stripe CLI comes with npm, which is not installed here")
        command = [npm, "install", "--prefix", str(folder), "--ignore-scripts", "--no-audit", "--no-fund", CLI]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"npm could not fetch the Stripe CLI: {done.stderr.strip().splitlines()[-1:]}")
    home = tmp_path_factory.mktemp("stripe-cli")

    def run(fake: FakeStripe, *arguments: str) -> str:
        done = subprocess.run(
            [str(binary), *arguments, "--api-base", fake.url, "--api-key", "sk_test_fakeFullKeyOfTheShop0001"],
            env={"HOME": str(home), "PATH": os.environ["PATH"], "STRIPE_CLI_TELEMETRY_OPTOUT": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done
        return done.stdout

    return run


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A service that knows ``Idempotency-Key``."""
    peer = Sink()
    with peer.open():
        yield peer
