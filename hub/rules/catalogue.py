"""Triggers and fields: the one table that checker, evaluator, samples and reference pages are made from.

Names are append-only. A field's ``source`` is what has to be fetched from Stripe before it is known: ``event`` (in the
event itself), ``line_items``, ``payment_intent``, ``customer``, ``subscription``, ``invoice`` or ``session`` (the
order of a refund or dispute, found through its payment).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hub.rules.types import (
    AMOUNT,
    ANY,
    COUNTRY,
    CURRENCY,
    DATE,
    NUMBER,
    TEXT,
    TEXTS,
    TIME,
    WEEKDAY,
    YES_NO,
    Field,
    Kind,
    Type,
    group,
    list_of,
    words,
)

_METADATA = group(open=TEXT)

_ADDRESS = group(
    Field("line1", TEXT, "street and house number", "1 Market Street"),
    Field("line2", TEXT, "flat, floor, c/o", "Floor 2", optional=True, typical=False),
    Field("city", TEXT, "town", "San Francisco"),
    Field("state", TEXT, "state or province", "CA", optional=True),
    Field("postal_code", TEXT, "ZIP or postcode", "94105"),
    Field("country", COUNTRY, "country, two letters", "US"),
)

_LABEL = "Ana Núñez\n1 Market Street\n94105 San Francisco, CA\nUS"

_SHIPPING = group(
    Field("name", TEXT, "who receives the parcel", "Ana Núñez", optional=True),
    Field("phone", TEXT, "the recipient's phone number", "+15550100", optional=True),
    Field("method", TEXT, "the shipping rate's name", "Standard"),
    Field("cost", AMOUNT, "what the buyer pays for shipping", "0.00"),
    Field("address", _ADDRESS, "where the parcel goes"),
    Field("label", TEXT, "name and address, one line each", _LABEL),
)

ITEM = group(
    Field("id", TEXT, "Stripe's id of the line", "li_sample1"),
    Field("name", TEXT, "the product as the buyer saw it", "Blue mug"),
    Field("description", TEXT, "the product's description", "350 ml, dishwasher safe", optional=True, typical=False),
    Field("sku", TEXT, "your own article number (price or product metadata “sku”)", "MUG-01", optional=True),
    Field("quantity", NUMBER, "how many pieces", "2"),
    Field("price", AMOUNT, "the price of one piece", "24.50"),
    Field("total", AMOUNT, "what the line costs", "49.00"),
    Field("currency", CURRENCY, "its currency", ""),
    Field("product_id", TEXT, "Stripe's product", "prod_sample1"),
    Field("price_id", TEXT, "Stripe's price", "price_sample1"),
    Field("metadata", _METADATA, "metadata of product and price"),
)

_ORDER = group(
    Field("id", TEXT, "Stripe's id of the Checkout Session", "cs_test_sample1"),
    Field("number", NUMBER, "the hub's own running number", "1042"),
    Field("reference", TEXT, "client_reference_id, if your shop sets one", "cart-77", optional=True, typical=False),
    Field("total", AMOUNT, "what the buyer pays", "49.00"),
    Field("subtotal", AMOUNT, "before discounts, tax and shipping", "49.00"),
    Field("tax", AMOUNT, "tax in the total", "0.00"),
    Field("discount", AMOUNT, "taken off by discounts", "0.00"),
    Field("currency", CURRENCY, "the currency of all amounts", ""),
    Field("country", COUNTRY, "country of delivery, else of the bill", "US"),
    Field("mode", words("payment", "subscription", "setup"), "what was bought: once, or a subscription", "payment"),
    Field("status", words("open", "complete", "expired"), "where the checkout stands", "complete"),
    Field("paid_at", DATE, "when the money arrived", "2026-11-24 10:00"),
    Field("created_at", DATE, "when the checkout was opened", "2026-11-24 09:58"),
    Field("items", list_of(ITEM), "what was bought, one entry per line", source="line_items"),
    Field("item_count", NUMBER, "how many pieces in all", "2", source="line_items"),
    Field("skus", TEXTS, "the SKUs in the order", "MUG-01", source="line_items"),
    Field("product_names", TEXTS, "the product names in the order", "Blue mug", source="line_items"),
    Field("product_ids", TEXTS, "Stripe's product ids", "prod_sample1", source="line_items"),
    Field("price_ids", TEXTS, "Stripe's price ids", "price_sample1", source="line_items"),
    Field("metadata", _METADATA, "metadata of the Checkout Session"),
    Field("fields", _METADATA, "your custom fields of the checkout page, by key"),
    Field(
        "discount_code", TEXT, "the promotion code used", "WELCOME10", optional=True, typical=False, source="discount"
    ),
    Field("payment_method", TEXT, "how it was paid", "card", source="payment_intent"),
    Field("payment_link", TEXT, "the Payment Link it came through", "plink_sample1", optional=True, typical=False),
    Field("shipping", _SHIPPING, "delivery"),
    Field("dashboard_url", TEXT, "the order in Stripe's Dashboard", "https://dashboard.stripe.com/test/payments/pi_1"),
    Field(
        "receipt_url",
        TEXT,
        "Stripe's receipt page",
        "https://pay.stripe.com/receipts/sample",
        optional=True,
        source="payment_intent",
    ),
    Field("language", TEXT, "the language of the checkout page", "en", optional=True),
)

_CUSTOMER = group(
    Field("id", TEXT, "Stripe's customer, if there is one", "cus_sample1", optional=True),
    Field("name", TEXT, "full name", "Ana Núñez"),
    Field("first_name", TEXT, "the first word of the name", "Ana"),
    Field("email", TEXT, "e-mail address", "ana@example.com"),
    Field("phone", TEXT, "phone number", "+15550100", optional=True),
    Field("country", COUNTRY, "country of the bill", "US"),
    Field("business_name", TEXT, "company", "Núñez Ceramics", optional=True, typical=False),
    Field("tax_id", TEXT, "VAT or other tax number", "NL123456789B01", optional=True, typical=False),
    Field("address", _ADDRESS, "billing address"),
    Field("language", TEXT, "preferred language", "en", optional=True),
    Field("metadata", _METADATA, "metadata of the customer", source="customer"),
)

_SUBSCRIPTION_STATES = words(
    "incomplete", "incomplete_expired", "trialing", "active", "past_due", "canceled", "unpaid", "paused"
)

_SUBSCRIPTION = group(
    Field("id", TEXT, "Stripe's id", "sub_sample1"),
    Field("plan", TEXT, "the product's name", "Monthly box", source="product"),
    Field("price_id", TEXT, "Stripe's price", "price_sample2"),
    Field("amount", AMOUNT, "what one period costs", "19.00"),
    Field("currency", CURRENCY, "its currency", ""),
    Field("interval", words("day", "week", "month", "year"), "how often it is paid", "month"),
    Field("status", _SUBSCRIPTION_STATES, "as Stripe calls it", "active"),
    Field("started_at", DATE, "when it began", "2026-11-24 10:00"),
    Field("renews_at", DATE, "when the current period ends", "2026-12-24 10:00"),
    Field("ends_at", DATE, "when it ends, if it was cancelled", "2026-12-24 10:00", optional=True),
    Field("cancel_reason", TEXT, "the reason the customer chose", "too_expensive", optional=True),
    Field("trial_ends_at", DATE, "when the free trial ends", "2026-12-08 10:00", optional=True),
    Field("quantity", NUMBER, "how many seats or units", "1"),
    Field("metadata", _METADATA, "metadata of the subscription"),
)

_INVOICE = group(
    Field("id", TEXT, "Stripe's id", "in_sample1"),
    Field("number", TEXT, "the number printed on it", "MUG-0007"),
    Field("total", AMOUNT, "the invoice's total", "49.00"),
    Field("amount_due", AMOUNT, "what is still to be paid", "49.00"),
    Field("currency", CURRENCY, "its currency", ""),
    Field("due_at", DATE, "when it is due", "2026-12-08 10:00", optional=True),
    Field("pdf_url", TEXT, "the invoice as a PDF", "https://pay.stripe.com/invoice/sample/pdf"),
    Field("pay_url", TEXT, "the page where it can be paid", "https://invoice.stripe.com/i/sample"),
    Field("attempt", NUMBER, "how often the payment was tried", "1"),
    Field("next_attempt_at", DATE, "when it is tried again", "2026-11-27 10:00", optional=True),
    Field("po_number", TEXT, "the customer's order number", "PO-4711", optional=True, typical=False),
    Field("metadata", _METADATA, "metadata of the invoice"),
)

_REFUND = group(
    Field("id", TEXT, "Stripe's id", "re_sample1"),
    Field("amount", AMOUNT, "what goes back this time", "49.00"),
    Field("currency", CURRENCY, "its currency", ""),
    Field("reason", TEXT, "why, as chosen in Stripe", "requested_by_customer"),
    Field("full", YES_NO, "whether everything paid has been refunded", "yes"),
    Field("at", DATE, "when it was made", "2026-11-24 10:00"),
)

_DISPUTE = group(
    Field("id", TEXT, "Stripe's id", "du_sample1"),
    Field("amount", AMOUNT, "what is disputed", "49.00"),
    Field("currency", CURRENCY, "its currency", ""),
    Field("reason", TEXT, "why, as the bank says", "product_not_received"),
    Field("respond_by", DATE, "answer before", "2026-12-01 10:00"),
    Field("status", TEXT, "as Stripe calls it", "needs_response"),
)

_EVENT = group(
    Field("id", TEXT, "Stripe's event", "evt_sample1"),
    Field("type", TEXT, "its type", "checkout.session.completed"),
    Field("at", DATE, "when it happened", "2026-11-24 10:00"),
    Field("live", YES_NO, "no in test mode", "no"),
    Field("account", TEXT, "the connected account", "acct_sample1", optional=True, typical=False),
)

_ACCOUNT = group(
    Field("id", TEXT, "the connected account", "acct_sample1", optional=True, typical=False),
    Field("name", TEXT, "its name under accounts:", "farm", optional=True, typical=False),
)

_SHOP = group(
    Field("name", TEXT, "from shop:", "Mug & Poster"),
    Field("email", TEXT, "from shop:", "hello@mugandposter.example"),
    Field("timezone", TEXT, "from shop:", "Europe/Berlin"),
    Field("currency", CURRENCY, "from shop:", "EUR"),
    Field("language", TEXT, "from shop:", "en"),
)

_NOW = Type(
    Kind.DATE,
    fields={
        "weekday": Field("weekday", WEEKDAY, "Mon to Sun, in shop time", "Tue"),
        "time": Field("time", TIME, "the time of day, in shop time", "10:00"),
    },
)

_ERROR = group(
    Field("message", TEXT, "what went wrong", "The channel does not exist."),
    Field("step", TEXT, "the step that failed", "2"),
    Field("action", TEXT, "its action", "slack.message"),
    Field("attempts", NUMBER, "how often it was tried", "12"),
)

_APPROVAL = group(
    Field("link", TEXT, "the page where it is answered, for whoever has the link", "https://hub.example.com/approve/…"),
)

LOOP = group(
    Field("index", NUMBER, "the turn, from 1", "1"),
    Field("first", YES_NO, "whether it is the first turn", "yes"),
    Field("last", YES_NO, "whether it is the last turn", "no"),
    Field("length", NUMBER, "how many turns there are", "1"),
)

#: Everything that can be the first word of a field.
_STOCK = group(
    Field("sku", TEXT, "the stock list's name of the product", "MUG-01"),
    Field("left", NUMBER, "pieces left", "3"),
    Field("low_at", NUMBER, "the number that counts as low", "3", optional=True),
)

_CODES = group(
    Field("pool", TEXT, "the pool's name", "Font Pro keys"),
    Field("left", NUMBER, "codes left in the pool", "10"),
)

_SHIPMENT = group(
    Field("part", NUMBER, "1, or 2, 3 … for further parcels of the order", "1"),
    Field("carrier", TEXT, "who carries it", "DHL", optional=True),
    Field("tracking_number", TEXT, "the parcel's number", "00340434161094015902", optional=True),
    Field("tracking_url", TEXT, "where the buyer can follow it", "https://example.com/track/1", optional=True),
    Field("at", DATE, "when it was marked as shipped", "2026-11-24 10:00"),
)

ROOTS: Mapping[str, Type] = {
    "order": _ORDER,
    "customer": _CUSTOMER,
    "item": ITEM,
    "subscription": _SUBSCRIPTION,
    "invoice": _INVOICE,
    "refund": _REFUND,
    "dispute": _DISPUTE,
    "stock": _STOCK,
    "codes": _CODES,
    "shipment": _SHIPMENT,
    "event": _EVENT,
    "account": _ACCOUNT,
    "shop": _SHOP,
    "now": _NOW,
    "error": _ERROR,
    "approval": _APPROVAL,
    "raw": ANY,
}

#: The roots that every trigger has.
ALWAYS = ("event", "account", "shop", "now", "raw")

_IN_EVENT = "event"


@dataclass(frozen=True, slots=True)
class Trigger:
    """What ``when:`` can name. ``roots`` maps each root to its source; ``object`` is the Stripe object in ``raw``."""

    name: str
    events: tuple[str, ...]
    roots: Mapping[str, str]
    help: str
    sample: str = ""  #: the built-in sample an example of it is usually given
    object: str = ""


_CHECKOUT = {"customer": _IN_EVENT, "order": _IN_EVENT}
_OF_ORDER = {"customer": "session", "order": "session"}
_SUBSCRIBER = {"customer": "subscriber", "subscription": _IN_EVENT}
_RENEWAL = {"customer": _IN_EVENT, "invoice": _IN_EVENT, "subscription": "subscription"}
_INVOICED = {"customer": _IN_EVENT, "invoice": _IN_EVENT}

_COMPLETED = "checkout.session.completed"
_UPDATED = "customer.subscription.updated"

_SESSION = "checkout.session"


def _trigger(name: str, events: str, roots: Mapping[str, str], sample: str, about: str, help: str) -> Trigger:  # noqa: A002
    return Trigger(name, tuple(events.split()), roots, help, sample, about)


TRIGGERS: Mapping[str, Trigger] = {
    one.name: one
    for one in (
        _trigger(
            "order paid",
            f"{_COMPLETED} checkout.session.async_payment_succeeded",
            _CHECKOUT,
            "order",
            _SESSION,
            "The money arrived, or none was due; once per order.",
        ),
        _trigger(
            "order placed",
            _COMPLETED,
            _CHECKOUT,
            "order",
            _SESSION,
            "Ordered, but the money is still on its way (bank debit, voucher).",
        ),
        _trigger(
            "payment failed",
            "checkout.session.async_payment_failed",
            _CHECKOUT,
            "order",
            _SESSION,
            "The money of a placed order did not arrive.",
        ),
        _trigger(
            "checkout abandoned",
            "checkout.session.expired",
            _CHECKOUT,
            "order",
            _SESSION,
            "The buyer never finished the checkout.",
        ),
        _trigger(
            "order refunded",
            "charge.refunded refund.created refund.updated",
            {"refund": _IN_EVENT, **_OF_ORDER},
            "refund",
            "",
            "Money went back, all of it or a part.",
        ),
        _trigger(
            "refund failed",
            "refund.failed",
            {"refund": _IN_EVENT, **_OF_ORDER},
            "refund",
            "refund",
            "A refund that was on its way came back.",
        ),
        _trigger(
            "dispute opened",
            "charge.dispute.created",
            {"dispute": _IN_EVENT, **_OF_ORDER},
            "dispute",
            "dispute",
            "The buyer's bank asks for the money back.",
        ),
        _trigger(
            "dispute closed",
            "charge.dispute.closed",
            {"dispute": _IN_EVENT, **_OF_ORDER},
            "dispute",
            "dispute",
            "A dispute was won, lost or withdrawn.",
        ),
        _trigger(
            "subscription started",
            f"customer.subscription.created {_UPDATED}",
            _SUBSCRIBER,
            "subscription",
            "subscription",
            "A subscription became active or began its trial.",
        ),
        _trigger(
            "subscription renewed",
            "invoice.paid",
            _RENEWAL,
            "subscription",
            "invoice",
            "A further period was paid.",
        ),
        _trigger(
            "renewal failed",
            "invoice.payment_failed",
            _RENEWAL,
            "subscription",
            "invoice",
            "A further period could not be paid.",
        ),
        _trigger(
            "trial ending",
            "customer.subscription.trial_will_end",
            _SUBSCRIBER,
            "subscription",
            "subscription",
            "A free trial ends in three days.",
        ),
        _trigger(
            "subscription changed",
            _UPDATED,
            _SUBSCRIBER,
            "subscription",
            "subscription",
            "Another price, quantity or status.",
        ),
        _trigger(
            "cancellation scheduled",
            _UPDATED,
            _SUBSCRIBER,
            "subscription",
            "subscription",
            "The customer cancelled; it runs until the end of the period.",
        ),
        _trigger(
            "subscription cancelled",
            "customer.subscription.deleted",
            _SUBSCRIBER,
            "subscription",
            "subscription",
            "A subscription has ended.",
        ),
        _trigger("invoice sent", "invoice.sent", _INVOICED, "invoice", "invoice", "An invoice was sent."),
        _trigger(
            "invoice paid",
            "invoice.paid",
            _INVOICED,
            "invoice",
            "invoice",
            "An invoice was paid (not renewals).",
        ),
        _trigger("invoice overdue", "invoice.overdue", _INVOICED, "invoice", "invoice", "An invoice is overdue."),
        _trigger("payout paid", "payout.paid", {}, "payout", "payout", "Stripe paid out to your bank."),
        _trigger(
            "account disconnected",
            "account.application.deauthorized",
            {},
            "account",
            "",
            "A connected account left.",
        ),
        _trigger(
            "order shipped",
            "hub.order.shipped",
            {"shipment": _IN_EVENT, **_OF_ORDER},
            "order",
            "",
            "A parcel of the order was marked as shipped in the hub.",
        ),
        _trigger(
            "stock low",
            "hub.stock.low",
            {"stock": _IN_EVENT},
            "stock",
            "",
            "The hub's stock of a product came down to its “low at” number.",
        ),
        _trigger(
            "stock sold out",
            "hub.stock.sold_out",
            {"stock": _IN_EVENT},
            "stock",
            "",
            "The last piece in the hub's stock was sold.",
        ),
        _trigger("codes low", "hub.codes.low", {"codes": _IN_EVENT}, "codes", "", "A pool of codes is nearly empty."),
    )
}


def fields_below(name: str, type_: Type) -> Iterator[tuple[str, Field]]:
    """Every field below a root with its full path; ``order.metadata.*`` for keys that the shop chooses."""
    for key, one in type_.fields.items():
        path = f"{name}.{key}"
        if one.type.open is not None:
            yield f"{path}.*", one
        elif one.type.fields:
            yield from fields_below(path, one.type)
        else:
            yield path, one


def sample_of(path: str) -> str:
    """The sample value of a field as text; "example" for a path that has none."""
    root, *names = path.split(".")
    type_, sample = ROOTS.get(root, ANY), ""
    for name in names:
        found = type_.fields.get(name)
        type_, sample = (found.type, found.sample) if found else (ANY, "")
    return sample or "example"


#: Raw event types of these families have the same roots as the friendly triggers.
_FAMILIES: Sequence[tuple[str, Mapping[str, str], str]] = (
    ("checkout.session.", _CHECKOUT, "order"),
    ("charge.dispute.", {"dispute": _IN_EVENT, **_OF_ORDER}, "dispute"),
    ("charge.refund", {"refund": _IN_EVENT, **_OF_ORDER}, "refund"),
    ("refund.", {"refund": _IN_EVENT, **_OF_ORDER}, "refund"),
    ("customer.subscription.", _SUBSCRIBER, "subscription"),
    ("invoice.", _INVOICED, "invoice"),
    ("customer.", {"customer": "subscriber"}, "customer"),
)


def trigger(name: str) -> Trigger | None:
    """The trigger that ``when: name`` means: a friendly one, or a raw Stripe event type (anything with a dot).

    Whether Stripe knows a raw type is not asked here; see ``hub.rules.stripe_fields``.
    """
    if name in TRIGGERS or "." not in name:
        return TRIGGERS.get(name)
    for prefix, roots, sample in _FAMILIES:
        if name.startswith(prefix):
            return Trigger(name, (name,), roots, f"Stripe's event {name}.", sample)
    return Trigger(name, (name,), {}, f"Stripe's event {name}.", "event")
