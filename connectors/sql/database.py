"""The shop's database: opened, its tables read, the hub's own table made; and what its refusals mean."""

from __future__ import annotations

import difflib
import re
import threading
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    IntegrityError,
    NoSuchModuleError,
    NoSuchTableError,
    SQLAlchemyError,
)

from hub.connector import (
    AfterValidator,
    Check,
    ConfigError,
    Connection,
    Failure,
    Field,
    Mistake,
    Params,
    Permanent,
    Place,
    Retryable,
    Secret,
)

_DRIVERS = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql", "sqlite": "sqlite"}
_PACKAGES = {"postgresql": "psycopg[binary]", "mysql": "pymysql"}
_SECONDS = 20
#: What servers say of credentials and databases that are wrong, rather than of a network that is down.
_WRONG = re.compile(
    r"password|authentication|access denied|does not exist|unknown database|unable to open|no pg_hba|not a database",
    re.IGNORECASE,
)


def _address(secret: Secret) -> Secret:
    _url(secret.get_secret_value())
    return secret


def _url(text: str) -> sa.URL:
    try:
        url = sa.make_url(text)
    except ArgumentError:
        url = sa.URL.create("none")
    if url.drivername not in _DRIVERS:
        raise Mistake("“url” is like  postgresql://user:password@host/database  (or mysql:, sqlite:).", "${SHOP_DB}")
    return url.set(drivername=_DRIVERS[url.drivername])


class Sql(Connection):
    """One database of the shop's."""

    kind: ClassVar[str] = "sql"
    title: ClassVar[str] = "SQL database"

    class Config(Params):
        """Which database."""

        url: Annotated[Secret, AfterValidator(_address)] = Field(
            description="postgresql://user:password@host/database, mysql://… or sqlite:///file", examples=["${SHOP_DB}"]
        )
        key_table: str = Field(
            "hub_effects", pattern=r"^\w{1,60}$", description="the table that the hub keeps for itself"
        )

    def __init__(self, config: Sql.Config, place: Place) -> None:
        super().__init__(config, place)
        self._lock = threading.Lock()
        self._tables: dict[str, sa.Table] = {}
        self._engine: sa.Engine | None = None
        # As short as every database indexes a text: MySQL wants to know its length.
        self.keys = sa.Table(config.key_table, sa.MetaData(), sa.Column("key", sa.String(32), primary_key=True))

    def engine(self) -> sa.Engine:
        """The opened database, with the hub's table in it. Raises a ``Failure``."""
        with self._lock:
            if self._engine is None:
                engine = _engine(_url(self.config.url.get_secret_value()))
                try:
                    self._make_key_table(engine)
                except BaseException:
                    engine.dispose()
                    raise
                self._engine = engine
            return self._engine

    def _make_key_table(self, engine: sa.Engine) -> None:
        try:
            self.keys.create(engine, checkfirst=True)
        except SQLAlchemyError as error:
            if not (isinstance(error, DBAPIError) and is_refused(error)):
                raise unreachable(error) from None
            statement = str(sa.schema.CreateTable(self.keys).compile(engine)).split()
            hint = f"Have its administrator run:  {' '.join(statement)}  and let the user select and insert there."
            raise ConfigError("The database does not let the hub make its own table.", hint) from None

    def table(self, name: str) -> sa.Table:
        """A table as it is in the database; ``schema.name`` too. Raises a ``Failure``."""
        engine = self.engine()
        with self._lock:
            if name not in self._tables:
                schema, _, bare = name.rpartition(".")
                try:
                    self._tables[name] = sa.Table(bare, sa.MetaData(schema or None), autoload_with=engine)
                except NoSuchTableError:
                    known = sa.inspect(engine).get_table_names(schema or None)
                    raise Permanent(f"The database has no table “{name}”.{closest(bare, known)}") from None
            return self._tables[name]

    def forget(self) -> None:
        """Tables may have got other columns."""
        with self._lock:
            self._tables.clear()

    def check(self) -> Check:
        try:
            engine = self.engine()
            with engine.connect():
                pass
        except ConfigError as failure:
            return Check(False, failure.message, failure.hint)
        except (Failure, SQLAlchemyError) as error:
            message = error.message if isinstance(error, Failure) else "The database cannot be reached."
            return Check(False, message, "Is “url” right, and the database running?")
        return Check(True, f"Connected to {engine.dialect.name}; the hub's own table is {self.config.key_table}.")

    def close(self) -> None:
        with self._lock:
            if self._engine is not None:
                self._engine.dispose()
            self._engine = None


def _engine(url: sa.URL) -> sa.Engine:
    kind = url.get_backend_name()
    arguments: dict[str, Any] = {"timeout": _SECONDS} if kind == "sqlite" else {"connect_timeout": _SECONDS}
    if kind == "mysql":
        arguments |= {"read_timeout": _SECONDS, "write_timeout": _SECONDS}
    if kind == "postgresql":
        arguments |= {"options": f"-c statement_timeout={_SECONDS}s", "tcp_user_timeout": _SECONDS * 1000}
    try:
        engine = sa.create_engine(url, pool_pre_ping=True, connect_args=arguments, hide_parameters=True)
    except (ModuleNotFoundError, NoSuchModuleError):
        raise ConfigError(f"The driver for {kind} is missing.", f"pip install {_PACKAGES[kind]}") from None
    if kind == "sqlite":
        # https://docs.sqlalchemy.org/en/21/dialects/sqlite.html#pysqlite-serializable: else savepoints do not hold.
        sa.event.listen(engine, "connect", lambda raw, _record: setattr(raw, "isolation_level", None))
        sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def unreachable(error: SQLAlchemyError) -> Failure:
    if _WRONG.search(str(getattr(error, "orig", error))):
        return ConfigError("The database does not let the hub in.", "Correct “url”: user, password, host, database.")
    return Retryable("The database cannot be reached.")


def is_refused(error: DBAPIError) -> bool:
    """Whether a statement was understood and not allowed: SQLSTATE 42501, MySQL 1142, a SQLite file for reading."""
    code = getattr(error.orig, "sqlstate", None) or next(iter(getattr(error.orig, "args", ())), "")
    return code in ("42501", 1142, 1044) or "readonly" in str(error.orig)


def closest(name: str, known: Iterable[str]) -> str:
    """What was probably meant, as a question; "" if nothing is near."""
    found = difflib.get_close_matches(name, list(known), 1)
    return f" Did you mean “{found[0]}”?" if found else ""


def reason(error: DBAPIError) -> str:
    """The rule that a row breaks, by name. What databases say besides may hold what customers wrote."""
    constraint = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
    if constraint:
        return f"the rule {constraint} is broken"
    if isinstance(error, IntegrityError):
        return "a value is missing, there is such a row already, or it points to a row that is not there"
    return "a value is too long, too large, or of the wrong kind"
