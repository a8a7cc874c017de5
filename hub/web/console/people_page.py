"""Settings: who may use the console, who is signed in, and what everybody did."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from starlette.responses import Response

from hub.model import Role, TokenScope
from hub.store import audit, people, tokens
from hub.store.database import Connection
from hub.store.people import User
from hub.web.console.csv_out import csv_answer, iso
from hub.web.console.desk import Desk, Visit
from hub.web.console.signin import LINK_MS

_LISTED = 100
_AT_ONCE = 1000


def show(desk: Desk, visit: Visit) -> Response:
    """People, sessions, and the newest acts."""
    return _page(desk, visit)


def _page(desk: Desk, visit: Visit, link: str = "", whose: str = "", made: str = "") -> Response:
    before, now = visit.number("before"), desk.now()
    users, sessions, programs, acts = desk.read(
        lambda connection: (
            people.everybody(connection),
            people.open_sessions(connection, now),
            tokens.all_(connection),
            audit.acts(connection, before=before, limit=_LISTED),
        )
    )
    more = acts[-1].id if len(acts) == _LISTED else None
    return desk.page(
        visit,
        "settings.html",
        users=users,
        sessions=sessions,
        tokens=programs,
        made=made,
        scopes=list(TokenScope),
        acts=acts,
        more=more,
        link=link,
        whose=whose,
        roles=list(Role),
    )


def add(desk: Desk, visit: Visit) -> Response:
    """Adds a person and shows their link, once."""
    name, role = visit.given("name"), visit.given("role")
    if not 0 < len(name) <= 80 or role not in set(Role):
        return desk.back("/settings", "Give a name of at most 80 characters and a role.")
    now = desk.now()

    def write(connection: Connection) -> bool:
        return people.find(connection, name) is None and people.add(connection, name, Role(role), now)

    if not desk.act(visit, "added", f"user {name}", write, role):
        return desk.back("/settings", f"There is somebody called {name} already.")
    return _link(desk, visit, name)


def new_link(desk: Desk, visit: Visit) -> Response:
    """A new one-time link for somebody, shown once."""
    return _link(desk, visit, visit.given("name"))


def _link(desk: Desk, visit: Visit, name: str) -> Response:
    user = _user(desk, name)
    if user is None:
        return desk.back("/settings", f"There is nobody called {name}.")
    expires = desk.now() + LINK_MS
    token = desk.act(
        visit, "made a link for", f"user {user.name}", partial(people.new_link, user_id=user.id, expires_at=expires)
    )
    base = desk.hub.settings.public_url.rstrip("/") or str(visit.request.base_url).rstrip("/")
    return _page(desk, visit, f"{base}/sign-in?token={token}", user.name)


def add_token(desk: Desk, visit: Visit) -> Response:
    """Makes a token of the API and shows it, once."""
    name, role, scope = visit.given("name"), visit.given("role"), visit.given("scope")
    if not 0 < len(name) <= 80 or role not in set(Role) or scope not in set(TokenScope):
        return desk.back("/settings", "Give a name of at most 80 characters, a role and a scope.")
    make = partial(tokens.add, name=name, role=Role(role), scope=TokenScope(scope), now=desk.now())
    made = desk.act(visit, "added", f"token {name}", lambda connection: make(connection) or "", f"{role}, {scope}")
    if not made:
        return desk.back("/settings", f"There is a token called {name} already.")
    return _page(desk, visit, made=made, whose=name)


def remove_token(desk: Desk, visit: Visit) -> Response:
    """Removes a token; it opens nothing from now on."""
    name = visit.given("name")
    if not desk.act(visit, "removed", f"token {name}", partial(tokens.remove, name=name)):
        return desk.back("/settings", "There is no token of that name.")
    return desk.back("/settings", f"The token {name} opens nothing any more.")


def remove(desk: Desk, visit: Visit) -> Response:
    """Removes somebody; their sessions end at once."""
    user = _user(desk, visit.given("name"))
    if user is None:
        return desk.back("/settings", "There is nobody of that name.")
    if not desk.act(visit, "removed", f"user {user.name}", partial(people.remove, user=user)):
        return desk.back("/settings", f"{user.name} is the last owner and stays. Add another owner first.")
    return desk.back("/settings", f"{user.name} may no longer use the console.")


def end_session(desk: Desk, visit: Visit) -> Response:
    """Ends somebody's session."""
    found = desk.read(partial(people.open_sessions, now=desk.now()))
    chosen = next((one for one in found if one.handle == visit.given("session")), None)
    back = "/settings" if visit.may(Role.OWNER) else "/account"
    if chosen is None or not (visit.may(Role.OWNER) or chosen.user.id == visit.user.id):
        return desk.back(back, "There is no such session any more.")
    whose = chosen.user.name
    desk.act(visit, "ended a session of", f"user {whose}", partial(people.end_session, digest=chosen.digest))
    return desk.back(back, f"A session of {whose} is ended.")


def export(desk: Desk, _visit: Visit) -> Response:
    """The whole audit log."""
    return csv_answer("audit.csv", _rows(desk))


def _rows(desk: Desk) -> Iterator[tuple[object, ...]]:
    yield "Id", "At (UTC)", "Who", "What", "On", "Detail"
    found, last = True, 0
    while found:
        acts = desk.read(partial(audit.following, after=last, limit=_AT_ONCE))
        for act in acts:
            yield act.id, iso(act.at), act.who, act.what, act.thing, act.detail
            last = act.id
        found = bool(acts)


def _user(desk: Desk, name: str) -> User | None:
    return desk.read(lambda connection: people.find(connection, name))
