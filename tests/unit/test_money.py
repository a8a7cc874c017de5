"""Stripe's units, as its currency page gives them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.money import STRIPE_DECIMALS, Money, from_stripe, to_stripe


@pytest.mark.parametrize(
    ("units", "currency", "printed"),
    [
        (500, "usd", "5.00"),
        (4900, "EUR", "49.00"),
        (500, "jpy", "500"),
        (5120, "kwd", "5.120"),
        (500, "isk", "5"),
        (550, "isk", "5.50"),
        (500, "ugx", "5"),
        (500, "mga", "500"),
        (123456, "huf", "1234.56"),
        (123456, "twd", "1234.56"),
        (0, "usd", "0.00"),
        (-250, "usd", "-2.50"),
        (10**15, "usd", "10000000000000.00"),
    ],
)
def test_amounts_print_with_their_currencys_own_digits(units: int, currency: str, printed: str) -> None:
    assert str(from_stripe(units, currency)) == printed


def test_an_account_whose_shillings_are_whole_says_so() -> None:
    assert str(from_stripe(500, "ugx", {**STRIPE_DECIMALS, "UGX": 0})) == "500"


@given(st.integers(-(10**15), 10**15), st.sampled_from(["USD", "JPY", "KWD", "ISK", "UGX", "HUF"]))
def test_nothing_is_lost_on_the_way_there_and_back(units: int, currency: str) -> None:
    assert to_stripe(from_stripe(units, currency)) == units


def test_a_fraction_of_stripes_unit_is_refused_rather_than_rounded() -> None:
    with pytest.raises(ValueError, match="more decimals"):
        to_stripe(Money(Decimal("0.005"), "USD"))
