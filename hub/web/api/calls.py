"""Who gets to a call of the API: a token, its role and scope, and what was sent are checked before its code runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hub.errors import NotStored
from hub.model import Role, TokenScope
from hub.store import tokens
from hub.store.people import Session, User
from hub.store.tokens import Token
from hub.web.addresses import address
from hub.web.api.shapes import ErrorShape, Failure
from hub.web.console.desk import Desk, Visit

_MOST_BYTES = 1024 * 1024
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_FAILURE = TypeAdapter(Failure)
#: What an error is called, and what to do, where a call says nothing better.
_CODES = {
    401: ("unauthorized", "Send  Authorization: Bearer hub_…  with a token made under Settings, or by  hub token add."),
    403: ("forbidden", "Use a token of a role, or scope, that may do this."),
    404: ("not_found", "Look at  /api/v1/openapi.json  for what there is."),
    405: ("method_not_allowed", "Look at  /api/v1/openapi.json  for what there is."),
    409: ("conflict", "Read it again, then decide."),
    413: ("too_large", "Send less at a time."),
    415: ("not_json", "Send  Content-Type: application/json."),
    422: ("invalid", "Correct what was sent."),
    429: ("too_many_tries", "Wait a minute, and send a token that is in use."),
    503: ("not_stored", "Nothing was changed. Mend that, then try again."),
}


class Refusal(Exception):
    """Why a call is not carried out; becomes the answer."""

    def __init__(self, status: int, message: str, hint: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.hint, self.headers = status, message, hint, headers

    @property
    def response(self) -> Response:
        """The one shape of all errors."""
        code, hint = _CODES.get(self.status, ("error", ""))
        body = _FAILURE.dump_json(Failure(error=ErrorShape(code=code, message=self.message, hint=self.hint or hint)))
        headers = {**_HEADERS, **(self.headers or {})}
        return Response(body, self.status, headers, media_type="application/json")


@dataclass(frozen=True)
class Asked:
    """A call that may be carried out. ``given``: what its model made of the address's parameters or of the body."""

    visit: Visit
    given: Any = None

    def path(self, name: str) -> str:
        """A part of the path."""
        return str(self.visit.request.path_params[name])


@dataclass(frozen=True)
class Call:
    """A call: who may make it, what it takes and what it answers. A GET takes parameters, any other a body."""

    method: str
    path: str
    roles: frozenset[Role]
    answer: Callable[[Desk, Asked], Any]
    returns: Any
    takes: type[BaseModel] | None = None

    @property
    def summary(self) -> str:
        """The first line of what its function says of itself."""
        return (self.answer.__doc__ or "").partition("\n")[0].rstrip(".")


def route(desk: Desk, call: Call) -> Route:
    """The call as Starlette has it."""
    returned = TypeAdapter(call.returns)

    def carry_out(visit: Visit, body: bytes) -> Response:
        try:
            found = call.answer(desk, Asked(visit, _given(call, visit, body)))
        except NotStored as error:
            raise Refusal(503, f"The database cannot be written: {error}.") from None
        shaped = returned.validate_python(found, from_attributes=True)
        return Response(returned.dump_json(shaped), 200, _HEADERS, "application/json")

    async def pass_door(request: Request) -> Response:
        if "\x00" in request.scope["path"]:  # PostgreSQL has no texts with it, so nothing is called like that
            raise Refusal(404, "There is nothing of that name.")
        token = await run_in_threadpool(_token, desk, request)
        if token.role not in call.roles:
            raise Refusal(403, f"A token of the role {token.role} may not do this.")
        if call.method != "GET" and token.scope is not TokenScope.WRITE:
            raise Refusal(403, "This token may only read.")
        body = await _body(request) if call.method != "GET" and call.takes else b""
        return await run_in_threadpool(carry_out, Visit(request, _session(token)), body)

    return Route(f"/{call.path}", pass_door, methods=[call.method])


async def refused(_request: Request, error: Exception) -> Response:
    """Any error as an answer."""
    if isinstance(error, HTTPException):
        said = {404: "There is nothing at this address.", 405: "This address does not take this method."}
        error = Refusal(error.status_code, said.get(error.status_code, error.detail), headers=error.headers)
    assert isinstance(error, Refusal)
    return error.response


def _token(desk: Desk, request: Request) -> Token:
    shown = request.headers.get("authorization", "")
    kind, _, secret = shown.partition(" ")
    now, found = desk.now(), None
    if kind.lower() == "bearer" and secret.startswith(tokens.PREFIX):
        found = desk.read(lambda connection: tokens.find(connection, secret.strip()))
    if found is None:
        if shown and not desk.passwords.may_try("", f"api {address(request)}"):
            raise Refusal(429, "Too many tokens that open nothing were sent from this address.")
        raise Refusal(401, "No token, or one that opens nothing.", headers={"WWW-Authenticate": "Bearer"})
    if found.should_be_noted(now):
        name = found.name
        with suppress(NotStored):  # with a full disk, programs should still read what is the matter
            desk.write(lambda connection: tokens.note(connection, name, now))
    return found


def _session(token: Token) -> Session:
    """The token as somebody of its role: what it does is written down under its name."""
    return Session("", User(0, f"token {token.name}", token.role, False), token.created_at, token.created_at)


async def _body(request: Request) -> bytes:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refusal(415, "The body is not said to be JSON.")
    found = bytearray()
    async for part in request.stream():
        found += part
        if len(found) > _MOST_BYTES:
            raise Refusal(413, "This is more than one call may hold.")
    return bytes(found)


def _given(call: Call, visit: Visit, body: bytes) -> Any:
    if call.takes is None:
        return None
    try:
        if call.method == "GET":
            return call.takes.model_validate(dict(visit.request.query_params))
        return call.takes.model_validate_json(body)
    except ValidationError as error:
        raise Refusal(422, "; ".join(_mistakes(error))) from None


def _mistakes(error: ValidationError) -> list[str]:
    found = []
    for one in error.errors(include_url=False, include_context=False, include_input=False)[:10]:
        where = ".".join(str(part) for part in one["loc"])
        found.append(f"{where or 'the body'}: {one['msg'][:1].lower()}{one['msg'][1:]}")
    return found
