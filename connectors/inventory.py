"""The hub's own stock: ``inventory.decrease``, ``increase``, ``reserve`` and ``release``. Needs no connection."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from hub.connector import Delivery, Field, Ledger, LedgerAction, Movement, Moving, Params, PlainText, Result

_OVERSELL: Any = Field(
    "hold", description="hold: stop and say so when too few are left; allow: go below zero", examples=["allow"]
)
_NOT_LISTED: Any = Field(
    "hold",
    description="hold: stop and say so when the SKU is not in the stock list; skip: move nothing; "
    "create: list it, with no pieces yet",
    examples=["skip"],
)


class Change(Params):
    """How many pieces of what."""

    sku: PlainText = Field(
        min_length=1, max_length=200, description="the stock list's name of the product", examples=["MUG-01"]
    )
    by: int = Field(ge=1, le=1_000_000, description="how many pieces", examples=[1])
    not_listed: Literal["hold", "skip", "create"] = _NOT_LISTED


class Sold(Change):
    """How many pieces of what were sold, and what to do when there are not enough."""

    oversell: Literal["hold", "allow"] = _OVERSELL


class Returned(Change):
    """How many pieces of what come into stock."""

    at_most: Literal["sold", "any"] = Field(
        "sold", description="sold: never more than the order took out; any: as many as are named", examples=["any"]
    )


class Changed(Result):
    """The stock of the SKU around the movement."""

    sku: str = Field(description="the SKU that was moved", examples=["MUG-01"])
    before: int | None = Field(None, description="pieces in stock before", examples=[12])
    left: int | None = Field(None, description="pieces in stock after", examples=[10])
    moved: int = Field(description="how many pieces were moved; 0 when there was nothing to move", examples=[2])


class _Move(LedgerAction[Any]):
    """What all movements share."""

    result: ClassVar[type[Result]] = Changed

    def apply(self, ledger: Ledger, delivery: Delivery[Any]) -> Changed:
        params = delivery.params
        if params.not_listed == "create":
            ledger.add(params.sku)
        elif params.not_listed == "skip" and not ledger.has(params.sku):
            return Changed(sku=params.sku, moved=0)
        moving = Moving(delivery.key, params.sku, params.by, delivery.subject, delivery.order)
        moved = self.move(ledger, moving, params)
        return Changed(sku=moved.sku, before=moved.before, left=moved.left, moved=moved.count)

    def move(self, ledger: Ledger, moving: Moving, params: Any) -> Movement:
        """Moves the pieces; raises ``Permanent``."""
        raise NotImplementedError


class Decrease(_Move):
    """Takes sold pieces out of stock; below zero only where the rule allows it."""

    name: ClassVar[str] = "inventory.decrease"
    title: ClassVar[str] = "Take pieces out of stock"
    params: ClassVar[type[Params]] = Sold

    def move(self, ledger: Ledger, moving: Moving, params: Sold) -> Movement:
        return ledger.sell(moving, below_zero=params.oversell == "allow")


class Increase(_Move):
    """Puts pieces back into stock; in a rule about an order never more than the order took out."""

    name: ClassVar[str] = "inventory.increase"
    title: ClassVar[str] = "Put pieces into stock"
    params: ClassVar[type[Params]] = Returned

    def move(self, ledger: Ledger, moving: Moving, params: Returned) -> Movement:
        return ledger.restock(moving, at_most_sold=params.at_most == "sold")


class Reserve(_Move):
    """Keeps pieces for an order whose money is still to come; nobody else can buy them."""

    name: ClassVar[str] = "inventory.reserve"
    title: ClassVar[str] = "Reserve pieces for an order"
    params: ClassVar[type[Params]] = Sold

    def move(self, ledger: Ledger, moving: Moving, params: Sold) -> Movement:
        return ledger.reserve(moving, below_zero=params.oversell == "allow")


class Release(_Move):
    """Gives back what an order has reserved and not bought."""

    name: ClassVar[str] = "inventory.release"
    title: ClassVar[str] = "Give reserved pieces back"
    params: ClassVar[type[Params]] = Change

    def move(self, ledger: Ledger, moving: Moving, params: Change) -> Movement:
        return ledger.release(moving)


ACTIONS = (Decrease(), Increase(), Reserve(), Release())
