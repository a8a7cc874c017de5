"""The webhook over real HTTP: what is kept, what is refused, and that nothing makes it fail.

Numbers are those of the scenarios in ``docs/scenarios.md``.
"""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from hub.clock import SystemClock
from hub.engine.intake import Intake
from hub.store import listing, schema
from hub.store.database import Database, open_database
from hub.testing import events as samples
from hub.web.metrics import Metrics
from hub.web.site import Site
from hub.web.webhook import Webhook
from tests.integration.conftest import SECRETS, serving

MakeSite = Callable[..., int]
PATH = "/webhooks/stripe"


def sale(**changes: Any) -> dict[str, Any]:
    return samples.event("checkout.session.completed", samples.session(samples.Sale()), **changes)


def signed(body: bytes, secret: str = SECRETS[0], at: int | None = None) -> dict[str, str]:
    return {"Stripe-Signature": samples.signature(body, secret, at)}


def request(
    port: int, method: str = "POST", path: str = PATH, body: Any = None, headers: Mapping[str, str] | None = None
) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, body, dict(headers or {}))
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def post(port: int, document: Any, **headers: str) -> tuple[int, dict[str, Any]]:
    body = document if isinstance(document, bytes) else samples.encode(document)
    status, text = request(port, body=body, headers=signed(body) | headers)
    return status, json.loads(text)


def journal(database: Database) -> list[str]:
    return [line.id for line in database.read(listing.list_events)]


def test_a_signed_event_is_in_the_journal_before_it_is_acknowledged(make_site: MakeSite, database: Database) -> None:
    port, event = make_site(), sale()
    assert post(port, event) == (200, {"received": True, "event": event["id"], "duplicate": False})
    assert journal(database) == [event["id"]]


def test_10_the_same_event_again_is_acknowledged_and_kept_once(make_site: MakeSite, database: Database) -> None:
    port, event = make_site(), sale()
    post(port, event)
    assert post(port, event) == (200, {"received": True, "event": event["id"], "duplicate": True})
    assert journal(database) == [event["id"]]


def test_10_the_same_event_many_times_at_once_is_new_once(make_site: MakeSite, database: Database) -> None:
    port, event = make_site(), sale()
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: post(port, event), range(48)))
    assert [status for status, _ in answers] == [200] * 48
    assert [answer["duplicate"] for _, answer in answers].count(False) == 1
    assert journal(database) == [event["id"]]


def test_22_thin_notifications_and_pings_are_kept_like_snapshots(make_site: MakeSite, database: Database) -> None:
    port = make_site()
    thin = {
        "id": "evt_thin",
        "object": "v2.core.event",
        "type": "v1.checkout.session.completed",
        "created": "2026-11-24T10:00:00.000Z",
        "livemode": False,
        "related_object": {"id": "cs_1", "type": "checkout.session", "url": "/v1/checkout/sessions/cs_1"},
    }
    ping = thin | {"id": "evt_ping", "type": "v2.core.event_destination.ping", "related_object": None}
    assert [post(port, document)[0] for document in (thin, ping)] == [200, 200]
    kinds = [line.type for line in database.read(listing.list_events)]
    assert kinds == ["v2.core.event_destination.ping", "checkout.session.completed"]


@pytest.mark.parametrize("secret", SECRETS)
def test_28_every_configured_secret_counts(make_site: MakeSite, secret: str) -> None:
    body = samples.encode(sale())
    assert request(make_site(), body=body, headers=signed(body, secret))[0] == 200


def test_4_a_forged_event_is_refused_and_leaves_no_trace(make_site: MakeSite, database: Database) -> None:
    port = make_site()
    body = samples.encode(sale())
    good = signed(body)["Stripe-Signature"]
    forged: list[tuple[bytes, dict[str, str]]] = [
        (body, {}),
        (body, signed(body, "whsec_wrong")),
        (body, {"Stripe-Signature": good.replace("v1=", "v0=")}),
        (body.replace(b"4900", b"4"), {"Stripe-Signature": good}),
    ]
    for forged_body, headers in forged:
        status, text = request(port, body=forged_body, headers=headers)
        assert status == 400
        assert json.loads(text)["error"]
    assert journal(database) == []


def test_without_a_signing_secret_webhooks_are_refused_with_the_reason(make_site: MakeSite) -> None:
    status, answer = post(make_site(secrets=()), sale())
    assert status == 503
    assert "STRIPE_WEBHOOK_SECRET" in answer["error"]


def test_42_a_body_of_64_kb_is_fine_and_one_over_512_kb_is_not(make_site: MakeSite) -> None:
    port = make_site()
    assert post(port, sale(note="x" * 65_536))[0] == 200
    assert post(port, sale(note="x" * 524_288))[0] == 413


def test_42_a_large_declared_length_is_answered_at_once(make_site: MakeSite) -> None:
    with socket.create_connection(("127.0.0.1", make_site()), timeout=10) as sender:
        sender.sendall(f"POST {PATH} HTTP/1.1\r\nHost: hub\r\nContent-Length: 99999999\r\n\r\n".encode())
        assert sender.recv(200).startswith(b"HTTP/1.1 413")


def test_42_an_endless_chunked_body_is_cut_off(make_site: MakeSite) -> None:
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    with socket.create_connection(("127.0.0.1", make_site()), timeout=10) as sender:
        sender.sendall(f"POST {PATH} HTTP/1.1\r\nHost: hub\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        for _ in range(9):
            sender.sendall(chunk)
        assert sender.recv(200).startswith(b"HTTP/1.1 413")


def test_42_a_body_that_trickles_in_is_let_go_and_disturbs_nobody(make_site: MakeSite) -> None:
    port = make_site(patience=0.3)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as slow:
        slow.sendall(f"POST {PATH} HTTP/1.1\r\nHost: hub\r\nContent-Length: 100\r\n\r\n{{".encode())
        assert post(port, sale())[0] == 200
        assert slow.recv(200).startswith(b"HTTP/1.1 408")


def test_42_a_body_shorter_than_declared_is_no_event(make_site: MakeSite, database: Database) -> None:
    body = samples.encode(sale())
    port = make_site()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sender:
        head = f"POST {PATH} HTTP/1.1\r\nHost: hub\r\nContent-Length: {len(body) + 10}\r\n"
        sender.sendall(head.encode() + f"Stripe-Signature: {signed(body)['Stripe-Signature']}\r\n\r\n".encode() + body)
        sender.shutdown(socket.SHUT_WR)
        sender.recv(200)
    assert journal(database) == []


def test_42_a_compressed_body_is_not_what_stripe_signed(make_site: MakeSite) -> None:
    body = samples.encode(sale())
    headers = signed(body) | {"Content-Encoding": "gzip"}
    assert request(make_site(), body=gzip.compress(body), headers=headers)[0] == 400


def test_43_hostile_signature_headers_are_refused(make_site: MakeSite) -> None:
    port = make_site()
    body = samples.encode(sale())
    good = signed(body)["Stripe-Signature"]
    for header in (
        good.replace("v1=", "v1=é"),
        good + ",v1=" + ",v1=".join(["0" * 64] * 10_000),
        "t=" + "1" * 5000 + "," + good.partition(",")[2],
        good.replace("t=", "t=-"),
        "t=," + good.partition(",")[2],
        good + ",t=1",
        "x" * 100_000,
    ):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as sender:
            head = f"POST {PATH} HTTP/1.1\r\nHost: hub\r\nContent-Length: {len(body)}\r\n"
            sender.sendall(f"{head}Stripe-Signature: {header}\r\n\r\n".encode() + body)
            assert sender.recv(200).startswith(b"HTTP/1.1 400"), header[:50]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'"x"',
        b"\xff\xfe\x00",
        b'{"id":NaN}',
        b'{"id":1e400}',
        b"[" * 100_000 + b"]" * 100_000,
        b'{"id":"evt_1","object":"event"}',
        b'{"type":"checkout.session.completed","data":{"object":{}}}',
        b'{"id":5,"object":"event","type":"x","created":1,"data":{"object":{}}}',
    ],
)
def test_44_signed_nonsense_is_refused_with_a_sentence(make_site: MakeSite, database: Database, body: bytes) -> None:
    status, answer = post(make_site(), body)
    assert status == 400
    assert answer["error"].endswith(".")
    assert journal(database) == []


@pytest.mark.parametrize(("age", "status"), [(299, 200), (310, 400), (-290, 200), (-310, 400)])
def test_45_five_minutes_either_way_count(make_site: MakeSite, age: int, status: int) -> None:
    body = samples.encode(sale())
    assert request(make_site(), body=body, headers=signed(body, at=int(time.time()) - age))[0] == status


def test_46_a_type_nobody_knows_is_kept_and_acknowledged(make_site: MakeSite) -> None:
    assert post(make_site(), samples.event("something.brand_new", {"id": "x_1"}))[0] == 200


@pytest.mark.parametrize("path", [PATH, PATH + "/"])
def test_47_with_and_without_a_final_slash_and_never_a_redirect(make_site: MakeSite, path: str) -> None:
    body = samples.encode(sale())
    assert request(make_site(), path=path, body=body, headers=signed(body))[0] == 200


def test_48_cookies_and_foreign_origins_do_not_matter(make_site: MakeSite) -> None:
    assert post(make_site(), sale(), Cookie="session=x", Origin="https://evil.example")[0] == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_49_other_methods_are_told_what_this_address_is_for(make_site: MakeSite, method: str) -> None:
    status, text = request(make_site(), method)
    assert status == 405
    assert method == "HEAD" or "Stripe's webhooks" in text


def test_51_refusals_repeat_neither_secrets_nor_the_body(
    make_site: MakeSite, capfd: pytest.CaptureFixture[str]
) -> None:
    body = samples.encode(sale(note="4242 4242 4242 4242"))
    _, text = request(make_site(), body=body, headers=signed(body, "whsec_wrong"))
    printed = capfd.readouterr()
    for secret in (*SECRETS, "4242"):
        assert secret not in text + printed.out + printed.err


def test_ready_says_whether_webhooks_can_be_stored(make_site: MakeSite) -> None:
    port = make_site()
    assert request(port, "GET", "/health/ready")[0] == 200
    assert request(port, "GET", "/health/live")[0] == 200


def test_the_figures_count_what_was_answered(make_site: MakeSite) -> None:
    port = make_site()
    post(port, sale())
    _, text = request(port, "GET", "/metrics")
    assert 'hub_webhook_answers_total{status="200"} 1.0' in text


def test_24_what_cannot_be_stored_is_answered_503_and_its_retry_counts(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/hub.db")
    schema.upgrade(database)
    clock, metrics = SystemClock(), Metrics()
    webhook = Webhook(Intake(database, clock, lambda: None), SECRETS, clock, metrics)
    event = sale(note="x" * 200_000)
    with serving(Site(webhook, database, clock, metrics)) as port:
        _limit_pages(database, 1)
        status, answer = post(port, event)
        assert status == 503
        assert "full" in answer["error"]
        assert journal(database) == []
        _limit_pages(database, 1_000_000)
        assert post(port, event)[1] == {"received": True, "event": event["id"], "duplicate": False}
    database.close()


def _limit_pages(database: Database, pages: int) -> None:
    """Below its present size a database takes no more pages: as good as a full disk."""
    database.write(lambda connection: connection.exec_driver_sql(f"PRAGMA max_page_count={pages}").scalar()).result()
