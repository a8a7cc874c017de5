"""Every call of the API in one table, each with who may make it. A test goes through it with every token."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from hub.web.api import endpoints as do
from hub.web.api import shapes as of
from hub.web.api.calls import Call, Refusal, refused, route
from hub.web.api.openapi import document
from hub.web.console.access import ALL, FIGURES, OWNERS, PACKING
from hub.web.console.desk import Desk

CALLS = (
    Call("GET", "overview", FIGURES, do.show_overview, of.OverviewShape),
    Call("GET", "orders", ALL, do.list_orders, of.Orders, of.OrdersWanted),
    Call("GET", "orders/{session_id}", ALL, do.one_order, of.WholeOrder),
    Call("POST", "orders/{session_id}/packed", PACKING, do.pack, of.Done),
    Call("POST", "orders/{session_id}/unpack", PACKING, do.unpack, of.Done),
    Call("POST", "orders/{session_id}/shipped", PACKING, do.ship, of.Done, of.ParcelGiven),
    Call("POST", "orders/{session_id}/hold", PACKING, do.hold, of.Done),
    Call("POST", "orders/{session_id}/release", PACKING, do.release, of.Done),
    Call("POST", "orders/{session_id}/note", PACKING, do.note, of.Done, of.NoteGiven),
    Call("POST", "orders/{session_id}/retry", OWNERS, do.retry, of.Done),
    Call("GET", "orders/{session_id}/run", OWNERS, do.preview, list[of.PreviewShape], of.RuleWanted),
    Call("POST", "orders/{session_id}/run", OWNERS, do.run, of.Done, of.RunGiven),
    Call("GET", "subscriptions", FIGURES, do.list_subscriptions, of.Subscriptions, of.SubscriptionsWanted),
    Call("GET", "subscriptions/{subscription_id}", FIGURES, do.one_subscription, of.WholeSubscription),
    Call("GET", "approvals", ALL, do.list_approvals, list[of.ApprovalShape]),
    Call("POST", "approvals/{number}", PACKING, do.answer, of.Done, of.AnswerGiven),
    Call("GET", "deliveries", FIGURES, do.list_deliveries, of.Deliveries, of.DeliveriesWanted),
    Call("POST", "deliveries/decide", OWNERS, do.decide, of.Decided, of.DecisionGiven),
    Call("GET", "deliveries/{number}", FIGURES, do.one_delivery, of.WholeDelivery),
    Call("GET", "needs-you", FIGURES, do.list_needs, list[of.GroupShape]),
    Call("POST", "needs-you", OWNERS, do.decide_cause, of.Decided, of.CauseGiven),
    Call("GET", "events", FIGURES, do.list_events, of.Events, of.EventsWanted),
    Call("GET", "events/{event_id}", FIGURES, do.one_event, of.WholeEvent),
    Call("POST", "events/{event_id}/replay", OWNERS, do.replay, of.Done),
    Call("GET", "rules", FIGURES, do.list_rules, list[of.RuleShape]),
    Call("GET", "rules/file", OWNERS, do.rules_file, of.RulesFile),
    Call("PUT", "rules/file", OWNERS, do.save_rules, of.Done, of.RulesGiven),
    Call("POST", "rules/check", OWNERS, do.check_rules, of.Checked, of.TextGiven),
    Call("GET", "rules/versions", FIGURES, do.list_versions, list[of.VersionShape]),
    Call("GET", "rules/versions/{number}", FIGURES, do.one_version, of.WholeVersion),
    Call("POST", "rules/back", OWNERS, do.put_back, of.Done, of.VersionGiven),
    Call("GET", "stock", FIGURES, do.list_stock, list[of.StockShape]),
    Call("GET", "stock/{sku:path}", FIGURES, do.one_sku, of.WholeSku),
    Call("PUT", "stock/{sku:path}", OWNERS, do.count_sku, of.StockShape, of.CountGiven),
    Call("GET", "codes", FIGURES, do.list_codes, list[of.PoolShape]),
    Call("POST", "codes/{pool:path}", OWNERS, do.add_codes, of.Done, of.CodesGiven),
    Call("GET", "connections", FIGURES, do.list_connections, list[of.ConnectionShape]),
    Call("POST", "connections/{name}/check", OWNERS, do.try_connection, of.Tried),
    Call("GET", "reports", FIGURES, do.show_report, dict[str, Any]),
    Call("GET", "people", OWNERS, do.list_people, list[of.PersonShape]),
    Call("GET", "audit", OWNERS, do.list_acts, of.Acts, of.Paged),
)


def mounted(desk: Desk) -> Mount:
    """The API for the site; its description needs no token."""
    described = document(CALLS)

    async def describe(_request: Request) -> Response:
        return JSONResponse(described)

    routes = [Route("/openapi.json", describe), *(route(desk, call) for call in CALLS)]
    return Mount("/api/v1", Starlette(routes=routes, exception_handlers={Refusal: refused, HTTPException: refused}))
