"""What an event does not carry, fetched from Stripe: line items, and the object behind a thin notification.

The only module that imports the ``stripe`` package (0.2 s and 18 MB): ``hub.app`` loads it when there is a key.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import stripe

from hub.errors import FetchError

#: Every answer is rendered in this version, whatever the account's own is.
API_VERSION = "2026-10-28.endive"
_TIMEOUT_SECONDS = 20
_PAGE = 100


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
        # The SDK would write a telemetry id to the home directory and send it along with every request.
        stripe.enable_telemetry = False
        self._client = stripe.StripeClient(
            api_key,
            stripe_version=API_VERSION,
            base_addresses={"api": api_base} if api_base else {},
            max_network_retries=0,  # the planner retries, with a memory that survives a restart
            http_client=stripe.RequestsClient(timeout=_TIMEOUT_SECONDS),
        )

    def line_items(self, session_id: str, account: str) -> list[dict[str, Any]]:
        """All line items of a Checkout Session, every page, with price and product expanded.

        https://docs.stripe.com/api/checkout/sessions/line_items. Raises :class:`FetchError`.
        """
        with _translated(f"the items of {session_id}"):
            first = partial(
                self._client.v1.checkout.sessions.line_items.list,
                session_id,
                {"limit": _PAGE, "expand": ["data.price.product"]},
                _options(account),
            )
            return [item for page in self._pages("line_items", first) for item in page]

    def session(self, session_id: str, account: str) -> dict[str, Any]:
        """A Checkout Session as it is now, with its line items' first page. Raises :class:`FetchError`."""
        with _translated(f"the session {session_id}"):
            self._pace.wait("session")
            found = self._client.v1.checkout.sessions.retrieve(
                session_id, {"expand": ["line_items.data.price.product"]}, _options(account)
            )
            return found.to_dict(for_json=True)

    def events(self, types: Sequence[str] | None, since: int) -> Iterator[list[dict[str, Any]]]:
        """Events since a moment in seconds, newest first, page by page; of some types (at most 20), or all.

        https://docs.stripe.com/api/events/list. Raises :class:`FetchError`.
        """
        wanted: Any = {"limit": _PAGE, "created": {"gte": since}} | ({"types": list(types)} if types else {})
        with _translated("the list of events"):
            yield from self._pages("events", partial(self._client.v1.events.list, wanted))

    def complete_sessions(self, since: int) -> Iterator[list[dict[str, Any]]]:
        """Complete Checkout Sessions created since a moment in seconds, newest first, page by page.

        https://docs.stripe.com/api/checkout/sessions/list. Raises :class:`FetchError`.
        """
        with _translated("the list of Checkout Sessions"):
            wanted: Any = {"limit": _PAGE, "status": "complete", "created": {"gte": since}}
            yield from self._pages("sessions", partial(self._client.v1.checkout.sessions.list, wanted))

    def products(self) -> Iterator[list[dict[str, Any]]]:
        """The active products with their default prices, page by page.

        https://docs.stripe.com/api/products/list. Raises :class:`FetchError`.
        """
        with _translated("the products"):
            wanted: Any = {"limit": _PAGE, "active": True, "expand": ["data.default_price"]}
            yield from self._pages("products", partial(self._client.v1.products.list, wanted))

    def readable(self) -> dict[str, FetchError | None]:
        """What the hub reads, each with the error that reading it gives; nothing is changed."""
        client = self._client.v1
        asked: dict[str, Callable[[], object]] = {
            "Checkout Sessions": lambda: client.checkout.sessions.list({"limit": 1}),
            "Events": lambda: client.events.list({"limit": 1}),
            "Products": lambda: client.products.list({"limit": 1}),
            "Prices": lambda: client.prices.list({"limit": 1}),
        }
        return {what: _error_of(what, ask) for what, ask in asked.items()}

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
        with _translated(what):
            ask()
    except FetchError as error:
        return error
    return None


def _options(account: str) -> Any:
    return {"stripe_account": account} if account else {}


class _translated:  # noqa: N801 - used as a statement
    """Turns the SDK's errors into one :class:`FetchError` that says what a person can do."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, stripe.StripeError):
            # Not chained: the SDK's exceptions carry request headers and bodies.
            raise _fetch_error(self._what, error) from None


def _fetch_error(what: str, error: stripe.StripeError) -> FetchError:
    if isinstance(error, stripe.RateLimitError):
        return FetchError(f"Stripe asks us to slow down (429) while reading {what}.", retry_after=_retry_after(error))
    if isinstance(error, stripe.AuthenticationError):
        return FetchError(f"Stripe refused the API key (401) while reading {what}.", "Check STRIPE_API_KEY.")
    if isinstance(error, stripe.PermissionError):
        hint = "Give the restricted key read access to Checkout Sessions, Products and Prices."
        return FetchError(f"The API key may not read {what} (403).", hint)
    if isinstance(error, stripe.InvalidRequestError):
        hint = "Is STRIPE_API_KEY a key of the same account and mode (test or live)?"
        return FetchError(f"Stripe does not know {what} ({error.http_status}).", hint, is_unknown=True)
    status = f" ({error.http_status})" if error.http_status else ""
    return FetchError(f"Stripe could not be reached{status} while reading {what}.")


def _retry_after(error: stripe.StripeError) -> float | None:
    headers = error.headers or {}
    value = str(headers.get("retry-after") or headers.get("Retry-After") or "")
    return float(value) if value.replace(".", "", 1).isdigit() else None
