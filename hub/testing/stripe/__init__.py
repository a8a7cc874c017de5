"""A fake Stripe over real HTTP: develop, demo and test without an account.

::

    with FakeStripe() as stripe:                          # sends webhooks by itself, on the machine's clock
        endpoint = stripe.add_endpoint("http://127.0.0.1:8000/webhooks/stripe")
        … STRIPE_API_BASE=stripe.url  STRIPE_API_KEY=stripe.key  STRIPE_WEBHOOK_SECRET=endpoint.secret …
        order = stripe.sell(Item("Mug", "MUG-01", 2450, 2))       # a paid Checkout Session
        later = stripe.sell(pay="later")                          # complete, unpaid
        stripe.money_arrives(later["id"])                         # or money_fails
        stripe.refund(order["id"], 500)                           # again and again, until all is back
        stripe.renew(stripe.sell(mode="subscription")["subscription"])

    clock = ManualClock()
    with FakeStripe(clock) as stripe:                     # on your clock; nothing is sent until you say so
        stripe.sell(); stripe.deliver()                   # posts what is due; failed posts are due again later
        clock.advance(3600); stripe.deliver()

What hurts: ``stripe.office`` (``lost``, ``doubled``, ``shuffled``, ``paused``), ``stripe.late(seconds, share)`` for
events that the list shows late, ``stripe.fail(Fault.TOO_MANY, 500, on="/line_items")`` for the next requests,
``stripe.gate`` (``per_second``, ``restrict``, ``refuse``, ``expire``) for keys and limits, ``stripe.resend`` and
``stripe.tell_again`` (a second Event object) for duplicates. What was asked stands in ``stripe.calls``, what was posted
in ``stripe.posted``. Connected accounts: ``stripe.connect("acct_1")``, then ``sell(account="acct_1")``.

Items and buyers are those of :mod:`hub.testing.events`. What is not modelled is answered as Stripe answers an unknown
address. Kept honest in ``tests/stripe`` by the ``stripe`` package and the Stripe CLI.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

from hub.clock import Clock, SystemClock
from hub.testing.events import Buyer, Item
from hub.testing.faults import Fault
from hub.testing.serving import Serving
from hub.testing.stripe.api import Api, Call
from hub.testing.stripe.books import Books, Json, Owner, Record
from hub.testing.stripe.happenings import Happenings
from hub.testing.stripe.keys import Caller, Gate
from hub.testing.stripe.selling import Till
from hub.testing.stripe.site import Site
from hub.testing.stripe.webhooks import Endpoint, Posted, PostOffice

__all__ = ["Call", "Endpoint", "FakeStripe", "Posted", "Record"]

_SESSION = "checkout.session"


class FakeStripe:
    """The fake. ``url`` is the API's base and the address of its pages; ``key`` a restricted, read-only test key."""

    def __init__(self, clock: Clock | None = None, port: int = 0, seed: int = 7) -> None:
        self.key = "rk_test_fakeReadOnly0001"
        self.account = "acct_1FakeShop00000001"
        self.books = Books(clock or SystemClock(), seed)
        self.office = PostOffice(self.books)
        self.gate = Gate(self.books, self.account)
        self._happenings = Happenings(self.books)
        self._till = Till(self.books, self._happenings)
        self._api = Api(self.books, self._happenings, self.office, self.gate, self._till)
        self._site = Site(self._api, self._happenings, self._till, self.office, self.books)
        self._serving = Serving(self._site.app, port)
        self.url = self._till.page = self._serving.url
        self._ending = False
        self._postman = threading.Thread(target=self._carry, name="fake-webhooks", daemon=True)
        if clock is None:
            self._postman.start()

    def stop(self) -> None:
        """Ends the server; what has not been delivered stays undelivered."""
        with self.office.changed:
            self._ending = True
            self.office.changed.notify_all()
        if self._postman.is_alive():
            self._postman.join()
        self._serving.stop()

    def __enter__(self) -> FakeStripe:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def success_url(self) -> str | None:
        """Where buyers go after paying when their session names no address."""
        return self._till.success_url

    @success_url.setter
    def success_url(self, url: str) -> None:
        self._till.success_url = url

    # -- buyers ------------------------------------------------------------------------------------------------------

    def sell(
        self, *items: Item, pay: str = "card", buyer: Buyer | None = None, trial_days: int = 0, **given: Any
    ) -> Json:
        """A Checkout Session that a buyer completes; returns the session.

        ``pay``: ``card``, ``later`` (a debit: unpaid for now) or ``free`` (a coupon over everything). ``given`` is what
        :meth:`open` takes. A subscription with ``trial_days`` needs no payment.
        """
        with self.books.lock:
            session = self.open(*items, **(given | ({"discount_percent": 100} if pay == "free" else {})))
            if pay == "later":
                return self.pay_later(session["id"], buyer)
            return self.pay(session["id"], buyer, trial_days=trial_days)

    def open(
        self,
        *items: Item,
        mode: str = "payment",
        currency: str = "eur",
        account: str = "",
        livemode: bool = False,
        discount_percent: int = 0,
        discount_code: str = "",
        **given: Any,
    ) -> Json:
        """A session that waits for its buyer at ``url``.

        ``given``: ``success_url``, ``metadata``, ``client_reference_id``, ``payment_link``, ``customer``,
        ``customer_creation``, ``expires_at``, and any other field of the session, which then stands there as given.
        """
        with self.books.lock:
            session = self._till.open(items or (Item(),), Owner(account, livemode), mode, currency, **given)
            if discount_percent:
                self._till.discount(session, discount_percent, discount_code)
            session |= {name: value for name, value in given.items() if name in session}
            return copy.deepcopy(session)

    def pay(self, session_id: str, buyer: Buyer | None = None, *, trial_days: int = 0) -> Json:
        """The buyer of an open session pays."""
        return self._locked(self._happenings.pay, session_id, buyer or Buyer(), trial_days=trial_days)

    def pay_later(self, session_id: str, buyer: Buyer | None = None) -> Json:
        """The buyer of an open session chose a debit."""
        return self._locked(self._happenings.pay_later, session_id, buyer or Buyer())

    def money_arrives(self, session_id: str) -> Json:
        return self._locked(self._happenings.money_arrives, session_id)

    def money_fails(self, session_id: str) -> Json:
        return self._locked(self._happenings.money_fails, session_id)

    def expire(self, session_id: str, *, recovery: bool = False) -> Json:
        """An open session runs out; ``recovery``: with a link that brings the buyer back."""
        return self._locked(self._happenings.expire, session_id, recovery=recovery)

    def pay_without_checkout(self, amount: int, currency: str = "eur") -> Json:
        """A payment that no Checkout Session stands behind; returns the payment intent."""
        return self._locked(self._happenings.pay_directly, amount, currency, Owner())

    # -- afterwards --------------------------------------------------------------------------------------------------

    def refund(self, paid: str, amount: int | None = None, status: str = "succeeded", **given: Any) -> Json:
        """Money back for a session, invoice, payment or charge: all that is left, or ``amount``. Returns the refund."""
        return self._locked(self._happenings.refund, paid, amount, status, given)

    def settle_refund(self, refund_id: str, status: str = "succeeded") -> Json:
        """A pending refund ``succeeded`` or ``failed``."""
        return self._locked(self._happenings.settle_refund, refund_id, status)

    def dispute(
        self, paid: str, amount: int | None = None, status: str = "needs_response", reason: str = "fraudulent"
    ) -> Json:
        """The bank takes money back (or only asks: ``warning_needs_response``). Returns the dispute."""
        return self._locked(self._happenings.dispute, paid, amount, status, reason)

    def close_dispute(self, dispute_id: str, status: str = "lost") -> Json:
        return self._locked(self._happenings.close_dispute, dispute_id, status)

    def renew(self, subscription_id: str, *, fails: bool = False) -> Json:
        """The next period of a subscription; returns its invoice."""
        return self._locked(self._happenings.renew, subscription_id, fails=fails)

    def pay_invoice(self, invoice_id: str) -> Json:
        return self._locked(self._happenings.pay_invoice, invoice_id)

    def trial_will_end(self, subscription_id: str) -> Json:
        return self._locked(self._happenings.trial_will_end, subscription_id)

    def change_subscription(self, subscription_id: str, **fields: Any) -> Json:
        return self._locked(self._happenings.change_subscription, subscription_id, **fields)

    def cancel(self, subscription_id: str) -> Json:
        return self._locked(self._happenings.cancel, subscription_id)

    def payout(self, amount: int, currency: str = "eur", *, account: str = "", fails: bool = False) -> Json:
        return self._locked(self._happenings.payout, amount, currency, Owner(account), fails=fails)

    def disconnect(self, account: str) -> Json:
        """A connected account takes its permission back; returns the event."""
        return self._locked(self._happenings.disconnect, account, False)

    # -- webhooks and events -----------------------------------------------------------------------------------------

    def connect(self, account: str) -> str:
        """Makes a connected account known, so that ``Stripe-Account`` may name it."""
        self.books.accounts.add(account)
        return account

    def add_endpoint(
        self,
        url: str,
        events: Sequence[str] = ("*",),
        *,
        thin: bool = False,
        connect: bool = False,
        livemode: bool = False,
        secret: str = "",
        api_version: str = "",
    ) -> Endpoint:
        """Where webhooks go from now on; its ``secret`` signs them (a given one, or a new one)."""
        return self._site.add_endpoint(url, events, thin, connect, livemode, secret, api_version)

    def destination(self, given: Json) -> Json:
        """An event destination made by hand: what ``POST /v2/core/event_destinations`` takes."""
        with self.books.lock:
            return self._api.destinations.create(given, Caller("", Owner(), "", None))

    def delete_endpoint(self, endpoint_id: str) -> None:
        """Somebody deletes an endpoint in the Dashboard."""
        with self.books.lock:
            self._api.endpoints.answer("DELETE", [endpoint_id], {}, Caller("", Owner(), "", None))

    def deliver(self) -> int:
        """Posts every webhook that is due; returns how many posts were made."""
        return self.office.deliver()

    def deliver_all(self) -> int:
        """Posts until nothing is due any more, also what answers bring about."""
        total = 0
        while count := self.deliver():
            total += count
        return total

    def events(self, *types: str) -> list[Record]:
        """What has happened, oldest first, of these types (all)."""
        with self.books.lock:
            return [record for record in self.books.records if not types or record.type in types]

    def resend(self, event_id: str) -> None:
        """The same event goes to all its endpoints once more, as from the Dashboard."""
        with self.books.lock:
            record = self.books.record_of[event_id]
            for endpoint in self.office.endpoints.values():
                if endpoint.wants(record):
                    self.office.send(record, endpoint)

    def tell_again(self, event_id: str) -> Record:
        """A second Event object for the same thing, which Stripe says may happen."""
        with self.books.lock:
            told = self.books.record_of[event_id]
            return self.books.record(told.type, told.body["data"]["object"], owner=told.owner)

    def late(self, seconds: float, share: float = 1.0) -> None:
        """From now on a share of the events is shown in ``/v1/events`` only ``seconds`` after it happened."""
        self.books.late_seconds, self.books.late_share = seconds, share

    # -- the API -----------------------------------------------------------------------------------------------------

    def fail(self, *faults: Fault | int, on: str = "") -> None:
        """The next requests whose path contains ``on`` meet these, one each: a :class:`Fault`, or a status (500)."""
        self._site.faults.extend((fault, on) for fault in faults)

    @property
    def calls(self) -> list[Call]:
        """Every API request so far."""
        return self._api.calls

    @property
    def posted(self) -> list[Posted]:
        """Every try to deliver a webhook so far."""
        return self.office.posted

    def asked(self, part: str) -> list[Call]:
        """The API requests whose path contains ``part``."""
        return [call for call in self.calls if part in call.path]

    def session(self, session_id: str) -> Json:
        """A session as it is now."""
        with self.books.lock:
            return copy.deepcopy(self.books.find(session_id, self.books.owner_of(session_id), _SESSION))

    def sessions(self, account: str = "", livemode: bool = False) -> list[Json]:
        """All sessions, oldest first."""
        return self.all(_SESSION, account, livemode)

    def all(self, kind: str, account: str = "", livemode: bool = False) -> list[Json]:
        """All objects of a type (``refund``, ``invoice`` …) as they are now, oldest first."""
        with self.books.lock:
            return copy.deepcopy(list(self.books.all(kind, Owner(account, livemode))))

    def items(self, session_id: str) -> list[Json]:
        """A session's line items."""
        return copy.deepcopy(self.books.lines[session_id])

    def change(self, identity: str, fields: Mapping[str, Any]) -> Json:
        """Overwrites fields of an object in the books, without an event."""
        with self.books.lock:
            return copy.deepcopy(_updated(self.books.kept[identity].thing, fields))

    def _locked(self, happening: Any, *arguments: Any, **named: Any) -> Json:
        with self.books.lock:
            found: Json = copy.deepcopy(happening(*arguments, **named))
            return found

    def _carry(self) -> None:
        """On the machine's clock: posts whatever becomes due, until the end."""
        while True:
            with self.office.changed:
                if self._ending:
                    return
                due = self.office.next_due()
                now = self.books.clock.now() / 1000
                if self.office.paused or due is None or due > now:
                    self.office.changed.wait(1 if due is None else min(max(due - now, 0.01), 1))
                    continue
            self.deliver()


def _updated(thing: Json, fields: Mapping[str, Any]) -> Json:
    thing.update(fields)
    return thing
