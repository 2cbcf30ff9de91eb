"""What SQLite needs to be told, on connections that may be shared with the rest of an application.

Transactions of the engine carry the execution option `BEGIN`; those of the application do not, and are
left as they are. The driver's own habit is to begin a transaction only before the first write and then
to read a snapshot while others write, which loses updates without an error: so ours begin explicitly.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import URL, Connection, Engine, StaticPool, event
from sqlalchemy.pool import PoolProxiedConnection

from workflows_core.errors import StorageError
from workflows_sqla.faults import NO_FILE

T = TypeVar("T")
U = TypeVar("U")

BEGIN: Final = "workflows_begin"
"""Execution option: how to begin the transaction, `IMMEDIATE` to write. `NOT` to read begins none: each statement sees
what is committed then."""

BUSY_TIMEOUT: Final = 30_000
"""Milliseconds to wait for the write lock."""

LARGEST_LOG: Final = 16 * 2**20
"""Bytes of the write-ahead log from which on it is begun anew; SQLite itself aims at a quarter of that."""

_SHORT_TIMEOUT: Final = 1_000
"""Milliseconds to wait for readers meanwhile: writers have to wait as long."""

_PRAGMAS: Final = (
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT}",
    "PRAGMA journal_mode = WAL",  # readers and the writer do not wait for each other
    "PRAGMA synchronous = FULL",  # what was committed survives a power failure
)


def instruct(engine: Engine) -> None:
    """Have this engine's connections follow the option `BEGIN`, and undo what is cut short; doing so again is a no-op.

    Nor do they log what people send, which is what the driver does where everything is logged: unless its logger has a
    level of its own.

    Raises:
        StorageError: If the database is not a file.
    """
    database_file(engine.url)
    driver = logging.getLogger("aiosqlite")
    if driver.level == logging.NOTSET:
        driver.setLevel(logging.INFO)
    if isinstance(engine.pool, StaticPool):
        raise StorageError(
            "An engine with a StaticPool has one connection for all transactions: leave poolclass out."
        )
    if not event.contains(engine, "begin", _begin):
        event.listen(engine, "begin", _begin)
        event.listen(engine, "invalidate", _undo)


def database_file(url: URL) -> Path:
    """Return the file that holds the database.

    Raises:
        StorageError: If it is kept in memory.
    """
    name = (url.database or "").removeprefix("file:")
    if name in {"", ":memory:"} or "mode=memory" in name or url.query.get("mode") == "memory":
        raise StorageError(
            "An SQLite database in memory has one connection, which transactions cannot share: "
            "use a file (sqlite+aiosqlite:///workflows.db), or LocalExecutionEngine to keep nothing."
        )
    return Path(name.partition("?")[0])


def use_existing(engine: Engine) -> None:
    """Have an engine make no file where there is none: most often a path that is mistyped."""
    file = database_file(engine.url)

    def check(*_: object) -> None:
        check_existing(file)

    event.listen(engine, "do_connect", check)


def check_existing(file: Path) -> None:
    """Refuse to go on where there is no database.

    Raises:
        StorageError: If there is none.
    """
    if not file.parent.is_dir():
        raise StorageError(NO_FILE)
    if not file.exists():
        raise StorageError(
            f"There is no SQLite database {str(file)!r}: is its path right? A new one is made by `workflows db upgrade`, "
            "or by awaiting workflows_sqla.upgrade(engine)."
        )


def make_file(url: URL) -> None:
    """Make an empty database where there is none.

    Raises:
        StorageError: If that cannot be done.
    """
    file = database_file(url)
    try:
        if not file.exists():
            file.touch()
    except OSError as error:
        raise StorageError(NO_FILE) from error


async def in_its_thread(
    pooled: PoolProxiedConnection, function: Callable[[sqlite3.Connection, U], T], argument: U
) -> T:
    """Call a function with a connection, in the connection's own thread: as many statements as it likes, one hop.

    It must leave no transaction open, whatever happens: it is not interrupted if the caller is.
    """
    driver: Any = pooled.driver_connection
    is_told = pooled.info.setdefault(BEGIN, False)
    pooled.info[BEGIN] = True

    def call() -> T:
        connection: sqlite3.Connection = driver._conn  # noqa: SLF001 - as SQLAlchemy's dialect does: there is no other way in
        if not is_told:
            for pragma in _PRAGMAS:
                connection.execute(pragma)
        return function(connection, argument)

    result: T = await driver._execute(call)  # noqa: SLF001
    return result


def has_large_log(url: URL) -> bool:
    """Say whether it is time to begin the write-ahead log anew."""
    file = database_file(url)
    try:
        return file.with_name(f"{file.name}-wal").stat().st_size > LARGEST_LOG
    except FileNotFoundError:
        return False


def begin_log_anew(connection: sqlite3.Connection, _: None) -> None:
    """Bring what stands in the write-ahead log into the database, and empty it, if readers leave a gap for that.

    SQLite does so by itself only at a moment when nobody reads. Where somebody always reads there is none: the log grows
    for ever, and with it the memory that each connection needs for its index.
    """
    if connection.in_transaction:
        connection.execute("ROLLBACK")
    (patience,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute(f"PRAGMA busy_timeout = {_SHORT_TIMEOUT}")
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        connection.execute(f"PRAGMA busy_timeout = {patience}")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Write in one transaction, that is undone if an error ends it."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _begin(connection: Connection) -> None:
    how = connection.get_execution_options().get(BEGIN)
    if how is None:
        return
    pooled = connection.connection
    if getattr(pooled.driver_connection, "in_transaction", False):
        connection.exec_driver_sql("ROLLBACK")  # a listener of the application has begun in its own way
    # Not on "connect": the engine may have been given to us with connections open in its pool.
    if not pooled.info.get(BEGIN):
        for pragma in _PRAGMAS:
            connection.exec_driver_sql(pragma)
        pooled.info[BEGIN] = True
    if how != "NOT":
        connection.exec_driver_sql(f"BEGIN {how}")


def _undo(connection: Any, _record: object, _error: BaseException | None) -> None:
    """Undo what a connection has begun that is given up in the middle: its caller was canceled.

    To close it is not enough. What a statement returns and nobody has read keeps the transaction, and the write lock
    with it, until the garbage is collected; in a process that has nothing else to do that may be never.
    """
    driver = connection.driver_connection
    database: sqlite3.Connection | None = driver._connection  # noqa: SLF001 - as above
    if database is not None:  # in its thread, before it is closed there
        driver._tx.put_nowait((None, database.rollback))  # noqa: SLF001
