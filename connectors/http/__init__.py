"""Calls to any web address: ``http.request``.

Every try of a delivery carries the same ``Idempotency-Key``, so a far end that knows such keys acts once
(https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import ClassVar
from urllib.parse import urlencode, urlsplit

from connectors.http.answers import Answered, outcome
from connectors.http.client import SIDE_BY_SIDE, Client, Request
from connectors.http.settings import Call, Connected, authorization
from connectors.http.signing import key_of, signature
from hub.connector import (
    Action,
    Batch,
    Check,
    Connection,
    Delivery,
    Failure,
    Idempotency,
    Params,
    Permanent,
    Place,
    Result,
)


class Http(Connection):
    """A web service, or any address: credentials and what all its calls share."""

    kind: ClassVar[str] = "http"
    title: ClassVar[str] = "HTTP"

    class Config(Connected):
        """How to call it."""

    def __init__(self, config: Http.Config, place: Place) -> None:
        super().__init__(config, place)
        self.client = Client(allow_private=config.allow_private)
        self._headers = {"User-Agent": "checkout-hub", "Accept-Encoding": "identity"} | config.headers
        if config.auth is not None:
            self._headers["Authorization"] = authorization(config.auth.get_secret_value())
        secret = config.signing_secret
        self._signing_key = None if secret is None else key_of(secret.get_secret_value())

    def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeout: timedelta | None
    ) -> Request:
        """A call with the connection's address and credentials.

        Raises ``Permanent`` when there is no address for it, or one that must not see those credentials.
        """
        base: str = self.config.base_url or ""
        if url.startswith("/"):
            if not base:
                raise Permanent(f"The address begins with /, but the connection “{self.place.name}” has no base_url.")
            url = base + url
        elif base and _origin(url) != _origin(base):
            raise Permanent(
                f"The connection “{self.place.name}” is for {urlsplit(base).netloc} and would tell its credentials "
                f"to {urlsplit(url).netloc}. Use another connection for that address."
            )
        seconds = (timeout or self.config.timeout).total_seconds()
        return Request(method, url, _merged(self._headers, headers), body, seconds)

    def signed(self, key: str, body: bytes | None) -> Mapping[str, str]:
        """The headers that sign a call with the effect key ``key``; none without a secret."""
        if self._signing_key is None:
            return {}
        return signature(self._signing_key, key, self.place.clock.now() // 1000, body or b"")

    def check(self) -> Check:
        if self.config.base_url is None:
            return Check(True, "There is no base_url, so there is nothing to try.")
        host = urlsplit(self.config.base_url).netloc
        try:
            reply = self.client.call([self.request("GET", "/", {}, None, None)])[0]
        except Failure as failure:
            reply = failure
        if isinstance(reply, Failure):
            return Check(False, reply.message, "Correct base_url, or try again when the server is up.")
        if reply.status in (401, 403):
            return Check(False, f"{host} does not accept the credentials ({reply.status}).", "Correct “auth”.")
        return Check(True, f"{host} answers ({reply.status}).")

    def close(self) -> None:
        self.client.close()


def _merged(*headers: Mapping[str, str]) -> dict[str, str]:
    """Headers of which the later ones win, however their names are written."""
    found = {name.lower(): (name, value) for some in headers for name, value in some.items()}
    return dict(found.values())


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


class HttpRequest(Action[Http, Call]):
    """Calls a web address. 408, 429 and 5xx are tried again, any other 4xx is final."""

    name: ClassVar[str] = "http.request"
    title: ClassVar[str] = "Call a web address"
    connection: ClassVar[type[Connection]] = Http
    params: ClassVar[type[Params]] = Call
    result: ClassVar[type[Result]] = Answered
    idempotency: ClassVar[Idempotency] = Idempotency.NATIVE
    on_unknown: ClassVar[str] = "resend"
    serial: ClassVar[bool] = False
    max_batch: ClassVar[int] = SIDE_BY_SIDE

    def run(self, connection: Http, batch: Batch[Call]) -> list[Result | Failure]:
        outcomes: dict[str, Result | Failure] = {}
        calls: dict[str, Request] = {}
        for one in batch.deliveries:
            try:
                calls[one.key] = _request(connection, one)
            except Permanent as failure:
                outcomes[one.key] = failure
        now = connection.place.clock.now()
        replies = connection.client.call(list(calls.values())) if calls else []
        for (key, call), reply in zip(calls.items(), replies, strict=True):
            outcomes[key] = reply if isinstance(reply, Failure) else outcome(call, reply, now)
        return [outcomes[one.key] for one in batch.deliveries]


def _request(connection: Http, delivery: Delivery[Call]) -> Request:
    params = delivery.params
    headers, body = dict(params.headers), None
    if params.json_ is not None:
        body = json.dumps(params.json_, default=exact).encode()
        headers.setdefault("Content-Type", "application/json")
    elif params.form is not None:
        body = urlencode(params.form, errors="replace").encode()
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
    headers = _merged(headers, {"Idempotency-Key": delivery.key}, connection.signed(delivery.key, body))
    method = params.method or ("GET" if body is None else "POST")
    return connection.request(method, params.url, headers, body, params.timeout)


def exact(value: object) -> int | float | str:
    """An exact number as JSON has it: a double holds 15 digits without loss, longer ones go as text."""
    assert isinstance(value, Decimal)
    return float(value) if len(value.as_tuple().digits) <= 15 else str(value)


ACTIONS = (HttpRequest(),)
