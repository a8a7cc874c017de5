"""Where Stripe sends an account's events: classic webhook endpoints and event destinations.

https://docs.stripe.com/api/webhook_endpoints, https://docs.stripe.com/api/v2/core/event_destinations. Nothing here
deletes, or takes away what somebody chose.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from hub.checkout.client import API_VERSION, client, translated

_ALL = "*"
_THIN = "v1."
_URL = "webhook_endpoint.url"
_DESCRIPTION = "checkout-hub"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``kind``: endpoint, or destination. ``version`` of the API that renders its events; "" for thin ones."""

    id: str
    kind: str
    url: str
    types: tuple[str, ...]
    enabled: bool
    version: str = ""
    thin: bool = False

    def lacking(self, types: Iterable[str]) -> list[str]:
        """The event types that it does not send yet, in its own spelling."""
        if _ALL in self.types and not self.thin:
            return []
        wanted = [f"{_THIN}{one}" if self.thin else one for one in types]
        return [one for one in wanted if one not in self.types and f"{_THIN}*" not in self.types]


def is_same(one: str, other: str) -> bool:
    """Whether two addresses lead to one place: a slash at the end, the letters' case and http or not do not matter."""
    return _place(one) == _place(other)


def _place(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.netloc.lower().removesuffix(":443").removesuffix(":80"), parts.path.rstrip("/")


class Endpoints:
    """Needs a key with ``rak_webhook_write`` and ``rak_event_destination_write``. All methods raise ``FetchError``."""

    def __init__(self, api_key: str, api_base: str | None = None) -> None:
        self._client = client(api_key, api_base)

    def at(self, url: str) -> list[Endpoint]:
        """Every endpoint and destination that sends to this address."""
        with translated("the webhook endpoints"):
            pages = self._client.v1.webhook_endpoints.list({"limit": 100})
            classic = [_classic(one.to_dict(for_json=True)) for one in pages.auto_paging_iter()]
        with translated("the event destinations"):
            found = self._client.v2.core.event_destinations.list({"include": [_URL]})
            others = [_destination(one.to_dict(for_json=True)) for one in found.auto_paging_iter()]
        return [one for one in [*classic, *others] if is_same(one.url, url)]

    def create(self, url: str, types: Iterable[str]) -> tuple[Endpoint, str]:
        """A classic endpoint in the version that the hub reads, and its signing secret, which is shown this once."""
        given: Any = {
            "url": url,
            "enabled_events": sorted(types),
            "api_version": API_VERSION,
            "description": _DESCRIPTION,
        }
        # Two who do this at the same time get one endpoint: https://docs.stripe.com/api/idempotent_requests
        key = hashlib.sha256(repr(sorted(given.items())).encode()).hexdigest()
        with translated("the new webhook endpoint", changes=True):
            made = self._client.v1.webhook_endpoints.create(given, {"idempotency_key": key})
            known = [one.id for one in self._client.v1.webhook_endpoints.list({"limit": 100}).auto_paging_iter()]
            if made.id not in known:  # one of earlier today, which somebody has deleted since
                again: Any = {"idempotency_key": secrets.token_hex(16)}
                made = self._client.v1.webhook_endpoints.create(given, again)
            return _classic(made.to_dict(for_json=True)), str(made.secret)

    def mend(self, endpoint: Endpoint, add: Iterable[str]) -> None:
        """Has it send more types, and switches it on."""
        types: Any = [*endpoint.types, *add]
        with translated(f"the {endpoint.kind} {endpoint.id}", changes=True):
            if endpoint.kind == "endpoint":
                self._client.v1.webhook_endpoints.update(endpoint.id, {"enabled_events": types, "disabled": False})
                return
            destinations = self._client.v2.core.event_destinations
            destinations.update(endpoint.id, {"enabled_events": types})
            if not endpoint.enabled:
                destinations.enable(endpoint.id)


def _classic(one: dict[str, Any]) -> Endpoint:
    is_on, version = one.get("status") == "enabled", one.get("api_version") or ""
    return Endpoint(one["id"], "endpoint", one["url"], tuple(one["enabled_events"]), is_on, version)


def _destination(one: dict[str, Any]) -> Endpoint:
    hook = one.get("webhook_endpoint") or {}
    return Endpoint(
        one["id"],
        "destination",
        hook.get("url") or "",
        tuple(one.get("enabled_events") or ()),
        one.get("status") == "enabled",
        one.get("snapshot_api_version") or "",
        one.get("event_payload") == "thin",
    )
