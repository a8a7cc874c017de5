"""A fake Slack over real HTTP: posts, updates, history with metadata, incoming webhooks, rate limits, faults.

::

    with Slack() as slack:
        connection = {"token": slack.token, "base_url": slack.base_url}      # or {"webhook_url": slack.webhook_url}
        …
        slack.channel("#orders").texts, slack.counts[effect_key]

Whether the real Slack acts twice on one ``client_msg_id`` is not documented: the fake does. What is not modelled is
answered ``unknown_method``.
"""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from hub.clock import Clock, SystemClock
from hub.connector import Delivery
from hub.testing import fakes
from hub.testing.fakes import CONTROL, HTML, WAIT, Fake
from hub.testing.faults import Fault
from hub.testing.serving import Serving, drop, hang
from hub.testing.slack_workspace import Channel, Json, Refused, Workspace

_EFFECTS = {"chat.postMessage", "chat.update"}
_NEEDED = {
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "conversations.history": "channels:history",
    "conversations.replies": "channels:history",
    "conversations.list": "channels:read",
}


class Slack(Fake):
    """The fake. ``base_url`` ends in ``/api/``; the webhook posts to ``#orders``."""

    def __init__(self, port: int = 0, clock: Clock | None = None) -> None:
        super().__init__()
        self.token = "xoxb-fake-token-of-the-shop"
        self.scopes = ["chat:write", "channels:history", "channels:read", "groups:history", "groups:read"]
        self.workspace = Workspace(clock or SystemClock())
        self.counts = self.workspace.counts
        for name in ("orders", "support", "warehouse"):
            self.workspace.add_channel(name)
        self.requests: list[tuple[str, Json]] = []  #: method (or path) and arguments of every call
        self._serving = Serving(self._app, port)
        self.url = self._serving.url
        self.control_url = self.url
        self.base_url = f"{self.url}/api/"
        self.webhook_url = f"{self.url}/services/T00000001/B00000001/secretOfTheWebhook"

    def stop(self) -> None:
        self._serving.stop()

    def effects(self, delivery: Delivery[Any]) -> int:
        """How many messages tell of a delivery, alone or with others (these carry the beginning of its key)."""
        return self.counts[delivery.key] + self.counts[delivery.key[:16]]

    def channel(self, name: str) -> Channel:
        """A channel by ``#name`` or id."""
        return self.workspace.channel(name)

    def program(self, what: str, settings: Any) -> None:
        """``channels``: names to add; ``per_second``: how many posts a channel takes in a second."""
        match what:
            case "channels":
                for name in settings:
                    self.workspace.add_channel(name)
            case "per_second":
                self.workspace.per_second = settings
            case _:
                raise KeyError(what)

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if path.startswith(CONTROL):
            await self.control(scope, receive, send)
            return
        request = Request(scope, receive)
        method, arguments = path.removeprefix("/api/"), await _arguments(request)
        self.requests.append((method, arguments))
        is_effect = method in _EFFECTS or not path.startswith("/api/")
        fault = self.fault() if is_effect else Fault.NONE
        if fault is Fault.HANG:
            await hang(receive)
            return
        answer = _INSTEAD.get(fault) or self._answer(method, arguments, request)
        if fault is Fault.DROP:
            await drop(scope)
        else:
            await (_UNAVAILABLE if fault is Fault.AFTER else answer)(scope, receive, send)

    def _answer(self, method: str, arguments: Json, request: Request) -> Response:
        if method.startswith("/"):
            return self._webhook(method, arguments)
        try:
            self._authorize(method, request.headers.get("authorization", ""))
            return JSONResponse(
                self.workspace.call(method, arguments), headers={"x-oauth-scopes": ",".join(self.scopes)}
            )
        except Refused as refused:
            if refused.error == "ratelimited":
                return JSONResponse(refused.answer, 429, {"Retry-After": "1"})
            return JSONResponse(refused.answer)

    def _authorize(self, method: str, authorization: str) -> None:
        if not authorization:
            raise Refused("not_authed")
        if authorization != f"Bearer {self.token}":
            raise Refused("invalid_auth")
        needed = _NEEDED.get(method)
        if needed and needed not in self.scopes:
            raise Refused("missing_scope", needed=needed, provided=",".join(self.scopes))

    def _webhook(self, path: str, body: Json) -> Response:
        """https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/#handling-errors"""
        if not self.webhook_url.endswith(path):
            return PlainTextResponse("no_service", 404)
        try:
            self.workspace.post(self.workspace.channels[0], body)
        except Refused as refused:
            if refused.error == "ratelimited":
                return PlainTextResponse("rate_limited", 429, {"Retry-After": "1"})
            return PlainTextResponse(refused.error, 400)
        return PlainTextResponse("ok")


async def _arguments(request: Request) -> Json:
    """The arguments of a call: JSON, or a form."""
    body = await request.body()
    if "json" in request.headers.get("content-type", ""):
        arguments: Json = json.loads(body) or {}
        return arguments
    return dict(urllib.parse.parse_qsl(body.decode()))


_UNAVAILABLE = JSONResponse({"ok": False, "error": "service_unavailable"}, 503)
_INSTEAD: Mapping[Fault, Response] = {
    Fault.TOO_MANY: JSONResponse({"ok": False, "error": "ratelimited"}, 429, {"Retry-After": str(WAIT)}),
    Fault.BEFORE: _UNAVAILABLE,
    Fault.HTML: HTMLResponse(HTML, 502),
}


if __name__ == "__main__":
    fakes.run(Slack)
