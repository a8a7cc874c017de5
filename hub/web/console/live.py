"""Telling open pages that something has changed: server-sent events, a word each time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from hub.store import listing
from hub.web.console.desk import HEADERS, Desk, Visit

#: Between two looks at the database: an order is on an open list well within a second of its webhook.
_LOOK_SECONDS = 0.4
#: A comment now and then, so that proxies keep the connection and a closed one is noticed.
_BEATS = 40
#: After a quarter of an hour the browser comes again, and is asked anew who it is.
_ALL_BEATS = 2250


def stream(desk: Desk, _visit: Visit) -> Response:
    """https://html.spec.whatwg.org/multipage/server-sent-events.html; the browser comes again when it ends."""
    return StreamingResponse(_changes(desk), 200, HEADERS | {"X-Accel-Buffering": "no"}, "text/event-stream")


async def _changes(desk: Desk) -> AsyncIterator[bytes]:
    seen = await run_in_threadpool(desk.read, listing.version)
    yield b"retry: 2000\n\n"
    for beat in range(1, _ALL_BEATS):
        await asyncio.sleep(_LOOK_SECONDS)
        if desk.is_closing:
            return
        now = await run_in_threadpool(desk.read, listing.version)
        if now != seen:
            seen = now
            yield b"event: changed\ndata: 1\n\n"
        elif beat % _BEATS == 0:
            yield b": still here\n\n"
