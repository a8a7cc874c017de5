"""Both shapes of event become one record, and nothing else does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.checkout.events import NotAnEvent, parse, told
from hub.model import Event, Source

SNAPSHOT: dict[str, Any] = {
    "id": "evt_1",
    "object": "event",
    "type": "checkout.session.completed",
    "created": 1_764_000_000,
    "livemode": True,
    "account": "acct_1",
    "data": {"object": {"id": "cs_1", "object": "checkout.session"}},
}
THIN: dict[str, Any] = {
    "id": "evt_2",
    "object": "v2.core.event",
    "type": "v1.checkout.session.completed",
    "created": "2025-11-24T16:00:00.500Z",
    "livemode": False,
    "context": "org_1/acct_2",
    "related_object": {"id": "cs_1", "type": "checkout.session", "url": "/v1/checkout/sessions/cs_1"},
}


def read(document: Any) -> Event:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return parse(body, source=Source.WEBHOOK, received_at=5)


def test_a_snapshot_event() -> None:
    event = read(SNAPSHOT)
    assert (event.id, event.type, event.object_id) == ("evt_1", "checkout.session.completed", "cs_1")
    assert (event.account, event.livemode, event.thin) == ("acct_1", True, False)
    assert event.created == 1_764_000_000_000
    assert told(event).about == {"id": "cs_1", "object": "checkout.session"}


def test_a_thin_notification_gets_the_name_of_its_snapshot_twin() -> None:
    event = read(THIN)
    assert (event.type, event.object_id, event.thin) == ("checkout.session.completed", "cs_1", True)
    assert (event.account, event.livemode) == ("acct_2", False)
    assert event.created == 1_764_000_000_500
    assert told(event).url == "/v1/checkout/sessions/cs_1"


def test_a_ping_is_an_event_like_any_other() -> None:
    ping = THIN | {"type": "v2.core.event_destination.ping", "related_object": None}
    assert read(ping).type == "v2.core.event_destination.ping"


def test_what_an_old_or_sparse_body_lacks_is_empty() -> None:
    sparse = {key: SNAPSHOT[key] for key in ("id", "object", "type", "created")} | {"data": {"object": {}}}
    event = read(sparse)
    assert (event.account, event.livemode, event.object_id) == ("", False, "")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'"x"',
        b"{",
        b"\xff\xfe",
        b'{"id": NaN}',
        b"[" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"id": ' + b"1" * 10_000 + b"}",
        {},
        SNAPSHOT | {"id": None},
        SNAPSHOT | {"id": 5},
        SNAPSHOT | {"id": ""},
        SNAPSHOT | {"id": "evt 1"},
        SNAPSHOT | {"id": "evt_\x00"},
        SNAPSHOT | {"id": "evt_" + "x" * 300},
        SNAPSHOT | {"type": None},
        SNAPSHOT | {"created": "yesterday"},
        SNAPSHOT | {"created": -1},
        SNAPSHOT | {"created": True},
        SNAPSHOT | {"created": 10**30},
        SNAPSHOT | {"account": {"id": "acct_1"}},
        SNAPSHOT | {"data": None},
        SNAPSHOT | {"data": {"object": []}},
        SNAPSHOT | {"object": "list"},
        THIN | {"created": "yesterday"},
        THIN | {"created": "2025-11-24T16:00:00"},
        THIN | {"created": 5},
        {"type": "checkout.session.completed", "data": {"object": {}}},
    ],
)
def test_anything_else_is_refused_with_a_sentence(body: Any) -> None:
    with pytest.raises(NotAnEvent, match=r"\.$"):
        read(body)


def test_the_last_of_two_equal_keys_counts_and_big_numbers_stay_exact() -> None:
    body = b'{"id":"evt_0","id":"evt_1","object":"event","type":"x.y","created":1,"data":{"object":{"rate":1e400}}}'
    event = read(body)
    assert event.id == "evt_1"
    assert str(told(event).about["rate"]) == "1E+400"


@given(st.binary(max_size=300))
def test_no_bytes_whatever_make_it_fail_otherwise(body: bytes) -> None:
    with pytest.raises(NotAnEvent):
        read(body)
