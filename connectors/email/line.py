"""The line to a mail server: dialled, checked, and a letter handed over, each failure with what it means.

https://www.rfc-editor.org/rfc/rfc5321
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import socket
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from connectors.email.letter import Envelope
from hub.connector import Ambiguous, ConfigError, Permanent, Retryable


@dataclass(frozen=True, slots=True)
class Server:
    """Where the mail server is, how the line is encrypted (starttls, tls, none), how long to wait (seconds)."""

    name: str
    port: int
    tls: str
    timeout: float


_SIGN_IN = "Correct “username” and “password”; some providers want an app password."


def dialled(server: Server, account: tuple[str, str] | None) -> smtplib.SMTP:
    """A line on which letters can be handed over; ``account``: user and password. Raises a ``Failure``."""
    with _dialling(server):
        line = _opened(server)
        try:
            # A letter and its last line are sent apart; without this, each would cost 40 ms of waiting for the other.
            assert line.sock is not None, "smtplib keeps it from the moment it is connected"
            line.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if server.tls == "starttls":
                line.starttls(context=ssl.create_default_context())
            line.ehlo_or_helo_if_needed()
            if account is not None:
                _sign_in(line, server, *account)
        except BaseException:
            line.close()
            raise
        return line


def _opened(server: Server) -> smtplib.SMTP:
    if server.tls != "tls":
        return smtplib.SMTP(server.name, server.port, timeout=server.timeout)
    context = ssl.create_default_context()
    return smtplib.SMTP_SSL(server.name, server.port, timeout=server.timeout, context=context)


def _sign_in(line: smtplib.SMTP, server: Server, user: str, password: str) -> None:
    try:
        line.login(user, password)
    except smtplib.SMTPNotSupportedError:
        hint = "Remove “username” and “password”, or set “tls” as your provider says."
        raise ConfigError(f"{server.name} offers no sign-in.", hint) from None
    except UnicodeError:
        # Python's smtplib knows ASCII only.
        raise ConfigError("The password has letters outside ASCII.", "Choose another “password”.") from None


def works(line: smtplib.SMTP) -> bool:
    """Whether the server still answers on a line."""
    try:
        return line.noop()[0] == 250
    except (smtplib.SMTPException, OSError):
        return False


@contextlib.contextmanager
def _dialling(server: Server) -> Iterator[None]:
    """Turns what goes wrong before any letter is handed over into a ``Failure``; nothing is in doubt."""
    try:
        yield
    except smtplib.SMTPAuthenticationError as error:
        if error.smtp_code < 500:
            raise Retryable(f"{server.name} cannot check the password now ({error.smtp_code}).") from None
        raise ConfigError(f"{server.name} does not accept the account's password.", _SIGN_IN) from None
    except smtplib.SMTPServerDisconnected:
        raise Retryable(f"{server.name} hung up, or did not answer in time.") from None
    except smtplib.SMTPResponseException as error:
        if error.smtp_code < 500:
            raise Retryable(f"{server.name} takes no letters now ({error.smtp_code}).") from None
        raise ConfigError(f"{server.name} takes no letters from here ({error.smtp_code}).", _SIGN_IN) from None
    except smtplib.SMTPException:
        hint = "Write  tls: tls  with port 465, or ask your provider; “none” sends everything in the clear."
        raise ConfigError(f"{server.name} does not offer what “tls” or the sign-in need.", hint) from None
    except ssl.SSLCertVerificationError:
        hint = "Write “server” as in the certificate, or have the server's certificate renewed."
        raise ConfigError(f"The certificate of {server.name} cannot be trusted.", hint) from None
    except ssl.SSLError:
        hint = "“tls: starttls” belongs to port 587, “tls: tls” to port 465."
        raise ConfigError(f"No secure connection to {server.name}, port {server.port}.", hint) from None
    except OSError:
        raise Retryable(f"{server.name}, port {server.port}, cannot be reached.") from None


def hand_over(line: smtplib.SMTP, envelope: Envelope) -> None:
    """One letter, to all of its recipients or to none; raises a ``Failure``."""
    try:
        _accepted(line.mail(envelope.sender), (250,), "from", envelope)
        for name, address in envelope.recipients:
            _accepted(line.rcpt(address), (250, 251), name, envelope)
        _accepted(line.docmd("DATA"), (354,), "", envelope)
        # Dots at the start of a line are doubled: https://www.rfc-editor.org/rfc/rfc5321#section-4.5.2
        line.send(re.sub(rb"(?m)^\.", b"..", envelope.content))
    except (smtplib.SMTPException, OSError):
        raise Retryable("The mail server hung up before the letter was handed over.") from None
    try:
        # Only with this line is the letter complete; until then the server cannot have taken it.
        line.send(b".\r\n")
        reply = line.getreply()
    except (smtplib.SMTPException, OSError):
        raise Ambiguous("The mail server hung up without saying whether it took the letter.") from None
    if reply[0] // 100 not in (2, 4, 5):
        raise Ambiguous("The mail server gave no sensible answer; it may have taken the letter.")
    _accepted(reply, range(200, 300), "", envelope)


def _accepted(reply: tuple[int, bytes], wanted: Sequence[int], setting: str, envelope: Envelope) -> None:
    """Raises what a reply means, unless it is one that was wanted; ``setting``: whose address it is about."""
    code, said = reply
    if code in wanted:
        return
    words = f"{code} {_without_addresses(said, envelope)}"
    if 400 <= code < 500:
        raise Retryable(f"The mail server does not take the letter now: {words}")
    if code in (530, 534, 535, 538):
        raise ConfigError(f"The mail server wants a sign-in: {words}", _SIGN_IN)
    if code >= 500:
        what = f"the address in “{setting}”" if setting else "the letter"
        raise Permanent(f"The mail server refused {what}: {words}")
    raise Retryable("The mail server gave no sensible answer.")


def _without_addresses(said: bytes, envelope: Envelope) -> str:
    """A reply without the customer's address, in one short line."""
    text = " ".join(said.decode("utf-8", "replace").split())
    for _, address in envelope.recipients:
        text = re.sub(re.escape(address), "…", text, flags=re.IGNORECASE)
    return text[:200]
