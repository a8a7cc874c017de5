"""Stripe's objects as the API of 2026-10-28.endive renders them, as far as a shop's automation looks at them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hub.testing.events import Buyer, Item, Sale, session
from hub.testing.stripe.books import Books, Json, Owner

#: How long a subscription's interval lasts here (seconds).
_INTERVAL = {"day": 86_400, "week": 7 * 86_400, "month": 30 * 86_400, "year": 365 * 86_400}


def product(books: Books, owner: Owner, given: Mapping[str, Any]) -> Json:
    return books.keep(
        {
            "id": given.get("id") or books.new_id("prod", 14),
            "object": "product",
            "active": True,
            "created": books.now,
            "default_price": None,
            "description": given.get("description"),
            "images": [],
            "livemode": owner.livemode,
            "metadata": dict(given.get("metadata") or {}),
            "name": given.get("name", ""),
            "shippable": None,
            "type": "service",
            "updated": books.now,
            "url": None,
        },
        owner,
    )


def promotion_code(books: Books, owner: Owner, code: str, coupon: str) -> Json:
    """https://docs.stripe.com/api/promotion_codes/object."""
    return books.keep(
        {
            "id": books.new_id("promo", 24),
            "object": "promotion_code",
            "active": True,
            "code": code,
            "created": books.now,
            "livemode": owner.livemode,
            "metadata": {},
            "promotion": {"coupon": coupon, "type": "coupon"},
            "times_redeemed": 1,
        },
        owner,
    )


def price(books: Books, owner: Owner, given: Mapping[str, Any]) -> Json:
    recurring = given.get("recurring")
    return books.keep(
        {
            "id": books.new_id("price"),
            "object": "price",
            "active": True,
            "billing_scheme": "per_unit",
            "created": books.now,
            "currency": str(given.get("currency", "usd")).lower(),
            "livemode": owner.livemode,
            "lookup_key": given.get("lookup_key"),
            "metadata": dict(given.get("metadata") or {}),
            "nickname": given.get("nickname"),
            "product": given["product"],
            "recurring": None
            if not recurring
            else {
                "interval": recurring.get("interval", "month"),
                "interval_count": int(recurring.get("interval_count", 1)),
                "meter": None,
                "trial_period_days": None,
                "usage_type": "licensed",
            },
            "tax_behavior": "unspecified",
            "type": "recurring" if recurring else "one_time",
            "unit_amount": int(given.get("unit_amount") or 0),
            "unit_amount_decimal": str(given.get("unit_amount") or 0),
        },
        owner,
    )


def price_of(books: Books, owner: Owner, item: Item, currency: str, recurring: str | None) -> Json:
    """The price of a sample item, made once: the product carries the SKU."""
    wanted = {"interval": recurring} if recurring else None
    identity = f"prod_{item.sku}" + (f"_{owner.account}" if owner.account else "") + ("_live" if owner.livemode else "")
    if identity not in books.kept:
        product(books, owner, {"id": identity, "name": item.name, "metadata": {"sku": item.sku} if item.sku else {}})
    for one in books.all("price", owner):
        same = one["product"] == identity and one["unit_amount"] == item.unit_amount and one["currency"] == currency
        if same and bool(one["recurring"]) == bool(recurring):
            return one
    given = {"product": identity, "unit_amount": item.unit_amount, "currency": currency, "recurring": wanted}
    return price(books, owner, given)


def line(books: Books, priced: Json, quantity: int | None) -> Json:
    """A line item; its price names the product by id unless expanded."""
    amount = priced["unit_amount"] * (1 if quantity is None else quantity)
    kept = books.kept.get(priced["product"])
    return {
        "id": books.new_id("li"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": priced["currency"],
        "description": kept.thing["name"] if kept else None,
        "metadata": {},
        "price": dict(priced),
        "quantity": quantity,
    }


def open_session(
    books: Books, owner: Owner, lines: Sequence[Json], mode: str, currency: str, page: str, given: Mapping[str, Any]
) -> Json:
    """A Checkout Session that nobody has paid yet; ``page`` is where hosted pages are, without a final slash."""
    identity = books.new_id("cs_live" if owner.livemode else "cs_test", 58)
    total = sum(one["amount_total"] for one in lines)
    is_setup = mode == "setup"
    sale = Sale(items=(), currency=currency, mode=mode, session_id=identity, created=books.now)
    body = session(
        sale,
        after_expiration=None,
        amount_subtotal=None if is_setup else sum(one["amount_subtotal"] for one in lines),
        amount_total=None if is_setup else total,
        cancel_url=given.get("cancel_url"),
        client_reference_id=given.get("client_reference_id"),
        collected_information=None,
        consent=None,
        currency=None if is_setup else currency,
        customer=given.get("customer"),
        customer_creation=given.get("customer_creation", "if_required") if mode == "payment" else None,
        customer_details={"email": given["customer_email"], "name": None, "address": None, "phone": None, "tax_ids": []}
        if given.get("customer_email")
        else None,
        customer_email=given.get("customer_email"),
        expires_at=int(given.get("expires_at") or books.now + 86_400),
        invoice=None,
        livemode=owner.livemode,
        metadata=dict(given.get("metadata") or {}),
        payment_intent=None,
        payment_link=given.get("payment_link"),
        payment_method_types=list(given.get("payment_method_types") or ["card"]),
        payment_status="no_payment_required" if is_setup else "unpaid",
        presentment_details=None,
        recovered_from=given.get("recovered_from"),
        setup_intent=None,
        shipping_cost=None,
        status="open",
        subscription=None,
        success_url=given.get("success_url"),
        total_details=None if is_setup else {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        url=f"{page}/c/pay/{identity}",
    )
    del body["line_items"]
    books.lines[identity] = list(lines)
    return books.keep(body, owner)


def details(buyer: Buyer) -> tuple[Json, Json]:
    """What a buyer typed: ``customer_details``, and ``collected_information``."""
    typed = session(Sale(items=(), buyer=buyer))
    return typed["customer_details"], typed["collected_information"]


def customer(books: Books, owner: Owner, given: Mapping[str, Any]) -> Json:
    return books.keep(
        {
            "id": books.new_id("cus", 14),
            "object": "customer",
            "address": given.get("address"),
            "balance": 0,
            "created": books.now,
            "currency": None,
            "default_source": None,
            "delinquent": False,
            "description": given.get("description"),
            "email": given.get("email"),
            "livemode": owner.livemode,
            "metadata": dict(given.get("metadata") or {}),
            "name": given.get("name"),
            "phone": given.get("phone"),
            "preferred_locales": [],
            "shipping": None,
        },
        owner,
    )


def payment_intent(books: Books, owner: Owner, amount: int, currency: str, **fields: Any) -> Json:
    identity = books.new_id("pi")
    return books.keep(
        {
            "id": identity,
            "object": "payment_intent",
            "amount": amount,
            "amount_capturable": 0,
            "amount_received": 0,
            "canceled_at": None,
            "capture_method": "automatic_async",
            "client_secret": f"{identity}_secret_{books.new_id('x')[2:]}",
            "created": books.now,
            "currency": currency,
            "customer": None,
            "description": None,
            "last_payment_error": None,
            "latest_charge": None,
            "livemode": owner.livemode,
            "metadata": {},
            "payment_method": books.new_id("pm"),
            "payment_method_types": ["card"],
            "receipt_email": None,
            "status": "requires_payment_method",
            **fields,
        },
        owner,
    )


def charge(books: Books, owner: Owner, intent: Json, buyer: Mapping[str, Any], status: str) -> Json:
    """The charge of a payment; ``status`` succeeded, pending or failed."""
    identity = books.new_id("py" if status == "pending" else "ch")
    kind = intent["payment_method_types"][0]
    card = {"brand": "visa", "country": "US", "exp_month": 12, "exp_year": 2034, "funding": "credit", "last4": "4242"}
    paid = status == "succeeded"
    return books.keep(
        {
            "id": identity,
            "object": "charge",
            "amount": intent["amount"],
            "amount_captured": intent["amount"] if paid else 0,
            "amount_refunded": 0,
            "balance_transaction": books.new_id("txn") if paid else None,
            "billing_details": {key: buyer.get(key) for key in ("address", "email", "name", "phone")},
            "captured": paid,
            "created": books.now,
            "currency": intent["currency"],
            "customer": intent["customer"],
            "description": None,
            "disputed": False,
            "failure_code": "insufficient_funds" if status == "failed" else None,
            "failure_message": "The account has insufficient funds." if status == "failed" else None,
            "livemode": owner.livemode,
            "metadata": {},
            "paid": paid,
            "payment_intent": intent["id"],
            "payment_method": intent["payment_method"],
            "payment_method_details": {"type": kind, kind: card if kind == "card" else {}},
            "receipt_email": None,
            "receipt_number": None,
            "receipt_url": f"https://pay.stripe.com/receipts/payment/{identity}" if paid else None,
            "refunded": False,
            "status": status,
        },
        owner,
    )


def refund(books: Books, owner: Owner, charged: Json, amount: int, status: str, given: Mapping[str, Any]) -> Json:
    return books.keep(
        {
            "id": books.new_id("re"),
            "object": "refund",
            "amount": amount,
            "balance_transaction": books.new_id("txn"),
            "charge": charged["id"],
            "created": books.now,
            "currency": charged["currency"],
            "destination_details": {"type": charged["payment_method_details"]["type"]},
            "failure_reason": None,
            "metadata": dict(given.get("metadata") or {}),
            "payment_intent": charged["payment_intent"],
            "reason": given.get("reason"),
            "receipt_number": None,
            "status": status,
        },
        owner,
    )


def dispute(books: Books, owner: Owner, charged: Json, amount: int, status: str, reason: str) -> Json:
    return books.keep(
        {
            "id": books.new_id("du"),
            "object": "dispute",
            "amount": amount,
            "balance_transactions": [],
            "charge": charged["id"],
            "created": books.now,
            "currency": charged["currency"],
            "evidence_details": {"due_by": books.now + 7 * 86_400, "has_evidence": False, "past_due": False},
            "is_charge_refundable": status.startswith("warning_"),
            "livemode": owner.livemode,
            "metadata": {},
            "payment_intent": charged["payment_intent"],
            "reason": reason,
            "status": status,
        },
        owner,
    )


def subscription(books: Books, owner: Owner, buyer: str, lines: Sequence[Json], trial_days: int) -> Json:
    """A subscription to what ``lines`` name; periods stand at its items since 2025-03-31.basil."""
    now = books.now
    interval = next((one["price"]["recurring"]["interval"] for one in lines if one["price"]["recurring"]), "month")
    trial_end = now + trial_days * 86_400 if trial_days else None
    until = trial_end or now + _INTERVAL[interval]
    identity = books.new_id("sub")
    items = [_subscription_item(books, identity, one, now, until) for one in lines if one["price"]["recurring"]]
    return books.keep(
        {
            "id": identity,
            "object": "subscription",
            "billing_cycle_anchor": until if trial_days else now,
            "cancel_at": None,
            "cancel_at_period_end": False,
            "canceled_at": None,
            "cancellation_details": {"comment": None, "feedback": None, "reason": None},
            "collection_method": "charge_automatically",
            "created": now,
            "currency": lines[0]["currency"],
            "customer": buyer,
            "ended_at": None,
            "items": {"object": "list", "data": items, "has_more": False, "url": "/v1/subscription_items"},
            "latest_invoice": None,
            "livemode": owner.livemode,
            "metadata": {},
            "start_date": now,
            "status": "trialing" if trial_days else "active",
            "trial_end": trial_end,
            "trial_start": now if trial_days else None,
        },
        owner,
    )


def _subscription_item(books: Books, subscription_id: str, bought: Json, start: int, end: int) -> Json:
    return {
        "id": books.new_id("si", 14),
        "object": "subscription_item",
        "created": start,
        "current_period_end": end,
        "current_period_start": start,
        "metadata": {},
        "price": bought["price"],
        "quantity": bought["quantity"],
        "subscription": subscription_id,
    }


def period(subscribed: Json) -> tuple[int, int]:
    """The current period: start and end, Unix seconds."""
    item = subscribed["items"]["data"][0]
    return item["current_period_start"], item["current_period_end"]


def next_period(subscribed: Json, now: int) -> None:
    """Moves the subscription's items to the period that begins now."""
    for item in subscribed["items"]["data"]:
        item["current_period_start"] = now
        item["current_period_end"] = now + _INTERVAL[item["price"]["recurring"]["interval"]]


def invoice(books: Books, owner: Owner, subscribed: Json, reason: str, buyer: Mapping[str, Any], total: int) -> Json:
    """A draft of the subscription's invoice; ``reason``: subscription_create or subscription_cycle."""
    identity = books.new_id("in")
    start, end = period(subscribed)
    related = {"subscription": subscribed["id"], "metadata": subscribed["metadata"]}
    return books.keep(
        {
            "id": identity,
            "object": "invoice",
            "amount_due": total,
            "amount_paid": 0,
            "amount_remaining": total,
            "attempt_count": 0,
            "attempted": False,
            "billing_reason": reason,
            "collection_method": "charge_automatically",
            "created": books.now,
            "currency": subscribed["currency"],
            "customer": subscribed["customer"],
            "customer_address": buyer.get("address"),
            "customer_email": buyer.get("email"),
            "customer_name": buyer.get("name"),
            "customer_phone": buyer.get("phone"),
            "due_date": None,
            "hosted_invoice_url": f"https://invoice.stripe.com/i/acct_fake/{identity}",
            "invoice_pdf": f"https://pay.stripe.com/invoice/acct_fake/{identity}/pdf",
            "lines": {
                "object": "list",
                "data": [_invoice_line(books, identity, one) for one in subscribed["items"]["data"]],
                "has_more": False,
                "url": f"/v1/invoices/{identity}/lines",
            },
            "livemode": owner.livemode,
            "metadata": {},
            "next_payment_attempt": None,
            "number": f"{identity[3:11].upper()}-{books.chance.randint(1, 9999):04}",
            "parent": {"type": "subscription_details", "quote_details": None, "subscription_details": related},
            "period_end": end,
            "period_start": start,
            "status": "draft",
            "status_transitions": {"finalized_at": None, "paid_at": None, "voided_at": None},
            "subtotal": total,
            "total": total,
            "total_taxes": [],
        },
        owner,
    )


def _invoice_line(books: Books, invoice_id: str, item: Json) -> Json:
    priced = item["price"]
    kept = books.kept.get(priced["product"])
    return {
        "id": books.new_id("il"),
        "object": "line_item",
        "amount": priced["unit_amount"] * (item["quantity"] or 1),
        "currency": priced["currency"],
        "description": f"{item['quantity'] or 1} × {kept.thing['name'] if kept else priced['product']}",
        "invoice": invoice_id,
        "metadata": {},
        "period": {"start": item["current_period_start"], "end": item["current_period_end"]},
        "pricing": {
            "price_details": {"price": priced["id"], "product": priced["product"]},
            "type": "price_details",
            "unit_amount_decimal": str(priced["unit_amount"]),
        },
        "quantity": item["quantity"],
    }


def invoice_payment(books: Books, owner: Owner, billed: Json, intent: Json) -> Json:
    """What was paid for an invoice: since 2025-03-31.basil the only way from an invoice to its payment."""
    return books.keep(
        {
            "id": books.new_id("inpay"),
            "object": "invoice_payment",
            "amount_paid": intent["amount"],
            "amount_requested": intent["amount"],
            "created": books.now,
            "currency": intent["currency"],
            "invoice": billed["id"],
            "is_default": True,
            "livemode": owner.livemode,
            "payment": {"type": "payment_intent", "payment_intent": intent["id"]},
            "status": "paid",
            "status_transitions": {"canceled_at": None, "paid_at": books.now},
        },
        owner,
    )


def payout(books: Books, owner: Owner, amount: int, currency: str, status: str) -> Json:
    return books.keep(
        {
            "id": books.new_id("po"),
            "object": "payout",
            "amount": amount,
            "arrival_date": books.now + 2 * 86_400,
            "automatic": True,
            "created": books.now,
            "currency": currency,
            "description": "STRIPE PAYOUT",
            "destination": books.new_id("ba"),
            "failure_code": "account_closed" if status == "failed" else None,
            "failure_message": "The bank account has been closed." if status == "failed" else None,
            "livemode": owner.livemode,
            "metadata": {},
            "method": "standard",
            "status": status,
            "type": "bank_account",
        },
        owner,
    )
