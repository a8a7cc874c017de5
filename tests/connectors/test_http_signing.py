"""Signed calls: the headers of Standard Webhooks, with the example of its own documentation."""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path

import pytest

from connectors.http import Http, HttpRequest
from connectors.http.signing import key_of, signature
from hub.clock import ManualClock
from hub.connector import Batch, Place, Result
from hub.testing.http_sink import HttpSink
from hub.testing.sending import delivery, send

ACTION = HttpRequest()
SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()


def test_the_example_of_the_specification() -> None:
    body = b'{"event_type":"ping","data":{"success":true}}'
    # The id, the moment and the signature of the libraries' shared example.
    signed = signature(base64.b64decode("plJ3nmyCDGBKInavdOK15jsl"), "msg_loFOjxBNrRLzqYUf", 1731705121, body)
    assert signed["webhook-signature"] == "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="


def test_every_try_is_signed_anew_under_one_id(tmp_path: Path) -> None:
    clock = ManualClock()
    with HttpSink() as sink:
        config = Http.Config.model_validate({"base_url": sink.url, "signing_secret": SECRET, "allow_private": True})
        http = Http(config, Place("shop", tmp_path, "hub-1", clock))
        batch = Batch(
            1, [delivery(ACTION, {"url": "/hook", "json": {"order": 1042}, "headers": {"Webhook-Id": "x"}}, 1)]
        )
        for _ in range(2):
            assert isinstance(send(ACTION, http, batch)[0], Result)
            clock.advance(90)
        http.close()
        first, second = sink.received
    for call in (first, second):
        headers = call.headers
        assert headers["webhook-id"] == headers["idempotency-key"] == batch.deliveries[0].key
        content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + call.body
        expected = base64.b64encode(hmac.new(b"k" * 32, content, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 90


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_c2hvcnQ=", "not base64!", "whsec_" + "A" * 200])
def test_what_is_no_secret_is_refused_without_being_told(secret: str) -> None:
    with pytest.raises(ValueError, match="signing_secret is whsec_"):
        Http.Config.model_validate({"signing_secret": secret})
    assert len(key_of(SECRET)) == 32
