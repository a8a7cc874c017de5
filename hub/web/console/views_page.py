"""Lists that are kept: the filters of the list of orders, under a name."""

from __future__ import annotations

from functools import partial

from starlette.responses import Response

from hub.model import Role
from hub.store import views
from hub.store.database import Connection
from hub.store.views import View
from hub.web.console.desk import Desk, Visit
from hub.web.console.orders import Filters, filters, filters_of

_LONGEST_NAME = 40


def show(desk: Desk, visit: Visit) -> Response:
    """The filters that would be kept, and the lists there are."""
    kept = desk.read(partial(views.seen_by, user_id=visit.user.id))
    return desk.page(
        visit,
        "views.html",
        filters=filters(visit),
        views=[(one, filters_of(one.filters).link(), _may_remove(visit, one)) for one in kept],
        longest=_LONGEST_NAME,
        may_share=visit.may(Role.OWNER),
    )


def keep(desk: Desk, visit: Visit) -> Response:
    """Keeps the filters that the form holds."""
    chosen, name = filters_of(visit.form), " ".join(visit.given("name").split())
    here = chosen.link("/views")
    if chosen == Filters():
        return desk.back("/orders", "There is nothing to keep yet: choose what the list should show first.")
    if not 0 < len(name) <= _LONGEST_NAME:
        return desk.back(here, f"Give the list a name of at most {_LONGEST_NAME} characters.")
    shared = visit.may(Role.OWNER) and visit.given("shared") == "yes"

    def write(connection: Connection) -> bool:
        return views.keep(connection, visit.user.id, name, chosen.named, desk.now(), shared=shared)

    if not desk.act(visit, "kept", f"list {name}", write, "for all" if shared else ""):
        return desk.back(here, f"You keep {views.MOST} lists already. Remove one first.")
    return desk.back(chosen.link(), f"The list “{name}” is kept.")


def remove(desk: Desk, visit: Visit) -> Response:
    """Removes a list of one's own, or, by an owner, one that is shared."""
    kept = desk.read(partial(views.seen_by, user_id=visit.user.id))
    found = next((one for one in kept if str(one.id) == visit.given("view") and _may_remove(visit, one)), None)
    if found is None or not desk.act(visit, "removed", f"list {found.name}", partial(views.remove, view_id=found.id)):
        return desk.back("/views", "There is no such list of yours any more.")
    return desk.back("/views", f"The list “{found.name}” is removed.")


def _may_remove(visit: Visit, one: View) -> bool:
    return one.user_id == visit.user.id or visit.may(Role.OWNER)
