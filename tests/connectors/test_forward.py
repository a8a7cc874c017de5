"""``forward.send``: the contract suite, what the automation gets, and hooks that are switched off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from connectors.forward import Forward, SendOn
from hub.clock import ManualClock
from hub.connector import Action, Batch, ConfigError, Connection, Delivery, Place, Result
from hub.testing.contract import INSERTED, ConnectorContract
from hub.testing.http_sink import Answer, HttpSink
from hub.testing.sending import delivery, key, send

SIGNING = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def connect(url: str, place: Place, **more: Any) -> Forward:
    config = {"url": url, "timeout": "0.5 seconds", "allow_private": True, **more}
    return Forward(Forward.Config.model_validate(config), place)


class TestSendOn(ConnectorContract):
    action: ClassVar[Action[Any, Any]] = SendOn()
    settings: ClassVar[dict[str, Any]] = {"data": {"name": INSERTED, "order": 1042}}
    refused: ClassVar[dict[str, Any]] = {"data": {"refuse": True}}
    secret: ClassVar[str | None] = "url"

    @pytest.fixture
    def peer(self) -> Iterator[HttpSink]:
        with Hooks() as sink:
            yield sink

    def connect(self, peer: HttpSink, place: Place) -> Connection:
        return connect(f"{peer.url}/hook/secret-of-the-hook", place)

    def connect_wrongly(self, peer: HttpSink, place: Place) -> Connection:
        return connect("http://127.0.0.1:9/hook/wrong", place)

    def unreachable(self, place: Place) -> Connection:
        return connect("http://127.0.0.1:9/hook/secret", place)

    def assert_inert(self, peer: HttpSink, delivery: Delivery[Any], value: str) -> None:
        assert peer.received[-1].json["data"] == {"name": value, "order": 1042}


class Hooks(HttpSink):
    """Refuses what says so, as a workflow with a check at its beginning does."""

    def _planned(self, call: Any) -> Answer:
        return Answer(422, "no") if b'"refuse"' in call.body else super()._planned(call)


@pytest.fixture
def hooks() -> Iterator[HttpSink]:
    with HttpSink() as sink:
        yield sink


def sent(hooks: HttpSink, folder: Path, **more: Any) -> Result | Any:
    connection = connect(f"{hooks.url}/hook", Place("f", folder, "hub", ManualClock()), **more)
    outcome = send(SendOn(), connection, Batch(1, [delivery(SendOn(), {"data": {"order": 1042}}, 7)]))[0]
    connection.close()
    return outcome


def test_the_automation_gets_an_id_that_is_the_same_on_every_try(hooks: HttpSink, tmp_path: Path) -> None:
    for _ in range(2):
        assert isinstance(sent(hooks, tmp_path), Result)
    first, second = hooks.received
    assert first.json == second.json == {"id": key(7), "subject": "cs_test_7", "data": {"order": 1042}}
    assert first.headers["idempotency-key"] == key(7)


def test_a_signing_secret_signs_it(hooks: HttpSink, tmp_path: Path) -> None:
    sent(hooks, tmp_path, signing_secret=SIGNING)
    assert hooks.received[-1].headers["webhook-id"] == key(7)
    assert hooks.received[-1].headers["webhook-signature"].startswith("v1,")


@pytest.mark.parametrize("status", [404, 410, 401])
def test_a_hook_that_is_off_pauses_the_connection_so_that_nothing_is_lost(
    hooks: HttpSink, tmp_path: Path, status: int
) -> None:
    hooks.answer = Answer(status, "This webhook is not registered")
    outcome = sent(hooks, tmp_path)
    assert isinstance(outcome, ConfigError)
    assert "url" in outcome.hint


@pytest.mark.parametrize("url", ["hooks.example.com/1", "ftp://example.com/x", ""])
def test_an_address_that_is_none_is_told(url: str) -> None:
    with pytest.raises(ValueError, match="whole address"):
        Forward.Config.model_validate({"url": url})
