"""Expressions: what they mean, what they refuse, and that nothing of Python can be reached."""

from __future__ import annotations

import operator
from decimal import Decimal
from typing import Any

import jinja2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import nodes

from hub.errors import EvaluationError
from hub.model import Context
from hub.money import Money
from hub.rules import parsing, syntax
from tests.unit.rules.shop import messages, order, rendered, rule_if


def met(expression: str, changes: dict[str, Any] | None = None, shop: str | None = None) -> bool:
    quoted = '"' + expression.replace("\\", "\\\\").replace('"', '\\"') + '"'
    rules, rule = rule_if(quoted) if shop is None else rule_if(quoted, shop)
    return rule.condition.met(order(rules, changes))


def problems(expression: str) -> list[str]:
    quoted = '"' + expression.replace("\\", "\\\\").replace('"', '\\"') + '"'
    text = f"""
  - name: Rule
    when: order paid
    if: {quoted}
    do: [{{slack.message: {{channel: "#a", text: Hello}}}}]
"""
    return messages(text)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("order.total > 48.99", True),
        ("order.total == 49", True),
        ("order.total >= 49.01", False),
        ("48 < order.total < 50", True),
        ("48 < order.total < 49", False),
        ("order.item_count * 2 + 1 == 5", True),
        ("order.item_count / 4 == 0.5", True),
        ("-order.item_count < 0", True),
        ("order.total - order.tax == 49", True),
        ("order.total / order.item_count > 24", True),
        ("order.country in ['US', 'CA']", True),
        ("order.country not in ['US', 'CA']", False),
        ("'MUG-01' in order.skus", True),
        ("'MUG' in order.skus", False),
        ("order.mode == 'payment' and not event.live", True),
        ("(order.mode == 'setup' or order.country == 'US') and order.total > 5", True),
        ("order.items | length > 1", False),
        ("(order.items | first).sku == 'MUG-01'", True),
        ("order.skus[0] == 'MUG-01'", True),
        ("order.items.0.name == 'Blue mug'", True),
        ("customer.name | lower == 'ana núñez'", True),
        ("event.live == false", True),
        ("event.live or order.total > 1", True),
        ("now.time > '09:59' and now.weekday == 'Tue'", True),
        ("order.metadata['gift wrap'] == 'yes'", False),
        ("('a' if order.total > 5 else 'b') == 'a'", True),
    ],
)
def test_expressions_mean_what_they_say(expression: str, expected: bool) -> None:
    assert met(expression) is expected


@pytest.mark.parametrize("sign", ["==", "<", "<=", ">", ">="])
def test_a_missing_value_meets_no_comparison(sign: str) -> None:
    assert not met(f"order.total {sign} 5", {"order.total": None})
    assert not met("order.metadata.gift == 'yes'")
    assert not met("order.metadata.gift in ['yes']")


def test_a_missing_value_is_unequal_to_and_not_in_anything() -> None:
    assert met("order.total != 5", {"order.total": None})
    assert met("order.metadata.gift != 'yes'")
    assert met("order.metadata.gift not in ['yes']")


def test_texts_are_compared_exactly_here() -> None:
    assert not met("customer.name == 'ana núñez'")


def test_a_bare_number_is_an_amount_in_the_shops_currency() -> None:
    yen = {"order.total": Money(Decimal(1500), "JPY")}
    assert not met("order.total > 1000", yen)
    assert met("order.total != 1500", yen)


def test_without_a_shop_currency_an_amount_is_a_plain_number_and_there_is_a_warning() -> None:
    yen = {"order.total": Money(Decimal(1500), "JPY")}
    assert met("order.total > 1000", yen, shop="shop: {timezone: Europe/Berlin}")


def test_amounts_of_different_currencies_are_not_calculated_together() -> None:
    with pytest.raises(EvaluationError, match="EUR and JPY"):
        met("order.total - order.tax > 5", {"order.tax": Money(Decimal(5), "JPY")})


def test_division_by_zero_is_a_failure_with_a_sentence() -> None:
    with pytest.raises(EvaluationError, match="cannot be divided"):
        met("order.total / order.item_count > 1", {"order.item_count": 0})


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("order.total", "X08"),
        ("order.skus", "X08"),
        ("order.country == 'Germany'", "C06"),
        ("order.country in ['US', 'Norway']", "C06"),
        ("order.mode == 'one_time'", "C06"),
        ("order.mode > 'payment'", "X09"),
        ("order.paid_at > '2026-01-01'", "X09"),
        ("event.live == 'yes'", "X09"),
        ("order.total in 5", "X09"),
        ("order.country in ('US', 'CA')", "X04"),
        ("order.total is defined", "X04"),
        ("order.total ~ 'x' == 'y'", "X04"),
        ("order.total ** 2 > 5", "X04"),
        ("order.total % 2 == 0", "X04"),
        ("order.skus | map('upper') == 5", "X01"),
        ("order.total > “5”", "X06"),
        ("order.total >", "X14"),
        ("", "X14"),
    ],
)
def test_what_cannot_be_meant_is_one_problem(expression: str, code: str) -> None:
    assert [one.split()[0] for one in problems(expression)] == [code]


#: From the advisories of Jinja's sandbox (CVE-2016-10745, 2019-10906, 2024-56326, 2025-27516) and common payload lists.
ESCAPES = [
    "''.__class__",
    "''.__class__.__mro__[1].__subclasses__()",
    "order.__class__.__init__.__globals__",
    "self.__init__.__globals__",
    "lipsum.__globals__['os'].popen('id').read()",
    "cycler.__init__.__globals__.os",
    "joiner.__init__.__builtins__",
    "namespace.__init__",
    "config.items()",
    "request.application.__globals__",
    "'{0.__class__}'.format(order)",
    "'{a.__class__}'.format_map(order)",
    "order | attr('__class__')",
    "order | attr('items')",
    "(order|attr('get'))('x')",
    "order['__class__']",
    "order.items.append(1)",
    "order.items.__class__",
    "''['__class__']",
    "[].__class__.__base__",
    "(1).__class__",
    "order.total.as_tuple",
    "().__class__",
    "{}.__class__",
    "dict.mro()",
    "range(10)",
    "loop.__class__",
    "caller()",
    "_",
    "__builtins__",
]


@pytest.mark.parametrize("payload", ESCAPES)
def test_no_text_can_reach_a_python_attribute_call_or_import(payload: str) -> None:
    text = f"""
  - name: Rule
    when: order paid
    do:
      - slack.message:
          channel: "#a"
          text: |-
            {{{{ {payload} }}}}
"""
    assert [one.split()[0] for one in messages(text)] != []


@pytest.mark.parametrize(
    "block",
    [
        "set x = 1",
        "macro a()",
        "import 'os' as os",
        "include 'x'",
        "extends 'x'",
        "call x()",
        "filter upper",
        "raw",
        "do x",
    ],
)
def test_only_if_and_for_are_blocks(block: str) -> None:
    text = f"""
  - name: Rule
    when: order paid
    do:
      - slack.message:
          channel: "#a"
          text: |-
            {{% {block} %}}
"""
    assert [one.split()[0] for one in messages(text)] == ["X04"]


@pytest.mark.parametrize("payload", ["{{ 7*7 }}", "{% if 1 %}x{% endif %}", "${SLACK_TOKEN}", "{order.total}"])
def test_data_is_never_a_template(payload: str) -> None:
    assert rendered("{{ customer.name }}", {"customer.name": payload}) == payload
    assert rendered("{{ customer.name | upper | lower }}", {"customer.name": payload}) == payload.lower()


# --- Against Jinja's parser -----------------------------------------------------------------------------------------

_JINJA = jinja2.Environment()

_names = st.sampled_from(["order.total", "order.item_count", "customer.name", "order.skus", "event.live", "item.a.b"])
_constants = st.one_of(
    st.integers(0, 999).map(str),
    st.decimals(0, 99, places=2).map(str),
    st.sampled_from(["'US'", '"two words"', "true", "false", "['a', 'b']", "[]"]),
)


def _combined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    binary = st.sampled_from(["+", "-", "*", "/", "==", "!=", "<", ">=", "in", "not in", "and", "or"])
    filters = st.sampled_from(["upper", "length", "default('x')", "replace('a', 'b')", "first"])
    return st.one_of(
        st.tuples(inner, binary, inner).map(lambda parts: f"{parts[0]} {parts[1]} {parts[2]}"),
        inner.map(lambda text: f"({text})"),
        inner.map(lambda text: f"not {text}"),
        inner.map(lambda text: f"-{text}"),
        st.tuples(inner, filters).map(" | ".join),
        st.tuples(inner, inner, inner).map(lambda parts: f"{parts[0]} if {parts[1]} else {parts[2]}"),
        inner.map(lambda text: f"({text}).name"),
    )


_expressions = st.recursive(st.one_of(_names, _constants), _combined, max_leaves=8)


def _readable(text: str) -> bool:
    """Mixed “and” and “or”, and “-not x”, are refused on purpose."""
    try:
        parsing.expression(text)
    except syntax.SyntaxMistake as error:
        return error.code not in {"X12", "X14"}
    return True


@settings(max_examples=600, deadline=None)
@given(_expressions.filter(_readable))
def test_the_parser_builds_the_tree_that_jinja_builds(text: str) -> None:
    output: Any = _JINJA.parse("{{ " + text + " }}").body[0]
    assert _plain(parsing.expression(text)) == _of_jinja(output.nodes[0])


def _plain(tree: syntax.Expression) -> Any:
    match tree:
        case syntax.Const(value=value):
            return ("const", _number(value))
        case syntax.Path(parts=parts):
            base: Any = ("name", parts[0])
            for part in parts[1:]:
                base = ("part", base, part)
            return base
        case syntax.Part(base=inner, name=name):
            return ("part", _plain(inner), name)
        case syntax.ListOf(elements=elements):
            return ("list", [_plain(one) for one in elements])
        case syntax.Not(operand=inner):
            return ("not", _plain(inner))
        case syntax.Logic(word=word, operands=operands):
            result = _plain(operands[0])
            for one in operands[1:]:
                result = (word, result, _plain(one))
            return result
        case syntax.Compare(first=first, rest=rest):
            return ("compare", _plain(first), [(sign, _plain(one)) for sign, one in rest])
        case syntax.Arithmetic(operator=sign, left=left, right=right):
            return (sign, _plain(left), _plain(right))
        case syntax.Negative(operand=inner):
            return ("neg", _plain(inner))
        case syntax.Choice(condition=condition, then=then, otherwise=otherwise):
            return ("choice", _plain(condition), _plain(then), _plain(otherwise))
        case syntax.Filtered(base=inner, name=name, arguments=arguments):
            return ("filter", _plain(inner), name, [_plain(one) for one in arguments])


_SIGNS = {
    "eq": "==", "ne": "!=", "lt": "<", "lteq": "<=", "gt": ">", "gteq": ">=", "in": "in", "notin": "not in",
}  # fmt: skip


def _of_jinja(node: Any) -> Any:
    match node:
        case nodes.Const(value=value):
            return ("const", _number(value))
        case nodes.Name(name=name):
            return ("name", name)
        case nodes.Getattr(node=inner, attr=attr):
            return ("part", _of_jinja(inner), attr)
        case nodes.List(items=items):
            return ("list", [_of_jinja(one) for one in items])
        case nodes.Not(node=inner):
            return ("not", _of_jinja(inner))
        case nodes.And(left=left, right=right):
            return ("and", _of_jinja(left), _of_jinja(right))
        case nodes.Or(left=left, right=right):
            return ("or", _of_jinja(left), _of_jinja(right))
        case nodes.Compare(expr=first, ops=ops):
            return ("compare", _of_jinja(first), [(_SIGNS[one.op], _of_jinja(one.expr)) for one in ops])
        case nodes.Neg(node=inner):
            return ("neg", _of_jinja(inner))
        case nodes.CondExpr(test=test, expr1=then, expr2=otherwise):
            return ("choice", _of_jinja(test), _of_jinja(then), _of_jinja(otherwise))
        case nodes.Filter(node=inner, name=name, args=args):
            return ("filter", _of_jinja(inner), name, [_of_jinja(one) for one in args])
        case nodes.BinExpr(left=left, right=right):
            return (node.operator, _of_jinja(left), _of_jinja(right))
    raise AssertionError(f"unexpected {node!r}")


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else value


# --- Against a slow, obvious evaluator ------------------------------------------------------------------------------

_CONTEXT_TYPES = {
    "order.total": "amount", "order.tax": "amount", "order.item_count": "number", "order.country": "country",
    "order.metadata.gift": "text", "event.live": "yes/no", "order.skus": "list",
}  # fmt: skip

_values = st.fixed_dictionaries(
    {
        "order.total": st.one_of(st.none(), st.integers(0, 20).map(lambda whole: Money(Decimal(whole), "EUR"))),
        "order.tax": st.one_of(st.none(), st.sampled_from([Money(Decimal(3), "EUR"), Money(Decimal(3), "JPY")])),
        "order.item_count": st.one_of(st.none(), st.integers(0, 5)),
        "order.country": st.sampled_from([None, "US", "DE"]),
        "order.metadata.gift": st.sampled_from([None, "yes", "no"]),
        "event.live": st.booleans(),
        "order.skus": st.lists(st.sampled_from(["A", "B"]), max_size=2),
    }
)
_comparisons = st.one_of(
    st.tuples(
        st.sampled_from(["order.total", "order.tax", "order.item_count"]),
        st.sampled_from(["==", "!=", "<", "<=", ">", ">="]),
        st.integers(0, 6).map(str),
    ),
    st.tuples(st.just("order.total"), st.sampled_from(["==", "!=", "<", ">"]), st.just("order.tax")),
    st.tuples(st.just("order.country"), st.sampled_from(["==", "!="]), st.sampled_from(["'US'", "'DE'"])),
    st.tuples(st.just("order.country"), st.sampled_from(["in", "not in"]), st.just("['US', 'CA']")),
    st.tuples(st.just("order.metadata.gift"), st.sampled_from(["==", "!="]), st.just("'yes'")),
    st.tuples(st.just("'A'"), st.sampled_from(["in", "not in"]), st.just("order.skus")),
    st.just(("event.live", "==", "true")),
)
_conditions = st.recursive(
    _comparisons,
    lambda inner: st.one_of(
        st.tuples(st.just("not"), inner),
        st.tuples(inner, st.just("and"), inner),
        st.tuples(inner, st.just("or"), inner),
    ),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(_conditions, _values)
def test_evaluation_agrees_with_an_obvious_evaluator(condition: Any, values: dict[str, Any]) -> None:
    rules, rule = rule_if('"' + _written(condition) + '"')
    assert rule.condition.met(order(rules, values)) is _obvious(condition, values)


def _written(condition: Any) -> str:
    if condition[0] == "not":
        return f"not ({_written(condition[1])})"
    if condition[1] in {"and", "or"}:
        return f"({_written(condition[0])}) {condition[1]} ({_written(condition[2])})"
    return " ".join(condition)


def _obvious(condition: Any, values: Context) -> bool:
    if condition[0] == "not":
        return not _obvious(condition[1], values)
    if condition[1] == "and":
        return _obvious(condition[0], values) and _obvious(condition[2], values)
    if condition[1] == "or":
        return _obvious(condition[0], values) or _obvious(condition[2], values)
    left, sign, right = condition
    return _compared(_operand(left, values), sign, _operand(right, values))


def _operand(text: str, values: Context) -> Any:
    if text in values:
        return values[text]
    return {"'US'": "US", "'DE'": "DE", "'yes'": "yes", "'A'": "A", "['US', 'CA']": ["US", "CA"], "true": True}.get(
        text, text
    )


def _compared(left: Any, sign: str, right: Any) -> bool:
    opposite = {"!=": "==", "not in": "in"}.get(sign)
    if opposite:
        return not _compared(left, opposite, right)
    if left is None or right is None:
        return False
    if sign == "in":
        return left in right
    if isinstance(left, Money):
        amount, currency = (right.amount, right.currency) if isinstance(right, Money) else (Decimal(right), "EUR")
        if left.currency != currency:
            return False
        left, right = left.amount, amount
    elif isinstance(left, int) and not isinstance(left, bool):
        right = int(right)
    compare = {"==": operator.eq, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}[sign]
    return bool(compare(left, right))
