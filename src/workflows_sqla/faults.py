"""What goes wrong below, in the words of the core."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DataError, DBAPIError, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from workflows_core.errors import InvalidDataError, StorageError, WorkflowError

NOT_PREPARED: Final = (
    "The tables in the database are missing or of another version: "
    "run `workflows db upgrade`, or await workflows_sqla.upgrade(engine)."
)
NO_FILE: Final = "The SQLite file could not be opened: does its folder exist, may this process write there?"
# PostgreSQL: data_exception; undefined_table and undefined_column; serialization_failure and deadlock_detected
_DATA_EXCEPTION: Final = "22"
_UNDEFINED: Final = frozenset({"42P01", "42703"})
_ROLLED_BACK: Final = frozenset({"40001", "40P01"})
_DRIVERS: Final = ("asyncpg.", "sqlalchemy.dialects.postgresql.asyncpg")
"""Where errors come from: the second wraps those of connecting."""
_SQLITE_UNDEFINED: Final = ("no such table", "no such column", "has no column named")


@contextmanager
def faults_translated() -> Iterator[None]:
    """Turn what SQLAlchemy and the drivers raise into an error of the core that says what to do.

    Raises:
        StorageError: If the database could not do its work; it may be able to later.
        InvalidDataError: If it will never store these values.
    """
    try:
        yield
    except SQLAlchemyError as error:
        raise _translated(error) from error
    except OSError as error:  # asyncpg lets those of the network through
        raise StorageError(
            f"The database cannot be reached: {error}. Does it run, is the URL right?"
        ) from error
    except Exception as error:
        if not _is_drivers(error):
            raise
        raise _of_driver(error) from error


@contextmanager
def values_checked() -> Iterator[None]:
    """Turn what is raised while values are encoded into an error of the core.

    Raises:
        InvalidDataError: If the database will never store these values.
    """
    try:
        yield
    except (ValueError, TypeError, OverflowError) as error:
        raise _not_storable(error) from error


def was_rolled_back(error: BaseException) -> bool:
    """Say whether the database undid a transaction for the sake of others: it may be tried again at once."""
    return _state(error) in _ROLLED_BACK


def _translated(error: SQLAlchemyError) -> WorkflowError:
    if isinstance(error, PoolTimeoutError):
        return StorageError(
            "No connection to the database became free: enlarge the engine's pool (pool_size, max_overflow)."
        )
    if not isinstance(error, StatementError):
        return StorageError(f"The database could not be used: {error}")
    if isinstance(error, DataError) or not isinstance(error, DBAPIError) or error.orig is None:
        return _not_storable(error.orig)
    return _of_driver(error.orig, is_lost=error.connection_invalidated)


def _is_drivers(error: Exception) -> bool:
    # By name, because only one of the drivers need be installed.
    return isinstance(error, sqlite3.Error) or type(error).__module__.startswith(_DRIVERS)


def _of_driver(error: BaseException, *, is_lost: bool = False) -> WorkflowError:
    state, reason = _state(error), str(error)
    if state.startswith(_DATA_EXCEPTION) or isinstance(error, sqlite3.DataError | ValueError):
        return _not_storable(error)
    if state in _UNDEFINED or any(word in reason for word in _SQLITE_UNDEFINED):
        return StorageError(f"{NOT_PREPARED} ({reason})")
    if "unable to open database file" in reason:
        return StorageError(NO_FILE)
    if "database is locked" in reason:
        return StorageError("The SQLite database stayed locked: something else writes to it for too long.")
    if is_lost:
        return StorageError(f"The connection to the database was lost: {reason}")
    return StorageError(f"The database refused: {reason}")


def _state(error: BaseException) -> str:
    """Return the code that PostgreSQL names an error by."""
    return getattr(error, "sqlstate", None) or ""


def _not_storable(error: BaseException | None) -> InvalidDataError:
    return InvalidDataError("", f"The database cannot store a value: {error}")
