"""``hub poll``, ``fulfil``, ``backfill`` and ``reconcile``: asking Stripe for what no webhook told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from hub.app import Hub, Reader, polling
from hub.checkout import events
from hub.cli.open_ import opened, since_ms
from hub.cli.output import AsJson, no, print_json, print_table, progress, say, when
from hub.clock import iso
from hub.engine.backfilling import Day, Found, days, take_over
from hub.engine.reconciling import Report, last, reconcile
from hub.errors import FetchError, HubError, RulesError
from hub.model import Source
from hub.store import facts, journal

_NO_KEY = "There is no API key to ask Stripe with."
_SET_KEY = "Set STRIPE_API_KEY in .env (a restricted, read-only key is enough)."
_DEFAULT = "7d"


def poll(
    since: Annotated[str, typer.Option(help="How far back to look.")] = "1d",
) -> None:
    """Look through Stripe's list of events for what no webhook told."""
    with opened() as hub:
        _reader(hub)
        moment = since_ms(since, hub.clock.now()) or 0
        if hub.rulebook.load().ruleset is None:
            raise RulesError("The rules cannot be used.", "Correct them first:  hub check")
        try:
            found = polling(hub, hub.database.announce).look(moment)
        except FetchError as error:
            raise HubError(error.message, error.hint) from None
    print(f"{found.found} events looked through, {found.new} of them new.")


def fulfil(
    session_id: Annotated[str, typer.Argument(metavar="cs_…", help="A Checkout Session.")],
) -> None:
    """Ask Stripe about one session and have the rules act on it, however old it is; finished effects do not repeat."""
    with opened() as hub:
        account, found = _session(hub, session_id)
        if found.get("status") != "complete" or found.get("mode") == "setup":
            raise no(f"{session_id} is no finished sale: its checkout is {found.get('status')}.")
        now = hub.clock.now()
        event = events.completed(found, account, Source.PERSON, now)

        def write(connection: Any) -> None:
            journal.append(connection, [event], now)
            journal.replan(connection, journal.seqs(connection, event.id), now)

        hub.database.write(write).result()
        hub.database.announce()
    print(f"{session_id} is {found.get('payment_status')}; the running hub goes over it. See  hub order {session_id}")


def _session(hub: Hub, session_id: str) -> tuple[str, dict[str, Any]]:
    """A session, and the account that it is of."""
    told = None
    for account in _accounts(hub):
        try:
            return account, _reader(hub).session(session_id, account)
        except FetchError as error:
            if not error.is_unknown:
                raise no(str(error)) from None
            told = told or error
    raise no(str(told))


def _accounts(hub: Hub) -> list[str]:
    """The accounts that the rules file names; the key's own alone when it cannot be used."""
    hub.rulebook.load()
    return hub.rulebook.accounts()


def backfill(
    since: Annotated[str, typer.Option(help="The day of the first sale to take over, like 2026-01-01, or 90d.")],
    act: Annotated[bool, typer.Option("--act", help="Have the rules act on these sales.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take over sales from before the hub's first start: recorded and searchable, and not acted on unless you ask."""
    with opened() as hub:
        now = hub.clock.now()
        began = since_ms(since, now) or 0
        until = hub.database.write(lambda connection: facts.first_start(connection, now)).result()
        if began >= until:
            raise no(f"The hub has been at work since {when(until)}: nothing before that is left to take over.")
        if act and not (yes or typer.confirm("The rules will act on every sale found: rows, messages, stock. Go on?")):
            raise typer.Exit(1)
        left = days(hub.database, began, until, act=act)
        found = _taken_over(hub, began, left, act=act)
        hub.database.announce()
    sales, new = sum(one.sales for one in found), sum(one.new for one in found)
    if as_json:
        print_json({"days": len(left), "sales": sales, "new": new, "since": iso(began), "until": iso(until)})
        return
    say(f"{len(left)} days looked through: {sales} sales, {new} of them new to the hub.")
    if sales:
        say("The running hub has the rules act on them." if act else "They are recorded; no rule acts on them.")


def _taken_over(hub: Hub, began: int, left: Sequence[Day], *, act: bool) -> list[Found]:
    reader, accounts = _reader(hub), _accounts(hub)
    try:
        return [
            take_over(reader, hub.database, hub.clock, accounts, began, day, act=act)
            for day in progress(left, "Looking through Stripe's sessions")
        ]
    except FetchError as error:
        raise HubError(error.message, f"{error.hint} The same command goes on from here.".strip()) from None


def reconcile_(
    since: Annotated[str, typer.Option(help="How far back to look.")] = _DEFAULT,
    heal: Annotated[bool, typer.Option("--heal", help="Have the rules act on what is missing.")] = False,
    last_: Annotated[bool, typer.Option("--last", help="Show the last one again.")] = False,
    as_json: AsJson = False,
) -> None:
    """Hold Stripe's paid sessions against the orders on record; exit code 1 when anything is not complete."""
    with opened() as hub:
        found = hub.database.read(last) if last_ else _now(hub, since, heal).document()
    if found is None:
        raise no("There was no reconciliation yet.")
    shown = {**found, "made_at": iso(found["made_at"]), "since": iso(found["since"])}
    if as_json:
        print_json(shown)
    else:
        _print(found)
    if found["orders"]:
        raise typer.Exit(1)


def _now(hub: Hub, since: str, heal: bool) -> Report:
    moment = since_ms(since, hub.clock.now()) or 0
    try:
        hub.rulebook.load()
        report = reconcile(_reader(hub), hub.database, hub.clock, hub.rulebook, moment, heal=heal)
    except FetchError as error:
        raise HubError(error.message, error.hint) from None
    if report.healed:
        hub.database.announce()
    return report


def _reader(hub: Hub) -> Reader:
    if hub.stripe is None:
        raise HubError(_NO_KEY, _SET_KEY)
    return hub.stripe


def _print(found: dict[str, Any]) -> None:
    say(f"Sessions since {when(found['since'])}, as of {when(found['made_at'])}:")
    say(f"{found['paid']} paid, {found['complete']} complete.")
    counts = [f"{found[state]} {state}" for state in ("open", "missing", "extra") if found[state]]
    say(f"Not complete: {', '.join(counts)}." if counts else "Nothing is open, nothing is missing.")
    for one in found.get("unread", []):
        say(f"Not looked at: {one}")
    if found["healed"]:
        say(f"{found['healed']} were put into the journal; the running hub works on them.")
    elif found["missing"]:
        say("To have the rules act on what is missing:  hub reconcile --heal")
    if found["orders"]:
        say()
        rows = [(one["state"], one["number"], one["id"], one["why"]) for one in found["orders"]]
        print_table(["State", "Number", "Id", "Why"], rows, "")
