"""``POST /webhooks/stripe``: verify the raw bytes, journal, answer. Everything else happens afterwards.

A plain ASGI endpoint: it is the hot path, and Checkout holds the buyer until it answers
(https://docs.stripe.com/checkout/fulfillment: up to 10 seconds). Cookies, sign-in and CSRF do not apply to it.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence

from starlette.types import Receive, Scope, Send

from hub.checkout import events, verify
from hub.clock import Clock
from hub.engine.intake import Intake
from hub.errors import NotStored
from hub.log import get_logger
from hub.model import Source
from hub.web.metrics import Metrics

log = get_logger(__name__)

#: Stripe's events are a few KB; its own samples stop at 64 KB.
MOST_BYTES = 512 * 1024
_ONLY_POST = (
    b"This address takes Stripe's webhooks, by POST. Enter it in the Stripe Dashboard under Developers, Webhooks.\n"
)

_TOO_LARGE = "The body is larger than 512 KiB."


class _Refused(Exception):
    """An answer that is not 200."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Webhook:
    """The endpoint. ``secrets`` empty: polling only, everything is answered 503 with the reason.

    ``patience`` is how long a body may take to arrive, in seconds.
    """

    def __init__(
        self, intake: Intake, secrets: Sequence[str], clock: Clock, metrics: Metrics, patience: float = 10.0
    ) -> None:
        self._intake = intake
        self._patience = patience
        self._secrets = [secret.encode() for secret in secrets]
        self._clock = clock
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await _answer(send, 405, _ONLY_POST, b"text/plain; charset=utf-8", (b"allow", b"POST"))
            return
        started = time.perf_counter()
        try:
            body = await self._take(scope, receive)
            status = 200
        except _Refused as refused:
            status, body = refused.status, json.dumps({"error": refused.reason}).encode()
            log.warning("webhook refused", status=status, reason=refused.reason)
        await _answer(send, status, body, b"application/json")
        self._metrics.acknowledged(status, time.perf_counter() - started)

    async def _take(self, scope: Scope, receive: Receive) -> bytes:
        if not self._secrets:
            raise _Refused(503, "STRIPE_WEBHOOK_SECRET is not set, so webhooks cannot be verified.")
        headers = dict(scope["headers"])
        raw = await _body(headers, receive, self._patience)
        now = self._clock.now()
        try:
            verify.verify(headers.get(b"stripe-signature", b""), raw, self._secrets, now // 1000)
            event = events.parse(raw, source=Source.WEBHOOK, received_at=now)
        except (verify.NotSignedByStripe, events.NotAnEvent) as error:
            raise _Refused(400, str(error)) from None
        try:
            appended = await self._intake.append(event)
        except NotStored as error:
            log.error("event not stored", event_id=event.id, reason=str(error))
            raise _Refused(503, f"The event could not be stored; please send it again. ({error})") from None
        duplicate = b"true" if appended.duplicate else b"false"
        return b'{"received": true, "event": %s, "duplicate": %s}' % (json.dumps(event.id).encode(), duplicate)


async def _body(headers: dict[bytes, bytes], receive: Receive, patience: float) -> bytes:
    """The request's body, at most ``MOST_BYTES``; a sender that trickles it is let go after ``patience`` seconds."""
    declared = headers.get(b"content-length", b"0")
    if not declared.isdigit() or int(declared) > MOST_BYTES:
        raise _Refused(413, _TOO_LARGE)
    try:
        async with asyncio.timeout(patience):
            return await _gather(receive)
    except TimeoutError:
        raise _Refused(408, "The body did not arrive in time.") from None


async def _gather(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Refused(400, "The sender hung up.")
        part = message.get("body", b"")
        size += len(part)
        if size > MOST_BYTES:
            raise _Refused(413, _TOO_LARGE)
        parts.append(part)
        more = message.get("more_body", False)
    return b"".join(parts)


async def _answer(send: Send, status: int, body: bytes, content_type: bytes, *headers: tuple[bytes, bytes]) -> None:
    length = str(len(body)).encode()
    all_headers = [(b"content-type", content_type), (b"content-length", length), *headers]
    await send({"type": "http.response.start", "status": status, "headers": all_headers})
    await send({"type": "http.response.body", "body": body})
