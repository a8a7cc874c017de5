"""``hub``: finds the command's file, imports it, and turns errors into one sentence and an exit code.

0: fine. 1: the answer is "no". 2: used wrongly, or cannot run.
"""

from __future__ import annotations

import importlib
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from hub import __version__
from hub.errors import HubError, NotStored
from hub.log import redact

#: Commands in the order of ``hub --help``, each with its module and function: only what is used is imported.
COMMANDS = {
    "init": "init:init",
    "serve": "serve:serve",
    "work": "serve:work",
    "check": "check:check",
    "fix": "fix:fix_",
    "test": "test:examples",
    "try": "try_:try_",
    "triggers": "reference:triggers",
    "fields": "reference:fields",
    "actions": "reference:actions",
    "filters": "reference:filters",
    "schema": "schema:schema",
    "lsp": "lsp:lsp",
    "explain": "explain:explain_",
    "plan": "plan:plan",
    "rules": "rules:app",
    "doctor": "doctor:doctor",
    "send-test": "send_test:send_test",
    "events": "events:events",
    "orders": "orders:orders",
    "order": "orders:order",
    "deliveries": "deliveries:deliveries",
    "retry": "decide:retry",
    "replay": "decide:replay",
    "cancel": "decide:cancel",
    "resolve": "decide:resolve",
    "fulfil": "stripe_side:fulfil",
    "connect": "connect:connect",
    "listen": "listen:listen",
    "poll": "stripe_side:poll",
    "backfill": "stripe_side:backfill",
    "reconcile": "stripe_side:reconcile_",
    "connectors": "connectors:app",
    "stock": "stock:app",
    "token": "token:app",
    "user": "user:app",
    "dev": "dev:app",
    "codes": "codes:app",
}


class _Commands(TyperGroup):
    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module, _, function = COMMANDS[cmd_name].partition(":")
        found = getattr(importlib.import_module(f"hub.cli.{module}"), function)
        if isinstance(found, typer.Typer):
            return get_command(found)
        single = typer.Typer(add_completion=False)
        single.command(cmd_name)(found)
        return get_command(single)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hub {__version__}")
        raise typer.Exit


app = typer.Typer(cls=_Commands, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """A self-hosted automation hub for Stripe Checkout: every paid order makes its effects happen once."""


def main() -> None:
    """The entry point of the ``hub`` script."""
    try:
        app()
    except HubError as error:
        _stop(str(error))
    except NotStored as error:
        _stop(f"The database cannot be used: {error}.\n  → Check the disk and HUB_DATABASE_URL; nothing is lost.")


def _stop(message: str) -> None:
    print(redact(message), file=sys.stderr)
    sys.exit(2)
