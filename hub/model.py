"""The nouns of the hub: frozen records without behaviour of their own and without I/O.

The words are those of ``docs/concepts.md``; a record that is stored has the same name as its table's rows.
Times are whole milliseconds since 1970-01-01 UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class OrderState(StrEnum):
    """Where a sale stands. Only moves forward; see ``hub.checkout.orders.state_of``."""

    AWAITING_PAYMENT = "awaiting_payment"  #: checkout completed, money on its way (bank debit, voucher)
    PAID = "paid"  #: money arrived, or none is due (100 % coupon, trial)
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"
    DISPUTED = "disputed"
    FAILED = "failed"  #: the delayed payment did not arrive
    EXPIRED = "expired"  #: the buyer never finished


class DeliveryState(StrEnum):
    """Where one effect stands. Every state that is not final has a due time, a lease, or an earlier step."""

    BLOCKED = "blocked"  #: an earlier step of the run is not done
    READY = "ready"
    RUNNING = "running"  #: leased by a worker
    WAITING = "waiting"  #: will be tried at its due time
    SUCCEEDED = "succeeded"
    SKIPPED = "skipped"  #: its ``if`` said no
    UNKNOWN = "unknown"  #: maybe applied; a person settles it
    DEAD = "dead"  #: a dead letter: not tried again by itself
    CANCELLED = "cancelled"  #: an earlier step died, or a person said so
    REHEARSED = "rehearsed"  #: demo mode: rendered and recorded, not sent


#: States in which nothing more will happen by itself.
FINAL = frozenset(
    {
        DeliveryState.SUCCEEDED,
        DeliveryState.SKIPPED,
        DeliveryState.UNKNOWN,
        DeliveryState.DEAD,
        DeliveryState.CANCELLED,
        DeliveryState.REHEARSED,
    }
)
#: Final states after which the run's next step may start.
DONE = frozenset({DeliveryState.SUCCEEDED, DeliveryState.SKIPPED, DeliveryState.REHEARSED})


class Source(StrEnum):
    """How an event reached the hub."""

    WEBHOOK = "webhook"
    POLL = "poll"
    SUCCESS_PAGE = "success_page"
    PERSON = "person"
    HUB = "hub"  #: it happened here; see hub.own_events


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One verified Stripe event, kept as received.

    ``type`` is the snapshot name (``checkout.session.completed``), also for a thin ``v1.…`` notification.
    ``body`` is the exact JSON that arrived. ``seq`` is its place in the journal, 0 before it is stored.
    """

    id: str
    type: str
    object_id: str  #: what it is about (a session, a charge …), "" when it does not say
    account: str  #: the connected account, "" for the shop's own
    livemode: bool
    created: int
    thin: bool
    source: Source
    received_at: int
    body: bytes = field(repr=False)
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Appended:
    """What the journal did with an event: stored it, or had it already."""

    event_id: str
    duplicate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One Checkout Session seen as a sale. ``number`` is 0 until it is stored.

    The moments (``paid_at`` …) are facts: once known they stay, and ``state`` follows from them.
    """

    id: str
    account: str
    livemode: bool
    state: OrderState
    mode: str  #: payment or subscription
    total: int | None  #: in Stripe's unit of ``currency``
    currency: str  #: upper case
    customer_name: str
    customer_email: str
    payment_intent: str | None
    subscription: str | None
    created_at: int
    paid_at: int | None = None
    failed_at: int | None = None
    expired_at: int | None = None
    refunded: int = 0  #: by refunds that succeeded, in Stripe's unit
    disputed: bool = False  #: a dispute stands, or was lost
    event_seq: int = 0  #: the event whose body tells most about it
    ships: bool = False  #: it has an address that goods go to
    number: int = 0  #: the shop's running order number


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversal:
    """A refund or a dispute as far as one event tells it; it may be told before its order is.

    ``rank`` says how far along it is; a lower one never replaces a higher one.
    """

    id: str
    account: str
    livemode: bool
    kind: str  #: refund or dispute
    payment_intent: str
    amount: int  #: in Stripe's unit
    status: str  #: Stripe's for a refund; standing or over for a dispute
    rank: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A subscription as far as events tell it. ``number`` is 0 until it is stored.

    Three facts, each as its newest telling has it: how it stands (``status`` to ``ends_at``, sorted by ``told``), who
    pays (``named_at``), and what is bought in the words of its invoices (``described_at``).
    """

    id: str
    account: str
    livemode: bool
    status: str  #: Stripe's: trialing, active, past_due …; "" while nothing says it
    told: str
    created_at: int
    price: str = ""
    plan: str = ""
    amount: int | None = None  #: a period's, in Stripe's unit of ``currency``
    currency: str = ""
    interval: str = ""
    started_at: int | None = None
    trial_ends_at: int | None = None
    renews_at: int | None = None
    ends_at: int | None = None
    customer: str = ""
    customer_name: str = ""
    customer_email: str = ""
    named_at: int = 0
    described: str = ""
    described_at: int = 0
    number: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionInvoice:
    """An invoice of a subscription, usually for a period of it, as its newest telling (``told``) has it."""

    id: str
    account: str
    livemode: bool
    subscription: str
    number: str
    status: str  #: Stripe's
    told: str
    total: int | None  #: in Stripe's unit of ``currency``
    currency: str
    period_start: int | None
    period_end: int | None
    created_at: int
    paid_at: int | None = None
    failed_at: int | None = None  #: its payment, the last time


class Role(StrEnum):
    """What a person may do in the console."""

    OWNER = "owner"  #: everything
    PACKER = "packer"  #: orders, and what is done with them at the packing table; no figures, no settings
    VIEWER = "viewer"  #: sees what happens, changes nothing


class TokenScope(StrEnum):
    """How far a token of the API reaches within its role."""

    READ = "read"
    WRITE = "write"


class Severity(StrEnum):
    PROBLEM = "problem"  #: the rule (or file) cannot run
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake in the rules file, told to the person who wrote it. Lines and columns count from 1."""

    code: str
    file: str
    line: int
    column: int
    message: str
    suggestion: str = ""
    severity: Severity = Severity.PROBLEM
    source: str = ""  #: the line itself, for the caret
    rule: str | None = None  #: the rule that is held because of it; None: the whole file

    @property
    def end(self) -> int:
        """Where an editor's underlining ends: the column before it, from 1; a comment is left out."""
        return max(self.column, len(self.source.split(" #")[0].rstrip()))


#: What a rule sees: one entry per root (``order``, ``customer``, ``event`` …) of plain values: ``str``, ``bool``,
#: ``int``, ``Decimal``, ``Money``, aware ``datetime``, ``list``, ``dict``; a missing value is absent or None.
Context = dict[str, Any]
