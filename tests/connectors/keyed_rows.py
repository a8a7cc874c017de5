"""Rows that carry their effect key, so that the contract suite can tell whose they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from connectors.table import AddRow as Row
from hub.connector import Batch, Delivery

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
