"""What a step says, and what it gets to know: the settings and results of the Slack actions."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from connectors.digests import Digest
from hub.connector import AfterValidator, Blocks, Field, Mistake, Mrkdwn, Params, PlainText, Result


def _channel(text: str) -> str:
    channel = text.strip()
    if not re.fullmatch(r"#\S{1,80}|[CGDUW][A-Z0-9]{7,20}", channel):
        name = channel.lstrip("#")
        raise Mistake("A Slack channel starts with #.", f"#{name[:80]}" if name else "#orders")
    return channel


def _some_text(text: str) -> str:
    if not text.strip():
        raise Mistake("There is nothing to say: the text is empty.")
    return text


def _block_kit(blocks: Any) -> Any:
    if isinstance(blocks, list) and blocks and all(isinstance(one, dict) and one.get("type") for one in blocks):
        return blocks
    raise Mistake("“blocks” is a list of Slack's blocks, each with a “type”.")


Channel = Annotated[PlainText, AfterValidator(_channel)]
Text = Annotated[Mrkdwn, AfterValidator(_some_text)]


class Message(Params):
    """A message to post."""

    channel: Channel = Field(
        description="#name or id; with a webhook, the webhook's own channel wins", examples=["#orders"]
    )
    text: Text = Field(
        description="Slack's own markup works in what you write, not in what is inserted",
        examples=["Order {{ order.number }} is paid"],
    )
    blocks: Annotated[Blocks, AfterValidator(_block_kit)] | None = Field(
        None,
        description="a layout from Slack's Block Kit Builder; “text” is then what notifications show",
        examples=[[{"type": "section", "text": {"type": "mrkdwn", "text": "Order {{ order.number }}"}}]],
    )
    thread: Literal["order"] | None = Field(
        None,
        description="order: reply to the order's first message in this channel, if there is one",
        examples=["order"],
    )
    digest: Digest | None = Field(
        None,
        description="hourly or daily 18:00: gathered until then; never: always a message of its own",
        examples=["daily 18:00"],
    )


class Update(Params):
    """A message to change."""

    channel: Channel = Field(description="#name or id", examples=["{{ steps.notice.channel }}"])
    ts: Annotated[PlainText, Field(pattern=r"^\d{1,12}\.\d{1,6}$")] | None = Field(
        None,
        description="which message: steps.<id>.ts of the step that posted it; else the order's first one there",
        examples=["1764000000.000100"],
    )
    text: Text = Field(description="the new text", examples=["Order {{ order.number }} is on its way"])


class Posted(Result):
    """Where the message is; a webhook does not say."""

    link: str | None = Field(
        None, description="opens the message", examples=["https://shop.slack.com/archives/C000000001/p1764000000000100"]
    )
    ts: str | None = Field(None, description="the message, for slack.update", examples=["1764000000.000100"])
    channel: str | None = Field(None, description="the channel's id", examples=["C000000001"])
    joined: int | None = Field(None, description="how many messages went out in this one", examples=[12])
