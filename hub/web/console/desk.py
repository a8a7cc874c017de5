"""What every page has at hand: the hub, who asks, and how an answer is made."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar
from urllib.parse import quote, unquote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from hub.app import Hub
from hub.clock import to_datetime
from hub.model import Role
from hub.money import from_stripe
from hub.store import audit
from hub.store.database import Connection
from hub.store.people import Session, User
from hub.web.console.passwords import Passwords
from hub.web.metrics import Metrics

T = TypeVar("T")

_WEB = Path(__file__).parent.parent
#: A sentence for the next page, kept in the browser for as long as the way there takes.
_SAID = "hub_said"

#: Nothing from elsewhere, nothing inline: a buyer's name that got past the escaping would still do nothing.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Visit:
    """One request of somebody; ``session`` is None on the few pages that need none."""

    request: Request
    session: Session | None = None
    form: Mapping[str, str] = field(default_factory=dict)
    chosen: tuple[str, ...] = ()  #: what was ticked in a list: the form's values called ``id``

    @property
    def user(self) -> User:
        assert self.session is not None, "the door lets nobody else in"
        return self.session.user

    @property
    def form_token(self) -> str:
        """What a form of this session has to bring along, so that no other site can send it."""
        return "" if self.session is None else form_token(self.session)

    def may(self, *roles: Role) -> bool:
        """Whether the visitor has one of these roles."""
        return self.session is not None and self.session.user.role in roles

    def asked(self, name: str) -> str:
        """A parameter of the address, "" without it."""
        return self.request.query_params.get(name, "").replace("\x00", "").strip()

    def number(self, name: str) -> int | None:
        """A parameter of the address that is a whole number; see :func:`whole`."""
        return whole(self.asked(name))

    def given(self, name: str) -> str:
        """A field of the form, "" without it."""
        return self.form.get(name, "").strip()

    @property
    def is_part(self) -> bool:
        """Whether the page asks for a piece of itself (htmx), not the browser for a whole one."""
        return self.request.headers.get("hx-request") == "true"


def whole(text: str) -> int | None:
    """A whole number, 0 or more, that the database can hold; None for anything else. “²” is a digit to Python."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


def form_token(session: Session) -> str:
    """Made of the session's digest, which no page shows; see :attr:`Visit.form_token`."""
    return hashlib.sha256(f"form:{session.digest}".encode()).hexdigest()


class Desk:
    """Shared by all pages. ``stored`` is called after changes; ``place_order`` (demo) sends another sample order."""

    def __init__(
        self,
        hub: Hub,
        metrics: Metrics,
        stored: Callable[[], None],
        place_order: Callable[[], None] | None,
    ) -> None:
        self.hub = hub
        self.metrics = metrics
        self.place_order = place_order
        self.passwords = Passwords()
        self.is_closing = False  #: streams end, so that the process can
        self.trying = Lock()  #: held while rules that are being typed are tried
        self._stored = stored
        self._templates = Environment(
            loader=FileSystemLoader(_WEB / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {"when": when, "state": _state, "money": self.money, "ago": self.ago}
        self.parts: Callable[[Visit], list[tuple[str, str]]] = lambda _visit: []  #: the menu: set by the console

    @property
    def is_secure(self) -> bool:
        """Whether people come by HTTPS."""
        return self.hub.settings.public_url.startswith("https:")

    def now(self) -> int:
        return self.hub.clock.now()

    def read(self, operation: Callable[[Connection], T]) -> T:
        return self.hub.database.read(operation)

    def write(self, operation: Callable[[Connection], T]) -> T:
        """Waits until it is on the disk."""
        return self.hub.database.write(operation).result()

    def act(self, visit: Visit, what: str, thing: str, operation: Callable[[Connection], T], detail: str = "") -> T:
        """A person's act and its line in the audit log, in one transaction; no line if it comes to nothing (False)."""
        return self.changed(partial(_acted, operation, visit.user.name, what, thing, self.now(), detail))

    def changed(self, operation: Callable[[Connection], T]) -> T:
        """A write after which there may be work: whoever waits for that is woken."""
        answer = self.write(operation)
        self._stored()
        return answer

    def page(self, visit: Visit, template: str, status: int = 200, **values: Any) -> Response:
        """A page in the frame of all pages."""
        said = unquote(visit.request.cookies.get(_SAID, ""))
        frame = {
            "visit": visit,
            "menu": self.parts(visit),
            "said": said[:500],
            "here": visit.request.url.path,
            "is_demo": self.hub.settings.is_demo,
        }
        answer = HTMLResponse(self._templates.get_template(template).render(frame | values), status, HEADERS)
        if said:
            answer.delete_cookie(_SAID)
        return answer

    def back(self, path: str, said: str = "", **parameters: Any) -> Response:
        """On to another page, which says what was done."""
        query = {name: value for name, value in parameters.items() if value not in {None, ""}}
        answer = RedirectResponse(path + (f"?{urlencode(query)}" if query else ""), 303)
        if said:
            answer.set_cookie(
                _SAID, quote(said[:500]), max_age=60, httponly=True, samesite="lax", secure=self.is_secure
            )
        return answer

    def missing(self, visit: Visit, what: str) -> Response:
        return self.page(visit, "missing.html", 404, what=what)

    def money(self, units: int | None, currency: str) -> str:
        """An amount in Stripe's unit as people read it."""
        if units is None or not currency:
            return ""
        amount = from_stripe(units, currency, self.hub.decimals)
        return f"{amount} {amount.currency}"

    def ago(self, moment: int | None) -> str:
        """How long ago, in the largest unit that fits."""
        if moment is None:
            return ""
        seconds = max(0, (self.now() - moment) // 1000)
        for length, unit in ((86_400, "day"), (3600, "hour"), (60, "minute")):
            if seconds >= length:
                count = seconds // length
                return f"{count} {unit}{'' if count == 1 else 's'}"
        return "less than a minute"


def _acted(
    operation: Callable[[Connection], T], who: str, what: str, thing: str, now: int, detail: str, connection: Connection
) -> T:
    answer = operation(connection)
    if answer is None or answer:
        audit.record(connection, who, what, thing, now, detail)
    return answer


def when(milliseconds: int | None) -> str:
    """A time of ours for people, in the machine's time zone."""
    return "" if milliseconds is None else to_datetime(milliseconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _state(name: str) -> str:
    return name.replace("_", " ")
