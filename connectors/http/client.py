"""Many HTTP calls side by side, on an event loop in a thread of its own.

One call is one request: no redirect is followed, no proxy of the environment used, no cookie kept.
"""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import aiohttp
import uvloop
from yarl import URL

from connectors.http import guard
from hub.connector import Ambiguous, Failure, Permanent, Retryable

#: Calls of one connection at the same time; what is more waits its turn without its time-out running.
SIDE_BY_SIDE = 200
#: How much of an answer is read (bytes).
LONGEST_ANSWER = 256 * 1024
#: Most servers close an idle connection after 5 seconds; one that was just closed would cost a doubtful call.
_KEEP_ALIVE = 4
_CONNECT = 10
_LARGE = 256 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """One call; ``timeout`` in seconds. What may be secret stays out of its representation."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)
    timeout: float

    @property
    def host(self) -> str:
        """The server, for people."""
        return urlsplit(self.url).netloc


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: and as much of the body as is read."""

    status: int
    headers: Mapping[str, str]
    start: bytes
    encoding: str

    @property
    def is_whole(self) -> bool:
        return len(self.start) <= LONGEST_ANSWER


class Client:
    """Makes calls; safe to use from several threads. Its thread starts with the first call and ends with ``close``."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._lock = threading.Lock()
        self._is_closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._session: aiohttp.ClientSession | None = None
        self._turns = asyncio.Semaphore(SIDE_BY_SIDE)

    def call(self, requests: Sequence[Request]) -> list[Reply | Failure]:
        """One reply or failure for each request, in order; raises ``Retryable`` after ``close``."""
        # Under the lock, so that a call is either known to the loop before it ends, or refused.
        with self._lock:
            loop = self._running()
            replies = asyncio.run_coroutine_threadsafe(self._all(requests), loop)
        return replies.result()

    def close(self) -> None:
        """Lets calls under way come to their end, then gives back the thread and every connection."""
        with self._lock:
            self._is_closed = True
            loop, thread = self._loop, self._thread
            self._loop = None
            if loop is not None:
                loop.call_soon_threadsafe(loop.stop)
        if thread is not None:
            thread.join()

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._is_closed:
            raise Retryable("The connection was closed, because its settings changed.")
        if self._loop is None:
            self._loop = uvloop.new_event_loop()
            self._thread = threading.Thread(target=self._run, args=(self._loop,), name="hub-http", daemon=True)
            self._thread.start()
        return self._loop

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        loop.run_forever()
        loop.run_until_complete(self._end(asyncio.all_tasks(loop)))
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()

    async def _end(self, under_way: Collection[asyncio.Task[object]]) -> None:
        await asyncio.gather(*under_way, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _all(self, requests: Sequence[Request]) -> list[Reply | Failure]:
        session = self._opened()
        return await asyncio.gather(*(self._one(session, request) for request in requests))

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            resolver = aiohttp.ThreadedResolver() if self._allow_private else guard.PublicOnly()
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, resolver=resolver, keepalive_timeout=_KEEP_ALIVE),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        return self._session

    async def _one(self, session: aiohttp.ClientSession, request: Request) -> Reply | Failure:
        async with self._turns:
            try:
                url = URL(request.url)
                if not self._allow_private:
                    # As the client reads it: a host of full-width digits is an address, too.
                    guard.check(url.raw_host or "")
                return await _call(session, request, url)
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError, guard.Forbidden) as error:
                return _failure(error, request.host)


async def _call(session: aiohttp.ClientSession, request: Request, url: URL) -> Reply:
    timeout = aiohttp.ClientTimeout(total=request.timeout, sock_connect=min(_CONNECT, request.timeout))
    async with session.request(
        request.method,
        url,
        headers=request.headers,
        # What is larger aiohttp sends piece by piece, so that other calls go on meanwhile.
        data=io.BytesIO(request.body) if request.body and len(request.body) > _LARGE else request.body,
        timeout=timeout,
        allow_redirects=False,
    ) as response:
        start = await _start(response)
        return Reply(response.status, response.headers, start, response.charset or "utf-8")


async def _start(response: aiohttp.ClientResponse) -> bytes:
    """The body, or a little more than ``LONGEST_ANSWER`` of it: enough to see that it is too long."""
    start = bytearray()
    async for chunk in response.content.iter_any():
        start += chunk
        if len(start) > LONGEST_ANSWER:
            response.close()
            break
    return bytes(start)


def _failure(error: Exception, host: str) -> Failure:
    """What a call without an answer means: only a connection that was never made leaves no doubt."""
    match error:
        case guard.Forbidden():
            return Permanent(
                f"{host} is a private or local address, which the hub does not call. "
                "If it is a server of yours, add  allow_private: yes  to the connection."
            )
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            return Retryable(f"No secure connection to {host} could be made; is its certificate valid?")
        case aiohttp.ClientConnectorDNSError():
            return Retryable(f"The name of {host} does not exist, or the name service does not answer.")
        case aiohttp.ClientConnectorError():
            return Retryable(f"{host} cannot be reached: {error.os_error.strerror or 'no connection'}.")
        case aiohttp.ConnectionTimeoutError():
            return Retryable(f"{host} cannot be reached: no answer to the attempt to connect.")
        case ValueError():
            return Permanent(f"The address of {host} cannot be used. Correct “url” in the rule.")
        case TimeoutError():
            return Ambiguous(f"{host} did not answer in time; it may have acted all the same.")
        case _:
            return Ambiguous(f"The connection to {host} broke before its answer; it may have acted all the same.")
