"""The workspace behind the fake Slack: its channels, and the methods that act on them.

https://docs.slack.dev/reference/methods
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from hub.clock import Clock

Json = dict[str, Any]

_ABOUT = {"url": "https://shop.slack.com/", "team": "Shop", "user": "hub", "team_id": "T00000001"}


class Refused(Exception):
    """Slack's ``{"ok": false, "error": …}``, with what else it says."""

    def __init__(self, error: str, **more: object) -> None:
        super().__init__(error)
        self.error = error
        self.answer: Json = {"ok": False, "error": error, **more}


@dataclass(slots=True)
class Channel:
    """A channel; ``messages`` from the oldest on, as Slack keeps them."""

    id: str
    name: str
    is_member: bool = True
    is_archived: bool = False
    is_private: bool = False
    messages: list[Json] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        """What was posted, as Slack got it; replies too."""
        return [message["text"] for message in self.messages]

    def thread(self, ts: str) -> list[Json]:
        """A message and its replies, from the oldest on."""
        return [one for one in self.messages if ts in (one["ts"], one.get("thread_ts"))]

    @property
    def kind(self) -> str:
        return "private_channel" if self.is_private else "public_channel"


class Workspace:
    """Channels by name and id. ``per_second`` messages may be posted to each (None: any number)."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.channels: list[Channel] = []
        self.counts: Counter[str] = Counter()  #: messages by the key in their metadata
        self.per_second: int | None = None
        self.error = ""  #: every post and update is refused with it
        self.unwanted = ""  #: no text may contain it
        self._posted: Counter[tuple[str, int]] = Counter()
        self._messages = 0

    def add_channel(self, name: str) -> Channel:
        """A new public channel in which the app is a member."""
        channel = Channel(f"C{len(self.channels) + 1:09d}", name)
        self.channels.append(channel)
        return channel

    def channel(self, name: str) -> Channel:
        """A channel by ``#name``, name or id; raises :class:`Refused` when there is none."""
        for channel in self.channels:
            if name in (channel.id, f"#{channel.name}", channel.name):
                return channel
        raise Refused("channel_not_found")

    def call(self, method: str, arguments: Json) -> Json:
        """What Slack answers to a method; raises :class:`Refused`."""
        match method:
            case "auth.test":
                return {"ok": True, **_ABOUT}
            case "chat.postMessage":
                return self.post(self.channel(arguments.get("channel", "")), arguments)
            case "chat.update":
                return self._update(self._by_id(arguments), arguments)
            case "conversations.history":
                channel = self._by_id(arguments)
                top = [one for one in channel.messages if one.get("thread_ts", one["ts"]) == one["ts"]]
                return self._listed(channel, top[::-1], arguments)
            case "conversations.replies":
                channel = self._by_id(arguments)
                thread = channel.thread(str(arguments.get("ts")))
                if not thread:
                    raise Refused("thread_not_found")
                return self._listed(channel, thread, arguments)
            case "conversations.list":
                kinds = str(arguments.get("types", "public_channel")).split(",")
                found = [{"id": one.id, "name": one.name} for one in self.channels if one.kind in kinds]
                return _page("channels", found, arguments)
        raise Refused("unknown_method", req_method=method)

    def post(self, channel: Channel, arguments: Json) -> Json:
        """Posts a message; also what an incoming webhook does."""
        self._may_post(channel, arguments)
        self._messages += 1
        metadata = arguments.get("metadata", {})
        ts = f"{self.clock.now() // 1000}.{self._messages:06d}"
        message = {"type": "message", "ts": ts, "text": arguments["text"], "metadata": metadata}
        message |= {name: arguments[name] for name in ("blocks", "thread_ts") if arguments.get(name)}
        channel.messages.append(message)
        payload = metadata.get("event_payload", {})
        self.counts.update(str(payload.get("key") or payload.get("keys", "")).split())
        return {"ok": True, "channel": channel.id, "ts": ts, "message": message}

    def _may_post(self, channel: Channel, arguments: Json) -> None:
        if self.error:
            raise Refused(self.error)
        if channel.is_archived:
            raise Refused("is_archived")
        if not channel.is_member:
            raise Refused("not_in_channel")
        if not str(arguments.get("text") or "").strip():
            raise Refused("no_text")
        if self.unwanted and self.unwanted in arguments["text"]:
            raise Refused("invalid_payload")
        if error := _wrong_blocks(arguments.get("blocks") or []):
            raise Refused(error)
        if "thread_ts" in arguments and not channel.thread(arguments["thread_ts"]):
            raise Refused("thread_not_found")
        second = (channel.id, self.clock.now() // 1000)
        if self.per_second is not None and self._posted[second] >= self.per_second:
            raise Refused("ratelimited")
        self._posted[second] += 1

    def _by_id(self, arguments: Json) -> Channel:
        # Only chat.postMessage knows channels by their names.
        for channel in self.channels:
            if channel.id == arguments.get("channel"):
                return channel
        raise Refused("channel_not_found")

    def _update(self, channel: Channel, arguments: Json) -> Json:
        if self.error:
            raise Refused(self.error)
        for message in channel.messages:
            if message["ts"] == arguments.get("ts"):
                message["text"] = arguments["text"]
                return {"ok": True, "channel": channel.id, "ts": message["ts"], "text": message["text"]}
        raise Refused("message_not_found")

    def _listed(self, channel: Channel, messages: list[Json], arguments: Json) -> Json:
        if not channel.is_member:
            raise Refused("not_in_channel")
        oldest = float(arguments.get("oldest", 0))
        found = [message for message in messages if float(message["ts"]) > oldest]
        if str(arguments.get("include_all_metadata")) not in ("1", "true", "True"):
            found = [{name: value for name, value in one.items() if name != "metadata"} for one in found]
        return _page("messages", found, arguments)


def _wrong_blocks(blocks: list[Json]) -> str:
    """https://docs.slack.dev/reference/block-kit/blocks, and the sum that is written nowhere."""
    texts = [(str(block.get("type")), text) for block in blocks for text in _texts(block)]
    if len(blocks) > 50 or any(not text or len(text) > _LONGEST.get(kind, 3_000) for kind, text in texts):
        return "invalid_blocks"
    return "msg_blocks_too_long" if sum(len(text) for _, text in texts) > 10_000 else ""


_LONGEST = {"header": 150, "section": 3_000}


def _texts(value: Any) -> list[str]:
    if isinstance(value, list):
        return [text for one in value for text in _texts(one)]
    if not isinstance(value, dict):
        return []
    found = [value["text"]] if isinstance(value.get("text"), str) else []
    return found + [text for one in value.values() for text in _texts(one)]


def _page(name: str, found: list[Json], arguments: Json) -> Json:
    """One page of a listing; the cursor is the place at which the next one begins."""
    start, limit = int(arguments.get("cursor") or 0), int(arguments.get("limit") or 100)
    has_more = len(found) > start + limit
    cursor = str(start + limit) if has_more else ""
    page = found[start : start + limit]
    return {"ok": True, name: page, "has_more": has_more, "response_metadata": {"next_cursor": cursor}}
