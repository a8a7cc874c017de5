"""A real HTTP server on a free port of this machine, in a thread of its own: what every fake stands on."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from types import TracebackType

import uvicorn
from starlette.types import ASGIApp, Receive, Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_START_SECONDS = 20
_DROP = "hub.testing.drop"


class _Droppable(HttpToolsProtocol):
    """Lets an application cut the connection, which ASGI itself has no word for."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {_DROP: {"cut": self.transport.abort}}


async def drop(scope: Scope) -> None:
    """Cuts the connection of a request without an answer."""
    scope["extensions"][_DROP]["cut"]()
    # The server notices only in its next turn; until then it would answer 500.
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def hang(receive: Receive) -> None:
    """Does not answer a request: waits until the client has given up, or the server ends."""
    while (await receive())["type"] != "http.disconnect":
        pass


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, when_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._when_started = when_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._when_started()


class Serving:
    """Serves ``application`` at ``url`` until ``stop``; also a context manager. ``port`` 0: any free one."""

    def __init__(self, application: ASGIApp, port: int = 0) -> None:
        self._listener = socket.create_server(("127.0.0.1", port), backlog=512)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"  #: the root, without a final slash
        started = threading.Event()
        config = uvicorn.Config(
            application,
            interface="asgi3",
            http=_Droppable,
            proxy_headers=False,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        self._server = _Server(config, started.set)
        self._thread = threading.Thread(target=self._run, name="fake", daemon=True)
        self._thread.start()
        if not started.wait(_START_SECONDS):
            raise TimeoutError("the fake did not start")

    def stop(self) -> None:
        """Ends the server; requests that hang are cut off."""
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()

    def __enter__(self) -> Serving:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        self._server.run(sockets=[self._listener])
