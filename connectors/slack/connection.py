"""A workspace: messages posted, replied to, changed, and found again.

Every message carries the effect keys of what it says in its metadata, so that one in doubt can be found in the
channel's history (https://docs.slack.dev/messaging/message-metadata), and a ``client_msg_id`` that is the same on
every try.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from connectors.slack.client import WebApi, Webhook
from connectors.slack.fitting import Fitted
from connectors.slack.settings import Posted
from hub.connector import (
    Check,
    ConfigError,
    Connection,
    Failure,
    Field,
    Mistake,
    Params,
    Permanent,
    Place,
    Secret,
    Timeout,
    model_validator,
)

_KEYS = uuid.UUID("6f9d3c1e-7a54-4b7f-9d0b-2f1f6f0c8a11")
_EVENT_TYPE = "hub_delivery"
#: So much of each effect key stands in a message that says several things: metadata must not be large.
_SHORT_KEY = 16


@dataclass(frozen=True, slots=True)
class Spot:
    """Where messages stand: a channel (as the rule names it), or the thread below a message in it."""

    channel: str
    thread: str | None = None


class Slack(Connection):
    """An app in one workspace: with its token, or with the address of one incoming webhook."""

    kind: ClassVar[str] = "slack"
    title: ClassVar[str] = "Slack"

    class Config(Params):
        """How to sign in."""

        token: Secret | None = Field(None, description="the app's bot token", examples=["${SLACK_TOKEN}"])
        webhook_url: Secret | None = Field(
            None, description="an incoming webhook's address, instead of a token", examples=["${SLACK_WEBHOOK}"]
        )
        base_url: str = Field(
            "https://slack.com/api/", description="where the Web API is", examples=["https://slack.com/api/"]
        )
        timeout: Timeout = Field(
            timedelta(seconds=20), description="how long to wait for an answer", examples=["20 seconds"]
        )

        @model_validator(mode="after")
        def _one_way_in(self) -> Slack.Config:
            if (self.token is None) == (self.webhook_url is None):
                raise Mistake("Slack needs “token:” or “webhook_url:”, one of them.", "token: ${SLACK_TOKEN}")
            return self

    def __init__(self, config: Slack.Config, place: Place) -> None:
        super().__init__(config, place)
        self._lock = threading.Lock()
        self._workspace = ""
        self._ids: dict[str, str] = {}
        self._api: WebApi | None = None
        self._webhook: Webhook | None = None
        if config.token is not None:
            self._api = WebApi(config.token.get_secret_value(), config.base_url, config.timeout)
        if config.webhook_url is not None:
            self._webhook = Webhook(config.webhook_url.get_secret_value(), config.timeout)

    @property
    def has_threads(self) -> bool:
        """Whether a message can be found, replied to and changed; through a webhook it cannot."""
        return self._webhook is None

    @property
    def api(self) -> WebApi:
        """The Web API; raises ``Permanent`` when there is only a webhook."""
        if self._api is None:
            raise Permanent("A webhook can only post. For this, Slack needs “token:” instead of “webhook_url:”.")
        return self._api

    def post(self, spot: Spot, message: Fitted, keys: Sequence[str]) -> Posted:
        """Posts a message that says what ``keys`` are about; raises a ``Failure``."""
        metadata = {"event_type": _EVENT_TYPE, "event_payload": _payload(keys)}
        if self._webhook is not None:
            self._webhook.post(message.text, message.blocks, metadata)
            return Posted(joined=_several(keys))
        workspace = self.workspace()  # before the message is out, so that a failure here leaves no doubt
        arguments: dict[str, Any] = {
            "channel": spot.channel,
            "text": message.text,
            "metadata": metadata,
            "client_msg_id": str(uuid.uuid5(_KEYS, " ".join(keys))),
            "unfurl_links": False,
            "unfurl_media": False,
        }
        arguments |= {"blocks": message.blocks} if message.blocks else {}
        arguments |= {"thread_ts": spot.thread} if spot.thread else {}
        answer = self.api.post(arguments)
        with self._lock:
            self._ids[spot.channel] = answer["channel"]
        return _posted(workspace, answer["channel"], answer["ts"], _several(keys))

    def update(self, channel: str, ts: str, text: str) -> Posted:
        """Changes a message in the channel with this id; raises a ``Failure``."""
        workspace = self.workspace()
        # Unlike a post, an update has names turned into links unless it is told not to.
        self.api.update({"channel": channel, "ts": ts, "text": text, "parse": "none"})
        return _posted(workspace, channel, ts)

    def told(self, spot: Spot, since: int | None) -> Mapping[str, Posted] | None:
        """The hub's messages in a place since then (ms), by effect key; None: the app may not see all. Raises.

        A message that says several things is found by each key's beginning: see :func:`said`.
        """
        if self._webhook is not None:
            return None
        try:
            channel = self.channel_id(spot.channel)
            return None if channel is None else self._told_in(channel, spot.thread, since)
        except (ConfigError, Permanent):
            return None  # without the scope channels:history, or not in the channel

    def _told_in(self, channel: str, thread: str | None, since: int | None) -> Mapping[str, Posted] | None:
        arguments: dict[str, Any] = {"channel": channel, "include_all_metadata": True}
        if since is not None:
            arguments["oldest"] = f"{since / 1000 - _CLOCKS_DIFFER:.6f}"
        method = "conversations.history"
        if thread is not None:
            method, arguments = "conversations.replies", {**arguments, "ts": thread}
        found: dict[str, Posted] = {}
        for message in _pages(self.api, method, "messages", arguments):
            if message is None:
                return None
            keys = _keys_of(message)
            found |= dict.fromkeys(keys, _posted(self.workspace(), channel, message["ts"], _several(keys)))
        return found

    def workspace(self) -> str:
        """The workspace's address, with a final slash; asked for once. Raises a ``Failure``."""
        with self._lock:
            if not self._workspace:
                self._workspace = str(self.api.read("auth.test", {})["url"]).rstrip("/") + "/"
            return self._workspace

    def channel_id(self, channel: str) -> str | None:
        """The id of ``#name``; None: the app sees no such channel. Raises a ``Failure``."""
        if not channel.startswith("#"):
            return channel
        with self._lock:
            if channel not in self._ids:
                self._ids |= self._listed(channel)
            return self._ids.get(channel)

    def _listed(self, channel: str) -> dict[str, str]:
        # Apart, because a token that may list the public ones need not be allowed the private ones.
        for kind in ("public_channel", "private_channel"):
            arguments = {"types": kind, "exclude_archived": True}
            for one in _pages(self.api, "conversations.list", "channels", arguments):
                if one is not None and f"#{one['name']}" == channel:
                    return {channel: one["id"]}
        return {}

    def check(self) -> Check:
        try:
            return self._check_webhook(self._webhook) if self._webhook else self._check_token()
        except ConfigError as failure:
            return Check(False, failure.message, failure.hint)
        except Failure as failure:
            return Check(False, failure.message, "Try again when Slack can be reached; is “base_url” right?")

    def _check_webhook(self, webhook: Webhook) -> Check:
        if webhook.is_there():
            return Check(True, "Slack knows the webhook.")
        hint = "Make a new webhook on the app's page “Incoming Webhooks” and put its address into “webhook_url”."
        return Check(False, "Slack does not know the webhook.", hint)

    def _check_token(self) -> Check:
        who, scopes = self.api.scopes()
        if scopes and "chat:write" not in scopes:
            hint = "Add the scope chat:write on the app's page “OAuth & Permissions” and renew “token”."
            return Check(False, "The Slack app may not post.", hint)
        message = f"Signed in to {who.get('team', 'Slack')} as {who.get('user', 'an app')}."
        if not scopes or {"channels:history", "channels:read"} <= scopes:
            return Check(True, message)
        hint = "With the scopes channels:history and channels:read, a message in doubt would be looked up."
        return Check(True, message, hint)


#: A look-up begins this much earlier (seconds), should this machine's clock be fast.
_CLOCKS_DIFFER = 300
_PAGE = 200
_MOST_PAGES = 10


def _pages(api: WebApi, method: str, name: str, arguments: dict[str, Any]) -> Iterator[dict[str, Any] | None]:
    """The entries of a listing, page by page; None after the last page that is read, if there were more."""
    cursor = ""
    for _ in range(_MOST_PAGES):
        answer = api.read(method, {**arguments, "limit": _PAGE} | ({"cursor": cursor} if cursor else {}))
        yield from answer.get(name, [])
        cursor = (answer.get("response_metadata") or {}).get("next_cursor", "")
        if not cursor:
            return
    yield None


def said(told: Mapping[str, Posted], key: str) -> Posted | None:
    """The message that says what ``key`` is about, alone or with others."""
    return told.get(key) or told.get(key[:_SHORT_KEY])


def _payload(keys: Sequence[str]) -> dict[str, str]:
    # Slack's metadata may hold lists of groups, but none of texts.
    return {"key": keys[0]} if len(keys) == 1 else {"keys": " ".join(key[:_SHORT_KEY] for key in keys)}


def _keys_of(message: Mapping[str, Any]) -> list[str]:
    metadata = message.get("metadata", {})
    if metadata.get("event_type") != _EVENT_TYPE:
        return []
    payload = metadata.get("event_payload", {})
    return str(payload.get("key") or payload.get("keys", "")).split()


def _several(keys: Sequence[str]) -> int | None:
    return len(keys) if len(keys) > 1 else None


def _posted(workspace: str, channel: str, ts: str, joined: int | None = None) -> Posted:
    # chat.getPermalink would give the same link for one more call.
    return Posted(link=f"{workspace}archives/{channel}/p{ts.replace('.', '')}", ts=ts, channel=channel, joined=joined)
