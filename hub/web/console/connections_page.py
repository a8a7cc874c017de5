"""Connections: where the rules send things, how each stands, and a button that tries its credentials."""

from __future__ import annotations

from starlette.responses import Response

from hub.connector import Check
from hub.engine.connections import Connections, try_out
from hub.store import facts, lanes
from hub.web.console.access import OWNERS
from hub.web.console.desk import Desk, Visit


def show(desk: Desk, visit: Visit) -> Response:
    ruleset = desk.hub.rulebook.current[1]
    standing = {one.connection: one for one in desk.read(lanes.standing)}
    return desk.page(
        visit,
        "connections.html",
        connections=[(one, standing.get(one.name)) for one in ruleset.connections.values()],
        now=desk.now(),
        may_try=visit.may(*OWNERS),
    )


def check(desk: Desk, visit: Visit) -> Response:
    """Tries the credentials; nothing is sent. If they work, what was paused goes on."""
    name = visit.given("name")
    if name not in desk.hub.rulebook.current[1].connections:
        return desk.back("/connections", "There is no such connection in the rules file.")
    checked = try_one(desk, visit, name)
    hint = f" {checked.hint}" if checked.hint and not checked.ok else ""
    return desk.back("/connections", f"{name}: {checked.message}{hint}")


def try_one(desk: Desk, visit: Visit, name: str) -> Check:
    """Tries the credentials of a connection of the rules file."""
    hub = desk.hub
    ruleset = hub.rulebook.current[1]
    opened = Connections(hub.registry, hub.settings.data_dir, desk.write(facts.hub_id), hub.clock)
    try:
        checked = try_out(opened, name, ruleset)
    finally:
        opened.close()
    if checked.ok:
        desk.act(visit, "tried", f"connection {name}", lanes.resume_paused, "it works")
    return checked
