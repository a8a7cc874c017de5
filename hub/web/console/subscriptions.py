"""The list of subscriptions: chips, search, pages, a download."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from hub.model import Subscription
from hub.money import from_stripe
from hub.store import subscriptions
from hub.store.subscriptions import Wanted
from hub.web.console.csv_out import csv_answer, iso
from hub.web.console.desk import Desk, Visit

_LISTED = 50
_AT_ONCE = 1000

#: Stripe's states in plain words, as the chips say them.
STATES = {
    "active": "Active",
    "trialing": "Trial",
    "past_due": "Past due",
    "unpaid": "Unpaid",
    "paused": "Paused",
    "incomplete": "Not paid yet",
    "canceled": "Cancelled",
    "incomplete_expired": "Never paid",
}


@dataclass(frozen=True, slots=True)
class _Filters:
    """What the address asks for; ``mode`` is live, test, or "" for what the shop has."""

    show: str
    q: str
    mode: str

    def link(self, path: str = "/subscriptions", **changes: Any) -> str:
        """The address of the list with something changed."""
        query = {name: value for name, value in (asdict(self) | changes).items() if value not in {None, ""}}
        return f"{path}?{urlencode(query)}" if query else path


def _filters(visit: Visit) -> _Filters:
    show, mode = visit.asked("show"), visit.asked("mode")
    return _Filters(show if show in STATES else "", visit.asked("q")[:200], mode if mode in {"live", "test"} else "")


def show(desk: Desk, visit: Visit) -> Response:
    chosen = _filters(visit)
    wanted = _wanted(desk, visit, chosen)
    found = desk.read(partial(subscriptions.page, wanted=wanted, limit=_LISTED))
    return desk.page(
        visit,
        "subscriptions.html",
        found=found.found,
        older=None if found.older is None else chosen.link(before=found.older),
        newest=chosen.link() if wanted.before is not None else None,
        filters=chosen,
        chips=[(label, chosen.link(show=name), name == chosen.show) for name, label in ({"": "All"} | STATES).items()],
        states=STATES,
        livemode=wanted.livemode,
    )


def export(desk: Desk, visit: Visit) -> Response:
    """Everything that matches, as a table."""
    return csv_answer("subscriptions.csv", _rows(desk, replace(_wanted(desk, visit, _filters(visit)), before=None)))


def _rows(desk: Desk, wanted: Wanted) -> Iterator[tuple[object, ...]]:
    yield (
        *("Id", "State", "Name", "E-mail", "Customer", "Plan", "Price", "Amount", "Currency", "Every"),
        *("Started (UTC)", "Trial ends (UTC)", "Renews (UTC)", "Ends (UTC)", "Mode"),
    )
    following: Wanted | None = wanted
    while following is not None:
        page = desk.read(partial(subscriptions.page, wanted=following, limit=_AT_ONCE))
        for one in page.found:
            yield (
                *(one.id, one.status, one.customer_name, one.customer_email, one.customer),
                *(one.plan or one.described, one.price, _amount(desk, one), one.currency, one.interval),
                *(iso(one.started_at), iso(one.trial_ends_at), iso(one.renews_at), iso(one.ends_at)),
                "live" if one.livemode else "test",
            )
        following = None if page.older is None else replace(wanted, before=page.older)


def _amount(desk: Desk, one: Subscription) -> object:
    if one.amount is None or not one.currency:
        return ""
    return from_stripe(one.amount, one.currency, desk.hub.decimals).amount


def _wanted(desk: Desk, visit: Visit, chosen: _Filters) -> Wanted:
    livemode = chosen.mode == "live" if chosen.mode else desk.read(subscriptions.has_live)
    return Wanted(livemode, chosen.show, chosen.q, visit.number("before"))
