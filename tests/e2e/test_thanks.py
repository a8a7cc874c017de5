"""The success page: the same one fulfilment as the webhook's, whoever is first; nothing for those who guess."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.e2e import sales
from tests.e2e.peers import Sink, Stripe
from tests.e2e.sales import line, session
from tests.e2e.shop import SHOP, Shop, eventually, opened

RULES = (
    SHOP.replace("name: Test shop", "name: Mugs & more, email: hello@mugs.example")
    + """
connections: {carrier: {type: http, base_url: "PEER", allow_private: yes}}
rules:
  - name: Parcel
    when: order paid
    do: [{http.request: {url: /parcels, json: {order: "{{ order.id }}"}}}]
"""
)


@pytest.fixture
def shop(tmp_path: Path, sink: Sink, stripe_api: Stripe) -> Iterator[Shop]:
    settings = {"STRIPE_API_KEY": "rk_test_thanks", "STRIPE_API_BASE": stripe_api.base}
    with opened(tmp_path, RULES.replace("PEER", sink.base), **settings) as found:
        found.serve()
        yield found


def look(shop: Shop, session_id: str, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
    request = urllib.request.Request(f"{shop.base}/thanks?session_id={session_id}", headers=dict(headers or {}))
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_the_page_fulfils_when_it_is_first_and_the_webhook_adds_nothing(
    shop: Shop, sink: Sink, stripe_api: Stripe
) -> None:
    obj = session(line("MUG-01", 2))
    stripe_api.know(obj, line("MUG-01", 2))
    status, page = look(shop, obj["id"])
    assert (status, "your order is confirmed" in page, "2 × Blue mug" in page) == (200, True, True)
    assert "49.00 EUR" in page
    assert "Mugs &amp; more" in page
    assert "Ana" not in page, "nothing personal"
    eventually("it is fulfilled", lambda: len(sink.done) == 1)
    assert shop.send(sales.event(obj)).status == 200
    assert look(shop, obj["id"]) == (status, page), "the same when it is opened again"
    shop.settle()
    assert [call.json["order"] for call in sink.calls] == [obj["id"]]
    assert len(stripe_api.asked(obj["id"])) == 1


def test_100_openings_beside_the_webhook_make_one_fulfilment(shop: Shop, sink: Sink, stripe_api: Stripe) -> None:
    obj = session(line("MUG-01"))
    stripe_api.know(obj, line("MUG-01"))
    body = json.dumps(sales.event(obj)).encode()
    with ThreadPoolExecutor(32) as pool:
        looks = [pool.submit(look, shop, obj["id"], {"X-Forwarded-For": f"198.51.100.{n}"}) for n in range(100)]
        told = [pool.submit(sales.post, shop.webhooks, body, sales.signed(body)) for _ in range(5)]
        assert {one.result().status for one in told} == {200}
        pages = {one.result() for one in looks}
    assert [status for status, _ in pages] == [200]
    assert "your order is confirmed" in pages.pop()[1]
    shop.settle()
    assert set(sink.done.values()) == {1}
    assert len(sink.calls) == 1


def test_open_made_up_foreign_and_old_sessions_look_alike(shop: Shop, sink: Sink, stripe_api: Stripe) -> None:
    old = int(time.time()) - 2 * 86_400
    unfinished = session(status="open", payment_status="unpaid")
    long_ago = session(created=old)
    told = session(created=old)
    for one in (unfinished, long_ago):
        stripe_api.know(one)
    assert shop.send(sales.event(told, created=old)).status == 200
    eventually("it is an order", lambda: shop.hub("order", told["id"]).code == 0)
    ids = [unfinished["id"], long_ago["id"], told["id"], "cs_test_madeup0815", "nonsense", "", "cs_<script>"]
    assert len({look(shop, one) for one in ids}) == 1
    assert look(shop, "")[0] == 200
    assert sink.calls == []


def test_money_on_its_way_is_told_as_such(shop: Shop, sink: Sink, stripe_api: Stripe) -> None:
    obj = session(payment_status="unpaid")
    stripe_api.know(obj)
    assert "Your payment is on its way" in look(shop, obj["id"])[1]
    assert sink.calls == []


def test_who_guesses_is_slowed_down_and_others_are_not(shop: Shop) -> None:
    obj = session()
    assert shop.send(sales.event(obj)).status == 200
    eventually("it is an order", lambda: shop.hub("order", obj["id"]).code == 0)
    guesser = {"X-Forwarded-For": "1.2.3.4, 198.51.100.7"}
    answers = [look(shop, f"cs_test_guess{n:08}", guesser)[0] for n in range(25)]
    assert (answers.count(200), answers.count(429)) == (20, 5)
    assert "confirmed" in look(shop, obj["id"], guesser)[1], "a known order is shown all the same"
    assert look(shop, "cs_test_another1", {"X-Forwarded-For": "198.51.100.8"})[0] == 200


def test_the_shops_own_page_is_shown_and_a_broken_one_is_not(shop: Shop, stripe_api: Stripe) -> None:
    obj = session()
    stripe_api.know(obj)
    page = shop.folder / "thanks.html"
    page.write_text("Danke, {{ customer.first_name }}! {{ order.total | money }} {{ shop.name }} <b>{{ state }}</b>")
    assert look(shop, obj["id"])[1] == "Danke, Ana! 49.00 EUR Mugs &amp; more <b>paid</b>"
    for broken in ("{% if %}", "{{ ''.__class__.__mro__ }}", "{{ order.total | nope }}"):
        page.write_text(broken)
        assert "your order is confirmed" in look(shop, obj["id"])[1]
    eventually("it is told", lambda: "thanks.html cannot be shown" in shop.log)


def test_without_an_api_key_the_page_waits_for_the_webhook(tmp_path: Path, sink: Sink) -> None:
    with opened(tmp_path, RULES.replace("PEER", sink.base)) as shop, ThreadPoolExecutor(1) as pool:
        shop.serve()
        obj = session(line("MUG-01"))
        page = pool.submit(look, shop, obj["id"])
        assert shop.send(sales.event(obj)).status == 200
        assert "your order is confirmed" in page.result(20)[1]
