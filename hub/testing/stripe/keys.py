"""Who may ask for what: API keys, restricted keys with permissions, accounts, and how often."""

from __future__ import annotations

import base64
import binascii
import time
from collections import Counter
from dataclasses import dataclass

from hub.testing.stripe import errors
from hub.testing.stripe.books import Books, Owner

#: The permission behind each type of object. ``rak_subscription_read`` and ``rak_charge_read`` are quoted in public
#: reports; refunds belong to charges and prices to plans in the Dashboard's list; the others follow the same pattern.
PERMISSIONS = {
    "account": "rak_account",
    "charge": "rak_charge",
    "checkout.session": "rak_checkout_session",
    "customer": "rak_customer",
    "dispute": "rak_dispute",
    "event": "rak_event",
    "event_destination": "rak_event_destination",
    "invoice": "rak_invoice",
    "invoice_payment": "rak_invoice",
    "payment_intent": "rak_payment_intent",
    "payment_link": "rak_payment_link",
    "payment_method": "rak_payment_method",
    "payout": "rak_payout",
    "price": "rak_plan",
    "product": "rak_product",
    "promotion_code": "rak_promotion_code",
    "refund": "rak_charge",
    "subscription": "rak_subscription",
    "webhook_endpoint": "rak_webhook",
}


@dataclass(frozen=True)
class Caller:
    """A key that has been accepted, and for whom it asks."""

    key: str
    owner: Owner
    account: str  #: the platform's own id
    permissions: frozenset[str] | None  #: None: everything

    def may(self, kind: str, right: str) -> None:
        """Raises Stripe's 403 unless the key may ``read`` or ``write`` objects of this type."""
        permission = f"{PERMISSIONS[kind]}_{right}"
        allowed = self.permissions
        if allowed is not None and permission not in allowed and f"{PERMISSIONS[kind]}_write" not in allowed:
            raise errors.may_not(self.key, self.owner.account or self.account, permission)


_READS = frozenset(f"{name}_read" for name in PERMISSIONS.values())


class Gate:
    """Every key that looks right is accepted: ``sk_`` for everything, ``rk_`` for reading, unless told otherwise."""

    def __init__(self, books: Books, account: str) -> None:
        self._books = books
        self.account = account
        self.per_second: int | None = None  #: requests that each endpoint takes within a second of real time
        self._restricted: dict[str, frozenset[str]] = {}
        self._refused: set[str] = set()
        self._expired: set[str] = set()
        self._taken: Counter[tuple[int, str]] = Counter()

    def restrict(self, key: str, *permissions: str) -> None:
        """A key may do only this: ``rak_event_read`` … (write includes read)."""
        self._restricted[key] = frozenset(permissions)

    def restrict_all_but(self, key: str, *types: str) -> None:
        """A key may read everything but these types of objects: ``event``, ``checkout.session`` …"""
        self._restricted[key] = _READS - {f"{PERMISSIONS[kind]}_read" for kind in types}

    def refuse(self, key: str) -> None:
        """A key is unknown from now on (401)."""
        self._refused.add(key)

    def expire(self, key: str) -> None:
        """A key has expired (401 with a code)."""
        self._expired.add(key)

    def enter(self, authorization: str, account: str, context: str) -> Caller:
        """Who asks; raises 401 and 403. ``context`` is a ``Stripe-Context``: its last part names the account."""
        scheme, _, given = authorization.partition(" ")
        key = given.strip() if scheme.lower() == "bearer" else _basic(given) if scheme.lower() == "basic" else ""
        if not key:
            raise errors.no_key()
        if key in self._expired:
            raise errors.expired_key(key)
        parts = key.split("_")
        if key in self._refused or len(parts) < 3 or parts[0] not in {"sk", "rk"} or parts[1] not in {"test", "live"}:
            raise errors.wrong_key(key)
        permissions = self._restricted.get(key, _READS if parts[0] == "rk" else None)
        asked_for = account or context.rpartition("/")[2]
        if asked_for == self.account:
            asked_for = ""
        if asked_for and asked_for not in self._books.accounts:
            raise errors.no_access(key, asked_for)
        return Caller(key, Owner(asked_for, parts[1] == "live"), self.account, permissions)

    def count(self, endpoint: str) -> None:
        """Raises 429 when an endpoint has been asked too often within this second."""
        now = int(time.monotonic())
        self._taken[now, endpoint] += 1
        if self.per_second is not None and self._taken[now, endpoint] > self.per_second:
            raise errors.too_many()


def _basic(encoded: str) -> str:
    try:
        return base64.b64decode(encoded).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""
