"""The actions that rules name in these tests: the settings and results of the product's connectors, no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import field_validator, model_validator

from hub.connector import (
    Action,
    Batch,
    Cell,
    Check,
    Connection,
    Delivery,
    Duration,
    EmailAddress,
    Failure,
    Field,
    HeaderText,
    Html,
    Idempotency,
    Json,
    Ledger,
    LedgerAction,
    Mistake,
    Mrkdwn,
    Params,
    PlainText,
    Result,
    Secret,
    Url,
)
from hub.rules.actions import AnyAction


class _Connection(Connection):
    def check(self) -> Check:
        return Check(True, "fine")


class _Action(Action[Any, Any]):
    idempotency: ClassVar[Idempotency] = Idempotency.NONE

    def run(self, connection: Any, batch: Batch[Any]) -> Sequence[Result | Failure]:
        raise AssertionError("nothing is sent in these tests")


class Sheets(_Connection):
    kind: ClassVar[str] = "google_sheets"
    title: ClassVar[str] = "Google Sheets"

    class Config(Params):
        spreadsheet: str
        credentials: Secret
        base_url: str = ""


class Slack(_Connection):
    kind: ClassVar[str] = "slack"
    title: ClassVar[str] = "Slack"

    class Config(Params):
        token: Secret | None = None
        webhook_url: Secret | None = None
        base_url: str = ""


class Email(_Connection):
    kind: ClassVar[str] = "email"
    title: ClassVar[str] = "E-mail"

    class Config(Params):
        server: str
        port: int = 587
        tls: str = "starttls"
        username: str = ""
        password: Secret | None = None
        sender: str = Field(alias="from")


class Http(_Connection):
    kind: ClassVar[str] = "http"
    title: ClassVar[str] = "HTTP"

    class Config(Params):
        base_url: str = ""
        auth: Secret | None = None
        headers: dict[str, str] = Field(default_factory=dict)
        timeout: Duration | None = None
        allow_private: bool = False


class AddRowParams(Params):
    sheet: PlainText = Field(examples=["Orders"])
    columns: dict[str, Cell] = Field(min_length=1, examples=[{"Order": 1042}])


class FindParams(Params):
    sheet: PlainText = Field(examples=["Orders"])
    find: dict[str, Cell] = Field(min_length=1, examples=[{"Order": 1042}])


class UpdateRowParams(FindParams):
    columns: dict[str, Cell] = Field(min_length=1, examples=[{"Status": "sent"}])


class Row(Result):
    row_number: int = Field(examples=[12])
    link: str = Field(examples=["https://docs.google.com/…"])


class Updated(Result):
    found: bool = Field(examples=[True])
    row_number: int | None = Field(None, examples=[12])


class FoundRow(Updated):
    row: dict[str, str] = Field(default_factory=dict)


class AddRow(_Action):
    name: ClassVar[str] = "google_sheets.add_row"
    title: ClassVar[str] = "Add a row to a sheet"
    connection: ClassVar[type[Connection]] = Sheets
    params: ClassVar[type[Params]] = AddRowParams
    result: ClassVar[type[Result]] = Row
    lane: ClassVar[tuple[str, ...]] = ("sheet",)


class UpdateRow(_Action):
    name: ClassVar[str] = "google_sheets.update_row"
    title: ClassVar[str] = "Change a row of a sheet"
    connection: ClassVar[type[Connection]] = Sheets
    params: ClassVar[type[Params]] = UpdateRowParams
    result: ClassVar[type[Result]] = Updated


class FindRow(_Action):
    name: ClassVar[str] = "google_sheets.find_row"
    title: ClassVar[str] = "Find a row in a sheet"
    connection: ClassVar[type[Connection]] = Sheets
    params: ClassVar[type[Params]] = FindParams
    result: ClassVar[type[Result]] = FoundRow


class SlackParams(Params):
    channel: PlainText = Field(examples=["#orders"])
    text: Mrkdwn = Field(examples=["New order"])

    @field_validator("channel")
    @classmethod
    def _begins_with_hash(cls, value: str) -> str:
        if not value.startswith(("#", "C")):
            raise Mistake("A Slack channel starts with #.", f"#{value}")
        return value


class Posted(Result):
    link: str = Field(examples=["https://shop.slack.com/archives/C1/p1"])
    ts: str = Field(examples=["1.1"])


class SlackMessage(_Action):
    name: ClassVar[str] = "slack.message"
    title: ClassVar[str] = "Send a message to a Slack channel"
    connection: ClassVar[type[Connection]] = Slack
    params: ClassVar[type[Params]] = SlackParams
    result: ClassVar[type[Result]] = Posted
    lane: ClassVar[tuple[str, ...]] = ("channel",)


class EmailParams(Params):
    to: EmailAddress = Field(examples=["ana@example.com"])
    subject: HeaderText = Field(examples=["Your order"])
    body: PlainText | None = Field(None, examples=["Thank you"])
    html: Html | None = Field(None, examples=["<p>Thank you</p>"])
    reply_to: EmailAddress | None = Field(None, examples=["hello@example.com"])
    cc: EmailAddress | None = Field(None, examples=["cc@example.com"])
    bcc: EmailAddress | None = Field(None, examples=["bcc@example.com"])
    sender: HeaderText | None = Field(None, alias="from", examples=["Shop <hello@example.com>"])
    attach: PlainText | None = Field(None, examples=["https://example.com/invoice.pdf"])

    @model_validator(mode="after")
    def _has_words(self) -> EmailParams:
        if self.body is None and self.html is None:
            raise Mistake("An e-mail needs “body:” or “html:”.", "body: …")
        return self


class Sent(Result):
    message_id: str = Field(examples=["<1@example.com>"])


class EmailSend(_Action):
    name: ClassVar[str] = "email.send"
    title: ClassVar[str] = "Send an e-mail"
    connection: ClassVar[type[Connection]] = Email
    params: ClassVar[type[Params]] = EmailParams
    result: ClassVar[type[Result]] = Sent


class HttpParams(Params):
    url: Url = Field(examples=["https://api.example.com/orders"])
    method: str = Field("POST", examples=["POST"])
    headers: dict[str, HeaderText] = Field(default_factory=dict, examples=[{"X-Shop": "mugs"}])
    json_: Json = Field(None, alias="json", examples=[{"order": 1042}])
    form: dict[str, PlainText] | None = Field(None, examples=[{"order": "1042"}])
    timeout: Duration | None = Field(None, examples=["20 seconds"])


class Answer(Result):
    status: int = Field(examples=[200])
    json_: Any = Field(None, alias="json")
    text: str = Field("", examples=["ok"])


class HttpRequest(_Action):
    name: ClassVar[str] = "http.request"
    title: ClassVar[str] = "Call a web address"
    connection: ClassVar[type[Connection]] = Http
    params: ClassVar[type[Params]] = HttpParams
    result: ClassVar[type[Result]] = Answer


class StockParams(Params):
    sku: PlainText = Field(min_length=1, examples=["MUG-01"])
    by: int = Field(ge=1, examples=[1])


class Changed(Result):
    sku: str = Field(examples=["MUG-01"])
    before: int = Field(examples=[12])
    left: int = Field(examples=[10])


class _Local(LedgerAction[Any]):
    params: ClassVar[type[Params]] = StockParams
    result: ClassVar[type[Result]] = Changed

    def apply(self, ledger: Ledger, delivery: Delivery[Any]) -> Result:
        raise AssertionError("nothing is moved in these tests")


class Decrease(_Local):
    name: ClassVar[str] = "inventory.decrease"
    title: ClassVar[str] = "Take pieces out of stock"


class Increase(_Local):
    name: ClassVar[str] = "inventory.increase"
    title: ClassVar[str] = "Put pieces into stock"


class TakeParams(Params):
    pool: PlainText = Field(examples=["Font Pro keys"])


class Taken(Result):
    code: str = Field(examples=["AAAA-BBBB"])
    left: int = Field(examples=[500])


class Take(_Local):
    name: ClassVar[str] = "codes.take"
    title: ClassVar[str] = "Take a code from a pool"
    params: ClassVar[type[Params]] = TakeParams
    result: ClassVar[type[Result]] = Taken


ALL: tuple[AnyAction, ...] = (
    AddRow(),
    UpdateRow(),
    FindRow(),
    Decrease(),
    Increase(),
    Take(),
    SlackMessage(),
    EmailSend(),
    HttpRequest(),
)


class Known:
    """Satisfies ``hub.rules.actions.Actions``."""

    @property
    def kinds(self) -> Sequence[str]:
        return list(dict.fromkeys(name.partition(".")[0] for name in self.names))

    @property
    def names(self) -> Sequence[str]:
        return [action.name for action in ALL]

    def get(self, name: str) -> AnyAction | None:
        return next((action for action in ALL if action.name == name), None)

    def actions_of(self, kind: str) -> Mapping[str, AnyAction]:
        return {action.name: action for action in ALL if action.name.partition(".")[0] == kind}

    def connection(self, kind: str) -> type[Connection] | None:
        return next((one.connection for one in self.actions_of(kind).values() if isinstance(one, Action)), None)
