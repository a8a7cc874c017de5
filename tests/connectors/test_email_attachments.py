"""What letters carry: only files of the folder that was named, and documents from addresses that were allowed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.email import Email, SendEmail
from connectors.email.attachments import LARGEST
from hub.clock import ManualClock
from hub.connector import Batch, Failure, Permanent, Place, Result, Retryable
from hub.testing.http_sink import Answer, HttpSink
from hub.testing.sending import delivery, send
from hub.testing.smtp import Smtp

ACTION = SendEmail()
PDF = b"%PDF-1.7 an invoice"


@pytest.fixture
def mail() -> Iterator[Smtp]:
    with Smtp() as running:
        yield running


@pytest.fixture
def sink() -> Iterator[HttpSink]:
    with HttpSink() as running:
        running.answer = Answer(body=PDF.decode(), content_type="application/pdf")
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "attachments"
    found.mkdir()
    (found / "terms.pdf").write_bytes(PDF)
    (tmp_path / "secret.txt").write_text("the key")
    return found


def letter(mail: Smtp, tmp_path: Path, attach: Any, **settings: Any) -> Result | Failure:
    """The outcome of one letter that carries ``attach``."""
    line = {"server": mail.host, "port": mail.port, "tls": "none", "from": "shop@shop.example"}
    place = Place("email", tmp_path, "hub-1", ManualClock())
    email = Email(Email.Config.model_validate(line | settings), place)
    wanted = {"to": "ana@example.com", "subject": "Yours", "body": "Hello", "attach": attach}
    try:
        return send(ACTION, email, Batch(1, [delivery(ACTION, wanted, 1)]))[0]
    finally:
        email.close()


def carried(mail: Smtp) -> list[tuple[str | None, str, object]]:
    (sent,) = mail.letters
    return [
        (part.get_filename(), part.get_content_type(), part.get_payload(decode=True))
        for part in sent.message.iter_attachments()
    ]


def test_files_of_the_folder_travel_with_the_letter(mail: Smtp, tmp_path: Path, folder: Path) -> None:
    (folder / "größe.txt").write_text("M")
    outcome = letter(mail, tmp_path, ["terms.pdf", "größe.txt"], attach_folder=str(folder))
    assert isinstance(outcome, Result)
    first, second = carried(mail)
    assert first == ("terms.pdf", "application/pdf", PDF)
    assert second[0] == "größe.txt"


@pytest.mark.parametrize(
    "name", ["../secret.txt", "/etc/passwd", "no.pdf", "link.txt", "sub/../../secret.txt", "a\0b", ""]
)
def test_nothing_outside_the_folder_can_be_attached(mail: Smtp, tmp_path: Path, folder: Path, name: str) -> None:
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    outcome = letter(mail, tmp_path, name, attach_folder=str(folder))
    assert isinstance(outcome, Permanent)
    assert "attach" in outcome.message
    assert mail.letters == []


def test_without_a_folder_it_says_what_to_write(mail: Smtp, tmp_path: Path) -> None:
    outcome = letter(mail, tmp_path, "terms.pdf")
    assert isinstance(outcome, Permanent)
    assert "attach_folder:" in outcome.message


def test_a_document_is_fetched_from_an_address_that_is_allowed(mail: Smtp, tmp_path: Path, sink: HttpSink) -> None:
    outcome = letter(mail, tmp_path, f"{sink.url}/invoice/acct_1/pdf", attach_from=[f"{sink.url}/invoice/"])
    assert isinstance(outcome, Result)
    assert carried(mail) == [("pdf.pdf", "application/pdf", PDF)]


@pytest.mark.parametrize("path", ["/admin", "/invoice/../admin", "/invoice\\..\\admin"])
def test_other_addresses_are_not_called(mail: Smtp, tmp_path: Path, sink: HttpSink, path: str) -> None:
    outcome = letter(mail, tmp_path, sink.url + path, attach_from=[f"{sink.url}/invoice/"])
    assert isinstance(outcome, Permanent)
    assert "attach_from:" in outcome.message
    assert (sink.calls, mail.letters) == (0, [])


def test_by_default_only_stripes_documents_are_fetched(mail: Smtp, tmp_path: Path, sink: HttpSink) -> None:
    for address in (
        sink.url,
        "file:///etc/passwd",
        "https://pay.stripe.com.evil.example/x",
        "https://x@pay.stripe.com/",
    ):
        assert isinstance(letter(mail, tmp_path, address), Permanent)
    assert sink.calls == 0


def test_a_redirect_to_another_address_is_not_followed(mail: Smtp, tmp_path: Path, sink: HttpSink) -> None:
    sink.answer = Answer(status=302, body="", headers={"Location": f"{sink.url}/admin"})
    outcome = letter(mail, tmp_path, f"{sink.url}/invoice/1", attach_from=[f"{sink.url}/invoice/"])
    assert isinstance(outcome, Permanent)
    assert sink.calls == 1


@pytest.mark.parametrize(("status", "kind"), [(503, Retryable), (429, Retryable), (404, Permanent)])
def test_a_document_that_is_not_there_now_is_asked_for_again(
    mail: Smtp, tmp_path: Path, sink: HttpSink, status: int, kind: type[Failure]
) -> None:
    sink.answer = Answer(status=status)
    assert type(letter(mail, tmp_path, sink.url, attach_from=[sink.url])) is kind
    assert mail.letters == []


def test_what_is_too_large_for_mail_is_not_sent(mail: Smtp, tmp_path: Path, folder: Path) -> None:
    (folder / "film.mp4").write_bytes(b"x" * (LARGEST + 1))
    outcome = letter(mail, tmp_path, "film.mp4", attach_folder=str(folder))
    assert isinstance(outcome, Permanent)
    assert "15 MB" in outcome.message
