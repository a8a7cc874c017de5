"""The pages: a list of orders, and one order with everything that happened to it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from hub.clock import to_datetime
from hub.engine.contexts import Contexts
from hub.model import Order
from hub.money import from_stripe
from hub.store import listing, orders
from hub.store.database import Connection, Database
from hub.web.console.signin import SESSION_SECONDS, SignIn

_WEB = Path(__file__).parent.parent
_COOKIE = "hub_session"
_LISTED = 100

#: Nothing from elsewhere, no scripts: a buyer's name that got past the escaping would still do nothing.
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class Console:
    """Handlers that do one thing each. ``place_order`` (demo mode) sends another sample order to the hub itself."""

    def __init__(
        self,
        database: Database,
        contexts: Contexts,
        sign_in: SignIn,
        decimals: Mapping[str, int],
        place_order: Callable[[], None] | None,
    ) -> None:
        self._database = database
        self._contexts = contexts
        self._sign_in = sign_in
        self._decimals = decimals
        self._place_order = place_order
        self._templates = Environment(
            loader=FileSystemLoader(_WEB / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )
        self._templates.filters["when"] = _when
        self.routes = [
            Route("/", self._orders),
            Route("/orders/{session_id}", self._order),
            Route("/sign-in", self._ask, methods=["GET"]),
            Route("/sign-in", self._enter, methods=["POST"]),
            Route("/demo/order", self._place, methods=["POST"]),
            Mount("/static", StaticFiles(directory=_WEB / "static")),
        ]

    def _orders(self, request: Request) -> Response:
        if not self._is_signed_in(request):
            return self._page("signed_out.html", 401)
        search = request.query_params.get("q", "").strip()
        found = self._database.read(
            lambda connection: listing.list_orders(connection, search=search or None, limit=_LISTED)
        )
        form = self._form_token(request) if self._place_order else None
        rows = [(order, self._total(order)) for order in found]
        return self._page("orders.html", rows=rows, search=search, limit=_LISTED, demo_form=form)

    def _order(self, request: Request) -> Response:
        if not self._is_signed_in(request):
            return self._page("signed_out.html", 401)
        session_id = request.path_params["session_id"]
        found = self._database.read(lambda connection: orders.find(connection, session_id))
        if found is None:
            return self._page("missing.html", 404, what=session_id)
        context = self._contexts.of({found.event_seq: found.number})[found.event_seq]
        events, deliveries = self._database.read(lambda connection: _about(connection, session_id))
        return self._page(
            "order.html",
            order=found,
            total=self._total(found),
            seen=context,
            events=events,
            deliveries=list(reversed(deliveries)),
        )

    def _ask(self, request: Request) -> Response:
        """A page with a button: mail and chat programs open links by themselves, and would use it up."""
        return self._page("sign_in.html", token=request.query_params.get("token", ""))

    async def _enter(self, request: Request) -> Response:
        async with request.form(max_fields=5) as form:
            session = self._sign_in.use_link(str(form.get("token", "")))
        if session is None:
            return self._page("signed_out.html", 401)
        answer = RedirectResponse("/", 303)
        answer.set_cookie(_COOKIE, session, max_age=SESSION_SECONDS, httponly=True, samesite="lax")
        return answer

    async def _place(self, request: Request) -> Response:
        async with request.form(max_fields=5) as form:
            given = str(form.get("form", ""))
        if not self._is_signed_in(request) or not secrets.compare_digest(given, self._form_token(request)):
            return self._page("signed_out.html", 401)
        if self._place_order is not None:
            self._place_order()
        return RedirectResponse("/", 303)

    def _is_signed_in(self, request: Request) -> bool:
        return self._sign_in.is_session(request.cookies.get(_COOKIE))

    def _form_token(self, request: Request) -> str:
        return self._sign_in.form_token(request.cookies.get(_COOKIE, ""))

    def _total(self, order: Order) -> str:
        if order.total is None or not order.currency:
            return ""
        money = from_stripe(order.total, order.currency, self._decimals)
        return f"{money} {money.currency}"

    def _page(self, template: str, status: int = 200, **values: Any) -> Response:
        return HTMLResponse(self._templates.get_template(template).render(values), status, _HEADERS)


def _about(connection: Connection, session_id: str) -> tuple[list[listing.EventLine], list[listing.DeliveryLine]]:
    return (
        listing.events_about(connection, session_id),
        listing.list_deliveries(connection, subject=session_id),
    )


def _when(milliseconds: int | None) -> str:
    return "" if milliseconds is None else to_datetime(milliseconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")
