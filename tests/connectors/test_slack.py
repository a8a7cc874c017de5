"""What shops see of Slack: texts that are too long, links, missing scopes, what a webhook cannot do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.slack import PostMessage, Slack, UpdateMessage
from hub.clock import ManualClock
from hub.connector import CANNOT_TELL, NOT_APPLIED, Batch, ConfigError, Permanent, Place, RateLimited, Result
from hub.testing.sending import INSERTED, delivery, send
from hub.testing.slack import Slack as Fake

POST, UPDATE = PostMessage(), UpdateMessage()


@pytest.fixture
def fake() -> Iterator[Fake]:
    with Fake(clock=ManualClock()) as running:
        yield running


def opened(fake: Fake, folder: Path, **settings: Any) -> Slack:
    settings = settings or {"token": fake.token}
    return Slack(
        Slack.Config.model_validate({"base_url": fake.base_url, **settings}), Place("s", folder, "h", ManualClock())
    )


def message(text: str, number: int = 1, value: str = "Ana", channel: str = "#orders") -> Batch[Any]:
    return Batch(1, [delivery(POST, {"channel": channel, "text": text}, number, value)])


def test_a_text_that_is_too_long_is_cut_never_inside_an_entity_and_goes_on_in_the_thread(
    fake: Fake, tmp_path: Path
) -> None:
    slack, channel = opened(fake, tmp_path), fake.channel("#orders")
    for number, length in enumerate(range(3_990, 4_000)):
        outcome = send(POST, slack, message("x" * length + INSERTED, number, "&" * 20))[0]
        assert isinstance(outcome, Result), repr(outcome)
    first = [one for one in channel.messages if "thread_ts" not in one]
    assert len(first) == 10
    for one, length in zip(first, range(3_990, 4_000), strict=True):
        said = [part["text"] for part in channel.thread(one["ts"])]
        assert max(map(len, said)) <= 4_000
        assert said[0].endswith("…")
        assert "&" not in said[0].removesuffix("…").rpartition("&amp;")[2], "half an entity"
        assert "".join(part.removesuffix("…") for part in said) == "x" * length + "&amp;" * 20, "all of it is there"


def test_the_answer_has_what_later_steps_need_and_an_update_uses_it(fake: Fake, tmp_path: Path) -> None:
    slack = opened(fake, tmp_path)
    posted: Any = send(POST, slack, message("Paid"))[0]
    assert posted.link.endswith(f"/archives/{posted.channel}/p{posted.ts.replace('.', '')}")
    changed = delivery(UPDATE, {"channel": posted.channel, "ts": posted.ts, "text": "Shipped"}, 2)
    assert isinstance(send(UPDATE, slack, Batch(2, [changed]))[0], Result)
    assert fake.channel("#orders").texts == ["Shipped"]


def test_too_many_messages_to_a_channel_wait_as_slack_says(fake: Fake, tmp_path: Path) -> None:
    fake.workspace.per_second = 1
    slack = opened(fake, tmp_path)
    outcomes = [send(POST, slack, message("Paid", number))[0] for number in range(3)]
    limited = [one for one in outcomes if isinstance(one, RateLimited)]
    assert limited
    assert {one.after for one in limited} == {timedelta(seconds=1)}
    assert isinstance(send(POST, slack, message("Paid", 9, channel="#support"))[0], Result), "another channel goes on"


def test_an_app_that_may_not_post_is_told_which_scope_it_needs(fake: Fake, tmp_path: Path) -> None:
    fake.scopes = ["channels:read"]
    slack = opened(fake, tmp_path)
    checked = slack.check()
    assert not checked.ok
    assert "chat:write" in checked.hint
    outcome = send(POST, slack, message("Paid"))[0]
    assert isinstance(outcome, ConfigError), repr(outcome)
    assert "chat:write" in f"{outcome.message} {outcome.hint}"


def test_a_message_in_doubt_is_found_or_missed_or_nobody_can_tell(fake: Fake, tmp_path: Path) -> None:
    slack = opened(fake, tmp_path)
    send(POST, slack, message("Paid", 1))
    assert isinstance(POST.lookup(slack, message("Paid", 1))[0], Result)
    assert POST.lookup(slack, message("Paid", 2)) == [NOT_APPLIED]
    fake.scopes = ["chat:write"]
    assert POST.lookup(opened(fake, tmp_path), message("Paid", 1)) == [CANNOT_TELL], "not allowed to look"


def test_a_webhook_posts_and_says_that_it_cannot_change_anything(fake: Fake, tmp_path: Path) -> None:
    slack = opened(fake, tmp_path, webhook_url=fake.webhook_url)
    assert isinstance(send(POST, slack, message("Paid"))[0], Result)
    changed = delivery(UPDATE, {"channel": "#orders", "ts": "1.000001", "text": "Shipped"}, 2)
    outcome = send(UPDATE, slack, Batch(2, [changed]))[0]
    assert isinstance(outcome, Permanent)
    assert "token:" in outcome.message
