"""The far ends, written for these tests alone: servers on loopback that remember what reached them and fail as told."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, parse_qsl, urlsplit

Json = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """One request as it arrived; ``at`` in monotonic seconds."""

    at: float
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def key(self) -> str:
        return self.headers.get("idempotency-key", "")

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """``after`` seconds of silence first; ``drop`` closes the connection instead of answering."""

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    after: float = 0
    drop: bool = False


OK = Reply()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that was killed in the middle of a call is what these tests are about, not a mistake of the peer."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        call = Call(time.monotonic(), self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
        reply = self.server.peer.take(call)
        if reply.after:
            self.server.peer.closing.wait(reply.after)
        if reply.drop:
            self.close_connection = True
            return
        self._answer(reply)

    do_GET = do_PUT = do_PATCH = do_DELETE = do_POST  # noqa: N815 -- the names are the standard library's

    def _answer(self, reply: Reply) -> None:
        raw = reply.body.encode() if isinstance(reply.body, str) else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        headers = {"Content-Type": "application/json", **reply.headers, "Content-Length": str(len(raw))}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name is the standard library's
        """Say nothing: what arrived is in ``calls``."""


class Peer:
    """A web server that keeps every call. ``plan`` may answer in its place; None leaves the answer to ``answer``."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.closing = threading.Event()
        self.plan: Callable[[Call], Reply | None] = lambda _call: None
        self.lock = threading.Lock()
        self._server = _Server(self)
        self.base = f"http://127.0.0.1:{self._server.server_address[1]}"

    def take(self, call: Call) -> Reply:
        with self.lock:
            self.calls.append(call)
            return self.plan(call) or self.answer(call)

    def answer(self, call: Call) -> Reply:
        return OK

    @contextmanager
    def open(self) -> Iterator[None]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.closing.set()
            self._server.shutdown()
            self._server.server_close()
            thread.join(5)


class Sink(Peer):
    """A service that knows ``Idempotency-Key``: ``done`` counts what it accepted, by key."""

    def __init__(self) -> None:
        super().__init__()
        self.done: Counter[str] = Counter()

    def answer(self, call: Call) -> Reply:
        self.done[call.key] += 1
        return Reply(body={"ok": True, "tracking_number": f"T-{len(self.done)}"})


@dataclass(frozen=True)
class Said:
    """A message in a channel; ``at`` in monotonic seconds."""

    at: float
    channel: str
    text: str
    ts: str
    metadata: Json


class Slack(Peer):
    """``auth.test``, ``chat.postMessage``, ``conversations.list`` and ``.history`` as docs.slack.dev has them.

    A message may be posted to ``#name``; history is read by the channel's id only. ``scopes`` decides whether it may be
    read at all. Repeated ``client_msg_id`` are posted again: Slack promises nothing about them.
    """

    CHANNELS: ClassVar[dict[str, str]] = {"#orders": "C0000ORDERS", "#warehouse": "C0000WAREHO"}

    def __init__(self) -> None:
        super().__init__()
        self.said: list[Said] = []
        self.scopes = {"chat:write", "channels:read", "channels:history"}

    @property
    def api(self) -> str:
        return f"{self.base}/api/"

    def texts(self, channel: str = "#orders") -> list[str]:
        """What was said in a channel; messages that went out together one by one."""
        return [line for one in self.said if one.channel == self.CHANNELS[channel] for line in one.text.split("\n")]

    def answer(self, call: Call) -> Reply:
        method = urlsplit(call.path).path.rpartition("/")[2]
        given = {**dict(parse_qsl(urlsplit(call.path).query)), **_arguments(call)}
        handler = {
            "auth.test": self._identity,
            "chat.postMessage": self._post,
            "conversations.list": self._list,
            "conversations.history": self._history,
        }.get(method)
        if handler is None:
            return Reply(body={"ok": False, "error": "unknown_method"})
        return Reply(body=handler(given), headers={"x-oauth-scopes": ",".join(sorted(self.scopes))})

    def _identity(self, _given: Json) -> Json:
        return {
            "ok": True,
            "url": "https://shop.slack.com/",
            "team": "Shop",
            "team_id": "T1",
            "user": "hub",
            "user_id": "U",
        }

    def _post(self, given: Json) -> Json:
        channel = self.CHANNELS.get(given["channel"], str(given["channel"]))
        if channel not in self.CHANNELS.values():
            return {"ok": False, "error": "channel_not_found"}
        ts = f"{int(time.time())}.{len(self.said):06}"
        metadata = given.get("metadata") or {}
        parsed = json.loads(metadata) if isinstance(metadata, str) else metadata
        self.said.append(Said(time.monotonic(), channel, given["text"], ts, parsed))
        return {"ok": True, "channel": channel, "ts": ts, "message": {"text": given["text"], "ts": ts}}

    def _list(self, _given: Json) -> Json:
        if "channels:read" not in self.scopes:
            return {"ok": False, "error": "missing_scope", "needed": "channels:read"}
        found = [{"id": code, "name": name[1:], "is_channel": True} for name, code in self.CHANNELS.items()]
        return {"ok": True, "channels": found, "response_metadata": {"next_cursor": ""}}

    def _history(self, given: Json) -> Json:
        if "channels:history" not in self.scopes:
            return {"ok": False, "error": "missing_scope", "needed": "channels:history", "provided": "chat:write"}
        if given.get("channel") not in self.CHANNELS.values():
            return {"ok": False, "error": "channel_not_found"}
        found = [s for s in reversed(self.said) if s.channel == given["channel"]]
        oldest, latest = float(given.get("oldest") or 0), float(given.get("latest") or "inf")
        found = [s for s in found if oldest < float(s.ts) < latest]
        start, size = int(given.get("cursor") or 0), int(given.get("limit") or 100)
        rest = start + size < len(found)
        return {
            "ok": True,
            "messages": [_message(s, given) for s in found[start : start + size]],
            "has_more": rest,
            "response_metadata": {"next_cursor": str(start + size) if rest else ""},
        }


def _message(said: Said, given: Json) -> Json:
    asked = str(given.get("include_all_metadata", "")).lower() in {"1", "true"}
    return {"type": "message", "text": said.text, "ts": said.ts} | ({"metadata": said.metadata} if asked else {})


def _arguments(call: Call) -> Json:
    if call.headers.get("content-type", "").startswith("application/json"):
        parsed: Json = json.loads(call.body or b"{}")
        return parsed
    return dict(parse_qsl(call.body.decode()))


class Stripe(Peer):
    """Stripe's API as far as a sale needs it: sessions, and their line items in pages."""

    PAGE: ClassVar[int] = 100

    def __init__(self) -> None:
        super().__init__()
        self.sessions: dict[str, Json] = {}
        self.items: dict[str, list[Json]] = {}

    def know(self, session: Json, *items: Json) -> Json:
        """Keep a session with its items, and give it as a webhook carries it: without them."""
        bare = {k: v for k, v in session.items() if k != "line_items"}
        self.sessions[session["id"]] = bare
        self.items[session["id"]] = list(items)
        return bare

    def asked(self, part: str) -> list[Call]:
        return [one for one in self.calls if part in one.path]

    def answer(self, call: Call) -> Reply:
        parts = urlsplit(call.path)
        identity = next((one for one in parts.path.split("/") if one.startswith("cs_")), "")
        if identity not in self.sessions:
            return _error(404, "resource_missing", f"No such checkout.session: '{identity}'")
        query = parse_qs(parts.query)
        if parts.path.endswith("/line_items"):
            return Reply(body=self._page(identity, query))
        wants_items = any("line_items" in value for key, values in query.items() if "expand" in key for value in values)
        extra = {"line_items": self._page(identity, {"limit": ["10"]})} if wants_items else {}
        return Reply(body=self.sessions[identity] | extra)

    def _page(self, identity: str, query: dict[str, list[str]]) -> Json:
        items, size = self.items[identity], min(int(query.get("limit", ["10"])[0]), self.PAGE)
        after = query.get("starting_after", [""])[0]
        start = next((n + 1 for n, item in enumerate(items) if item["id"] == after), 0)
        url = f"/v1/checkout/sessions/{identity}/line_items"
        found = items[start : start + size]
        return {"object": "list", "data": found, "has_more": start + size < len(items), "url": url}


def _error(status: int, code: str, message: str) -> Reply:
    kind = "rate_limit_error" if status == 429 else "invalid_request_error" if status < 500 else "api_error"
    return Reply(status, {"error": {"type": kind, "code": code, "message": message}})


def stripe_error(status: int) -> Reply:
    return _error(status, {429: "rate_limit", 404: "resource_missing"}.get(status, "api_error"), "not now")
