"""What people do with orders: pack, ship, hold, note, retry, run a rule; for one order or for several ticked ones."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from urllib.parse import quote

from starlette.responses import Response

from hub.engine import by_hand
from hub.engine.by_hand import Decision, Parcel, Preview
from hub.engine.explaining import explain
from hub.model import Role
from hub.rules.ruleset import Rule
from hub.store import audit, listing, orderlist
from hub.store.database import Connection
from hub.store.orderlist import OrderLine
from hub.web.console import order as order_page
from hub.web.console.desk import Desk, Visit, whole

_MOST_CHOSEN = 200
_LONGEST_NOTE = 2000


def packed(desk: Desk, visit: Visit) -> Response:
    order_id = visit.request.path_params["session_id"]
    done = desk.act(visit, "packed", order_id, partial(orderlist.mark_packed, ids=[order_id], now=desk.now()))
    return _back(desk, order_id, "" if done else "There is nothing to pack: it is packed, held, or not to be shipped.")


def unpack(desk: Desk, visit: Visit) -> Response:
    order_id = visit.request.path_params["session_id"]
    desk.act(visit, "unpacked", order_id, partial(orderlist.unpack, order_id=order_id))
    return _back(desk, order_id)


def hold(desk: Desk, visit: Visit) -> Response:
    order_id = visit.request.path_params["session_id"]
    desk.act(visit, "held", order_id, partial(orderlist.hold, order_id=order_id, now=desk.now()))
    return _back(desk, order_id)


def release(desk: Desk, visit: Visit) -> Response:
    order_id = visit.request.path_params["session_id"]
    desk.act(visit, "released", order_id, partial(orderlist.hold, order_id=order_id, now=None))
    return _back(desk, order_id)


def note(desk: Desk, visit: Visit) -> Response:
    line = order_page.find(desk, visit)
    text = visit.given("text")[:_LONGEST_NOTE]
    if line is None or not text:
        return desk.missing(visit, "such order, or the note is empty")
    desk.act(visit, audit.NOTED, line.order.id, lambda _connection: None, text)
    return _back(desk, line.order.id)


def shipped(desk: Desk, visit: Visit) -> Response:
    """A parcel of the order left; the rules hear of it."""
    line = order_page.find(desk, visit)
    if line is None:
        return desk.missing(visit, "such order")
    order_id, url = line.order.id, visit.given("tracking_url")
    if url and not url.startswith(("https://", "http://")):
        return _back(desk, order_id, "The tracking link must begin with https://")
    parcel = Parcel(
        whole(visit.given("part")) or 1,
        visit.given("carrier")[:80] or None,
        visit.given("tracking_number")[:120] or None,
        url[:500] or None,
        is_last=visit.given("more") != "yes",
    )
    return _back(desk, order_id, ship(desk, visit, line, parcel))


def ship(desk: Desk, visit: Visit, line: OrderLine, parcel: Parcel) -> str:
    """Marks a parcel as shipped; returns why not, or ""."""
    if line.held_at is not None or line.order.paid_at is None:
        return "It is on hold, or not paid: nothing was shipped."
    detail = " ".join(filter(None, (parcel.carrier, parcel.tracking_number)))
    write = partial(by_hand.ship, order=line.order, parcel=parcel, now=desk.now())
    done = desk.act(visit, "shipped", line.order.id, write, detail)
    return "" if done else "This parcel was marked as shipped already."


def retry(desk: Desk, visit: Visit) -> Response:
    """Everything of the order that failed for good, or waits, is tried at once."""
    order_id = visit.request.path_params["session_id"]
    count = retry_all(desk, visit, [order_id], {"dead", "waiting"})
    return _back(desk, order_id, f"{count} will be tried again." if count else "There is nothing to try again.")


def preview(desk: Desk, visit: Visit) -> Response:
    """What a rule would do for the order: every condition, every step. Nothing is sent."""
    line = order_page.find(desk, visit)
    rule = desk.hub.rulebook.current[1].rule(visit.asked("rule"))
    if line is None or rule is None:
        return desk.missing(visit, "such order or rule")
    found = previews(desk, line, rule)
    return desk.page(visit, "run_rule.html", order=line.order, rule=rule, previews=found)


def run(desk: Desk, visit: Visit) -> Response:
    """Runs the rule whose preview was shown."""
    line = order_page.find(desk, visit)
    rule = desk.hub.rulebook.current[1].rule(visit.given("rule"))
    if line is None or rule is None:
        return desk.missing(visit, "such order or rule")
    if not run_rule(desk, visit, line, rule, visit.given("event")):
        return _back(desk, line.order.id, f"“{rule.name}” does nothing for this order: its conditions are not met.")
    return _back(desk, line.order.id, f"“{rule.name}” will run now. What was done before is not repeated.")


def run_rule(desk: Desk, visit: Visit, line: OrderLine, rule: Rule, event_id: str) -> bool:
    """Has a rule run for an event of the order; False when it would do nothing."""
    chosen = next((one for one in previews(desk, line, rule) if one.event_id == event_id), None)
    if chosen is None or not chosen.runs:
        return False
    plan = partial(by_hand.run_rule, event_seq=chosen.event_seq, rule=rule, now=desk.now())
    desk.act(visit, "ran a rule for", line.order.id, plan, rule.name)
    return True


def bulk(desk: Desk, visit: Visit) -> Response:
    """One act for all ticked orders."""
    ids = list(dict.fromkeys(visit.chosen))[:_MOST_CHOSEN]
    if not ids:
        return desk.back("/orders", "Tick some orders first.")
    match visit.given("do"):
        case "slips":
            return order_page.slips(desk, visit, ids)
        case "packed":
            count = _mark_packed(desk, visit, ids)
            return desk.back("/orders", f"{count} of {len(ids)} marked as packed.")
        case "shipped":
            count = _mark_shipped(desk, visit, ids)
            return desk.back("/orders", f"{count} of {len(ids)} marked as shipped.")
        case "retry" if visit.may(Role.OWNER):
            count = retry_all(desk, visit, ids, {"dead"})
            return desk.back("/orders", f"{count} deliveries will be tried again.")
        case _:
            return desk.back("/orders", "That cannot be done with several orders.")


def _mark_packed(desk: Desk, visit: Visit, ids: Sequence[str]) -> int:
    now, who = desk.now(), visit.user.name

    def write(connection: Connection) -> int:
        done = orderlist.mark_packed(connection, ids, now)
        for one in done:
            audit.record(connection, who, "packed", one, now)
        return len(done)

    return desk.changed(write)


def _mark_shipped(desk: Desk, visit: Visit, ids: Sequence[str]) -> int:
    now, who = desk.now(), visit.user.name

    def write(connection: Connection) -> int:
        lines = orderlist.by_ids(connection, ids).values()
        ready = [one.order for one in lines if one.is_to_ship and one.held_at is None and not one.parcels]
        done = [one for one in ready if by_hand.ship(connection, one, Parcel(), now)]
        for one in done:
            audit.record(connection, who, "shipped", one.id, now)
        return len(done)

    return desk.changed(write)


def retry_all(desk: Desk, visit: Visit, ids: Sequence[str], states: set[str]) -> int:
    """Tries deliveries of orders again that are in one of these states; returns how many."""
    now, who = desk.now(), visit.user.name

    def write(connection: Connection) -> int:
        lines = [line for one in ids for line in listing.list_deliveries(connection, subject=one)]
        chosen = [line.id for line in lines if line.state in states]
        return len(chosen) - len(by_hand.decide(connection, Decision.RETRY, chosen, who, now))

    return desk.changed(write)


def previews(desk: Desk, line: OrderLine, rule: Rule) -> list[Preview]:
    """What a rule would do for each event of the order that it looked at."""
    hub = desk.hub
    ruleset = hub.rulebook.current[1]
    answers = explain(hub.database, hub.contexts, ruleset, line.order)
    looks = next((one.looks for one in answers if one.rule == rule.name), ())
    events = list(dict.fromkeys(look.event for look in looks))
    return by_hand.preview(hub.database, hub.contexts, ruleset, line.order, rule, events, desk.now())


def _back(desk: Desk, order_id: str, said: str = "") -> Response:
    return desk.back(f"/orders/{quote(order_id)}", said)
