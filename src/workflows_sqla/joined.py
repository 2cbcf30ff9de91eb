"""A session for user code, in a transaction that is not its own to end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from workflows_core.errors import StorageError
from workflows_sqla.faults import faults_translated, was_rolled_back
from workflows_sqla.transactions import Transaction


@asynccontextmanager
async def joined_session(transaction: Transaction) -> AsyncIterator[AsyncSession]:
    """Open a session on the connection of a transaction; see `ports.UnitOfWork.session`.

    What it writes stands behind a savepoint, which its commits and rollbacks stop at.
    """
    connection = await transaction.connection()
    session = AsyncSession(connection, join_transaction_mode="create_savepoint", expire_on_commit=False)
    try:
        yield session
        await session.commit()
    except Exception as error:
        await _check(connection, session, error)
        raise
    except BaseException:
        with suppress(Exception):  # what matters is that somebody stops us
            await session.close()
        raise
    with faults_translated():
        await session.close()


async def _check(connection: AsyncConnection, session: AsyncSession, error: Exception) -> None:
    """Tell what is the fault of the database from what is the fault of user code.

    Raises:
        StorageError: If the transaction is over, whatever user code made of that.
    """
    with faults_translated():
        await session.close()
        await connection.execute(select(1))
    if any(map(was_rolled_back, _causes(error))):
        raise StorageError(f"The transaction was given up for the sake of others: {error}") from error


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, what the driver said, and what caused it."""
    while error is not None:
        yield error
        original = getattr(error, "orig", None)
        if isinstance(original, BaseException):
            yield original
        error = error.__cause__
