"""What goes in and out of the API. Of these models come the checks, the answers and the OpenAPI document."""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from hub.clock import iso
from hub.engine.approving import Answer
from hub.engine.by_hand import Decision
from hub.model import DeliveryState, OrderState, Role
from hub.store.orderlist import SHIPPING
from hub.web.console.subscriptions import STATES

T = TypeVar("T")

_ISO = WithJsonSchema({"type": "string", "format": "date-time"})
#: A moment: milliseconds inside, ISO 8601 in UTC outside.
Moment = Annotated[int, PlainSerializer(iso, return_type=str), _ISO]
#: No control characters: PostgreSQL takes no NUL, and names stand on one line.
LINE = r"^[^\x00-\x1f\x7f-\x9f]+$"
LONGEST = 200
_TEXT = r"^[^\x00]*$"
_Short = Annotated[str, Field(max_length=120, pattern=_TEXT)]


def _as_whole(value: object) -> object:
    """11.0 is a whole number in JSON Schema, and to programs that know no other numbers."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


_MOST_PIECES = 10**9
_Pieces = Annotated[int, Field(ge=0, le=_MOST_PIECES), BeforeValidator(_as_whole)]
_Number = Annotated[int, Field(ge=1, le=10**8), BeforeValidator(_as_whole)]
_LARGEST = 2**53
_Id = Annotated[int, Field(ge=1, le=_LARGEST), BeforeValidator(_as_whole)]


class Shape(BaseModel):
    """What is answered: made of the store's records by their names."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class Given(BaseModel):
    """What is sent: nothing unknown, nothing guessed (“1” is no number)."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Query(BaseModel):
    """Parameters of an address, which are all texts."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Listed(Shape, Generic[T]):
    """A part of a list, newest first. ``next``: the ``before`` that goes on from here; null on the last page."""

    items: list[T]
    next: int | None = None


class Done(Shape):
    """It was done; ``said`` in words."""

    said: str


class Paged(Query):
    limit: int = Field(50, ge=1, le=200)
    before: int | None = Field(None, ge=0, le=_LARGEST, description="Where the page before ended: its `next`.")


class OrdersWanted(Paged):
    show: Literal[(*SHIPPING, *(state.value for state in OrderState))] | None = None  # type: ignore[valid-type]
    q: str | None = Field(None, max_length=200, pattern=_TEXT, description="Searches name, e-mail, item, SKU, any id.")
    mode: Literal["live", "test"] | None = None


class DeliveriesWanted(Paged):
    state: DeliveryState | None = None
    subject: str | None = Field(None, max_length=255, pattern=_TEXT, description="A session, a refund, a dispute …")
    rule: str | None = Field(None, max_length=255, pattern=_TEXT)


class EventsWanted(Paged):
    q: str | None = Field(None, max_length=255, pattern=_TEXT, description="An id, or the beginning of a type.")


class SubscriptionsWanted(Paged):
    show: Literal[tuple(STATES)] | None = None  # type: ignore[valid-type]
    q: str | None = Field(None, max_length=200, pattern=_TEXT, description="Searches name, e-mail, id.")
    mode: Literal["live", "test"] | None = None


class RuleWanted(Query):
    rule: str = Field(max_length=255, pattern=_TEXT)


class NoteGiven(Given):
    text: str = Field(min_length=1, max_length=2000, pattern=_TEXT)


class ParcelGiven(Given):
    """``part``: 1 for the first parcel; a repeated call with the same part changes nothing."""

    part: _Number = 1
    carrier: _Short | None = None
    tracking_number: _Short | None = None
    tracking_url: str | None = Field(None, max_length=500, pattern=r"^https?://[^\x00-\x20]+$")
    more_will_follow: bool = False


class RunGiven(Given):
    rule: str = Field(max_length=255, pattern=_TEXT)
    event: str = Field(max_length=255, pattern=_TEXT, description="Which event of the order: see the preview.")


class DecisionGiven(Given):
    ids: list[_Id] = Field(min_length=1, max_length=1000)
    decision: Annotated[Decision, Field(strict=False)]


class CauseGiven(Given):
    cause: str = Field(max_length=64, pattern=_TEXT)
    decision: Annotated[Decision, Field(strict=False)]


class AnswerGiven(Given):
    answer: Annotated[Answer, Field(strict=False)]


class TextGiven(Given):
    text: str = Field(max_length=500_000, pattern=_TEXT)


class RulesGiven(TextGiven):
    """``began``: the ``digest`` of the text that was changed, so that nobody else's change is overwritten."""

    began: str = Field(max_length=64, pattern=_TEXT)
    reason: str = Field("changed by the API", min_length=1, max_length=200, pattern=_TEXT)


class VersionGiven(Given):
    version: _Number
    reason: str | None = Field(None, min_length=1, max_length=200, pattern=_TEXT)


class CountGiven(Given):
    on_hand: _Pieces
    low_at: _Pieces | None = None


class CodesGiven(Given):
    codes: list[Annotated[str, Field(min_length=1, max_length=500, pattern=LINE)]] = Field(
        min_length=1, max_length=10_000
    )


class Customer(Shape):
    name: str | None
    email: str | None


class OrderShape(Shape):
    """An order; amounts are decimal texts in main units."""

    id: str
    number: int
    livemode: bool
    account: str
    state: OrderState
    fulfilment: str
    mode: str
    total: str | None
    refunded: str | None
    currency: str | None
    customer: Customer
    payment_intent: str | None
    subscription: str | None
    created_at: Moment
    paid_at: Moment | None
    packed_at: Moment | None
    shipped_at: Moment | None
    held_at: Moment | None
    parcels: int


class SubscriptionShape(Shape):
    """``amount`` is that of one ``interval``; ``status`` is Stripe's."""

    id: str
    livemode: bool
    account: str
    status: str
    plan: str
    price: str
    amount: str | None
    currency: str | None
    interval: str
    customer: Customer
    started_at: Moment | None
    trial_ends_at: Moment | None
    renews_at: Moment | None
    ends_at: Moment | None


class InvoiceShape(Shape):
    id: str
    number: str
    status: str
    total: str | None
    currency: str | None
    period_start: Moment | None
    period_end: Moment | None
    paid_at: Moment | None
    failed_at: Moment | None


class WholeSubscription(SubscriptionShape):
    orders: list[str]
    invoices: list[InvoiceShape]


class ApprovalShape(Shape):
    """What a rule asks before it goes on; ``id`` is its delivery's."""

    id: int
    rule: str
    order_id: str | None
    order_number: int | None
    text: str
    who: list[str]
    since: Moment
    until: Moment


class Item(Shape):
    name: str | None
    sku: str | None
    quantity: int
    total: str | None


class EventShape(Shape):
    id: str
    type: str
    object_id: str
    account: str
    livemode: bool
    source: str
    created: Moment
    received_at: Moment
    waiting: str = ""


class WholeEvent(EventShape):
    """``body``: the JSON that arrived, as a text."""

    body: str


class DeliveryShape(Shape):
    id: int
    key: str
    event: str
    subject: str
    order: int | None
    rule: str
    rules: str
    step: str
    item: str
    action: str
    connection: str
    state: str
    attempts: int
    receipt: dict[str, Any] | None
    error: str
    due_at: Moment | None
    updated_at: Moment


class Attempt(Shape):
    number: int
    started_at: Moment
    finished_at: Moment | None
    outcome: str | None
    detail: str


class WholeDelivery(DeliveryShape):
    tries: list[Attempt]


class ActShape(Shape):
    id: int
    at: Moment
    who: str
    what: str
    thing: str
    detail: str


class Reason(Shape):
    """Whether a rule ran for the order, and what its conditions saw."""

    rule: str
    ran: bool
    because: list[str]


class WholeOrder(OrderShape):
    items: list[Item]
    shipping_label: str | None
    events: list[EventShape]
    deliveries: list[DeliveryShape]
    acts: list[ActShape]
    why: list[Reason]


class PreviewShape(Shape):
    """What a rule would do with an event. ``steps``: each action with what it would send."""

    event: str
    runs: bool
    steps: list[StepShape]


class StepShape(Shape):
    action: str
    sent: dict[str, Any]
    error: str


class Refused(Shape):
    id: int
    reason: str


class Decided(Shape):
    done: int
    refused: list[Refused]


class StuckShape(Shape):
    id: int
    order_id: str | None
    order_number: int | None
    error: str


class GroupShape(Shape):
    """``cause`` names the group where something can be decided about all of it; ``deliveries`` are its newest."""

    title: str
    fix: str
    count: int
    since: Moment | None
    notes: list[str]
    deliveries: list[StuckShape]
    cause: str | None
    decisions: list[Decision]


class RuleShape(Shape):
    name: str
    enabled: bool
    held: str | None
    reads: str
    did: dict[str, int]


class ProblemShape(Shape):
    code: str
    file: str
    line: int
    column: int
    message: str
    suggestion: str
    severity: str


class RulesFile(Shape):
    """``digest`` goes along with a change as ``began``."""

    name: str
    text: str
    digest: str


class ChangeShape(Shape):
    rule: str
    order: int | None
    before: list[str]
    after: list[str]


class Checked(Shape):
    """``usable``: it could be put in force. ``changes``: what the last orders and events would have led to."""

    usable: bool
    problems: list[ProblemShape]
    changes: list[ChangeShape]
    more: int
    same: int


class VersionShape(Shape):
    number: int
    digest: str
    loaded_at: Moment
    author: str
    reason: str


class WholeVersion(VersionShape):
    files: dict[str, str]


class StockShape(Shape):
    sku: str
    on_hand: int
    reserved: int
    low_at: int | None


class MovementShape(Shape):
    kind: str
    delta: int
    reserved: int
    balance: int
    subject: str
    at: Moment


class WholeSku(StockShape):
    movements: list[MovementShape]


class PoolShape(Shape):
    name: str
    left: int
    taken: int


class ConnectionShape(Shape):
    name: str
    kind: str
    waiting: int
    paused: bool
    blocked_until: Moment | None
    reason: str


class Tried(Shape):
    ok: bool
    message: str
    hint: str


class Amount(Shape):
    total: str
    currency: str
    orders: int


class OverviewShape(Shape):
    livemode: bool
    today: list[Amount]
    to_ship: list[Amount]
    oldest_to_ship: Moment | None
    needs_you: int
    time_to_ship_ms: int | None


class PersonShape(Shape):
    name: str
    role: Role
    has_password: bool


class Orders(Listed[OrderShape]):
    pass


class Deliveries(Listed[DeliveryShape]):
    pass


class Events(Listed[EventShape]):
    pass


class Subscriptions(Listed[SubscriptionShape]):
    pass


class Acts(Listed[ActShape]):
    pass


class ErrorShape(Shape):
    """``hint`` says what to do; ``code`` does not change."""

    code: str
    message: str
    hint: str


class Failure(Shape):
    error: ErrorShape
