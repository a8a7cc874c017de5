"""Links that answer one question: they name a run and its step, signed so that nobody can make one up."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class ApprovalLinks:
    """``base``: the hub's address as people reach it. A link opens a page; only the button on it answers."""

    base: str
    secret: str = field(repr=False)

    def link(self, run_id: int, step: str) -> str:
        return f"{self.base}/approve/{quote(f'{run_id}.{step}', safe='')}.{self._signature(run_id, step)}"

    def read(self, token: str) -> tuple[int, str] | None:
        """The run and step that a link's last part names; None when it was not made here."""
        named, _, signature = token.rpartition(".")
        number, _, step = named.partition(".")
        if not (number.isascii() and number.isdigit() and len(number) < 18 and step):
            return None
        right = self._signature(int(number), step)
        return (int(number), step) if hmac.compare_digest(signature.encode(), right.encode()) else None

    def _signature(self, run_id: int, step: str) -> str:
        return hmac.new(self.secret.encode(), f"approve {run_id} {step}".encode(), hashlib.sha256).hexdigest()[:40]
