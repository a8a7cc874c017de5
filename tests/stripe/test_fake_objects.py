"""Every field of every object that the fake makes, held against the fields that Stripe's own package declares."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from hub.testing.stripe import FakeStripe

_KNOWN = json.loads(gzip.decompress((files("hub.rules") / "data" / "stripe.json.gz").read_bytes()))
#: The codes are those of tools/stripe_fields.py.
_PLAIN = {"s": str, "n": int, "b": bool}


def wrong(value: Any, code: str, path: str) -> Iterator[str]:
    """The places in a value that do not fit its type."""
    if value is None or code == "*":
        return
    kind, name = code[0], code[1:]
    if kind in _PLAIN and not isinstance(value, _PLAIN[kind]):
        # Decimals travel as text: https://docs.stripe.com/api/prices/object#price_object-unit_amount_decimal
        if not (kind == "n" and isinstance(value, str) and path.endswith("_decimal")):
            yield f"{path}: {value!r} is not of type {code}"
    elif kind == "m":
        yield from (f"{path}.{key}: {one!r}" for key, one in value.items() if not isinstance(one, str))
    elif kind == "[":
        for one in value:
            yield from wrong(one, name, f"{path}[]")
    elif kind == "L":
        for one in value["data"]:
            yield from wrong(one, name, f"{path}.data[]")
    elif kind in "@~" and isinstance(value, dict):
        fields = _KNOWN["classes"][name]
        for key, one in value.items():
            if key in fields:
                yield from wrong(one, fields[key], f"{path}.{key}")
            else:
                yield f"{path}.{key} is not a field of Stripe's"
    elif kind == "@":
        yield f"{path}: {value!r} is not an object"


def a_life(fake: FakeStripe) -> None:
    """Everything that can happen, once."""
    order = fake.sell(customer_creation="always", metadata={"channel": "shop"})
    fake.settle_refund(fake.refund(order["id"], 500, status="pending", reason="requested_by_customer")["id"])
    fake.settle_refund(fake.refund(order["id"], 500, status="pending")["id"], "failed")
    fake.close_dispute(fake.dispute(order["id"])["id"], "won")
    fake.money_arrives(fake.sell(pay="later")["id"])
    fake.money_fails(fake.sell(pay="later")["id"])
    fake.expire(fake.open()["id"], recovery=True)
    fake.sell(pay="free")
    fake.sell(mode="setup")
    subscription = fake.sell(mode="subscription", trial_days=14)["subscription"]
    fake.trial_will_end(subscription)
    fake.renew(subscription)
    fake.pay_invoice(fake.renew(subscription, fails=True)["id"])
    fake.change_subscription(subscription, cancel_at_period_end=True)
    fake.cancel(subscription)
    fake.payout(120_000)
    fake.payout(1000, fails=True)
    fake.pay_without_checkout(900)


def test_all_objects_have_stripes_fields_and_types(fake: FakeStripe) -> None:
    a_life(fake)
    found: list[str] = []
    for kind, class_name in _KNOWN["objects"].items():
        things = fake.all(kind)
        assert things, f"the life has no {kind}"
        for thing in things:
            found += wrong(thing, f"@{class_name}", kind)
    for kind, class_name in {"product": "product.Product", "price": "price.Price"}.items():
        for thing in fake.all(kind):
            found += wrong(thing, f"@{class_name}", kind)
    for session in fake.all("checkout.session"):
        for line in fake.items(session["id"]):
            found += wrong(line, "@line_item.LineItem", "line_item")
    assert sorted(set(found)) == []


def test_all_events_are_of_types_that_stripe_has_and_about_the_objects_it_says(fake: FakeStripe) -> None:
    a_life(fake)
    fake.disconnect(fake.connect("acct_1Bakery"))
    for record in fake.events():
        assert record.type in _KNOWN["events"]
        about = _KNOWN["events"][record.type]
        assert about in {"", record.body["data"]["object"]["object"]}, record.type
