"""Licence keys and voucher codes from the hub's own pools: ``codes.take``. Needs no connection."""

from __future__ import annotations

from typing import ClassVar

from hub.connector import Delivery, Field, Ledger, LedgerAction, Params, PlainText, Result


class Take(Params):
    """From which pool."""

    pool: PlainText = Field(min_length=1, max_length=200, description="the pool's name", examples=["Font Pro keys"])


class Given(Result):
    """The code, for the steps that follow."""

    code: str = Field(description="the code that was given out", examples=["FONT-PRO-7F3K-92QA"])
    left: int = Field(description="codes left in the pool", examples=[180])


class TakeCode(LedgerAction[Take]):
    """Gives out a code once: for the same order, rule and step always the same one, to anybody else another."""

    name: ClassVar[str] = "codes.take"
    title: ClassVar[str] = "Take a code from a pool"
    params: ClassVar[type[Params]] = Take
    result: ClassVar[type[Result]] = Given

    def apply(self, ledger: Ledger, delivery: Delivery[Take]) -> Given:
        taken = ledger.take_code(key=delivery.key, pool=delivery.params.pool, subject=delivery.subject)
        return Given(code=taken.code, left=taken.left)


ACTIONS = (TakeCode(),)
