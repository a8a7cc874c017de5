"""Signing in: by a link that works once, or by name and password; and what everybody may change of their own."""

from __future__ import annotations

from functools import partial

from starlette.responses import Response

from hub.store import audit, people
from hub.store.database import Connection
from hub.store.people import User
from hub.web.addresses import address
from hub.web.console import passwords
from hub.web.console.access import COOKIE
from hub.web.console.desk import Desk, Visit

_HOUR_MS = 3_600_000
#: A link for somebody else may lie in a mailbox overnight; the one that the hub prints is used at once.
LINK_MS = 24 * _HOUR_MS
_START_LINK_MS = _HOUR_MS
_WRONG = "Name or password is wrong."
_OLD_LINK = "This link was used already, or is too old. Ask an owner for a new one."
_TOO_OFTEN = "Too many tries. Wait a quarter of an hour, or ask an owner for a sign-in link."


def start_link(desk: Desk) -> str | None:
    """The token that signs the first owner in; None once an owner can come in by password: logs are read by many."""
    now = desk.now()

    def write(connection: Connection) -> str | None:
        owner = people.first_owner(connection, now)
        return None if owner.has_password else people.new_link(connection, owner.id, now + _START_LINK_MS)

    return desk.write(write)


def ask(desk: Desk, visit: Visit) -> Response:
    """For a link, a page with a button: mail and chat programs open links by themselves, and would use it up."""
    return desk.page(visit, "sign_in.html", token=visit.asked("token"), said_wrong="")


def enter(desk: Desk, visit: Visit) -> Response:
    """Opens a session; a failure does not say whether the name exists."""
    name = visit.given("name")
    if not desk.passwords.may_try(name, address(visit.request)):
        return desk.page(visit, "sign_in.html", 429, token="", said_wrong=_TOO_OFTEN)
    user = _by_link(desk, visit.given("token")) if visit.given("token") else _by_password(desk, visit, name)
    if user is None:
        said = _OLD_LINK if visit.given("token") else _WRONG
        return desk.page(visit, "sign_in.html", 401, token="", said_wrong=said)
    now = desk.now()

    def write(connection: Connection) -> str:
        audit.record(connection, user.name, "signed in", f"user {user.name}", now)
        return people.open_session(connection, user.id, now)

    token = desk.write(write)
    answer = desk.back("/" if user.has_password else "/account")
    age = people.LONGEST_MS // 1000
    answer.set_cookie(COOKIE, token, max_age=age, httponly=True, samesite="lax", secure=desk.is_secure)
    return answer


def _by_link(desk: Desk, token: str) -> User | None:
    return desk.write(partial(people.use_link, token=token, now=desk.now()))


def _by_password(desk: Desk, visit: Visit, name: str) -> User | None:
    def read(connection: Connection) -> tuple[User | None, str | None]:
        found = people.find(connection, name)
        return found, None if found is None else people.password(connection, found.id)

    user, hashed = desk.read(read)
    return user if desk.passwords.fits(hashed, visit.form.get("password", "")) else None


def leave(desk: Desk, visit: Visit) -> Response:
    """Ends the session."""
    assert visit.session is not None
    digest = visit.session.digest
    desk.act(visit, "signed out", f"user {visit.user.name}", lambda connection: people.end_session(connection, digest))
    answer = desk.back("/sign-in")
    answer.delete_cookie(COOKIE)
    return answer


def account(desk: Desk, visit: Visit) -> Response:
    """One's own password and sessions."""
    sessions = desk.read(partial(people.open_sessions, now=desk.now()))
    own = [one for one in sessions if one.user.id == visit.user.id]
    return desk.page(visit, "account.html", sessions=own, shortest=passwords.SHORTEST)


def change_password(desk: Desk, visit: Visit) -> Response:
    """Sets one's own password; whoever is signed in by the old one elsewhere has to sign in anew."""
    assert visit.session is not None
    user, digest, new = visit.user, visit.session.digest, visit.form.get("password", "")
    if not desk.passwords.may_try(user.name, address(visit.request)):
        return desk.back("/account", _TOO_OFTEN)
    known = desk.read(lambda connection: people.password(connection, user.id))
    if known is not None and not desk.passwords.fits(known, visit.form.get("old", "")):
        return desk.back("/account", "The old password is wrong.")
    if refusal := passwords.refusal(new, visit.form.get("again", "")):
        return desk.back("/account", refusal)
    hashed = desk.passwords.hashed(new)

    def write(connection: Connection) -> None:
        people.set_password(connection, user.id, hashed)
        people.end_other_sessions(connection, user.id, digest)

    desk.act(visit, "changed the password", f"user {user.name}", write)
    return desk.back("/account", "Your password is set. Next time, sign in with your name and this password.")
