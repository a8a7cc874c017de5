"""A far end for ``http.request`` over real HTTP: counts by Idempotency-Key and answers what it is told to.

::

    with HttpSink() as sink:
        sink.answer = Answer(status=503, retry_after="2")
        …
        sink.counts[key], sink.received[-1].json

It treats a key it has seen as done, as services with idempotency keys do. ``/status/404`` answers 404, and so on.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Receive, Scope, Send

from hub.testing import fakes
from hub.testing.fakes import CONTROL, HTML, WAIT, Fake
from hub.testing.faults import Fault
from hub.testing.serving import Serving, drop, hang

_LATEST = 10_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What every call gets. ``delay`` in seconds; ``retry_after`` and ``headers`` as they are sent."""

    status: int = 200
    body: str = '{"ok": true}'
    content_type: str = "application/json"
    retry_after: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0


@dataclass(frozen=True, slots=True)
class Received:
    """One call as it arrived; names of headers in small letters."""

    method: str
    target: str  #: path and query, as sent
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class HttpSink(Fake):
    """The fake. ``received`` has the latest calls, ``counts`` how often each key was *applied* (at most once)."""

    def __init__(self, port: int = 0) -> None:
        super().__init__()
        self.answer = Answer()
        self.authorization: str | None = None  #: the header that every call needs; None: none
        self.received: deque[Received] = deque(maxlen=_LATEST)
        self._serving = Serving(self._app, port)
        self.url = self._serving.url
        self.control_url = self.url

    def stop(self) -> None:
        self._serving.stop()

    def program(self, what: str, settings: Any) -> None:
        """``answer``: what every call gets from now on."""
        if what != "answer":
            raise KeyError(what)
        self.answer = Answer(**settings)

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith(CONTROL):
            await self.control(scope, receive, send)
            return
        call = await _received(scope, receive)
        self.received.append(call)
        fault, answer = self.fault(), self._planned(call)
        if fault in (Fault.NONE, Fault.AFTER, Fault.DROP) and answer.status < 400:
            self._apply(call)
        if fault is Fault.HANG:
            await hang(receive)
        elif fault is Fault.DROP:
            await drop(scope)
        else:
            await _send(send, _FAULTY.get(fault, answer))

    def _planned(self, call: Received) -> Answer:
        if self.authorization not in (None, call.headers.get("authorization")):
            return Answer(401, '{"error": "who are you?"}')
        status = _STATUS.match(call.target)
        return Answer(int(status[1]), '{"error": "as asked"}') if status else self.answer

    def _apply(self, call: Received) -> None:
        key = call.headers.get("idempotency-key", "")
        if key:
            self.counts[key] = 1


_STATUS = re.compile(r"/status/(\d{3})\b")
_FAULTY = {
    Fault.TOO_MANY: Answer(429, "slow down", "text/plain", str(WAIT)),
    Fault.BEFORE: Answer(503, "not now", "text/plain"),
    Fault.AFTER: Answer(503, "not now", "text/plain"),
    Fault.HTML: Answer(502, HTML, "text/html"),
}


async def _received(scope: Scope, receive: Receive) -> Received:
    parts = []
    more = True
    while more:
        event = await receive()
        parts.append(event.get("body", b""))
        more = event.get("more_body", False)
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    query = scope["query_string"]
    target = scope["raw_path"] + (b"?" + query if query else b"")
    return Received(scope["method"], target.decode("latin-1"), headers, b"".join(parts))


async def _send(send: Send, answer: Answer) -> None:
    if answer.delay:
        await asyncio.sleep(answer.delay)
    headers = {"Content-Type": answer.content_type, **answer.headers}
    if answer.retry_after:
        headers["Retry-After"] = answer.retry_after
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    body = answer.body.encode()
    raw.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    fakes.run(HttpSink)
