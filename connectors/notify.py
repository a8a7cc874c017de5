"""Notices through Apprise, to Teams, Discord, Telegram, SMS and some 170 more: ``notify.send``.

Apprise is installed apart: ``pip install "checkout-hub[notify]"``. It sends once and says whether that went well; why
it did not stands only in what it logs, which is read here and goes no further (https://github.com/caronc/apprise).
"""

from __future__ import annotations

import logging
import re
import threading
from typing import Annotated, ClassVar

import apprise

from hub.connector import (
    Action,
    AfterValidator,
    Ambiguous,
    Batch,
    Check,
    ConfigError,
    Connection,
    Delivery,
    Failure,
    Field,
    HeaderText,
    Idempotency,
    Mistake,
    Params,
    Permanent,
    Place,
    PlainText,
    Result,
    Retryable,
    Secret,
)

_LOGGER = logging.getLogger("apprise")
#: Apprise has one log for all, and sends in threads of its own: one notice at a time, to know whose lines these are.
_ONE = threading.Lock()
_STATUS = re.compile(r"error=(\d{3})\b")
_NOT_CONNECTED = re.compile(r"NewConnectionError|NameResolutionError|ConnectTimeout")


def _target(secret: Secret) -> Secret:
    # A list would be several targets, of which some may get a notice and others not.
    if re.search(r"[\s,]+\w+://", secret.get_secret_value()) or _opened(secret) is None:
        raise Mistake("“url” is one address as Apprise knows it, like  discord://…  or  tgram://…", "${NOTIFY_URL}")
    return secret


def _opened(secret: Secret) -> apprise.NotifyBase | None:
    with _Heard():
        found: apprise.NotifyBase | None = apprise.Apprise.instantiate(secret.get_secret_value())
    return found


class Notify(Connection):
    """One target: a channel, a chat, a telephone."""

    kind: ClassVar[str] = "notify"
    title: ClassVar[str] = "Apprise"

    class Config(Params):
        """Where to."""

        url: Annotated[Secret, AfterValidator(_target)] = Field(
            description="the target, as Apprise writes it: https://github.com/caronc/apprise/wiki",
            examples=["${NOTIFY_URL}"],
        )

    def __init__(self, config: Notify.Config, place: Place) -> None:
        super().__init__(config, place)
        self.service = type(_opened(config.url)).__name__.removeprefix("Notify")

    def send(self, title: str, text: str) -> None:
        """Sends one notice, once; raises a ``Failure``."""
        # A new one for each: Apprise keeps one waiting between two sends of the same target.
        with _Heard() as heard:
            sender = apprise.Apprise(asset=apprise.AppriseAsset(storage_mode=apprise.PersistentStoreMode.MEMORY))
            sender.add(self.config.url.get_secret_value())
            # As plain text, so that nothing in it is taken for markup: Apprise encodes it for the target.
            sent = sender.notify(title=title, body=text, body_format=apprise.NotifyFormat.TEXT)
        if not sent:
            raise _failure(self.service, heard.text)

    def check(self) -> Check:
        # No service can be asked without sending something.
        return Check(
            True, f"The address is one of {self.service}. Whether it works shows with the first notice (“url”)."
        )


class _Heard(logging.Handler):
    """What Apprise says meanwhile; nobody else hears it: addresses are secrets, and customers write the texts."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._lines: list[str] = []

    @property
    def text(self) -> str:
        return "\n".join(self._lines)

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())

    def __enter__(self) -> _Heard:
        _ONE.acquire()
        _LOGGER.setLevel(logging.DEBUG)
        _LOGGER.propagate = False
        _LOGGER.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        _LOGGER.removeHandler(self)
        _ONE.release()


def _failure(service: str, heard: str) -> Failure:
    found = _STATUS.search(heard)
    status = int(found[1]) if found else None
    if status in (401, 403, 404, 410):
        return ConfigError(f"{service} does not accept the address ({status}).", "Correct “url” of the connection.")
    if status == 429:
        return Retryable(f"{service} asks to wait: too many notices.")
    if status is not None and 400 <= status < 500:
        return Permanent(f"{service} refuses the notice ({status}). Shorten its text, or look at what it may hold.")
    if status is None and _NOT_CONNECTED.search(heard):
        return Retryable(f"{service} cannot be reached.")
    return Ambiguous(f"{service} did not confirm the notice; it may have arrived all the same.")


class Notice(Params):
    """What to say."""

    text: Annotated[PlainText, Field(min_length=1)] = Field(
        description="what to say", examples=["Order {{ order.number }} is paid"]
    )
    title: HeaderText = Field("", description="a line above it, where the service has one", examples=["New order"])


class Noticed(Result):
    """That the service took it."""

    service: str = Field(description="which service", examples=["Discord"])


class SendNotice(Action[Notify, Notice]):
    """Sends a notice. Nobody can ask such services what has arrived."""

    name: ClassVar[str] = "notify.send"
    title: ClassVar[str] = "Send a notice to Teams, Discord, Telegram, SMS and others"
    connection: ClassVar[type[Connection]] = Notify
    params: ClassVar[type[Params]] = Notice
    result: ClassVar[type[Result]] = Noticed
    idempotency: ClassVar[Idempotency] = Idempotency.NONE
    on_unknown: ClassVar[str] = "resend"

    def run(self, connection: Notify, batch: Batch[Notice]) -> list[Result | Failure]:
        return [_sent(connection, one) for one in batch.deliveries]


def _sent(connection: Notify, delivery: Delivery[Notice]) -> Result | Failure:
    try:
        connection.send(delivery.params.title, delivery.params.text)
    except Failure as failure:
        return failure
    return Noticed(service=connection.service)


ACTIONS = (SendNotice(),)
