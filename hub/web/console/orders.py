"""The list of orders: chips, search, pages, a download."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from hub.model import OrderState
from hub.money import from_stripe
from hub.store import facts, listing, orderlist, views
from hub.store.database import Connection
from hub.store.orderlist import SHIPPING, Page, Wanted
from hub.store.views import View
from hub.web.console.access import PACKING
from hub.web.console.csv_out import csv_answer, iso
from hub.web.console.desk import Desk, Visit

_LISTED = 50
_AT_ONCE = 1000

#: What the chips say; the first one is the list without a filter.
_CHIPS = {
    "": "All",
    "to_ship": "To ship",
    "packed": "Packed",
    "shipped": "Shipped",
    "held": "Held",
    "paid": "Paid",
    "awaiting_payment": "Awaiting payment",
    "partly_refunded": "Partly refunded",
    "refunded": "Refunded",
    "disputed": "Disputed",
    "failed": "Failed",
    "expired": "Abandoned",
}


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address asks for, as it stands there; ``mode`` is live, test, or "" for what the shop has."""

    show: str = ""
    q: str = ""
    since: str = ""
    until: str = ""
    mode: str = ""

    @property
    def named(self) -> dict[str, str]:
        """The filters that are set, by name."""
        return {name: value for name, value in asdict(self).items() if value}

    def link(self, path: str = "/orders", **changes: Any) -> str:
        """The address of the list with something changed."""
        query = asdict(self) | changes
        text = urlencode({name: value for name, value in query.items() if value not in {None, ""}})
        return f"{path}?{text}" if text else path


def filters(visit: Visit) -> Filters:
    """The filters in the address."""
    return filters_of({field.name: visit.asked(field.name) for field in fields(Filters)})


def filters_of(given: Mapping[str, str]) -> Filters:
    """Filters by their names; whatever else is given, or has no meaning, is left out."""
    show, mode = given.get("show", ""), given.get("mode", "")
    known = {*SHIPPING, *(state.value for state in OrderState)}
    since, until = given.get("since", ""), given.get("until", "")
    return Filters(
        show if show in known else "",
        given.get("q", "").strip()[:200],
        since if _day(since) else "",
        until if _day(until) else "",
        mode if mode in {"live", "test"} else "",
    )


def show(desk: Desk, visit: Visit) -> Response:
    """The page, or only its list for a page that is open already."""
    chosen = filters(visit)
    wanted = _wanted(desk, visit, chosen)

    def read(connection: Connection) -> tuple[Page, Mapping[str, str], Sequence[View]]:
        page = orderlist.page(connection, wanted, _LISTED)
        subjects = listing.open_subjects(connection, [line.order.id for line in page.lines])
        return page, subjects, views.seen_by(connection, visit.user.id)

    found, open_, kept = desk.read(read)
    links = [(one.name, filters_of(one.filters)) for one in kept]
    return desk.page(
        visit,
        "orders_list.html" if visit.is_part else "orders.html",
        lines=found.lines,
        open=open_,
        older=None if found.older is None else chosen.link(before=found.older),
        newest=chosen.link() if wanted.before is not None else None,
        filters=chosen,
        chips=[(label, chosen.link(show=name), name == chosen.show) for name, label in _CHIPS.items()],
        kept=[(name, view.link(), view == chosen) for name, view in links],
        livemode=wanted.livemode,
        may_pack=visit.may(*PACKING),
        can_place=desk.place_order is not None,
    )


def export(desk: Desk, visit: Visit) -> Response:
    """Everything that matches, as a table."""
    return csv_answer("orders.csv", _rows(desk, replace(_wanted(desk, visit, filters(visit)), before=None)))


def _rows(desk: Desk, wanted: Wanted) -> Iterator[tuple[object, ...]]:
    yield (
        *("Number", "Id", "State", "Fulfilment", "Total", "Currency", "Name", "E-mail"),
        *("Created (UTC)", "Paid (UTC)", "Shipped (UTC)", "Payment", "Mode"),
    )
    following: Wanted | None = wanted
    while following is not None:
        page = desk.read(partial(orderlist.page, wanted=following, limit=_AT_ONCE))
        for line in page.lines:
            one = line.order
            total = one.total is not None and one.currency and from_stripe(one.total, one.currency, desk.hub.decimals)
            yield (
                *(one.number, one.id, one.state.value, line.fulfilment, total.amount if total else "", one.currency),
                *(one.customer_name, one.customer_email, iso(one.created_at), iso(one.paid_at), iso(line.shipped_at)),
                *(one.payment_intent or "", "live" if one.livemode else "test"),
            )
        following = None if page.older is None else replace(wanted, before=page.older)


def _wanted(desk: Desk, visit: Visit, chosen: Filters) -> Wanted:
    def read(connection: Connection) -> tuple[bool, str | None]:
        return orderlist.has_live(connection), facts.get(connection, "first_start")

    has_live, first_start = desk.read(read)
    until = _day(chosen.until)
    return Wanted(
        livemode=chosen.mode == "live" if chosen.mode else has_live,
        show=chosen.show,
        asked=chosen.q,
        since=_milliseconds(_day(chosen.since)),
        until=_milliseconds(until and until + timedelta(days=1)),
        before=visit.number("before"),
        first_start=int(first_start or 0),
    )


def _day(text: str) -> datetime | None:
    """The beginning of a day, in the machine's time zone; None for anything that is no day of these centuries."""
    try:
        day = datetime.strptime(text, "%Y-%m-%d")
    except ValueError:
        return None
    return day.astimezone() if 1970 < day.year < 3000 else None


def _milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1000)


def place(desk: Desk, _visit: Visit) -> Response:
    """Demo mode's button: one more sample order."""
    if desk.place_order is not None:
        desk.place_order()
    return desk.back("/orders")
