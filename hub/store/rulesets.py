"""Every rules file that was ever in force, kept whole under its digest, and when which of them was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.store.statements import insert_ignoring
from hub.store.tables import rule_versions, rulesets


@dataclass(frozen=True, slots=True)
class Version:
    """A rule set that came into force. ``author`` "": somebody with an editor. ``files``: texts by name, main first."""

    number: int
    digest: str
    loaded_at: int
    author: str
    reason: str
    files: Mapping[str, str]


def keep(
    connection: Connection, digest: str, files: Mapping[str, str], now: int, author: str = "", reason: str = ""
) -> int:
    """Stores the files of a rule set, once per digest, as the version in force; returns the rule set's id."""
    row = {"digest": digest, "files": json.dumps(dict(files), ensure_ascii=False)}
    connection.execute(insert_ignoring(connection.dialect.name, rulesets), row)
    found: int = connection.execute(sa.select(rulesets.c.id).where(rulesets.c.digest == digest)).scalar_one()
    if connection.execute(_LATEST).scalar() != found:
        version = {"ruleset_id": found, "loaded_at": now, "author": author, "reason": reason}
        connection.execute(rule_versions.insert(), version)
    return found


_LATEST = sa.select(rule_versions.c.ruleset_id).order_by(rule_versions.c.number.desc()).limit(1)


def files(connection: Connection, ruleset_id: int) -> dict[str, str]:
    """The files of a rule set by name, the main one first."""
    text = connection.execute(sa.select(rulesets.c.files).where(rulesets.c.id == ruleset_id)).scalar_one()
    found: dict[str, str] = json.loads(text)
    return found


def versions(connection: Connection, limit: int | None = None) -> list[Version]:
    """What was in force, newest first."""
    return [_version(row) for row in connection.execute(_VERSIONS.limit(limit))]


def version(connection: Connection, name: str) -> Version | None:
    """The version of a number, or the newest whose digest begins with ``name``."""
    if name.isascii() and name.isdigit() and len(name) < 9:
        chosen = _VERSIONS.where(rule_versions.c.number == int(name))
    else:
        chosen = _VERSIONS.where(rulesets.c.digest.startswith(name, autoescape=True))
    row = connection.execute(chosen.limit(1)).first()
    return None if row is None else _version(row)


_VERSIONS = (
    sa.select(rule_versions, rulesets.c.digest, rulesets.c.files)
    .join(rulesets, rulesets.c.id == rule_versions.c.ruleset_id)
    .order_by(rule_versions.c.number.desc())
)


def _version(row: Any) -> Version:
    return Version(row.number, row.digest, row.loaded_at, row.author, row.reason, json.loads(row.files))
