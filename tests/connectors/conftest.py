"""The fake Google Sheets for tests, with Google's own description watching over every exchange."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hub.clock import ManualClock
from hub.testing.faults import Fault
from hub.testing.google_sheets import QUOTA, GoogleSheets
from tests.connectors.discovery import mistakes


@pytest.fixture(scope="session")
def one_google() -> Iterator[GoogleSheets]:
    with GoogleSheets(ManualClock()) as google:
        yield google


@pytest.fixture
def google(one_google: GoogleSheets) -> Iterator[GoogleSheets]:
    """A fake with nothing used of its quota and nothing going wrong; its clock is ``google.clock``."""
    clock = one_google.clock
    assert isinstance(clock, ManualClock)
    clock.advance(60)
    one_google.quota, one_google.token_requests = QUOTA, 0
    one_google.exchanges.clear()
    yield one_google
    one_google.faults.clear()
    one_google.plan = lambda _call: Fault.NONE
    assert [wrong for exchange in one_google.exchanges for wrong in mistakes(exchange)] == []
