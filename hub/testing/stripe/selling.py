"""The till: opens sessions from sample items or from API parameters, and takes the payment methods of test mode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hub.testing.events import Buyer, Item
from hub.testing.stripe import errors, making
from hub.testing.stripe.books import Books, Json, Owner
from hub.testing.stripe.happenings import Happenings
from hub.testing.stripe.keys import Caller
from hub.testing.stripe.parameters import whole, yes

#: Test IBANs whose debit fails (https://docs.stripe.com/testing#sepa-direct-debit), and the one the Stripe CLI uses.
_FAILING_IBANS = {"AT861904300235473202", "DE62370400440532013001", "IT60X0542811101000000123456"}
_MODES = ("payment", "subscription", "setup")


class Till:
    """``page``: the address under which hosted pages stand."""

    def __init__(self, books: Books, happenings: Happenings) -> None:
        self._books = books
        self._happenings = happenings
        self._failing: set[str] = set()  # payment methods whose debit fails
        self.page = ""
        self.success_url: str | None = None  #: of sessions that name none

    def open(self, items: Sequence[Item], owner: Owner, mode: str, currency: str, **given: Any) -> Json:
        """An open session for sample items; ``given``: ``success_url``, ``metadata``, ``payment_link`` …"""
        recurring = "month" if mode == "subscription" else None
        lines = [
            making.line(
                self._books,
                making.price_of(self._books, owner, item, currency, recurring),
                item.quantity,
            )
            for item in items
            if mode != "setup"
        ]
        given = {"success_url": self.success_url, **given}
        return making.open_session(self._books, owner, lines, mode, currency, self.page, given)

    def discount(self, session: Json, percent: int, code: str = "") -> None:
        """A coupon, applied by the shop or by a buyer who knows its code: every line and the total go down."""
        lines = self._books.lines[session["id"]]
        for line in lines:
            line["amount_discount"] = line["amount_subtotal"] * percent // 100
            line["amount_total"] = line["amount_subtotal"] - line["amount_discount"]
        session["amount_total"] = sum(line["amount_total"] for line in lines)
        session["total_details"]["amount_discount"] = session["amount_subtotal"] - session["amount_total"]
        coupon, owner = f"COUPON{percent}", self._books.owner_of(session["id"])
        used = making.promotion_code(self._books, owner, code, coupon)["id"] if code else None
        session["discounts"] = [{"coupon": coupon, "promotion_code": used}]

    def open_by_api(self, given: Json, caller: Caller) -> Json:
        """``POST /v1/checkout/sessions``."""
        mode = given.get("mode", "payment")
        if mode not in _MODES:
            raise errors.invalid(f"Invalid mode: must be one of {', '.join(_MODES)}", "mode")
        wanted = given.get("line_items", [])
        if mode != "setup" and not wanted:
            raise errors.missing_parameter("line_items")
        if given.get("customer"):
            self._books.find(str(given["customer"]), caller.owner, "customer")
        lines = [self._line(one, number, caller.owner) for number, one in enumerate(wanted)]
        currency = lines[0]["currency"] if lines else str(given.get("currency", "usd")).lower()
        return making.open_session(self._books, caller.owner, lines, mode, currency, self.page, given)

    def _line(self, wanted: Any, number: int, owner: Owner) -> Json:
        where = f"line_items[{number}]"
        if not isinstance(wanted, dict):
            raise errors.invalid("Invalid object", where)
        quantity = whole(wanted.get("quantity", 1), f"{where}[quantity]")
        if "price" in wanted:
            kept = self._books.kept.get(str(wanted["price"]))
            if kept is None or kept.owner != owner or kept.thing["object"] != "price":
                raise errors.no_such("price", str(wanted["price"]), 400, f"{where}[price]")
            return making.line(self._books, kept.thing, quantity)
        if "price_data" not in wanted:
            raise errors.missing_parameter(f"{where}[price]")
        return making.line(self._books, self._price(dict(wanted["price_data"]), owner), quantity)

    def price(self, given: Json, caller: Caller) -> Json:
        """``POST /v1/prices``."""
        made = self._price(given, caller.owner)
        self._books.record("price.created", made)
        return made

    def _price(self, given: Json, owner: Owner) -> Json:
        if "currency" not in given:
            raise errors.missing_parameter("currency")
        if "product_data" in given:
            given["product"] = making.product(self._books, owner, given["product_data"])["id"]
        if "product" not in given:
            raise errors.missing_parameter("product")
        self._books.find(str(given["product"]), owner, "product")
        given["unit_amount"] = whole(given.get("unit_amount", 0), "unit_amount")
        return making.price(self._books, owner, given)

    def payment_method(self, given: Json, caller: Caller) -> Json:
        """``POST /v1/payment_methods``."""
        kind = str(given.get("type", "card"))
        billing = given.get("billing_details") or {}
        details = {"address": None, "email": None, "name": None, "phone": None, **billing}
        identity = self._books.new_id("pm")
        if (given.get(kind) or {}).get("iban") in _FAILING_IBANS:
            self._failing.add(identity)
        return self._books.keep(
            {
                "id": identity,
                "object": "payment_method",
                "billing_details": details,
                "created": self._books.now,
                "customer": None,
                "livemode": caller.owner.livemode,
                "metadata": {},
                "type": kind,
                kind: {},
            },
            caller.owner,
        )

    def pay_by_method(self, session_id: str, method: str, buyer: Buyer) -> Json:
        """Pays with a payment method; a debit of test mode is settled at once, with both events."""
        kept = self._books.kept.get(method)
        if kept is None or kept.thing["type"] == "card":
            return self._happenings.pay(session_id, buyer)
        self._happenings.pay_later(session_id, buyer)
        settle = self._happenings.money_fails if method in self._failing else self._happenings.money_arrives
        return settle(session_id)

    def payment_intent(self, given: Json, caller: Caller) -> Json:
        """``POST /v1/payment_intents``; with ``confirm=true`` it is paid at once."""
        if "amount" not in given or "currency" not in given:
            raise errors.missing_parameter("amount" if "amount" not in given else "currency")
        amount = whole(given["amount"], "amount")
        intent = making.payment_intent(self._books, caller.owner, amount, str(given["currency"]).lower())
        self._books.record("payment_intent.created", intent)
        method = str(given.get("payment_method", ""))
        return self.confirm(intent["id"], method) if yes(given.get("confirm")) else intent

    def confirm(self, intent_id: str, method: str) -> Json:
        """A payment without Checkout succeeds; test cards may bring a dispute (docs.stripe.com/testing#disputes)."""
        intent = self._happenings.take(intent_id, {})
        if "createDispute" in method:
            status = "warning_needs_response" if method.endswith("Inquiry") else "needs_response"
            self._happenings.dispute(intent_id, None, status, "fraudulent")
        return intent

    def subscription(self, given: Json, caller: Caller) -> Json:
        """``POST /v1/subscriptions``: a subscription without Checkout, its first invoice paid."""
        buyer = self._books.find(str(given.get("customer", "")), caller.owner, "customer")
        lines = [self._line(one, number, caller.owner) for number, one in enumerate(given.get("items", []))]
        if not lines:
            raise errors.missing_parameter("items")
        return self._happenings.subscribe(caller.owner, buyer, lines, int(given.get("trial_period_days", 0)))
