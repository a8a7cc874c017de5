"""Opening the hub for a command: settings, environment, database."""

from __future__ import annotations

import getpass
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import typer

from hub import duration
from hub.app import Hub, open_hub
from hub.log import set_up
from hub.settings import Environment, read_settings

_PER_SECOND = 5


@contextmanager
def opened() -> Iterator[Hub]:
    """The hub of this folder's settings; its database may be in use by ``hub serve`` at the same time."""
    environment = Environment()
    settings = read_settings(environment)
    # The hub that runs beside may use its share at the same time; together they stay below Stripe's 25 a second.
    share = min(settings.stripe_requests_per_second, _PER_SECOND)
    settings = settings.model_copy(update={"stripe_requests_per_second": share})
    set_up(settings.log_format)  # to standard error: standard output is the answer
    hub = open_hub(settings, environment)
    try:
        yield hub
    finally:
        hub.close()


def operator() -> str:
    """Who acts, for the audit log: the machine's user, at the command line."""
    try:
        return f"{getpass.getuser()} (command line)"
    except (OSError, KeyError):  # a user id without a name, as in some containers
        return "command line"


def since_ms(text: str | None, now: int) -> int | None:
    """The moment that ``--since 7d`` (``7 days``, ``12h``) or ``2026-01-31`` means (midnight, in the machine's zone).

    Raises a usage error for anything else.
    """
    if text is None:
        return None
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return _midnight(text)
    units = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
    short = f"{text[:-1]} {units[text[-1]]}" if text and text[-1] in units and text[:-1].isdigit() else text
    try:
        length: timedelta = duration.parse(short)
    except ValueError:
        raise typer.BadParameter(f"“{text}” is not a length of time. Write 7d, 12h, 30 days or a date.") from None
    return now - round(length.total_seconds() * 1000)


def _midnight(day: str) -> int:
    try:
        return round(datetime.fromisoformat(day).astimezone().timestamp() * 1000)
    except ValueError:
        raise typer.BadParameter(f"There is no such day: {day}.") from None
