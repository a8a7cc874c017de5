"""Calls over real HTTP on loopback: what is sent, what the answers mean."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest
from pydantic import ValidationError

from connectors.http import Http, HttpRequest
from hub.clock import ManualClock
from hub.connector import (
    Ambiguous,
    Batch,
    Failure,
    Permanent,
    Place,
    RateLimited,
    Result,
    Retryable,
)
from hub.testing.faults import Fault
from hub.testing.http_sink import Answer, HttpSink
from hub.testing.sending import delivery, key, send

ACTION = HttpRequest()


@pytest.fixture(scope="module")
def one_sink() -> Iterator[HttpSink]:
    with HttpSink() as sink:
        yield sink


@pytest.fixture
def sink(one_sink: HttpSink) -> HttpSink:
    one_sink.answer, one_sink.calls = Answer(), 0
    one_sink.received.clear()
    one_sink.counts.clear()
    return one_sink


@pytest.fixture
def http(sink: HttpSink, place: Place) -> Iterator[Http]:
    connection = connect(place, base_url=sink.url)
    yield connection
    connection.close()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place("shop", tmp_path, "hub-1", ManualClock(1_764_000_000_000))  # 2025-11-24 16:00:00 UTC


def connect(place: Place, **settings: Any) -> Http:
    return Http(Http.Config.model_validate({"allow_private": True, "timeout": "1 second"} | settings), place)


def call(connection: Http, number: int = 1, **settings: Any) -> Result | Failure:
    return send(ACTION, connection, Batch(1, [delivery(ACTION, {"url": "/orders"} | settings, number)]))[0]


def answer_to(http: Http, sink: HttpSink, answer: Answer) -> Result | Failure:
    sink.answer = answer
    return call(http)


# --- What is sent -----------------------------------------------------------------------------------------------------


def test_data_goes_as_json_with_exact_numbers_and_the_effect_key(http: Http, sink: HttpSink) -> None:
    total = {"total": Decimal("49.00"), "exact": Decimal("12345678901234567.89"), "count": 3, "gift": True}
    call(http, 7, json=total | {"name": "Ana Núñez"})
    sent = sink.received[-1]
    assert sent.method == "POST"
    assert sent.headers["content-type"] == "application/json"
    assert sent.headers["idempotency-key"] == key(7)
    assert sent.json == {
        "total": 49.0,
        "exact": "12345678901234567.89",
        "count": 3,
        "gift": True,
        "name": "Ana Núñez",
    }


def test_a_form_goes_as_web_forms_do(http: Http, sink: HttpSink) -> None:
    call(http, form={"name": "Ana & Núñez", "order": "1042"})
    assert sink.received[-1].body == b"name=Ana+%26+N%C3%BA%C3%B1ez&order=1042"
    assert sink.received[-1].headers["content-type"] == "application/x-www-form-urlencoded"


def test_without_anything_to_send_it_is_a_get(http: Http, sink: HttpSink) -> None:
    call(http)
    assert (sink.received[-1].method, sink.received[-1].body) == ("GET", b"")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"])
def test_the_method_is_the_rules(http: Http, sink: HttpSink, method: str) -> None:
    assert isinstance(call(http, method=method), Result)
    assert sink.received[-1].method == method


def test_a_step_s_headers_win_over_the_connection_s_however_they_are_written(sink: HttpSink, place: Place) -> None:
    http = connect(place, base_url=sink.url, headers={"x-shop": "Mugs", "X-Region": "EU"}, auth="basic ana:pass:word")
    call(http, headers={"X-Shop": "Candles"})
    http.close()
    headers = sink.received[-1].headers
    assert (headers["x-shop"], headers["x-region"]) == ("Candles", "EU")
    assert headers["authorization"] == "Basic YW5hOnBhc3M6d29yZA=="


@pytest.mark.parametrize("auth", ["right-token", "basic nocolon", "digest a:b", "bearer a\r\nX-Evil:canary"])
def test_credentials_in_another_form_are_refused_without_telling_them(place: Place, auth: str) -> None:
    with pytest.raises(ValidationError) as refused:
        connect(place, auth=auth)
    assert auth.split()[-1] not in str(refused.value)


@pytest.mark.parametrize(
    "headers",
    [{"X\r\nEvil": "1"}, {"X Y": "1"}, {"": "1"}, {"Host": "evil.example"}, {"idempotency-key": "mine"}],
)
def test_headers_that_would_change_the_call_are_refused(headers: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        delivery(ACTION, {"url": "/", "headers": headers}, 1)


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\x00b"])
def test_headers_of_a_connection_are_one_line(place: Place, value: str) -> None:
    with pytest.raises(ValidationError):
        connect(place, headers={"X-Shop": value})


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "//example.com/",
        "example.com",
        "https://",
        "https://user:pass@example.com/",
        "https://example.com/a b",
        "https://example.com/\r\nX-Evil: 1",
        "https://example.com\\@evil.example/",
        "/orders/../admin",
        "/orders/%2e%2E/admin",
        "/orders/./x",
    ],
)
def test_addresses_that_lead_elsewhere_are_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        delivery(ACTION, {"url": url}, 1)


def test_inserted_text_keeps_its_place_in_the_address(http: Http, sink: HttpSink) -> None:
    step = {"url": "/customers/\ufffccustomer\ufffc?q=\ufffccustomer\ufffc"}
    send(ACTION, http, Batch(1, [delivery(ACTION, step, 1, "a/b?c=d&e#f%2Fg ü+")]))
    path, _, query = sink.received[-1].target.partition("?")
    assert [unquote(part) for part in path.split("/")] == ["", "customers", "a/b?c=d&e#f%2Fg ü+"]
    assert parse_qsl(query) == [("q", "a/b?c=d&e#f%2Fg ü+")]


def test_the_base_and_the_step_s_address_are_joined(sink: HttpSink, place: Place) -> None:
    http = connect(place, base_url=f"{sink.url}/v2/")
    call(http, url="/parcels?x=1")
    http.close()
    assert sink.received[-1].target == "/v2/parcels?x=1"


def test_a_connection_s_credentials_go_to_its_own_server_only(sink: HttpSink, place: Place) -> None:
    http = connect(place, base_url="https://api.example.com", auth="bearer secret-token")
    outcome = call(http, url=f"{sink.url}/orders")
    http.close()
    assert isinstance(outcome, Permanent)
    assert "api.example.com" in outcome.message
    assert sink.calls == 0


def test_without_a_base_the_whole_address_is_needed(sink: HttpSink, place: Place) -> None:
    http = connect(place)
    outcomes = [call(http, url="/orders"), call(http, url=f"{sink.url}/orders")]
    http.close()
    assert [type(one).__name__ for one in outcomes] == ["Permanent", "Answered"]


def test_a_call_has_one_body() -> None:
    with pytest.raises(ValidationError, match="not both"):
        delivery(ACTION, {"url": "/", "json": {"a": 1}, "form": {"a": "1"}}, 1)


def test_a_megabyte_of_text_arrives_whole(http: Http, sink: HttpSink) -> None:
    assert isinstance(call(http, json={"note": "ñ" * 1_000_000}), Result)
    assert sink.received[-1].json == {"note": "ñ" * 1_000_000}


def test_the_environment_s_proxy_is_not_asked(sink: HttpSink, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    http = connect(place, base_url=sink.url)
    outcome = call(http)
    http.close()
    assert isinstance(outcome, Result)


# --- What answers mean ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201, 204])
def test_2xx_is_done(http: Http, sink: HttpSink, status: int) -> None:
    outcome = answer_to(http, sink, Answer(status, "" if status == 204 else '{"id": 7}'))
    assert isinstance(outcome, Result)
    assert outcome.model_dump()["status"] == status


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (301, Permanent),
        (304, Permanent),
        (307, Permanent),
        (400, Permanent),
        (401, Permanent),
        (404, Permanent),
        (409, Permanent),
        (418, Permanent),
        (422, Permanent),
        (499, Permanent),
        (408, Retryable),
        (503, Retryable),
        (429, RateLimited),
        (500, Ambiguous),
        (502, Ambiguous),
        (504, Ambiguous),
        (599, Ambiguous),
    ],
)
def test_every_status_has_its_meaning(http: Http, sink: HttpSink, status: int, expected: type[Failure]) -> None:
    outcome = answer_to(http, sink, Answer(status, "" if status == 304 else "no"))
    assert type(outcome) is expected
    assert str(status) in outcome.message


def test_redirects_are_not_followed(http: Http, sink: HttpSink) -> None:
    outcome = answer_to(http, sink, Answer(302, headers={"Location": f"{sink.url}/elsewhere"}))
    assert isinstance(outcome, Permanent)
    assert sink.calls == 1


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("7", 7),
        ("0", 0),
        ("Mon, 24 Nov 2025 16:01:30 GMT", 90),
        ("Mon, 24 Nov 2025 15:00:00 GMT", 0),
        ("99999999999999999999", 3600),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600),
    ],
)
def test_retry_after_is_handed_over(http: Http, sink: HttpSink, status: int, retry_after: str, seconds: int) -> None:
    outcome = answer_to(http, sink, Answer(status, retry_after=retry_after))
    assert isinstance(outcome, RateLimited | Retryable)
    assert outcome.after == timedelta(seconds=seconds)


@pytest.mark.parametrize("retry_after", ["", "soon", "-1", "1.5", "²"])
def test_a_retry_after_that_says_nothing_leaves_the_wait_to_the_hub(
    http: Http, sink: HttpSink, retry_after: str
) -> None:
    sink.answer = Answer(503, retry_after=retry_after.encode().decode("latin-1"))
    unavailable = call(http)
    sink.answer = Answer(429, retry_after=retry_after.encode().decode("latin-1"))
    limited = call(http)
    assert isinstance(unavailable, Retryable)
    assert unavailable.after is None
    assert isinstance(limited, RateLimited)
    assert limited.after == timedelta(seconds=10)


@pytest.mark.parametrize(
    ("body", "data"),
    [
        ('{"id": 7, "name": "Núñez"}', {"id": 7, "name": "Núñez"}),
        ("[1, 2.5, null]", [1, 2.5, None]),
        ("", None),
        ("ok", None),
        ("<p>hello</p>", None),
        ('{"a": NaN}', None),
        ('"\\ud83d"', "?"),
        ("[" * 100_000, None),
        ("[" * 200 + "]" * 200, None),
        ("9" * 10_000, None),
    ],
)
def test_data_in_an_answer_is_read_if_it_can_be_kept(http: Http, sink: HttpSink, body: str, data: object) -> None:
    outcome = answer_to(http, sink, Answer(body=body))
    assert isinstance(outcome, Result)
    assert outcome.model_dump(mode="json") == {"status": 200, "json": data, "text": body[:10_000]}


def test_of_an_endless_answer_only_the_beginning_is_read(http: Http, sink: HttpSink) -> None:
    outcome = answer_to(http, sink, Answer(body='"' + "x" * 50_000_000 + '"'))
    assert isinstance(outcome, Result)
    assert outcome.model_dump() == {"status": 200, "json": None, "text": '"' + "x" * 9_999}
    assert isinstance(answer_to(http, sink, Answer()), Result)


@pytest.mark.parametrize("charset", ["utf-8", "latin-1", "no-such-charset", ""])
def test_text_is_read_in_its_own_encoding_or_the_usual_one(http: Http, sink: HttpSink, charset: str) -> None:
    # The sink sends UTF-8 whatever it says.
    outcome = answer_to(http, sink, Answer(body="Núñez", content_type=f"text/plain; charset={charset}"))
    assert isinstance(outcome, Result)
    assert outcome.model_dump()["text"] == ("NÃºÃ±ez" if charset == "latin-1" else "Núñez")


def test_the_step_s_time_out_is_used(sink: HttpSink, place: Place) -> None:
    http = connect(place, base_url=sink.url, timeout="5 minutes")
    sink.fail(Fault.HANG)
    outcome = call(http, timeout="0.2 seconds")
    http.close()
    assert isinstance(outcome, Ambiguous)


@pytest.mark.parametrize("timeout", ["0 seconds", "6 minutes"])
def test_a_time_out_that_makes_no_sense_is_refused(place: Place, timeout: str) -> None:
    with pytest.raises(ValidationError, match="at most 5 minutes"):
        connect(place, timeout=timeout)


def test_a_server_without_tls_is_surely_not_applied(sink: HttpSink, place: Place) -> None:
    http = connect(place, base_url=sink.url.replace("http:", "https:"))
    outcome = call(http)
    http.close()
    assert isinstance(outcome, Retryable)
    assert sink.calls == 0


def test_a_name_that_does_not_exist_is_surely_not_applied(place: Place) -> None:
    http = connect(place, base_url="https://no-such-host.invalid")
    outcome = call(http)
    http.close()
    assert isinstance(outcome, Retryable)
    assert "no-such-host.invalid" in outcome.message


# --- Batches ----------------------------------------------------------------------------------------------------------


def test_the_calls_of_a_batch_are_made_side_by_side(http: Http, sink: HttpSink) -> None:
    # One after the other they would take 40 seconds, and all but the first would meet their time-out.
    sink.answer = Answer(delay=0.2)
    batch = Batch(1, [delivery(ACTION, {"url": "/orders", "json": {"order": n}}, n) for n in range(200)])
    outcomes = send(ACTION, http, batch)
    assert [type(one).__name__ for one in outcomes] == ["Answered"] * 200
    assert len(sink.counts) == 200


def test_calls_that_wait_for_their_turn_do_not_run_out_of_time(sink: HttpSink, place: Place) -> None:
    # Three batches at once: 600 calls, 0.8 seconds for each of three turns, which together exceed the time-out.
    http = connect(place, base_url=sink.url, timeout="1.5 seconds")
    sink.answer = Answer(delay=0.8)
    batches = [
        Batch(b, [delivery(ACTION, {"url": "/orders", "json": {}}, 1000 * b + n) for n in range(200)]) for b in range(3)
    ]
    outcomes: list[Result | Failure] = []
    threads = [threading.Thread(target=lambda one=one: outcomes.extend(send(ACTION, http, one))) for one in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    http.close()
    assert [type(one).__name__ for one in outcomes] == ["Answered"] * 600


def test_the_outcomes_of_a_mixed_batch_stand_where_their_deliveries_do(http: Http) -> None:
    urls = ["/a", "/status/404", "http://elsewhere.example/", "/b", "/status/500"]
    outcomes = send(ACTION, http, Batch(1, [delivery(ACTION, {"url": url}, n) for n, url in enumerate(urls)]))
    assert [type(one).__name__ for one in outcomes] == ["Answered", "Permanent", "Permanent", "Answered", "Ambiguous"]


def test_closing_lets_calls_under_way_come_to_their_end(http: Http, sink: HttpSink) -> None:
    sink.answer = Answer(delay=0.3)
    outcomes: list[Result | Failure] = []
    thread = threading.Thread(target=lambda: outcomes.append(call(http)))
    sink.arrived.clear()
    thread.start()
    assert sink.arrived.wait(10)
    http.close()
    thread.join()
    assert [type(one).__name__ for one in outcomes] == ["Answered"]


def test_after_closing_nothing_is_sent(http: Http, sink: HttpSink) -> None:
    http.close()
    outcome = call(http)
    assert isinstance(outcome, Retryable)
    assert sink.calls == 0
