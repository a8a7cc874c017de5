"""Calls to the Sheets API through gspread's low-level client, each with the outcome that it really has.

gspread's high-level objects read the spreadsheet's description again before each use, and its ``BackOffHTTPClient``
sends writes again whose fate is unknown: neither is used. https://docs.gspread.org/en/latest/api/http_client.html
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import requests
from google.auth.exceptions import GoogleAuthError, RefreshError
from google.auth.transport.requests import Request
from google.oauth2.service_account import Credentials
from gspread.exceptions import APIError
from gspread.http_client import HTTPClient
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from hub.connector import Ambiguous, Clock, ConfigError, Failure, RateLimited, Retryable

T = TypeVar("T")

GOOGLE = "https://sheets.googleapis.com"
#: Not the whole Drive, which gspread asks for by default.
_SCOPES = ("https://www.googleapis.com/auth/spreadsheets",)
_CONNECT_SECONDS = 5.0
_LONGEST_MESSAGE = 200


class Refusal(ConfigError):
    """Google says that the request makes no sense (400): a tab is gone, a token is in use. Nothing was applied."""

    def __init__(self, message: str) -> None:
        hint = "Look at the sheet: was something renamed or removed?"
        if "number of cells" in message:
            hint = "Delete old tabs, or put another spreadsheet into the connection; what waits is written then."
        super().__init__(f"Google refuses the request: {message}", hint)


class _Client(HTTPClient):
    """gspread's client at another address, for fakes; ``google_auth`` renews its token by itself after a 401."""

    def __init__(self, credentials: Credentials, base_url: str, seconds: float) -> None:
        super().__init__(credentials)
        self.set_timeout((_CONNECT_SECONDS, seconds))
        self._base_url = base_url

    def request(self, method: str, endpoint: str, *args: Any, **options: Any) -> requests.Response:
        return super().request(method, endpoint.replace(GOOGLE, self._base_url, 1), *args, **options)


class _BrokenOff(Retryable):
    """A read that came to nothing, soon."""


class Google:
    """Signed in as one service account. Safe to use from several threads: each call has a client to itself."""

    def __init__(self, credentials: str, base_url: str, timeout: timedelta, clock: Clock) -> None:
        """``credentials``: the JSON of a service account's key, or where it is. Raises ``ConfigError``."""
        self._credentials = _credentials(credentials)
        self._base_url = base_url.rstrip("/")
        self._seconds = timeout.total_seconds()
        self._clock = clock
        self._idle: list[_Client] = []
        self._closed = False
        self._signing_in = threading.Lock()
        self._limited = 0  #: answers in a row that asked to wait

    @property
    def email(self) -> str:
        """The address with which spreadsheets have to be shared."""
        return str(self._credentials.service_account_email)

    def close(self) -> None:
        """Closes the connections; those in use as soon as they are not."""
        self._closed = True
        while self._idle:
            self._idle.pop().session.close()

    def read(self, call: Callable[[HTTPClient], T]) -> T:
        """Makes a call without effects; raises ``Retryable``, ``RateLimited``, ``ConfigError`` or ``Refusal``.

        What breaks off is asked once more at once: reading twice does no harm, and a batch needs several reads.
        """
        try:
            return self._call(call, writes=False)
        except _BrokenOff:
            return self._call(call, writes=False)

    def write(self, call: Callable[[HTTPClient], T]) -> T:
        """Makes a call with effects; raises ``Ambiguous`` as well, when nobody can say whether it had them."""
        return self._call(call, writes=True)

    def _call(self, call: Callable[[HTTPClient], T], *, writes: bool) -> T:
        self._sign_in()
        with self._client() as client:
            try:
                answer = call(client)
                self._limited = 0
                return answer
            except APIError as error:
                failure = self._refused(error, writes)
            except GoogleAuthError as error:
                failure = self._not_signed_in(error)
            except (requests.RequestException, ValueError) as error:
                failure = _disturbed(error, writes)
        # Outside of the handler: Google's exceptions hold the request, and with it the access token.
        raise failure

    @contextmanager
    def _client(self) -> Iterator[_Client]:
        try:
            client = self._idle.pop()
        except IndexError:
            client = _Client(self._credentials, self._base_url, self._seconds)
        try:
            yield client
        finally:
            if self._closed:
                client.session.close()
            else:
                self._idle.append(client)

    def _sign_in(self) -> None:
        # Under a lock, or every lane would fetch a token of its own when the hub starts.
        with self._signing_in:
            if self._credentials.valid:
                return
            try:
                # A session of its own: an authorized one would sign in first, to sign in.
                with requests.Session() as session:
                    request = partial(Request(session), timeout=self._seconds)
                    self._credentials.refresh(request)  # type: ignore[no-untyped-call]  # Google's own lack
                return
            except GoogleAuthError as error:
                failure = self._not_signed_in(error)
        raise failure

    def _not_signed_in(self, error: GoogleAuthError) -> Failure:
        if not isinstance(error, RefreshError) or error.retryable:
            return Retryable("Google could not be reached to sign in.")
        said = str(error.args[0]) if error.args else "no reason given"
        return ConfigError(
            f"Google does not accept the key of {self.email} ({said[:_LONGEST_MESSAGE]}).",
            "Make a new key for the service account and put it into “credentials”. Check this machine's clock, too.",
        )

    def _refused(self, error: APIError, writes: bool) -> Failure:
        # Not error.code: it is -1 when the answer is no JSON, as a front end's 502 is not.
        status, said = error.response.status_code, str(error.error.get("message", ""))[:_LONGEST_MESSAGE]
        if status == 429:
            return RateLimited(f"Google's quota is used up: {said}", self._wait(error), scope="connection")
        if status >= 500:
            return (Ambiguous if writes else _BrokenOff)(f"Google answered {status}.")
        if status in (401, 403):
            return self._forbidden(said)
        if status == 404:
            return ConfigError("There is no such spreadsheet at Google.", "Correct “spreadsheet:”: its id or its link.")
        return Refusal(said)

    def _wait(self, error: APIError) -> timedelta:
        """When to come again: later each time, at most when the quota is filled up with the next minute.

        https://developers.google.com/workspace/sheets/api/limits: the hub may not be the only one who uses it.
        """
        wish = error.response.headers.get("Retry-After", "")
        if wish.isdigit():
            return timedelta(seconds=int(wish))
        self._limited += 1
        # Not all at once, and not before Google's clock has got there as well.
        minute = 60 - self._clock.now() / 1000 % 60 + random.uniform(0.5, 2.5)
        return timedelta(seconds=min(2 ** min(self._limited, 6) + random.random(), minute))

    def _forbidden(self, said: str) -> ConfigError:
        if "disabled" in said or "has not been used" in said:
            return ConfigError("The Google Sheets API is switched off for this service account's project.", said)
        if "protected" in said:
            return ConfigError(f"A part of the sheet is protected: {said}", f"Let {self.email} edit it.")
        return ConfigError(
            "Google does not let the hub into the spreadsheet.",
            f"Share the spreadsheet with {self.email} as an editor.",
        )


def _credentials(text: str) -> Credentials:
    try:
        content = text if text.lstrip().startswith("{") else Path(text).expanduser().read_text("utf-8")
        info: Mapping[str, str] = json.loads(content)
        found: Credentials = Credentials.from_service_account_info(info, scopes=_SCOPES)  # type: ignore[no-untyped-call]  # the same
    except OSError as error:
        raise ConfigError(f"The file in “credentials” cannot be read ({error.strerror}).", _HOW) from None
    except (ValueError, GoogleAuthError, AttributeError):
        # Not the reason: it may quote the key.
        raise ConfigError("“credentials” is not the key of a Google service account.", _HOW) from None
    return found


_HOW = "Put the JSON file that Google's console gave you for the service account, or its path, into “credentials”."


def _disturbed(error: requests.RequestException | ValueError, writes: bool) -> Failure:
    """The outcome of a call that was answered by nothing, or by something unreadable."""
    if isinstance(error, requests.ConnectionError) and _never_sent(error):
        return Retryable("Google could not be reached.")
    if isinstance(error, requests.Timeout):
        return (Ambiguous if writes else Retryable)("Google did not answer in time.")
    if isinstance(error, requests.ConnectionError):
        said = "The connection to Google broke off."
    else:
        said = "Google's answer was not readable."
    return (Ambiguous if writes else _BrokenOff)(said)


def _never_sent(error: requests.ConnectionError) -> bool:
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    before = isinstance(error, requests.exceptions.ProxyError) or "CERTIFICATE_VERIFY_FAILED" in str(error)
    return before or isinstance(reason, NewConnectionError | ConnectTimeoutError)
