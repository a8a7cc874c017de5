"""When a failed delivery is tried again: pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

#: No pause is longer: a shop that mends its connection does not want to wait for hours.
LONGEST_PAUSE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a delivery is tried *again* after temporary failures (0: never), and the first pause; pauses double."""

    times: int
    wait: timedelta

    def pause(self, failures: int, luck: float) -> timedelta | None:
        """How long to wait after the ``failures``-th failure (from 1); None: give up.

        ``luck`` in [0, 1) spreads the pauses over the upper half of their length, so that deliveries which failed
        together do not come back together.
        """
        if failures > self.times:
            return None
        doubled = self.wait * float(2 ** min(failures - 1, 20))
        return min(doubled, LONGEST_PAUSE) * (0.5 + luck / 2)


#: Temporary failures are retried for about an hour: 1 s, 2 s, 4 s … 15 min.
DEFAULT = RetryPolicy(times=14, wait=timedelta(seconds=1))
NEVER = RetryPolicy(times=0, wait=timedelta(0))
