"""``notify.send``, with the real Apprise: the contract suite, and what several services get."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from connectors.notify import Notify, SendNotice
from hub.clock import ManualClock
from hub.connector import (
    Action,
    Ambiguous,
    Batch,
    ConfigError,
    Connection,
    Delivery,
    Failure,
    Permanent,
    Place,
    Result,
    Retryable,
)
from hub.testing.contract import INSERTED, ConnectorContract
from hub.testing.http_sink import Answer, HttpSink
from hub.testing.sending import delivery, send

#: Apprise's own time to wait for an answer would make the tests slow.
QUICK = "?cto=0.5&rto=0.5"


def connect(url: str, place: Place) -> Notify:
    return Notify(Notify.Config.model_validate({"url": url}), place)


class Service(HttpSink):
    """Takes every notice as a new one, as chats do, and refuses what says so."""

    def effects(self, delivery: Delivery[Any]) -> int:
        wanted = delivery.params.text.encode("utf-8", "replace").decode().strip()[:40]
        return sum(wanted in f"{one.get('message', '')}".strip() for one in self.applied)

    def __init__(self) -> None:
        super().__init__()
        self.applied: list[Mapping[str, Any]] = []

    def _planned(self, call: Any) -> Answer:
        return Answer(422, "no") if b"refuse me" in call.body else super()._planned(call)

    def _apply(self, call: Any) -> None:
        self.applied.append(call.json)


class TestSendNotice(ConnectorContract):
    action: ClassVar[Action[Any, Any]] = SendNotice()
    settings: ClassVar[dict[str, Any]] = {"text": f"Order from {INSERTED}"}
    refused: ClassVar[dict[str, Any]] = {"text": "refuse me"}
    secret: ClassVar[str | None] = "url"
    says_how_long: ClassVar[bool] = False

    @pytest.fixture
    def peer(self) -> Iterator[Service]:
        with Service() as service:
            yield service

    def batch(self, *settings: Any, id: int = 1) -> Batch[Any]:  # noqa: A002 - a batch calls it so
        """Notices that differ, because nothing else tells them apart."""
        made = super().batch(*settings, id=id)
        return replace(made, deliveries=[_numbered(one) for one in made.deliveries])

    def connect(self, peer: Service, place: Place) -> Connection:
        return connect(f"{peer.url.replace('http', 'json')}/secret-of-the-target{QUICK}", place)

    def connect_wrongly(self, peer: Service, place: Place) -> Connection:
        return connect(f"{peer.url.replace('http', 'json')}/status/401{QUICK}", place)

    def test_wrong_credentials_are_found_by_the_check_which_names_the_setting(self, peer: Any, place: Place) -> None:
        """No service can be asked without sending something: the check says so instead."""
        checked = self.connect_wrongly(peer, place).check()
        assert "first notice" in checked.message
        assert "url" in checked.message

    def test_nobody_listening_is_surely_not_applied(self, place: Place) -> None:
        (found,) = send(self.action, self.unreachable(place), self.batch(self.settings))
        assert isinstance(found, Retryable), repr(found)

    def unreachable(self, place: Place) -> Connection:
        return connect(f"json://127.0.0.1:9/x{QUICK}", place)

    def assert_inert(self, peer: Service, delivery: Delivery[Any], value: str) -> None:
        assert set(peer.applied[-1]) == {"version", "title", "message", "attachments", "type"}


def _numbered(one: Delivery[Any]) -> Delivery[Any]:
    return replace(one, params=one.params.model_copy(update={"text": f"{one.key[:8]} {one.params.text}"}))


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as running:
        yield running


def outcome(url: str, folder: Path, text: str = "Order 1042") -> Result | Failure:
    connection = connect(url, Place("n", folder, "hub", ManualClock()))
    return send(SendNotice(), connection, Batch(1, [delivery(SendNotice(), {"text": text}, 1)]))[0]


@pytest.mark.parametrize(
    ("status", "meaning"),
    [(401, ConfigError), (404, ConfigError), (413, Permanent), (429, Retryable), (500, Ambiguous), (503, Ambiguous)],
)
def test_each_refusal_means_something_of_its_own(
    service: Service, tmp_path: Path, status: int, meaning: type[Failure]
) -> None:
    service.answer = Answer(status, "no", "text/plain")
    found = outcome(f"{service.url.replace('http', 'json')}/hook{QUICK}", tmp_path)
    assert type(found) is meaning, repr(found)
    assert len(service.received) == 1, "the hub repeats, not Apprise"


@pytest.mark.parametrize("scheme", ["gotify", "mmost", "ntfy"])
def test_markup_in_what_customers_write_stays_text(service: Service, tmp_path: Path, scheme: str) -> None:
    host = service.url.removeprefix("http://")
    url = {
        "gotify": f"gotify://{host}/token{QUICK}",
        "mmost": f"mmost://{host}/3ccdd113474722377935511fc85d3dd4{QUICK}",
        "ntfy": f"ntfy://{host}/topic{QUICK}",
    }[scheme]
    found = outcome(url, tmp_path, "<b>Ana</b> <script>alert(1)</script>")
    assert isinstance(found, Result), repr(found)
    assert len(service.received) == 1


@pytest.mark.parametrize("url", ["nonsense", "discordd://1/2", "json://a, json://b", "json://a json://b"])
def test_an_address_that_apprise_does_not_know_or_a_list_is_told(url: str) -> None:
    with pytest.raises(ValueError, match="one address"):
        Notify.Config.model_validate({"url": url})


WITHOUT_APPRISE = """
import importlib.util, sys
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name == "apprise" else real(name, *more)
sys.argv[0] = "hub"
from hub.cli.main import main
main()
"""


@pytest.mark.parametrize("command", ["check", "connectors", "actions"])
def test_without_apprise_the_hub_says_what_to_install_and_does_everything_else(tmp_path: Path, command: str) -> None:
    rules = "version: 1\nconnections: {notify: {url: 'json://localhost'}}\nrules:\n"
    rules += "  - name: Tell\n    when: order paid\n    do: [{notify.send: {text: Hello}}]\n"
    (tmp_path / "rules.yaml").write_text(rules)
    run = [sys.executable, "-c", WITHOUT_APPRISE, command]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    if command == "actions":
        assert "slack.message" in said
    else:
        assert 'pip install "checkout-hub[notify]"' in " ".join(said.split())
