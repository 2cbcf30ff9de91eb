"""The engine over every storage: what holds in memory holds on SQL."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from tests.databases import URLS
from workflows_core.definitions import WorkflowClass, WorkflowDefinition
from workflows_core.engine import ExecutionEngine
from workflows_core.memory import MemoryStorage
from workflows_core.ports import Storage
from workflows_core.registry import WorkflowRegistry
from workflows_sqla import SqlStorage

MakeStorage = Callable[[], Storage]


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

        async def make(*workflows: WorkflowDefinition | type[WorkflowClass]) -> ExecutionEngine:
            registry = WorkflowRegistry()
            for workflow in workflows:
                registry.register(workflow)
            return await stack.enter_async_context(ExecutionEngine(registry, make_storage()))

        yield make
