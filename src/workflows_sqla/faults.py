"""What goes wrong below, in the words of the core."""

from __future__ import annotations

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
# PostgreSQL: data_exception; undefined_table and undefined_column
_DATA_EXCEPTION: Final = "22"
_UNDEFINED: Final = frozenset({"42P01", "42703"})
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


def _translated(error: SQLAlchemyError) -> WorkflowError:
    if isinstance(error, PoolTimeoutError):
        return StorageError(
            "No connection to the database became free: enlarge the engine's pool (pool_size, max_overflow)."
        )
    if not isinstance(error, StatementError):
        return StorageError(f"The database could not be used: {error}")
    state = getattr(error.orig, "sqlstate", None) or ""
    if isinstance(error, DataError) or not isinstance(error, DBAPIError) or state.startswith(_DATA_EXCEPTION):
        return InvalidDataError("", f"The database cannot store a value: {error.orig}")
    return StorageError(_sentence(error, state, str(error.orig)))


def _sentence(error: DBAPIError, state: str, reason: str) -> str:
    if state in _UNDEFINED or any(word in reason for word in _SQLITE_UNDEFINED):
        return f"{NOT_PREPARED} ({reason})"
    if "unable to open database file" in reason:
        return "The SQLite file could not be opened: does its folder exist, may this process write there?"
    if "database is locked" in reason:
        return "The SQLite database stayed locked: something else writes to it for too long."
    if error.connection_invalidated:
        return f"The connection to the database was lost: {reason}"
    return f"The database refused: {reason}"
