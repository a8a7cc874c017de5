"""What each call does: the store's and the console's own functions, told as shapes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import partial
from typing import Any, NoReturn

from hub.engine import approving, by_hand, reconciling
from hub.engine.explaining import explain
from hub.errors import RulesError
from hub.model import Subscription, SubscriptionInvoice
from hub.money import Money, from_stripe
from hub.rules.load import Loaded
from hub.rules.readback import reads
from hub.rules.ruleset import Rule
from hub.store import (
    approvals,
    audit,
    codes,
    facts,
    figures,
    journal,
    lanes,
    listing,
    orderlist,
    people,
    rulesets,
    stock,
    subscriptions,
)
from hub.store.database import Connection
from hub.store.orderlist import OrderLine, Wanted
from hub.web.api.calls import Asked, Refusal
from hub.web.api.shapes import LINE, LONGEST
from hub.web.console import connections_page, draft, needs_you, order_acts, overview, rules_page, supplies
from hub.web.console import order as order_page
from hub.web.console import subscription as subscription_page
from hub.web.console.desk import Desk, whole

_WEEK_MS = 7 * 24 * 3_600_000
_LISTED = 200


def list_orders(desk: Desk, asked: Asked) -> Any:
    """Orders, newest first."""
    given = asked.given

    def read(connection: Connection) -> orderlist.Page:
        livemode = given.mode == "live" if given.mode else orderlist.has_live(connection)
        first = int(facts.get(connection, "first_start") or 0)
        wanted = Wanted(livemode, show=given.show or "", asked=given.q or "", before=given.before, first_start=first)
        return orderlist.page(connection, wanted, given.limit)

    page = desk.read(read)
    return {"items": [_order(desk, one) for one in page.lines], "next": page.older}


def one_order(desk: Desk, asked: Asked) -> Any:
    """One order: buyer, items, what happened to it and why."""
    line = _line(desk, asked)
    order = line.order
    seen = desk.hub.contexts.of({order.event_seq: order.number})[order.event_seq]
    events, deliveries, acts = desk.read(
        lambda connection: (
            listing.events_about(connection, order.id),
            listing.list_deliveries(connection, subject=order.id),
            audit.acts(connection, thing=order.id),
        )
    )
    answers = explain(desk.hub.database, desk.hub.contexts, desk.hub.rulebook.current[1], order)
    return _order(desk, line) | {
        "items": [_item(one) for one in seen["order"]["items"]],
        "shipping_label": seen["order"]["shipping"]["label"],
        "events": events,
        "deliveries": deliveries,
        "acts": acts,
        "why": [{"rule": one.rule, "ran": one.ran, "because": order_page.reasons(one)} for one in answers],
    }


def pack(desk: Desk, asked: Asked) -> Any:
    """Mark an order as packed."""
    line = _line(desk, asked)
    write = partial(orderlist.mark_packed, ids=[line.order.id], now=desk.now())
    return _done(
        desk.act(asked.visit, "packed", line.order.id, write),
        "Packed.",
        "There is nothing to pack: it is packed, held, or not to be shipped.",
    )


def unpack(desk: Desk, asked: Asked) -> Any:
    """Take “packed” back."""
    line = _line(desk, asked)
    write = partial(orderlist.unpack, order_id=line.order.id)
    return _done(desk.act(asked.visit, "unpacked", line.order.id, write), "Not packed.", "It is not packed.")


def hold(desk: Desk, asked: Asked) -> Any:
    """Keep an order back from packing."""
    line = _line(desk, asked)
    write = partial(orderlist.hold, order_id=line.order.id, now=desk.now())
    return _done(desk.act(asked.visit, "held", line.order.id, write), "On hold.", "It is on hold already.")


def release(desk: Desk, asked: Asked) -> Any:
    """Let an order that is on hold go on."""
    line = _line(desk, asked)
    write = partial(orderlist.hold, order_id=line.order.id, now=None)
    return _done(desk.act(asked.visit, "released", line.order.id, write), "Released.", "It is not on hold.")


def ship(desk: Desk, asked: Asked) -> Any:
    """A parcel of the order left; rules for “order shipped” hear of it."""
    line, given = _line(desk, asked), asked.given
    parcel = by_hand.Parcel(
        given.part, given.carrier, given.tracking_number, given.tracking_url, is_last=not given.more_will_follow
    )
    refusal = order_acts.ship(desk, asked.visit, line, parcel)
    return _done(not refusal, "Shipped.", refusal)


def note(desk: Desk, asked: Asked) -> Any:
    """Add a note for colleagues to an order."""
    line = _line(desk, asked)
    desk.act(asked.visit, audit.NOTED, line.order.id, lambda _connection: None, asked.given.text)
    return {"said": "Noted."}


def retry(desk: Desk, asked: Asked) -> Any:
    """Try everything of an order again that failed for good or waits."""
    line = _line(desk, asked)
    count = order_acts.retry_all(desk, asked.visit, [line.order.id], {"dead", "waiting"})
    return _done(count > 0, f"{count} will be tried again.", "There is nothing to try again.")


def preview(desk: Desk, asked: Asked) -> Any:
    """What a rule would do for an order; nothing is sent."""
    line = _line(desk, asked)
    found = order_acts.previews(desk, line, _rule(desk, asked.given.rule))
    return [{"event": one.event_id, "runs": one.runs, "steps": _steps(one)} for one in found]


def run(desk: Desk, asked: Asked) -> Any:
    """Run a rule for an order; what was done before is not repeated."""
    line, rule = _line(desk, asked), _rule(desk, asked.given.rule)
    done = order_acts.run_rule(desk, asked.visit, line, rule, asked.given.event)
    return _done(done, f"“{rule.name}” will run now.", f"“{rule.name}” does nothing for this event of the order.")


def list_subscriptions(desk: Desk, asked: Asked) -> Any:
    """Subscriptions, newest first."""
    given = asked.given

    def read(connection: Connection) -> subscriptions.Page:
        livemode = given.mode == "live" if given.mode else subscriptions.has_live(connection)
        wanted = subscriptions.Wanted(livemode, given.show or "", given.q or "", given.before)
        return subscriptions.page(connection, wanted, given.limit)

    page = desk.read(read)
    return {"items": [_subscription(desk, one) for one in page.found], "next": page.older}


def one_subscription(desk: Desk, asked: Asked) -> Any:
    """One subscription with its orders and invoices."""
    found = subscription_page.find(desk, asked.path("subscription_id"))
    if found is None:
        _missing("subscription", asked.path("subscription_id"))
    invoices = [_invoice(desk, one) for one in found.invoices]
    return _subscription(desk, found.subscription) | {
        "orders": [one.id for one in found.orders],
        "invoices": invoices,
    }


def list_approvals(desk: Desk, _asked: Asked) -> Any:
    """What rules ask before they go on, the most urgent first."""
    return desk.read(approvals.waiting)


def answer(desk: Desk, asked: Asked) -> Any:
    """Say yes or no to an approval; the first answer counts."""
    number = whole(asked.path("number"))
    known = None if number is None else desk.read(lambda connection: approvals.find(connection, number))
    if known is None:
        _missing("approval", asked.path("number"))
    said, user = asked.given.answer, asked.visit.user
    write = partial(approving.decide, delivery_id=known.id, answer=said, user=user, now=desk.now())
    refusal = desk.changed(write)
    return _done(not refusal, "Approved." if said is approving.Answer.YES else "Refused.", refusal)


def list_deliveries(desk: Desk, asked: Asked) -> Any:
    """Deliveries, newest first."""
    given = asked.given
    state = None if given.state is None else given.state.value
    filters = {"state": state, "subject": given.subject, "rule": given.rule, "before": given.before}
    lines = desk.read(partial(listing.list_deliveries, **filters, limit=given.limit + 1))
    shown = lines[: given.limit]
    return {"items": shown, "next": shown[-1].id if len(lines) > given.limit else None}


def one_delivery(desk: Desk, asked: Asked) -> Any:
    """One delivery with every try."""
    number = whole(asked.path("number"))
    lines = [] if number is None else desk.read(partial(listing.list_deliveries, ids=[number]))
    if not lines:
        _missing("delivery", asked.path("number"))
    tries = desk.read(partial(listing.list_attempts, delivery_ids=[lines[0].id]))
    names = type(lines[0]).__slots__
    return {name: getattr(lines[0], name) for name in names} | {"tries": tries}


def decide(desk: Desk, asked: Asked) -> Any:
    """Decide about deliveries: retry, cancel, happened, did-not-happen."""
    ids = list(dict.fromkeys(asked.given.ids))
    return _decided(desk, asked, ids)


def list_needs(desk: Desk, _asked: Asked) -> Any:
    """Everything that waits for a person, by cause."""
    return [_group(one) for one in needs_you.groups(desk)]


def decide_cause(desk: Desk, asked: Asked) -> Any:
    """Decide about everything that has one cause."""
    ids = needs_you.of_cause(desk, asked.given.cause)
    if not ids:
        _missing("cause", asked.given.cause)
    return _decided(desk, asked, ids)


def list_events(desk: Desk, asked: Asked) -> Any:
    """The journal of events, newest first."""
    given = asked.given
    read = partial(listing.page_of_events, asked=given.q or "", before=given.before, limit=given.limit + 1)
    rows = desk.read(read)
    older = rows[given.limit - 1][0] if len(rows) > given.limit else None
    return {"items": [event for _, event in rows[: given.limit]], "next": older}


def one_event(desk: Desk, asked: Asked) -> Any:
    """One event as it came."""
    event = desk.read(lambda connection: journal.find(connection, asked.path("event_id")))
    if event is None:
        _missing("event", asked.path("event_id"))
    names = ("id", "type", "object_id", "account", "livemode", "created", "received_at")
    values = {name: getattr(event, name) for name in names}
    return values | {"source": event.source.value, "body": event.body.decode("utf-8", "replace")}


def replay(desk: Desk, asked: Asked) -> Any:
    """Plan an event again by the rules of now; finished effects do not repeat."""
    name = asked.path("event_id")
    if not desk.changed(partial(by_hand.replay, wanted=name, who=asked.visit.user.name, now=desk.now())):
        _missing("event", name)
    return {"said": "It is planned again now."}


def list_rules(desk: Desk, _asked: Asked) -> Any:
    """The rules in force, each in plain words, with what it did in seven days."""
    did = desk.read(partial(figures.by_rule, since=desk.now() - _WEEK_MS))
    return [
        {
            "name": rule.name,
            "enabled": rule.enabled,
            "held": None if rule.held is None else rule.held.reason,
            "reads": reads(rule),
            "did": did.get(rule.name, {}),
        }
        for rule in desk.hub.rulebook.current[1].rules
    ]


def rules_file(desk: Desk, _asked: Asked) -> Any:
    """The rules file as it is on the disk."""
    name, text = next(iter(draft.files_now(desk).items()))
    return {"name": name, "text": text, "digest": draft.digest(text)}


def check_rules(desk: Desk, asked: Asked) -> Any:
    """Mistakes of a text of rules, and what it would have done otherwise; nothing is stored or sent."""
    _, loaded = _loaded(desk, asked.given.text)
    effect = None if loaded.ruleset is None else draft.effect(desk, loaded.ruleset)
    return {
        "usable": loaded.ruleset is not None,
        "problems": loaded.problems,
        "changes": [] if effect is None else effect.changes,
        "more": 0 if effect is None else effect.more,
        "same": 0 if effect is None else effect.same,
    }


def save_rules(desk: Desk, asked: Asked) -> Any:
    """Put a text of rules in force, if it can be used and nobody changed the file meanwhile."""
    given, written = asked.given, next(iter(draft.files_now(desk).values()))
    if given.began != draft.digest(written):
        raise Refusal(409, "The file was changed meanwhile.", "Read /api/v1/rules/file again, then change that.")
    files, loaded = _loaded(desk, given.text)
    if loaded.ruleset is None:
        said = "; ".join(f"line {one.line}: {one.message}" for one in loaded.problems[:5])
        raise Refusal(422, f"The rules cannot be used: {said}", "POST /api/v1/rules/check lists every mistake.")
    return _put(desk, asked, files, given.reason)


def list_versions(desk: Desk, _asked: Asked) -> Any:
    """What was in force, newest first."""
    return desk.read(partial(rulesets.versions, limit=_LISTED))


def one_version(desk: Desk, asked: Asked) -> Any:
    """One version with its files."""
    return _version(desk, asked.path("number"))


def put_back(desk: Desk, asked: Asked) -> Any:
    """Put an earlier version in force again."""
    version = _version(desk, str(asked.given.version))
    return _put(desk, asked, version.files, asked.given.reason or f"back to version {version.number}")


def list_stock(desk: Desk, _asked: Asked) -> Any:
    """The stock list."""
    return desk.read(stock.items)


def one_sku(desk: Desk, asked: Asked) -> Any:
    """A SKU with its last movements."""
    sku = asked.path("sku")
    item = next((one for one in desk.read(stock.items) if one.sku == sku), None)
    if item is None:
        _missing("SKU in the stock list", sku)
    moves = desk.read(partial(stock.movements, sku=sku, limit=_LISTED))
    values = {name: getattr(item, name) for name in ("sku", "on_hand", "reserved", "low_at")}
    return values | {"movements": moves}


def count_sku(desk: Desk, asked: Asked) -> Any:
    """Set what is on hand of a SKU; the difference becomes a movement."""
    sku = _named(asked.path("sku"))
    supplies.count_sku(desk, asked.visit, sku, asked.given.on_hand, asked.given.low_at)
    return next(one for one in desk.read(stock.items) if one.sku == sku)


def list_codes(desk: Desk, _asked: Asked) -> Any:
    """The pools of codes."""
    return desk.read(codes.pools)


def add_codes(desk: Desk, asked: Asked) -> Any:
    """Add codes to a pool; those that it has or had are left out."""
    count = supplies.bring(desk, asked.visit, _named(asked.path("pool")), asked.given.codes)
    return {"said": f"{count} codes added, {len(asked.given.codes) - count} were there already."}


def list_connections(desk: Desk, _asked: Asked) -> Any:
    """Where the rules send things, and how each stands."""
    standing = {one.connection: one for one in desk.read(lanes.standing)}
    found = []
    for one in desk.hub.rulebook.current[1].connections.values():
        stands = standing.get(one.name) or lanes.Standing(one.name, 0, 0, 0, "", False)
        until = stands.blocked_until if stands.blocked_until > desk.now() else None
        shown = {"name": one.name, "kind": one.kind, "waiting": stands.waiting, "paused": stands.paused}
        found.append(shown | {"blocked_until": until, "reason": stands.reason})
    return found


def try_connection(desk: Desk, asked: Asked) -> Any:
    """Try the credentials of a connection; nothing is sent."""
    if asked.path("name") not in desk.hub.rulebook.current[1].connections:
        _missing("connection", asked.path("name"))
    return connections_page.try_one(desk, asked.visit, asked.path("name"))


def show_overview(desk: Desk, _asked: Asked) -> Any:
    """How the day goes and what is open."""
    found = overview.figures_now(desk)
    return {
        "livemode": found.livemode,
        "today": [_amount(desk, one) for one in found.today],
        "to_ship": [_amount(desk, one) for one in found.to_ship],
        "oldest_to_ship": found.oldest,
        "needs_you": found.needs_you,
        "time_to_ship_ms": found.time_to_ship,
    }


def show_report(desk: Desk, _asked: Asked) -> Any:
    """The last reconciliation with Stripe; empty before the first."""
    return desk.read(reconciling.last) or {}


def list_people(desk: Desk, _asked: Asked) -> Any:
    """Who may use the console."""
    return desk.read(people.everybody)


def list_acts(desk: Desk, asked: Asked) -> Any:
    """What people and programs did, newest first."""
    acts = desk.read(partial(audit.acts, before=asked.given.before, limit=asked.given.limit))
    return {"items": acts, "next": acts[-1].id if len(acts) == asked.given.limit else None}


def _missing(kind: str, name: str) -> NoReturn:
    raise Refusal(404, f"There is no {kind} “{name[:255]}”.")


def _done(done: object, said: str, refusal: str) -> Mapping[str, str]:
    if not done:
        raise Refusal(409, refusal)
    return {"said": said}


def _named(name: str) -> str:
    if len(name) > LONGEST or not re.search(LINE, name):
        raise Refusal(422, f"A name has at most {LONGEST} characters, all on one line.")
    return name


def _line(desk: Desk, asked: Asked) -> OrderLine:
    line = order_page.find(desk, asked.visit)
    if line is None:
        _missing("order", asked.path("session_id"))
    return line


def _rule(desk: Desk, name: str) -> Rule:
    rule = desk.hub.rulebook.current[1].rule(name)
    if rule is None:
        _missing("rule", name)
    return rule


def _version(desk: Desk, number: str) -> rulesets.Version:
    found = desk.read(lambda c: rulesets.version(c, number)) if whole(number) is not None else None
    if found is None:
        _missing("version", number)
    return found


def _loaded(desk: Desk, text: str) -> tuple[dict[str, str], Loaded]:
    files = draft.with_text(draft.files_now(desk), text)
    return files, draft.read(desk, files)


def _put(desk: Desk, asked: Asked, files: Mapping[str, str], reason: str) -> Mapping[str, str]:
    try:
        rules_page.put_in_force(desk, asked.visit, files, reason)
    except RulesError as error:
        raise Refusal(409, error.message, error.hint) from None
    return {"said": "The rules are saved and in force."}


def _decided(desk: Desk, asked: Asked, ids: list[int]) -> Mapping[str, Any]:
    refused = needs_you.carry_out(desk, asked.visit, asked.given.decision, ids)
    listed = [{"id": one, "reason": why} for one, why in refused.items()]
    return {"done": len(ids) - len(refused), "refused": listed}


def _group(group: needs_you.Group) -> Mapping[str, Any]:
    decisions = [one for one in group.buttons if one.cause]
    return {
        "title": group.title,
        "fix": group.fix,
        "count": group.count,
        "since": group.since,
        "notes": group.notes,
        "deliveries": group.lines,
        "cause": decisions[0].cause if decisions else None,
        "decisions": [one.act for one in decisions],
    }


def _order(desk: Desk, line: OrderLine) -> dict[str, Any]:
    order = line.order
    return {
        **{name: getattr(order, name) for name in ("id", "number", "livemode", "account", "state", "mode")},
        **{name: getattr(order, name) for name in ("payment_intent", "subscription", "created_at", "paid_at")},
        **{name: getattr(line, name) for name in ("fulfilment", "packed_at", "shipped_at", "held_at", "parcels")},
        "total": _units(desk, order.total, order.currency),
        "refunded": _units(desk, order.refunded, order.currency),
        "currency": order.currency or None,
        "customer": {"name": order.customer_name or None, "email": order.customer_email or None},
    }


def _subscription(desk: Desk, one: Subscription) -> dict[str, Any]:
    return {
        **{name: getattr(one, name) for name in ("id", "livemode", "account", "status", "price", "interval")},
        **{name: getattr(one, name) for name in ("started_at", "trial_ends_at", "renews_at", "ends_at")},
        "plan": one.plan or one.described,
        "amount": _units(desk, one.amount, one.currency),
        "currency": one.currency or None,
        "customer": {"name": one.customer_name or None, "email": one.customer_email or None},
    }


def _invoice(desk: Desk, one: SubscriptionInvoice) -> dict[str, Any]:
    names = ("id", "number", "status", "period_start", "period_end", "paid_at", "failed_at")
    values = {name: getattr(one, name) for name in names}
    return values | {"total": _units(desk, one.total, one.currency), "currency": one.currency or None}


def _item(item: Mapping[str, Any]) -> dict[str, Any]:
    total = item.get("total")
    return {
        "name": item.get("name"),
        "sku": item.get("sku"),
        "quantity": item["quantity"],
        "total": str(total) if isinstance(total, Money) else None,
    }


def _amount(desk: Desk, one: figures.Sum) -> dict[str, Any]:
    return {"total": _units(desk, one.total, one.currency) or "0", "currency": one.currency, "orders": one.count}


def _units(desk: Desk, units: int | None, currency: str) -> str | None:
    return None if units is None or not currency else str(from_stripe(units, currency, desk.hub.decimals))


def _steps(one: by_hand.Preview) -> list[dict[str, Any]]:
    """What is sent as JSON has it: amounts and dates as texts."""
    acting = [step for tried in one.tried for step in tried.acting]
    return [
        {"action": step.act, "sent": json.loads(json.dumps(dict(step.sent), default=str)), "error": step.error}
        for step in acting
    ]
