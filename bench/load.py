"""A sender of signed sales over keep-alive connections: as fast as answers come, or at a given rate."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import uvloop

from hub.testing import events
from hub.testing.events import Item, Sale


@dataclass(frozen=True)
class Answers:
    """What came back: how many, over which time, and how long each took (seconds, sorted)."""

    count: int
    seconds: float
    latencies: Sequence[float]

    @property
    def rate(self) -> float:
        return self.count / self.seconds

    def percentile(self, share: float) -> float:
        return self.latencies[min(len(self.latencies) - 1, int(len(self.latencies) * share))]


def requests(count: int, secret: str, *, padding: int = 0, prefix: str = "") -> list[bytes]:
    """Signed requests for ``count`` different sales of one item each, about 2.5 KB."""
    made = []
    for number in range(count):
        sale = Sale(
            items=(Item(quantity=1 + number % 3),),
            session_id=f"cs_test_{prefix}{number:08d}",
            metadata={"note": "x" * padding},
        )
        document = events.event("checkout.session.completed", events.session(sale), id=f"evt_{prefix}{number:08d}")
        body = events.encode(document)
        signed = events.signature(body, secret).encode()
        made.append(
            b"POST /webhooks/stripe HTTP/1.1\r\nHost: hub\r\nStripe-Signature: %s\r\nContent-Length: %d\r\n\r\n%s"
            % (signed, len(body), body)
        )
    return made


def send(port: int, sending: Sequence[bytes], connections: int, rate: float | None = None) -> Answers:
    """Sends everything; ``rate`` per second if given, else each connection sends as soon as it is answered."""
    answers: Answers = uvloop.run(_send(port, sending, connections, rate))
    return answers


async def _send(port: int, sending: Sequence[bytes], connections: int, rate: float | None) -> Answers:
    latencies: list[float] = []
    loop = asyncio.get_running_loop()
    started = loop.time()
    work = iter(sending)
    slots = itertools.count()
    sender = partial(_Sender, work, latencies, rate, slots, started)
    connected = [await loop.create_connection(sender, "127.0.0.1", port) for _ in range(connections)]
    await asyncio.gather(*(protocol.done for _, protocol in connected))
    return Answers(len(latencies), loop.time() - started, sorted(latencies))


class _Sender(asyncio.Protocol):
    """One connection. With a rate, the n-th request of all connections is due at n / rate; lateness counts."""

    def __init__(
        self, work: Iterator[bytes], latencies: list[float], rate: float | None, slots: Iterator[int], started: float
    ) -> None:
        self._work, self._latencies, self._rate, self._slots, self._started = work, latencies, rate, slots, started
        self._buffer = b""
        self._loop = asyncio.get_running_loop()
        self.done: asyncio.Future[None] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport  # uvloop's transports are no asyncio.Transport
        self._next()

    def _next(self) -> None:
        request = next(self._work, None)
        if request is None:
            self._transport.close()
            self.done.set_result(None)
            return
        now = self._loop.time()
        due = now if self._rate is None else self._started + next(self._slots) / self._rate
        if due > now:
            self._loop.call_at(due, self._write, request, due)
        else:
            self._write(request, due)

    def _write(self, request: bytes, due: float) -> None:
        self._due = due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator or (head.startswith(b"HTTP/1.1 200") and not body.endswith(b"}")):
            return
        if not head.startswith(b"HTTP/1.1 200"):
            self.done.set_exception(RuntimeError(self._buffer.decode()))
            return
        self._buffer = b""
        self._latencies.append(self._loop.time() - self._due)
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the server hung up"))
