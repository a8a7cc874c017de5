"""The cheapest HTTP server there is: answers 200 to everything and counts. Run as a process: ``python -m bench.sink``.

Prints its port; ``GET /count`` answers with the number of requests so far, and of different Idempotency-Keys.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any, ClassVar

import uvloop

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_KEY = re.compile(rb"idempotency-key: *(\S+)", re.IGNORECASE)


class _Sink(asyncio.Protocol):
    requests = 0
    keys: ClassVar[set[bytes]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport  # uvloop's transports are no asyncio.Transport
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            head, separator, rest = self._buffer.partition(b"\r\n\r\n")
            found = _LENGTH.search(head)
            length = int(found[1]) if found else 0
            if not separator or len(rest) < length:
                return
            self._buffer = rest[length:]
            self._answer(head)

    def _answer(self, head: bytes) -> None:
        body = b'{"ok": true}'
        if head.startswith(b"GET /count"):
            body = b'{"requests": %d, "keys": %d}' % (_Sink.requests, len(_Sink.keys))
        else:
            _Sink.requests += 1
            if key := _KEY.search(head):
                _Sink.keys.add(key[1])
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        )


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Sink, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve())
