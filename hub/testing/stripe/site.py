"""The fake's web server: the API, the hosted payment page, and a small dashboard with buttons."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from urllib.parse import parse_qsl

from starlette.requests import Request as HttpRequest
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from hub.testing.events import Buyer, Item
from hub.testing.fakes import HTML
from hub.testing.faults import Fault
from hub.testing.serving import drop, hang
from hub.testing.stripe import errors, pages
from hub.testing.stripe.api import Api, Request
from hub.testing.stripe.books import Books, Owner
from hub.testing.stripe.endpoints import Endpoints
from hub.testing.stripe.happenings import Happenings
from hub.testing.stripe.keys import Caller
from hub.testing.stripe.parameters import whole
from hub.testing.stripe.selling import Till
from hub.testing.stripe.webhooks import Endpoint, PostOffice

_PAGE = "/c/pay/"


class Site:
    """``faults``: what the next API requests meet, each with the part of the path it is meant for."""

    def __init__(self, api: Api, happenings: Happenings, till: Till, office: PostOffice, books: Books) -> None:
        self._api = api
        self._happenings = happenings
        self._till = till
        self._office = office
        self._books = books
        self.faults: deque[tuple[Fault | int, str]] = deque()
        self._finding = threading.Lock()

    def add_endpoint(
        self, url: str, events: Sequence[str], thin: bool, connect: bool, livemode: bool, secret: str, version: str
    ) -> Endpoint:
        """An endpoint made by hand, classic or (``thin``) a destination."""
        with self._books.lock:
            if thin:
                owner = Owner("", livemode)
                identity = self._books.new_id("ed_test")
                kept = {"id": identity, "object": "v2.core.event_destination", "enabled_events": list(events)}
                self._books.keep(kept, owner)
                made = self._books.new_id("whsec", 32)
                endpoint = Endpoint(identity, url, owner, list(events), [(made, float("inf"))], True, connect)
                self._office.endpoints[identity] = endpoint
            else:
                given = {"url": url, "enabled_events": list(events), "connect": str(connect)}
                given |= {"api_version": version} if version else {}
                caller = Caller("", Owner("", livemode), "", None)
                endpoint = self._office.endpoints[Endpoints(self._books, self._office).create(given, caller)["id"]]
            if secret:
                endpoint.secrets = [(secret, float("inf"))]
            return endpoint

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = HttpRequest(scope, receive)
        path: str = scope["path"]
        if path.startswith(("/v1/", "/v2/")):
            await self._answer_api(request, scope, receive, send)
            return
        if path.startswith(_PAGE):
            response = await self._hosted(request, path.removeprefix(_PAGE))
        elif path in {"/", "/_fake/do"}:
            response = await self._dashboard(request)
        else:
            response = HTMLResponse(pages.message("There is no such page."), 404)
        await response(scope, receive, send)

    async def _answer_api(self, request: HttpRequest, scope: Scope, receive: Receive, send: Send) -> None:
        asked = Request(
            request.method,
            request.url.path,
            request.url.query,
            {key.lower(): value for key, value in request.headers.items()},
            await request.body(),
        )
        fault = self._fault(asked.path)
        if fault is Fault.HANG:
            await hang(receive)
            return
        if fault is Fault.HTML:
            await HTMLResponse(HTML, 502)(scope, receive, send)
            return
        with self._books.lock:
            status, body, headers = self._api.answer(asked, _instead(fault))
        if fault is Fault.DROP:
            await drop(scope)
            return
        if fault is Fault.AFTER:
            status, body = 500, errors.internal().body
        if status == 429:
            headers["Stripe-Rate-Limited-Reason"] = "endpoint-rate"
        await JSONResponse(body, status, headers)(scope, receive, send)

    def _fault(self, path: str) -> Fault | int:
        with self._finding:
            for place, (fault, part) in enumerate(self.faults):
                if part in path:
                    del self.faults[place]
                    return fault
        return Fault.NONE

    async def _hosted(self, request: HttpRequest, session_id: str) -> Response:
        """The page where a buyer pays; like Stripe's it waits for the webhook before it sends the buyer on."""
        with self._books.lock:
            kept = self._books.kept.get(session_id)
            if kept is None or kept.thing["object"] != "checkout.session":
                return HTMLResponse(pages.message("This payment page does not exist."), 404)
            if request.method == "GET":
                return HTMLResponse(pages.checkout(kept.thing, self._books.lines[session_id]))
        form = dict(parse_qsl((await request.body()).decode()))
        try:
            with self._books.lock:
                back = self._pay(session_id, form)
        except errors.Refused as refused:
            return HTMLResponse(pages.message(str(refused)), 400)
        await asyncio.to_thread(self._office.deliver)
        if not back:
            return HTMLResponse(pages.message("Done. This shop has no page to go back to."))
        return RedirectResponse(back.replace("{CHECKOUT_SESSION_ID}", session_id), 303)

    def _pay(self, session_id: str, form: dict[str, str]) -> str:
        """What the buyer chose; returns where to go then."""
        thing = self._books.kept[session_id].thing
        buyer = Buyer(**{name: form[name] for name in ("name", "email") if form.get(name)})
        match form.get("do"):
            case "pay":
                self._happenings.pay(session_id, buyer)
            case "later":
                self._happenings.pay_later(session_id, buyer)
            case "expire":
                self._happenings.expire(session_id)
                return str(thing["cancel_url"] or "")
            case _:
                raise errors.invalid("Your card was declined.")
        return str(thing["success_url"] or "")

    async def _dashboard(self, request: HttpRequest) -> Response:
        form = dict(parse_qsl((await request.body()).decode())) if request.method == "POST" else {}
        said = ""
        with self._books.lock:
            if form:
                try:
                    self._act(form)
                except errors.Refused as refused:
                    said = str(refused)
            page = pages.dashboard(self._books, self._office, said)
        return RedirectResponse("/", 303) if form and not said else HTMLResponse(page)

    def _act(self, form: dict[str, str]) -> None:
        """One button of the dashboard."""
        identity, what = form.get("id", ""), form.get("do", "")
        happen = self._happenings
        simple: dict[str, Callable[[str], object]] = {
            "money arrives": happen.money_arrives,
            "money fails": happen.money_fails,
            "expire": happen.expire,
            "renew": happen.renew,
            "cancel": happen.cancel,
        }
        if what == "sell":
            item = Item(form.get("name", "Mug"), form.get("sku", ""), whole(form.get("amount"), "amount"), 1)
            mode = "subscription" if form.get("pay") == "subscription" else "payment"
            session = self._till.open([item], Owner(), mode, "eur")
            if form.get("pay") == "later":
                happen.pay_later(session["id"], Buyer())
            elif form.get("pay") != "open":
                happen.pay(session["id"], Buyer())
        elif what == "refund":
            happen.refund(identity, None, "succeeded", {})
        elif what == "dispute":
            happen.dispute(identity, None, "needs_response", "fraudulent")
        elif what in simple:
            simple[what](identity)


def _instead(fault: Fault | int) -> errors.Refused | None:
    if fault is Fault.TOO_MANY or fault == 429:
        return errors.too_many()
    if fault is Fault.BEFORE:
        return errors.internal(503)
    if isinstance(fault, int):
        if fault == 401:
            return errors.Refused(401, "invalid_request_error", "Invalid API Key provided: rk_test_****0001")
        return errors.internal(fault) if fault >= 500 else errors.Refused(fault, "invalid_request_error", "Not now.")
    return None
