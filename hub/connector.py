"""The public interface for connectors: all that a connector author imports.

A connector is one file with one **connection** (credentials; what ``connections:`` in rules.yaml
configures) and one or more **actions** (what a step does). Both are plain synchronous classes: the hub calls
them in worker threads, so a connector needs to know nothing about event loops, queues or retries.

What the hub promises an action:

* it is called with a *batch*: everything that is due for one lane, at most ``max_batch`` deliveries;
* the attempt is on disk before the call, the outcome is stored after it;
* after a crash or an :class:`Ambiguous` failure the same batch comes again under the same ``batch.id`` with
  ``batch.repeated`` set, once ``lookup`` (if there is one) could not find it done.

What an action promises the hub: exactly one outcome per delivery, in order; no retry, no sleep, no endless
wait inside; the far end's request to wait is handed over as :class:`RateLimited`.
"""

from __future__ import annotations

import html
import re
import urllib.parse
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Generic, Protocol, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError

from hub import duration
from hub.clock import Clock

__all__ = [
    "CANNOT_TELL",
    "NOT_APPLIED",
    "Action",
    "AfterValidator",
    "Ambiguous",
    "Answer",
    "Batch",
    "BeforeValidator",
    "Blocks",
    "Cell",
    "Check",
    "Clock",
    "ConfigError",
    "Connection",
    "Delivery",
    "Duration",
    "EmailAddress",
    "Encoding",
    "Failure",
    "Field",
    "Formula",
    "HeaderText",
    "Html",
    "Idempotency",
    "Json",
    "Ledger",
    "LedgerAction",
    "LeftOver",
    "Mailbox",
    "Mistake",
    "Movement",
    "Moving",
    "Mrkdwn",
    "Params",
    "Permanent",
    "Place",
    "PlainText",
    "RateLimited",
    "Result",
    "Retryable",
    "Secret",
    "Timeout",
    "Url",
    "model_validator",
]


# --- Settings of connections and actions ----------------------------------------------------------------------


class Params(BaseModel):
    """Settings that a person writes in rules.yaml; each field once, with type, ``Field(description=…, examples=[…])``.

    The field's *type* decides how inserted customer data is encoded for the destination: see the types below.
    """

    # By alias: a setting called ``from`` or ``json`` cannot be a Python name, and people see what they wrote.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, serialize_by_alias=True)


class Result(BaseModel):
    """What an action answers: stored as the receipt, readable by later steps as ``steps.<id>.<field>``."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)


def Mistake(message: str, suggestion: str = "") -> PydanticCustomError:  # noqa: N802 - reads as an exception where it is raised
    """An error to raise in a field's validator: a sentence for the person, and the corrected text if there is one."""
    return PydanticCustomError("mistake", "{message}", {"message": message, "suggestion": suggestion})


Secret = SecretStr
"""A credential; never printed. ``value.get_secret_value()`` at the place where it is sent."""


def _duration(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return duration.parse(value)
    except ValueError as error:
        raise Mistake(str(error)) from None


Duration = Annotated[timedelta, BeforeValidator(_duration)]
"""A length of time, written ``20 seconds`` or ``3 days``."""


def _bounded(timeout: timedelta) -> timedelta:
    if not timedelta(0) < timeout <= timedelta(minutes=5):
        raise Mistake("A timeout is longer than nothing and at most 5 minutes.", "20 seconds")
    return timeout


Timeout = Annotated[Duration, AfterValidator(_bounded)]
"""How long to wait for an answer. Bounded, because a worker waits with it."""


# --- Field types: where a value goes decides how it is encoded --------------------------------------------------


@dataclass(frozen=True)
class Encoding:
    """How values that a template *inserts* are encoded for their destination; the author's own text never is.

    ``typed`` fields keep the type of a value when the whole setting is one ``{{ … }}`` (a number stays a number);
    ``nested`` ones may be groups and lists of values, as deep as one likes.
    """

    name: str
    insert: Callable[[str], str]
    typed: bool = False
    nested: bool = False


def _as_is(text: str) -> str:
    return text


def _mrkdwn(text: str) -> str:
    # https://docs.slack.dev/messaging/formatting-message-text#escaping: these three are all that Slack interprets
    # structurally; with them inert nobody can ping a channel or fake a link.
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _one_line(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]+", " ", text).strip()


def _url_part(text: str) -> str:
    return urllib.parse.quote(text, safe="")


def _no_climbing(url: str) -> str:
    # https://www.rfc-editor.org/rfc/rfc3986#section-5.2.4: clients and servers take such parts out of the path, and
    # encoding does not help. A buyer called “..” would choose another address.
    path = re.split(r"[?#]", url, maxsplit=1)[0]
    if any(urllib.parse.unquote(part) in {".", ".."} for part in path.split("/")):
        raise Mistake("A part of the address is only dots, which leads to another address.")
    return url


def _formula(text: str) -> str:
    if not text.startswith("="):
        raise Mistake("A formula begins with =", f"={text[:60]}")
    return text


def _address(text: str) -> str:
    address = text.strip()
    if not re.fullmatch(r"[^\s@<>,;:\"()\[\]\\]+@[^\s@<>,;:\"()\[\]\\]+\.[^\s@<>,;:\"()\[\]\\.]+", address):
        raise Mistake(f"“{_one_line(address)[:80]}” is not one e-mail address.")
    return address


def _mailbox(text: str) -> str:
    name, bracket, rest = _one_line(text).rpartition("<")
    if not bracket:
        return _address(rest)
    if not rest.endswith(">") or re.search(r"[<>@]", name):
        raise Mistake("An address is written as  Shop <hello@example.com>  or  hello@example.com")
    return f"{name.strip()} <{_address(rest[:-1])}>"


PlainText = Annotated[str, Encoding("plain text", _as_is)]
Mrkdwn = Annotated[str, Encoding("Slack text", _mrkdwn)]
HeaderText = Annotated[str, Encoding("header", _one_line), AfterValidator(_one_line)]
EmailAddress = Annotated[str, Encoding("e-mail address", _as_is), AfterValidator(_address)]
Mailbox = Annotated[str, Encoding("header", _one_line), AfterValidator(_mailbox)]
"""One e-mail address, with a name or without: ``Shop <hello@example.com>``."""
Html = Annotated[str, Encoding("HTML", html.escape)]
Url = Annotated[str, Encoding("URL", _url_part), AfterValidator(_no_climbing)]
Formula = Annotated[str, Encoding("formula", lambda _text: ""), AfterValidator(_formula)]
"""A formula for a sheet: always fixed text of the rule, never anything of an order's."""
Cell = Annotated[
    str | bool | int | Decimal | datetime | date | time | None,
    Encoding("cell", _as_is, typed=True),
    Field(union_mode="smart"),
]
Blocks = Annotated[Any, Encoding("Slack text", _mrkdwn, nested=True)]
"""Slack's Block Kit: groups and lists in which every inserted text is inert."""
Json = Annotated[Any, Encoding("JSON", _as_is, typed=True, nested=True)]


# --- Outcomes ----------------------------------------------------------------------------------------------------


class Failure(Exception):
    """An attempt that did not (or may not) have its effect; return it for one delivery, raise it for the whole batch.

    ``message`` is shown to the shop: a sentence, without secrets and without the customer's data.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Retryable(Failure):
    """Surely not applied; worth another try (connection refused, 503 before the body was taken)."""

    def __init__(self, message: str, after: timedelta | None = None) -> None:
        super().__init__(message)
        self.after = after


class RateLimited(Failure):
    """Surely not applied; the far end asks to wait. The whole lane waits (or the connection: ``scope``)."""

    def __init__(self, message: str, after: timedelta, scope: str = "lane") -> None:
        super().__init__(message)
        self.after = after
        self.scope = scope


class ConfigError(Failure):
    """Credentials or set-up are wrong. The connection pauses, a person is told what to do; no try is used up."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class Permanent(Failure):
    """Will never work as it is (unknown channel, refused address): becomes a dead letter at once."""


class LeftOver(Failure):
    """Not tried yet: it comes again with the lane's next batch, and this try does not count.

    For what does not fit into one call, or has to go alone. At least one delivery of a batch is tried.
    """

    def __init__(self) -> None:
        super().__init__("Waits for its turn.")


class Ambiguous(Failure):
    """Maybe applied: time-out after sending, connection dropped, a 5xx that does not say; any other exception too."""


class Idempotency(StrEnum):
    """What happens when the same delivery is sent twice; declared by the action, printed in its documentation."""

    NATIVE = "native"  #: the far end (or the hub's own receipt) refuses the second one
    LOOKUP = "lookup"  #: after an ambiguous failure the action can find out whether it happened
    NONE = "none"  #: neither: ``on_unknown`` decides


class Answer(Enum):
    """What ``lookup`` says of a delivery that has no result to show."""

    NOT_APPLIED = "not applied"
    CANNOT_TELL = "cannot tell"


NOT_APPLIED = Answer.NOT_APPLIED  #: ``lookup``: surely did not happen
CANNOT_TELL = Answer.CANNOT_TELL  #: ``lookup``: nobody can say


# --- What an action receives ---------------------------------------------------------------------------------------

ParamsT = TypeVar("ParamsT", bound=Params)
ConnectionT = TypeVar("ConnectionT", bound="Connection")


@dataclass(frozen=True, slots=True)
class Delivery(Generic[ParamsT]):
    """One effect to make. ``key`` is the effect key: 32 hex digits, the same on every try, for ever."""

    key: str
    params: ParamsT
    attempt: int = 1
    subject: str = ""  #: the business object: a Checkout Session id, a refund id …
    order: int | None = None  #: the number of the order that it is about
    earlier: Sequence[Mapping[str, Any]] = ()  #: what the actions in ``follows`` answered for this order, oldest first


@dataclass(frozen=True, slots=True)
class Batch(Generic[ParamsT]):
    """Deliveries of one lane, in order. ``id`` is on disk before the call and the same when the batch comes again.

    ``since``: no earlier than this was any of it tried (ms since 1970, the hub's clock); None: not known.
    """

    id: int
    deliveries: Sequence[Delivery[ParamsT]]
    repeated: bool = False
    since: int | None = None

    def __len__(self) -> int:
        return len(self.deliveries)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a connection lives: its name in rules.yaml, the data folder, this hub's own id (for tokens at far ends)."""

    name: str
    data_dir: Path
    hub_id: str
    clock: Clock


@dataclass(frozen=True, slots=True)
class Check:
    """Whether a connection works: who the far end says we are, or what to do."""

    ok: bool
    message: str
    hint: str = ""


class Connection(ABC):
    """A configured connector: credentials and a client that is opened once and used by every lane."""

    kind: ClassVar[str]  #: the ``type:`` in rules.yaml and the first part of its actions' names
    title: ClassVar[str]

    class Config(Params):
        """The settings under ``connections:``."""

    def __init__(self, config: Any, place: Place) -> None:
        self.config = config
        self.place = place

    @abstractmethod
    def check(self) -> Check:
        """Tries the credentials without changing anything; never raises for a wrong one."""

    def close(self) -> None:
        """Gives back threads, sockets and files."""


class Action(ABC, Generic[ConnectionT, ParamsT]):
    """Something a step can do. Stateless: one object serves all lanes; what is kept belongs to the connection."""

    name: ClassVar[str]  #: ``slack.message``: the connection's kind, a dot, a verb or noun
    title: ClassVar[str]  #: a short sentence for ``hub actions``
    connection: ClassVar[type[Connection]]
    params: ClassVar[type[Params]]
    result: ClassVar[type[Result]] = Result

    idempotency: ClassVar[Idempotency]
    on_unknown: ClassVar[str] = (
        "hold"  #: ``resend`` or ``hold``: what to do when nobody can tell; a step may override it
    )
    lane: ClassVar[tuple[str, ...]] = ()  #: params whose values share a lane; () = the connection's own lane
    serial: ClassVar[bool] = True  #: one batch of a lane at a time; False: several at once
    max_batch: ClassVar[int] = 1
    pace: ClassVar[timedelta] = timedelta(0)  #: a lane rests so long after each batch: the far end's budget
    follows: ClassVar[tuple[str, ...]] = ()  #: actions whose results for the same order come as ``delivery.earlier``

    def preview(self, params: ParamsT) -> Mapping[str, Any]:
        """What would be sent, as data for people; no I/O, no secrets."""
        return params.model_dump(mode="json", exclude_none=True)

    def not_before(self, params: ParamsT, now: datetime) -> datetime | None:
        """The earliest moment for a delivery that is due ``now`` (the shop's time); None: at once. No I/O."""
        return None

    @abstractmethod
    def run(self, connection: ConnectionT, batch: Batch[ParamsT]) -> Sequence[Result | Failure]:
        """Makes the effects; one outcome per delivery, in order. Raising a ``Failure`` is that outcome for all."""

    def lookup(self, connection: ConnectionT, batch: Batch[ParamsT]) -> Sequence[Result | Answer]:
        """After a maybe-applied try: per delivery its result, ``NOT_APPLIED`` or ``CANNOT_TELL``. No effects."""
        return [CANNOT_TELL] * len(batch)


# --- Effects in the hub's own database ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Moving:
    """So many pieces of a SKU to move, at most once per ``key``. ``order``: the order's number, if it is about one."""

    key: str
    sku: str
    count: int
    subject: str
    order: int | None = None


@dataclass(frozen=True, slots=True)
class Movement:
    """One row of the stock ledger, as applied: pieces on hand before and after; ``count`` pieces were moved."""

    sku: str
    before: int
    left: int
    count: int


@dataclass(frozen=True, slots=True)
class Taken:
    """A code that was given out, and how many its pool still has."""

    code: str
    left: int


class Ledger(Protocol):
    """The hub's own stock and code pools, inside the transaction that also marks the delivery succeeded."""

    def has(self, sku: str) -> bool:
        """Whether the SKU is in the stock list."""
        ...

    def add(self, sku: str) -> None:
        """Puts the SKU into the stock list, with no pieces, unless it is there."""
        ...

    def sell(self, moving: Moving, *, below_zero: bool = False) -> Movement:
        """Takes pieces out, those first that the order has reserved.

        Raises ``Permanent`` with the remedy when the SKU is unknown, or more would be taken than is there and not
        reserved for others, and ``below_zero`` does not allow it.
        """
        ...

    def restock(self, moving: Moving, *, at_most_sold: bool = False) -> Movement:
        """Puts pieces in; ``at_most_sold``: never more than the order took. Raises as :meth:`sell` does."""
        ...

    def reserve(self, moving: Moving, *, below_zero: bool = False) -> Movement:
        """Keeps pieces for an order; none that it has bought already, or released. Raises as :meth:`sell` does."""
        ...

    def release(self, moving: Moving) -> Movement:
        """Gives back what the order has reserved and not bought. Raises as :meth:`sell` does."""
        ...

    def take_code(self, *, key: str, pool: str, subject: str) -> Taken:
        """Gives out the next code of a pool; the same one again for the same ``key``.

        Raises ``Permanent`` with the remedy when there is no such pool, or it is empty.
        """
        ...


class LedgerAction(ABC, Generic[ParamsT]):
    """An action whose effect lives in the hub's own database: exactly once, by the transaction."""

    name: ClassVar[str]
    title: ClassVar[str]
    params: ClassVar[type[Params]]
    result: ClassVar[type[Result]] = Result
    max_batch: ClassVar[int] = 200

    def preview(self, params: ParamsT) -> Mapping[str, Any]:
        """What would be done, as data for people."""
        return params.model_dump(mode="json", exclude_none=True)

    @abstractmethod
    def apply(self, ledger: Ledger, delivery: Delivery[ParamsT]) -> Result:
        """Makes the effect through ``ledger``; raises ``Permanent`` if it cannot be."""
