"""The storage on a session that the caller opened, such as that of a request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Hashable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import UnboundExecutionError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from workflows_core.errors import StorageError
from workflows_core.instance import Instance
from workflows_core.ports import Changes, DefinitionKey
from workflows_core.transition import Transition
from workflows_sqla.changes import watched_in
from workflows_sqla.storage import SqlStorage, SqlUnitOfWork
from workflows_sqla.tables import instances
from workflows_sqla.transactions import SessionTransaction


class SessionStorage:
    """Implements `ports.Storage` on the caller's session.

    Units of work join the transaction that the session has open. Where it has none, they are transactions of
    their own, and the session is as idle after them as before; unless `autocommit` is off, when they begin
    the session's transaction and leave it to the caller to commit.

    Args:
        session: The caller's session; only its owner closes it.
        autocommit: Whether committing a unit of work commits the session's transaction, with everything that
            the caller did in it.
    """

    def __init__(self, session: AsyncSession, *, autocommit: bool = True) -> None:
        self._session = session
        self._autocommit = autocommit
        self._bind = _bind(session)
        self._storage = SqlStorage(AsyncEngine(self._bind.engine))

    @property
    def identity(self) -> Hashable:
        """The session's engine."""
        return self._storage.identity

    def detached(self) -> SqlStorage:
        """Return the storage on the session's engine."""
        return self._storage

    @property
    def parallel_flushes(self) -> int:
        """One: it is one session."""
        return 1

    def unit_of_work(self) -> AbstractAsyncContextManager[SqlUnitOfWork]:
        """Open a unit of work, in the session's transaction if it has one."""
        return self._storage.unit_of_work() if self._is_idle else self._in_session()

    @property
    def _is_idle(self) -> bool:
        """Whether a transaction of its own will do: it gives the session nothing to expire, objects stay as they are."""
        return self._autocommit and isinstance(self._bind, Engine) and not self._session.in_transaction()

    @asynccontextmanager
    async def _in_session(self) -> AsyncIterator[SqlUnitOfWork]:
        transaction = SessionTransaction(self._session, autocommit=self._autocommit)
        try:
            yield SqlUnitOfWork(transaction, watched_in(self._storage.engine))
        finally:
            await transaction.close()

    async def flush(self, transitions: Sequence[Transition]) -> frozenset[UUID]:
        """Write transitions, in the session's transaction if it has one; see the port."""
        if self._is_idle:
            return await self._storage.flush(transitions)
        async with self._in_session() as unit:
            lost = await unit.apply(transitions)
            if len(lost) < len(transitions):
                await unit.commit()
        return lost

    async def claim_due(
        self,
        now: datetime,
        until: datetime,
        limit: int,
        definitions: Collection[DefinitionKey] | None = None,
    ) -> Sequence[Instance]:
        """Take due instances, in a transaction of its own."""
        return await self._storage.claim_due(now, until, limit, definitions)

    async def put_off(self, claimed: Instance, until: datetime | None) -> None:
        """Make a claimed instance due later."""
        await self._storage.put_off(claimed, until)

    async def next_due(self, definitions: Collection[DefinitionKey] | None = None) -> datetime | None:
        """Return when something is due next."""
        return await self._storage.next_due(definitions)

    async def due_definitions(self, now: datetime) -> frozenset[DefinitionKey]:
        """Return the definitions of which something is due."""
        return await self._storage.due_definitions(now)

    def changes(self, heard: Callable[[UUID | None], None]) -> AbstractAsyncContextManager[Changes]:
        """Hear of commits."""
        return self._storage.changes(heard)

    async def purge(self, now: datetime) -> int:
        """Forget expired messages."""
        return await self._storage.purge(now)

    async def enlist(self, runner_id: str, until: datetime) -> None:
        """Note a runner."""
        await self._storage.enlist(runner_id, until)

    async def renew(self, runner_id: str, until: datetime) -> bool:
        """Extend a runner's lease."""
        return await self._storage.renew(runner_id, until)

    async def discharge(self, runner_id: str) -> None:
        """Strike a runner off."""
        await self._storage.discharge(runner_id)

    async def strike_off(self, now: datetime) -> frozenset[str]:
        """Discharge the runners that are gone."""
        return await self._storage.strike_off(now)

    async def runners(self) -> frozenset[str]:
        """Return the runners on the list."""
        return await self._storage.runners()

    async def prepare(self) -> None:
        """Upgrade the tables."""
        await self._storage.prepare()

    async def close(self) -> None:
        """Give back the locks of runners; session and engine stay the caller's."""
        await self._storage.close()


def _bind(session: AsyncSession) -> Engine | Connection:
    try:
        return session.get_bind(clause=instances)
    except UnboundExecutionError as error:
        raise StorageError(
            "The session knows no database for the workflow tables: bind it to an engine, "
            "async_sessionmaker(engine)."
        ) from error
