"""The contract suite, for ``email``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from connectors.email import Email, SendDigest, SendEmail
from hub.clock import ManualClock
from hub.connector import Action, Batch, Connection, Delivery, LeftOver, Place
from hub.testing.contract import INSERTED, ConnectorContract
from hub.testing.sending import delivery, send
from hub.testing.smtp import PASSWORD, USERNAME, Smtp


def connect(place: Place, port: int, password: str) -> Email:
    settings = {"server": "127.0.0.1", "port": port, "tls": "none", "from": "Shop <hello@shop.example>"}
    account = {"username": USERNAME, "password": password, "timeout": "0.5 seconds"}
    return Email(Email.Config.model_validate(settings | account), place)


class TestSendEmail(ConnectorContract):
    action: ClassVar[Action[Any, Any]] = SendEmail()
    settings: ClassVar[Mapping[str, Any]] = {
        "to": "ana@example.com",
        "subject": f"For {INSERTED}",
        "body": f"Dear {INSERTED}!\n.\nThe shop\n",
        "html": f"<p>Dear {INSERTED}!</p>",
    }
    refused: ClassVar[Mapping[str, Any]] = {"to": "unknown@example.com", "subject": "Hello", "body": "Hello"}
    secret: ClassVar[str | None] = "password"
    says_how_long: ClassVar[bool] = False

    @pytest.fixture
    def peer(self) -> Iterator[Smtp]:
        with Smtp(needs_sign_in=True) as mail:
            yield mail

    def connect(self, peer: Smtp, place: Place) -> Connection:
        return connect(place, peer.port, PASSWORD)

    def connect_wrongly(self, peer: Smtp, place: Place) -> Connection:
        return connect(place, peer.port, "wrong-password")

    def unreachable(self, place: Place) -> Connection:
        return connect(place, 9, PASSWORD)

    def assert_inert(self, peer: Smtp, delivery: Delivery[Any], value: str) -> None:
        [letter] = peer.letters
        assert letter.recipients == ("ana@example.com",)
        assert set(letter.message.keys()) == HEADERS
        assert "\n" not in letter.message["Subject"]
        text, html = letter.message.get_body(("plain",)), letter.message.get_body(("html",))
        assert text is not None
        assert html is not None
        written = value.encode("utf-8", "replace").decode()
        assert lines(text.get_content()) == lines(f"Dear {written}!\n.\nThe shop\n")
        inside = html.get_content().removeprefix("<p>Dear ").rstrip().removesuffix("!</p>")
        assert "<" not in inside


HEADERS = {"Message-ID", "Date", "From", "To", "Subject", "Auto-Submitted", "Content-Type", "MIME-Version"}


def lines(text: str) -> list[bytes]:
    """As mail has lines: which of the three kinds of line end it was is lost on the way."""
    return text.encode().splitlines()


class TestSendDigest(TestSendEmail):
    action: ClassVar[Action[Any, Any]] = SendDigest()
    settings: ClassVar[Mapping[str, Any]] = {
        "to": "ana@example.com",
        "subject": f"For {INSERTED}",
        "text": f"Dear {INSERTED}!",
    }
    refused: ClassVar[Mapping[str, Any]] = {"to": "unknown@example.com", "subject": "Hello", "text": "Hello"}

    def batch(self, *settings: Mapping[str, Any], id: int = 1) -> Batch[Any]:  # noqa: A002 - a batch calls it so
        """Entries of a letter each: those of one subject would go together."""
        return super().batch(*({**one, "subject": f"{one['subject']} {at}"} for at, one in enumerate(settings)), id=id)

    def assert_inert(self, peer: Smtp, delivery: Delivery[Any], value: str) -> None:
        [letter] = peer.letters
        assert letter.recipients == ("ana@example.com",)
        assert set(letter.message.keys()) == HEADERS - {"MIME-Version"} | {"MIME-Version", "Content-Transfer-Encoding"}


def test_entries_of_one_letter_go_together_and_others_are_left(tmp_path: Path) -> None:
    with Smtp() as mail:
        connection = connect(Place("m", tmp_path, "h", ManualClock()), mail.port, PASSWORD)
        made = [("ana@example.com", "Orders", 1), ("bo@example.com", "Orders", 2), ("ana@example.com", "Orders", 3)]
        entries = [
            delivery(SendDigest(), {"to": to, "subject": subject, "text": f"Order {number}"}, number)
            for to, subject, number in made
        ]
        outcomes = SendDigest().run(connection, Batch(1, entries))
        assert [isinstance(one, LeftOver) for one in outcomes] == [False, True, False]
        send(SendDigest(), connection, Batch(2, entries[1:2]))
        connection.close()
        assert [one.message.get_content().split() for one in mail.letters] == [
            ["Order", "1", "Order", "3"],
            ["Order", "2"],
        ]
