"""Messages to Slack channels: ``slack.message``, ``slack.update``.

Every message carries its effect key in its metadata, so that one in doubt can be found in the channel's history
(https://docs.slack.dev/messaging/message-metadata), and a ``client_msg_id`` that is the same on every try.
"""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, ClassVar, TypeVar

from connectors.slack.client import WebApi, Webhook
from connectors.slack.settings import Message, Posted, Update
from hub.connector import (
    CANNOT_TELL,
    NOT_APPLIED,
    Action,
    Answer,
    Batch,
    Check,
    ConfigError,
    Connection,
    Delivery,
    Failure,
    Field,
    Idempotency,
    Mistake,
    Params,
    Permanent,
    Place,
    Result,
    Secret,
    Timeout,
    model_validator,
)

T = TypeVar("T")

_KEYS = uuid.UUID("6f9d3c1e-7a54-4b7f-9d0b-2f1f6f0c8a11")
_EVENT_TYPE = "hub_delivery"
#: Slack recommends no more; chat.update refuses what is longer: https://docs.slack.dev/reference/methods/chat.update
_LONGEST_TEXT = 4_000


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
    def api(self) -> WebApi:
        """The Web API; raises ``Permanent`` when there is only a webhook."""
        if self._api is None:
            raise Permanent("A webhook can only post. For this, Slack needs “token:” instead of “webhook_url:”.")
        return self._api

    def post(self, delivery: Delivery[Message]) -> Posted:
        """Posts a message; raises a ``Failure``."""
        params, text = delivery.params, _fitting(delivery.params.text)
        metadata = {"event_type": _EVENT_TYPE, "event_payload": {"key": delivery.key}}
        if self._webhook is not None:
            self._webhook.post(text, metadata)
            return Posted()
        workspace = self.workspace()  # before the message is out, so that a failure here leaves no doubt
        answer = self.api.post(
            {
                "channel": params.channel,
                "text": text,
                "metadata": metadata,
                "client_msg_id": str(uuid.uuid5(_KEYS, delivery.key)),
                "unfurl_links": False,
                "unfurl_media": False,
            }
        )
        with self._lock:
            self._ids[params.channel] = answer["channel"]
        return _posted(workspace, answer["channel"], answer["ts"])

    def update(self, params: Update) -> Posted:
        """Changes a message; raises a ``Failure``."""
        channel, workspace = self.channel_id(params.channel), self.workspace()
        if channel is None:
            raise Permanent(f"The app sees no channel {params.channel}. Use  steps.<id>.channel  instead of its name.")
        # Unlike a post, an update has names turned into links unless it is told not to.
        self.api.update({"channel": channel, "ts": params.ts, "text": _fitting(params.text), "parse": "none"})
        return _posted(workspace, channel, params.ts)

    def find(self, delivery: Delivery[Message], since: int | None) -> Posted | Answer:
        """The message of an earlier try, if the app may read the channel's history; raises a ``Failure``."""
        if self._webhook is not None:
            return CANNOT_TELL
        try:
            channel = self.channel_id(delivery.params.channel)
            return CANNOT_TELL if channel is None else self._find_in(channel, delivery.key, since)
        except (ConfigError, Permanent):
            return CANNOT_TELL  # without the scope channels:history, or not in the channel

    def _find_in(self, channel: str, key: str, since: int | None) -> Posted | Answer:
        arguments: dict[str, Any] = {"channel": channel, "include_all_metadata": True}
        if since is not None:
            arguments["oldest"] = f"{since / 1000 - _CLOCKS_DIFFER:.6f}"
        for message in _pages(self.api, "conversations.history", "messages", arguments):
            if message is None:
                return CANNOT_TELL
            metadata = message.get("metadata", {})
            if metadata.get("event_type") == _EVENT_TYPE and metadata.get("event_payload", {}).get("key") == key:
                return _posted(self.workspace(), channel, message["ts"])
        return NOT_APPLIED

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


def _posted(workspace: str, channel: str, ts: str) -> Posted:
    # chat.getPermalink would give the same link for one more call.
    return Posted(link=f"{workspace}archives/{channel}/p{ts.replace('.', '')}", ts=ts, channel=channel)


def _fitting(text: str) -> str:
    """``text`` as Slack takes it: whole characters, and not too many."""
    text = text.encode("utf-8", "replace").decode()
    if len(text) <= _LONGEST_TEXT:
        return text
    # Not in the middle of an entity: what is left of it would be shown.
    return re.sub(r"&[a-z]{0,3}$", "", text[: _LONGEST_TEXT - 1]) + "…"


# --- The actions ------------------------------------------------------------------------------------------------


class PostMessage(Action[Slack, Message]):
    """Posts a message to a channel."""

    name: ClassVar[str] = "slack.message"
    title: ClassVar[str] = "Post a message to a Slack channel"
    connection: ClassVar[type[Connection]] = Slack
    params: ClassVar[type[Params]] = Message
    result: ClassVar[type[Result]] = Posted
    idempotency: ClassVar[Idempotency] = Idempotency.LOOKUP
    on_unknown: ClassVar[str] = "resend"
    lane: ClassVar[tuple[str, ...]] = ("channel",)

    def run(self, connection: Slack, batch: Batch[Message]) -> list[Result | Failure]:
        return [_tried(connection.post, one) for one in batch.deliveries]

    def lookup(self, connection: Slack, batch: Batch[Message]) -> list[Result | Answer]:
        return [connection.find(one, batch.since) for one in batch.deliveries]


class UpdateMessage(Action[Slack, Update]):
    """Changes a message that was posted earlier."""

    name: ClassVar[str] = "slack.update"
    title: ClassVar[str] = "Change a message in a Slack channel"
    connection: ClassVar[type[Connection]] = Slack
    params: ClassVar[type[Params]] = Update
    result: ClassVar[type[Result]] = Posted
    idempotency: ClassVar[Idempotency] = Idempotency.NATIVE  # the second time changes nothing
    on_unknown: ClassVar[str] = "resend"
    lane: ClassVar[tuple[str, ...]] = ("channel",)

    def run(self, connection: Slack, batch: Batch[Update]) -> list[Result | Failure]:
        return [_tried(connection.update, one.params) for one in batch.deliveries]


def _tried(send: Callable[[T], Result], what: T) -> Result | Failure:
    try:
        return send(what)
    except Failure as failure:
        return failure


ACTIONS = (PostMessage(), UpdateMessage())
