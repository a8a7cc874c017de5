"""One order: who bought what, where it goes, and everything that happened to it, with the reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.responses import Response

from hub.engine.explaining import Answer, explain
from hub.money import from_stripe
from hub.rules.trying import condition_lines
from hub.store import audit, listing, orderlist
from hub.store.audit import Act
from hub.store.database import Connection
from hub.store.listing import AttemptLine, DeliveryLine, EventLine
from hub.store.orderlist import OrderLine
from hub.web.console import approvals_page
from hub.web.console.access import OWNERS, PACKING
from hub.web.console.desk import Desk, Visit

#: Tries that are shown of one order; one that was retried for weeks has thousands.
MOST_TRIES = 500


@dataclass(frozen=True, slots=True)
class Moment:
    """An entry of the timeline: an event, a delivery, or what a person did. ``lines``: more, to be unfolded."""

    at: int
    what: str
    where: str
    state: str
    detail: str
    lines: Sequence[str] = ()
    link: str = ""
    delivery: DeliveryLine | None = None


@dataclass(frozen=True, slots=True)
class About:
    """What the database has about something."""

    events: Sequence[EventLine]
    deliveries: Sequence[DeliveryLine]
    attempts: Sequence[AttemptLine]
    acts: Sequence[Act]


def find(desk: Desk, visit: Visit) -> OrderLine | None:
    """The order that the address names."""
    name = visit.request.path_params["session_id"]
    return desk.read(partial(orderlist.by_ids, ids=[name])).get(name)


def show(desk: Desk, visit: Visit) -> Response:
    line = find(desk, visit)
    if line is None:
        return desk.missing(visit, f"order “{visit.request.path_params['session_id']}”")
    order = line.order
    context = desk.hub.contexts.of({order.event_seq: order.number})[order.event_seq]
    about = desk.read(partial(_about, order_id=order.id))
    answers = explain(desk.hub.database, desk.hub.contexts, desk.hub.rulebook.current[1], order)
    return desk.page(
        visit,
        "order.html",
        line=line,
        order=order,
        seen=context,
        presented=presented(desk, context),
        timeline=timeline(about),
        answers=[(one, reasons(one)) for one in answers],
        runnable=[one.rule for one in answers if one.looks],
        asking_now=approvals_page.by_rule(desk, visit, order.number),
        to_retry=[one.id for one in about.deliveries if _can_be_retried(one)],
        may_pack=visit.may(*PACKING),
        may_decide=visit.may(*OWNERS),
    )


def _can_be_retried(line: DeliveryLine) -> bool:
    return line.state == "dead" or (line.state == "waiting" and line.action != "approve")


def slips(desk: Desk, visit: Visit, ids: Sequence[str]) -> Response:
    """Packing slips to print, one page each, without prices."""
    lines = desk.read(partial(orderlist.by_ids, ids=ids))
    found = [line.order for line in lines.values()]
    contexts = desk.hub.contexts.of({order.event_seq: order.number for order in found})
    shop = desk.hub.rulebook.current[1].shop
    pairs = [(order, contexts[order.event_seq]) for order in found]
    return desk.page(visit, "slips.html", slips=pairs, shop=shop)


def slip(desk: Desk, visit: Visit) -> Response:
    if find(desk, visit) is None:
        return desk.missing(visit, f"order “{visit.request.path_params['session_id']}”")
    return slips(desk, visit, [visit.request.path_params["session_id"]])


def presented(desk: Desk, context: Mapping[str, Any]) -> str:
    """What the buyer saw and paid, where that is another currency than the booked one.

    https://docs.stripe.com/payments/currencies/localize-prices/adaptive-pricing: ``presentment_details``.
    """
    told = context.get("raw", {}).get("presentment_details")
    if not isinstance(told, dict):
        return ""
    units, currency = told.get("presentment_amount"), told.get("presentment_currency")
    if not isinstance(units, int) or not isinstance(currency, str):
        return ""
    amount = from_stripe(units, currency, desk.hub.decimals)
    return f"{amount} {amount.currency}"


def _about(connection: Connection, order_id: str) -> About:
    deliveries = listing.list_deliveries(connection, subject=order_id)
    ids = [one.id for one in deliveries]
    return About(
        listing.events_about(connection, order_id),
        deliveries,
        listing.list_attempts(connection, ids)[-MOST_TRIES:] if ids else [],
        audit.acts(connection, thing=order_id),
    )


def timeline(about: About) -> list[Moment]:
    """Everything in the order in which it happened."""
    tries: dict[int, list[AttemptLine]] = {}
    for one in about.attempts:
        tries.setdefault(one.delivery_id, []).append(one)
    found = [Moment(one.received_at, one.type, one.id, one.source, one.waiting) for one in about.events]
    found += [_delivery(one, tries.get(one.id, ())) for one in reversed(about.deliveries)]
    found += [Moment(one.at, one.what, one.who, "", one.detail) for one in reversed(about.acts)]
    return sorted(found, key=lambda one: one.at)


def _delivery(line: DeliveryLine, tries: Sequence[AttemptLine]) -> Moment:
    where = f"{line.rule}{f', {line.item}' if line.item else ''}"
    said = [f"Try {one.number}: {one.outcome or 'under way'}. {one.detail}".strip() for one in tries]
    if line.action == "approve":
        return Moment(line.updated_at, line.action, where, line.state, _approval(line), (), "", line)
    receipt = line.receipt or {}
    plain = {name: value for name, value in receipt.items() if isinstance(value, str | int | float) and value != ""}
    link = next((value for value in plain.values() if isinstance(value, str) and value.startswith("https://")), "")
    detail = line.error or " · ".join(f"{name} {value}" for name, value in plain.items() if value != link)
    return Moment(line.updated_at, line.action, where, line.state, detail, said, link, line)


def _approval(line: DeliveryLine) -> str:
    """What was asked, and what came of it."""
    told = line.receipt or {}
    asked, by = told.get("asked", ""), told.get("by", "")
    if line.state == "succeeded":
        said = f"Approved by {by}." if by else "Nobody answered in time; the rule went on."
    else:
        said = line.error
    return f"“{asked}” {said}".strip() if asked else said


def reasons(answer: Answer) -> list[str]:
    """Why a rule ran or did not, with every condition and the value it saw."""
    found = [answer.because] if answer.because else []
    for look in answer.looks:
        found.append(f"{look.trigger}: {look.because}")
        for item, seen in look.seen.items():
            found += [f"for the entry {item}:"] if item else []
            found += condition_lines(seen)
    return found
