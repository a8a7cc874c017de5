"""A fake mail server over real SMTP: keeps what it takes, refuses what it is told to, with TLS and sign-in if asked.

::

    with Smtp() as mail:
        connection = {"server": mail.host, "port": mail.port, "tls": "none", "from": "hello@shop.example"}
        …
        mail.letters[0].message["Subject"], mail.counts[effect_key]

It knows no ``unknown@…`` (550) and is never ready for ``later@…`` (451). Of the faults, a 503 after the effect is a
dropped connection here: SMTP has no word for it.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from hub.testing import fakes
from hub.testing.fakes import HTML, Fake
from hub.testing.faults import Fault
from hub.testing.serving import Serving

USERNAME, PASSWORD = "shop", "right-password"


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter as it was taken: the envelope's addresses, and the content."""

    sender: str
    recipients: Sequence[str]
    content: bytes

    @property
    def message(self) -> EmailMessage:
        """The letter as a mail program reads it."""
        message = message_from_bytes(self.content, policy=default)
        assert isinstance(message, EmailMessage)
        return message


class Smtp(Fake):
    """The fake. ``certificate`` (PEM, with key) makes it speak TLS: from the start, or (``starttls``) when asked to.

    ``needs_sign_in``: it takes letters from ``USERNAME`` with ``PASSWORD`` only. Its control is over HTTP.
    """

    host = "127.0.0.1"

    def __init__(
        self, port: int = 0, *, certificate: Path | None = None, starttls: bool = False, needs_sign_in: bool = False
    ) -> None:
        super().__init__()
        self.letters: list[Letter] = []
        self.connections = 0
        self.needs_sign_in = needs_sign_in
        self._open: set[SMTP] = set()
        self._met: WeakKeyDictionary[Session, Fault] = WeakKeyDictionary()  # what the current letter meets
        self._listener = socket.create_server((self.host, port))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"smtp://{self.host}:{self.port}"
        self._context = _context(certificate)
        self._starttls = starttls
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="fake", daemon=True)
        self._thread.start()
        self._control = Serving(self.control)
        self.control_url = self._control.url

    def stop(self) -> None:
        self._control.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._listener.close()

    def hang_up(self) -> None:
        """Closes every connection, as servers do with idle ones."""
        closed = threading.Event()

        def close() -> None:
            self._abort()
            closed.set()

        self._loop.call_soon_threadsafe(close)
        closed.wait()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        context = None if self._starttls else self._context
        server = self._loop.run_until_complete(
            self._loop.create_server(self._connected, sock=self._listener, ssl=context)
        )
        self._loop.run_forever()
        server.close()
        self._abort()
        self._loop.run_until_complete(_end())
        self._loop.close()

    def _connected(self) -> SMTP:
        self.connections += 1
        speaker = SMTP(
            self,
            hostname="mail.fake.example",
            tls_context=self._context if self._starttls else None,
            auth_require_tls=False,
            authenticator=self._signed_in,
            loop=self._loop,
        )
        self._open.add(speaker)
        return speaker

    def _abort(self) -> None:
        for speaker in self._open:
            if isinstance(speaker.transport, asyncio.Transport):
                speaker.transport.abort()
        self._open.clear()

    # --- What aiosmtpd calls, by its names ---

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        fault = self._met[session] = self.fault()
        if self.needs_sign_in and not session.authenticated:
            return "530 5.7.0 Authentication required"
        match fault:
            case Fault.TOO_MANY:
                return "450 4.7.1 Too many messages, slow down"
            case Fault.BEFORE:
                return "451 4.3.0 Try again later"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        match address.partition("@")[0]:
            case "unknown":
                return f"550 5.1.1 <{address}>: no such mailbox"
            case "later":
                return f"451 4.7.1 <{address}>: greylisted, try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        fault = self._met[session]
        if fault is Fault.HANG:
            await asyncio.Event().wait()
        if fault is Fault.HTML:
            return HTML
        self._take(envelope)
        if fault in (Fault.DROP, Fault.AFTER) and isinstance(server.transport, asyncio.Transport):
            server.transport.abort()
        return "250 OK: taken"

    def _signed_in(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any) -> AuthResult:
        return AuthResult(success=given == LoginPassword(USERNAME.encode(), PASSWORD.encode()), handled=False)

    def _take(self, envelope: Envelope) -> None:
        content = envelope.content
        assert isinstance(content, bytes)
        self.letters.append(Letter(envelope.mail_from or "", tuple(envelope.rcpt_tos), content))
        key = re.search(rb"(?im)^Message-ID:\s*<([0-9a-f]{32})@", content)
        if key:
            self.counts[key[1].decode()] += 1


def _context(certificate: Path | None) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


async def _end() -> None:
    """Lets what was cancelled come to its end."""
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


if __name__ == "__main__":
    fakes.run(Smtp)
