"""A session for user code, in a transaction that is not its own to end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from workflows_core.errors import StorageError
from workflows_sqla.faults import faults_translated
from workflows_sqla.transactions import Transaction


@asynccontextmanager
async def joined_session(transaction: Transaction) -> AsyncIterator[AsyncSession]:
    """Open a session on the connection of a transaction; see `ports.UnitOfWork.session`.

    What it writes stands behind a savepoint, which its commits and rollbacks stop at.
    """
    connection = await transaction.connection()
    session = AsyncSession(connection, join_transaction_mode="create_savepoint", expire_on_commit=False)
    try:
        try:
            yield session
            await session.commit()
        except DBAPIError as error:
            if error.connection_invalidated:
                raise StorageError(f"The connection to the database was lost: {error.orig}") from error
            raise
    finally:
        with faults_translated():
            await session.close()
