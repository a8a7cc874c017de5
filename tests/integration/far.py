"""A connector for tests of the engine: a far end that does as it is told and counts what happened to it.

``far.post`` can be looked up, ``far.letter`` cannot, ``far.call`` knows a key that comes again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

from hub.connector import (
    NOT_APPLIED,
    Action,
    Batch,
    Check,
    Connection,
    Failure,
    Field,
    Idempotency,
    Params,
    PlainText,
    Result,
)

#: What a far end does with one call: answers like ``run``, or raises. ``None`` in a plan means: as it should.
Behaviour = Callable[[Batch[Any]], Sequence[Result | Failure]]


@dataclass
class FarEnd:
    """``effects`` are (effect key, text) in order; ``calls`` the batches as they came."""

    effects: list[tuple[str, str]] = field(default_factory=list)
    calls: list[Batch[Any]] = field(default_factory=list)
    plan: deque[Behaviour | None] = field(default_factory=deque)
    lookups: int = 0

    def will(self, *behaviours: Behaviour | None) -> None:
        self.plan.extend(behaviours)

    def texts(self) -> list[str]:
        return [text for _, text in self.effects]

    def apply(self, batch: Batch[Any]) -> list[Result | Failure]:
        """Makes every effect of the batch."""
        self.effects += [(one.key, one.params.text) for one in batch.deliveries]
        return [Answer(ref=f"r{len(self.effects)}") for _ in batch.deliveries]

    def receive(self, batch: Batch[Any]) -> Sequence[Result | Failure]:
        self.calls.append(batch)
        behaviour = self.plan.popleft() if self.plan else None
        return self.apply(batch) if behaviour is None else behaviour(batch)


#: The far ends by the name that a connection's settings give.
FAR_ENDS: dict[str, FarEnd] = {}


class FarConnection(Connection):
    kind: ClassVar[str] = "far"
    title: ClassVar[str] = "The far end"

    class Config(Params):
        name: str = "main"

    def check(self) -> Check:
        return Check(ok=True, message="fine")

    @property
    def end(self) -> FarEnd:
        return FAR_ENDS.setdefault(self.config.name, FarEnd())


class Message(Params):
    text: PlainText = Field(description="what is sent")
    to: PlainText = Field("everyone", description="who gets it")


class Answer(Result):
    ref: str = Field(description="the far end's name for it")


class Post(Action[FarConnection, Message]):
    name: ClassVar[str] = "far.post"
    title: ClassVar[str] = "Post something"
    connection: ClassVar[type[Connection]] = FarConnection
    params: ClassVar[type[Params]] = Message
    result: ClassVar[type[Result]] = Answer
    idempotency: ClassVar[Idempotency] = Idempotency.LOOKUP
    lane: ClassVar[tuple[str, ...]] = ("to",)
    max_batch: ClassVar[int] = 10

    def run(self, connection: FarConnection, batch: Batch[Message]) -> Sequence[Result | Failure]:
        return connection.end.receive(batch)

    def lookup(self, connection: FarConnection, batch: Batch[Message]) -> Sequence[Any]:
        connection.end.lookups += 1
        done = {key for key, _ in connection.end.effects}
        return [Answer(ref="found") if one.key in done else NOT_APPLIED for one in batch.deliveries]


class Letter(Post):
    name: ClassVar[str] = "far.letter"
    title: ClassVar[str] = "Send a letter"
    idempotency: ClassVar[Idempotency] = Idempotency.NONE
    max_batch: ClassVar[int] = 1

    def lookup(self, connection: FarConnection, batch: Batch[Message]) -> Sequence[Any]:
        raise AssertionError("nobody can look a letter up")


class Call(Post):
    name: ClassVar[str] = "far.call"
    title: ClassVar[str] = "Make a call"
    idempotency: ClassVar[Idempotency] = Idempotency.NATIVE
    lane: ClassVar[tuple[str, ...]] = ()
    serial: ClassVar[bool] = False

    def run(self, connection: FarConnection, batch: Batch[Message]) -> Sequence[Result | Failure]:
        return connection.end.receive(batch)


class Paced(Post):
    """Takes one call in ten seconds, all that is due in it; what begins with “tomorrow” is gathered until then."""

    name: ClassVar[str] = "far.paced"
    title: ClassVar[str] = "Post at a pace"
    pace: ClassVar[timedelta] = timedelta(seconds=10)
    follows: ClassVar[tuple[str, ...]] = ("far.post", "far.paced")

    def not_before(self, params: Message, now: datetime) -> datetime | None:
        tomorrow = (now + timedelta(days=1)).replace(hour=8, minute=0, second=0, microsecond=0)
        return tomorrow if params.text.startswith("tomorrow") else None


ACTIONS = (Post(), Letter(), Call(), Paced())
