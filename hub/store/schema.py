"""Bringing a database to this version's tables: Alembic's work, done at the start of every process."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.errors import StorageError
from hub.store.database import Database

#: The newest migration in ``migrations/versions``; a test compares. Known here so that a start with nothing to
#: migrate does not pay for importing Alembic (0.3 s).
HEAD = "0004"
_MIGRATIONS = Path(__file__).parent / "migrations"
#: Any number will do, as long as every process of the hub asks for the same lock.
_ADVISORY_LOCK = 0x485542


def upgrade(database: Database) -> None:
    """Creates or migrates the tables; several processes may call it at once. Raises :class:`StorageError`."""
    if database.read(_version) == HEAD:
        return
    database.write(_migrate).result()


def _version(connection: Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return version


def _migrate(connection: Connection) -> None:
    # Imported here: see HEAD.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
    version = _version(connection)
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if version is not None and version not in known:
        raise StorageError(
            f"The database was last used by a newer hub (its version is {version}).",
            "Install that version again, or restore a backup made before the upgrade.",
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
