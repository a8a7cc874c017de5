"""Amounts of money as exact decimals, converted from Stripe's integers. No floats anywhere.

Stripe counts in "the smallest unit", but its units are not those of ISO 4217; the source of every figure here is
https://docs.stripe.com/currencies (read 2026-09-30).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

#: Decimals of Stripe's integer amounts where they differ from two.
_ZERO = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"
_THREE = "BHD JOD KWD OMR TND"
STRIPE_DECIMALS: Mapping[str, int] = {
    **dict.fromkeys(_ZERO.split(), 0),
    **dict.fromkeys(_THREE.split(), 3),
}

#: Currencies that Stripe writes with two decimals for compatibility although people use none: 500 is 5 ISK.
#: (UGX stands in two contradicting lists on Stripe's page; this is the special case, see ``from_stripe``.)
PRINTED_WITHOUT_DECIMALS = frozenset({"ISK", "UGX"})


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount in main units (``Decimal('49.00')`` euros, never cents) and its currency, upper case."""

    amount: Decimal
    currency: str

    def __str__(self) -> str:
        """The amount with its currency's own digits, without the currency: ``49.00``, ``1500``, ``5.120``."""
        return str(with_own_digits(self.amount, self.currency))


def from_stripe(units: int, currency: str, decimals: Mapping[str, int] = STRIPE_DECIMALS) -> Money:
    """Money from Stripe's integer ``units`` of ``currency`` (any case).

    ``decimals`` replaces Stripe's table, e.g. ``STRIPE_DECIMALS | {"UGX": 0}`` for an account whose UGX amounts
    turn out to be whole shillings.
    """
    code = currency.upper()
    return Money(Decimal(units).scaleb(-decimals.get(code, 2)), code)


def to_stripe(money: Money, decimals: Mapping[str, int] = STRIPE_DECIMALS) -> int:
    """Stripe's integer for ``money``; raises ``ValueError`` if the amount has more decimals than Stripe's unit."""
    units = money.amount.scaleb(decimals.get(money.currency, 2))
    if units != units.to_integral_value():
        raise ValueError(f"{money.amount} {money.currency} has more decimals than Stripe's unit")
    return int(units)


def own_digits(currency: str) -> int:
    """How many decimals people write in ``currency``."""
    return 0 if currency in PRINTED_WITHOUT_DECIMALS else STRIPE_DECIMALS.get(currency, 2)


def with_own_digits(amount: Decimal, currency: str) -> Decimal:
    """``amount`` with the currency's own digits; digits that carry value are never dropped (5.50 ISK stays)."""
    step = Decimal(1).scaleb(-own_digits(currency))
    rounded = amount.quantize(step, ROUND_HALF_UP)
    return rounded if rounded == amount else amount
