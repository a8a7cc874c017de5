"""Letters over real SMTP on loopback: what is sent, over which line, and what the server's answers mean."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import MIMEPart
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.email import Email, SendEmail
from hub.clock import ManualClock
from hub.connector import Ambiguous, Batch, ConfigError, Failure, Permanent, Place, Result, Retryable
from hub.testing.certificates import certificate
from hub.testing.faults import Fault
from hub.testing.sending import delivery, key, send
from hub.testing.smtp import PASSWORD, USERNAME, Smtp

ACTION = SendEmail()
LETTER = {"to": "ana@example.com", "subject": "Your order 1042", "body": "Thank you, Núñez.\n"}


@pytest.fixture
def mail() -> Iterator[Smtp]:
    with Smtp() as running:
        yield running


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place("email", tmp_path, "hub-1", ManualClock(1_764_000_000_000))


@pytest.fixture
def email(mail: Smtp, place: Place) -> Iterator[Email]:
    connection = connect(place, mail)
    yield connection
    connection.close()


def connect(place: Place, mail: Smtp, **settings: Any) -> Email:
    line = {"server": mail.host, "port": mail.port, "tls": "none", "from": "Shop Núñez <hello@shop.example>"}
    return Email(Email.Config.model_validate(line | {"timeout": "1 second"} | settings), place)


def post(email: Email, number: int = 1, /, **settings: Any) -> Result | Failure:
    wanted = {name: value for name, value in {**LETTER, **settings}.items() if value is not None}
    return send(ACTION, email, Batch(1, [delivery(ACTION, wanted, number)]))[0]


def words(part: MIMEPart | None) -> str:
    """A part's text, with the line ends of programs instead of those of mail."""
    assert part is not None
    text: str = part.get_content()
    return text.replace("\r\n", "\n")


def once(place: Place, mail: Smtp, **settings: Any) -> Result | Failure:
    """One letter over a line of its own."""
    email = connect(place, mail, **settings)
    outcome = post(email)
    email.close()
    return outcome


# --- The letter -------------------------------------------------------------------------------------------------------


def test_a_letter_says_who_what_and_when(email: Email, mail: Smtp) -> None:
    outcome = post(email, 7, reply_to="support@shop.example")
    [letter] = mail.letters
    assert (letter.sender, letter.recipients) == ("hello@shop.example", ("ana@example.com",))
    message = letter.message
    assert message["From"] == "Shop Núñez <hello@shop.example>"
    assert message["To"] == "ana@example.com"
    assert message["Reply-To"] == "support@shop.example"
    assert message["Subject"] == "Your order 1042"
    assert message["Date"] == "Mon, 24 Nov 2025 16:00:00 +0000"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"] == f"<{key(7)}@shop.example>"
    assert words(message) == "Thank you, Núñez.\n"
    assert isinstance(outcome, Result)
    assert outcome.model_dump() == {"message_id": f"<{key(7)}@shop.example>"}


def test_nothing_but_ascii_goes_over_the_line(email: Email, mail: Smtp) -> None:
    post(email, subject="Größe", html="<p>Größe</p>", to="ana@bücher.example")
    assert mail.letters[0].content.isascii()
    assert mail.letters[0].recipients == ("ana@xn--bcher-kva.example",)
    assert mail.letters[0].message["Subject"] == "Größe"


def test_copies_go_out_and_the_blind_ones_are_not_named(email: Email, mail: Smtp) -> None:
    post(email, cc=["office@shop.example", "store@shop.example"], bcc="archive@shop.example")
    [letter] = mail.letters
    assert letter.recipients == (
        "ana@example.com",
        "office@shop.example",
        "store@shop.example",
        "archive@shop.example",
    )
    assert letter.message["Cc"] == "office@shop.example, store@shop.example"
    assert b"archive@" not in letter.content


def test_a_step_may_have_another_sender(email: Email, mail: Smtp) -> None:
    post(email, 1, **{"from": '"Shop, Inc." <orders@other.example>'})
    [letter] = mail.letters
    assert letter.sender == "orders@other.example"
    assert letter.message["From"] == '"Shop, Inc." <orders@other.example>'
    assert letter.message["Message-ID"].endswith("@other.example>")


def test_html_comes_with_its_words_for_those_who_read_without(email: Email, mail: Smtp) -> None:
    page = "<html><head><style>p {color: red}</style></head><body><h1>Thank&nbsp;you</h1><p>Order<br>1042</p></body>"
    post(email, body=None, html=page)
    message = mail.letters[0].message
    assert words(message.get_body(("plain",))) == "Thank you\n\nOrder\n1042\n"
    assert words(message.get_body(("html",))) == page + "\n"


def test_lines_that_begin_with_dots_arrive_as_they_are(email: Email, mail: Smtp) -> None:
    body = ".\n..\n.dot\n\n.\nMAIL FROM:<evil@evil.example>\n"
    post(email, body=body)
    assert [words(letter.message) for letter in mail.letters] == [body]


def test_long_subjects_are_cut_with_an_ellipsis(email: Email, mail: Smtp) -> None:
    post(email, subject="ñ" * 1000)
    assert mail.letters[0].message["Subject"] == "ñ" * 249 + "…"


@pytest.mark.parametrize(
    "to",
    [
        "a@example.com, evil@evil.example",
        "a@example.com;evil@evil.example",
        "a@example.com evil@evil.example",
        "Ana <a@example.com>",
        "a@example.com\r\nBcc: evil@evil.example",
        "a@b@example.com",
        "ana",
        "@example.com",
        "",
    ],
)
@pytest.mark.parametrize("setting", ["to", "cc", "bcc", "reply_to"])
def test_what_is_not_one_address_is_refused_before_anything_is_sent(setting: str, to: str) -> None:
    with pytest.raises(ValidationError, match="not one e-mail address"):
        delivery(ACTION, LETTER | {setting: to}, 1)


@pytest.mark.parametrize("to", ["größe@example.com", "ana@" + "x" * 70 + ".example", "ana@exa\u200dmple..com"])
def test_addresses_that_mail_cannot_express_are_dead_letters(email: Email, mail: Smtp, to: str) -> None:
    outcome = post(email, to=to)
    assert isinstance(outcome, Permanent)
    assert to not in outcome.message
    assert mail.calls == 0


@pytest.mark.parametrize("sender", ["Shop", "a@x.example, b@y.example", "A <a@x.example> B <b@y.example>", "<>"])
def test_a_sender_is_one_address(place: Place, mail: Smtp, sender: str) -> None:
    with pytest.raises(ValidationError):
        connect(place, mail, **{"from": sender})


def test_a_letter_without_words_is_refused() -> None:
    with pytest.raises(ValidationError, match="needs “body:” or “html:”"):
        delivery(ACTION, {"to": "ana@example.com", "subject": "Hello"}, 1)


# --- The line ---------------------------------------------------------------------------------------------------------


def test_letters_share_a_line(email: Email, mail: Smtp) -> None:
    outcomes = [post(email, number) for number in range(20)]
    assert all(isinstance(one, Result) for one in outcomes)
    assert (len(mail.letters), mail.connections) == (20, 1)


def test_a_line_that_the_server_closed_meanwhile_is_dialled_anew(email: Email, mail: Smtp) -> None:
    post(email, 1)
    mail.hang_up()
    assert isinstance(post(email, 2), Result)
    assert (len(mail.letters), mail.connections) == (2, 2)


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_the_line_is_encrypted(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tls: str) -> None:
    pem = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    with Smtp(certificate=pem, starttls=tls == "starttls", needs_sign_in=True) as mail:
        outcome = once(place, mail, tls=tls, username=USERNAME, password=PASSWORD)
        assert isinstance(outcome, Result)
        assert len(mail.letters) == 1


@pytest.mark.parametrize("tls", ["starttls", "tls"])
@pytest.mark.parametrize("names", [(), ("mail.example",)])
def test_a_certificate_that_cannot_be_trusted_pauses_the_connection(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tls: str, names: tuple[str, ...]
) -> None:
    pem = certificate(tmp_path, *names)
    if names:  # signed by somebody we trust, but for another server
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    with Smtp(certificate=pem, starttls=tls == "starttls") as mail:
        outcome = once(place, mail, tls=tls)
        assert isinstance(outcome, ConfigError)
        assert "certificate" in outcome.message
        assert mail.letters == []


def test_a_server_without_encryption_gets_no_letter_that_wants_it(place: Place, mail: Smtp) -> None:
    outcomes = [once(place, mail, tls=tls) for tls in ("starttls", "tls")]
    assert [type(one) for one in outcomes] == [ConfigError, ConfigError]
    assert mail.letters == []


def test_a_server_that_wants_a_sign_in_pauses_the_connection(place: Place) -> None:
    with Smtp(needs_sign_in=True) as mail:
        outcome = once(place, mail)
    assert isinstance(outcome, ConfigError)
    assert "password" in outcome.hint


def test_a_password_that_smtp_cannot_say_pauses_the_connection(place: Place) -> None:
    with Smtp(needs_sign_in=True) as mail:
        outcome = once(place, mail, username="shop", password="größe")
    assert isinstance(outcome, ConfigError)
    assert "größe" not in str(vars(outcome))


@pytest.mark.parametrize("settings", [{"username": "shop"}, {"password": "secret"}, {"tls": "ssl"}, {"port": 0}])
def test_settings_that_cannot_work_are_refused(place: Place, mail: Smtp, settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        connect(place, mail, **settings)


def test_a_name_that_does_not_exist_is_surely_not_sent(place: Place, mail: Smtp) -> None:
    outcome = once(place, mail, server="no-such-host.invalid")
    assert isinstance(outcome, Retryable)
    assert "no-such-host.invalid" in outcome.message


# --- What the server says -------------------------------------------------------------------------------------------


def test_an_unknown_recipient_is_a_dead_letter_that_names_the_setting_and_not_the_customer(email: Email) -> None:
    outcome = post(email, to="unknown@example.com")
    assert isinstance(outcome, Permanent)
    assert "550" in outcome.message
    assert "“to”" in outcome.message
    assert "unknown@example.com" not in outcome.message


@pytest.mark.parametrize("setting", ["cc", "bcc"])
def test_when_one_recipient_is_refused_nobody_gets_the_letter(email: Email, mail: Smtp, setting: str) -> None:
    outcome = post(email, 1, **{setting: ["office@shop.example", "unknown@example.com"]})
    assert isinstance(outcome, Permanent)
    assert f"“{setting}”" in outcome.message
    assert mail.letters == []
    assert isinstance(post(email, 2), Result)


def test_not_now_is_tried_again(email: Email, mail: Smtp) -> None:
    outcome = post(email, to="later@example.com")
    assert isinstance(outcome, Retryable)
    assert "451" in outcome.message
    assert mail.letters == []


@pytest.mark.parametrize("fault", [Fault.DROP, Fault.HANG, Fault.HTML])
def test_without_a_clear_answer_to_the_whole_letter_nobody_can_tell(email: Email, mail: Smtp, fault: Fault) -> None:
    mail.fail(fault)
    assert isinstance(post(email), Ambiguous)
    assert ACTION.on_unknown == "hold"
