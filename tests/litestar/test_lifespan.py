"""What begins and ends with the application."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from litestar import Litestar
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine

from tests.litestar.conftest import serving
from tests.workflows import Do, chain, review
from workflows_core.definitions import WorkflowDefinition
from workflows_core.engine import ExecutionEngine
from workflows_core.errors import StorageError
from workflows_core.hosting import open_storage, stop_runners
from workflows_core.memory import MemoryStorage
from workflows_core.ports import InstanceQuery
from workflows_core.registry import WorkflowRegistry
from workflows_litestar import WorkflowPlugin, WorkflowPluginConfig
from workflows_litestar.plugin import IN_MEMORY
from workflows_sqla import SqlStorage, current


def example() -> WorkflowDefinition:
    return chain(Do("submit"), review())


def app_on(database: object, **options: Any) -> Litestar:
    config = WorkflowPluginConfig(database=database, auto_register_workflows=[example()], **options)
    return Litestar(plugins=[WorkflowPlugin(config)], logging_config=None)


def refuses_to_start(match: str) -> Any:
    """Litestar starts an application in a group of tasks."""
    return pytest.RaisesGroup(pytest.RaisesExc(StorageError, match=match))


async def leave_behind(url: str) -> str:
    """Start an instance, as a process does that dies before its first step begins; return its id."""
    registry = WorkflowRegistry()
    registry.register(example())
    storage = open_storage(url)
    instance = await ExecutionEngine(registry, storage, runs_steps=False).start_workflow("example")
    await storage.close()
    return str(instance.id)


async def test_what_was_left_goes_on_without_a_request(database_url: str) -> None:
    """The runner begins with the application; a look at the database is enough to see it."""
    instance_id = await leave_behind(database_url)
    storage = open_storage(database_url)
    watching = ExecutionEngine(WorkflowRegistry(), storage, runs_steps=False)

    async with serving(app_on(database_url)):
        (instance,) = await watching.find_instances(InstanceQuery())
        await watching.wait(instance.id)
        (instance,) = await watching.find_instances(InstanceQuery())
    await storage.close()

    assert (str(instance.id), instance.current_step) == (instance_id, "review")


@pytest.mark.parametrize("given", [SqlStorage, async_sessionmaker, lambda engine: engine])
async def test_what_is_given_as_the_database_stays_usable(
    database_url: str, given: Callable[[AsyncEngine], object]
) -> None:
    """An engine, a session maker or a storage is used, and left to whoever made it."""
    engine = create_async_engine(database_url)
    for count in (1, 2):
        async with serving(app_on(given(engine))) as api:
            await api.started()
            assert len(await api.get("/instances")) == count
    assert await current(engine)
    await engine.dispose()


async def test_memory_that_is_given_outlives_the_application() -> None:
    storage = MemoryStorage()
    for count in (1, 2):
        async with serving(app_on(storage)) as api:
            await api.started()
            assert len(await api.get("/instances")) == count


async def test_one_application_may_live_twice(database_url: str) -> None:
    """Servers that reload, and tests, begin and end it again."""
    app = app_on(database_url)
    for count in (1, 2):
        async with serving(app) as api:
            await api.started()
            assert len(await api.get("/instances")) == count


async def test_nothing_is_left_running(database_url: str) -> None:
    """Whatever began with the application ends with it, and a step in hand is handed back."""
    before = asyncio.all_tasks()
    begun = asyncio.Event()

    async def hang(_: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    workflow = chain(Do("hang", hang), name="hanging")
    config = WorkflowPluginConfig(database=database_url, auto_register_workflows=[workflow])
    app = Litestar(plugins=[WorkflowPlugin(config)])
    async with serving(app) as api:
        instance = await api.start("hanging")
        await begun.wait()
        await api.post(f"/instances/{instance['id']}/cancel")
    assert asyncio.all_tasks() == before


async def test_tables_are_made_when_the_application_starts(postgres_url: str, tmp_path: Any) -> None:
    """In an empty database, unless that is left to somebody else."""
    for url in (postgres_url, f"sqlite+aiosqlite:///{tmp_path}/new.db"):
        with refuses_to_start("workflows db upgrade"):
            async with serving(app_on(url, auto_upgrade=False)):
                raise AssertionError
        async with serving(app_on(url)) as api:
            assert (await api.started())["status"] == "waiting"
        async with serving(app_on(url, auto_upgrade=False)) as api:
            assert len(await api.get("/instances")) == 1


async def test_a_database_that_is_not_there(tmp_path: Any) -> None:
    """The application does not start, and says why."""
    with refuses_to_start("folder"):
        async with serving(app_on(f"sqlite+aiosqlite:///{tmp_path}/no/such/folder/x.db")):
            raise AssertionError


async def test_that_memory_ends_with_the_process_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    """Only where nobody chose it."""
    with caplog.at_level(logging.INFO, "workflows"):
        async with serving(app_on(None)) as api:
            await api.started()
            await api.started()
        assert [record.message for record in caplog.records].count(IN_MEMORY) == 1
        caplog.clear()
        async with serving(app_on(MemoryStorage())) as api:
            await api.started()
    assert IN_MEMORY not in caplog.text


async def test_the_api_works_without_a_lifespan() -> None:
    """Some tests of applications send requests without starting them."""
    asgi: Any = app_on(None)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(asgi), base_url="http://test/workflows"
    ) as http:
        response = await http.post("/instances", json={"definition_name": "example"})
    await stop_runners()
    assert response.status_code == 201
