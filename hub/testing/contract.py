"""The suite that every connector has to pass; it ships with the hub, for connectors written elsewhere too.

A connector's author subclasses one of two classes and says how to connect::

    class TestMyService(ConnectorContract):
        action = Post()
        settings = {"room": "#orders", "text": f"Order for {INSERTED}"}
        refused = {"room": "#nowhere", "text": "Hello"}

        @pytest.fixture
        def peer(self) -> Iterator[MyPeer]: ...

        def connect(self, peer, place): ...
        def connect_wrongly(self, peer, place): ...

:class:`LocalConnectorContract` is for destinations on this machine; :class:`ConnectorContract` adds everything that a
network can do to a call. Nothing here sleeps: what takes time is the client's own time-out, which ``connect`` sets
to a fraction of a second.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any, ClassVar, Protocol

from hub.connector import (
    Ambiguous,
    Connection,
    Failure,
    Idempotency,
    Place,
    RateLimited,
    Result,
    Retryable,
)
from hub.testing.faults import Fault
from hub.testing.local_contract import HOSTILE, LocalConnectorContract, Peer
from hub.testing.sending import INSERTED, send, send_again

__all__ = ["HOSTILE", "INSERTED", "ConnectorContract", "Fault", "LocalConnectorContract", "NetworkPeer", "Peer"]


class NetworkPeer(Peer, Protocol):
    """A far end that is called, and can be told to fail."""

    @property
    def calls(self) -> int:
        """How many calls arrived that ask for an effect, the failed ones too."""
        ...

    def fail(self, *faults: Fault) -> None:
        """The next calls that ask for an effect meet these faults, one each; a 429 asks to wait for 7 seconds."""
        ...


class ConnectorContract(LocalConnectorContract):
    """What a connector to another machine promises besides: nothing lost, nothing twice, whatever the network does."""

    def unreachable(self, place: Place) -> Connection:
        """A connection to a port on which nobody listens."""
        raise NotImplementedError

    #: Whether the far end can say how long to wait; where it cannot, too much is simply to be tried again.
    says_how_long: ClassVar[bool] = True
    #: No call may take longer (seconds); ``connect`` sets a time-out well below.
    patience: ClassVar[float] = 5

    def test_nobody_listening_is_surely_not_applied(self, place: Place) -> None:
        connection = self.unreachable(place)
        outcome = send(self.action, connection, self.batch(self.settings))[0]
        checked = connection.check()
        connection.close()
        assert isinstance(outcome, Retryable), repr(outcome)
        assert not checked.ok
        assert checked.hint, "what should the shop do?"

    def test_a_refusal_before_anything_happened_is_followed_by_one_effect(
        self, connection: Connection, peer: Any
    ) -> None:
        self.follow(connection, peer, Fault.BEFORE, (Retryable, Ambiguous))

    def test_a_web_page_instead_of_an_answer_is_followed_by_one_effect(self, connection: Connection, peer: Any) -> None:
        outcome = self.follow(connection, peer, Fault.HTML, (Retryable, Ambiguous))
        assert "<" not in outcome.message, f"no markup in a sentence: {outcome.message}"

    def test_a_failure_after_the_effect_leaves_it_at_one(self, connection: Connection, peer: Any) -> None:
        # “Surely not applied” would be a lie, unless the far end knows the delivery when it comes again.
        is_native = self.action.idempotency is Idempotency.NATIVE
        self.follow(connection, peer, Fault.AFTER, (Ambiguous, Retryable) if is_native else (Ambiguous,))

    def test_a_dropped_answer_is_doubt_and_leaves_the_effect_at_one(self, connection: Connection, peer: Any) -> None:
        self.follow(connection, peer, Fault.DROP, (Ambiguous,))

    def test_no_answer_ends_in_doubt_within_the_time_out(self, connection: Connection, peer: Any) -> None:
        began = time.monotonic()
        self.follow(connection, peer, Fault.HANG, (Ambiguous,))
        assert time.monotonic() - began < self.patience, "there is no time-out"

    def test_a_request_to_wait_is_handed_over_with_its_length_after_one_call(
        self, connection: Connection, peer: Any
    ) -> None:
        peer.fail(Fault.TOO_MANY)
        began = time.monotonic()
        outcome = send(self.action, connection, self.batch(self.settings))[0]
        assert isinstance(outcome, RateLimited if self.says_how_long else Retryable), repr(outcome)
        assert not self.says_how_long or outcome.after == timedelta(seconds=7), (
            f"asked to wait 7 seconds, understood {outcome.after}"
        )
        assert peer.calls == 1, "the hub repeats, not the connector"
        assert time.monotonic() - began < self.patience, "the hub waits, not the connector"

    def test_after_a_failure_the_connection_works_again(self, connection: Connection, peer: Any) -> None:
        for number, fault in enumerate((Fault.DROP, Fault.HTML, Fault.HANG), 1):
            peer.fail(fault)
            send(self.action, connection, self.batch(self.settings, id=number))
            outcome = send(self.action, connection, self.batch(self.settings, id=10 + number))[0]
            assert isinstance(outcome, Result), f"after {fault}: {outcome!r}"

    def follow(self, connection: Connection, peer: Any, fault: Fault, expected: tuple[type[Failure], ...]) -> Failure:
        """One call that fails, then what the hub does about it."""
        batch = self.batch(self.settings)
        peer.fail(fault)
        outcome = send(self.action, connection, batch)[0]
        assert isinstance(outcome, expected), f"{outcome!r} after {fault}"
        assert peer.calls == 1, "the hub repeats, not the connector"
        in_doubt = isinstance(outcome, Ambiguous)
        again = (send_again if in_doubt else send)(self.action, connection, batch)[0]
        happened = fault in (Fault.AFTER, Fault.DROP)
        if again is None:
            assert not self.is_once, "nobody should have to decide"
            assert peer.effects(batch.deliveries[0]) == happened, "waits for a person"
        else:
            assert isinstance(again, Result), f"then: {again!r}"
            assert peer.effects(batch.deliveries[0]) == (2 if happened and not self.is_once else 1)
        return outcome

    def troubles(self, connection: Connection, peer: Any) -> list[Result | Failure]:
        outcomes = super().troubles(connection, peer)
        for number, fault in enumerate((Fault.TOO_MANY, Fault.BEFORE, Fault.DROP, Fault.HTML, Fault.HANG), 10):
            peer.fail(fault)
            outcomes += send(self.action, connection, self.batch(self.settings, id=number))
        return outcomes
