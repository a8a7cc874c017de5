"""Listening: the socket, the server, its end. The only importer of uvicorn."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from hub.errors import HubError

#: Connections that send nothing more are closed after so many seconds; Stripe opens new ones as it likes.
_KEEP_ALIVE_SECONDS = 30
#: What is under way at the end may take this long (seconds).
_SHUTDOWN_SECONDS = 10


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; raises ``HubError`` with the remedy when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except (OSError, UnicodeError) as error:
        listener.close()
        raise _refusal(host, port, error) from None
    listener.set_inheritable(True)
    return listener


def _refusal(host: str, port: int, error: Exception) -> HubError:
    code = error.errno if isinstance(error, OSError) else None
    if code == errno.EADDRINUSE:
        return HubError(f"Port {port} is in use by another program.", "Stop it, or choose another HUB_PORT.")
    if code == errno.EACCES:
        return HubError(f"Port {port} needs more rights than this user has.", "Choose a HUB_PORT above 1023.")
    return HubError(f"The hub cannot listen at {host}, port {port} ({error}).", "Correct HUB_HOST and HUB_PORT.")


class Server(uvicorn.Server):
    """A server on a given socket. Stops on SIGINT and SIGTERM.

    ``when_started`` is called once requests are answered, ``when_stopping`` before the last ones are waited for.
    """

    def __init__(
        self,
        application: ASGIApp,
        listener: socket.socket,
        when_started: Callable[[], None],
        when_stopping: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                application,
                http="httptools",
                loop="uvloop",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
                proxy_headers=False,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
            )
        )
        self._listener = listener
        self._when_started = when_started
        self._when_stopping = when_stopping

    def serve_here(self) -> None:
        """Answers requests until it is told to stop."""
        self.run(sockets=[self._listener])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._when_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._when_stopping()
        await super().shutdown(sockets)
