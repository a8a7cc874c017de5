"""What reaches the webhook path from outside: signatures, duplicates, hostile bytes.

A number in a test's name is that of a scenario that the hub was designed for; its name says what the scenario asks.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import hmac
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.e2e import sales
from tests.e2e.sales import SECRET
from tests.e2e.shop import SHOP, Shop, eventually, opened

OLD_SECRET = "whsec_e2e_the_old_one_5512"
RULES = (
    SHOP
    + """
connections:
  orders: {type: spreadsheet, file: orders.csv}
rules:
  - name: Row
    when: order paid
    do:
      - spreadsheet.add_row:
          columns: {Order: "{{ order.id }}", Total: "{{ order.total }}"}
"""
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("intake")
    with opened(folder, RULES, STRIPE_WEBHOOK_SECRET=f"{SECRET},{OLD_SECRET}") as shop:
        shop.serve()
        yield shop


def mac(body: bytes, secret: str = SECRET, at: int | None = None) -> dict[str, str]:
    """A right signature over bytes that are no text, which Stripe's own signer does not take."""
    when = str(int(time.time()) if at is None else at)
    digest = hmac.new(secret.encode(), when.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={when},v1={digest}"}


def known(shop: Shop) -> set[str]:
    return {one["id"] for one in shop.listed("events")}


def still_sells(shop: Shop) -> None:
    order = shop.sell(sales.session())
    eventually("a sale after it gets its row", lambda: shop.row_of(order))


def test_a_signed_event_is_answered_with_its_id_and_a_second_time_as_a_duplicate(shop: Shop) -> None:
    body = sales.event(sales.session())
    first, second = shop.send(body), shop.send(body)
    assert (first.status, first.json) == (200, {"received": True, "event": body["id"], "duplicate": False})
    assert (second.status, second.json) == (200, {"received": True, "event": body["id"], "duplicate": True})


FORGED = [
    "no header",
    "empty header",
    "another secret",
    "only v0",
    "edited amount",
    "no time",
    "no signature",
    "other scheme",
]


@pytest.mark.parametrize("how", FORGED)
def test_04_a_forged_body_is_refused_and_leaves_nothing(shop: Shop, how: str) -> None:
    event = sales.event(sales.session())
    body = json.dumps(event).encode()
    right = sales.signed(body)["Stripe-Signature"]
    headers = {
        "no header": {},
        "empty header": {"Stripe-Signature": ""},
        "another secret": sales.signed(body, "whsec_somebody_else"),
        "only v0": {"Stripe-Signature": right.replace("v1=", "v0=")},
        "edited amount": {"Stripe-Signature": right},
        "no time": {"Stripe-Signature": right.partition(",")[2]},
        "no signature": {"Stripe-Signature": right.partition(",")[0]},
        "other scheme": {"Stripe-Signature": right.replace("v1=", "v2=")},
    }[how]
    sent = body.replace(b'"amount_total": 4900', b'"amount_total": 1') if how == "edited amount" else body
    answer = sales.post(shop.webhooks, sent, headers)
    assert answer.status == 400
    assert answer.body.strip(), "a sentence is owed"
    assert event["id"] not in known(shop)


def test_10_one_event_posted_sixteen_times_at_once_enters_once(shop: Shop) -> None:
    body = sales.event(sales.session())
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(shop.send, [body] * 16))
    assert {one.status for one in answers} == {200}
    assert sorted(one.json["duplicate"] for one in answers) == [False] + [True] * 15
    eventually("the row is there", lambda: shop.row_of(body["data"]["object"]["id"]))
    still_sells(shop)
    assert len(shop.row_of(body["data"]["object"]["id"])) == 1


@pytest.mark.parametrize("secrets", [(SECRET,), (OLD_SECRET,), (OLD_SECRET, SECRET), ("whsec_rolled_away", SECRET)])
def test_28_while_a_secret_is_rotated_every_mix_of_signatures_is_accepted(shop: Shop, secrets: tuple[str, ...]) -> None:
    body = json.dumps(sales.event(sales.session())).encode()
    now = int(time.time())
    made = [sales.signed(body, secret, now)["Stripe-Signature"].partition(",")[2] for secret in secrets]
    answer = sales.post(shop.webhooks, body, {"Stripe-Signature": ",".join([f"t={now}", *made, "v0=00"])})
    assert answer.status == 200


@pytest.mark.parametrize(("age", "status"), [(301, 400), (295, 200), (-295, 200), (-310, 400), (10**9, 400)])
def test_45_only_signatures_of_the_last_and_next_five_minutes_count(shop: Shop, age: int, status: int) -> None:
    body = json.dumps(sales.event(sales.session())).encode()
    assert sales.post(shop.webhooks, body, sales.signed(body, at=int(time.time()) - age)).status == status


HEADERS = {
    "letters beyond ASCII": b"t=1,v1=\xc3\xa9\xff",
    "900 signatures": b"t=%d" + b",v1=" + b",v1=".join([b"0" * 64] * 900),
    "a time of 5,000 digits": b"t=" + b"9" * 5000 + b",v1=00",
    "a negative time": b"t=-5,v1=00",
    "an empty time": b"t=,v1=00",
    "a time in other digits": "t=١٢٣,v1=00".encode(),
    "a fraction": b"t=1.5,v1=00",
    "only commas": b"," * 1000,
    "only equal signs": b"=" * 1000,
    "no value": b"t,v1",
}


@pytest.mark.parametrize("name", HEADERS)
def test_43_a_hostile_signature_header_is_refused_with_400(shop: Shop, name: str) -> None:
    status, _ = raw(shop, b"Stripe-Signature: " + HEADERS[name].replace(b"%d", str(int(time.time())).encode()))
    assert status == 400


def test_43_a_second_time_in_a_right_header_is_refused(shop: Shop) -> None:
    body = json.dumps(sales.event(sales.session())).encode()
    right = sales.signed(body)["Stripe-Signature"]
    assert sales.post(shop.webhooks, body, {"Stripe-Signature": f"t={int(time.time())},{right}"}).status == 400


def test_43_a_header_of_100_kilobytes_is_refused_and_others_are_served(shop: Shop) -> None:
    status, _ = raw(shop, b"Stripe-Signature: t=1,v1=" + b"0" * 100_000)
    assert status in {400, 431}
    still_sells(shop)


def raw(shop: Shop, *headers: bytes, body: bytes = b"{}", length: int | None = None) -> tuple[int, bytes]:
    """A request written by hand; the status of its answer and the answer."""
    declared = len(body) if length is None else length
    top = [b"POST /webhooks/stripe HTTP/1.1", b"Host: hub", b"Content-Length: %d" % declared, b"Connection: close"]
    with socket.create_connection(("127.0.0.1", int(shop.settings["HUB_PORT"])), 20) as line:
        line.sendall(b"\r\n".join([*top, *headers, b"", body]))
        answer = everything(line)
    return int(answer.split(b" ", 2)[1]), answer


def everything(line: socket.socket) -> bytes:
    parts = []
    try:
        while part := line.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


NOT_EVENTS = {
    "a list": b"[]",
    "null": b"null",
    "a text": b'"x"',
    "a number": b"7",
    "nothing": b"",
    "no JSON": b"id=evt_1&type=x",
    "invalid UTF-8": b'{"id": "evt_\xff\xfe", "object": "event"}',
    "UTF-16": '{"id": "evt_16", "object": "event", "type": "x"}'.encode("utf-16"),
    "no id": b'{"object": "event", "type": "checkout.session.completed", "data": {"object": {}}}',
    "an id that is a number": b'{"id": 7, "object": "event", "type": "x", "data": {"object": {}}}',
    "an id that is a list": b'{"id": [], "object": "event", "type": "x", "data": {"object": {}}}',
    "an empty id": b'{"id": "", "object": "event", "type": "x", "data": {"object": {}}}',
    "nothing but type and data": b'{"type": "checkout.session.completed", "data": {"object": {"id": "cs_1"}}}',
    "lists in lists": b"[" * 100_000 + b"]" * 100_000,
    "objects in objects": b'{"a":' * 60_000 + b"1" + b"}" * 60_000,
}


@pytest.mark.parametrize("name", NOT_EVENTS)
def test_44_signed_bytes_that_are_no_event_are_answered_400_with_a_sentence(shop: Shop, name: str) -> None:
    body = NOT_EVENTS[name]
    answer = sales.post(shop.webhooks, body, mac(body))
    assert answer.status == 400
    assert answer.body.strip()


def odd(**changes: object) -> bytes:
    return json.dumps(sales.event(sales.session()) | changes).encode()


ODD = {
    "not a number": odd().replace(b'"amount_total": 4900', b'"amount_total": NaN'),
    "beyond every number": odd().replace(b'"amount_total": 4900', b'"amount_total": 1e400'),
    "an integer of 5,000 digits": odd().replace(b'"amount_total": 4900', b'"amount_total": ' + b"9" * 5000),
    "a fraction of a cent": odd().replace(b'"amount_total": 4900', b'"amount_total": 49.5'),
    "an amount that is text": odd().replace(b'"amount_total": 4900', b'"amount_total": "4900"'),
    "a key twice": odd().replace(b'"amount_total": 4900', b'"amount_total": 4900, "amount_total": 1'),
    "a type that is a list": odd(type=[]),
    "no type": odd(type=None),
    "created long ago": odd(created=-(10**15)),
    "created far away": odd(created=10**30),
    "created as text": odd(created="yesterday"),
    "no data": odd(data=None),
    "an object that is null": odd(data={"object": None}),
    "an object that is a list": odd(data={"object": []}),
    "a session without an id": odd(data={"object": {"object": "checkout.session"}}),
    "deep inside": odd().replace(b'"metadata": {}', b'"metadata": {"a": ' + b"[" * 50_000 + b"]" * 50_000 + b"}"),
    "half a character": odd().replace(b'"Ana N\\u00fa\\u00f1ez"', b'"Ana \\ud800"').replace(b"Porto", b"\\udfff"),
    "a zero byte": odd().replace(b"Porto", b"Por\\u0000to"),
    "an id of 20,000 letters": odd(id="evt_" + "a" * 20_000),
    "an id with a zero byte": odd(id="evt_\0" + sales.SECRET[6:]),
    "live mode as text": odd(livemode="yes"),
    "a line item of no shape": odd().replace(
        b'"metadata": {}', b'"line_items": {"data": [null, 7, {}]}, "metadata": {}'
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_44_a_signed_event_of_an_odd_shape_is_taken_or_refused_but_never_breaks_the_hub(shop: Shop, name: str) -> None:
    answer = sales.post(shop.webhooks, ODD[name], mac(ODD[name]))
    assert answer.status in {200, 400}
    still_sells(shop)


def test_46_an_unknown_event_type_is_journalled_and_makes_no_work(shop: Shop) -> None:
    event = sales.event({"id": "fin_1", "object": "financing.offer"}, "financing.offer.invented")
    assert shop.send(event).status == 200
    eventually(
        "it is planned", lambda: not [e for e in shop.listed("events") if e["id"] == event["id"] and e["waiting"]]
    )
    assert [d for d in shop.deliveries() if d["event"] == event["id"]] == []


@pytest.mark.parametrize("type_", ["v2.core.event_destination.ping", "v1.capability.invented"])
def test_22_a_ping_and_an_unknown_thin_type_are_answered_2xx(shop: Shop, type_: str) -> None:
    body = sales.thin(sales.session(), type_) | ({"related_object": None} if "ping" in type_ else {})
    assert shop.send(body).status == 200
    still_sells(shop)


def test_47_the_path_works_with_a_final_slash_and_never_redirects(shop: Shop) -> None:
    assert sales.send(f"{shop.webhooks}/", sales.event(sales.session())).status == 200


def test_48_a_foreign_origin_and_stray_cookies_do_not_matter(shop: Shop) -> None:
    body = json.dumps(sales.event(sales.session())).encode()
    extra = {"Origin": "https://evil.example", "Cookie": "session=x; csrftoken=y", "Content-Type": "text/plain"}
    assert sales.post(shop.webhooks, body, sales.signed(body) | extra).status == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
def test_49_other_methods_are_answered_405_with_a_sentence(shop: Shop, method: str) -> None:
    answer = sales.call(method, shop.webhooks)
    assert answer.status == 405
    assert "POST" in answer.headers.get("allow", "")
    assert method == "HEAD" or b"POST" in answer.body


def padded(size: int) -> bytes:
    event = sales.event(sales.session())
    event["padding"] = ""
    event["padding"] = "x" * (size - len(json.dumps(event)))
    return json.dumps(event).encode()


@pytest.mark.parametrize(("size", "status"), [(64 * 1024, 200), (512 * 1024, 200), (512 * 1024 + 1, 413), (2**20, 413)])
def test_42_a_body_of_up_to_512_kib_is_taken_and_a_longer_one_refused(shop: Shop, size: int, status: int) -> None:
    body = padded(size)
    assert len(body) == size
    answer, _ = raw(shop, f"Stripe-Signature: {mac(body)['Stripe-Signature']}".encode(), body=body)
    assert answer == status


def test_42_a_declared_length_over_the_limit_is_answered_at_once_without_the_body(shop: Shop) -> None:
    started = time.monotonic()
    status, _ = raw(shop, b"Stripe-Signature: t=1,v1=00", body=b"", length=10**9)
    assert status == 413
    assert time.monotonic() - started < 5


def test_42_an_endless_chunked_body_is_answered_413_and_costs_no_memory(shop: Shop) -> None:
    top = b"POST /webhooks/stripe HTTP/1.1\r\nHost: hub\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    before = memory(shop)
    with socket.create_connection(("127.0.0.1", int(shop.settings["HUB_PORT"])), 20) as line:
        line.sendall(top + chunk * 9)
        assert line.recv(65536).startswith(b"HTTP/1.1 413 ")
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            for _ in range(800):
                line.sendall(chunk)
        assert memory(shop) - before < 30
    still_sells(shop)


def memory(shop: Shop) -> float:
    """The hub's resident memory in MiB."""
    pages = Path(f"/proc/{shop.processes[-1].pid}/statm").read_text().split()[1]
    return int(pages) * 4096 / 2**20


def test_42_callers_that_never_finish_do_not_hold_up_the_others(shop: Shop) -> None:
    address = ("127.0.0.1", int(shop.settings["HUB_PORT"]))
    slow = [socket.create_connection(address, 20) for _ in range(100)]
    try:
        for line in slow:
            line.sendall(
                b"POST /webhooks/stripe HTTP/1.1\r\nHost: hub\r\nContent-Length: 1000\r\nStripe-Signature: t=1\r\n\r\n{"
            )
        started = time.monotonic()
        assert shop.send(sales.event(sales.session())).status == 200
        assert time.monotonic() - started < 2
    finally:
        for line in slow:
            line.close()


def test_42_a_body_shorter_than_declared_is_no_event(shop: Shop) -> None:
    body = json.dumps(sales.event(sales.session())).encode()
    with socket.create_connection(("127.0.0.1", int(shop.settings["HUB_PORT"])), 20) as line:
        line.sendall(b"POST /webhooks/stripe HTTP/1.1\r\nHost: hub\r\nContent-Length: 99999\r\n\r\n" + body)
        line.shutdown(socket.SHUT_WR)
        everything(line)
    still_sells(shop)


def test_42_a_compressed_body_is_refused_and_not_unpacked(shop: Shop) -> None:
    body = gzip.compress(b"[" + b" " * 50_000_000 + b"]")
    answer = sales.post(shop.webhooks, body, mac(body) | {"Content-Encoding": "gzip"})
    assert answer.status in {400, 415}


def test_51_refusals_and_the_log_hold_no_secret_and_no_payload(shop: Shop) -> None:
    body = json.dumps(sales.event(sales.session(metadata={"private": "a-word-nobody-else-uses"}))).encode()
    refused = sales.post(shop.webhooks, body, sales.signed(body, "whsec_wrong"))
    said = refused.body.decode() + shop.log
    assert refused.status == 400
    assert not [word for word in (SECRET, OLD_SECRET, "a-word-nobody-else-uses") if word in said]
