"""Records in an Airtable base: ``airtable.add_record``.

A record is matched by its effect key in a field of the shop's table, so that one that comes again changes nothing:
https://airtable.com/developers/web/api/update-multiple-records (upserts).
"""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from connectors.table import Columns, Value, usable
from hub.connector import (
    Action,
    Ambiguous,
    Batch,
    Check,
    ConfigError,
    Connection,
    Delivery,
    Failure,
    Field,
    Idempotency,
    Params,
    Permanent,
    PlainText,
    RateLimited,
    Result,
    Retryable,
    Secret,
    Timeout,
)

#: Who asks more often than five times a second has to wait so long: https://airtable.com/developers/web/api/rate-limits
_WAIT = timedelta(seconds=30)
_NEW_TOKEN = "Make a token with the scope data.records:write for this base and put it into “token”."


class Airtable(Connection):
    """One base, with a personal access token."""

    kind: ClassVar[str] = "airtable"
    title: ClassVar[str] = "Airtable"

    class Config(Params):
        """Which base, and how to sign in."""

        token: Secret = Field(description="a personal access token", examples=["${AIRTABLE_TOKEN}"])
        base: str = Field(pattern=r"^app\w{3,30}$", description="the base's id", examples=["appW2bXc9Yz8K1mN0"])
        key_field: str = Field("Hub key", min_length=1, description="a text field that the hub keeps for itself")
        base_url: str = Field("https://api.airtable.com", description="another address, for a fake")
        timeout: Timeout = Field(timedelta(seconds=20), description="how long to wait for an answer")

    def ask(self, method: str, path: str, document: object = None) -> tuple[int, str, Any]:
        """Status, ``Retry-After`` and the JSON (None if it is none); raises a ``Failure`` when there is no answer."""
        address = urlsplit(self.config.base_url)
        client = HTTPSConnection if address.scheme == "https" else HTTPConnection
        line = client(address.netloc, timeout=self.config.timeout.total_seconds())
        headers = {
            "Authorization": f"Bearer {self.config.token.get_secret_value()}",
            "Content-Type": "application/json",
        }
        try:
            line.connect()
        except OSError:
            raise Retryable("Airtable cannot be reached.") from None
        try:
            line.request(method, path, None if document is None else json.dumps(document), headers)
            answer = line.getresponse()
            return answer.status, answer.headers.get("Retry-After", ""), _json(answer.read())
        except (OSError, HTTPException):
            raise Ambiguous("Airtable did not answer; the record may be there all the same.") from None
        finally:
            line.close()

    def check(self) -> Check:
        try:
            status, _, found = self.ask("GET", "/v0/meta/whoami")
        except Failure as failure:
            return Check(False, failure.message, "Try again later; is “base_url” right?")
        if status == 200 and isinstance(found, dict):
            return Check(True, f"Signed in as {found.get('id', 'somebody')}.")
        return Check(False, f"Airtable does not accept the token ({status}).", _NEW_TOKEN)


class Record(Params):
    """A record to add."""

    table: PlainText = Field(min_length=1, max_length=100, description="its name or id", examples=["Orders"])
    fields: Columns = Field(description="the values by field name", examples=[{"Order": "{{ order.number }}"}])


class Added(Result):
    """Where the record is."""

    id: str = Field(description="Airtable's id of the record", examples=["rec8116cdd76088af"])
    link: str = Field(description="opens the record", examples=["https://airtable.com/appW2bXc9Yz8K1mN0/Orders/rec1"])


class RecordRefused(Permanent):
    """What stands in a record is not taken; others of the same call may be fine."""


class AddRecord(Action[Airtable, Record]):
    """Adds records; up to ten of a table in one call."""

    name: ClassVar[str] = "airtable.add_record"
    title: ClassVar[str] = "Add a record to an Airtable table"
    connection: ClassVar[type[Connection]] = Airtable
    params: ClassVar[type[Params]] = Record
    result: ClassVar[type[Result]] = Added
    idempotency: ClassVar[Idempotency] = Idempotency.NATIVE
    lane: ClassVar[tuple[str, ...]] = ("table",)
    max_batch: ClassVar[int] = 10

    def run(self, connection: Airtable, batch: Batch[Record]) -> list[Result | Failure]:
        outcomes = _add(connection, batch.deliveries)
        if len(batch) > 1 and isinstance(outcomes[0], RecordRefused):
            # One record that Airtable refuses takes the whole call with it.
            return [_add(connection, [one])[0] for one in batch.deliveries]
        return outcomes


def _add(connection: Airtable, deliveries: Any) -> list[Result | Failure]:
    config, table = connection.config, deliveries[0].params.table
    document = {
        "performUpsert": {"fieldsToMergeOn": [config.key_field]},
        "typecast": True,
        "records": [{"fields": _fields(one, config.key_field)} for one in deliveries],
    }
    try:
        status, wait, found = connection.ask("PATCH", f"/v0/{config.base}/{quote(table, safe='')}", document)
        if status != 200 or not isinstance(found, dict):
            raise _failure(status, wait, found, table, config.key_field)
    except Failure as failure:
        return [failure] * len(deliveries)
    return [_added(config.base, table, one) for one in found["records"]]


def _fields(delivery: Delivery[Record], key_field: str) -> dict[str, Any]:
    return {**{name: _plain(usable(value)) for name, value in delivery.params.fields.items()}, key_field: delivery.key}


def _plain(value: Value) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value.isoformat() if isinstance(value, datetime | date | time) else value


def _added(base: str, table: str, record: dict[str, Any]) -> Added:
    return Added(id=record["id"], link=f"https://airtable.com/{base}/{quote(table, safe='')}/{record['id']}")


def _failure(status: int, wait: str, found: Any, table: str, key_field: str) -> Failure:
    """https://airtable.com/developers/web/api/errors"""
    error = found.get("error") if isinstance(found, dict) else None
    said = error.get("message", "") if isinstance(error, dict) else str(error or "")
    match status:
        case 429:
            return RateLimited("Airtable asks to wait.", timedelta(seconds=int(wait)) if wait.isdigit() else _WAIT)
        case 401 | 403:
            return ConfigError("Airtable does not let the token write there.", _NEW_TOKEN)
        case 404:
            return Permanent(f"The base has no table {table}, or the token may not see it.")
        case 422 if key_field in said:
            return ConfigError(
                f"The table {table} has no text field “{key_field}”.", "Add it; the hub keeps it for itself."
            )
        case 400 | 413 | 422:
            return RecordRefused(f"Airtable refused the record: {said or status}.")
        case _:
            return Ambiguous(f"Airtable answered {status}; the record may be there all the same.")


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


ACTIONS = (AddRecord(),)
