"""The hub's own stock: ``inventory.decrease`` and ``inventory.increase``. Needs no connection."""

from __future__ import annotations

from typing import ClassVar

from hub.connector import Delivery, Field, Ledger, LedgerAction, Params, PlainText, Result


class Change(Params):
    """How many pieces of what."""

    sku: PlainText = Field(
        min_length=1, max_length=200, description="the stock list's name of the product", examples=["MUG-01"]
    )
    by: int = Field(ge=1, le=1_000_000, description="how many pieces", examples=[1])


class Changed(Result):
    """The stock of the SKU around the movement."""

    sku: str = Field(description="the SKU that was moved", examples=["MUG-01"])
    before: int = Field(description="pieces in stock before", examples=[12])
    left: int = Field(description="pieces in stock after", examples=[10])


class Decrease(LedgerAction[Change]):
    """Takes sold pieces out of stock; never below zero."""

    name: ClassVar[str] = "inventory.decrease"
    title: ClassVar[str] = "Take pieces out of stock"
    params: ClassVar[type[Params]] = Change
    result: ClassVar[type[Result]] = Changed

    def apply(self, ledger: Ledger, delivery: Delivery[Change]) -> Changed:
        return _move(ledger, delivery, -delivery.params.by, "sale")


class Increase(LedgerAction[Change]):
    """Puts returned or new pieces into stock."""

    name: ClassVar[str] = "inventory.increase"
    title: ClassVar[str] = "Put pieces into stock"
    params: ClassVar[type[Params]] = Change
    result: ClassVar[type[Result]] = Changed

    def apply(self, ledger: Ledger, delivery: Delivery[Change]) -> Changed:
        return _move(ledger, delivery, delivery.params.by, "restock")


def _move(ledger: Ledger, delivery: Delivery[Change], delta: int, kind: str) -> Changed:
    moved = ledger.move(key=delivery.key, sku=delivery.params.sku, delta=delta, kind=kind, subject=delivery.subject)
    return Changed(sku=moved.sku, before=moved.before, left=moved.left)


ACTIONS = (Decrease(), Increase())
