"""The contract suite, held against connectors that break one promise each."""

from __future__ import annotations

import logging
import socket
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from hub import connector as hub
from hub.clock import ManualClock
from hub.connector import Action, Batch, Connection, Place
from hub.testing.contract import INSERTED, ConnectorContract
from tests.connectors import pager
from tests.connectors.pager import PagerFake

GOOD = pager.load()
PATIENCE = 1.0


class PagerContract(ConnectorContract):
    action: ClassVar[Action[Any, Any]] = GOOD.SendPage()
    connection_class: ClassVar[type[Connection]] = GOOD.PagerConnection
    settings: ClassVar[Mapping[str, Any]] = {"to": "warehouse", "text": f"Order of {INSERTED}"}
    refused: ClassVar[Mapping[str, Any]] = {"to": "nobody", "text": "Hello"}
    secret: ClassVar[str | None] = "token"
    patience: ClassVar[float] = PATIENCE

    @pytest.fixture
    def peer(self) -> Iterator[PagerFake]:
        with PagerFake() as fake:
            yield fake

    def _connect(self, url: str, token: str, place: Place) -> Connection:
        settings = {"base_url": url, "token": token, "timeout": 0.3}
        return self.connection_class(self.connection_class.Config.model_validate(settings), place)

    def connect(self, peer: PagerFake, place: Place) -> Connection:
        return self._connect(peer.url, "right-token", place)

    def connect_wrongly(self, peer: PagerFake, place: Place) -> Connection:
        return self._connect(peer.url, "wrong-token", place)

    def unreachable(self, place: Place) -> Connection:
        return self._connect("http://127.0.0.1:9", "right-token", place)

    def assert_inert(self, peer: PagerFake, delivery: hub.Delivery[Any], value: str) -> None:
        call = peer.received[-1]
        assert call.target == "/pages"
        assert set(call.json) == {"to", "text", "key"}
        assert call.json["to"] == "warehouse"

    def page(self) -> Path:
        return pager.PAGE


class TestPager(PagerContract):
    """The connector of the page passes."""

    def test_the_page_names_every_setting_and_shows_an_example(self) -> None:
        """A page of its own is its author's to write; the page here is about writing connectors."""


# --- Broken connections and actions -------------------------------------------------------------------------------


class BelievesEverybody(GOOD.PagerConnection):  # type: ignore[misc, name-defined]
    def check(self) -> hub.Check:
        return hub.Check(ok=True, message="fine")


class ChecksByPaging(GOOD.PagerConnection):  # type: ignore[misc, name-defined]
    def check(self) -> hub.Check:
        first = BROKEN_KEY[0]
        self.post("/pages", {"to": "warehouse", "text": "test", "key": first})
        return hub.Check(ok=True, message="fine")


class WaitsTooLong(GOOD.PagerConnection):  # type: ignore[misc, name-defined]
    def __init__(self, config: Any, place: Place) -> None:
        super().__init__(config.model_copy(update={"timeout": PATIENCE + 0.3}), place)


class LeavesSocketsOpen(GOOD.PagerConnection):  # type: ignore[misc, name-defined]
    def check(self) -> hub.Check:
        self.kept = socket.create_connection(self.config.base_url.removeprefix("http://").split(":"))
        LEAKED.append(self.kept)
        found: hub.Check = super().check()
        return found


class LogsItsToken(GOOD.PagerConnection):  # type: ignore[misc, name-defined]
    def post(self, path: str, document: object) -> Any:
        logging.getLogger("pager").debug("calling with %s", self.config.token.get_secret_value())
        return super().post(path, document)


class SendPage(GOOD.SendPage):  # type: ignore[misc, name-defined]
    def page(self, connection: Any, key: str, page: Any) -> Any:
        return super().page(connection, key, page)


class NeverInDoubt(SendPage):
    def run(self, connection: Any, batch: Batch[Any]) -> Any:
        try:
            return super().run(connection, batch)
        except hub.Ambiguous:
            raise hub.Retryable("Once more.") from None


class RepeatsByItself(SendPage):
    def page(self, connection: Any, key: str, page: Any) -> Any:
        first = super().page(connection, key, page)
        return super().page(connection, key, page) if isinstance(first, hub.RateLimited) else first


class WaitsAsLongAsItLikes(SendPage):
    def page(self, connection: Any, key: str, page: Any) -> Any:
        found = super().page(connection, key, page)
        return hub.RateLimited("Wait.", timedelta(minutes=1)) if isinstance(found, hub.RateLimited) else found


class OneFailsAll(SendPage):
    max_batch: ClassVar[int] = 10

    def run(self, connection: Any, batch: Batch[Any]) -> Any:
        outcomes = super().run(connection, batch)
        bad = next((one for one in outcomes if isinstance(one, hub.Failure)), None)
        return outcomes if bad is None else [bad] * len(batch)


class NewKeyEachTime(SendPage):
    def page(self, connection: Any, key: str, page: Any) -> Any:
        return super().page(connection, uuid.uuid4().hex, page)


class PastesCustomersText(SendPage):
    def page(self, connection: Any, key: str, page: Any) -> Any:
        path = "/pages/" + "".join(one for one in page.text if "!" < one < "\x7f")[:500]
        connection.post(path, {"to": page.to, "text": page.text, "key": key})
        return GOOD.Paged(id="p_1")


class BelievesEveryAnswer(SendPage):
    def page(self, connection: Any, key: str, page: Any) -> Any:
        connection.post("/pages", {"to": page.to, "text": page.text, "key": key})
        return GOOD.Paged(id="p_1")


class PreviewsByCalling(SendPage):
    def preview(self, params: Any) -> Mapping[str, Any]:
        with socket.socket() as line:
            line.connect_ex(("127.0.0.1", 9))
        return {"to": params.to}


class SaysNothingOfItsSettings(SendPage):
    class Silent(hub.Params):
        to: hub.PlainText
        text: hub.PlainText

    params: ClassVar[type[hub.Params]] = Silent


LEAKED: list[socket.socket] = []
#: The effect key of the suite's first delivery, which a check that pages would use up.
BROKEN_KEY = [PagerContract().batch(PagerContract.settings).deliveries[0].key]

BROKEN: Mapping[Any, str] = {
    BelievesEverybody: "test_wrong_credentials_are_found_by_the_check_which_names_the_setting",
    ChecksByPaging: "test_the_check_of_a_working_connection_says_so_and_changes_nothing",
    WaitsTooLong: "test_no_answer_ends_in_doubt_within_the_time_out",
    LeavesSocketsOpen: "test_close_gives_back_every_thread_and_socket",
    LogsItsToken: "test_secrets_stay_out_of_logs_representations_and_failures",
    NeverInDoubt: "test_a_dropped_answer_is_doubt_and_leaves_the_effect_at_one",
    RepeatsByItself: "test_a_request_to_wait_is_handed_over_with_its_length_after_one_call",
    WaitsAsLongAsItLikes: "test_a_request_to_wait_is_handed_over_with_its_length_after_one_call",
    OneFailsAll: "test_in_a_batch_every_delivery_has_its_own_outcome_in_order",
    NewKeyEachTime: "test_the_same_delivery_again_does_what_the_action_declares",
    PastesCustomersText: "test_what_customers_write_is_inert",
    BelievesEveryAnswer: "test_a_refusal_before_anything_happened_is_followed_by_one_effect",
    PreviewsByCalling: "test_the_preview_touches_nothing_and_is_data",
    SaysNothingOfItsSettings: "test_every_setting_and_result_says_what_it_is",
}


@pytest.mark.parametrize("broken", BROKEN, ids=lambda one: one.__name__)
def test_a_broken_promise_is_found(broken: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    suite: Any = PagerContract()
    if issubclass(broken, Connection):
        suite.connection_class = broken
    else:
        suite.action = broken()
    place = Place("pager", tmp_path, "hub-1", ManualClock())
    with PagerFake() as peer:
        connection = suite.connect(peer, place)
        given = {"peer": peer, "place": place, "connection": connection, "caplog": caplog, "name": "path"}
        run: Callable[..., None] = getattr(suite, BROKEN[broken])
        wanted = run.__code__.co_varnames[1 : run.__code__.co_argcount]
        with pytest.raises(AssertionError):
            run(**{name: given[name] for name in wanted})
        connection.close()
    while LEAKED:
        LEAKED.pop().close()


def test_the_connector_of_the_page_fits_on_a_screen() -> None:
    assert len([line for line in pager.source().splitlines() if line.strip()]) < 60
