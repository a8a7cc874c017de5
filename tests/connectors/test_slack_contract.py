"""The contract suite, for both of Slack's actions and both ways into Slack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import pytest

from connectors.slack import PostMessage, Slack, UpdateMessage
from hub.connector import Action, Connection, Delivery, Place
from hub.testing.contract import INSERTED, ConnectorContract
from hub.testing.slack import Slack as Fake


def connect(place: Place, **settings: Any) -> Slack:
    return Slack(Slack.Config.model_validate({"timeout": "0.5 seconds"} | settings), place)


def shown(text: str) -> str:
    """What people read: Slack resolves the three entities, and everything else is text."""
    assert "<" not in text
    assert ">" not in text
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


class WithSlack(ConnectorContract):
    secret: ClassVar[str | None] = "token"

    @pytest.fixture
    def peer(self) -> Iterator[Fake]:
        with Fake() as slack:
            yield slack

    def connect(self, peer: Fake, place: Place) -> Connection:
        return connect(place, token=peer.token, base_url=peer.base_url)

    def connect_wrongly(self, peer: Fake, place: Place) -> Connection:
        return connect(place, token="xoxb-wrong-token", base_url=peer.base_url)

    def unreachable(self, place: Place) -> Connection:
        return connect(place, token="xoxb-some-token", base_url="http://127.0.0.1:9/api/")


class TestPostMessage(WithSlack):
    action: ClassVar[Action[Any, Any]] = PostMessage()
    settings: ClassVar[Mapping[str, Any]] = {"channel": "#orders", "text": f"Order from {INSERTED} <!here>"}
    refused: ClassVar[Mapping[str, Any]] = {"channel": "#nowhere", "text": "Hello"}

    def assert_inert(self, peer: Fake, delivery: Delivery[Any], value: str) -> None:
        text = peer.channel("#orders").texts[0]
        assert text.startswith("Order from ")
        if text.endswith("…"):
            assert f"Order from {value}".startswith(shown(text[:-1]))
        else:
            assert text.endswith(" <!here>")  # the author may
            expected = value.encode("utf-8", "replace").decode()
            assert shown(text.removesuffix(" <!here>")) == f"Order from {expected}"


class TestPostMessageThroughAWebhook(TestPostMessage):
    secret: ClassVar[str | None] = "webhook_url"
    refused: ClassVar[Mapping[str, Any]] = {"channel": "#orders", "text": "unwanted"}
    finds: ClassVar[bool] = False

    @pytest.fixture
    def peer(self) -> Iterator[Fake]:
        with Fake() as slack:
            slack.workspace.unwanted = "unwanted"
            yield slack

    def connect(self, peer: Fake, place: Place) -> Connection:
        return connect(place, webhook_url=peer.webhook_url)

    def connect_wrongly(self, peer: Fake, place: Place) -> Connection:
        return connect(place, webhook_url=f"{peer.url}/services/T00000001/B00000001/wrongSecret")

    def unreachable(self, place: Place) -> Connection:
        return connect(place, webhook_url="http://127.0.0.1:9/services/T00000001/B00000001/secret")


class OneMessage(Fake):
    """A channel with a message in it; an effect is a change of it."""

    def __init__(self) -> None:
        super().__init__()
        self.message = {"type": "message", "ts": "1.000001", "text": "before"}
        self.channel("#orders").messages.append(self.message)

    def effects(self, delivery: Delivery[Any]) -> int:
        wanted = delivery.params
        found = self.message
        return int(found["ts"] == wanted.ts and found["text"][:99] == wanted.text.replace("\ud83d", "?")[:99])


class TestUpdateMessage(WithSlack):
    action: ClassVar[Action[Any, Any]] = UpdateMessage()
    settings: ClassVar[Mapping[str, Any]] = {"channel": "C000000001", "ts": "1.000001", "text": f"Now {INSERTED}"}
    refused: ClassVar[Mapping[str, Any]] = {"channel": "C000000001", "ts": "2.000002", "text": "Hello"}

    @pytest.fixture
    def peer(self) -> Iterator[OneMessage]:
        with OneMessage() as slack:
            yield slack

    def assert_inert(self, peer: OneMessage, delivery: Delivery[Any], value: str) -> None:
        text = peer.message["text"].removesuffix("…")
        assert f"Now {value}".encode("utf-8", "replace").decode().startswith(shown(text))
        assert text == peer.message["text"] or len(text) > 3_900
