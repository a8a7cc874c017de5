"""What can happen to a sale, from the open page to the last dispute: objects change, events are recorded.

The event sequences are those of https://docs.stripe.com/checkout/fulfillment,
https://docs.stripe.com/billing/subscriptions/webhooks, https://docs.stripe.com/refunds and
https://docs.stripe.com/disputes/how-disputes-work. Nothing here sleeps: money that comes later comes when told.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from hub.testing.events import Buyer
from hub.testing.stripe import errors, making
from hub.testing.stripe.books import Books, Json, Owner

_SESSION = "checkout.session"


class Happenings:
    """Each method takes ids, changes the books under their lock, and returns the object concerned."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def pay(self, session_id: str, buyer: Buyer, *, trial_days: int = 0) -> Json:
        """The buyer pays by card, or there is nothing to pay, or a trial begins, or a card is saved (setup)."""
        session, owner = self._open(session_id)
        typed = self._completes(session, buyer)
        if session["mode"] == "setup":
            session["setup_intent"] = self._books.new_id("seti")
        elif session["mode"] == "subscription":
            self._subscribe(session, owner, typed, trial_days)
        elif session["amount_total"] == 0:
            session["payment_status"] = "no_payment_required"
        else:
            self._customer(session, owner, typed, wanted=session["customer_creation"] == "always")
            self._charge(session, owner, typed, "succeeded")
            session["payment_status"] = "paid"
        self._books.record("checkout.session.completed", session)
        return session

    def pay_later(self, session_id: str, buyer: Buyer) -> Json:
        """The buyer chose a bank debit: complete, and unpaid until :meth:`money_arrives` or :meth:`money_fails`."""
        session, owner = self._open(session_id)
        session["payment_method_types"] = ["sepa_debit"]
        typed = self._completes(session, buyer)
        self._charge(session, owner, typed, "pending")
        self._books.record("checkout.session.completed", session)
        return session

    def money_arrives(self, session_id: str) -> Json:
        """A debit went through."""
        session, intent, charged = self._pending(session_id)
        charged |= {"status": "succeeded", "paid": True, "captured": True, "amount_captured": charged["amount"]}
        charged |= {"balance_transaction": self._books.new_id("txn")}
        charged["receipt_url"] = f"https://pay.stripe.com/receipts/payment/{charged['id']}"
        intent |= {"status": "succeeded", "amount_received": intent["amount"]}
        session["payment_status"] = "paid"
        self._books.record("charge.succeeded", charged)
        self._books.record("payment_intent.succeeded", intent)
        self._books.record("checkout.session.async_payment_succeeded", session)
        return session

    def money_fails(self, session_id: str) -> Json:
        """A debit came back."""
        session, intent, charged = self._pending(session_id)
        charged |= {"status": "failed", "failure_code": "insufficient_funds"}
        charged["failure_message"] = "The account has insufficient funds."
        intent |= {
            "status": "requires_payment_method",
            "last_payment_error": {"code": "payment_intent_payment_attempt_failed"},
        }
        self._books.record("charge.failed", charged)
        self._books.record("payment_intent.payment_failed", intent)
        self._books.record("checkout.session.async_payment_failed", session)
        return session

    def expire(self, session_id: str, *, recovery: bool = False) -> Json:
        """Nobody paid in time; with ``recovery`` the session carries a link that opens a copy."""
        session, _ = self._open(session_id)
        session |= {"status": "expired", "url": None}
        if recovery:
            url = f"https://buy.stripe.com/r/live_{self._books.new_id('r')}"
            session["after_expiration"] = {
                "recovery": {
                    "allow_promotion_codes": False,
                    "enabled": True,
                    "expires_at": self._books.now + 30 * 86_400,
                    "url": url,
                }
            }
        self._books.record("checkout.session.expired", session)
        return session

    def refund(self, paid: str, amount: int | None, status: str, given: Mapping[str, Any]) -> Json:
        """Money goes back for a session, payment intent or charge; ``status`` succeeded or pending."""
        charged = self._charged(paid)
        owner = self._books.owner_of(charged["id"])
        left = charged["amount"] - charged["amount_refunded"]
        if charged["status"] != "succeeded":
            raise errors.invalid("This payment has not succeeded and cannot be refunded.", code="charge_not_refundable")
        if left == 0:
            text = f"Charge {charged['id']} has already been refunded."
            raise errors.invalid(text, code="charge_already_refunded")
        wanted = left if amount is None else amount
        if not 0 < wanted <= left:
            raise errors.invalid(
                f"Refund amount ({wanted}) is greater than unrefunded amount on charge ({left})", "amount"
            )
        made = making.refund(self._books, owner, charged, wanted, status, given)
        before = {"amount_refunded": charged["amount_refunded"], "refunded": charged["refunded"]}
        charged["amount_refunded"] += wanted
        charged["refunded"] = charged["amount_refunded"] == charged["amount"]
        self._books.record("refund.created", made)
        self._books.record("charge.refunded", charged, before)
        return made

    def settle_refund(self, refund_id: str, status: str) -> Json:
        """A refund that was under way has ``succeeded`` or ``failed`` (the money is back with the shop)."""
        made = self._any(refund_id, "refund")
        before = {"status": made["status"]}
        made["status"] = status
        self._books.record("refund.updated", made, before)
        charged = self._any(made["charge"], "charge")
        if status == "failed":
            made["failure_reason"] = "expired_or_canceled_card"
            charged["amount_refunded"] -= made["amount"]
            charged["refunded"] = False
            self._books.record("refund.failed", made, before)
        self._books.record("charge.refund.updated", made, before)
        return made

    def dispute(self, paid: str, amount: int | None, status: str, reason: str) -> Json:
        """The buyer's bank takes the money back, or only asks (``warning_…``)."""
        charged = self._charged(paid)
        owner = self._books.owner_of(charged["id"])
        made = making.dispute(
            self._books, owner, charged, charged["amount"] if amount is None else amount, status, reason
        )
        if not status.startswith("warning_"):
            charged["disputed"] = True
        self._books.record("charge.dispute.created", made)
        if not status.startswith("warning_"):
            self._books.record("charge.dispute.funds_withdrawn", made)
        return made

    def close_dispute(self, dispute_id: str, status: str) -> Json:
        """``won``, ``lost``, ``warning_closed`` or ``prevented``; may be told again with another outcome."""
        made = self._any(dispute_id, "dispute")
        before = {"status": made["status"]}
        made["status"] = status
        self._books.record("charge.dispute.closed", made, before)
        if status == "won":
            self._books.record("charge.dispute.funds_reinstated", made)
        return made

    def subscribe(
        self, owner: Owner, buyer: Mapping[str, Any], lines: Sequence[Json], trial_days: int, total: int | None = None
    ) -> Json:
        """A subscription begins: its first invoice is paid (of 0 during a trial)."""
        subscribed = making.subscription(self._books, owner, buyer["id"], lines, trial_days)
        self._books.record("customer.subscription.created", subscribed)
        due = 0 if trial_days else _worth(subscribed) if total is None else total
        self._bill(subscribed, owner, "subscription_create", buyer, due, pays=True)
        return subscribed

    def renew(self, subscription_id: str, *, fails: bool = False) -> Json:
        """The next period begins: an invoice, paid or (``fails``) not. Returns the invoice."""
        subscribed = self._any(subscription_id, "subscription")
        owner = self._books.owner_of(subscription_id)
        before = {name: copy.deepcopy(subscribed[name]) for name in ("items", "latest_invoice", "status")}
        making.next_period(subscribed, self._books.now)
        buyer = self._any(subscribed["customer"], "customer")
        billed = self._bill(subscribed, owner, "subscription_cycle", buyer, _worth(subscribed), pays=not fails)
        subscribed["status"] = "past_due" if fails else "active"
        changed = {name: value for name, value in before.items() if value != subscribed[name]}
        self._books.record("customer.subscription.updated", subscribed, changed)
        return billed

    def pay_invoice(self, invoice_id: str) -> Json:
        """An invoice that failed is paid after all."""
        billed = self._any(invoice_id, "invoice")
        subscribed = self._any(billed["parent"]["subscription_details"]["subscription"], "subscription")
        before = {"status": subscribed["status"]}
        buyer = self._any(billed["customer"], "customer")
        self._settle(billed, self._books.owner_of(invoice_id), buyer, pays=True)
        subscribed["status"] = "active"
        self._books.record("customer.subscription.updated", subscribed, before)
        return billed

    def trial_will_end(self, subscription_id: str) -> Json:
        """Three days before a trial ends."""
        subscribed = self._any(subscription_id, "subscription")
        self._books.record("customer.subscription.trial_will_end", subscribed)
        return subscribed

    def change_subscription(self, subscription_id: str, **fields: Any) -> Json:
        """``cancel_at_period_end=True``, ``metadata={…}``, ``status="past_due"``, ``quantity=3`` …"""
        subscribed = self._any(subscription_id, "subscription")
        if "quantity" in fields:
            items = copy.deepcopy(subscribed["items"])
            items["data"][0]["quantity"] = fields.pop("quantity")
            fields["items"] = items
        before = {name: subscribed.get(name) for name in fields}
        subscribed |= fields
        self._books.record("customer.subscription.updated", subscribed, before)
        return subscribed

    def cancel(self, subscription_id: str) -> Json:
        """The subscription ends at once."""
        subscribed = self._any(subscription_id, "subscription")
        subscribed |= {"status": "canceled", "canceled_at": self._books.now, "ended_at": self._books.now}
        self._books.record("customer.subscription.deleted", subscribed)
        return subscribed

    def pay_directly(self, amount: int, currency: str, owner: Owner) -> Json:
        """A payment made without Checkout, by the shop's own page."""
        intent = making.payment_intent(self._books, owner, amount, currency)
        self._books.record("payment_intent.created", intent)
        return self.take(intent["id"], {})

    def take(self, intent_id: str, buyer: Mapping[str, Any]) -> Json:
        """A payment without Checkout succeeds."""
        intent = self._any(intent_id, "payment_intent")
        self._take(intent, self._books.owner_of(intent_id), buyer, "succeeded")
        return intent

    def payout(self, amount: int, currency: str, owner: Owner, *, fails: bool = False) -> Json:
        """Money goes to the shop's bank account."""
        made = making.payout(self._books, owner, amount, currency, "failed" if fails else "paid")
        self._books.record("payout.failed" if fails else "payout.paid", made)
        return made

    def disconnect(self, account: str, livemode: bool) -> Json:
        """A connected account takes its permission back; the event comes in that account's name."""
        self._books.accounts.discard(account)
        application = {"id": "ca_fake", "object": "application", "name": "The shop's platform"}
        return self._books.record("account.application.deauthorized", application, owner=Owner(account, livemode)).body

    def _any(self, identity: str, kind: str) -> Json:
        return self._books.find(identity, self._books.owner_of(identity), kind)

    def _open(self, session_id: str) -> tuple[Json, Owner]:
        session = self._any(session_id, _SESSION)
        if session["status"] != "open":
            raise errors.invalid(
                f"This Session's status is {session['status']}. Only Sessions whose status is open can be changed."
            )
        return session, self._books.owner_of(session_id)

    def _pending(self, session_id: str) -> tuple[Json, Json, Json]:
        session = self._any(session_id, _SESSION)
        if session["status"] != "complete" or session["payment_status"] != "unpaid":
            raise errors.invalid(f"No money is on its way for {session_id}.")
        intent = self._any(session["payment_intent"], "payment_intent")
        return session, intent, self._any(intent["latest_charge"], "charge")

    def _charged(self, paid: str) -> Json:
        """The charge of a session (also of a subscription's first invoice), invoice, payment intent, or itself."""
        thing = self._books.find(paid, self._books.owner_of(paid))
        if thing["object"] == _SESSION:
            if thing["payment_intent"] is None and thing["invoice"] is None:
                raise errors.invalid(f"{paid} has no payment.")
            thing = self._books.find(thing["payment_intent"] or thing["invoice"], self._books.owner_of(paid))
        if thing["object"] == "invoice":
            payments = self._books.all("invoice_payment", self._books.owner_of(paid))
            found = [one["payment"]["payment_intent"] for one in payments if one["invoice"] == thing["id"]]
            if not found:
                raise errors.invalid(f"{thing['id']} has no payment.")
            thing = self._any(found[0], "payment_intent")
        return thing if thing["object"] == "charge" else self._any(thing["latest_charge"], "charge")

    def _completes(self, session: Json, buyer: Buyer) -> Json:
        typed, collected = making.details(buyer)
        session |= {"status": "complete", "url": None, "customer_details": typed, "collected_information": collected}
        return typed

    def _customer(self, session: Json, owner: Owner, typed: Json, *, wanted: bool) -> None:
        if wanted and session["customer"] is None:
            made = making.customer(self._books, owner, typed)
            session["customer"] = made["id"]
            self._books.record("customer.created", made)

    def _charge(self, session: Json, owner: Owner, typed: Json, status: str) -> None:
        intent = making.payment_intent(
            self._books,
            owner,
            session["amount_total"],
            session["currency"],
            customer=session["customer"],
            payment_method_types=list(session["payment_method_types"]),
        )
        session["payment_intent"] = intent["id"]
        self._books.record("payment_intent.created", intent)
        self._take(intent, owner, typed, status)

    def _take(self, intent: Json, owner: Owner, buyer: Mapping[str, Any], status: str) -> None:
        charged = making.charge(self._books, owner, intent, buyer, status)
        intent["latest_charge"] = charged["id"]
        paid = status == "succeeded"
        intent["status"] = "succeeded" if paid else "processing"
        intent["amount_received"] = intent["amount"] if paid else 0
        self._books.record(f"charge.{status}", charged)
        self._books.record("payment_intent.succeeded" if paid else "payment_intent.processing", intent)

    def _subscribe(self, session: Json, owner: Owner, typed: Json, trial_days: int) -> None:
        self._customer(session, owner, typed, wanted=True)
        buyer = {"id": session["customer"], **typed}
        total = 0 if trial_days else session["amount_total"]
        subscribed = self.subscribe(owner, buyer, self._books.lines[session["id"]], trial_days, total)
        session |= {"subscription": subscribed["id"], "amount_total": total, "invoice": subscribed["latest_invoice"]}
        session["payment_status"] = "paid" if total else "no_payment_required"

    def _bill(
        self, subscribed: Json, owner: Owner, reason: str, buyer: Mapping[str, Any], total: int, *, pays: bool
    ) -> Json:
        billed = making.invoice(self._books, owner, subscribed, reason, buyer, total)
        subscribed["latest_invoice"] = billed["id"]
        self._books.record("invoice.created", billed)
        billed["status"] = "open"
        billed["status_transitions"]["finalized_at"] = self._books.now
        self._books.record("invoice.finalized", billed)
        self._settle(billed, owner, buyer, pays=pays)
        return billed

    def _settle(self, billed: Json, owner: Owner, buyer: Mapping[str, Any], *, pays: bool) -> None:
        billed |= {"attempted": True, "attempt_count": billed["attempt_count"] + 1}
        if not pays:
            billed["next_payment_attempt"] = self._books.now + 3 * 86_400
            self._books.record("invoice.payment_failed", billed)
            return
        total = billed["total"]
        if total:
            intent = making.payment_intent(self._books, owner, total, billed["currency"], customer=billed["customer"])
            self._take(intent, owner, buyer, "succeeded")
            making.invoice_payment(self._books, owner, billed, intent)
        billed |= {"status": "paid", "amount_paid": total, "amount_remaining": 0, "next_payment_attempt": None}
        billed["status_transitions"]["paid_at"] = self._books.now
        self._books.record("invoice.paid", billed)
        self._books.record("invoice.payment_succeeded", billed)


def _worth(subscribed: Json) -> int:
    return sum(one["price"]["unit_amount"] * (one["quantity"] or 1) for one in subscribed["items"]["data"])
