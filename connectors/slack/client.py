"""The two ways into Slack, by the official client: the Web API with a token, and an incoming webhook.

Every call is one request: the client's own repetition is off, because it sends a message again whose fate is unknown.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from http.client import HTTPException
from typing import Any, TypeVar
from urllib.error import URLError

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from connectors.slack.answers import failure
from hub.connector import Ambiguous, Retryable

T = TypeVar("T")

# The client would log the webhook's address, which is a secret, and what customers write. It must not be one of the
# loggers that a program's settings reach.
_SILENT = logging.Logger("slack", logging.CRITICAL + 1)


class WebApi:
    """Slack's methods; https://docs.slack.dev/apis/web-api."""

    def __init__(self, token: str, base_url: str, timeout: timedelta) -> None:
        # The annotation says int, but it is handed to the socket, which takes fractions.
        seconds: Any = timeout.total_seconds()
        self._client = WebClient(token, base_url, seconds, retry_handlers=[], logger=_SILENT)

    def post(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """chat.postMessage; returns its answer, raises a ``Failure``."""
        return self._call(lambda: self._client.chat_postMessage(**arguments), str(arguments["channel"]))

    def update(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """chat.update; returns its answer, raises a ``Failure``."""
        return self._call(lambda: self._client.chat_update(**arguments), str(arguments["channel"]))

    def read(self, method: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """A method without effect; what is in doubt can simply be asked again: ``Retryable``."""
        try:
            return self._call(lambda: self._client.api_call(method, params=dict(arguments)), "")
        except Ambiguous as error:
            raise Retryable(error.message) from None

    def scopes(self) -> tuple[Mapping[str, Any], set[str]]:
        """Who the token belongs to, and what it allows; raises a ``Failure``."""
        answer = self._raw(lambda: self._client.auth_test(), "")
        return answer.data, set(answer.headers.get("x-oauth-scopes", "").split(",")) - {""}

    def _call(self, call: Callable[[], Any], channel: str) -> Mapping[str, Any]:
        data: Mapping[str, Any] = self._raw(call, channel).data
        return data

    def _raw(self, call: Callable[[], Any], channel: str) -> Any:
        try:
            return _connected(call)
        except SlackApiError as error:
            answer = error.response
            headers = {name.lower(): value for name, value in answer.headers.items()}
            word, needed = str(answer.get("error", "")), str(answer.get("needed") or "")
            raise failure(answer.status_code, word, str(headers.get("retry-after", "")), channel, needed) from None


class Webhook:
    """One incoming webhook: it always posts to the channel it was made for."""

    def __init__(self, url: str, timeout: timedelta) -> None:
        seconds: Any = timeout.total_seconds()
        self._client = WebhookClient(url, seconds, retry_handlers=[], logger=_SILENT)

    def post(self, text: str, blocks: Sequence[Any] | None, metadata: dict[str, Any]) -> None:
        """Posts a message; raises a ``Failure``."""
        answer = _connected(
            lambda: self._client.send(
                text=text, blocks=blocks, metadata=metadata, unfurl_links=False, unfurl_media=False
            )
        )
        if answer.status_code != 200 or answer.body != "ok":
            headers = {name.lower(): value for name, value in answer.headers.items()}
            retry_after = headers.get("retry-after", "")
            raise failure(answer.status_code, answer.body.strip(), retry_after, "the webhook's channel")

    def is_there(self) -> bool:
        """Whether Slack knows the webhook: it refuses an empty message, and says so; raises a ``Failure``."""
        return bool(_connected(lambda: self._client.send(text="")).body.strip() == "no_text")


def _connected(call: Callable[[], T]) -> T:
    """The answer of ``call``; a connection that could not be made leaves no doubt, one that broke does."""
    try:
        return call()
    except URLError:
        # Raised while connecting or sending: Slack cannot have acted on a request that is not complete.
        raise Retryable("Slack cannot be reached.") from None
    except TimeoutError:
        raise Ambiguous("Slack did not answer in time; the message may be there all the same.") from None
    except (OSError, HTTPException, ValueError):
        raise Ambiguous("The connection to Slack broke; the message may be there all the same.") from None
