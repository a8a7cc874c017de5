"""Every door of the console in one table, each with who may pass. A test goes through it with every role."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from hub.app import Hub
from hub.model import Role
from hub.web.console import (
    approvals_page,
    connections_page,
    events_page,
    live,
    needs_you,
    order,
    order_acts,
    orders,
    overview,
    people_page,
    reports,
    rules_page,
    signin,
    subscription,
    subscriptions,
    supplies,
    typing_rules,
    views_page,
    wizard,
)
from hub.web.console.access import ALL, ANYBODY, FIGURES, OWNERS, PACKING, Door, route
from hub.web.console.desk import Desk, Visit
from hub.web.metrics import Metrics

DOORS = (
    Door("GET", "/sign-in", ANYBODY, signin.ask),
    Door("POST", "/sign-in", ANYBODY, signin.enter),
    Door("POST", "/sign-out", ALL, signin.leave),
    Door("GET", "/account", ALL, signin.account),
    Door("POST", "/account/password", ALL, signin.change_password),
    Door("POST", "/account/sessions/end", ALL, people_page.end_session),
    Door("GET", "/live", ALL, live.stream),
    Door("GET", "/", ALL, overview.show),
    Door("GET", "/needs-you", FIGURES, needs_you.show),
    Door("POST", "/needs-you", OWNERS, needs_you.decide),
    Door("GET", "/approve/{token}", ANYBODY, approvals_page.show_linked),
    Door("POST", "/approve/{token}", ANYBODY, approvals_page.answer_linked),
    Door("GET", "/approvals", ALL, approvals_page.show),
    Door("POST", "/approvals", PACKING, approvals_page.answer),
    Door("GET", "/orders", ALL, orders.show),
    Door("GET", "/orders.csv", FIGURES, orders.export),
    Door("POST", "/orders/bulk", PACKING, order_acts.bulk),
    Door("GET", "/orders/{session_id}", ALL, order.show),
    Door("GET", "/orders/{session_id}/slip", ALL, order.slip),
    Door("GET", "/orders/{session_id}/run", OWNERS, order_acts.preview),
    Door("POST", "/orders/{session_id}/run", OWNERS, order_acts.run),
    Door("POST", "/orders/{session_id}/retry", OWNERS, order_acts.retry),
    Door("POST", "/orders/{session_id}/packed", PACKING, order_acts.packed),
    Door("POST", "/orders/{session_id}/unpack", PACKING, order_acts.unpack),
    Door("POST", "/orders/{session_id}/shipped", PACKING, order_acts.shipped),
    Door("POST", "/orders/{session_id}/hold", PACKING, order_acts.hold),
    Door("POST", "/orders/{session_id}/release", PACKING, order_acts.release),
    Door("POST", "/orders/{session_id}/note", PACKING, order_acts.note),
    Door("GET", "/subscriptions", FIGURES, subscriptions.show),
    Door("GET", "/subscriptions.csv", FIGURES, subscriptions.export),
    Door("GET", "/subscriptions/{subscription_id}", FIGURES, subscription.show),
    Door("GET", "/views", ALL, views_page.show),
    Door("POST", "/views", ALL, views_page.keep),
    Door("POST", "/views/remove", ALL, views_page.remove),
    Door("POST", "/demo/order", PACKING, orders.place),
    Door("GET", "/rules", FIGURES, rules_page.show),
    Door("GET", "/rules/edit", OWNERS, rules_page.edit),
    Door("POST", "/rules/edit", OWNERS, rules_page.save),
    Door("GET", "/rules/new", OWNERS, wizard.ask),
    Door("POST", "/rules/new", OWNERS, wizard.write),
    Door("POST", "/rules/complete", OWNERS, typing_rules.complete),
    Door("POST", "/rules/hover", OWNERS, typing_rules.hover),
    Door("POST", "/rules/problems", OWNERS, typing_rules.problems),
    Door("POST", "/rules/effect", OWNERS, typing_rules.effect),
    Door("GET", "/rules/versions/{number}", FIGURES, rules_page.version),
    Door("POST", "/rules/back", OWNERS, rules_page.put_back),
    Door("GET", "/stock", FIGURES, supplies.show_stock),
    Door("POST", "/stock", OWNERS, supplies.count_stock),
    Door("GET", "/stock/{sku:path}", FIGURES, supplies.show_sku),
    Door("GET", "/codes", FIGURES, supplies.show_codes),
    Door("POST", "/codes", OWNERS, supplies.add_codes),
    Door("GET", "/codes/{pool:path}", FIGURES, supplies.show_pool),
    Door("GET", "/connections", FIGURES, connections_page.show),
    Door("POST", "/connections/check", OWNERS, connections_page.check),
    Door("GET", "/events", FIGURES, events_page.show),
    Door("GET", "/events/{event_id}", FIGURES, events_page.one),
    Door("POST", "/events/{event_id}/replay", OWNERS, events_page.replay),
    Door("GET", "/reports", FIGURES, reports.show),
    Door("GET", "/settings", OWNERS, people_page.show),
    Door("GET", "/settings/audit.csv", OWNERS, people_page.export),
    Door("POST", "/settings/people/add", OWNERS, people_page.add),
    Door("POST", "/settings/people/link", OWNERS, people_page.new_link),
    Door("POST", "/settings/people/remove", OWNERS, people_page.remove),
    Door("POST", "/settings/tokens/add", OWNERS, people_page.add_token),
    Door("POST", "/settings/tokens/remove", OWNERS, people_page.remove_token),
)

_MENU = (
    ("/", "Overview"),
    ("/orders", "Orders"),
    ("/subscriptions", "Subscriptions"),
    ("/needs-you", "Needs you"),
    ("/rules", "Rules"),
    ("/stock", "Stock"),
    ("/codes", "Codes"),
    ("/connections", "Connections"),
    ("/events", "Events"),
    ("/reports", "Reports"),
    ("/settings", "Settings"),
)


class Console:
    """The console of a hub. ``stored`` is called when there may be work; ``place_order`` only in demo mode."""

    def __init__(
        self,
        hub: Hub,
        metrics: Metrics,
        stored: Callable[[], None] = lambda: None,
        place_order: Callable[[], None] | None = None,
    ) -> None:
        self.desk = Desk(hub, metrics, stored, place_order)
        self.desk.parts = _menu

    @property
    def routes(self) -> list[BaseRoute]:
        """Everything of the console, for the site."""
        static = StaticFiles(directory=Path(__file__).parent.parent / "static")
        return [*(route(self.desk, door) for door in DOORS), Mount("/static", static)]

    def start_link(self) -> str | None:
        """The token of a link for the first owner; None when they have a password."""
        return signin.start_link(self.desk)

    def close(self) -> None:
        """Ends what streams, so that the server can stop."""
        self.desk.is_closing = True


def _menu(visit: Visit) -> list[tuple[str, str]]:
    role = None if visit.session is None else visit.user.role
    roles = {door.path: door.roles for door in DOORS if door.method == "GET"}
    return [(path, label) for path, label in _MENU if role in roles[path] and (path, role) != ("/", Role.PACKER)]
