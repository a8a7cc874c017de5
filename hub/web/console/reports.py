"""Reports: the last reconciliation with Stripe, and what can be downloaded."""

from __future__ import annotations

from starlette.responses import Response

from hub.engine import reconciling
from hub.web.console.desk import Desk, Visit

_LISTED = 500


def show(desk: Desk, visit: Visit) -> Response:
    report = desk.read(reconciling.last) or {}
    lines = report.get("orders", [])
    return desk.page(
        visit,
        "reports.html",
        report=report,
        lines=lines[:_LISTED],
        more=max(0, len(lines) - _LISTED),
        has_key=desk.hub.settings.stripe_api_key is not None,
    )
