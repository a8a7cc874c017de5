"""What a person writes for ``http``: the settings of a connection and of one call, checked before anything is sent."""

from __future__ import annotations

import base64
import re
from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from connectors.http.signing import key_of
from hub.connector import (
    AfterValidator,
    Field,
    HeaderText,
    Json,
    Mistake,
    Params,
    PlainText,
    Secret,
    Timeout,
    Url,
    model_validator,
)

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # https://www.rfc-editor.org/rfc/rfc9110#name-tokens
_OURS = {"host", "content-length", "transfer-encoding", "connection", "idempotency-key"}
_LONGEST_LINE = 8_000  # what servers commonly take: https://www.rfc-editor.org/rfc/rfc9110#section-4.1
_UNFIT = re.compile(r"[\x00-\x20\x7f\\]")


def _header_name(name: str) -> str:
    if not _TOKEN.fullmatch(name):
        raise Mistake(f"“{name[:40]}” cannot be the name of a header.")
    if name.lower() in _OURS:
        raise Mistake(f"The header {name} is set by the hub.")
    return name


def _header_value(value: str) -> str:
    if re.search(r"[\x00-\x1f\x7f]", value):
        raise Mistake("A header must be one line.")
    if len(value) > _LONGEST_LINE:
        raise Mistake(f"A header has at most {_LONGEST_LINE:,} characters.")
    return value


def _base(url: str) -> str:
    parts = urlsplit(_without_credentials(url))
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise Mistake("base_url must be an address like https://api.example.com/v1")
    return url.rstrip("/")


def _url(url: str) -> str:
    if len(url) > _LONGEST_LINE:
        raise Mistake(f"An address has at most {_LONGEST_LINE:,} characters.")
    if not re.match(r"(https?://[^/?#]|/(?!/))", url):
        raise Mistake("An address begins with https:// — or with / when the connection has a base_url.")
    # A far end takes “..” for the folder above, encoded or not: a buyer's text would leave the path it stands in.
    if {".", ".."} & set(unquote(urlsplit(url).path).split("/")):
        raise Mistake("An address must not contain “.” or “..” as a part of its path.")
    return _without_credentials(url)


def _without_credentials(url: str) -> str:
    if _UNFIT.search(url):
        raise Mistake("An address must not contain spaces, line breaks or backslashes.")
    if "@" in urlsplit(url).netloc:
        raise Mistake("Passwords do not belong into an address. Use “auth” of the connection.")
    return url


def _auth(secret: Secret) -> Secret:
    authorization(secret.get_secret_value())
    return secret


def _signing(secret: Secret) -> Secret:
    key_of(secret.get_secret_value())
    return secret


def authorization(auth: str) -> str:
    """The header's value for ``bearer …`` or ``basic user:password``."""
    scheme, _, credentials = auth.strip().partition(" ")
    credentials = _header_value(credentials.strip())
    if scheme.lower() == "bearer" and credentials and credentials.isascii():
        return f"Bearer {credentials}"
    if scheme.lower() == "basic" and ":" in credentials:
        return f"Basic {base64.b64encode(credentials.encode()).decode()}"
    raise Mistake("auth is written as  bearer TOKEN  or  basic user:password", "bearer ${API_TOKEN}")


HeaderName = Annotated[str, AfterValidator(_header_name)]
HeaderValue = Annotated[str, AfterValidator(_header_value)]


class Connected(Params):
    """How to call it."""

    base_url: Annotated[str, AfterValidator(_base)] | None = Field(
        None, description="what the steps' addresses are added to", examples=["https://api.example.com/v1"]
    )
    auth: Annotated[Secret, AfterValidator(_auth)] | None = Field(
        None, description="bearer TOKEN, or basic user:password", examples=["bearer ${API_TOKEN}"]
    )
    signing_secret: Annotated[Secret, AfterValidator(_signing)] | None = Field(
        None, description="signs every call, as Standard Webhooks say", examples=["${WEBHOOK_SECRET}"]
    )
    headers: dict[HeaderName, HeaderValue] = Field(
        default_factory=dict, repr=False, description="sent with every call", examples=[{"Accept-Language": "en"}]
    )
    timeout: Timeout = Field(
        timedelta(seconds=20), description="how long to wait for an answer", examples=["20 seconds"]
    )
    allow_private: bool = Field(
        False, description="whether addresses inside your own network may be called", examples=[True]
    )


_JSON = Field(None, alias="json", description="data to send, as JSON", examples=[{"order": "{{ order.number }}"}])


class Call(Params):
    """One call."""

    url: Annotated[Url, AfterValidator(_url)] = Field(
        description="the address; with a base_url only what follows it", examples=["https://api.example.com/orders"]
    )
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"] | None = Field(
        None, description="POST when there is something to send, else GET", examples=["POST"]
    )
    headers: dict[HeaderName, Annotated[HeaderText, AfterValidator(_header_value)]] = Field(
        default_factory=dict, description="sent with this call", examples=[{"X-Shop": "Mugs"}]
    )
    json_: Json = _JSON
    form: dict[str, PlainText] | None = Field(
        None, description="data to send, as a web form does", examples=[{"order": "{{ order.number }}"}]
    )
    timeout: Timeout | None = Field(None, description="how long to wait for an answer", examples=["20 seconds"])

    @model_validator(mode="after")
    def _one_body(self) -> Call:
        if self.json_ is not None and self.form is not None:
            raise Mistake("A call has “json:” or “form:”, not both.")
        return self
