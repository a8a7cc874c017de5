"""The hub's own stock: ``inventory.decrease`` and ``inventory.increase``. Needs no connection."""

from __future__ import annotations

from typing import ClassVar, Literal

from hub.connector import Delivery, Field, Ledger, LedgerAction, Params, PlainText, Result


class Change(Params):
    """How many pieces of what."""

    sku: PlainText = Field(
        min_length=1, max_length=200, description="the stock list's name of the product", examples=["MUG-01"]
    )
    by: int = Field(ge=1, le=1_000_000, description="how many pieces", examples=[1])


class Sold(Change):
    """How many pieces of what were sold, and what to do when there are not enough."""

    oversell: Literal["hold", "allow"] = Field(
        "hold", description="hold: stop and say so when too few are left; allow: go below zero", examples=["allow"]
    )


class Changed(Result):
    """The stock of the SKU around the movement."""

    sku: str = Field(description="the SKU that was moved", examples=["MUG-01"])
    before: int = Field(description="pieces in stock before", examples=[12])
    left: int = Field(description="pieces in stock after", examples=[10])


class Decrease(LedgerAction[Sold]):
    """Takes sold pieces out of stock; below zero only where the rule allows it."""

    name: ClassVar[str] = "inventory.decrease"
    title: ClassVar[str] = "Take pieces out of stock"
    params: ClassVar[type[Params]] = Sold
    result: ClassVar[type[Result]] = Changed

    def apply(self, ledger: Ledger, delivery: Delivery[Sold]) -> Changed:
        below_zero = delivery.params.oversell == "allow"
        return _move(ledger, delivery.key, delivery.subject, delivery.params, -delivery.params.by, "sale", below_zero)


class Increase(LedgerAction[Change]):
    """Puts returned or new pieces into stock."""

    name: ClassVar[str] = "inventory.increase"
    title: ClassVar[str] = "Put pieces into stock"
    params: ClassVar[type[Params]] = Change
    result: ClassVar[type[Result]] = Changed

    def apply(self, ledger: Ledger, delivery: Delivery[Change]) -> Changed:
        return _move(ledger, delivery.key, delivery.subject, delivery.params, delivery.params.by, "restock")


def _move(
    ledger: Ledger, key: str, subject: str, params: Change, delta: int, kind: str, below_zero: bool = False
) -> Changed:
    moved = ledger.move(key=key, sku=params.sku, delta=delta, kind=kind, subject=subject, below_zero=below_zero)
    return Changed(sku=moved.sku, before=moved.before, left=moved.left)


ACTIONS = (Decrease(), Increase())
