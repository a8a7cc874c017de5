"""Texts: what they print, where inserted values go, and that data changes no structure."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import jinja2
import pytest
from babel.numbers import format_currency
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import EvaluationError
from hub.model import Context
from hub.money import STRIPE_DECIMALS, Money
from hub.rules.printing import Printer
from hub.rules.ruleset import Step
from hub.rules.shop import Shop
from tests.unit.rules.shop import SHOP, messages, order, rendered, ruleset

GERMAN = SHOP.replace("currency: EUR", "currency: EUR, language: de")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Order {{ order.number }}", "Order 1042"),
        ("{{ order.total }} {{ order.currency }}", "49.00 EUR"),
        ("{{ order.total | money }}", "€49.00"),
        ("{{ (order.total / 3) | round(2) }}", "16.33"),
        ("{{ (order.total * 2) | money }}", "€98.00"),
        ("{{ order.paid_at | date('D MMMM YYYY') }}", "24 November 2026"),
        ("{{ order.paid_at | date('YYYY-MM-DD HH:mm') }}", "2026-11-24 10:00"),
        ("{{ order.paid_at | date('DD.MM.YY, ddd') }}", "24.11.26, Tue"),
        ("{{ order.paid_at | date }}", "Nov 24, 2026"),
        ("{{ order.reference | default('none') }}", "none"),
        ("{{ order.shipping.phone | default(customer.phone) }}", "+15550100"),
        ("[{{ order.reference }}]", "[]"),
        ("{{ customer.name | upper }}", "ANA NÚÑEZ"),
        ("{{ 'o’brien of the hills' | title }}", "O’brien Of The Hills"),
        ("{{ '  x ' | trim }}|", "x|"),
        ("{{ 'abcdefgh' | truncate(5) }}", "abcd…"),
        ("{{ 'abcde' | truncate(5) }}", "abcde"),
        ("{{ order.id | replace('cs_', '') }}", "test_sample1"),
        ("{{ order.skus | join(' + ') }}", "MUG-01"),
        ("{{ order.skus | json }}", '["MUG-01"]'),
        ("{{ order.item_count }} {{ order.item_count | plural('piece', 'pieces') }}", "2 pieces"),
        ("{{ event.live }}", "no"),
        ("{{ now.weekday }} {{ now.time }}", "Tue 10:00"),
        ("{{ shop.name }}", "Mug & Poster"),
        ("{% if order.reference %}Ref {{ order.reference }}{% else %}no ref{% endif %}", "no ref"),
        ("{% if order.tax %}with tax{% endif %}", ""),
        ("{% if not order.reference and order.total > 5 %}yes{% endif %}", "yes"),
        ("{% for item in order.items %}{{ loop.index }}. {{ item.name }}{% endfor %}", "1. Blue mug"),
        ("{{ order.items[0].name }} {{ order.items.0.sku }}", "Blue mug MUG-01"),
        ("{{ '{{' }} and {{ '}}' }}", "{{ and }}"),
    ],
)
def test_texts_print_what_people_expect(text: str, expected: str) -> None:
    assert rendered(text) == expected


def test_the_shops_language_and_time_zone_are_used() -> None:
    text = "{{ order.total | money }} {{ order.paid_at | date('D. MMMM') }} {{ (order.item_count * 1000) | number }}"
    assert rendered(text, shop=GERMAN) == "49,00\u00a0€ 24. November 2.000"
    assert rendered(
        "{{ order.paid_at | time('HH:mm') }}", {"order.paid_at": datetime(2026, 7, 1, 22, 30, tzinfo=UTC)}
    ) == ("00:30")


@pytest.mark.parametrize(
    ("amount", "currency", "plain", "money"),
    [
        ("1500", "JPY", "1500", "¥1,500"),
        ("5.120", "KWD", "5.120", "KWD\u00a05.120"),
        ("5", "ISK", "5", "ISK\u00a05"),
        ("5.5", "UGX", "5.5", "UGX\u00a05.5"),
        ("1234567.5", "USD", "1234567.50", "$1,234,567.50"),
        ("-3", "EUR", "-3.00", "-€3.00"),
        ("0.005", "EUR", "0.005", "€0.005"),
    ],
)
def test_amounts_have_their_currencys_own_digits(amount: str, currency: str, plain: str, money: str) -> None:
    total = {"order.total": Money(Decimal(amount), currency)}
    assert rendered("{{ order.total }}|{{ order.total | money }}", total) == f"{plain}|{money}"


@settings(max_examples=300, deadline=None)
@given(
    st.decimals(min_value=-10_000_000, max_value=10_000_000, places=2),
    st.sampled_from(["EUR", "USD", "GBP", "CHF", "NOK", "PLN", "BRL", "INR"]),
    st.sampled_from(["en", "de", "fr", "es", "de_CH", "pl", "hi", "sv", "ja", "ar", "he", "nb", "en_IN", "pt_BR"]),
)
def test_money_is_printed_as_babel_prints_it(amount: Decimal, currency: str, language: str) -> None:
    printed = Printer(Shop(language=language)).money(Money(amount, currency))
    # Babel leaves out the space between letters and digits (NOK49.00).
    assert printed.replace("\u00a0", "") == format_currency(amount, currency, locale=language).replace("\u00a0", "")


def test_every_currency_of_stripe_can_be_printed() -> None:
    printer = Printer(Shop())
    for currency in (*STRIPE_DECIMALS, "EUR", "ISK", "UGX", "HUF", "TWD", "MGA"):
        assert printer.money(Money(Decimal(1234), currency)).replace(",", "").find("1234") >= 0


def test_blocks_on_their_own_line_leave_no_empty_line() -> None:
    text = (
        "Items:\n{% for item in order.items %}\n- {{ item.name }}\n{% endfor %}\n{% if order.tax %}\nx{% endif %}\nBye"
    )
    assert rendered(text) == "Items:\n- Blue mug\nBye"


@pytest.mark.parametrize(
    "text",
    [
        "a\n  {% if x %}\n  b\n  {% endif %}\nc",
        "{% for i in l %}\n{{ i }}\n{% endfor %}\nend",
        "{% for i in l %}{{ i }},{% endfor %}",
        "a {% if x -%}   b   {%- endif %} c",
        "{{- x }} and {{ x -}}   z",
        "{% if y %}1{% elif x %}2{% else %}3{% endif %}",
        "{% for i in none_ %}x{% else %}empty{% endfor %}\n",
    ],
)
def test_white_space_is_as_in_jinja(text: str) -> None:
    jinja = jinja2.Environment(trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    expected = jinja.from_string(text).render(x="yes", y="", l=["a", "b"], none_=[])
    names = {"x": "order.metadata.x", "y": "order.metadata.y", "l": "order.skus", "none_": "order.product_ids"}
    ours = text
    for name, path in names.items():
        for before in ("if ", "elif ", "in ", "{{ ", "{{- "):
            ours = ours.replace(f"{before}{name} ", f"{before}{path} ")
    changes = {"order.metadata.x": "yes", "order.skus": ["a", "b"], "order.product_ids": []}
    assert rendered(ours, changes) == expected


def test_a_shared_text_is_the_authors_words_and_only_its_values_are_encoded() -> None:
    more = "texts:\n  bye: '<b>{{ customer.name }}</b>'"
    rules = ruleset(
        """
  - name: Rule
    when: order paid
    do:
      - slack.message: {channel: "#a", text: "{{ texts.bye }} {{ texts.bye | upper }}"}
""",
        more=more,
    )
    sent: Any = rules.rules[0].steps[0].settings(order(rules, {"customer.name": "A<B"}))
    assert sent.text == "<b>A&lt;B</b> &lt;B&gt;A&lt;B&lt;/B&gt;"


def test_a_shared_text_cannot_use_another_one() -> None:
    text = """
  - name: Rule
    when: order paid
    do: [{slack.message: {channel: "#a", text: "{{ texts.a }}"}}]
"""
    found = messages(text, more="texts: {a: 'x {{ texts.b }}', b: y}")
    assert [one.split()[0] for one in found] == ["X02"]


# --- Where values go ------------------------------------------------------------------------------------------------

HOSTILE = [
    '=HYPERLINK("http://x","y")',
    "<!channel>",
    "<script>alert(1)</script>",
    "a\r\nBcc: victim@example.com",
    "{{ 7*7 }}{% raw %}",
    "'; DROP TABLE orders; --",
    "\u202eevil\u0000",
    "x" * 10_000,
]

_STEPS = """
  - name: Rule
    when: order paid
    do:
      - slack.message:
          channel: "#a"
          text: "*{{ customer.name }}* paid <https://shop.example|here>"
      - google_sheets.add_row:
          sheet: Orders
          columns:
            Name: "{{ customer.name }}"
            Total: "{{ order.total }}"
            Count: "{{ order.item_count }}"
            Day: "{{ order.paid_at | date }}"
            At: "{{ order.paid_at }}"
            Mixed: "{{ order.total }} EUR"
            Zip: 01234
            Empty: "{{ order.reference }}"
      - email.send:
          to: "{{ customer.email }}"
          subject: "For {{ customer.name }}"
          html: "<p>{{ customer.name }}</p>"
      - http.request:
          connection: carrier
          url: /orders/{{ customer.name }}?b={{ customer.name | url }}
          headers: {X-Name: "{{ customer.name }}"}
          json:
            name: "{{ customer.name }}"
            text: "by {{ customer.name }}"
            total: "{{ order.total }}"
            skus: "{{ order.skus }}"
            paid: "{{ order.paid_at }}"
            missing: "{{ order.reference }}"
            yes: true
            quoted: "true"
            number: 5
            price: 2.50
            nothing: null
            zip: 01234
            list: [1, "{{ order.number }}"]
"""


def _sent(step: Step, context: Context) -> Any:
    return step.settings(context)


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: name[:12])
def test_hostile_names_change_no_structure_anywhere(name: str) -> None:
    rules = ruleset(_STEPS)
    context = order(rules, {"customer.name": name})
    chat, row, letter, call = (_sent(step, context) for step in rules.rules[0].steps)
    inside = chat.text.removeprefix("*").removesuffix("* paid <https://shop.example|here>")
    assert not {"<", ">"} & set(inside)
    assert row.columns["Name"] == name
    assert "\n" not in letter.subject
    assert "\r" not in letter.subject
    assert letter.html.count("<") == 2
    path = call.url.removeprefix("/orders/")
    assert set(path) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~%?=&")
    assert path.count("?") == 1
    assert path.count("&") == 0
    assert "\n" not in call.headers["X-Name"]
    assert call.json_["name"] == name


def test_values_keep_their_type_where_the_destination_has_types() -> None:
    rules = ruleset(_STEPS)
    context = order(rules)
    row: Any = rules.rules[0].steps[1].settings(context)
    assert row.columns == {
        "Name": "Ana Núñez",
        "Total": Decimal("49.00"),
        "Count": 2,
        "Day": date(2026, 11, 24),
        "At": datetime(2026, 11, 24, 10, 0),
        "Mixed": "49.00 EUR",
        "Zip": "01234",
        "Empty": None,
    }
    call: Any = rules.rules[0].steps[3].settings(context)
    assert call.json_ == {
        "name": "Ana Núñez",
        "text": "by Ana Núñez",
        "total": Decimal("49.00"),
        "skus": ["MUG-01"],
        "paid": "2026-11-24T09:00:00+00:00",
        "missing": None,
        "yes": True,
        "quoted": "true",
        "number": 5,
        "price": Decimal("2.50"),
        "nothing": None,
        "zip": "01234",
        "list": [1, 1042],
    }


def test_what_is_encoded_for_an_address_already_is_not_encoded_twice() -> None:
    rules = ruleset(_STEPS)
    call: Any = rules.rules[0].steps[3].settings(order(rules, {"customer.name": "A B&C"}))
    assert call.url == "/orders/A%20B%26C?b=A%20B%26C"


def test_an_address_that_is_two_fails_the_step_with_a_sentence() -> None:
    rules = ruleset(_STEPS)
    context = order(rules, {"customer.email": "a@example.com, b@example.com"})
    with pytest.raises(EvaluationError, match="is not one e-mail address"):
        rules.rules[0].steps[2].settings(context)


def test_a_text_that_grows_without_end_is_stopped() -> None:
    many = [{"id": f"li_{index}", "name": "x" * 200} for index in range(1_001)]
    text = "{% for item in order.items %}{{ item.name }}{% endfor %}"
    with pytest.raises(EvaluationError, match="loop turns"):
        rendered(text, {"order.items": many})
    with pytest.raises(EvaluationError, match="longer than"):
        rendered(text, {"order.items": many[:600]})


def test_a_value_of_unknown_type_that_is_a_group_does_not_become_text() -> None:
    rules = ruleset(
        """
  - name: Rule
    when: balance.available
    do: [{slack.message: {channel: "#a", text: "Now {{ raw.available }}"}}]
"""
    )
    context = order(rules)
    context["raw"] = {"available": [{"amount": 5}]}
    with pytest.raises(EvaluationError, match="not a single value"):
        rules.rules[0].steps[0].settings(context)
