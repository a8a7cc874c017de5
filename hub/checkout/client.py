"""The client of Stripe's API, and its errors in words. With its two users the only importer of the ``stripe`` package.

The import costs 0.2 s and 18 MB: ``hub.app`` loads it when there is a key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import stripe

from hub.errors import FetchError

#: Every answer is rendered in this version, whatever the account's own is.
API_VERSION = "2026-10-28.endive"
_TIMEOUT_SECONDS = 20


def client(api_key: str, api_base: str | None) -> stripe.StripeClient:
    """A client that neither repeats requests by itself nor tells Stripe about this machine."""
    # The SDK would write a telemetry id to the home directory and send it along with every request.
    stripe.enable_telemetry = False
    return stripe.StripeClient(
        api_key,
        stripe_version=API_VERSION,
        base_addresses={"api": api_base} if api_base else {},
        max_network_retries=0,  # the planner retries, with a memory that survives a restart
        http_client=stripe.RequestsClient(timeout=_TIMEOUT_SECONDS),
    )


@contextmanager
def translated(what: str, *, changes: bool = False) -> Iterator[None]:
    """Turns the SDK's errors into one :class:`FetchError` that says what a person can do."""
    try:
        yield
    except stripe.StripeError as error:
        # Not chained: the SDK's exceptions carry request headers and bodies.
        raise _fetch_error(what, error, changes=changes) from None


def _fetch_error(what: str, error: stripe.StripeError, *, changes: bool) -> FetchError:
    if isinstance(error, stripe.RateLimitError):
        return FetchError(f"Stripe asks us to slow down (429) while reading {what}.", retry_after=_retry_after(error))
    if isinstance(error, stripe.AuthenticationError):
        return FetchError(f"Stripe refused the API key (401) while reading {what}.", "Check STRIPE_API_KEY.")
    if isinstance(error, stripe.PermissionError):
        named = re.search(r"rak_[a-z_]+", str(error))
        permission = f"the permission {named[0]}" if named else f"access to {what}"
        hint = f"Give the restricted key {permission}: https://dashboard.stripe.com/apikeys"
        verb = "change" if changes else "read"
        return FetchError(f"The API key may not {verb} {what} (403).", hint, is_forbidden=True)
    if isinstance(error, stripe.InvalidRequestError) and changes:
        return FetchError(f"Stripe refuses {what}: {error.user_message}")
    if isinstance(error, stripe.InvalidRequestError):
        hint = "Is STRIPE_API_KEY a key of the same account and mode (test or live)?"
        return FetchError(f"Stripe does not know {what} ({error.http_status}).", hint, is_unknown=True)
    status = f" ({error.http_status})" if error.http_status else ""
    return FetchError(f"Stripe could not be reached{status} while reading {what}.")


def _retry_after(error: stripe.StripeError) -> float | None:
    headers = error.headers or {}
    value = str(headers.get("retry-after") or headers.get("Retry-After") or "")
    return float(value) if value.replace(".", "", 1).isdigit() else None
