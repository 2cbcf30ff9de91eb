"""One database for the engine, the application around it, and other processes."""

import asyncio
import gc
import signal
import sqlite3
import sys
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable
from contextlib import closing
from itertools import product
from pathlib import Path

import pytest
from sqlalchemy import NullPool, StaticPool, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine

from workflows_core.data import JsonObject
from workflows_core.errors import InstanceNotFoundError, InvalidDataError, StorageError
from workflows_core.ports import InstanceQuery, TaskQuery
from workflows_core.testing.samples import AT, EVER, HOUR, begin_step, course, open_task, start
from workflows_core.testing.storage import applied, assert_same, found, stored
from workflows_sqla import SqlStorage, open_storage
from workflows_sqla.sqlite import database_file

HOLDER = """
import asyncio, sys
from datetime import datetime, UTC
from workflows_sqla import open_storage

async def main():
    storage = open_storage(sys.argv[1])
    await storage.enlist("runner", datetime(9000, 1, 1, tzinfo=UTC))
    print("enlisted", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def struck_off(storage: SqlStorage) -> None:
    """Wait until the dead runner is noticed: PostgreSQL does so when it reads the closed connection."""
    async with asyncio.timeout(30):
        while await storage.strike_off(AT) != {"runner"}:  # noqa: ASYNC110 - the other end may be another process
            await asyncio.sleep(0.01)


@pytest.fixture
async def storage(engine: AsyncEngine) -> SqlStorage:
    return SqlStorage(engine)


async def test_a_killed_process_is_noticed_at_once_and_a_living_one_is_left_alone(
    storage: SqlStorage, url: str
) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", HOLDER, url, stdout=PIPE)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"enlisted\n"
    assert await storage.strike_off(AT) == frozenset()
    assert await storage.runners() == {"runner"}

    process.send_signal(signal.SIGKILL)
    await process.wait()
    await struck_off(storage)
    assert await storage.runners() == frozenset()


async def test_a_runner_of_another_storage_in_this_process_is_alive(storage: SqlStorage, url: str) -> None:
    other = open_storage(url)
    assert other is not None
    await other.enlist("runner", EVER)
    assert await storage.strike_off(AT) == frozenset()

    await other.close()  # its locks go with it, as with its process
    await struck_off(storage)
    assert not await storage.renew("runner", EVER)
    await storage.close()


def lock_files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if "runner" in path.name]


async def test_runners_leave_nothing_beside_the_database(storage: SqlStorage, tmp_path: Path) -> None:
    await storage.enlist("one", EVER)
    await storage.enlist("two", AT)
    await storage.strike_off(AT)
    await storage.discharge("one")
    assert lock_files(tmp_path) == []


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_a_lost_lock_connection_is_replaced(database_url: str) -> None:
    storage, other = open_storage(database_url), open_storage(database_url)
    assert storage is not None
    assert other is not None
    await storage.enlist("runner", EVER)
    async with other.engine.begin() as connection:
        await connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_database ON pg_database.oid = database"
                " WHERE datname = current_database() AND locktype = 'advisory' AND pid <> pg_backend_pid()"
            )
        )
    assert await storage.renew("runner", EVER)
    assert await other.strike_off(AT) == frozenset()
    await storage.close()
    await other.close()


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_the_lock_takes_no_connection_from_the_pool(database_url: str) -> None:
    engine = create_async_engine(database_url, pool_size=1, max_overflow=0, pool_timeout=5)
    storage = SqlStorage(engine)
    await storage.enlist("runner", EVER)
    await stored(storage, course())
    await storage.discharge("runner")
    await engine.dispose()


async def test_a_small_pool_serves_many(url: str) -> None:
    engine = create_async_engine(url, pool_size=2, max_overflow=0)
    storage = SqlStorage(engine)
    lost = await asyncio.gather(*(applied(storage, [start()]) for _ in range(100)))
    assert set(lost) == {frozenset()}
    async with storage.unit_of_work() as unit:
        assert len(await unit.instances.find(InstanceQuery())) == 100
    await engine.dispose()


async def test_transactions_that_are_canceled_leave_nothing_behind(url: str) -> None:
    engine = create_async_engine(url, pool_size=3, max_overflow=0, pool_timeout=5)
    storage = SqlStorage(engine)
    for ticks in range(40):
        writing = asyncio.create_task(applied(storage, [start(), start()]))
        for _ in range(ticks):
            await asyncio.sleep(0)
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
    await stored(storage, course())
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    await engine.dispose()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_write_lock_is_free_after_whatever_was_canceled(database_url: str) -> None:
    """Not only once the garbage is collected: a statement that nobody finished would keep it until then."""
    storage = open_storage(database_url)
    assert storage is not None
    await stored(storage, [start() for _ in range(3)])
    works: list[Callable[[], Awaitable[object]]] = [
        lambda: storage.claim_due(AT, AT, 1),
        lambda: applied(storage, [start()]),
        lambda: storage.flush([start(), start()]),
    ]
    gc.disable()
    try:
        with closing(sqlite3.connect(database_file(storage.engine.url), timeout=5)) as other:
            for work, ticks in product(works, range(0, 400, 3)):
                canceled = asyncio.ensure_future(work())
                for _ in range(ticks):
                    await asyncio.sleep(0)
                canceled.cancel()
                await asyncio.gather(canceled, return_exceptions=True)
                other.execute("BEGIN IMMEDIATE")
                other.rollback()
    finally:
        gc.enable()
    await storage.close()


async def test_the_engine_of_an_application_keeps_its_ways(tmp_path: Path) -> None:
    """Its transactions do not take SQLite's write lock to read, nor begin before they write."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/app.db")
    async with engine.connect() as connection:  # stays in the pool, opened before we came
        await connection.execute(text("CREATE TABLE counters (n INTEGER)"))
        await connection.execute(text("INSERT INTO counters VALUES (0)"))
        await connection.commit()
    storage = SqlStorage(engine)
    await storage.prepare()
    async with engine.connect() as reading, engine.connect() as writing:
        await reading.execute(text("SELECT n FROM counters"))
        await writing.execute(text("SELECT n FROM counters"))
        await stored(storage, [start()])  # neither of them is in its way
        await writing.execute(text("UPDATE counters SET n = 1"))
        await writing.commit()
    await stored(storage, [start()])
    await engine.dispose()


async def test_an_application_may_begin_in_its_own_way(tmp_path: Path) -> None:
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/app.db")

    @event.listens_for(engine.sync_engine, "connect")
    def _(connection: object, _: object) -> None:
        connection.isolation_level = None  # type: ignore[attr-defined]

    @event.listens_for(engine.sync_engine, "begin")
    def _(connection: object) -> None:
        connection.exec_driver_sql("BEGIN")  # type: ignore[attr-defined]

    storage = SqlStorage(engine)
    await storage.prepare()
    instances = await stored(storage, [start() for _ in range(10)])
    lost = await asyncio.gather(*(applied(storage, [begin_step(instances[0])]) for _ in range(8)))
    assert sum(map(len, lost)) == 7
    await engine.dispose()


@pytest.mark.parametrize("level", ["AUTOCOMMIT", "SERIALIZABLE"])
async def test_the_isolation_that_an_application_chose_does_not_matter(url: str, level: str) -> None:
    engine = create_async_engine(url, isolation_level=level)
    storage = SqlStorage(engine)
    (instance,) = await stored(storage, [start()])
    async with storage.unit_of_work() as unit:
        await unit.apply([begin_step(instance), late := start()])
    with pytest.raises(InstanceNotFoundError):
        await found(storage, late.instance.id)
    lost = await asyncio.gather(*(applied(storage, [begin_step(instance)]) for _ in range(8)))
    assert sum(map(len, lost)) == 7
    await engine.dispose()


async def test_an_engine_without_a_pool_will_do(url: str) -> None:
    storage = SqlStorage(create_async_engine(url, poolclass=NullPool))
    (*_, last) = await stored(storage, course())
    assert_same(last, await found(storage, last.id))


async def test_commits_survive_a_power_failure(tmp_path: Path) -> None:
    storage = open_storage(f"sqlite:///{tmp_path}/workflows.db")
    assert storage is not None
    await storage.prepare()
    async with storage.engine.connect() as connection:
        pragmas = [
            await connection.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous")
        ]
    assert pragmas == ["wal", 2]
    await storage.close()


# What can be opened


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("sqlite:///a.db", "sqlite+aiosqlite:///a.db"),
        ("sqlite+aiosqlite:////b/a.db", "sqlite+aiosqlite:////b/a.db"),
        ("postgres://u:p@h:1/d", "postgresql+asyncpg://u:p@h:1/d"),
        ("postgresql://u@h/d", "postgresql+asyncpg://u@h/d"),
        ("postgresql+asyncpg://u@h/d", "postgresql+asyncpg://u@h/d"),
        ("postgresql://u@h/d?sslmode=require", "postgresql+asyncpg://u@h/d?ssl=require"),
        (make_url("postgresql://u@h/d"), "postgresql+asyncpg://u@h/d"),
    ],
)
async def test_urls_get_the_driver_we_use(given: object, made: str) -> None:
    storage = open_storage(given)
    assert storage is not None
    assert storage.engine.url.render_as_string(hide_password=False) == made
    await storage.close()


async def test_an_engine_that_was_given_stays_open(engine: AsyncEngine) -> None:
    for given in (engine, async_sessionmaker(engine)):
        storage = open_storage(given)
        assert storage is not None
        assert storage.identity is engine.sync_engine
        await storage.close()
    pool = engine.pool
    assert await SqlStorage(engine).next_due() is None
    assert engine.pool is pool


@pytest.mark.parametrize("given", ["mysql+aiomysql://h/d", "temporal://h", "no url", "", None, 7, object()])
def test_what_is_not_ours_is_left_to_others(given: object) -> None:
    assert open_storage(given) is None


@pytest.mark.parametrize(
    "given",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite+aiosqlite:///file::memory:?cache=shared&uri=true",
        "sqlite+aiosqlite:///file:name?mode=memory&uri=true",
    ],
)
def test_a_database_in_memory_is_refused(given: str) -> None:
    with pytest.raises(StorageError, match=r"use a file .* or LocalExecutionEngine"):
        open_storage(given)


def test_what_cannot_work_is_refused() -> None:
    with pytest.raises(StorageError, match="StaticPool"):
        SqlStorage(create_async_engine("sqlite+aiosqlite:///a.db", poolclass=StaticPool))
    with pytest.raises(StorageError, match="create_async_engine"):
        open_storage(create_engine("sqlite:///a.db"))


# What goes wrong


async def test_missing_tables_say_what_to_do(empty_url: str) -> None:
    storage = open_storage(empty_url)
    assert storage is not None
    for work in (
        storage.next_due(),
        applied(storage, [start()]),
        storage.enlist("one", AT),
        storage.runners(),
    ):
        with pytest.raises(StorageError, match=r"workflows db upgrade.*workflows_sqla\.upgrade"):
            await work
    await storage.close()


async def test_an_unreachable_database_says_so() -> None:
    storage = open_storage("postgresql://postgres@127.0.0.1:1/postgres")
    assert storage is not None
    for work in (storage.next_due(), applied(storage, [start()]), storage.enlist("one", AT)):
        with pytest.raises(StorageError, match="cannot be reached"):
            await work


async def test_a_database_that_does_not_exist_says_so(postgres_url: str) -> None:
    storage = open_storage(make_url(postgres_url).set(database="absent"))
    assert storage is not None
    with pytest.raises(StorageError, match='"absent" does not exist'):
        await storage.next_due()


async def test_a_pool_that_is_too_small_says_so(url: str) -> None:
    engine = create_async_engine(url, pool_size=1, max_overflow=0, pool_timeout=0.01)
    async with engine.connect():
        with pytest.raises(StorageError, match="pool_size"):
            await SqlStorage(engine).next_due()
    await engine.dispose()


@pytest.mark.parametrize("words", ["lone \ud800 surrogate", {"\udfff": 1}])
async def test_what_can_never_be_stored_is_not_the_fault_of_the_database(
    storage: SqlStorage, words: object
) -> None:
    data: JsonObject = {"words": words}  # type: ignore[dict-item]
    with pytest.raises(InvalidDataError):
        await applied(storage, [start(data=data)])


async def test_text_with_nul_is_kept_or_refused_as_invalid(storage: SqlStorage, engine: AsyncEngine) -> None:
    (*before, opened) = course(title="a\0b")
    await stored(storage, before)
    if engine.dialect.name == "sqlite":
        assert not await applied(storage, [opened])
        return
    with pytest.raises(InvalidDataError, match="cannot store"):
        await applied(storage, [opened])
    assert not await applied(storage, [open_task(before[-1].instance)])
    async with storage.unit_of_work() as unit:
        assert len(await unit.tasks.find(TaskQuery(due_before=AT + HOUR))) == 0
