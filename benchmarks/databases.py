"""The databases of a run: a PostgreSQL server with its default durability, and files of SQLite."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

import asyncpg
from attrs import define, frozen
from sqlalchemy import event, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from benchmarks.candidates import Host, NoticingSql, host
from benchmarks.floors import TABLES
from tests.postgres import PostgresServer

POOL: Final[Any] = {"pool_size": 15, "max_overflow": 0, "pool_use_lifo": True}
"""As the engine makes it from a URL: connections beyond the pool would be opened and closed all the time."""


@frozen
class Server:
    """A PostgreSQL server, and a folder for what else is stored."""

    postgres: PostgresServer
    folder: Path

    @asynccontextmanager
    async def database(self, *, counts: bool = False, **options: Any) -> AsyncIterator[Database]:
        """Make a database with the tables of the engine and of the floors; the options are those of the engine.

        What it is sent is only counted if it shall be: that takes time.
        """
        url = self.postgres.create_database()
        dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        async with AsyncExitStack() as stack:
            stack.callback(self.postgres.drop_database, url)
            engine = create_async_engine(url, **POOL)
            stack.push_async_callback(engine.dispose)
            tally = Tally.of(engine) if counts else Tally()
            storage = NoticingSql(engine)
            await storage.prepare()
            connections = [await stack.enter_async_context(_connected(dsn)) for _ in range(16)]
            await connections[0].execute(TABLES)
            running = host(storage, **options)
            await stack.enter_async_context(running.engine)
            yield Database(url, running, tally, tuple(connections))

    @asynccontextmanager
    async def file(self) -> AsyncIterator[Host]:
        """Run an engine on a new SQLite database."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            engine = create_async_engine(f"sqlite+aiosqlite:///{folder}/workflows.db", **POOL)
            storage = NoticingSql(engine, owns_engine=True)
            await storage.prepare()
            running = host(storage)
            async with running.engine:
                yield running


@contextmanager
def serving() -> Iterator[Server]:
    """Start a server that waits for the disk at every commit, as PostgreSQL does if it is not told otherwise."""
    folder = Path(tempfile.mkdtemp(prefix="workflows-benchmark-"))
    try:
        with PostgresServer(fsync=True) as postgres:
            yield Server(postgres, folder)
    finally:
        shutil.rmtree(folder)


@define
class Tally:
    """Counts what an engine sends to PostgreSQL, and how often it waits for an answer."""

    statements: int = 0
    round_trips: int = 0

    @classmethod
    def of(cls, engine: AsyncEngine) -> Tally:
        tally = cls()

        def by_driver(query: Any) -> None:
            is_batch = isinstance(query.args, list) and query.args and isinstance(query.args[0], list)
            is_bracket = query.query.rstrip(";").split(maxsplit=1)[0] in {"BEGIN", "COMMIT", "ROLLBACK"}
            tally.round_trips += 1
            tally.statements += len(query.args) if is_batch else not is_bracket

        def by_sqlalchemy(*_: object) -> None:
            tally.round_trips += 1
            tally.statements += 1

        @event.listens_for(engine.sync_engine, "connect")
        def _(connection: Any, _: object) -> None:
            connection.driver_connection.add_query_logger(by_driver)

        event.listen(engine.sync_engine, "before_cursor_execute", by_sqlalchemy)
        return tally

    def clear(self) -> None:
        self.statements = self.round_trips = 0


@frozen
class Database:
    """A PostgreSQL database with a running engine, and bare connections for the floors and for questions."""

    url: str
    host: Host
    tally: Tally
    connections: tuple[asyncpg.Connection, ...]

    async def position(self) -> str:
        """Return where the log is written next."""
        position: str = await self.connections[0].fetchval("SELECT pg_current_wal_insert_lsn()::text")
        return position

    async def written_since(self, position: str) -> int:
        """Return the bytes of log since a position."""
        question = "SELECT (pg_current_wal_insert_lsn() - $1::text::pg_lsn)::bigint"
        written: int = await self.connections[0].fetchval(question, position)
        return written

    async def commits_since(self, position: str) -> int:
        """Return how many transactions are committed in the log since a position."""
        await self.connections[0].execute("CREATE EXTENSION IF NOT EXISTS pg_walinspect")
        question = """
            SELECT coalesce(sum(count), 0)::bigint FROM pg_get_wal_stats($1::text::pg_lsn, $2::text::pg_lsn, true)
            WHERE "resource_manager/record_type" = 'Transaction/COMMIT'
        """
        # The place to write next may be ahead of what is written, and what is committed is written.
        end: str = await self.connections[0].fetchval("SELECT pg_current_wal_flush_lsn()::text")
        commits: int = await self.connections[0].fetchval(question, position, end)
        return commits

    async def live_bytes(self, prefix: str) -> int:
        """Rewrite the tables whose names begin so, and return what they take with all their indexes."""
        tables = [
            row["oid"]
            for row in await self.connections[0].fetch(
                "SELECT oid::regclass::text AS oid FROM pg_class"
                " WHERE relkind = 'r' AND relname LIKE $1 || '%' AND relnamespace = 'public'::regnamespace",
                prefix,
            )
        ]
        for table in tables:
            await self.connections[0].execute(f"VACUUM FULL {table}")
        sizes = [
            await self.connections[0].fetchval("SELECT pg_total_relation_size($1::text::regclass)", table)
            for table in tables
        ]
        return sum(sizes)


@asynccontextmanager
async def _connected(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await asyncio.shield(connection.close())
