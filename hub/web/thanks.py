"""The success page: where Stripe sends a buyer after the checkout, often before its webhook arrives.

It fulfils by the same path as the webhook: what Stripe says of the session goes into the journal, once, however often
the page is opened (https://docs.stripe.com/checkout/fulfillment#redirect-hosted-checkout).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment
from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from hub.checkout import events, session
from hub.clock import Clock
from hub.engine.contexts import Contexts
from hub.engine.intake import Intake
from hub.errors import FetchError, NotStored
from hub.log import get_logger
from hub.model import Order, OrderState, Source
from hub.money import Money
from hub.rules.shop import Shop
from hub.store import orders
from hub.store.database import Database
from hub.web.addresses import address

log = get_logger(__name__)

_ID = re.compile(r"cs_[A-Za-z0-9_]{8,250}", re.ASCII)
#: So long a buyer may come back to the page; afterwards an id tells nobody anything.
_SHOWN_MS = 24 * 3_600_000
_WAIT_SECONDS = 10
_LOOK_AGAIN_SECONDS = 0.2
#: Ids that are not on record, per address: a buyer opens one or two, somebody who guesses opens many.
_UNKNOWN = parse("20/minute")
#: Questions to Stripe because of this page, from all buyers together: far below its 25 per second and endpoint.
_ASKED = parse("8/second")

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data: https:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
    "Cache-Control": "no-store",
}
_KNOWN = {OrderState.PAID: "paid", OrderState.AWAITING_PAYMENT: "on its way"}


class SessionReader(Protocol):
    """What is needed of ``hub.checkout.enrich``: a session as Stripe has it now. Raises ``FetchError``."""

    def session(self, session_id: str, account: str) -> dict[str, Any]: ...


class Thanks:
    """``GET /thanks?session_id=cs_…``. ``reader`` is None without an API key: then the page waits for the webhook.

    ``accounts``: where an id may belong: the shop's own ("") and connected ones that the rules name.
    ``folder`` may hold a ``thanks.html`` of the shop's own (Jinja2, sandboxed): it is given ``shop``, ``state``
    ("paid", "on its way" or "unknown"), and for a known order ``order`` and ``customer`` as rules see them.
    """

    def __init__(
        self,
        database: Database,
        contexts: Contexts,
        intake: Intake,
        clock: Clock,
        reader: SessionReader | None,
        accounts: Callable[[], Sequence[str]],
        shop: Callable[[], Shop],
        folder: Path,
    ) -> None:
        self._database = database
        self._contexts = contexts
        self._intake = intake
        self._clock = clock
        self._reader = reader
        self._accounts = accounts
        self._shop = shop
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        own, ours = FileSystemLoader(folder), FileSystemLoader(Path(__file__).parent / "templates")
        self._shops_own = SandboxedEnvironment(loader=ChoiceLoader([own, ours]), autoescape=True)
        self._plain = SandboxedEnvironment(loader=ours, autoescape=True, undefined=StrictUndefined)
        for environment in (self._shops_own, self._plain):
            environment.filters["money"] = _money
        self.routes = [Route("/thanks", self._thanks, methods=["GET"])]

    async def _thanks(self, request: Request) -> Response:
        session_id = request.query_params.get("session_id", "")
        if not _ID.fullmatch(session_id):
            return await self._page(None)
        order = await self._stored(session_id)
        if order is None:
            if not self._limiter.hit(_UNKNOWN, "unknown", address(request)):
                return await self._page(None, 429)
            order = await self._arriving(session_id)
        return await self._page(order)

    async def _stored(self, session_id: str) -> Order | None:
        return await run_in_threadpool(lambda: self._database.read(lambda c: orders.find(c, session_id)))

    async def _arriving(self, session_id: str) -> Order | None:
        """Waits, for a bounded time, until an order that is under way is on record."""
        if self._reader is not None and not await self._ask(self._reader, session_id):
            return None
        for _ in range(round(_WAIT_SECONDS / _LOOK_AGAIN_SECONDS)):
            order = await self._stored(session_id)
            if order is not None:
                return order
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        return None

    async def _ask(self, reader: SessionReader, session_id: str) -> bool:
        """Journals what Stripe says of a session; whether there is anything to wait for."""
        if not self._limiter.hit(_ASKED, "stripe"):
            return True  # the webhook will tell
        try:
            account, found = await run_in_threadpool(self._read, reader, session_id)
        except FetchError as error:
            log.warning("success page: stripe did not answer", session=session_id, reason=str(error))
            return not error.is_unknown
        if not self._is_fresh_sale(found):
            return False
        try:
            await self._intake.append(events.completed(found, account, Source.SUCCESS_PAGE, self._clock.now()))
        except NotStored as error:
            log.error("success page: not stored", session=session_id, reason=str(error))
        return True

    def _read(self, reader: SessionReader, session_id: str) -> tuple[str, Mapping[str, Any]]:
        """A session, and the account that it is of: the shop's own, or a connected one that the rules name."""
        *others, last = self._accounts()
        for account in others:
            try:
                return account, reader.session(session_id, account)
            except FetchError as error:
                if not error.is_unknown:
                    raise
        return last, reader.session(session_id, last)

    def _is_fresh_sale(self, found: Mapping[str, Any]) -> bool:
        created = session.integer(found.get("created")) or 0
        is_new = created * 1000 > self._clock.now() - _SHOWN_MS
        return found.get("status") == "complete" and found.get("mode") != "setup" and is_new

    async def _page(self, order: Order | None, status: int = 200) -> Response:
        """Open, made-up, foreign and old ids look alike: they tell nothing."""
        state = "unknown" if order is None else _KNOWN.get(order.state, "unknown")
        if order is None or state == "unknown" or order.created_at < self._clock.now() - _SHOWN_MS:
            return self._rendered({"state": "unknown"}, status)
        number, seq = order.number, order.event_seq
        context = await run_in_threadpool(lambda: self._contexts.of({seq: number})[seq])
        return self._rendered({"state": state, "order": context["order"], "customer": context["customer"]}, status)

    def _rendered(self, seen: Mapping[str, Any], status: int) -> Response:
        shop = self._shop()
        values = {"shop": {"name": shop.name, "email": shop.email}, **seen}
        headers = _HEADERS | ({"Retry-After": "60"} if status == 429 else {})
        try:
            page = self._shops_own.get_template("thanks.html").render(values)
        except TemplateError as error:
            # The buyer has paid: a mistake in the shop's own page must not be what he sees.
            log.error("thanks.html cannot be shown; the plain page is", reason=str(error))
            page = self._plain.get_template("thanks.html").render(values)
        return HTMLResponse(page, status, headers)


def _money(amount: Money | None) -> str:
    return "" if amount is None else f"{amount} {amount.currency}"
