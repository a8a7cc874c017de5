"""Letters by SMTP: ``email.send``, and ``email.digest`` for what can wait and go together.

A letter cannot be taken back, and SMTP does not notice one that is sent again: what is in doubt waits for a person,
unless the rule says otherwise. Every try carries the same Message-ID.
"""

from __future__ import annotations

import contextlib
import smtplib
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar, Literal

from connectors import digests
from connectors.email.attachments import STRIPE, Sources
from connectors.email.letter import sealed
from connectors.email.line import Server, dialled, hand_over, works
from connectors.email.settings import Entry, Letter, Sent
from hub.connector import (
    Action,
    Batch,
    Check,
    ConfigError,
    Connection,
    Delivery,
    Failure,
    Field,
    Idempotency,
    LeftOver,
    Mailbox,
    Mistake,
    Params,
    Place,
    Result,
    Secret,
    Timeout,
    model_validator,
)

_PORTS = {"starttls": 587, "tls": 465, "none": 25}


class Email(Connection):
    """A mail server and the account that sends; its one line to the server is kept open."""

    kind: ClassVar[str] = "email"
    title: ClassVar[str] = "E-mail"

    class Config(Params):
        """The mail server, as its provider describes it."""

        server: str = Field(min_length=1, description="the mail server's name", examples=["smtp.example.com"])
        port: int | None = Field(
            None, ge=1, le=65535, description="587 with starttls, 465 with tls, 25 with none", examples=[587]
        )
        tls: Literal["starttls", "tls", "none"] = Field(
            "starttls", description="how the line is encrypted", examples=["starttls"]
        )
        username: str | None = Field(None, description="the account", examples=["${SMTP_USER}"])
        password: Secret | None = Field(None, description="its password", examples=["${SMTP_PASSWORD}"])
        sender: Mailbox = Field(
            alias="from", description="who the letters come from", examples=["Shop <hello@shop.example>"]
        )
        attach_folder: Path | None = Field(
            None, description="the folder that attached files are in", examples=["attachments"]
        )
        attach_from: list[str] = Field(
            list(STRIPE), description="how addresses begin that documents may come from", examples=[list(STRIPE)]
        )
        # A server may look at a letter for a while before it takes it; giving up sooner leaves doubt.
        timeout: Timeout = Field(
            timedelta(seconds=60), description="how long to wait for an answer", examples=["60 seconds"]
        )

        @model_validator(mode="after")
        def _both_or_none(self) -> Email.Config:
            if (self.username is None) != (self.password is None):
                raise Mistake("“username:” and “password:” go together.", "password: ${SMTP_PASSWORD}")
            return self

    def __init__(self, config: Email.Config, place: Place) -> None:
        super().__init__(config, place)
        self._lock = threading.Lock()
        self._line: smtplib.SMTP | None = None

    def send(self, delivery: Delivery[Letter]) -> Sent:
        """Hands a letter over; raises a ``Failure``."""
        now = datetime.fromtimestamp(self.place.clock.now() / 1000, UTC)
        sources = Sources(self.config.attach_folder, self.config.attach_from)
        attachments = [sources.read(one) for one in delivery.params.attach]
        envelope = sealed(delivery, self.config.sender, now, attachments)
        with self._lock:
            line = self._ready()
            try:
                hand_over(line, envelope)
            except Failure:
                self._hang_up()
                raise
        return Sent(message_id=envelope.message_id)

    def check(self) -> Check:
        try:
            with self._lock:
                self._ready()
        except ConfigError as failure:
            return Check(False, failure.message, failure.hint)
        except Failure as failure:
            return Check(False, failure.message, "Are “server”, “port” and “tls” right?")
        return Check(True, f"{self.config.server} takes letters{' from this account' if self.config.username else ''}.")

    def close(self) -> None:
        with self._lock:
            if self._line is not None:
                with contextlib.suppress(smtplib.SMTPException, OSError):
                    self._line.putcmd("quit")
            self._hang_up()

    def _ready(self) -> smtplib.SMTP:
        """The line, if it still works, or a new one; raises a ``Failure``."""
        if self._line is not None and not works(self._line):
            self._hang_up()
        if self._line is None:
            self._line = self._dialled()
        return self._line

    def _hang_up(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    def _dialled(self) -> smtplib.SMTP:
        config = self.config
        account = None if config.username is None else (config.username, config.password.get_secret_value())
        port, seconds = config.port or _PORTS[config.tls], config.timeout.total_seconds()
        return dialled(Server(config.server, port, config.tls, seconds), account)


class SendEmail(Action[Email, Letter]):
    """Sends a letter to one person."""

    name: ClassVar[str] = "email.send"
    title: ClassVar[str] = "Send an e-mail"
    connection: ClassVar[type[Connection]] = Email
    params: ClassVar[type[Params]] = Letter
    result: ClassVar[type[Result]] = Sent
    idempotency: ClassVar[Idempotency] = Idempotency.NONE
    on_unknown: ClassVar[str] = "hold"

    def run(self, connection: Email, batch: Batch[Letter]) -> list[Result | Failure]:
        return [_tried(connection, one) for one in batch.deliveries]


class SendDigest(Action[Email, Entry]):
    """Gathers what orders have to say and sends it in one letter."""

    name: ClassVar[str] = "email.digest"
    title: ClassVar[str] = "Gather entries for one e-mail an hour or a day"
    connection: ClassVar[type[Connection]] = Email
    params: ClassVar[type[Params]] = Entry
    result: ClassVar[type[Result]] = Sent
    idempotency: ClassVar[Idempotency] = Idempotency.NONE
    on_unknown: ClassVar[str] = "hold"
    lane: ClassVar[tuple[str, ...]] = ("to", "subject")
    max_batch: ClassVar[int] = 500

    def not_before(self, params: Entry, now: datetime) -> datetime | None:
        return digests.due(params.digest, now)

    def run(self, connection: Email, batch: Batch[Entry]) -> list[Result | Failure]:
        first = batch.deliveries[0]
        together = [one for one in batch.deliveries if _letter_of(one) == _letter_of(first)]
        body = "\n".join(one.params.text.strip() for one in together)
        letter = Letter(to=first.params.to, subject=first.params.subject, body=body)
        outcome = _tried(connection, Delivery(first.key, letter, first.attempt, first.subject))
        return [outcome if one in together else LeftOver() for one in batch.deliveries]


def _letter_of(entry: Delivery[Entry]) -> tuple[str, str]:
    return entry.params.to, entry.params.subject


def _tried(connection: Email, delivery: Delivery[Letter]) -> Result | Failure:
    try:
        return connection.send(delivery)
    except Failure as failure:
        return failure


ACTIONS = (SendEmail(), SendDigest())
