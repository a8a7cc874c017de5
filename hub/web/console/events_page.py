"""The journal: every event as it came."""

from __future__ import annotations

import json
from functools import partial
from urllib.parse import quote

from starlette.responses import Response

from hub.engine import by_hand
from hub.store import journal, listing
from hub.web.console.desk import Desk, Visit

_LISTED = 50


def show(desk: Desk, visit: Visit) -> Response:
    """Newest first; a question is an id (of the event or of what it is about) or a type."""
    asked, before = visit.asked("q")[:255], visit.number("before")
    rows = desk.read(partial(listing.page_of_events, asked=asked, before=before, limit=_LISTED + 1))
    older = rows[_LISTED - 1][0] if len(rows) > _LISTED else None
    return desk.page(visit, "events.html", rows=rows[:_LISTED], asked=asked, older=older, looked=listing.LOOKED_THROUGH)


def one(desk: Desk, visit: Visit) -> Response:
    """One event, whole."""
    name = visit.request.path_params["event_id"]
    event = desk.read(lambda connection: journal.find(connection, name))
    if event is None:
        return desk.missing(visit, f"event “{name}”")
    try:
        body = json.dumps(json.loads(event.body), ensure_ascii=False, indent=2)
    except ValueError:
        body = event.body.decode("utf-8", "replace")
    plannings = desk.read(partial(journal.plannings_of, seqs=[event.seq]))
    return desk.page(visit, "event.html", event=event, body=body, plannings=plannings)


def replay(desk: Desk, visit: Visit) -> Response:
    """Goes over an event again with the rules of now; finished effects do not repeat."""
    name = visit.request.path_params["event_id"]
    if not desk.changed(partial(by_hand.replay, wanted=name, who=visit.user.name, now=desk.now())):
        return desk.missing(visit, f"event “{name}”")
    return desk.back(f"/events/{quote(name)}", "It is planned again now. What was done before is not repeated.")
