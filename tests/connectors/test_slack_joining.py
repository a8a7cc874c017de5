"""Several messages in one, threads and changes of joined messages, blocks, and when a digest is due."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors.slack import PostMessage, Slack, UpdateMessage
from connectors.slack.settings import Message, Posted
from hub.clock import ManualClock
from hub.connector import NOT_APPLIED, Batch, Delivery, LeftOver, Permanent, Place, Result
from hub.testing.faults import Fault
from hub.testing.sending import INSERTED, delivery, key, send, send_again
from hub.testing.slack import Slack as Fake

POST, UPDATE = PostMessage(), UpdateMessage()
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def fake() -> Iterator[Fake]:
    with Fake(clock=ManualClock()) as running:
        yield running


@pytest.fixture
def slack(fake: Fake, tmp_path: Path) -> Slack:
    settings = {"base_url": fake.base_url, "token": fake.token, "timeout": "0.5 seconds"}
    return Slack(Slack.Config.model_validate(settings), Place("s", tmp_path, "h", ManualClock()))


def told(number: int, text: str = "", earlier: Sequence[Mapping[str, Any]] = (), **more: Any) -> Delivery[Any]:
    made = delivery(POST, {"channel": "#orders", "text": text or f"Order {number}", **more}, number)
    return replace(made, earlier=earlier)


def changed(number: int, earlier: Sequence[Mapping[str, Any]], **more: Any) -> Delivery[Any]:
    made = delivery(UPDATE, {"channel": "#orders", "text": f"Changed {number}", **more}, number)
    return replace(made, earlier=earlier)


def receipts(outcomes: Sequence[object]) -> list[Mapping[str, Any]]:
    assert all(isinstance(one, Posted) for one in outcomes), outcomes
    return [one.model_dump(exclude_none=True) for one in outcomes if isinstance(one, Posted)]


def test_what_is_due_at_once_is_one_message_with_a_line_each(fake: Fake, slack: Slack) -> None:
    posted = receipts(POST.run(slack, Batch(1, [told(number) for number in range(1, 4)])))
    assert fake.channel("#orders").texts == ["Order 1\nOrder 2\nOrder 3"]
    assert [one["joined"] for one in posted] == [3, 3, 3]
    assert len({one["ts"] for one in posted}) == 1


def test_messages_of_several_lines_are_kept_apart(fake: Fake, slack: Slack) -> None:
    POST.run(slack, Batch(1, [told(1, "Order 1\nfrom Ana"), told(2)]))
    assert fake.channel("#orders").texts == ["Order 1\nfrom Ana\n\nOrder 2"]


def test_only_what_fits_goes_along_and_the_rest_is_left_for_the_next_batch(fake: Fake, slack: Slack) -> None:
    outcomes = POST.run(slack, Batch(1, [told(number, "x" * 1_500) for number in range(5)]))
    assert [isinstance(one, LeftOver) for one in outcomes] == [False, False, True, True, True]
    assert len(fake.channel("#orders").texts) == 1


@pytest.mark.parametrize(
    "alone",
    [
        {"digest": "never"},
        {"thread": "order"},
        {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "Order"}}]},
        {"channel": "#support"},
    ],
)
def test_some_messages_go_alone(fake: Fake, slack: Slack, alone: dict[str, Any]) -> None:
    batch = [told(1), told(2, **alone), told(3)]
    assert len(receipts(send(POST, slack, Batch(1, batch)))) == 3
    assert fake.channel("#orders").texts + fake.channel("#support").texts in (
        ["Order 1", "Order 2", "Order 3"],
        ["Order 1", "Order 3", "Order 2"],
    )


def test_a_joined_message_in_doubt_is_found_by_every_delivery_in_it(fake: Fake, slack: Slack) -> None:
    batch = Batch(1, [told(number) for number in range(40)])
    fake.fail(Fault.DROP)
    send(POST, slack, batch)
    outcomes = send_again(POST, slack, batch)
    assert {one["joined"] for one in receipts(outcomes)} == {40}
    assert [fake.effects(one) for one in batch.deliveries] == [1] * 40
    assert POST.lookup(slack, Batch(1, [told(41)])) == [NOT_APPLIED]


def test_without_the_right_to_look_the_same_messages_come_together_again(fake: Fake, slack: Slack) -> None:
    fake.scopes = ["chat:write"]
    batch = Batch(1, [told(number) for number in range(3)])
    fake.fail(Fault.DROP)
    send(POST, slack, batch)
    send_again(POST, slack, batch)
    first, second = fake.channel("#orders").texts
    assert first == second, "better twice than never"


def test_one_text_that_slack_refuses_dies_alone(fake: Fake, slack: Slack) -> None:
    fake.workspace.unwanted = "Order 2"
    outcomes = send(POST, slack, Batch(1, [told(number) for number in range(1, 5)]))
    assert [type(one).__name__ for one in outcomes] == ["Posted", "MessageRefused", "Posted", "Posted"]
    assert sorted("\n".join(fake.channel("#orders").texts).split("\n")) == ["Order 1", "Order 3", "Order 4"]


def test_a_channel_that_is_not_there_is_asked_for_once_for_all(fake: Fake, slack: Slack) -> None:
    outcomes = POST.run(slack, Batch(1, [told(number, channel="#nowhere") for number in range(50)]))
    assert all(isinstance(one, Permanent) for one in outcomes)
    assert fake.calls == 1


def test_a_reply_stands_below_the_orders_first_message_in_that_channel(fake: Fake, slack: Slack) -> None:
    elsewhere, first = receipts(send(POST, slack, Batch(1, [told(1, channel="#support"), told(2)])))
    send(POST, slack, Batch(2, [told(3, "Refunded", [elsewhere, first], thread="order")]))
    reply = fake.channel("#orders").messages[-1]
    assert (reply["text"], reply["thread_ts"]) == ("Refunded", first["ts"])


def test_the_orders_first_message_begins_the_thread(fake: Fake, slack: Slack) -> None:
    send(POST, slack, Batch(1, [told(1, thread="order")]))
    assert "thread_ts" not in fake.channel("#orders").messages[-1]


def test_a_reply_in_doubt_is_found_in_its_thread(fake: Fake, slack: Slack) -> None:
    (first,) = receipts(send(POST, slack, Batch(1, [told(1)])))
    reply = Batch(2, [told(2, "Refunded", [first], thread="order")])
    fake.fail(Fault.DROP)
    send(POST, slack, reply)
    send_again(POST, slack, reply)
    assert fake.channel("#orders").texts == ["Order 1", "Refunded"]


def test_the_rest_of_a_long_message_in_doubt_comes_once(fake: Fake, slack: Slack) -> None:
    long = Batch(1, [told(1, "x" * 9_000)])
    for faults in ([Fault.NONE, Fault.DROP], [Fault.NONE, Fault.NONE]):
        fake.fail(*faults)
        (send if faults[1] is Fault.DROP else send_again)(POST, slack, long)
    said = fake.channel("#orders").texts
    assert [len(one) for one in said] == [4_000, 4_000, 1_002]


def test_an_update_changes_the_orders_first_message(fake: Fake, slack: Slack) -> None:
    (first,) = receipts(send(POST, slack, Batch(1, [told(1)])))
    assert isinstance(UPDATE.run(slack, Batch(2, [changed(2, [first])]))[0], Result)
    assert fake.channel("#orders").texts == ["Changed 2"]
    (nothing,) = UPDATE.run(slack, Batch(3, [changed(3, [])]))
    assert isinstance(nothing, Permanent)
    assert "#orders" in nothing.message


@pytest.mark.parametrize("named", [True, False])
def test_an_update_of_a_joined_message_is_a_reply_so_that_the_others_stay(
    fake: Fake, slack: Slack, named: bool
) -> None:
    first, _ = receipts(POST.run(slack, Batch(1, [told(1), told(2)])))
    more = {"ts": first["ts"]} if named else {}
    batch = Batch(2, [changed(3, [first], **more)])
    fake.fail(Fault.DROP)
    send(UPDATE, slack, batch)
    send_again(UPDATE, slack, batch)
    assert fake.channel("#orders").texts == ["Order 1\nOrder 2", "Changed 3"]
    assert fake.channel("#orders").messages[-1]["thread_ts"] == first["ts"]


def test_blocks_are_cut_to_slacks_limits_and_what_was_cut_is_in_the_thread(fake: Fake, slack: Slack) -> None:
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": "h" * 200}},
        *({"type": "section", "text": {"type": "mrkdwn", "text": f"{number}" * 3_500}} for number in range(4)),
        *({"type": "divider"} for _ in range(50)),
        {"type": "section", "text": {"type": "mrkdwn", "text": "the end"}},
    ]
    outcome = send(POST, slack, Batch(1, [told(1, "Order 1", blocks=blocks)]))[0]
    assert isinstance(outcome, Posted), repr(outcome)
    first, *rest = fake.channel("#orders").messages
    shown = first["blocks"][0]["text"]["text"]
    assert (len(shown), shown[-1]) == (150, "…")
    everything = "".join(one["text"] for one in rest)
    assert everything.count("h") == 200 - 149 + "the end".count("h")
    assert everything.endswith("the end")
    assert everything.count("3") >= 3_400


def test_a_value_in_blocks_is_inert_wherever_it_stands(fake: Fake, slack: Slack) -> None:
    blocks = [{"type": "section", "fields": [{"type": "mrkdwn", "text": f"From {INSERTED}"}]}]
    made = delivery(POST, {"channel": "#orders", "text": "Order", "blocks": blocks}, 1, "<!channel>")
    send(POST, slack, Batch(1, [made]))
    field = fake.channel("#orders").messages[0]["blocks"][0]["fields"][0]
    assert field["text"] == "From &lt;!channel&gt;"


@pytest.mark.parametrize(
    ("digest", "now", "due"),
    [
        ("hourly", "2026-11-25T14:20:30", "2026-11-25T15:00:00"),
        ("hourly", "2026-11-25T14:00:00", "2026-11-25T15:00:00"),
        ("daily 18:00", "2026-11-25T14:20:30", "2026-11-25T18:00:00"),
        ("daily 18:00", "2026-11-25T18:00:00", "2026-11-26T18:00:00"),
        ("Daily  9:05", "2026-12-31T23:59:59", "2027-01-01T09:05:00"),
        ("daily 18:00", "2026-10-24T19:00:00", "2026-10-25T18:00:00"),  # the night has an hour more
        ("never", "2026-11-25T14:20:30", None),
        (None, "2026-11-25T14:20:30", None),
    ],
)
def test_a_digest_is_due_at_the_next_such_time_of_the_shop(digest: str | None, now: str, due: str | None) -> None:
    params = Message(channel="#orders", text="Order", digest=digest)
    found = POST.not_before(params, datetime.fromisoformat(now).replace(tzinfo=BERLIN))
    assert (found and found.replace(tzinfo=None).isoformat()) == due


def test_an_hour_after_the_clock_was_turned_back_is_one_hour() -> None:
    params = Message(channel="#orders", text="Order", digest="hourly")
    first = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN)
    found = POST.not_before(params, first)
    assert found is not None
    assert found.timestamp() - first.timestamp() == 1_800


@pytest.mark.parametrize("digest", ["weekly", "daily", "daily 25:00", "18:00"])
def test_another_digest_is_told_what_it_may_be(digest: str) -> None:
    with pytest.raises(ValueError, match="never, hourly, or daily"):
        Message(channel="#orders", text="Order", digest=digest)


def test_keys_of_joined_messages_are_the_beginnings_of_effect_keys(fake: Fake, slack: Slack) -> None:
    POST.run(slack, Batch(1, [told(1), told(2)]))
    assert set(fake.counts) == {key(1)[:16], key(2)[:16]}
