"""A fake Google Sheets over real HTTP: values, batch updates, developer metadata, sign-in, quotas, faults.

::

    with GoogleSheets() as google:
        book = google.new_book()
        credentials = google.service_account()      # the JSON that a connection's ``credentials`` takes
        …
        book.rows("Orders")

It keeps the documented promises that connectors rely on: a batch is applied as a whole or not at all, a
``metadataId`` exists once, 60 reads and 60 writes a minute and user. What is not modelled is answered with 501.
"""

from __future__ import annotations

import json
import secrets
import urllib.parse
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from hub.clock import Clock, SystemClock
from hub.testing.faults import Fault
from hub.testing.google_accounts import Accounts, NotGranted
from hub.testing.google_book import Book, Json
from hub.testing.google_calls import Call, perform, read
from hub.testing.google_grid import Refused
from hub.testing.serving import Serving, drop, hang

ACCOUNT = "hub@shop.iam.gserviceaccount.com"
#: https://developers.google.com/workspace/sheets/api/limits: a minute and user; for a project five times as many.
QUOTA = 60


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call and its answer; status 0: the client got none."""

    call: Call
    status: int
    answer: Json | None


class GoogleSheets:
    """The fake. ``url`` is the root before ``/v4/``; ``clock`` tells when a minute's quota begins anew.

    ``faults`` are taken by the next calls in turn; ``plan`` decides for a call when there are none left.
    """

    def __init__(self, clock: Clock | None = None, port: int = 0) -> None:
        self.clock: Clock = clock or SystemClock()
        self.quota = QUOTA
        self.retry_after: int | None = None  #: seconds that a 429 asks for; Google itself names none
        self.books: dict[str, Book] = {}
        self.exchanges: list[Exchange] = []
        self.token_requests = 0
        self.faults: deque[Fault] = deque()
        self.plan: Callable[[Call], Fault] = lambda _call: Fault.NONE
        self._late: list[Callable[[], object]] = []
        self._used: Counter[tuple[object, ...]] = Counter()
        self._serving = Serving(self._answer, port)
        self.url = self._serving.url
        self.accounts = Accounts(f"{self.url}/token")
        self.accounts.service_account(ACCOUNT)

    def stop(self) -> None:
        """Ends the server."""
        self._serving.stop()

    def __enter__(self) -> GoogleSheets:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # --- For tests --------------------------------------------------------------------------------------------------

    def new_book(self, title: str = "Shop") -> Book:
        """A spreadsheet that the account may edit."""
        book = Book(secrets.token_urlsafe(24), title, [ACCOUNT])
        self.books[book.id] = book
        return book

    def service_account(self, email: str = ACCOUNT) -> str:
        """The JSON of a service account's key; its ``token_uri`` is this server's."""
        return json.dumps(self.accounts.service_account(email))

    def apply_late(self) -> None:
        """Lets the calls arrive that were on their way when their client gave up."""
        late, self._late = self._late, []
        for apply in late:
            apply()

    # --- HTTP -------------------------------------------------------------------------------------------------------

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if request.url.path == "/token":
            await self._token(await request.body())(scope, receive, send)
            return
        call = await read(request)
        fault = self.faults.popleft() if self.faults else self.plan(call)
        status, answer = self._with_fault(fault, call)
        self.exchanges.append(Exchange(call, status, answer))
        if fault in (Fault.HANG, Fault.LATE):
            await hang(receive)
        elif fault is Fault.DROP:
            await drop(scope)
        else:
            await self._response(status, answer)(scope, receive, send)

    def _response(self, status: int, answer: Json | None) -> Response:
        if answer is None:
            return HTMLResponse(_HTML, status)
        wish = {"Retry-After": str(self.retry_after)} if status == 429 and self.retry_after is not None else None
        return JSONResponse(answer, status, wish)

    def _token(self, body: bytes) -> Response:
        self.token_requests += 1
        try:
            return JSONResponse(self.accounts.grant(dict(urllib.parse.parse_qsl(body.decode()))))
        except NotGranted as refused:
            return JSONResponse({"error": refused.error, "error_description": refused.description}, 400)

    def _with_fault(self, fault: Fault, call: Call) -> tuple[int, Json | None]:
        match fault:
            case Fault.NONE:
                return self._perform(call)
            case Fault.TOO_MANY:
                return 429, self._too_many(call)
            case Fault.BEFORE:
                return 503, _UNAVAILABLE
            case Fault.AFTER:
                self._perform(call)
                return 503, _UNAVAILABLE
            case Fault.HTML:
                return 502, None
            case Fault.LATE:
                self._late.append(lambda: self._perform(call))
            case Fault.DROP:
                self._perform(call)
        return 0, None

    def _perform(self, call: Call) -> tuple[int, Json]:
        who = self.accounts.who(call.authorization)
        if who is None:
            return 401, _error(401, "UNAUTHENTICATED", _NOT_SIGNED_IN)
        if not self._within_quota(who, call):
            return 429, self._too_many(call)
        try:
            return 200, perform(call, self._book(who, call))
        except Refused as refused:
            return refused.code, _error(refused.code, refused.status, refused.message)

    def _book(self, who: str, call: Call) -> Book:
        book = self.books.get(call.book_id)
        if book is None:
            raise Refused(404, "NOT_FOUND", "Requested entity was not found.")
        if who not in (book.editors if call.writes else book.editors | book.viewers):
            raise Refused(403, "PERMISSION_DENIED", "The caller does not have permission")
        return book

    # --- Quotas -----------------------------------------------------------------------------------------------------

    def _within_quota(self, who: str, call: Call) -> bool:
        minute = self.clock.now() // 60_000
        self._used = Counter({key: used for key, used in self._used.items() if key[0] == minute})
        self._used[minute, who, call.writes] += 1
        return self._used[minute, who, call.writes] <= self.quota

    def _too_many(self, call: Call) -> Json:
        kind, quota = ("Write", "write_requests") if call.writes else ("Read", "read_requests")
        metadata = {
            "consumer": "projects/1",
            "quota_limit": f"{kind}RequestsPerMinutePerUser",
            "quota_limit_value": str(self.quota),
            "quota_location": "global",
            "quota_metric": f"sheets.googleapis.com/{quota}",
            "quota_unit": "1/min/{project}/{user}",
            "service": "sheets.googleapis.com",
        }
        info: Json = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "RATE_LIMIT_EXCEEDED"}
        links = [{"description": "Request a higher quota limit.", "url": "https://cloud.google.com/docs/quotas"}]
        details: list[Json] = [
            info | {"domain": "googleapis.com", "metadata": metadata},
            {"@type": "type.googleapis.com/google.rpc.Help", "links": links},
        ]
        message = (
            f"Quota exceeded for quota metric '{kind} requests' and limit '{kind} requests per minute per user' "
            "of service 'sheets.googleapis.com' for consumer 'project_number:1'."
        )
        return _error(429, "RESOURCE_EXHAUSTED", message, details)


_NOT_SIGNED_IN = (
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
    "authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
)
_HTML = "<!DOCTYPE html><html lang=en><title>Error 502 (Server Error)!!1</title><p>The server encountered an error."


def _error(code: int, status: str, message: str, details: list[Json] | None = None) -> Json:
    error: Json = {"code": code, "message": message, "status": status}
    return {"error": error | {"details": details} if details else error}


_UNAVAILABLE = _error(503, "UNAVAILABLE", "The service is currently unavailable.")
