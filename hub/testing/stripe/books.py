"""The fake's books: every object and every event, by account and mode. All changes happen under one lock."""

from __future__ import annotations

import copy
import random
import string
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from hub.clock import Clock
from hub.testing.events import API_VERSION
from hub.testing.stripe import errors

Json = dict[str, Any]
_LETTERS = string.ascii_letters + string.digits
#: https://docs.stripe.com/api/events: "events going back up to 30 days".
KEPT_SECONDS = 30 * 86_400


class Owner(NamedTuple):
    """Whose something is. ``account`` "" is the platform's own."""

    account: str = ""
    livemode: bool = False


@dataclass(eq=False)
class Kept:
    """An object in the books; ``seq`` is the order in which objects were made."""

    thing: Json
    owner: Owner
    seq: int


@dataclass(eq=False)
class Record:
    """An event with what the fake knows of it. ``body`` is the snapshot without ``account``."""

    body: Json
    owner: Owner
    seq: int
    visible_at: float  #: Unix seconds; from then on ``/v1/events`` shows it
    thin_id: str  #: of the thin twin
    waiting: set[str] = field(default_factory=set)  #: endpoints that have not answered 2xx

    @property
    def id(self) -> str:
        identity: str = self.body["id"]
        return identity

    @property
    def type(self) -> str:
        kind: str = self.body["type"]
        return kind

    @property
    def created(self) -> int:
        at: int = self.body["created"]
        return at


class Books:
    """``happened`` is called with every new :class:`Record`: the post office stands there."""

    def __init__(self, clock: Clock, seed: int) -> None:
        self.clock = clock
        self.chance = random.Random(seed)
        self.lock = threading.RLock()
        self.accounts: set[str] = set()  #: connected accounts
        self.kept: dict[str, Kept] = {}
        self.by_type: dict[str, list[Kept]] = {}
        self.lines: dict[str, list[Json]] = {}  #: line items by session
        self.records: list[Record] = []
        self.record_of: dict[str, Record] = {}  #: by either twin's id
        self.late_seconds = 0.0  #: how much later than it happened an event is shown
        self.late_share = 0.0  #: how many events are shown late, 0 to 1
        self.happened: Callable[[Record], None] = lambda _record: None
        self._count = 0

    @property
    def now(self) -> int:
        return self.clock.now() // 1000

    def new_id(self, prefix: str, length: int = 24) -> str:
        return f"{prefix}_{''.join(self.chance.choices(_LETTERS, k=length))}"

    def keep(self, thing: Json, owner: Owner) -> Json:
        """Enters a new object; returns it."""
        self._count += 1
        kept = Kept(thing, owner, self._count)
        self.kept[thing["id"]] = kept
        self.by_type.setdefault(thing["object"], []).append(kept)
        return thing

    def find(self, identity: str, owner: Owner, kind: str = "") -> Json:
        """An object of ``owner``'s (of type ``kind``); raises Stripe's 404."""
        kept = self.kept.get(identity)
        if kept is None or kept.owner != owner or (kind and kept.thing["object"] != kind):
            raise errors.no_such(kind.replace(".", " ") if kind != "checkout.session" else kind, identity)
        return kept.thing

    def owner_of(self, identity: str) -> Owner:
        kept = self.kept.get(identity)
        if kept is None:
            raise errors.no_such("object", identity)
        return kept.owner

    def all(self, kind: str, owner: Owner) -> Iterator[Json]:
        """The objects of a type, oldest first."""
        return (kept.thing for kept in self.by_type.get(kind, []) if kept.owner == owner)

    def record(self, kind: str, thing: Json, previous: Json | None = None, owner: Owner | None = None) -> Record:
        """Something happened to ``thing``: an event, with the object as it is now."""
        whose = owner or self.owner_of(thing["id"])
        self._count += 1
        data: Json = {"object": copy.deepcopy(thing)}
        if previous is not None:
            data["previous_attributes"] = previous
        body = {
            "id": self.new_id("evt"),
            "object": "event",
            "api_version": API_VERSION,
            "created": self.now,
            "data": data,
            "livemode": whose.livemode,
            "pending_webhooks": 0,
            "request": {"id": None, "idempotency_key": None},
            "type": kind,
        }
        late = self.late_seconds if self.chance.random() < self.late_share else 0
        record = Record(body, whose, self._count, self.clock.now() / 1000 + late, self.new_id("evt_test"))
        self.records.append(record)
        self.record_of[record.id] = self.record_of[record.thin_id] = record
        self.happened(record)
        return record

    def visible(self, owner: Owner) -> Iterator[Record]:
        """What ``/v1/events`` shows now, newest first by ``created``."""
        now = self.clock.now() / 1000
        shown = (
            record
            for record in reversed(self.records)
            if record.owner == owner
            and record.visible_at <= now
            and record.created > now - KEPT_SECONDS
            and not record.type.startswith("v2.")
        )
        return iter(sorted(shown, key=lambda record: (record.created, record.seq), reverse=True))
