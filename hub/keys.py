"""What makes an effect unique: the business object, never the event."""

from __future__ import annotations

import hashlib

from hub.model import Event


def run_key(event: Event, trigger: str, subject: str, rule: str, item: str) -> str:
    """One per subject × rule (× item): 32 hex digits.

    The trigger is part of it, so that a rule with two triggers acts on both; account and mode are, because
    Stripe's ids are only promised to be unique within them.
    """
    return _digest(event.account, str(event.livemode), trigger, subject, rule, item)


def once_key(event: Event, rule: str, what: str, value: str) -> str:
    """What runs of a rule with ``once_per … within`` have in common."""
    return _digest(event.account, str(event.livemode), what, value, rule)


def effect_key(run: str, step: str) -> str:
    """One per delivery: 32 hex digits, sent to far ends as the idempotency key."""
    return _digest(run, step)


def own_event_key(kind: str, about: str, cause: str) -> str:
    """What an event of the hub itself is told once for."""
    return _digest(kind, about, cause)


def error_run_key(run: str, step: str) -> str:
    """The run of a step's ``on_error`` steps."""
    return _digest(run, step, "on_error")


def _digest(*parts: str) -> str:
    # Lengths, not separators: no buyer-chosen text can make two different lists of parts look the same.
    joined = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()[:32]
