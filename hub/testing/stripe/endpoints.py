"""``/v1/webhook_endpoints``: https://docs.stripe.com/api/webhook_endpoints."""

from __future__ import annotations

from hub.testing.stripe import errors, lists
from hub.testing.stripe.books import Books, Json
from hub.testing.stripe.keys import Caller
from hub.testing.stripe.parameters import metadata, words, yes
from hub.testing.stripe.webhooks import Endpoint, PostOffice

_MOST = 16
_UPDATABLE = {"url", "enabled_events", "description", "metadata", "disabled"}
_CREATABLE = {"url", "enabled_events", "description", "metadata", "api_version", "connect"}


class Endpoints:
    """Classic endpoints. The secret is told once, when one is made."""

    def __init__(self, books: Books, office: PostOffice) -> None:
        self._books = books
        self._office = office

    def answer(self, method: str, rest: list[str], given: Json, caller: Caller) -> Json | None:
        match method, rest:
            case "GET", []:
                found = list(self._books.all("webhook_endpoint", caller.owner))[::-1]
                return lists.page(lists.matching(found, "webhook_endpoint", given), given, "/v1/webhook_endpoints")
            case "POST", []:
                return self.create(given, caller)
            case "GET", [identity]:
                return self._find(identity, caller)
            case "POST", [identity]:
                return self._update(identity, given, caller)
            case "DELETE", [identity]:
                return self._delete(identity, caller)
        return None

    def _find(self, identity: str, caller: Caller) -> Json:
        return self._books.find(identity, caller.owner, "webhook_endpoint")

    def create(self, given: Json, caller: Caller) -> Json:
        """A new endpoint, its ``secret`` shown this once."""
        _refuse_others(given, _CREATABLE)
        for name in ("url", "enabled_events"):
            if name not in given:
                raise errors.missing_parameter(name)
        url = str(given["url"])
        _check(url, caller.owner.livemode)
        if len(list(self._books.all("webhook_endpoint", caller.owner))) >= _MOST:
            raise errors.invalid(
                f"You have reached the maximum of {_MOST} {'live' if caller.owner.livemode else 'test'} "
                "webhook endpoints."
            )
        body = self._books.keep(
            {
                "id": self._books.new_id("we"),
                "object": "webhook_endpoint",
                "api_version": given.get("api_version"),
                "application": None,
                "created": self._books.now,
                "description": given.get("description"),
                "enabled_events": words(given["enabled_events"]),
                "livemode": caller.owner.livemode,
                "metadata": metadata({}, given.get("metadata")),
                "status": "enabled",
                "url": url,
            },
            caller.owner,
        )
        secret = self._books.new_id("whsec", 32)
        endpoint = Endpoint(body["id"], url, caller.owner, body["enabled_events"], [(secret, float("inf"))])
        endpoint.connect = yes(given.get("connect"))
        endpoint.api_version = body["api_version"] or endpoint.api_version
        self._office.endpoints[endpoint.id] = endpoint
        return {**body, "secret": secret}

    def _update(self, identity: str, given: Json, caller: Caller) -> Json:
        _refuse_others(given, _UPDATABLE)
        body = self._find(identity, caller)
        if "url" in given:
            _check(str(given["url"]), caller.owner.livemode)
            body["url"] = str(given["url"])
        if "enabled_events" in given:
            body["enabled_events"] = words(given["enabled_events"])
        if "description" in given:
            body["description"] = given["description"]
        if "metadata" in given:
            body["metadata"] = metadata(body["metadata"], given["metadata"])
        if "disabled" in given:
            body["status"] = "disabled" if yes(given["disabled"]) else "enabled"
        endpoint = self._office.endpoints[identity]
        endpoint.url, endpoint.events = body["url"], body["enabled_events"]
        endpoint.enabled = body["status"] == "enabled"
        return body

    def _delete(self, identity: str, caller: Caller) -> Json:
        kept = self._books.kept[self._find(identity, caller)["id"]]
        self._books.by_type["webhook_endpoint"].remove(kept)
        del self._books.kept[identity], self._office.endpoints[identity]
        return {"id": identity, "object": "webhook_endpoint", "deleted": True}


def _refuse_others(given: Json, known: set[str]) -> None:
    unknown = given.keys() - known
    if unknown:
        raise errors.unknown_parameter(min(unknown))


def _check(url: str, livemode: bool) -> None:
    if not url.startswith(("http://", "https://")):
        raise errors.invalid("Invalid URL: An explicit scheme (such as https) must be provided.", "url", "url_invalid")
    if livemode and not url.startswith("https://") and not url.startswith("http://127.0.0.1"):
        raise errors.invalid("Invalid URL: URL must be HTTPS in live mode.", "url", "url_invalid")
