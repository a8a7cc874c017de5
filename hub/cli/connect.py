"""``hub connect``: has Stripe send its events here; looks first, shows what it would change, and asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from hub.app import Hub
from hub.checkout.endpoints import Endpoint, Endpoints
from hub.cli.open_ import opened
from hub.cli.output import AsJson, no, print_json, say
from hub.errors import FetchError, HubError, RulesError
from hub.rules import stripe_types
from hub.settings import add_webhook_secret

_PATH = "/webhooks/stripe"


@dataclass(frozen=True, slots=True)
class _Change:
    """What is to be done: an ``endpoint`` made (None), mended, or left as it is."""

    endpoint: Endpoint | None
    add: Sequence[str]

    @property
    def action(self) -> str:
        if self.endpoint is None:
            return "create"
        return "change" if self.add or not self.endpoint.enabled else "none"


def connect(
    url: Annotated[str | None, typer.Argument(help="The hub's address as Stripe reaches it.")] = None,
    more: Annotated[str, typer.Option("--events", help="Types to add to those of the rules, with commas.")] = "",
    ask_key: Annotated[bool, typer.Option("--ask-key", help="Ask for a key that may write, used this once.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Have Stripe send its events here: finds the endpoint or makes one, adds what is missing, deletes nothing."""
    with opened() as hub:
        address, types = _address(hub, url), _types(hub, more)
        key = typer.prompt("A key that may write webhook endpoints", hide_input=True) if ask_key else _key(hub)
        endpoints = Endpoints(key, hub.settings.stripe_api_base)
    try:
        change = _change(endpoints.at(address), types)
        if not as_json:
            _show(change, address)
        is_wanted = yes or (not as_json and change.action != "none" and typer.confirm("Do this?"))
        made = _done(endpoints, change, address) if is_wanted else change.endpoint
    except FetchError as error:
        hint = f"{error.hint} Or use a key that may for this once:  hub connect --ask-key"
        raise HubError(error.message, hint if error.is_forbidden else error.hint) from None
    _answer(change, made, as_json, done=is_wanted)


def _done(endpoints: Endpoints, change: _Change, address: str) -> Endpoint:
    """The endpoint after the change."""
    if change.endpoint is None:
        made, secret = endpoints.create(address, change.add)
        _keep(secret)
        return made
    if change.action == "change":
        endpoints.mend(change.endpoint, change.add)
    return change.endpoint


def _address(hub: Hub, url: str | None) -> str:
    given = (url or hub.settings.public_url).rstrip("/")
    if not given.startswith(("https://", "http://")):
        raise HubError(
            "Where does Stripe reach this hub?", "Set HUB_PUBLIC_URL, or:  hub connect https://hub.example.com"
        )
    return given if given.endswith(_PATH) else given + _PATH


def _types(hub: Hub, more: str) -> list[str]:
    """What the rules and the orders need, and what was asked for besides."""
    if hub.rulebook.load().ruleset is None:
        raise RulesError("The rules cannot be used.", "Correct them first:  hub check")
    asked = [one.strip() for one in more.split(",") if one.strip()]
    for one in asked:
        if not stripe_types.is_known(one):
            close = stripe_types.closest(one)
            raise typer.BadParameter(f"Stripe has no events “{one}”." + (f" Did you mean “{close}”?" if close else ""))
    return list(dict.fromkeys([*hub.rulebook.event_types(), *asked]))


def _key(hub: Hub) -> str:
    key = hub.settings.stripe_api_key
    if key is None:
        raise HubError(
            "There is no API key to ask Stripe with.", "Set STRIPE_API_KEY in .env, or:  hub connect --ask-key"
        )
    return key.get_secret_value()


def _change(found: Sequence[Endpoint], types: Sequence[str]) -> _Change:
    if len(found) > 1:
        listed = "".join(f"\n  {one.kind} {one.id}{'' if one.enabled else ' (switched off)'}" for one in found)
        raise no(
            f"{len(found)} of Stripe's endpoints send to this address:{listed}\n"
            "Nothing was changed. One for your own account and one for connected accounts is right; otherwise keep\n"
            "one and delete the others in Stripe's Dashboard. The hub counts each sale once all the same.\n"
            f"Needed are: {', '.join(types)}"
        )
    if not found:
        return _Change(None, types)
    return _Change(found[0], found[0].lacking(types))


def _show(change: _Change, address: str) -> None:
    endpoint = change.endpoint
    if endpoint is None:
        say(f"Stripe has no endpoint for {address}. A new one, for:")
    else:
        say(f"Stripe sends to {endpoint.url} ({endpoint.kind} {endpoint.id}).")
        if endpoint.version:
            say(f"  Its events are in version {endpoint.version}; the hub reads every version since 2020.")
        if not endpoint.enabled:
            say("  It is switched off: it will be switched on.")
    for one in change.add:
        say(f"  + {one}")


def _answer(change: _Change, endpoint: Endpoint | None, as_json: bool, *, done: bool) -> None:
    found = None if endpoint is None else endpoint.id
    if as_json:
        print_json({"action": change.action, "done": done, "add": list(change.add), "endpoint": found})
    elif change.action == "none":
        say("Nothing is missing.")
    else:
        say(f"Done: {found}" if done else "Nothing was changed.")


def _keep(secret: str) -> None:
    if add_webhook_secret(secret):
        typer.echo("Its signing secret was written into .env. Start the hub anew to use it.", err=True)
    else:
        typer.echo(
            "Add its signing secret to STRIPE_WEBHOOK_SECRET, after a comma. Stripe shows it this once:", err=True
        )
        typer.echo(secret, err=True)
