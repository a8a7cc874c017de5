"""What a customer typed changes no structure at any destination, with the settings that the connectors declare."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any, Literal, get_args, get_origin
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import EvaluationError
from hub.model import Context
from hub.registry import Registry
from hub.rules.load import load_texts
from hub.rules.slots import Slot, settings_of
from tests.unit.rules.shop import order

RULES = """
connections:
  slack: {token: "${T}"}
  spreadsheet: {file: orders.xlsx}
  email: {server: smtp.example.com, from: shop@example.com}
  carrier: {type: http, base_url: "https://carrier.example"}
rules:
  - name: Rule
    when: order paid
    do:
      - slack.message: {channel: "#a", text: "*{{ customer.name }}* paid <https://shop.example|here>"}
      - spreadsheet.add_row: {sheet: Orders, columns: {Name: "{{ customer.name }}", Note: "by {{ customer.name }}"}}
      - email.send:
          to: ana@example.com
          subject: "For {{ customer.name }}"
          body: "Dear {{ customer.name }}"
          html: "<p>{{ customer.name }}</p>"
      - http.request:
          connection: carrier
          url: /orders/{{ customer.name }}/parcels?by={{ customer.name }}&is=new
          headers: {X-Name: "{{ customer.name }}"}
          json: {name: "{{ customer.name }}", list: ["{{ customer.name }}", 1]}
      - http.request:
          connection: carrier
          url: /forms
          form: {name: "{{ customer.name }}"}
"""
_LOADED = load_texts({"rules.yaml": RULES}, Registry(), {"T": "xoxb-1"})

#: Signs that mean something to one destination or another, among any others.
_SIGNS = [
    "<",
    ">",
    "&",
    '"',
    "'",
    "\r\n",
    "\n",
    "\x00",
    "\u2028",
    "/",
    "?",
    "#",
    "..",
    "=",
    "+",
    "@",
    "%0a",
    "{{",
    "%}",
]
_PIECES = [
    "<!channel>",
    "<script>",
    "Bcc: a@example.com",
    "=IMPORTXML(1)",
    "{{ order.id }}",
    "</p>",
    "&amp;",
    '"}',
    "Ana",
]
hostile = st.lists(st.sampled_from([*_SIGNS, *_PIECES]) | st.characters(exclude_categories=["Cs"]), min_size=1).map(
    "".join
)


def _takes_text(annotation: Any) -> bool:
    """Whether a setting holds any text at all: not a number, a length of time, yes or no, one word of several."""
    members = get_args(annotation)
    if get_origin(annotation) is Literal:
        return False
    return annotation in (str, Any) or any(_takes_text(one) for one in members)


def _leaf(slot: Slot) -> Slot:
    return slot if slot.inner is None else _leaf(slot.inner)


@pytest.mark.parametrize("name", Registry().names)
def test_every_setting_says_how_what_is_inserted_is_written(name: str) -> None:
    action = Registry().get(name)
    assert action is not None
    texts = {info.alias or field for field, info in action.params.model_fields.items() if _takes_text(info.annotation)}
    silent = {one.name for one in settings_of(action.params).values() if _leaf(one.slot).encoding is None}
    assert texts
    assert texts & silent == set()


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(f"/{tag}")


def _tags(text: str) -> list[str]:
    reader = _Tags()
    reader.feed(text)
    return reader.tags


def _is_one_line(text: str) -> bool:
    return len(text.splitlines()) <= 1 and "\x00" not in text


def _sent(name: str) -> list[Any]:
    rules = _LOADED.ruleset
    assert rules is not None, _LOADED.problems
    context: Context = order(rules, {"customer.name": name})
    return [step.settings(context) for step in rules.rules[0].steps]


@pytest.mark.parametrize("name", [".", "..", "/..", "../42", "Ana/./Núñez"])
def test_a_name_with_dots_for_a_folder_does_not_choose_another_address(name: str) -> None:
    with pytest.raises(EvaluationError, match=r"only dots|“\.\.” as a part of its path"):
        _sent(name)


@given(hostile.filter(lambda name: not {".", ".."} & set(name.split("/"))))
def test_what_a_customer_typed_changes_no_structure_anywhere(name: str) -> None:
    chat, row, letter, call, form = _sent(name)

    inserted = chat.text.removeprefix("*").removesuffix("* paid <https://shop.example|here>")
    assert not {"<", ">"} & set(inserted)
    assert set(row.columns) == {"Name", "Note"}
    assert row.columns["Note"] == f"by {name}"
    assert _is_one_line(letter.subject)
    assert (letter.to, _tags(letter.html)) == ("ana@example.com", ["p", "/p"])
    assert letter.body == f"Dear {name}"

    url = urlsplit(call.url)
    assert (url.scheme, url.netloc, url.fragment) == ("", "", "")
    first, orders, inside, parcels = url.path.split("/")
    assert (first, orders, unquote(inside), parcels) == ("", "orders", name, "parcels")
    assert parse_qs(url.query) == {"by": [name], "is": ["new"]}
    assert _is_one_line(call.headers["X-Name"])
    assert call.json_ == {"name": name, "list": [name, 1]}
    assert form.form == {"name": name}
