"""Who gets to a page: each door names the roles that may pass. All is checked here, before a page's code runs."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from hub.errors import NotStored
from hub.model import Role
from hub.store import people
from hub.store.people import Session
from hub.web.console.desk import HEADERS, Desk, Visit, form_token, whole

COOKIE = "hub_session"

#: Who may pass a door. A packer sees orders and what is to be done with them, not the shop's figures.
ALL = frozenset(Role)
FIGURES = frozenset({Role.OWNER, Role.VIEWER})
PACKING = frozenset({Role.OWNER, Role.PACKER})
OWNERS = frozenset({Role.OWNER})
#: Somebody who has not signed in yet.
ANYBODY: frozenset[Role] = frozenset()

_MOST_FIELDS = 2000
#: The largest form is the editor of the rules: a file of a thousand of them.
_MOST_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Door:
    """A page or an act: its method and path, who may pass, and what answers."""

    method: str
    path: str
    roles: frozenset[Role]
    answer: Callable[[Desk, Visit], Response]


def route(desk: Desk, door: Door) -> Route:
    """The door as Starlette has it."""

    async def pass_door(request: Request) -> Response:
        if "\x00" in request.scope["path"]:  # PostgreSQL has no texts with it, so nothing is called like that
            return PlainTextResponse("There is no such page.", 404, HEADERS)
        session = await run_in_threadpool(_session, desk, request)
        visit = Visit(request, session)
        if door.roles and session is None:
            return await run_in_threadpool(desk.page, visit, "sign_in.html", 401, token="", said_wrong="")
        if door.roles and not visit.may(*door.roles):
            return await run_in_threadpool(desk.page, visit, "forbidden.html", 403)
        if door.method == "POST":
            found = await _filled(visit)
            if isinstance(found, Response):
                return found
            visit = found
        try:
            return await run_in_threadpool(door.answer, desk, visit)
        except NotStored as error:
            said = f"The database cannot be written: {error}. Nothing was changed. Mend that, then try again."
            return PlainTextResponse(said, 503, HEADERS)

    return Route(door.path, pass_door, methods=[door.method])


def _session(desk: Desk, request: Request) -> Session | None:
    token, now = request.cookies.get(COOKIE), desk.now()
    if not token:
        return None
    found = desk.read(lambda connection: people.session(connection, token, now))
    if found is not None and found.should_be_noted(now):
        with suppress(NotStored):  # with a full disk, people should still see what is the matter
            desk.write(lambda connection: people.note_session(connection, found.digest, now))
    return found


async def _filled(visit: Visit) -> Visit | Response:
    """The visit with its form; a refusal when the form was not sent by a page of this session, or is too large."""
    # https://developer.mozilla.org/docs/Web/HTTP/Headers/Sec-Fetch-Site; a stranger's form has no session to name.
    if visit.request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return _not_ours()
    length = whole(visit.request.headers.get("content-length", ""))
    if length is None or length > _MOST_BYTES:
        return PlainTextResponse("This is more than a form may hold. Send less at a time.", 413, HEADERS)
    async with visit.request.form(max_fields=_MOST_FIELDS, max_files=0) as form:
        given = {name: value.replace("\x00", "") for name, value in form.items() if not isinstance(value, UploadFile)}
        chosen = tuple(value.replace("\x00", "") for value in form.getlist("id") if not isinstance(value, UploadFile))
    session = visit.session
    if session is not None and not secrets.compare_digest(given.get("form", "").encode(), form_token(session).encode()):
        return _not_ours()
    return Visit(visit.request, session, given, chosen)


def _not_ours() -> Response:
    return PlainTextResponse("This form is not from this session. Load the page again.", 403, HEADERS)
