"""What goes wrong and is told to a person: one sentence, and what to do about it."""

from __future__ import annotations


class HubError(Exception):
    """Something a person can mend: printed as one sentence with its remedy; commands end with exit code 2.

    ``message`` says what is wrong, with the value at fault; ``hint`` says what to do. Neither holds a secret.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  → {self.hint}" if self.hint else self.message


class SettingsError(HubError):
    """One or more settings are wrong; ``message`` lists all of them."""


class RulesError(HubError):
    """The rules file cannot be read at all (missing, not UTF-8, not YAML)."""


class StorageError(HubError):
    """The database or the data folder cannot be used (unreachable, full, read-only, of a newer version)."""


class NotStored(Exception):
    """A write did not reach the disk. The caller must say so: for a webhook, 503."""


class EvaluationError(Exception):
    """A condition or text could not be evaluated for this order; its delivery fails visibly, never silently."""


class FetchError(Exception):
    """Stripe did not give what was asked for; ``hint`` is for the shop, ``retry_after`` (seconds) is Stripe's wish.

    ``is_unknown``: Stripe answered, and has no such object. ``is_forbidden``: the key may not read it.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        retry_after: float | None = None,
        *,
        is_unknown: bool = False,
        is_forbidden: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.retry_after = retry_after
        self.is_unknown = is_unknown
        self.is_forbidden = is_forbidden

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()
