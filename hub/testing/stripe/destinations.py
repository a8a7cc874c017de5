"""``/v2/core/event_destinations`` and ``/v2/core/events``: JSON in and out.

https://docs.stripe.com/api/v2/core/event_destinations, https://docs.stripe.com/api/v2/core/events. Whether classic
endpoints show up in this list is not documented where we could read it: here the two lists are apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hub.testing.stripe import errors
from hub.testing.stripe.books import Books, Json, Record
from hub.testing.stripe.keys import Caller
from hub.testing.stripe.parameters import metadata, words
from hub.testing.stripe.webhooks import Endpoint, PostOffice, iso, thin

_KIND = "v2.core.event_destination"
_SECRET, _URL = "webhook_endpoint.signing_secret", "webhook_endpoint.url"


class Destinations:
    """Destinations of type ``webhook_endpoint``, thin or snapshot."""

    def __init__(self, books: Books, office: PostOffice) -> None:
        self._books = books
        self._office = office

    def answer(self, method: str, path: str, given: Json, caller: Caller) -> Json:
        parts = path.removeprefix("/v2/core/").strip("/").split("/")
        if parts[0] == "events" and method == "GET":
            caller.may("event", "read")
            return self._event(parts[1], caller) if len(parts) == 2 else self._events(given, caller)
        if parts[0] != "event_destinations":
            raise errors.no_such_path(method, path)
        caller.may("event_destination", "read" if method == "GET" else "write")
        include = words(given.pop("include", []))
        match method, parts[1:]:
            case "GET", []:
                found = list(self._books.all(_KIND, caller.owner))[::-1]
                return _page([self._shown(one, include) for one in found])
            case "POST", []:
                return self.create(given, caller, include)
            case "GET", [identity]:
                return self._shown(self._find(identity, caller), include)
            case "POST", [identity]:
                return self._shown(self._update(identity, given, caller), include)
            case "POST", [identity, "enable" | "disable" as verb]:
                return self._shown(self._switch(identity, verb == "enable", caller), include)
            case "POST", [identity, "ping"]:
                return self._ping(identity, caller)
        raise errors.no_such_path(method, path)

    def _find(self, identity: str, caller: Caller) -> Json:
        try:
            return self._books.find(identity, caller.owner, _KIND)
        except errors.Refused:
            raise errors.Refused(
                404, "invalid_request_error", f"Event destination {identity} not found.", "not_found"
            ) from None

    def _shown(self, body: Json, include: Sequence[str], secret: str | None = None) -> Json:
        """Secret and URL are redacted unless asked for; the secret is shown at creation only."""
        hook = {
            "signing_secret": secret if _SECRET in include else None,
            "url": body["webhook_endpoint"]["url"] if _URL in include else None,
        }
        return {**body, "webhook_endpoint": hook}

    def create(self, given: Json, caller: Caller, include: Sequence[str] = ()) -> Json:
        for name in ("name", "type", "enabled_events", "event_payload"):
            if name not in given:
                raise errors.missing_parameter(name)
        url = str((given.get("webhook_endpoint") or {}).get("url", ""))
        if given["type"] != "webhook_endpoint" or not url:
            raise errors.missing_parameter("webhook_endpoint.url")
        now = iso(self._books.clock.now())
        is_thin = given["event_payload"] == "thin"
        if is_thin and given.get("snapshot_api_version"):
            raise errors.invalid("snapshot_api_version must not be given for thin events.", "snapshot_api_version")
        body = self._books.keep(
            {
                "id": self._books.new_id("ed_test"),
                "object": _KIND,
                "created": now,
                "description": given.get("description", ""),
                "enabled_events": words(given["enabled_events"]),
                "event_payload": given["event_payload"],
                "events_from": given.get("events_from") or ["@self"],
                "livemode": caller.owner.livemode,
                "metadata": metadata({}, given.get("metadata") or {}),
                "name": given["name"],
                "snapshot_api_version": None if is_thin else given.get("snapshot_api_version"),
                "status": "enabled",
                "status_details": None,
                "type": "webhook_endpoint",
                "updated": now,
                "webhook_endpoint": {"url": url},
            },
            caller.owner,
        )
        secret = self._books.new_id("whsec", 32)
        endpoint = Endpoint(body["id"], url, caller.owner, body["enabled_events"], [(secret, float("inf"))], is_thin)
        endpoint.connect = "@accounts" in body["events_from"]
        endpoint.api_version = body["snapshot_api_version"] or endpoint.api_version
        self._office.endpoints[endpoint.id] = endpoint
        return self._shown(body, include, secret)

    def _update(self, identity: str, given: Json, caller: Caller) -> Json:
        body = self._find(identity, caller)
        for name in ("name", "description", "enabled_events"):
            if name in given:
                body[name] = given[name]
        if "metadata" in given:
            body["metadata"] = metadata(body["metadata"], given["metadata"])
        url = (given.get("webhook_endpoint") or {}).get("url")
        if url:
            body["webhook_endpoint"]["url"] = str(url)
        body["updated"] = iso(self._books.clock.now())
        endpoint = self._office.endpoints[identity]
        endpoint.url, endpoint.events = body["webhook_endpoint"]["url"], body["enabled_events"]
        return body

    def _switch(self, identity: str, enabled: bool, caller: Caller) -> Json:
        body = self._find(identity, caller)
        body["status"] = "enabled" if enabled else "disabled"
        body["status_details"] = None if enabled else {"disabled": {"reason": "user"}}
        self._office.endpoints[identity].enabled = enabled
        return body

    def _ping(self, identity: str, caller: Caller) -> Json:
        self._find(identity, caller)
        return self._office.ping(self._office.endpoints[identity])

    def _event(self, identity: str, caller: Caller) -> Json:
        record = self._books.record_of.get(identity)
        if record is None or record.thin_id != identity or record.owner != caller.owner:
            raise errors.Refused(404, "invalid_request_error", f"Event {identity} not found.", "not_found")
        return _full(record)

    def _events(self, given: Json, caller: Caller) -> Json:
        limit = int(given.get("limit", 20))
        return _page([_full(one) for one in self._books.visible(caller.owner)][:limit])


def _page(data: list[Any]) -> Json:
    return {"data": data, "next_page_url": None, "previous_page_url": None}


def _full(record: Record) -> Json:
    """The fetched event knows its snapshot twin, and what changed."""
    before = record.body["data"].get("previous_attributes")
    return {**thin(record), "snapshot_event": record.id, "changes": before}
