"""Rows that carry their effect key, so that the contract suite can tell whose they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from connectors.table import AddRow as Row
from connectors.table import UpdateRow as Change
from hub.connector import Batch, Delivery
from hub.testing.sending import key

KEY = "Effect key"


def with_keys(batch: Batch[Row]) -> Batch[Row]:
    """The batch with the effect key as a column of each row, so that the rows can be told apart."""
    return replace(batch, deliveries=[_with_key(one) for one in batch.deliveries])


def _with_key(one: Delivery[Row]) -> Delivery[Row]:
    is_empty = set(one.params.columns.values()) == {""}
    columns = one.params.columns if is_empty else {**one.params.columns, KEY: one.key}
    return replace(one, params=one.params.model_copy(update={"columns": columns}))


def rows_of(rows: Sequence[Sequence[Any]], delivery: Delivery[Row]) -> list[Sequence[Any]]:
    """The rows that a delivery has left: by its key; without one, all that are not a delivery's with a key."""
    if KEY in delivery.params.columns:
        return [row for row in rows[1:] if delivery.key in row]
    at = list(rows[0]).index(KEY) if rows and KEY in rows[0] else len(rows[0]) if rows else 0
    return [row for row in rows[1:] if len(row) <= at or not row[at]]


# --- Rows that are changed ----------------------------------------------------------------------------------------

ORDER = "order 7"


def rows_to_change() -> list[list[str]]:
    """A header, and a row for every delivery that the suite makes."""
    keys = [key(100 * batch + number) for batch in range(1, 21) for number in range(5)]
    return [["Order", "Customer", "End"], *([order] for order in [ORDER, *keys])]


def finding_keys(batch: Batch[Change]) -> Batch[Change]:
    """The batch with each delivery changing a row of its own."""
    return replace(batch, deliveries=[_finding_key(one) for one in batch.deliveries])


def _finding_key(one: Delivery[Change]) -> Delivery[Change]:
    return replace(one, params=one.params.model_copy(update={"find": {"Order": one.key}}))


def changed(rows: Sequence[Sequence[Any]], delivery: Delivery[Change]) -> int:
    """How many rows a delivery has changed."""
    wanted = delivery.params.find["Order"]
    return sum(row[0] == wanted and len(row) > 2 and row[2] == "x" for row in rows)
