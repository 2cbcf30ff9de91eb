"""The engine over every storage: what holds in memory holds on SQL."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from tests.postgres import PostgresServer
from workflows_core.engine import ExecutionEngine
from workflows_core.memory import MemoryStorage
from workflows_core.ports import Storage
from workflows_core.registry import WorkflowRegistry
from workflows_sqla import SqlStorage, upgrade

MakeStorage = Callable[[], Storage]


def prepare(url: str) -> None:
    """Create the tables in an empty database."""

    async def fill() -> None:
        engine = create_async_engine(url)
        await upgrade(engine)
        await engine.dispose()

    with ThreadPoolExecutor(1) as thread:  # the fixtures that ask for it may be async themselves
        thread.submit(asyncio.run, fill()).result()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared SQLite file, to be copied."""
    path = tmp_path_factory.mktemp("template") / "workflows.db"
    prepare(f"sqlite+aiosqlite:///{path}")
    return path


def sqlite_url(request: pytest.FixtureRequest) -> str:
    path = request.getfixturevalue("tmp_path") / "workflows.db"
    path.write_bytes(request.getfixturevalue("sqlite_template").read_bytes())
    return f"sqlite+aiosqlite:///{path}"


def postgres_url(request: pytest.FixtureRequest) -> str:
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.create_database(server.template("schema", prepare))
    request.addfinalizer(lambda: server.drop_database(url))
    return url


URLS = {"sqlite": sqlite_url, "postgres": postgres_url}


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A prepared database of each kind."""
    return URLS[request.param](request)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[AsyncEngine]:
    """An SQLAlchemy engine, as an application makes it."""
    engine = create_async_engine(database_url)
    yield engine
    await engine.dispose()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def make_storage(request: pytest.FixtureRequest) -> AsyncIterator[MakeStorage]:
    """Make storages on one and the same database, as several processes would."""
    async with AsyncExitStack() as stack:
        if request.param == "memory":
            memory = MemoryStorage()
            yield lambda: memory
            return
        url = URLS[request.param](request)

        def make() -> Storage:
            database = create_async_engine(url)
            stack.push_async_callback(database.dispose)
            return SqlStorage(database)

        yield make


MakeEngine = Callable[..., Awaitable[ExecutionEngine]]


@pytest.fixture
async def make_engine(make_storage: MakeStorage) -> AsyncIterator[MakeEngine]:
    """Start engines that serve the given definitions or workflow classes; they stop when the test ends."""
    async with AsyncExitStack() as stack:

        async def make(*workflows: object) -> ExecutionEngine:
            registry = WorkflowRegistry()
            for workflow in workflows:
                registry.register(workflow)
            return await stack.enter_async_context(ExecutionEngine(registry, make_storage()))

        yield make
