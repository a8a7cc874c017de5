"""``hub doctor``: is everything well? Each line that is not says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial

import typer

from hub.app import Hub
from hub.cli.open_ import opened
from hub.cli.output import AsJson, print_json, say
from hub.cli.rules_file import loaded
from hub.connector import ConfigError, Failure
from hub.engine.connections import Connections
from hub.model import Severity
from hub.rules.load import Loaded
from hub.rules.ruleset import RuleSet
from hub.settings import Environment, unknown_settings
from hub.store import chores, facts, listing

#: What waits for a person, with the way out.
_WAITING = {
    "dead": "hub deliveries --state dead  says why; then  hub retry --all-dead",
    "unknown": "hub deliveries --state unknown; then  hub resolve ID --happened  or  --did-not-happen",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``remedy`` for what is not well."""

    what: str
    ok: bool
    said: str
    remedy: str = ""


def doctor(as_json: AsJson = False) -> None:
    """Check settings, rules, connections, Stripe's key and what is open; exit code 1 when something is not well."""
    with opened() as hub:
        found = list(_findings(hub))
    if as_json:
        print_json([asdict(one) for one in found])
    else:
        for one in found:
            say(f"{'✓' if one.ok else '✗'} {one.what}: {one.said}")
            if one.remedy:
                say(f"    → {one.remedy}")
    if not all(one.ok for one in found):
        raise typer.Exit(1)


def _findings(hub: Hub) -> Iterator[Finding]:
    for sentence in unknown_settings(Environment()):
        yield Finding("Settings", False, sentence, "Correct the name.")
    found = loaded(None)
    yield from _stripe(hub, found.ruleset)
    yield _rules(found)
    if found.ruleset is not None:
        yield from _held(found.ruleset)
        yield from _connections(hub, found.ruleset)
    yield from _test_purchases(hub)
    yield from _open(hub)


def _stripe(hub: Hub, ruleset: RuleSet | None) -> Iterator[Finding]:
    settings = hub.settings
    if settings.webhook_secrets:
        yield Finding("Signing secret", True, f"{len(settings.webhook_secrets)} set")
    else:
        remedy = "Set STRIPE_WEBHOOK_SECRET; Stripe shows it beside the webhook endpoint."
        yield Finding("Signing secret", False, "not set: webhooks are refused", remedy)
    if hub.stripe is None:
        remedy = "Set STRIPE_API_KEY to a restricted key that may read."
        yield Finding("API key", False, "not set: no polling, no reconciliation, no line items", remedy)
        return
    if settings.has_full_key:
        yield Finding("API key", False, "it may do everything", "A restricted key (rk_…) that may only read is enough.")
    needs = sorted({need for rule in ruleset.rules for need in rule.needs}) if ruleset else []
    for what, error in hub.stripe.readable(needs).items():
        if error is None:
            yield Finding(f"Stripe, {what}", True, "may be read")
        else:
            yield Finding(f"Stripe, {what}", False, error.message, error.hint)
    polled = hub.database.read(lambda connection: chores.cursor(connection, "poll"))
    if settings.stripe_poll_seconds and not polled:
        yield Finding("Polling", False, "has not looked yet", "Start the hub:  hub serve")


def _rules(found: Loaded) -> Finding:
    problems = [one for one in found.problems if one.severity is Severity.PROBLEM]
    if problems:
        return Finding("Rules", False, f"{len(problems)} problems", "hub check  says each with its correction.")
    count = len(found.ruleset.rules) if found.ruleset else 0
    return Finding("Rules", True, f"{count} without a problem")


def _held(ruleset: RuleSet) -> Iterator[Finding]:
    for rule in ruleset.rules:
        if rule.held is not None and rule.held.missing_connection:
            yield Finding(f"Rule “{rule.name}”", False, "does not run", rule.held.reason)


def _connections(hub: Hub, ruleset: RuleSet) -> Iterator[Finding]:
    """Each connection that is complete tries its credentials; nothing is sent or changed."""
    hub_id = hub.database.write(facts.hub_id).result()
    opened_ = Connections(hub.registry, hub.settings.data_dir, hub_id, hub.clock)
    try:
        for name, spec in ruleset.connections.items():
            if not spec.unset:
                yield _connection(opened_, name, ruleset)
    finally:
        opened_.close()


def _connection(opened_: Connections, name: str, ruleset: RuleSet) -> Finding:
    what = f"Connection “{name}”"
    try:
        connection = opened_.get(name, ruleset)
        if connection is None:
            return Finding(what, False, "is not there")
        checked = connection.check()
    except ConfigError as error:
        return Finding(what, False, error.message, error.hint)
    except Failure as error:
        return Finding(what, False, error.message, "Try again later.")
    return Finding(what, checked.ok, checked.message, "" if checked.ok else checked.hint)


def _test_purchases(hub: Hub) -> Iterator[Finding]:
    count = hub.database.read(lambda connection: listing.count_orders(connection, livemode=False))
    if hub.settings.livemode and count:
        yield Finding("Test purchases", True, f"{count}, kept apart: no rule acts on them ( hub orders --mode test )")


def _open(hub: Hub) -> Iterator[Finding]:
    for state, remedy in _WAITING.items():
        lines = hub.database.read(partial(listing.list_deliveries, state=state))
        yield Finding(f"Deliveries {state}", not lines, str(len(lines)), remedy if lines else "")
