"""What ``hub check --online`` asks Stripe."""

from __future__ import annotations

from typing import Any

from hub.app import stripe_reader
from hub.checkout.context import product_sku
from hub.errors import FetchError, HubError
from hub.rules.products import Product, uncovered
from hub.rules.ruleset import RuleSet
from hub.settings import Environment, read_settings


def products_without_rules(ruleset: RuleSet) -> list[Product]:
    """Raises ``HubError`` when Stripe cannot be asked."""
    reader = stripe_reader(read_settings(Environment()))
    if reader is None:
        raise HubError("Without an API key Stripe's products cannot be read.", "Set STRIPE_API_KEY in .env.")
    try:
        return uncovered(ruleset, [_product(one) for page in reader.products() for one in page])
    except FetchError as error:
        raise HubError(error.message, error.hint) from None


def _product(found: dict[str, Any]) -> Product:
    price = found.get("default_price") or {}
    return Product(
        id=str(found["id"]),
        name=str(found.get("name") or found["id"]),
        sku=product_sku(price, found),
        price_id=price.get("id"),
        metadata={**(found.get("metadata") or {}), **(price.get("metadata") or {})},
    )
