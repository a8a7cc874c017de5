"""What a step says, and what it gets to know: the settings and results of ``email.send``."""

from __future__ import annotations

from typing import Annotated

from connectors.digests import Digest
from hub.connector import (
    BeforeValidator,
    EmailAddress,
    Field,
    HeaderText,
    Html,
    Mailbox,
    Mistake,
    Params,
    PlainText,
    Result,
    model_validator,
)


def _several(value: object) -> object:
    return [value] if isinstance(value, str) else value


Addresses = Annotated[list[EmailAddress], BeforeValidator(_several)]
Texts = Annotated[list[PlainText], BeforeValidator(_several)]


class Letter(Params):
    """A letter to one person."""

    to: EmailAddress = Field(description="who gets it: one address", examples=["{{ customer.email }}"])
    subject: HeaderText = Field(description="the subject, one line", examples=["Your order {{ order.number }}"])
    body: PlainText | None = Field(None, description="the text", examples=["Thank you for your order."])
    html: Html | None = Field(
        None, description="the text as HTML, besides or instead", examples=["<p>Thank you for your order.</p>"]
    )
    reply_to: EmailAddress | None = Field(None, description="where answers go", examples=["{{ shop.email }}"])
    cc: Addresses = Field([], description="who gets a copy and is named", examples=["office@shop.example"])
    bcc: Addresses = Field([], description="who gets a copy and is not named", examples=["archive@shop.example"])
    attach: Texts = Field(
        [], description="files of attach_folder, or documents of Stripe by address", examples=["{{ invoice.pdf_url }}"]
    )
    sender: Mailbox | None = Field(
        None, alias="from", description="another sender than the connection's", examples=["Shop <hello@shop.example>"]
    )

    @model_validator(mode="after")
    def _has_words(self) -> Letter:
        if self.body is None and self.html is None:
            raise Mistake("An e-mail needs “body:” or “html:”.", "body: …")
        return self


class Entry(Params):
    """What one order adds to a letter that gathers several."""

    to: EmailAddress = Field(description="who gets it: one address", examples=["{{ shop.email }}"])
    subject: HeaderText = Field(
        description="the letter's subject; entries of one subject go together", examples=["Orders"]
    )
    text: Annotated[PlainText, Field(min_length=1)] = Field(
        description="a line or more about this order", examples=["{{ order.number }}: {{ order.total | money }}"]
    )
    digest: Digest = Field("daily 18:00", description="hourly, or daily with a time of the shop's", examples=["hourly"])


class Sent(Result):
    """The letter as the mail server took it; whether it is read is another matter."""

    message_id: str = Field(description="the letter's Message-ID", examples=["<9f2c@shop.example>"])
