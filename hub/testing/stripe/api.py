"""The API: ``/v1`` in Stripe's forms, ``/v2`` in JSON. Every request is logged, counted, and may be told to fail."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hub.testing.events import Buyer
from hub.testing.stripe import errors, lists, making
from hub.testing.stripe.books import Books, Json
from hub.testing.stripe.destinations import Destinations
from hub.testing.stripe.endpoints import Endpoints
from hub.testing.stripe.expanding import Expander
from hub.testing.stripe.happenings import Happenings
from hub.testing.stripe.keys import Caller, Gate
from hub.testing.stripe.parameters import decode, metadata, whole, words
from hub.testing.stripe.selling import Till
from hub.testing.stripe.webhooks import PATHS, PostOffice

_TYPES = {path: kind for kind, path in PATHS.items()}


@dataclass(frozen=True)
class Request:
    """A request as it arrived; ``headers`` lower-case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def parameters(self) -> Json:
        """Query and form (or JSON) together."""
        given = decode(self.query)
        if not self.body:
            return given
        if "json" in self.headers.get("content-type", ""):
            found = json.loads(self.body)
            return {**given, **found} if isinstance(found, dict) else given
        return {**given, **decode(self.body.decode("utf-8", "replace"))}


@dataclass(frozen=True)
class Call:
    """A request in the log; ``at`` in seconds of the machine's monotonic clock."""

    at: float
    method: str
    path: str
    parameters: Json
    account: str
    key: str
    version: str  #: ``Stripe-Version``
    status: int

    @property
    def endpoint(self) -> str:
        """Method and path without ids: what Stripe's limits count."""
        return f"{self.method} {pattern(self.path)}"


def pattern(path: str) -> str:
    """A path with ``…`` in place of ids."""
    known = {part for one in PATHS.values() for part in one.split("/")}
    known |= {"v1", "v2", "core", "event_destinations", "events", "line_items", "expire", "confirm", "payment_pages"}
    return "/".join(part if part in known or not part else "…" for part in path.split("/"))


class Api:
    """Answers requests from the books."""

    def __init__(self, books: Books, happenings: Happenings, office: PostOffice, gate: Gate, till: Till) -> None:
        self._books = books
        self._happenings = happenings
        self._till = till
        self._gate = gate
        self.endpoints = Endpoints(books, office)
        self.destinations = Destinations(books, office)
        self.calls: list[Call] = []
        self._replays: dict[tuple[str, str], tuple[str, int, Json]] = {}

    def answer(self, request: Request, fault: errors.Refused | None = None) -> tuple[int, Json, dict[str, str]]:
        """Status, JSON and headers. ``fault``: what the request meets instead."""
        headers = {
            "Request-Id": self._books.new_id("req", 14),
            "Stripe-Version": request.headers.get("stripe-version", ""),
        }
        try:
            caller = self._gate.enter(
                request.headers.get("authorization", ""),
                request.headers.get("stripe-account", ""),
                request.headers.get("stripe-context", ""),
            )
            if fault is not None:
                raise fault
            self._gate.count(f"{request.method} {pattern(request.path)}")
            status, body = self._once(request, caller, headers)
        except errors.Refused as refused:
            status, body = refused.status, refused.body
        self._log(request, status)
        return status, body, headers

    def _log(self, request: Request, status: int) -> None:
        get = request.headers.get
        account = get("stripe-account", "") or get("stripe-context", "")
        key = get("authorization", "").removeprefix("Bearer ")
        version = get("stripe-version", "")
        parameters = request.parameters
        self.calls.append(
            Call(time.monotonic(), request.method, request.path, parameters, account, key, version, status)
        )

    def _once(self, request: Request, caller: Caller, headers: dict[str, str]) -> tuple[int, Json]:
        """``Idempotency-Key``: https://docs.stripe.com/api/idempotent_requests."""
        key = request.headers.get("idempotency-key")
        if request.method != "POST" or not key:
            return self._route(request, caller)
        asked = f"{request.path} {sorted(request.parameters.items(), key=str)}"
        known = self._replays.get((caller.key, key))
        if known is None:
            status, body = self._route(request, caller)
            self._replays[caller.key, key] = (asked, status, body)
            return status, body
        if known[0] != asked:
            raise errors.Refused(
                400,
                "idempotency_error",
                "Keys for idempotent requests can only be used with the same parameters they were first used with.",
            )
        headers["Idempotent-Replayed"] = "true"
        return known[1], known[2]

    def _route(self, request: Request, caller: Caller) -> tuple[int, Json]:
        given = request.parameters
        if request.path.startswith("/v2/core/"):
            return 200, self.destinations.answer(request.method, request.path, given, caller)
        parts = request.path.removeprefix("/v1/").rstrip("/").split("/")
        name = "/".join(parts[:2]) if parts[0] == "checkout" else parts[0]
        rest = parts[2:] if parts[0] == "checkout" else parts[1:]
        if not request.path.startswith("/v1/"):
            raise errors.no_such_path(request.method, request.path)
        expand = words(given.pop("expand", []))
        found = self._found(request, name, rest, given, caller)
        if found is None:
            raise errors.no_such_path(request.method, request.path)
        return 200, Expander(self._books, lambda kind: caller.may(kind, "read")).render(found, expand)

    def _found(self, request: Request, name: str, rest: list[str], given: Json, caller: Caller) -> Json | None:
        if name in {"account", "accounts"} and request.method == "GET":
            return self._account(caller, rest[0] if rest else "")
        if name == "payment_pages" and rest:
            return self._payment_page(request.method, rest, given, caller)
        kind = _TYPES.get(name)
        if kind is None:
            return None
        caller.may(kind, "read" if request.method == "GET" else "write")
        if kind == "webhook_endpoint":
            return self.endpoints.answer(request.method, rest, given, caller)
        match request.method, rest:
            case "GET", []:
                return self._listed(kind, given, caller, request.path)
            case "GET", [identity]:
                return self._one(kind, identity, caller)
            case "GET", [identity, "line_items"] if kind == "checkout.session":
                self._books.find(identity, caller.owner, kind)
                return Expander(self._books, lambda _kind: None).line_items(identity, given)
            case "POST", []:
                return self._made(kind, given, caller)
            case "POST", [identity]:
                return self._updated(kind, identity, given, caller)
            case "POST", [identity, verb]:
                return self._done(kind, identity, verb, given, caller)
            case "DELETE", [identity] if kind == "subscription":
                self._books.find(identity, caller.owner, kind)
                return self._happenings.cancel(identity)
        return None

    def _account(self, caller: Caller, identity: str) -> Json:
        if identity and identity not in self._books.accounts | {caller.account}:
            raise errors.no_access(caller.key, identity)
        shown = identity or caller.owner.account or caller.account
        name = "The shop" if shown == caller.account else f"The shop {shown[-4:]}"
        return {
            "id": shown,
            "object": "account",
            "business_profile": {"name": name},
            "charges_enabled": True,
            "country": "DE",
            "default_currency": "eur",
            "details_submitted": True,
            "email": "owner@example.com",
            "settings": {"dashboard": {"display_name": name, "timezone": "Etc/UTC"}},
            "type": "standard",
        }

    def _listed(self, kind: str, given: Json, caller: Caller, url: str) -> Json:
        if kind == "event":
            shown = lists.events(list(self._books.visible(caller.owner)), given)
            return lists.page([self._event(one) for one in shown], given, url)
        if kind not in lists.FILTERS:
            raise errors.no_such_path("GET", url)
        newest_first = list(self._books.all(kind, caller.owner))[::-1]
        return lists.page(lists.matching(newest_first, kind, given), given, url)

    def _event(self, record: Any) -> Json:
        return {**record.body, "pending_webhooks": len(record.waiting)}

    def _one(self, kind: str, identity: str, caller: Caller) -> Json:
        if kind != "event":
            return self._books.find(identity, caller.owner, kind)
        record = self._books.record_of.get(identity)
        if record is None or record.owner != caller.owner or record.id != identity:
            raise errors.no_such("event", identity)
        return self._event(record)

    def _made(self, kind: str, given: Json, caller: Caller) -> Json | None:
        maker: Callable[[Json, Caller], Json] | None = {
            "checkout.session": self._till.open_by_api,
            "customer": lambda g, c: self._recorded("customer.created", making.customer(self._books, c.owner, g)),
            "payment_method": self._till.payment_method,
            "payment_intent": self._till.payment_intent,
            "price": self._till.price,
            "product": lambda g, c: self._recorded("product.created", making.product(self._books, c.owner, g)),
            "refund": self._refund,
            "subscription": self._till.subscription,
        }.get(kind)
        return None if maker is None else maker(given, caller)

    def _recorded(self, event: str, thing: Json) -> Json:
        self._books.record(event, thing)
        return thing

    def _refund(self, given: Json, caller: Caller) -> Json:
        paid = given.get("payment_intent") or given.get("charge")
        if not paid:
            raise errors.invalid(
                "One of the following params should be provided for this request: payment_intent or charge."
            )
        self._books.find(str(paid), caller.owner)
        amount = None if "amount" not in given else whole(given["amount"], "amount")
        return self._happenings.refund(str(paid), amount, "succeeded", given)

    def _updated(self, kind: str, identity: str, given: Json, caller: Caller) -> Json:
        thing = self._books.find(identity, caller.owner, kind)
        if "metadata" in given:
            thing["metadata"] = metadata(thing.get("metadata") or {}, given["metadata"])
        for name in ("name", "email", "description", "phone"):
            if name in given:
                thing[name] = given[name]
        if kind in {"customer", "product", "price"}:
            self._books.record(f"{kind}.updated", thing, {})
        return thing

    def _done(self, kind: str, identity: str, verb: str, given: Json, caller: Caller) -> Json | None:
        if (kind, verb) == ("payment_method", "attach"):  # pm_card_visa and its like need not be made first
            return {"id": identity, "object": kind, "customer": given.get("customer"), "type": "card"}
        self._books.find(identity, caller.owner, kind)
        match kind, verb:
            case "checkout.session", "expire":
                return self._happenings.expire(identity)
            case "payment_intent", "confirm":
                return self._till.confirm(identity, str(given.get("payment_method", "")))
        return None

    def _payment_page(self, method: str, rest: list[str], given: Json, caller: Caller) -> Json | None:
        """What the hosted page itself uses; undocumented, and what the Stripe CLI's triggers pay with."""
        session = self._books.find(rest[0], caller.owner, "checkout.session")
        if method == "POST" and rest[1:] == ["confirm"]:
            self._till.pay_by_method(session["id"], str(given.get("payment_method", "")), Buyer())
        shown = {"id": f"ppage_{session['id'][8:32]}", "object": "payment_page", "session_id": session["id"]}
        total = session["amount_total"]
        return {**shown, "line_item_group": {"total": total}, "payment_status": session["payment_status"]}
