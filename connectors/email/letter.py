"""The letter itself: headers, bodies, and the addresses that the mail server is told."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html.parser import HTMLParser

from connectors.email.attachments import Attachment
from connectors.email.settings import Letter
from hub.connector import Delivery, Permanent

# Bodies in 7 bits: a server that does not know more would have to refuse or rewrite them.
_POLICY = SMTP.clone(cte_type="7bit")
_LONGEST_SUBJECT = 250


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the mail server is told; ``recipients`` with the setting each comes from."""

    message_id: str
    sender: str
    recipients: Sequence[tuple[str, str]]
    content: bytes = field(repr=False)


def sealed(
    delivery: Delivery[Letter], default_sender: str, now: datetime, attachments: Sequence[Attachment] = ()
) -> Envelope:
    """Raises ``Permanent`` when an address cannot be used in mail."""
    params = delivery.params
    sender = _mailbox(params.sender or default_sender)
    recipients = [("to", params.to), *(("cc", one) for one in params.cc), *(("bcc", one) for one in params.bcc)]
    message = EmailMessage(_POLICY)
    message_id = message["Message-ID"] = f"<{delivery.key}@{sender.domain}>"
    message["Date"] = format_datetime(now)
    message["From"] = sender
    message["To"] = _mailbox(params.to)
    if params.cc:
        message["Cc"] = [_mailbox(one) for one in params.cc]
    if params.reply_to:
        message["Reply-To"] = _mailbox(params.reply_to)
    message["Subject"] = _cut(_clean(params.subject))
    # https://www.rfc-editor.org/rfc/rfc3834#section-5: no “out of office” is wanted in answer.
    message["Auto-Submitted"] = "auto-generated"
    _fill(message, params)
    for one in attachments:
        main, _, sub = one.kind.partition("/")
        message.add_attachment(one.content, maintype=main, subtype=sub, filename=one.name)
    known = [(name, _mailbox(address).addr_spec) for name, address in recipients]
    return Envelope(message_id, sender.addr_spec, known, message.as_bytes())


def _mailbox(text: str) -> Address:
    """``Shop <hello@shop.example>`` or the address alone; raises ``Permanent`` when mail cannot express it."""
    name, _, address = text.removesuffix(">").rpartition("<")
    user, _, domain = address.partition("@")
    try:
        return Address(_clean(name).strip(' "'), addr_spec=f"{user}@{domain.encode('idna').decode()}")
    except (ValueError, IndexError):
        # Letters outside ASCII before the @ would need a mail server, on both sides, that knows SMTPUTF8.
        raise Permanent("One of the letter's addresses cannot be used in mail. Correct it in the order.") from None


def _fill(message: EmailMessage, params: Letter) -> None:
    html = None if params.html is None else _clean(params.html)
    message.set_content(_clean(params.body) if params.body is not None else _text_of(html or ""))
    if html is not None:
        message.add_alternative(html, subtype="html")


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _cut(subject: str) -> str:
    return subject if len(subject) <= _LONGEST_SUBJECT else subject[: _LONGEST_SUBJECT - 1] + "…"


class _Words(HTMLParser):
    """Collects the text of a page."""

    _SILENT = frozenset({"head", "style", "script", "title"})
    _BREAKS = frozenset({"br", "p", "div", "tr", "li", "h1", "h2", "h3", "h4", "table", "ul", "ol"})

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in self._SILENT
        if tag in self._BREAKS:
            self.words.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in self._SILENT and self._silent > 0
        if tag in self._BREAKS:
            self.words.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.words.append(re.sub(r"\s+", " ", data))


def _text_of(html: str) -> str:
    """The text of ``html``, for those who read their mail without."""
    words = _Words()
    words.feed(html)
    words.close()
    lines = (line.strip() for line in "".join(words.words).splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"
