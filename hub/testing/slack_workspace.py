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
        """What was posted, as Slack got it."""
        return [message["text"] for message in self.messages]

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
        self.unwanted = ""  #: a text that cannot be posted
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
                return self._history(self._by_id(arguments), arguments)
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
        channel.messages.append(message)
        self.counts[str(metadata.get("event_payload", {}).get("key", ""))] += 1
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
        if arguments["text"] == self.unwanted:
            raise Refused("invalid_payload")
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

    def _history(self, channel: Channel, arguments: Json) -> Json:
        if not channel.is_member:
            raise Refused("not_in_channel")
        oldest = float(arguments.get("oldest", 0))
        found = [message for message in reversed(channel.messages) if float(message["ts"]) > oldest]
        if str(arguments.get("include_all_metadata")) not in ("1", "true", "True"):
            found = [{name: value for name, value in one.items() if name != "metadata"} for one in found]
        return _page("messages", found, arguments)


def _page(name: str, found: list[Json], arguments: Json) -> Json:
    """One page of a listing; the cursor is the place at which the next one begins."""
    start, limit = int(arguments.get("cursor") or 0), int(arguments.get("limit") or 100)
    has_more = len(found) > start + limit
    cursor = str(start + limit) if has_more else ""
    page = found[start : start + limit]
    return {"ok": True, name: page, "has_more": has_more, "response_metadata": {"next_cursor": cursor}}
