"""From the verified bytes of a request to an :class:`~hub.model.Event`: both of Stripe's shapes, nothing trusted.

Snapshot events carry the object; thin notifications (https://docs.stripe.com/event-destinations, general since
2026-09-30) name it in ``related_object`` and are typed ``v1.…``. Both become one Event with the snapshot's type.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from hub.model import Event, Source

#: Printable ASCII: what Stripe's ids and types are made of, and what every database stores.
_TOKEN = re.compile(r"[\x21-\x7e]{1,255}")
_LATEST_SECOND = 2**40
#: Thin notifications whose object the account cannot read any more.
_GONE = frozenset({"account.application.deauthorized"})


class NotAnEvent(Exception):
    """Signed, but not an event of Stripe's; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Told:
    """What an event is about: ``about`` is the object, ``before`` what an update changed, as it was before.

    ``url``: where the object is still to be read, of a thin notification that only names it. ``twin``: the id of the
    snapshot event that tells the same, as far as it is known.
    """

    about: Mapping[str, Any]
    before: Mapping[str, Any] = field(default_factory=dict)
    url: str = ""
    twin: str = ""


def parse(body: bytes, *, source: Source, received_at: int) -> Event:
    """The event in ``body``; raises :class:`NotAnEvent` for anything else, whatever it is."""
    document = parse_json(body)
    kind = document.get("object")
    if kind == "v2.core.event":
        thin, created, about = True, _thin_created(document.get("created")), document.get("related_object")
    elif kind == "event":
        thin, created, about = False, _created(document.get("created")), _data_object(document)
        if not isinstance(about, dict):
            raise NotAnEvent("The event has no data.object.")
    else:
        raise NotAnEvent("The body is not an event: its “object” is neither “event” nor “v2.core.event”.")
    return Event(
        id=_token(document, "id"),
        type=_token(document, "type").removeprefix("v1."),
        object_id=_object_id(about),
        account=_account(document),
        livemode=document.get("livemode") is True,
        created=created,
        thin=thin,
        source=source,
        received_at=received_at,
        body=body,
    )


def completed(session: Mapping[str, Any], account: str, source: Source, now: int) -> Event:
    """What Stripe's ``checkout.session.completed`` would say of a session that was read from Stripe.

    Raises :class:`NotAnEvent` for what is no session.
    """
    paid, livemode = str(session.get("payment_status")), bool(session.get("livemode"))
    return read_as("checkout.session.completed", session, paid, account, livemode, source, now)


def read_as(
    kind: str, thing: Mapping[str, Any], state: str, account: str, livemode: bool, source: Source, now: int
) -> Event:
    """What an event of type ``kind`` would say of a thing that was read from Stripe.

    Its id is made of the thing's and of its ``state``: the same, read again, is journalled once. Raises
    :class:`NotAnEvent` for what has no time of creation.
    """
    told = f"{thing.get('id')} {state}"
    document = {
        "id": f"evt_hub_{hashlib.sha256(told.encode()).hexdigest()[:24]}",
        "object": "event",
        "type": kind,
        "created": thing.get("created"),
        "livemode": livemode,
        "data": {"object": dict(thing)},
        **({"account": account} if account else {}),
    }
    return parse(json.dumps(document).encode(), source=source, received_at=now)


def parse_json(body: bytes) -> dict[str, Any]:
    """The JSON object in ``body`` with exact numbers (``Decimal``); raises :class:`NotAnEvent` for anything else."""
    try:
        document = json.loads(body, parse_float=Decimal, parse_constant=_refuse_constant)
    except RecursionError:
        raise NotAnEvent("The body is nested too deeply.") from None
    except ValueError:  # not JSON, not UTF-8, an integer of thousands of digits
        raise NotAnEvent("The body is not JSON.") from None
    if not isinstance(document, dict):
        raise NotAnEvent("The body is JSON, but not an object.")
    return document


def told(event: Event) -> Told:
    """What the event itself carries: a snapshot all of it, a thin notification only a reference."""
    document = parse_json(event.body)
    if not event.thin:
        return Told(_object(_data_object(document)), _object(_object(document.get("data")).get("previous_attributes")))
    related = _object(document.get("related_object"))
    url = related.get("url")
    # The key goes to Stripe alone: a path, and nothing that could name another host.
    is_path = isinstance(url, str) and url.startswith("/v") and event.type not in _GONE
    return Told(related, url=str(url) if is_path else "")


def fetched(body: Mapping[str, Any]) -> Told:
    """What was read in the place of a thin notification; see ``hub.checkout.enrich.StripeObjects.told``."""
    twin = body.get("twin")
    before = _object(body.get("previous_attributes"))
    return Told(_object(body.get("object")), before, twin=twin if isinstance(twin, str) else "")


def api_version(event: Event) -> str:
    """The version that rendered the event, e.g. ``2026-10-28.endive``; "" for a thin one."""
    version = parse_json(event.body).get("api_version")
    return version if isinstance(version, str) else ""


def _data_object(document: Mapping[str, Any]) -> object:
    return _object(document.get("data")).get("object")


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _token(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise NotAnEvent(f"The event has no usable “{name}”.")
    return value


def _object_id(about: object) -> str:
    value = about.get("id") if isinstance(about, dict) else None
    return value if isinstance(value, str) and _TOKEN.fullmatch(value) else ""


def _account(document: Mapping[str, Any]) -> str:
    """``account`` of a Connect event, else the last part of ``context`` (``org/acct``) of an organisation's."""
    value = document.get("account") or document.get("context") or ""
    if not isinstance(value, str) or (value and not _TOKEN.fullmatch(value)):
        raise NotAnEvent("The event's account is not usable.")
    return value.rpartition("/")[2]


def _created(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < _LATEST_SECOND:
        raise NotAnEvent("The event has no usable “created”.")
    return value * 1000


def _thin_created(value: object) -> int:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise NotAnEvent("The event has no usable “created”.")
    return int(moment.timestamp() * 1000)


def _refuse_constant(name: str) -> None:
    raise ValueError(name)
