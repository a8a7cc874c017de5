"""The same web application without a journal: verifies, parses, answers. What storing costs is measured against it."""

from __future__ import annotations

import sys

from hub.clock import SystemClock
from hub.model import Appended, Event
from hub.web.metrics import Metrics
from hub.web.server import Server, listen
from hub.web.site import Site
from hub.web.webhook import Webhook


class NoJournal:
    """An intake that keeps nothing."""

    async def append(self, event: Event) -> Appended:
        return Appended(event.id, duplicate=False)


def main(secret: str) -> None:
    clock, metrics = SystemClock(), Metrics()
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    site = Site(Webhook(NoJournal(), [secret], clock, metrics), None, clock, metrics)  # type: ignore[arg-type]  # no database at all
    Server(site, listener, lambda: print(port, flush=True)).serve_here()


if __name__ == "__main__":
    main(sys.argv[1])
