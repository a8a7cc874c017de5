"""Webhooks as https://docs.stripe.com/webhooks describes them: signed posts, retries, and all that goes wrong.

Stripe does not publish its retry times; these keep the promises it makes: in live mode up to three days with growing
pauses, in test mode three retries within a few hours. Only 2xx counts; a redirect is a failure.
"""

from __future__ import annotations

import http.client
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

from hub.clock import to_datetime
from hub.testing.events import API_VERSION, encode, signature
from hub.testing.stripe.books import Books, Json, Owner, Record
from hub.testing.stripe.lists import matches

_TEST_RETRIES = (600, 3600, 3 * 3600)
_LIVE_RETRIES = (60, 300, 1800, 2 * 3600, 5 * 3600, 10 * 3600, *(12 * 3600,) * 4)
_TIMEOUT_SECONDS = 10
#: https://docs.stripe.com/webhooks#roll-endpoint-secrets: the old secret lives up to 24 hours.
ROLLED_SECRET_SECONDS = 86_400

#: The path of an object's type, for ``related_object`` and the API.
PATHS = {
    "account": "accounts",
    "charge": "charges",
    "checkout.session": "checkout/sessions",
    "customer": "customers",
    "dispute": "disputes",
    "event": "events",
    "invoice": "invoices",
    "invoice_payment": "invoice_payments",
    "payment_intent": "payment_intents",
    "payment_link": "payment_links",
    "payment_method": "payment_methods",
    "payout": "payouts",
    "price": "prices",
    "product": "products",
    "promotion_code": "promotion_codes",
    "refund": "refunds",
    "subscription": "subscriptions",
    "webhook_endpoint": "webhook_endpoints",
}


@dataclass
class Endpoint:
    """Where webhooks go: a classic endpoint (``we_…``) or an event destination (``ed_…``), with its secrets.

    ``secrets`` holds each secret with the Unix second until which it signs, newest first.
    """

    id: str
    url: str
    owner: Owner
    events: list[str]
    secrets: list[tuple[str, float]]
    thin: bool = False
    connect: bool = False  #: for the events of connected accounts
    enabled: bool = True
    api_version: str = API_VERSION

    @property
    def secret(self) -> str:
        """The newest signing secret."""
        return self.secrets[0][0]

    def wants(self, record: Record) -> bool:
        """Whether an event goes here. A live Connect endpoint gets test events too (docs.stripe.com/connect)."""
        if not self.enabled or not matches(f"v1.{record.type}" if self.thin else record.type, self.events):
            return False
        if self.connect:
            return record.owner.account != "" and self.owner.livemode >= record.owner.livemode
        return record.owner == self.owner


@dataclass(frozen=True)
class Letter:
    """An event on its way to an endpoint; ``due`` in Unix seconds."""

    due: float
    record: Record
    endpoint: Endpoint
    attempt: int = 0


@dataclass(frozen=True)
class Posted:
    """A try that was made; ``status`` 0 when nobody answered. ``at`` in Unix seconds of the fake's clock."""

    at: float
    url: str
    event_id: str
    type: str
    status: int
    answer: str
    seconds: float  #: until the answer, on the machine's clock


class PostOffice:
    """Sends what is due when :meth:`deliver` is called; set ``lost``, ``doubled`` (0 to 1) and ``shuffled`` to hurt.

    A *lost* webhook is one that Stripe has given up on: it is never sent.
    """

    def __init__(self, books: Books) -> None:
        self._books = books
        self.endpoints: dict[str, Endpoint] = {}
        self.letters: list[Letter] = []
        self.posted: list[Posted] = []
        self.lost = 0.0
        self.doubled = 0.0
        self.shuffled = False
        self.paused = False
        self.senders = 4  #: posts at the same time
        self.changed = threading.Condition(books.lock)
        books.happened = self.happened

    def happened(self, record: Record) -> None:
        """A new event: one letter for each endpoint that wants it, or two, or none."""
        for endpoint in self.endpoints.values():
            if endpoint.wants(record):
                record.waiting.add(endpoint.id)
                if self._books.chance.random() >= self.lost:
                    self.send(record, endpoint)
                if self._books.chance.random() < self.doubled:
                    self.send(record, endpoint)

    def send(self, record: Record, endpoint: Endpoint) -> None:
        """Puts a letter in the post, due now."""
        with self.changed:
            self.letters.append(Letter(self._books.clock.now() / 1000, record, endpoint))
            self.changed.notify_all()

    def deliver(self) -> int:
        """Sends everything that is due by the clock; returns the number of posts. Failed ones are due again later."""
        with self._books.lock:
            now = self._books.clock.now() / 1000
            due = [] if self.paused else [letter for letter in self.letters if letter.due <= now]
            if self.shuffled:
                self._books.chance.shuffle(due)
            taken = set(map(id, due))
            self.letters = [letter for letter in self.letters if id(letter) not in taken]
        if self.senders > 1 and len(due) > 1:
            with ThreadPoolExecutor(self.senders) as pool:
                list(pool.map(self._post, due))
        else:
            for letter in due:
                self._post(letter)
        return len(due)

    def next_due(self) -> float | None:
        """When the next letter is due, Unix seconds; None when nothing is on its way."""
        with self._books.lock:
            return min((letter.due for letter in self.letters), default=None)

    def _post(self, letter: Letter) -> None:
        endpoint, record = letter.endpoint, letter.record
        with self._books.lock:
            body = encode(self.body(record, endpoint))
            header = self.header(body, endpoint)
        began = time.perf_counter()
        status, answer = post(endpoint.url, body, header)
        took = time.perf_counter() - began
        with self._books.lock:
            now = self._books.clock.now() / 1000
            identity = record.thin_id if endpoint.thin else record.id
            self.posted.append(Posted(now, endpoint.url, identity, record.type, status, answer, took))
            if 200 <= status < 300:
                record.waiting.discard(endpoint.id)
                return
            pauses = _LIVE_RETRIES if record.owner.livemode else _TEST_RETRIES
            if letter.attempt < len(pauses) and endpoint.enabled:
                self.letters.append(Letter(now + pauses[letter.attempt], record, endpoint, letter.attempt + 1))

    def body(self, record: Record, endpoint: Endpoint) -> Json:
        """What is posted: the snapshot, or the thin notification that only names the object."""
        if endpoint.thin:
            return thin(record)
        account = {"account": record.owner.account} if endpoint.connect else {}
        return {
            **record.body,
            **account,
            "api_version": endpoint.api_version,
            "pending_webhooks": max(len(record.waiting), 1),
        }

    def header(self, body: bytes, endpoint: Endpoint) -> str:
        """``Stripe-Signature``: a ``v1`` for each secret that is alive; test mode adds a ``v0`` that proves nothing."""
        at = self._books.now
        alive = [secret for secret, until in endpoint.secrets if at < until]
        macs = [signature(body, secret, at).partition(",v1=")[2] for secret in alive]
        parts = [f"t={at}", *(f"v1={mac}" for mac in macs)]
        return ",".join(parts if endpoint.owner.livemode else [*parts, f"v0={'0' * 64}"])

    def roll(self, endpoint: Endpoint, keep_seconds: float = ROLLED_SECRET_SECONDS) -> str:
        """A new secret; the old one goes on signing for ``keep_seconds``."""
        made = self._books.new_id("whsec", 32)
        endpoint.secrets = [(made, float("inf")), (endpoint.secret, self._books.now + keep_seconds)]
        return made

    def ping(self, endpoint: Endpoint) -> Json:
        """Puts ``v2.core.event_destination.ping`` in the post, which must be answered 2xx; returns the event."""
        destination = self._books.kept[endpoint.id].thing
        record = self._books.record("v2.core.event_destination.ping", destination)
        self.send(record, endpoint)
        return thin(record)


def thin(record: Record) -> Json:
    """The pushed notification: https://docs.stripe.com/event-destinations#thin-events."""
    thing = record.body["data"]["object"]
    path = f"/v1/{PATHS[thing['object']]}" if thing["object"] in PATHS else "/v2/core/event_destinations"
    has_path = thing["object"] in PATHS or record.type.startswith("v2.")
    related = {"id": thing["id"], "type": thing["object"], "url": f"{path}/{thing['id']}"} if has_path else None
    return {
        "id": record.thin_id,
        "object": "v2.core.event",
        "context": record.owner.account or None,
        "created": iso(record.created * 1000),
        "livemode": record.owner.livemode,
        "reason": None,
        "related_object": related,
        "type": record.type if record.type.startswith("v2.") else f"v1.{record.type}",
    }


def iso(milliseconds: int) -> str:
    """A time as the v2 API writes it."""
    return to_datetime(milliseconds).strftime("%Y-%m-%dT%H:%M:%S.") + f"{milliseconds % 1000:03}Z"


def post(url: str, body: bytes, header: str) -> tuple[int, str]:
    """One POST, no redirect followed; the status (0: nobody answered) and the beginning of the answer."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=_TIMEOUT_SECONDS)
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": header,
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    }
    try:
        connection.request("POST", parts.path or "/", body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read(2000).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return 0, str(error)
    finally:
        connection.close()
