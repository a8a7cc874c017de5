"""Products that no rule covers: a shop that adds one and forgets its rule sells without anything happening."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from hub.errors import EvaluationError
from hub.model import Context
from hub.rules import catalogue, samples
from hub.rules.conditions import Condition
from hub.rules.ruleset import Rule, RuleSet
from hub.rules.trying import Pretended, rehearse

_ABOUT_PRODUCTS = re.compile(r"\b(?:order\.(?:skus|product_names|product_ids|price_ids)|item\.\w+)")


@dataclass(frozen=True, slots=True)
class Product:
    """A product of the shop as Stripe has it; ``sku`` as orders show it."""

    id: str
    name: str
    sku: str
    price_id: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


def uncovered(ruleset: RuleSet, products: Sequence[Product]) -> list[Product]:
    """The products of which no sale would meet a rule that asks for products; [] when no rule does.

    Every other field is the sample order's, so this can miss some, and a rule with more conditions can be meant.
    """
    rules = [rule for rule in ruleset.for_trigger("order paid") if _asks_for_products(rule)]
    if not rules:
        return []
    return [one for one in products if not any(_would_run(rule, _sold(ruleset, one)) for rule in rules)]


def _asks_for_products(rule: Rule) -> bool:
    conditions = [rule.condition, *(step.condition for step in rule.steps)]
    return any(_ABOUT_PRODUCTS.search(as_told) for one in conditions for as_told in _texts(one))


def _texts(condition: Condition) -> Iterator[str]:
    yield condition.text
    for child in condition.children:
        yield from _texts(child)


def _sold(ruleset: RuleSet, product: Product) -> Context:
    """The sample order with one piece of a product as all that was bought."""
    trigger = catalogue.TRIGGERS["order paid"]
    context = samples.context(trigger, ruleset.shop)
    facts = {"name": product.name, "sku": product.sku, "product_id": product.id, "price_id": product.price_id}
    item = {**context["order"]["items"][0], **facts, "quantity": 1, "metadata": dict(product.metadata)}
    order = {
        **context["order"],
        "items": [item],
        "item_count": 1,
        "skus": [product.sku],
        "product_names": [product.name],
        "product_ids": [product.id],
        "price_ids": [product.price_id],
    }
    return ruleset.complete({**context, "order": order}, now=samples.moment(ruleset.shop))


def _would_run(rule: Rule, context: Context) -> bool:
    """Whether anything of the rule would act; what cannot be told counts as covered."""
    try:
        return any(one.acting for one in rehearse(rule, context, Pretended()))
    except EvaluationError:
        return True
