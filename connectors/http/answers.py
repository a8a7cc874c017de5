"""What a call's answer means for its delivery, and what of it is kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from connectors.http.client import Reply, Request
from hub.connector import Ambiguous, Failure, Field, Permanent, RateLimited, Result, Retryable

_LONGEST_TEXT = 10_000
_DEEPEST = 100
_WAIT = timedelta(seconds=10)  # after a 429 that does not say how long
_LONGEST_WAIT = timedelta(hours=1)


class Answered(Result):
    """What the server answered."""

    status: int = Field(description="the status code", examples=[200])
    json_: Any = Field(None, alias="json", description="the answer's data, if it is JSON", examples=[{"id": 7}])
    text: str = Field("", description="the answer's first 10,000 characters", examples=["ok"])


def outcome(call: Request, reply: Reply, now: int) -> Result | Failure:
    """What an answer means: https://www.rfc-editor.org/rfc/rfc9110#name-status-codes"""
    status = reply.status
    if 200 <= status < 300:
        text = _text(reply)
        return Answered(status=status, json=_json(text) if reply.is_whole else None, text=text[:_LONGEST_TEXT])
    said = f"{call.host} answered {status}{_phrase(status)}"
    wait = _retry_after(reply.headers.get("Retry-After", ""), now)
    match status:
        case 429:
            return RateLimited(f"{said}: it asks to wait.", _WAIT if wait is None else wait)
        case 408 | 503:
            return Retryable(f"{said}.", wait)
        case _ if status >= 500:
            return Ambiguous(f"{said}; it may have acted all the same.")
        case 401 | 403:
            return Permanent(f"{said}: it does not accept the credentials. Check “auth” of the connection.")
        case _ if status < 400:
            return Permanent(f"{said}. The hub does not follow redirects: put the new address into the rule.")
        case _:
            return Permanent(f"{said}.")


def _phrase(status: int) -> str:
    try:
        return f" ({HTTPStatus(status).phrase})"
    except ValueError:
        return ""


def _retry_after(value: str, now: int) -> timedelta | None:
    """The wait that a ``Retry-After`` asks for, in seconds or until a date; None when it does not say."""
    if value.isascii() and value.isdigit():
        wait = timedelta(seconds=min(int(value[:9]), 10**6))
    else:
        try:
            until = parsedate_to_datetime(value)
        except ValueError:
            return None
        wait = until.astimezone(UTC) - datetime.fromtimestamp(now / 1000, UTC)
    return max(timedelta(0), min(wait, _LONGEST_WAIT))


def _text(reply: Reply) -> str:
    try:
        return reply.start.decode(reply.encoding, "replace")
    except LookupError:
        return reply.start.decode("utf-8", "replace")


def _json(text: str) -> Any:
    """The data in ``text``; None when it is no JSON, or JSON that cannot be kept."""
    try:
        return _storable(json.loads(text, parse_constant=_no_number), _DEEPEST)
    except (ValueError, RecursionError):
        return None


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _storable(value: Any, depth: int) -> Any:
    """``value`` without halves of surrogate pairs; raises ``ValueError`` when it is nested too deep."""
    if depth == 0:
        raise ValueError("nested too deep")
    match value:
        case str():
            return value if value.isascii() else value.encode("utf-8", "replace").decode()
        case list():
            return [_storable(one, depth - 1) for one in value]
        case dict():
            return {_storable(key, depth): _storable(one, depth - 1) for key, one in value.items()}
        case _:
            return value
