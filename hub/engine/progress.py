"""What one batch of a lane came to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """How many deliveries a batch held. ``more``: it was full, so the lane has probably more that is due."""

    count: int
    more: bool


NOTHING = Progress(0, more=False)
