"""``hub init``: a first rules file, a place for secrets, and the schema that editors complete from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from babel.numbers import get_territory_currencies

from hub.cli.output import no
from hub.cli.rules_file import path_of, registry
from hub.errors import RulesError
from hub.rules.load import load_texts
from hub.rules.schema import json_schema
from hub.settings import Environment

SCHEMA = ".rules.schema.json"


@dataclass(frozen=True, slots=True)
class _Shop:
    name: str
    timezone: str
    currency: str
    slack: bool


def init(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="The rules file.", show_default=False)] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,
) -> None:
    """Write a first rules.yaml and .env; what is there already stays as it is."""
    environment = Environment()
    main = path_of(file, environment)
    if main.exists():
        raise no(f"{main} is there already. Check it with  hub check")
    shop = _Shop("My shop", _timezone(), "EUR", slack=False) if yes else _asked()
    text = _rules(shop)
    found = registry(environment)
    loaded = load_texts({main.name: text}, found, {"SLACK_TOKEN": "later"})
    if loaded.problems:
        first = loaded.problems[0]
        raise no(f"{first.message} {first.suggestion}  Nothing was written.")
    written = [_write(main, text), _write(main.with_name(SCHEMA), json.dumps(json_schema(found), indent=1))]
    env = main.with_name(".env")
    if not env.exists():
        written.append(_write(env, _env(shop), mode=0o600))
    print(f"Written: {', '.join(written)}.\nTry it:  hub try 'Every paid order'    Start:  hub serve")


def _asked() -> _Shop:
    name = typer.prompt("The shop's name", default="My shop")
    timezone = typer.prompt("Its time zone", default=_timezone())
    country = typer.prompt("Its country, in two letters", default="DE").strip().upper()
    currencies = get_territory_currencies(country) if len(country) == 2 else []
    currency = typer.prompt("Its currency", default=currencies[0] if currencies else "EUR").strip().upper()
    slack = typer.confirm("Tell a Slack channel of every order?", default=False)
    return _Shop(name, timezone, currency, slack)


def _timezone() -> str:
    """The machine's, where it says so in the usual way."""
    try:
        return str(Path("/etc/localtime").resolve(strict=True)).partition("zoneinfo/")[2] or "Europe/Berlin"
    except OSError:
        return "Europe/Berlin"


def _rules(shop: _Shop) -> str:
    name = json.dumps(shop.name, ensure_ascii=False)
    slack = '  slack: {token: "${SLACK_TOKEN}"}\n' if shop.slack else ""
    message = _SLACK if shop.slack else ""
    return (
        _RULES.format(schema=SCHEMA, name=name, timezone=shop.timezone, currency=shop.currency, slack=slack) + message
    )


_RULES = """\
# yaml-language-server: $schema={schema}
# What happens when a customer has paid. Save this file, and it is in force.
# Check it:  hub check      Try a rule:  hub try "Every paid order"      What can be written:  hub triggers, hub fields

version: 1

shop:
  name: {name}
  timezone: {timezone}
  currency: {currency}

connections:
  orders file: {{type: spreadsheet, file: orders.csv}}
{slack}
rules:
  - name: Every paid order
    when: order paid
    do:
      - spreadsheet.add_row:
          columns:
            Date: "{{{{ order.paid_at | date }}}}"
            Order: "{{{{ order.number }}}}"
            Customer: "{{{{ customer.name | default('-') }}}}"
            E-mail: "{{{{ customer.email | default('-') }}}}"
            Total: "{{{{ order.total }}}}"
            Currency: "{{{{ order.currency }}}}"
    examples:
      - given: sample order
        expect:
          - spreadsheet.add_row
"""
_SLACK = """
  - name: Tell the team
    when: order paid
    do:
      - slack.message:
          channel: "#orders"
          text: "New order {{ order.number }}: {{ order.total | money }} from {{ customer.name | default('-') }}"
    examples:
      - given: sample order
        expect:
          - slack.message: {channel: "#orders"}
"""


def _env(shop: _Shop) -> str:
    """Commented out: a secret that is set but empty would be a mistake."""
    slack = "# SLACK_TOKEN=xoxb-…\n" if shop.slack else ""
    return (
        "# Secrets; keep this file to yourself. Without the first two the hub shows a demo.\n"
        "# Stripe Dashboard → Developers → Webhooks → your endpoint → Signing secret:\n"
        "# STRIPE_WEBHOOK_SECRET=whsec_…\n"
        "# A restricted key that may read Checkout Sessions, Products, Prices, Events and Refunds:\n"
        f"# STRIPE_API_KEY=rk_live_…\n{slack}"
    )


def _write(target: Path, text: str, mode: int = 0o644) -> str:
    try:
        target.touch(mode)
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RulesError(f"{target} cannot be written: {error.strerror}.", "Allow writing there.") from None
    return target.name
