"""A connection to PostgreSQL beside the pool, for what lasts: locks that live as long as the process, and listening."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from typing import TypeAlias

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from workflows_sqla.faults import faults_translated

Prepare: TypeAlias = Callable[[AsyncConnection], Awaitable[None]]


class SideConnection:
    """One connection, opened when it is first needed and closed when nobody needs it any more.

    It is not taken from the pool, where it would be one less for everybody. If it was lost, the next who uses it
    gets a new one, made ready again for all who need it.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._connection: AsyncConnection | None = None
        self._using = asyncio.Lock()
        self._needs: dict[Hashable, Prepare] = {}
        self._ready: set[Hashable] = set()

    async def need(self, who: Hashable, prepare: Prepare) -> None:
        """Need the connection until `release`; `prepare` makes this one, and every later one, ready.

        Raises:
            StorageError: If there is none to be had now; whoever uses it next tries again.
        """
        self._needs[who] = prepare
        async with self.use():
            pass

    @asynccontextmanager
    async def use(self) -> AsyncIterator[AsyncConnection]:
        """Use the connection alone, alive and ready.

        Raises:
            StorageError: If there is none to be had.
        """
        async with self._using:
            with faults_translated():
                yield await self._alive()

    async def release(self, who: Hashable, undo: Prepare) -> None:
        """Need it no more: whoever is the last closes it, the others `undo` what they left on it."""
        async with self._using:
            self._needs.pop(who, None)
            self._ready.discard(who)
            if not self._needs:
                await self._drop()
            elif self._connection is not None:
                try:
                    await undo(self._connection)
                except (SQLAlchemyError, OSError):
                    await self._drop()

    async def _alive(self) -> AsyncConnection:
        if self._connection is not None:
            try:
                await self._connection.execute(select(1))
            except (SQLAlchemyError, OSError):
                await self._drop()
        if self._connection is None:
            self._connection = await _connect(self._engine)
        for who, prepare in [*self._needs.items()]:
            if who not in self._ready:
                await prepare(self._connection)
                self._ready.add(who)
        return self._connection

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        self._ready.clear()
        if connection is not None:
            await connection.close()


async def _connect(engine: AsyncEngine) -> AsyncConnection:
    """Open a connection as the engine does, and take it out of its pool."""
    connection = await engine.connect()
    await connection.execution_options(isolation_level="AUTOCOMMIT")  # no endless transaction
    await connection.run_sync(lambda detached: detached.detach())
    return connection
