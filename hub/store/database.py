"""The connection to SQLite or PostgreSQL: how a write gets to the disk, and how other processes hear of it.

Writes are functions of a SQLAlchemy connection, given to :meth:`Database.write`; each is atomic and may be run
again after a rollback, so it must have no effect outside the database.

* SQLite has one writer. A thread takes the events that wait and commits them as one transaction (group commit), so
  that one fsync serves a burst of webhooks. ``synchronous=FULL``: what is lasting survives a power cut.
* PostgreSQL commits groups by itself; every write is a transaction of its own on a pooled connection, tried again
  after a deadlock or serialisation failure.
"""

from __future__ import annotations

import contextlib
import fcntl
import sqlite3
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from hub.clock import SystemClock
from hub.errors import NotStored, StorageError

__all__ = ["Connection", "Database", "Operation", "open_database"]

T = TypeVar("T")
Operation = Callable[[Connection], T]


@dataclass(frozen=True, slots=True)
class _Write:
    """A write that waits for its turn."""

    operation: Operation[Any]
    future: Future[Any]
    lasting: bool


#: More would make the first one wait too long for the commit they share.
_GROUP = 64
#: The hub's own work comes in larger pieces: one at a time, so that a webhook waits for one at most.
_ORDINARY_GROUP = 1
_RETRIES = 5
_BUSY_SECONDS = 10
#: PostgreSQL's classes 40 (serialisation, deadlock) and 57P (server restarts): worth the same transaction again.
_AGAIN = ("40", "57P")


class Database(ABC):
    """An open database. Close it to let go of threads and connections."""

    dialect: Literal["sqlite", "postgresql"]

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @abstractmethod
    def write(self, operation: Operation[T], *, urgent: bool = False, lasting: bool = True) -> Future[T]:
        """Runs ``operation`` in a transaction; the future is done after the commit, with its answer.

        It fails with :class:`NotStored` when the transaction cannot reach the disk, else with what was raised.
        ``urgent``: someone outside waits for it (a webhook); it goes before the hub's own work.
        ``lasting`` False: after a power cut the transaction may be missing, whole, together with later ones of that
        kind. For what is then done again (a plan) or looked up (an outcome); never for what others were told.
        """

    def read(self, operation: Operation[T]) -> T:
        """Runs a reading ``operation`` on a connection of its own; raises :class:`NotStored` if there is none."""
        with _as_not_stored(), self.engine.connect() as connection:
            return operation(connection)

    @abstractmethod
    def announce(self) -> None:
        """Tells the other processes that there may be work, without waiting. May be lost: all look by the clock too."""

    @abstractmethod
    def watch(self, wake: Callable[[], None]) -> None:
        """Calls ``wake`` from a thread of its own whenever another process may have written."""

    @abstractmethod
    def lead(self) -> bool:
        """Whether this process is the one that plans (PostgreSQL) or works at all (SQLite), from now until it closes.

        Another process takes over as soon as this one is gone.
        """

    @abstractmethod
    def time(self) -> int:
        """The time that all processes on this database share, in milliseconds since 1970 UTC."""

    def close(self) -> None:
        self.engine.dispose()


def open_database(url_text: str) -> Database:
    """The database behind ``sqlite:///path`` or ``postgresql://…``; raises :class:`StorageError` with the remedy."""
    try:
        url = make_url(url_text)
    except (SQLAlchemyError, ValueError):
        raise StorageError(
            "HUB_DATABASE_URL is not a database address.", "Write sqlite:///var/hub.db or postgresql://user@host/name."
        ) from None
    if url.get_backend_name() == "sqlite":
        return SQLite(url)
    if url.get_backend_name() in {"postgresql", "postgres"}:
        return PostgreSQL(url)
    raise StorageError(
        f"HUB_DATABASE_URL names “{url.drivername}”, which the hub does not speak.",
        "Write sqlite:///var/hub.db or postgresql://user@host/name.",
    )


class SQLite(Database):
    """One file, one writer thread. Several processes may share the file; they take turns at the write lock."""

    dialect = "sqlite"

    def __init__(self, url: URL) -> None:
        path = Path(url.database or "")
        if url.database in {None, "", ":memory:"}:
            raise StorageError("HUB_DATABASE_URL needs a file.", "Write sqlite:///var/hub.db.")
        self.path = path
        _make_folder(path.parent)
        super().__init__(sa.create_engine(url, pool_size=8, max_overflow=8))
        sa.event.listen(self.engine, "connect", _prepare_sqlite)
        sa.event.listen(self.engine, "begin", _begin_sqlite)
        self._urgent: deque[_Write] = deque()
        self._ordinary: deque[_Write] = deque()
        self._waiting = threading.Semaphore(0)
        self._stopping = threading.Event()
        self._connection: Connection | None = None  # the writer thread's own, kept open
        self._synchronous = ""
        self._lock_file: IO[str] | None = None
        with _explained(f"The database {path} cannot be used"), self.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA user_version")
        self._writer = threading.Thread(target=self._write_all, name="hub-writer", daemon=True)
        self._writer.start()

    def write(self, operation: Operation[T], *, urgent: bool = False, lasting: bool = True) -> Future[T]:
        future: Future[T] = Future()
        (self._urgent if urgent else self._ordinary).append(_Write(operation, future, lasting))
        self._waiting.release()
        return future

    def announce(self) -> None:
        pass  # the other process sees PRAGMA data_version change

    def time(self) -> int:
        return SystemClock().now()  # one machine, one clock

    def lead(self) -> bool:
        if self._lock_file is None:
            file = self.path.with_name(self.path.name + ".lock").open("a")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                file.close()
                return False
            self._lock_file = file
        return True

    def watch(self, wake: Callable[[], None]) -> None:
        threading.Thread(target=self._watch, args=(wake,), name="hub-watch", daemon=True).start()

    def _watch(self, wake: Callable[[], None]) -> None:
        # https://www.sqlite.org/pragma.html#pragma_data_version: changes only when another connection commits.
        with contextlib.suppress(SQLAlchemyError), self.engine.connect() as connection:
            seen = None
            while not self._stopping.wait(0.25):
                version = connection.exec_driver_sql("PRAGMA data_version").scalar()
                connection.rollback()
                if seen is not None and version != seen:
                    wake()
                seen = version

    def close(self) -> None:
        self._stopping.set()
        self._waiting.release()
        self._writer.join()
        if self._lock_file is not None:
            self._lock_file.close()
        super().close()

    def _write_all(self) -> None:
        """Whatever is urgent shares one transaction and goes first; the rest follows a few at a time."""
        while True:
            self._waiting.acquire()
            group = _take(self._urgent, _GROUP) or _take(self._ordinary, _ORDINARY_GROUP)
            if group:
                for _ in group[1:]:
                    self._waiting.acquire()
                self._commit(group)
            elif self._stopping.is_set():
                break
        if self._connection is not None:
            self._connection.close()

    def _commit(self, group: list[_Write]) -> None:
        """All of ``group`` in one transaction; if that fails, each alone, so that one cannot spoil the others."""
        try:
            answers = self._transaction(group)
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits for it
            if len(group) > 1:
                for one in group:
                    self._commit([one])
            else:
                group[0].future.set_exception(error)
        else:
            for one, answer in zip(group, answers, strict=True):
                one.future.set_result(answer)

    def _transaction(self, group: list[_Write]) -> list[Any]:
        with _as_not_stored():
            if self._connection is None:
                self._connection = self.engine.connect().execution_options(hub_begin="BEGIN IMMEDIATE")
            self._synchronise("FULL" if any(one.lasting for one in group) else "NORMAL")
            with self._connection.begin():
                return [one.operation(self._connection) for one in group]

    def _synchronise(self, mode: str) -> None:
        """``FULL``: the commit waits for the disk (https://www.sqlite.org/pragma.html#pragma_synchronous)."""
        if self._synchronous != mode and self._connection is not None:
            raw: Any = self._connection.connection.driver_connection
            raw.execute(f"PRAGMA synchronous={mode}")
            self._synchronous = mode


#: Any number will do, as long as every process of the hub asks for the same lock.
_PLANNER_LOCK = 0x485543


class PostgreSQL(Database):
    """A shared database: any number of processes on any number of machines."""

    dialect = "postgresql"
    _WRITERS = 8

    def __init__(self, url: URL) -> None:
        url = url.set(drivername="postgresql+psycopg")
        engine = sa.create_engine(url, pool_size=self._WRITERS + 4, max_overflow=8, pool_pre_ping=True)
        super().__init__(engine)
        with _explained("The PostgreSQL server cannot be used"), engine.connect() as connection:
            connection.exec_driver_sql("SELECT 1")
        self._executor = ThreadPoolExecutor(self._WRITERS, thread_name_prefix="hub-writer")
        self._announcing = threading.Event()
        self._leading: Connection | None = None  # holds the advisory lock as long as it lives
        self._stopping = threading.Event()

    def write(self, operation: Operation[T], *, urgent: bool = False, lasting: bool = True) -> Future[T]:
        return self._executor.submit(self._transaction, operation, lasting)

    def _transaction(self, operation: Operation[T], lasting: bool) -> T:
        for retry in range(_RETRIES):
            try:
                with self.engine.begin() as connection:
                    if not lasting:
                        connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
                    return operation(connection)
            except DBAPIError as error:
                if retry == _RETRIES - 1 or not _worth_again(error):
                    with _as_not_stored():
                        raise
        raise AssertionError("unreachable")

    def announce(self) -> None:
        if not self._announcing.is_set():  # one on its way speaks for all that come before it
            self._announcing.set()
            self._executor.submit(self._notify)

    def _notify(self) -> None:
        self._announcing.clear()
        with contextlib.suppress(SQLAlchemyError), self.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("NOTIFY hub_work")

    def time(self) -> int:
        statement = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"
        return self.read(lambda connection: int(connection.exec_driver_sql(statement).scalar_one()))

    def watch(self, wake: Callable[[], None]) -> None:
        threading.Thread(target=self._listen, args=(wake,), name="hub-watch", daemon=True).start()

    def _listen(self, wake: Callable[[], None]) -> None:
        while not self._stopping.is_set():
            # A lost connection means waiting a moment and listening anew; meanwhile work is found by the clock.
            with contextlib.suppress(SQLAlchemyError, OSError, RuntimeError):
                self._listen_once(wake)
            self._stopping.wait(1)

    def _listen_once(self, wake: Callable[[], None]) -> None:
        with self.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("LISTEN hub_work")
            raw: Any = connection.connection.driver_connection
            while not self._stopping.is_set():
                if list(raw.notifies(timeout=0.5, stop_after=1)):
                    wake()

    def lead(self) -> bool:
        try:
            if self._leading is None:
                self._leading = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            # Asked again each time: it is granted anew to who holds it, and shows that the connection still lives.
            return bool(self._leading.exec_driver_sql(f"SELECT pg_try_advisory_lock({_PLANNER_LOCK})").scalar())
        except SQLAlchemyError:
            self._leading = None
            return False

    def close(self) -> None:
        self._stopping.set()
        self._executor.shutdown(wait=True)
        if self._leading is not None:
            self._leading.invalidate()  # a pooled connection would keep the lock
        super().close()


def _take(waiting: deque[_Write], most: int) -> list[_Write]:
    return [waiting.popleft() for _ in range(min(most, len(waiting)))]


def _prepare_sqlite(raw: sqlite3.Connection, _record: object) -> None:
    raw.isolation_level = None  # transactions are begun by _begin_sqlite, not guessed by the driver
    raw.execute(f"PRAGMA busy_timeout={_BUSY_SECONDS * 1000}")
    raw.execute("PRAGMA journal_mode=WAL")
    raw.execute("PRAGMA synchronous=FULL")
    raw.execute("PRAGMA foreign_keys=OFF")  # every key is written in the same transaction as what it points to
    raw.execute("PRAGMA cache_size=-16000")
    raw.execute("PRAGMA wal_autocheckpoint=4000")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("hub_begin", "BEGIN"))


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"The folder {folder} cannot be made: {error.strerror}.",
            "Choose another HUB_DATA_DIR, or allow writing there.",
        ) from None


def _worth_again(error: DBAPIError) -> bool:
    state = getattr(error.orig, "sqlstate", None)
    return error.connection_invalidated or (isinstance(state, str) and state.startswith(_AGAIN))


@contextlib.contextmanager
def _as_not_stored() -> Iterator[None]:
    """The database's own failures as :class:`NotStored`; mistakes in our statements stay what they are."""
    try:
        yield
    except DBAPIError as error:
        if isinstance(error, sa.exc.IntegrityError | sa.exc.ProgrammingError | sa.exc.DataError):
            raise
        raise NotStored(_plain(error)) from error


@contextlib.contextmanager
def _explained(what: str) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, ModuleNotFoundError) as error:
        raise StorageError(f"{what}: {_plain(error)}.", _remedy(str(error))) from None


def _plain(error: Exception) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return str(cause).strip().splitlines()[0].rstrip(".") if str(cause).strip() else type(cause).__name__


_REMEDIES = {
    "No module named": "Install the hub with its PostgreSQL part: pip install 'checkout-hub[postgresql]'.",
    "connection failed": "Start the server, or correct the address, name and password in HUB_DATABASE_URL.",
    "not a database": "The file is something else or damaged. Restore a backup, or point HUB_DATABASE_URL elsewhere.",
    "unable to open": "Check that the folder exists and that the hub may write there.",
    "readonly": "Allow the hub to write to the file and its folder.",
    "full": "Free some disk space; nothing that was acknowledged is lost.",
    "locked": "Another process holds the database. Stop it, or wait until it is done.",
}


def _remedy(message: str) -> str:
    found = (remedy for part, remedy in _REMEDIES.items() if part in message)
    return next(found, "Check HUB_DATABASE_URL and that the server is running.")
