"""Orders for an automation elsewhere, of n8n, Zapier, Make or anybody's: ``forward.send``.

Every try of a delivery says the same ``id``, by which the automation recognises what it has had.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Annotated, ClassVar
from urllib.parse import urlsplit

from connectors.http import exact
from connectors.http.answers import Answered, outcome
from connectors.http.client import SIDE_BY_SIDE, Client, Request
from connectors.http.signing import key_of, signature
from hub.connector import (
    Action,
    AfterValidator,
    Batch,
    Check,
    ConfigError,
    Connection,
    Delivery,
    Failure,
    Field,
    Idempotency,
    Json,
    Mistake,
    Params,
    Permanent,
    Place,
    Result,
    Secret,
    Timeout,
)

_SWITCH_ON = "Switch the workflow on, or copy its production address into “url”."


def _hook(secret: Secret) -> Secret:
    parts = urlsplit(secret.get_secret_value())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Mistake("“url” is the hook's whole address, beginning with https://", "${HOOK_URL}")
    return secret


def _signing(secret: Secret) -> Secret:
    key_of(secret.get_secret_value())
    return secret


class Forward(Connection):
    """One hook: the address that starts one automation."""

    kind: ClassVar[str] = "forward"
    title: ClassVar[str] = "Another automation"

    class Config(Params):
        """Which hook. Whoever knows its address can use it, so it is kept like a password."""

        url: Annotated[Secret, AfterValidator(_hook)] = Field(
            description="the hook's address", examples=["${HOOK_URL}"]
        )
        signing_secret: Annotated[Secret, AfterValidator(_signing)] | None = Field(
            None, description="signs every call, as Standard Webhooks say", examples=["${WEBHOOK_SECRET}"]
        )
        timeout: Timeout = Field(
            timedelta(seconds=20), description="how long to wait for an answer", examples=["20 seconds"]
        )
        allow_private: bool = Field(
            False, description="whether the automation may run inside your own network", examples=[True]
        )

    def __init__(self, config: Forward.Config, place: Place) -> None:
        super().__init__(config, place)
        self.client = Client(allow_private=config.allow_private)
        secret = config.signing_secret
        self._signing_key = None if secret is None else key_of(secret.get_secret_value())

    def request(self, delivery: Delivery[Sent]) -> Request:
        """The call of a delivery."""
        document = {"id": delivery.key, "subject": delivery.subject, "data": delivery.params.data}
        body = json.dumps(document, default=exact).encode()
        headers = {"User-Agent": "checkout-hub", "Content-Type": "application/json", "Idempotency-Key": delivery.key}
        if self._signing_key is not None:
            headers |= signature(self._signing_key, delivery.key, self.place.clock.now() // 1000, body)
        return Request("POST", self.config.url.get_secret_value(), headers, body, self.config.timeout.total_seconds())

    def check(self) -> Check:
        # Anything that is sent to the hook starts the automation; so only its server is asked for.
        parts = urlsplit(self.config.url.get_secret_value())
        seconds = self.config.timeout.total_seconds()
        root = Request("GET", f"{parts.scheme}://{parts.netloc}/", {"User-Agent": "checkout-hub"}, None, seconds)
        reply = self.client.call([root])[0]
        if isinstance(reply, Failure):
            return Check(False, reply.message, "Correct “url”, or try again when the server is up.")
        return Check(True, f"{parts.netloc} answers. Whether the hook is switched on shows with the first order.")

    def close(self) -> None:
        self.client.close()


class Sent(Params):
    """What the automation is told."""

    data: Json = Field(description="what to send", examples=["{{ order }}"])


class SendOn(Action[Forward, Sent]):
    """Hands an order to the automation; a hook that is switched off pauses the connection, and nothing is lost."""

    name: ClassVar[str] = "forward.send"
    title: ClassVar[str] = "Hand an order to n8n, Zapier, Make or another automation"
    connection: ClassVar[type[Connection]] = Forward
    params: ClassVar[type[Params]] = Sent
    result: ClassVar[type[Result]] = Answered
    idempotency: ClassVar[Idempotency] = Idempotency.NATIVE
    on_unknown: ClassVar[str] = "resend"
    serial: ClassVar[bool] = False
    max_batch: ClassVar[int] = SIDE_BY_SIDE

    def run(self, connection: Forward, batch: Batch[Sent]) -> list[Result | Failure]:
        calls = [connection.request(one) for one in batch.deliveries]
        now = connection.place.clock.now()
        replies = connection.client.call(calls)
        return [
            reply if isinstance(reply, Failure) else _meant(outcome(call, reply, now), reply.status, call.host)
            for call, reply in zip(calls, replies, strict=True)
        ]


def _meant(found: Result | Failure, status: int, host: str) -> Result | Failure:
    """A hook that is not there is switched off, or somebody copied the address that is only for tests."""
    if not isinstance(found, Permanent):
        return found
    if status in (404, 410):
        return ConfigError(f"{host} has no such hook, or it is switched off ({status}).", _SWITCH_ON)
    if status in (401, 403):
        return ConfigError(f"{host} does not let the hub in ({status}).", "Copy the hook's address into “url” anew.")
    return found


ACTIONS = (SendOn(),)
