"""The part of the contract suite that holds for every connector, also for one that never leaves this machine."""

from __future__ import annotations

import inspect
import json
import logging
import re
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol

import pytest

from hub.clock import ManualClock
from hub.connector import (
    Action,
    Ambiguous,
    Batch,
    Connection,
    Delivery,
    Failure,
    Idempotency,
    Params,
    Permanent,
    Place,
    Result,
    Secret,
)
from hub.rules.slots import settings_of
from hub.testing import released
from hub.testing.sending import delivery, send, send_again
from hub.testing.side_effects import left_behind, watched

#: What buyers may call themselves.
HOSTILE: Mapping[str, str] = {
    "formula": '=HYPERLINK("http://evil.example","click")',
    "ping": "<!channel> <@U00000001> <http://evil.example|shop> & co",
    "header": "Ana\r\nBcc: evil@evil.example\r\n\r\nHello",
    "end of mail": "Ana\r\n.\r\nMAIL FROM:<evil@evil.example>\r\n",
    "path": "../../admin?all=1#top",
    "template": "{{ 7 * 7 }} ${SECRET} %s {0}",
    "two addresses": "a@example.com, evil@evil.example",
    "null": "Ana\x00Núñez",
    "surrogate": "Ana \ud83d Núñez",
    "right to left": "Ana \u202egnp.exe \U0001f9d1\u200d\U0001f33e",
    "separators": "Ana\u2028Núñez\x85\x0b",
    "long": "Núñez " * 170_000,
}


class Peer(Protocol):
    """The far end: a fake that counts."""

    def effects(self, delivery: Delivery[Any]) -> int:
        """How many effects there are of a delivery."""
        ...


class LocalConnectorContract:
    """What every connector promises. Subclass it, name the class ``Test…``, fill in the first part."""

    # --- To be said by the connector's author ---

    action: ClassVar[Action[Any, Any]]
    #: Settings as a rule has them, with ``INSERTED`` wherever a customer's text may stand.
    settings: ClassVar[Mapping[str, Any]]
    #: Settings that are refused for good, by the connector or the far end, without an effect.
    refused: ClassVar[Mapping[str, Any]]
    #: Whether a look-up through this connection finds what has happened; for actions that declare ``LOOKUP``.
    finds: ClassVar[bool] = True
    #: The setting of the connection that holds the credentials; None: there are none.
    secret: ClassVar[str | None] = None

    @pytest.fixture
    def peer(self) -> Iterator[Peer]:
        """A running far end."""
        raise NotImplementedError

    def connect(self, peer: Any, place: Place) -> Connection:
        """A connection that works."""
        raise NotImplementedError

    def connect_wrongly(self, peer: Any, place: Place) -> Connection:
        """A connection with wrong credentials; only asked for when there is a ``secret``."""
        raise NotImplementedError

    def assert_inert(self, peer: Any, delivery: Delivery[Any], value: str) -> None:
        """Fails when ``value``, inserted in ``settings``, has changed more than the text at the far end."""
        raise NotImplementedError

    def page(self) -> Path:
        """The connector's page: ``docs/connectors/<kind>.md``, in a folder above the test."""
        name = Path("docs", "connectors", f"{self.action.connection.kind}.md")
        folders = Path(inspect.getfile(type(self))).resolve().parents
        return next((folder / name for folder in folders if (folder / name).exists()), folders[0] / name)

    # --- The rest is the suite's ---

    @property
    def is_once(self) -> bool:
        """Whether a delivery that is sent twice has one effect."""
        return {Idempotency.NATIVE: True, Idempotency.LOOKUP: self.finds}.get(self.action.idempotency, False)

    @pytest.fixture
    def place(self, tmp_path: Path) -> Place:
        return Place(self.action.connection.kind, tmp_path, "hub-1", ManualClock())

    @pytest.fixture
    def connection(self, peer: Any, place: Place) -> Iterator[Connection]:
        opened = self.connect(peer, place)
        yield opened
        opened.close()

    def batch(self, *settings: Mapping[str, Any], id: int = 1) -> Batch[Any]:  # noqa: A002 - a batch calls it so
        """A batch with a delivery for each of ``settings``."""
        made = [delivery(self.action, one, 100 * id + number) for number, one in enumerate(settings)]
        return Batch(id, made)

    def test_the_check_of_a_working_connection_says_so_and_changes_nothing(
        self, connection: Connection, peer: Any
    ) -> None:
        checked = connection.check()
        assert checked.ok, f"{checked.message} {checked.hint}"
        assert checked.message, "the check says nothing"
        assert peer.effects(self.batch(self.settings).deliveries[0]) == 0

    def test_wrong_credentials_are_found_by_the_check_which_names_the_setting(self, peer: Any, place: Place) -> None:
        if self.secret is None:
            assert not _secrets(self.connect(peer, place).config), "the connection has a secret: say which setting"
            return
        connection = self.connect_wrongly(peer, place)
        checked = connection.check()
        connection.close()
        assert not checked.ok, "the check did not notice wrong credentials"
        assert self.secret in f"{checked.message} {checked.hint}", f"which setting? {checked}"

    def test_wrong_credentials_have_no_effect(self, peer: Any, place: Place) -> None:
        if self.secret is None:
            return
        connection, batch = self.connect_wrongly(peer, place), self.batch(self.settings)
        outcome = send(self.action, connection, batch)[0]
        connection.close()
        assert isinstance(outcome, Failure), f"{outcome} with wrong credentials"
        assert not isinstance(outcome, Ambiguous), "refused credentials leave no doubt"
        assert peer.effects(batch.deliveries[0]) == 0

    def test_a_delivery_has_its_effect_and_answers_as_declared(self, connection: Connection, peer: Any) -> None:
        batch = self.batch(self.settings)
        outcome = send(self.action, connection, batch)[0]
        assert type(outcome) is self.action.result, f"{outcome!r} is no {self.action.result.__name__}"
        assert peer.effects(batch.deliveries[0]) == 1

    def test_the_same_delivery_again_does_what_the_action_declares(self, connection: Connection, peer: Any) -> None:
        batch = self.batch(self.settings)
        send(self.action, connection, batch)
        again = send_again(self.action, connection, batch)[0]
        if not self.is_once:
            assert peer.effects(batch.deliveries[0]) == (2 if self.action.on_unknown == "resend" else 1)
            return
        assert isinstance(again, Result), f"the second time: {again!r}"
        assert peer.effects(batch.deliveries[0]) == 1, "the effect happened twice"

    def test_in_a_batch_every_delivery_has_its_own_outcome_in_order(self, connection: Connection, peer: Any) -> None:
        wanted = (self.settings, self.refused, self.settings)
        single = [self.batch(one, id=number) for number, one in enumerate(wanted, 1)]
        batches = [self.batch(*wanted)] if self.action.max_batch > 1 else single
        outcomes = [outcome for batch in batches for outcome in send(self.action, connection, batch)]
        good, bad, last = outcomes
        assert isinstance(good, Result), repr(good)
        assert isinstance(last, Result), repr(last)
        assert isinstance(bad, Permanent), f"{bad!r} for what is refused for good"
        effects = [peer.effects(one) for batch in batches for one in batch.deliveries]
        assert effects == [1, 0, 1]

    @pytest.mark.parametrize("name", HOSTILE)
    def test_what_customers_write_is_inert(self, connection: Connection, peer: Any, name: str) -> None:
        try:
            hostile = delivery(self.action, self.settings, 1, HOSTILE[name])
        except ValueError:
            return  # refused before anything is sent
        outcome = send(self.action, connection, Batch(1, [hostile]))[0]
        if isinstance(outcome, Permanent):
            assert peer.effects(hostile) == 0
            return
        assert isinstance(outcome, Result), repr(outcome)
        assert peer.effects(hostile) == 1
        self.assert_inert(peer, hostile, HOSTILE[name])

    def test_secrets_stay_out_of_logs_representations_and_failures(
        self, peer: Any, place: Place, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        connection = self.connect(peer, place)
        told = [repr(connection), str(connection), repr(connection.config), repr(connection.check())]
        told += [_told(one) for one in self.troubles(connection, peer)]
        connection.close()
        told += [caplog.text, *(str(vars(record)) for record in caplog.records)]
        for secret in _secrets(connection.config):
            assert not [one for one in told if secret in one], "a secret was told"

    def troubles(self, connection: Connection, peer: Any) -> list[Result | Failure]:
        """The outcomes of whatever can go well or wrong."""
        return [
            *send(self.action, connection, self.batch(self.settings)),
            *send(self.action, connection, self.batch(self.refused, id=2)),
        ]

    def test_close_gives_back_every_thread_and_socket(self, peer: Any, place: Place) -> None:
        def work() -> None:
            connection = self.connect(peer, place)
            connection.check()
            self.troubles(connection, peer)
            connection.close()

        assert left_behind(work) == []

    def test_a_connection_that_was_never_used_can_be_closed_twice(self, peer: Any, place: Place) -> None:
        connection = self.connect(peer, place)
        connection.close()
        connection.close()

    def test_the_preview_touches_nothing_and_is_data(self) -> None:
        params = self.batch(self.settings).deliveries[0].params
        self.action.preview(params)  # the first time modules may be loaded
        with watched() as touched:
            shown = self.action.preview(params)
        assert touched == []
        assert json.dumps(shown)
        assert shown == self.action.preview(params)

    def test_every_setting_and_result_says_what_it_is(self) -> None:
        models: list[type[Params | Result]] = [self.action.params, self.action.connection.Config, self.action.result]
        silent = [
            f"{model.__name__}.{name}"
            for model in models
            for name, field in model.model_fields.items()
            if not field.description
        ]
        required = [one.name for one in settings_of(self.action.params).values() if one.required and not one.examples]
        assert silent == [], "without a description"
        assert required == [], "without an example"

    def test_rules_for_the_last_release_still_work(self) -> None:
        """``hub connectors freeze`` writes down what a release had; without its file nothing was released."""
        file = self.page().with_name(f"{self.action.connection.kind}.released.json")
        was = json.loads(file.read_text("utf-8")) if file.exists() else {}
        found = [("connection", released.connection_shape(self.action.connection))]
        found += [(self.action.name, released.action_shape(self.action))]
        said = [sentence for name, now in found if name in was for sentence in released.broken(was[name], now)]
        assert not said, f"{file.name} was released. {' '.join(said)}"

    def test_the_page_names_every_setting_and_shows_an_example(self) -> None:
        assert self.page().exists(), f"there is no {self.page()}"
        text = self.page().read_text("utf-8")
        names = [*settings_of(self.action.params), *settings_of(self.action.connection.Config), self.action.name]
        assert [name for name in names if f"`{name}`" not in text] == [], "not on the page"
        examples = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
        assert [one for one in examples if f"{self.action.name}:" in one], "no example on the page"


def _secrets(config: Params) -> list[str]:
    """The values of a connection's credentials."""
    return [value.get_secret_value() for _, value in config if isinstance(value, Secret)]


def _told(outcome: Result | Failure) -> str:
    """All that an outcome may end up saying, somewhere."""
    if isinstance(outcome, Failure):
        return "".join(traceback.format_exception(outcome)) + repr(vars(outcome))
    return repr(outcome)
