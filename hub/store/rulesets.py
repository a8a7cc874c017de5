"""Every rules file that deliveries were planned with, kept whole under its digest."""

from __future__ import annotations

import json
from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.store.statements import insert_ignoring
from hub.store.tables import rulesets


def keep(connection: Connection, digest: str, files: Mapping[str, str], now: int) -> int:
    """Stores the files of a rule set, once per digest; returns the rule set's id."""
    row = {"digest": digest, "files": json.dumps(dict(files), ensure_ascii=False), "loaded_at": now}
    connection.execute(insert_ignoring(connection.dialect.name, rulesets), row)
    found: int = connection.execute(sa.select(rulesets.c.id).where(rulesets.c.digest == digest)).scalar_one()
    return found


def files(connection: Connection, ruleset_id: int) -> dict[str, str]:
    """The files of a rule set by name, the main one first."""
    text = connection.execute(sa.select(rulesets.c.files).where(rulesets.c.id == ruleset_id)).scalar_one()
    found: dict[str, str] = json.loads(text)
    return found
