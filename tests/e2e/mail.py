"""A mail server on loopback: it keeps what it accepts, and fails as told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.e2e.shop import free_port


@dataclass(frozen=True)
class Mail:
    sender: str
    to: tuple[str, ...]
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        parsed = message_from_bytes(self.raw, policy=default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    @property
    def text(self) -> str:
        part = self.message.get_body(("plain",))
        assert part is not None
        content: str = part.get_content()
        return content


@dataclass
class Mailbox:
    """``verdict`` answers each letter: an SMTP reply, or "drop" to accept it and break the connection unanswered."""

    mails: list[Mail] = field(default_factory=list)
    offered: int = 0
    verdict: Callable[[int], str] = lambda _n: "250 OK"
    port: int = field(default_factory=free_port)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 -- aiosmtpd's name
        self.offered += 1
        said = self.verdict(self.offered)
        content = envelope.content
        assert isinstance(content, bytes)
        if said.startswith("250") or said == "drop":
            self.mails.append(Mail(envelope.mail_from or "", tuple(envelope.rcpt_tos), content))
        if said == "drop":
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return said


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=box.port, enable_SMTPUTF8=True)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()
