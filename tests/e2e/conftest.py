"""Far ends that a test may ask for; each is its own, and gone after the test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.mail import Mailbox, mailbox
from tests.e2e.peers import Sink, Slack, Stripe


@pytest.fixture
def sink() -> Iterator[Sink]:
    peer = Sink()
    with peer.open():
        yield peer


@pytest.fixture
def slack() -> Iterator[Slack]:
    peer = Slack()
    with peer.open():
        yield peer


@pytest.fixture
def stripe_api() -> Iterator[Stripe]:
    peer = Stripe()
    with peer.open():
        yield peer


@pytest.fixture
def mails() -> Iterator[Mailbox]:
    with mailbox() as box:
        yield box
