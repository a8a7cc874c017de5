"""The web application: its routes, in one place."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from hub.clock import Clock
from hub.errors import NotStored
from hub.store import facts
from hub.store.database import Database
from hub.web.metrics import Metrics

#: With and without a final slash, and never a redirect: Stripe counts 3xx as a failure.
_WEBHOOKS = frozenset({"/webhooks/stripe", "/webhooks/stripe/"})


class Site:
    """The ASGI application. Handlers do one thing each; ``webhook`` is an application of its own."""

    def __init__(
        self,
        webhook: ASGIApp,
        database: Database,
        clock: Clock,
        metrics: Metrics,
        pages: Sequence[BaseRoute] = (),
    ) -> None:
        self._database = database
        self._clock = clock
        self._metrics = metrics
        self._webhook = webhook
        self._pages = Starlette(
            routes=[
                Route("/health/live", self._live),
                Route("/health/ready", self._ready),
                Route("/metrics", self._figures),
                *pages,
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Webhooks pass by Starlette's middleware: a third of what they cost, and none of it concerns them."""
        webhook = scope["type"] == "http" and scope["path"] in _WEBHOOKS
        await (self._webhook if webhook else self._pages)(scope, receive, send)

    async def _live(self, _request: Request) -> Response:
        return JSONResponse({"live": True})

    def _ready(self, _request: Request) -> Response:
        """200 only while webhooks can be stored; destinations and Stripe have no say in it."""
        now = self._clock.now()
        try:
            self._database.write(lambda connection: facts.touch(connection, now)).result()
        except NotStored as error:
            return JSONResponse({"ready": False, "reasons": [f"The database cannot be written: {error}."]}, 503)
        return JSONResponse({"ready": True, "reasons": []})

    async def _figures(self, _request: Request) -> Response:
        return Response(self._metrics.text(), media_type="text/plain; version=0.0.4")
