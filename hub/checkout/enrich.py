"""What an event does not carry, read from Stripe: the object behind a thin notification, what rules need, lists."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

from hub.checkout.client import client, translated
from hub.checkout.reading import is_once_per_object
from hub.checkout.wants import CUSTOMER, DISCOUNT, LINE_ITEMS, PAYMENT, PERMISSIONS, SUBSCRIPTION, Want
from hub.errors import FetchError
from hub.model import Event

_PAGE = 100
_ITEMS = "line_items.data.price.product"


class _Pace:
    """Lets at most so many requests a second through to each endpoint; those that come too early wait."""

    def __init__(self, per_second: float) -> None:
        self._interval = 1 / per_second
        self._next: dict[str, float] = {}
        self._lock = threading.Lock()

    def wait(self, endpoint: str) -> None:
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next.get(endpoint, 0.0))
            self._next[endpoint] = turn + self._interval
        time.sleep(turn - now)


class StripeObjects:
    """Reads objects with a (restricted, read-only) API key. Safe to use from several threads.

    At most ``per_second`` requests a second go to one endpoint: Stripe takes 25
    (https://docs.stripe.com/rate-limits). One process of a database asks for what rules need (the one that plans), so
    this holds for all of them together.
    """

    def __init__(self, api_key: str, api_base: str | None = None, per_second: float = 20) -> None:
        self._pace = _Pace(per_second)
        self._client = client(api_key, api_base)
        self._in_name_of = "stripe_context" if "_org_" in api_key else "stripe_account"

    def read(self, want: Want, account: str) -> Any:
        """What a rule needs, as it is now: a list for line items, else an object. Raises :class:`FetchError`."""
        read: Mapping[str, Callable[[str, str], Any]] = {
            LINE_ITEMS: self.line_items,
            PAYMENT: self.payment,
            DISCOUNT: partial(self.session, expand=("discounts.promotion_code",)),
            CUSTOMER: self._customer,
            SUBSCRIPTION: self._subscription,
        }
        return read[want.kind](want.id, account)

    def told(self, event: Event, url: str) -> dict[str, Any]:
        """What a thin notification left out: the object at the path ``url``; see ``hub.checkout.events.fetched``.

        https://docs.stripe.com/event-destinations#fetch-data. Raises :class:`FetchError`.
        """
        expand = [_ITEMS] if url.startswith("/v1/checkout/sessions/") else []
        found: dict[str, Any] = {"object": self._get(url, event.account, expand)}
        if not is_once_per_object(event.type):
            whole = self._get(f"/v2/core/events/{event.id}", event.account)
            changes = whole.get("changes") or {}
            found |= {"twin": whole.get("snapshot_event"), "previous_attributes": changes.get("before", changes)}
        return found

    def _get(self, path: str, account: str, expand: Sequence[str] = ()) -> dict[str, Any]:
        """One object. However it is come to, its endpoint is asked at one pace."""
        endpoint, _, object_id = path.rpartition("/")
        given: dict[str, Any] = {"expand": [*expand]} if expand else {}
        with translated(object_id):
            self._pace.wait(endpoint)
            answer = self._client.raw_request("get", path, **given, **self._options(account))
            found: dict[str, Any] = json.loads(answer.body)
            return found

    def line_items(self, session_id: str, account: str) -> list[dict[str, Any]]:
        """All line items of a Checkout Session, every page, with price and product expanded.

        https://docs.stripe.com/api/checkout/sessions/line_items. Raises :class:`FetchError`.
        """
        with translated(f"the items of {session_id}"):
            first = partial(
                self._client.v1.checkout.sessions.line_items.list,
                session_id,
                {"limit": _PAGE, "expand": ["data.price.product"]},
                self._options(account),
            )
            return [item for page in self._pages("line_items", first) for item in page]

    def session(self, session_id: str, account: str, expand: Sequence[str] = (_ITEMS,)) -> dict[str, Any]:
        """A Checkout Session as it is now, with its line items' first page. Raises :class:`FetchError`."""
        return self._get(f"/v1/checkout/sessions/{quote(session_id, safe='')}", account, expand)

    def payment(self, payment_id: str, account: str) -> dict[str, Any]:
        """A PaymentIntent with its latest charge; by the id of an invoice, that which paid it, or {} if none did.

        https://docs.stripe.com/api/payment_intents/object. Raises :class:`FetchError`.
        """
        if not payment_id.startswith("in_"):
            return self._get(f"/v1/payment_intents/{quote(payment_id, safe='')}", account, ["latest_charge"])
        invoice = self._get(f"/v1/invoices/{quote(payment_id, safe='')}", account, ["payments"])
        paid_by = [one.get("payment") or {} for one in (invoice.get("payments") or {}).get("data", ())]
        intent = next((one["payment_intent"] for one in paid_by if one.get("payment_intent")), None)
        return {} if intent is None else self.payment(intent, account)

    def _customer(self, customer_id: str, account: str) -> dict[str, Any]:
        return self._get(f"/v1/customers/{quote(customer_id, safe='')}", account, ["tax_ids"])

    def _subscription(self, subscription_id: str, account: str) -> dict[str, Any]:
        return self._get(f"/v1/subscriptions/{quote(subscription_id, safe='')}", account, ["items.data.price.product"])

    def events(self, types: Sequence[str] | None, since: int, account: str) -> Iterator[list[dict[str, Any]]]:
        """Events since a moment in seconds, newest first, page by page; of some types (at most 20), or all.

        https://docs.stripe.com/api/events/list. Raises :class:`FetchError`.
        """
        wanted: Any = {"limit": _PAGE, "created": {"gte": since}} | ({"types": list(types)} if types else {})
        with translated("the list of events"):
            yield from self._pages("events", partial(self._client.v1.events.list, wanted, self._options(account)))

    def complete_sessions(self, since: int, account: str) -> Iterator[list[dict[str, Any]]]:
        """Complete Checkout Sessions created since a moment in seconds, newest first, page by page.

        https://docs.stripe.com/api/checkout/sessions/list. Raises :class:`FetchError`.
        """
        with translated("the list of Checkout Sessions"):
            wanted: Any = {"limit": _PAGE, "status": "complete", "created": {"gte": since}}
            ask = partial(self._client.v1.checkout.sessions.list, wanted, self._options(account))
            yield from self._pages("sessions", ask)

    def complete_sessions_with_items(self, since: int, until: int, account: str) -> Iterator[list[dict[str, Any]]]:
        """Complete Checkout Sessions created in ``[since, until)`` with the first page of their items, page by page."""
        with translated("the list of Checkout Sessions"):
            wanted: Any = {"limit": _PAGE, "status": "complete", "created": {"gte": since, "lt": until}}
            wanted["expand"] = [f"data.{_ITEMS}"]
            ask = partial(self._client.v1.checkout.sessions.list, wanted, self._options(account))
            yield from self._pages("sessions", ask)

    def refunds(self, since: int, account: str) -> Iterator[list[dict[str, Any]]]:
        """Refunds made since a moment in seconds, newest first, page by page.

        https://docs.stripe.com/api/refunds/list. Raises :class:`FetchError`.
        """
        with translated("the list of refunds"):
            wanted: Any = {"limit": _PAGE, "created": {"gte": since}}
            yield from self._pages("refunds", partial(self._client.v1.refunds.list, wanted, self._options(account)))

    def paid_invoices(self, since: int, account: str) -> Iterator[list[dict[str, Any]]]:
        """Paid invoices made since a moment in seconds, newest first, page by page.

        https://docs.stripe.com/api/invoices/list. Raises :class:`FetchError`.
        """
        with translated("the list of invoices"):
            wanted: Any = {"limit": _PAGE, "status": "paid", "created": {"gte": since}}
            yield from self._pages("invoices", partial(self._client.v1.invoices.list, wanted, self._options(account)))

    def products(self) -> Iterator[list[dict[str, Any]]]:
        """The active products with their default prices, page by page.

        https://docs.stripe.com/api/products/list. Raises :class:`FetchError`.
        """
        with translated("the products"):
            wanted: Any = {"limit": _PAGE, "active": True, "expand": ["data.default_price"]}
            yield from self._pages("products", partial(self._client.v1.products.list, wanted))

    def readable(self, needs: Iterable[str]) -> dict[str, FetchError | None]:
        """What the hub reads, each with the error that reading it gives; nothing is changed.

        ``needs``: the sources that the rules need beyond that; see ``hub.checkout.wants.PERMISSIONS``.
        """
        client = self._client.v1
        asked: dict[str, Callable[[Any], object]] = {
            "Checkout Sessions": client.checkout.sessions.list,
            "Events": client.events.list,
            "Products": client.products.list,
            "Refunds": client.refunds.list,
            "Prices": client.prices.list,
            "PaymentIntents": client.payment_intents.list,
            "Charges": client.charges.list,
            "Invoices": client.invoices.list,
            "Promotion codes": client.promotion_codes.list,
            "Customers": client.customers.list,
            "Subscriptions": client.subscriptions.list,
        }
        always = ("Checkout Sessions", "Events", "Products", "Prices", "Refunds")
        wanted = dict.fromkeys([*always, *(name for need in needs for name in PERMISSIONS.get(need, ()))])
        return {what: _error_of(what, partial(asked[what], {"limit": 1})) for what in wanted}

    def _options(self, account: str) -> Any:
        """In whose name is asked: for an organisation's key in a context (https://docs.stripe.com/get-started/account/orgs/build)."""
        return {self._in_name_of: account} if account else {}

    def _pages(self, endpoint: str, first: Callable[[], Any]) -> Iterator[list[dict[str, Any]]]:
        """The objects of a list, one request at a time."""
        ask = first
        while True:
            self._pace.wait(endpoint)
            page = ask()
            yield [one.to_dict(for_json=True) for one in page.data]
            if not page.has_more:
                return
            ask = page.next_page


def _error_of(what: str, ask: Callable[[], object]) -> FetchError | None:
    try:
        with translated(what):
            ask()
    except FetchError as error:
        return error
    return None
