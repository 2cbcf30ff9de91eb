"""Locks that die with their process: they tell at once, without waiting for a lease, that a runner is gone.

What is locked is named after the runner. Whoever gets the lock of a runner on the list knows that its
process ended. A runner locks before it gets on the list, so that nobody finds it there without its lock.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Final, Protocol

from filelock import FileLock, Timeout
from sqlalchemy import func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from workflows_sqla.faults import faults_translated
from workflows_sqla.side import SideConnection
from workflows_sqla.sqlite import check_existing, database_file
from workflows_sqla.tables import runners
from workflows_sqla.transactions import Reader

RELOCKING: Final = timedelta(seconds=10)
"""How long after a restart of PostgreSQL a free lock does not prove that its runner is dead."""


class RunnerLocks(Protocol):
    """The locks of the runners of one storage object."""

    async def hold(self, runner_id: str) -> None:
        """Lock a runner's name, for as long as this process lives. Holding it already is a no-op."""
        ...

    async def let_go(self, runner_ids: Iterable[str]) -> None:
        """Give back those that are held here, and remove what is left of the others."""
        ...

    async def dead(self, reader: Reader) -> frozenset[str]:
        """Return the runners on the list whose process is gone."""
        ...

    async def close(self) -> None:
        """Give back all."""
        ...


def runner_locks(engine: AsyncEngine, side: SideConnection) -> RunnerLocks:
    """Return the kind of locks that suits the database."""
    if engine.dialect.name == "sqlite":
        return LockFiles(database_file(engine.url))
    return AdvisoryLocks(side)


class AdvisoryLocks:
    """Session-level advisory locks of PostgreSQL, on a connection that lasts."""

    def __init__(self, side: SideConnection) -> None:
        self._side = side
        self._held: set[str] = set()

    async def hold(self, runner_id: str) -> None:
        """Lock a runner's name; if the connection was lost, lock all names again on a new one."""
        await self._side.need(self, self._lock_all)
        async with self._side.use() as connection:
            if runner_id not in self._held:
                await _lock(connection, runner_id)
                self._held.add(runner_id)

    async def _lock_all(self, connection: AsyncConnection) -> None:
        for runner_id in self._held:
            await _lock(connection, runner_id)

    async def let_go(self, runner_ids: Iterable[str]) -> None:
        """Unlock what is held here; after the last one the connection is not needed any more."""
        mine = self._held.intersection(runner_ids)
        self._held -= mine

        async def unlock(connection: AsyncConnection) -> None:
            for runner_id in mine:
                await connection.execute(select(func.pg_advisory_unlock(_key(literal(runner_id)))))

        if not self._held:
            await self._side.release(self, unlock)
        elif mine:
            async with self._side.use() as connection:
                await unlock(connection)

    async def dead(self, reader: Reader) -> frozenset[str]:
        """Try the lock of every runner, for this transaction; those held here are on another connection.

        Locks do not outlive the server: after it was restarted, the living get a moment to lock again.
        """
        is_free = func.pg_try_advisory_xact_lock(_key(runners.c.id))
        began = func.pg_postmaster_start_time()
        had_time = or_(runners.c.renewed_at > began, func.now() > began + literal(RELOCKING))
        return frozenset((await reader.execute(select(runners.c.id).where(had_time, is_free))).scalars())

    async def close(self) -> None:
        """Give all locks back."""
        await self.let_go([*self._held])


def _key(runner_id: object) -> object:
    """Make the 64 bits that PostgreSQL locks; the prefix keeps apart what others lock in this database."""
    return func.hashtextextended(literal("workflows runner ").concat(runner_id), 0)


async def _lock(connection: AsyncConnection, runner_id: str) -> None:
    await connection.execute(select(func.pg_advisory_lock(_key(literal(runner_id)))))


class LockFiles:
    """Locked files beside an SQLite database."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._held: dict[str, FileLock] = {}

    async def hold(self, runner_id: str) -> None:
        """Lock a runner's file. Somebody may be trying it for a moment."""
        if runner_id not in self._held:
            check_existing(self._database)  # or else a folder would be made for the lock
            with faults_translated():
                self._held[runner_id] = self._lock(runner_id)
                self._held[runner_id].acquire(timeout=1, poll_interval=0.01)

    async def let_go(self, runner_ids: Iterable[str]) -> None:
        """Unlock what is held here, and remove the files."""
        for runner_id in runner_ids:
            held = self._held.pop(runner_id, None)
            self._path(runner_id).unlink(missing_ok=True)
            if held is not None:
                held.release()

    async def dead(self, reader: Reader) -> frozenset[str]:
        """Try the file of every runner."""
        listed: Iterable[str] = (await reader.execute(select(runners.c.id))).scalars()
        return frozenset(
            runner_id for runner_id in listed if runner_id not in self._held and self._is_free(runner_id)
        )

    def _is_free(self, runner_id: str) -> bool:
        lock = self._lock(runner_id)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            return False
        lock.release()
        return True

    async def close(self) -> None:
        """Unlock all."""
        await self.let_go([*self._held])

    def _lock(self, runner_id: str) -> FileLock:
        return FileLock(self._path(runner_id), thread_local=False)

    def _path(self, runner_id: str) -> Path:
        mark = blake2b(runner_id.encode(), digest_size=8).hexdigest()  # an id may be no name for a file
        return self._database.with_name(f"{self._database.name}-runner-{mark}.lock")
