"""The contract suite, for ``http``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from connectors.http import Http, HttpRequest
from hub.connector import Action, Connection, Delivery, Place
from hub.testing.contract import INSERTED, ConnectorContract
from hub.testing.http_sink import HttpSink


class TestHttpRequest(ConnectorContract):
    action: ClassVar[Action[Any, Any]] = HttpRequest()
    settings: ClassVar[dict[str, Any]] = {
        "url": f"/customers/{INSERTED}/orders?name={INSERTED}",
        "headers": {"X-Customer": INSERTED},
        "json": {"name": INSERTED, "order": 1042},
    }
    refused: ClassVar[dict[str, Any]] = {"url": "/status/404", "json": {}}
    secret: ClassVar[str | None] = "auth"

    @pytest.fixture
    def peer(self) -> Iterator[HttpSink]:
        with HttpSink() as sink:
            sink.authorization = "Bearer right-token"
            yield sink

    def connect(self, peer: HttpSink, place: Place) -> Connection:
        return _connect(peer.url, "bearer right-token", place)

    def connect_wrongly(self, peer: HttpSink, place: Place) -> Connection:
        return _connect(peer.url, "bearer wrong-token", place)

    def unreachable(self, place: Place) -> Connection:
        return _connect("http://127.0.0.1:9", "bearer right-token", place)

    def assert_inert(self, peer: HttpSink, delivery: Delivery[Any], value: str) -> None:
        call = peer.received[-1]
        assert call.json == {"name": value, "order": 1042}
        path, _, query = call.target.partition("?")
        assert path.startswith("/customers/")
        assert path.endswith("/orders")
        assert path.count("/") == 3
        assert query.count("=") == 1
        assert query.count("&") == 0
        assert set(call.headers) == NAMES


NAMES = {"host", "user-agent", "accept", "accept-encoding", "authorization", "x-customer", "content-type"} | {
    "content-length",
    "idempotency-key",
}


def _connect(url: str, auth: str, place: Place) -> Connection:
    config = Http.Config.model_validate(
        {"base_url": url, "auth": auth, "timeout": "0.5 seconds", "allow_private": True}
    )
    return Http(config, place)
