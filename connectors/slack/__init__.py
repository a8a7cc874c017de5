"""Messages to Slack channels: ``slack.message``, ``slack.update``.

Slack takes about one message a second in a channel. What is due meanwhile goes out together, in one message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar

from connectors import digests
from connectors.slack.answers import MessageRefused
from connectors.slack.connection import Slack, Spot, said
from connectors.slack.fitting import LONGEST_TEXT, Fitted, cut, fit, joined
from connectors.slack.settings import Message, Posted, Update
from hub.connector import (
    CANNOT_TELL,
    NOT_APPLIED,
    Action,
    Ambiguous,
    Answer,
    Batch,
    Connection,
    Delivery,
    Failure,
    Idempotency,
    LeftOver,
    Params,
    Permanent,
    Result,
)

__all__ = ["ACTIONS", "PostMessage", "Slack", "UpdateMessage"]

#: What is told of an order stands in the thread of its first message.
_FIRST = ("slack.message",)


class PostMessage(Action[Slack, Message]):
    """Posts a message to a channel; several that are due at once together."""

    name: ClassVar[str] = "slack.message"
    title: ClassVar[str] = "Post a message to a Slack channel"
    connection: ClassVar[type[Connection]] = Slack
    params: ClassVar[type[Params]] = Message
    result: ClassVar[type[Result]] = Posted
    idempotency: ClassVar[Idempotency] = Idempotency.LOOKUP
    on_unknown: ClassVar[str] = "resend"
    lane: ClassVar[tuple[str, ...]] = ("channel",)
    max_batch: ClassVar[int] = 100
    # https://docs.slack.dev/apis/web-api/rate-limits: one message per second per channel.
    pace: ClassVar[timedelta] = timedelta(seconds=1)
    follows: ClassVar[tuple[str, ...]] = _FIRST

    def not_before(self, params: Message, now: datetime) -> datetime | None:
        return digests.due(params.digest, now)

    def run(self, connection: Slack, batch: Batch[Message]) -> list[Result | Failure]:
        together = _together(batch.deliveries)
        outcome = _tried(connection, together, batch)
        if len(together) > 1 and isinstance(outcome, MessageRefused):
            # One text that Slack does not take has the others refused too: they go on after it.
            together = together[:1]
            outcome = _tried(connection, together, batch)
        return [outcome] * len(together) + [LeftOver()] * (len(batch) - len(together))

    def lookup(self, connection: Slack, batch: Batch[Message]) -> list[Result | Answer]:
        spots = [_spot(connection, one) for one in batch.deliveries]
        told = {spot: connection.told(spot, batch.since) for spot in set(spots)}
        return [_found(connection, one, told[spot], batch) for spot, one in zip(spots, batch.deliveries, strict=True)]


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
    follows: ClassVar[tuple[str, ...]] = _FIRST

    def run(self, connection: Slack, batch: Batch[Update]) -> list[Result | Failure]:
        try:
            return [_update(connection, one, batch) for one in batch.deliveries]
        except Failure as failure:
            return [failure] * len(batch)


def _together(deliveries: Sequence[Delivery[Message]]) -> Sequence[Delivery[Message]]:
    """The first of a batch, and those after it that fit into the same message."""
    first = deliveries[0]
    length, count = len(first.params.text), 1
    if not _joins(first.params):
        return deliveries[:1]
    for one in deliveries[1:]:
        length += len(one.params.text) + 2
        if not _joins(one.params) or one.params.channel != first.params.channel or length > LONGEST_TEXT:
            break
        count += 1
    return deliveries[:count]


def _joins(params: Message) -> bool:
    return params.blocks is None and params.thread is None and params.digest != digests.NEVER


def _tried(connection: Slack, together: Sequence[Delivery[Message]], batch: Batch[Message]) -> Result | Failure:
    try:
        if len(together) == 1:
            return _post(connection, together[0], batch)
        text = joined([one.params.text for one in together])
        return connection.post(Spot(together[0].params.channel), fit(text), [one.key for one in together])
    except Failure as failure:
        return failure


def _post(connection: Slack, delivery: Delivery[Message], batch: Batch[Message]) -> Posted:
    """Posts one message, and what had to be cut from it into its thread; raises a ``Failure``."""
    spot, fitted = _spot(connection, delivery), fit(delivery.params.text, delivery.params.blocks)
    if not fitted.rest or not connection.has_threads:
        return connection.post(spot, fitted, [delivery.key])
    told = connection.told(spot, batch.since) if batch.repeated else None
    posted = said(told or {}, delivery.key) or connection.post(spot, fitted, [delivery.key])
    below = Spot(delivery.params.channel, spot.thread or posted.ts)
    there = (connection.told(below, batch.since) if batch.repeated else None) or {}
    for key, text in zip(_rest_keys(delivery.key, fitted), fitted.rest, strict=True):
        if key not in there:
            _carry_on(connection, below, text, key)
    return posted


def _carry_on(connection: Slack, below: Spot, text: str, key: str) -> None:
    try:
        connection.post(below, Fitted(text, None, ()), [key])
    except Permanent:
        raise
    except Failure as failure:
        # Its beginning is posted: from now on it is looked up before anything more is sent.
        raise Ambiguous(f"The rest of a long message is still to come. {failure.message}") from None


def _rest_keys(key: str, fitted: Fitted) -> list[str]:
    return [f"{key}/{number}" for number, _ in enumerate(fitted.rest, 2)]


def _found(
    connection: Slack, delivery: Delivery[Message], told: Mapping[str, Posted] | None, batch: Batch[Message]
) -> Result | Answer:
    if told is None:
        return CANNOT_TELL
    posted = said(told, delivery.key)
    if posted is None:
        return NOT_APPLIED
    fitted = fit(delivery.params.text, delivery.params.blocks)
    if not fitted.rest:
        return posted
    below = connection.told(Spot(delivery.params.channel, _thread(connection, delivery) or posted.ts), batch.since)
    complete = below is not None and below.keys() >= set(_rest_keys(delivery.key, fitted))
    return posted if complete else NOT_APPLIED


def _spot(connection: Slack, delivery: Delivery[Message]) -> Spot:
    return Spot(delivery.params.channel, _thread(connection, delivery))


def _thread(connection: Slack, delivery: Delivery[Message]) -> str | None:
    """The order's first message in the channel, if this one is to stand below it. Raises a ``Failure``."""
    if delivery.params.thread is None or not connection.has_threads or not delivery.earlier:
        return None
    channel = connection.channel_id(delivery.params.channel)
    return next((str(one["ts"]) for one in delivery.earlier if one.get("channel") == channel), None)


def _update(connection: Slack, delivery: Delivery[Update], batch: Batch[Update]) -> Posted:
    """Changes a message; one that says other things too gets a reply instead. Raises a ``Failure``."""
    wanted, channel = delivery.params, connection.channel_id(delivery.params.channel)
    if channel is None:
        raise Permanent(f"The app sees no channel {wanted.channel}. Use  steps.<id>.channel  instead of its name.")
    known = {str(one["ts"]): one for one in delivery.earlier if one.get("channel") == channel and "ts" in one}
    ts = wanted.ts or next(iter(known), None)
    if ts is None:
        raise Permanent(f"No message of this order was posted in {wanted.channel}: there is nothing to change.")
    if known.get(ts, {}).get("joined") is None:
        return connection.update(channel, ts, cut(wanted.text)[0])
    below = Spot(channel, ts)
    told = connection.told(below, batch.since) if batch.repeated else None
    return said(told or {}, delivery.key) or connection.post(below, fit(wanted.text), [delivery.key])


ACTIONS = (PostMessage(), UpdateMessage())
