"""A first rule without knowing the language: a few questions, and the hub writes the lines and shows what they do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

from hub.rules.ruleset import ConnectionSpec
from hub.rules.writing import with_connection, with_rule
from hub.web.console import draft
from hub.web.console.desk import Desk, Visit
from hub.web.console.rules_page import editor

#: What a row holds, in the order of its columns.
_COLUMNS = {
    "Date": "{{ order.paid_at | date }}",
    "Order": "{{ order.number }}",
    "Customer": "{{ customer.name }}",
    "E-mail": "{{ customer.email }}",
    "Products": "{{ order.product_names | join(', ') }}",
    "Pieces": "{{ order.item_count }}",
    "Total": "{{ order.total }}",
    "Currency": "{{ order.currency }}",
}
_MESSAGE = "New order {{ order.number }}: {{ order.total | money }} from {{ customer.name }}"
_SUBJECT = "Your order {{ order.number }}"
_BODY = """Hello {{ customer.first_name | default('there') }},

thank you for your order {{ order.number }}."""
_CODE = "Your code:  {{ steps.code.code }}"
#: Where each kind of rule can go: connections of these kinds.
KINDS = {"row": ("google_sheets", "spreadsheet"), "message": ("slack",), "letter": ("email",)}
_LABELS = {"name": "a name for the rule", "sheet": "the tab", "channel": "the channel", "text": "the message"}
_LABELS |= {"subject": "the subject", "body": "the letter", "spreadsheet": "the link to the spreadsheet"}
_LABELS |= {"server": "the mail server", "from": "the sender", "file": "the file's name"}


@dataclass(frozen=True, slots=True)
class Added:
    """A connection that is not there yet: its settings, and the names that belong into ``.env``."""

    kind: str
    settings: Mapping[str, str]
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Answers:
    """What was typed; ``missing``: what would have had to be."""

    visit: Visit
    missing: list[str] = field(default_factory=list)

    def __getitem__(self, name: str) -> str:
        given = self.visit.form.get(name, "").replace("\r\n", "\n").strip()
        if not given:
            self.missing.append(_LABELS[name])
        return given


def ask(desk: Desk, visit: Visit) -> Response:
    """The questions."""
    return _questions(desk, visit)


def write(desk: Desk, visit: Visit) -> Response:
    """The rules with one more, in the editor: nothing is saved yet."""
    what, files = visit.given("what"), draft.files_now(desk)
    loaded = draft.read(desk, files)
    if loaded.ruleset is None:
        return _questions(desk, visit, "The rules file has a mistake that has to be corrected first.")
    if what not in KINDS:
        return _questions(desk, visit, "Choose what should happen.")
    answers, to = _Answers(visit), visit.given("to")
    added = None if to in _usable(loaded.ruleset.connections, what) else _new(to, what, answers)
    name = to if added is None else _free_name(added.kind, loaded.ruleset.connections)
    kind = loaded.ruleset.connections[to].kind if added is None else added.kind
    rule = _rule(what, kind, name, answers, visit.given("pool"))
    if answers.missing:
        return _questions(desk, visit, f"Say also: {', '.join(dict.fromkeys(answers.missing))}.")
    main, written = next(iter(files.items()))
    text = written if added is None else with_connection(written, name, _settings(added, name))
    text = None if text is None else with_rule(text, rule)
    if text is None:
        return _questions(desk, visit, "The file is written in a way that the hub cannot add to. Change it by hand.")
    files = {**files, main: text}
    loaded = draft.read(desk, files)
    effect = None if loaded.ruleset is None else draft.effect(desk, loaded.ruleset)
    return editor(desk, visit, files, loaded, effect, now=written, to_set=added.names if added else ())


def _questions(desk: Desk, visit: Visit, wrong: str = "") -> Response:
    connections = desk.hub.rulebook.current[1].connections
    usable = {what: _usable(connections, what) for what in KINDS}
    preset = {"text": _MESSAGE, "subject": _SUBJECT, "body": _BODY}
    given = visit.form if wrong else {}
    status = 422 if wrong else 200
    return desk.page(visit, "rules_new.html", status, usable=usable, preset=preset, given=given, wrong=wrong)


def _usable(connections: Mapping[str, ConnectionSpec], what: str) -> list[str]:
    return [name for name, one in connections.items() if one.kind in KINDS[what]]


def _new(to: str, what: str, answers: _Answers) -> Added:
    """The connection that a rule needs beside those that are there. Secrets are named, never asked for."""
    if what == "message":
        return Added("slack", {"token": "${SLACK_TOKEN}"}, ("SLACK_TOKEN",))
    if what == "letter":
        account = {"username": "${SMTP_USER}", "password": "${SMTP_PASSWORD}"}
        settings = {"server": answers["server"], **account, "from": answers["from"]}
        return Added("email", settings, ("SMTP_USER", "SMTP_PASSWORD"))
    if to == "+file":
        return Added("spreadsheet", {"file": answers["file"]})
    settings = {"spreadsheet": answers["spreadsheet"], "credentials": "${GOOGLE_CREDENTIALS}"}
    return Added("google_sheets", settings, ("GOOGLE_CREDENTIALS",))


def _free_name(kind: str, connections: Mapping[str, ConnectionSpec]) -> str:
    names = (kind, *(f"{kind} {number}" for number in range(2, len(connections) + 3)))
    return next(name for name in names if name not in connections)


def _settings(added: Added, name: str) -> dict[str, str]:
    return dict(added.settings) if name == added.kind else {"type": added.kind, **added.settings}


def _rule(what: str, kind: str, connection: str, answers: _Answers, pool: str) -> dict[str, Any]:
    via = {} if connection == kind else {"connection": connection}
    steps: list[dict[str, Any]]
    if what == "row":
        steps = [{f"{kind}.add_row": {**via, "sheet": answers["sheet"], "columns": _COLUMNS}}]
    elif what == "message":
        steps = [{"slack.message": {**via, "channel": answers["channel"], "text": answers["text"]}}]
    else:
        body = answers["body"] + (f"\n\n{_CODE}" if pool else "")
        letter = {**via, "to": "{{ customer.email }}", "subject": answers["subject"], "body": body}
        steps = [{"id": "code", "codes.take": {"pool": pool}}] if pool else []
        steps.append({"email.send": letter})
    return {"name": answers["name"], "when": "order paid", "do": steps}
