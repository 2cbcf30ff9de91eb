"""The storage: units of work, due instances and runners, on SQLite or PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Hashable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import Final
from uuid import UUID

from attrs import evolve
from sqlalchemy import URL, Engine, Executable, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from workflows_core.errors import StorageError
from workflows_core.instance import Instance
from workflows_core.ports import Changes, DefinitionKey
from workflows_core.transition import Transition
from workflows_sqla import change_statements, changes, message_statements, schema, sqlite, statements, writing
from workflows_sqla.changes import Watched
from workflows_sqla.converter import AnyRow
from workflows_sqla.drivers import lent
from workflows_sqla.faults import faults_translated
from workflows_sqla.flushing import flush_on
from workflows_sqla.joined import joined_session
from workflows_sqla.liveness import runner_locks
from workflows_sqla.messages import Messages
from workflows_sqla.repositories import Definitions, History, Instances, Tasks
from workflows_sqla.reservations import (
    BATCH,
    Reservations,
    expired_reservations,
    remove_expired_reservations,
)
from workflows_sqla.side import SideConnection
from workflows_sqla.substitutions import Substitutions
from workflows_sqla.transactions import Modes, OwnTransaction, Transaction

_DRIVERS: Final = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}
PARALLEL_FLUSHES: Final = 3
"""How many flushes PostgreSQL does at a time: while one waits for the disk, another is worked on."""
CONNECTIONS: Final = 15
"""How many an engine has that is made here. All are kept: who closes them again under load opens them all the time."""


class SqlUnitOfWork:
    """Implements `ports.UnitOfWork` in a transaction."""

    def __init__(self, transaction: Transaction, watched: Watched) -> None:
        self._transaction = transaction
        self._watched = watched
        self.definitions = Definitions(transaction)
        self.instances = Instances(transaction)
        self.tasks = Tasks(transaction)
        self.substitutions = Substitutions(transaction)
        self.history = History(transaction)
        self.messages = Messages(transaction)
        self.reservations = Reservations(transaction)

    async def apply(self, transitions: Sequence[Transition]) -> frozenset[UUID]:
        """Write transitions; see the port."""
        return await writing.apply(self._transaction, transitions, self._watched)

    def session(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Give user code a session on the transaction's connection; see the port."""
        return joined_session(self._transaction)

    async def commit(self) -> None:
        """Make everything durable; see the port."""
        await self._transaction.commit()


class SqlStorage:
    """Implements `ports.Storage` on an SQLAlchemy engine.

    Args:
        engine: An async engine for SQLite (aiosqlite, a file) or PostgreSQL (asyncpg). It may be shared with
            the rest of an application, whose own transactions are left as they are.
        owns_engine: Whether `close` disposes of the engine.
    """

    def __init__(self, engine: AsyncEngine, *, owns_engine: bool = False) -> None:
        _check(engine)
        self.engine = engine
        self._owns_engine = owns_engine
        self._flush = flush_on(engine)
        self.parallel_flushes = 1 if engine.dialect.name == "sqlite" else PARALLEL_FLUSHES
        self._modes = Modes.of(engine)
        side = SideConnection(engine)
        self._locks = runner_locks(engine, side)
        self._feed = changes.change_feed(engine, side)
        self._old_signals = 0

    @property
    def identity(self) -> Hashable:
        """The engine: storages on the same one are the same."""
        return self.engine.sync_engine

    def detached(self) -> SqlStorage:
        """Return itself: an engine outlives requests."""
        return self

    @asynccontextmanager
    async def unit_of_work(self) -> AsyncIterator[SqlUnitOfWork]:
        """Open a transaction. It begins, and takes a connection, with the first statement."""
        async with self._transaction() as transaction:
            yield SqlUnitOfWork(transaction, changes.watched_in(self.engine))

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[OwnTransaction]:
        transaction = OwnTransaction(self._modes)
        try:
            yield transaction
        finally:
            await transaction.close()

    async def flush(self, transitions: Sequence[Transition]) -> frozenset[UUID]:
        """Write transitions and commit, in one round trip unless messages are concerned; see the port."""
        if not any(each.concerns_messages for each in transitions):
            return await self._flush(transitions) if transitions else frozenset()
        async with self.unit_of_work() as unit:
            lost = await unit.apply(transitions)
            await unit.commit()
        return lost

    async def claim_due(
        self,
        now: datetime,
        until: datetime,
        limit: int,
        definitions: Collection[DefinitionKey] | None = None,
    ) -> Sequence[Instance]:
        """Take due instances; see the port."""
        async with self._transaction() as transaction:
            await transaction.for_writing()
            if definitions is None:
                taken = await transaction.execute(statements.due_instances(), {"now": now, "limit": limit})
                due = list(taken.all())
            else:
                due = await _shares(transaction, now, limit, definitions)
            if not due:
                return []
            ids = [row.id for row in due]
            await transaction.execute(statements.put_off(), {"ids": ids, "until": until})
            claimed = await Instances(transaction).complete(due)
            await transaction.commit()
        return [evolve(instance, wake_at=until) for instance in claimed]

    async def put_off(self, claimed: Instance, until: datetime | None) -> None:
        """Make a claimed instance due later; see the port."""
        async with self._transaction() as transaction:
            await transaction.for_writing()
            await transaction.execute(
                statements.put_off_claimed(),
                {
                    "instance_id": claimed.id,
                    "base_revision": claimed.revision,
                    "claimed_until": claimed.wake_at,
                    "until": until,
                },
            )
            await transaction.commit()

    async def next_due(self, definitions: Collection[DefinitionKey] | None = None) -> datetime | None:
        """Return when something is due next; see the port."""
        async with self._transaction() as transaction:
            if definitions is None:
                moment: datetime | None = (await transaction.execute(statements.next_due())).scalar_one()
                return moment
            return min((moment for _, moment in await _moments(transaction, definitions)), default=None)

    async def due_definitions(self, now: datetime) -> frozenset[DefinitionKey]:
        """Return the definitions of which something is due; see the port."""
        async with self._transaction() as transaction:
            due = await transaction.execute(statements.due_definitions(), {"now": now})
            return frozenset((row.name, row.version) for row in due)

    def changes(self, heard: Callable[[UUID | None], None]) -> AbstractAsyncContextManager[Changes]:
        """Hear of commits; see the port."""
        return self._feed.open(heard)

    async def purge(self, now: datetime) -> int:
        """Forget expired messages and reservations; see the port. Signals that everybody has seen go with them."""
        await self._purge_on_sqlite()
        gone = await self._remove(
            message_statements.expired_messages(), message_statements.remove_expired(), now
        )
        while True:
            removed = await self._remove(expired_reservations(), remove_expired_reservations(), now)
            gone += removed
            if removed < BATCH:
                return gone

    async def _remove(self, expired: Executable, remove: Executable, now: datetime) -> int:
        async with self._transaction() as transaction:
            if (await transaction.execute(expired, {"now": now})).first() is None:
                return 0  # the write lock is not taken for nothing
            await transaction.for_writing()
            removed = await transaction.execute(remove, {"now": now})
            await transaction.commit()
        return writing.count(removed)

    async def _purge_on_sqlite(self) -> None:
        if self.engine.dialect.name != "sqlite":
            return
        if sqlite.has_large_log(self.engine.url):
            with faults_translated():
                async with lent(self.engine) as connection:
                    await sqlite.in_its_thread(connection, sqlite.begin_log_anew, None)
        async with self._transaction() as transaction:
            newest = (await transaction.execute(change_statements.newest_signal())).scalar_one() or 0
            seen, self._old_signals = self._old_signals, newest
            if seen:
                await transaction.for_writing()
                await transaction.execute(change_statements.remove_signals(), {"number": seen})
                await transaction.commit()

    async def enlist(self, runner_id: str, until: datetime) -> None:
        """Note a runner, and lock its name for as long as this process lives; see the port."""
        await self._locks.hold(runner_id)
        async with self._transaction() as transaction:
            await transaction.for_writing()
            add = statements.add_runner(transaction.dialect)
            await transaction.execute(add, {"id": runner_id, "lease_until": until})
            await transaction.commit()

    async def renew(self, runner_id: str, until: datetime) -> bool:
        """Extend a runner's lease; see the port."""
        await self._locks.hold(runner_id)
        async with self._transaction() as transaction:
            await transaction.for_writing()
            extended = await transaction.execute(
                statements.extend_lease(transaction.dialect), {"runner_id": runner_id, "until": until}
            )
            await transaction.commit()
        if not writing.count(extended):
            await self._locks.let_go([runner_id])
            return False
        return True

    async def discharge(self, runner_id: str) -> None:
        """Strike a runner off and wake what may have been its work; see the port."""
        async with self._transaction() as transaction:
            await transaction.for_writing()
            await _discharge(transaction, frozenset({runner_id}))
            await transaction.commit()
        await self._locks.let_go([runner_id])

    async def strike_off(self, now: datetime) -> frozenset[str]:
        """Discharge those whose lease ended and those whose lock is free; see the port."""
        async with self._transaction() as transaction:
            await transaction.for_writing()
            ended = await transaction.execute(statements.ended_leases(), {"now": now})
            gone = frozenset(ended.scalars()) | await self._locks.dead(transaction)
            if not gone:
                return gone
            gone = await _discharge(transaction, gone)
            await transaction.commit()
        await self._locks.let_go(gone)
        return gone

    async def runners(self) -> frozenset[str]:
        """Return the runners on the list."""
        async with self._transaction() as transaction:
            return frozenset((await transaction.execute(statements.runner_ids())).scalars())

    async def prepare(self) -> None:
        """Upgrade the tables; see the port."""
        await schema.upgrade(self.engine)

    async def close(self) -> None:
        """Give back the locks of runners, and the engine if it was made here."""
        await self._locks.close()
        if self._owns_engine:
            await self.engine.dispose()


async def _moments(
    transaction: OwnTransaction, definitions: Collection[DefinitionKey]
) -> list[tuple[DefinitionKey, datetime]]:
    """Return when the first instance of each definition is due, earliest first; those without any are left out."""
    if not definitions:
        return []
    keys = sorted(definitions)
    rows = await transaction.execute(statements.moments_due(len(keys)), statements.named(keys))
    moments = [((row.name, row.version), row.wake_at) for row in rows if row.wake_at is not None]
    return sorted(moments, key=lambda each: each[1])


async def _shares(
    transaction: OwnTransaction, now: datetime, limit: int, definitions: Collection[DefinitionKey]
) -> list[AnyRow]:
    """Take due instances of these definitions; what one does not need of its share is left to those after it."""
    due = [key for key, moment in await _moments(transaction, definitions) if moment <= now]
    taken: list[AnyRow] = []
    for place, (name, version) in enumerate(due):
        share = -(-(limit - len(taken)) // (len(due) - place))
        asked = {"now": now, "limit": share, "name": name, "version": version}
        taken += (await transaction.execute(statements.due_instances(by_definition=True), asked)).all()
    return taken


async def _discharge(transaction: OwnTransaction, runner_ids: frozenset[str]) -> frozenset[str]:
    """Take runners off the list; return those that were on it."""
    removed = await transaction.execute(statements.remove_runners(), {"ids": [*runner_ids]})
    gone: frozenset[str] = frozenset(removed.scalars())
    if gone:
        await transaction.execute(statements.wake_moving())
        await changes.tell_due(transaction)
    return gone


def open_storage(database: object) -> SqlStorage | None:
    """Open the storage in a database, given as URL, async engine or `async_sessionmaker`.

    An engine that is made here, from a URL, is disposed of by `close`; a given one stays the caller's.
    Returns `None` for what is neither SQLite nor PostgreSQL.

    Raises:
        StorageError: If it is, but cannot be used: a database in memory, a driver that is missing.
    """
    if isinstance(database, async_sessionmaker):
        database = database.kw.get("bind")
    if isinstance(database, Engine):
        raise StorageError(
            "The engine must be an async one: make it with sqlalchemy.ext.asyncio.create_async_engine."
        )
    if isinstance(database, AsyncEngine):
        return SqlStorage(database)
    url = _known_url(database)
    return None if url is None else SqlStorage(_make_engine(url), owns_engine=True)


def _known_url(database: object) -> URL | None:
    """Return the URL with the driver we use, and `None` if it is none of ours."""
    if not isinstance(database, str | URL):
        return None
    try:
        url = make_url(database)
    except ArgumentError:
        return None
    if url.drivername not in _DRIVERS:
        return None
    url = url.set(drivername=_DRIVERS[url.drivername])
    if "sslmode" in url.query and url.drivername == "postgresql+asyncpg":  # as libpq calls it
        mode = url.query["sslmode"]
        url = url.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode})
    return url


def _make_engine(url: URL) -> AsyncEngine:
    if url.get_backend_name() == "sqlite":
        sqlite.database_file(url)  # refuses a database in memory before SQLAlchemy warns of it
    try:
        engine = create_async_engine(
            url,
            pool_size=CONNECTIONS,
            max_overflow=0,
            pool_use_lifo=True,
            hide_parameters=True,  # in errors, which are logged: they are what people have sent
        )
    except ModuleNotFoundError as error:
        extra = "db" if url.get_backend_name() == "sqlite" else "postgres"
        raise StorageError(f"{error}: install workflows-litestar[{extra}].") from error
    if url.get_backend_name() == "sqlite":
        sqlite.use_existing(engine.sync_engine)
    return engine


def _check(engine: AsyncEngine) -> None:
    if engine.dialect.name == "sqlite":
        sqlite.instruct(engine.sync_engine)
    elif (engine.dialect.name, engine.dialect.driver) != ("postgresql", "asyncpg"):
        raise StorageError(
            f"An engine for {engine.dialect.name}+{engine.dialect.driver} cannot be used: "
            "use sqlite+aiosqlite or postgresql+asyncpg."
        )
