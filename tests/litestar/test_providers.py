"""What an application provides itself is used: its engine, its registry, its session."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from litestar import Litestar, get, post
from litestar.di import NamedDependency, Provide
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from tests.litestar.conftest import serving
from tests.litestar.problems import refused
from tests.workflows import Do, chain, review
from workflows_core.definitions import WorkflowDefinition
from workflows_core.engine import ExecutionEngine, LocalExecutionEngine
from workflows_core.hosting import open_storage
from workflows_core.ports import InstanceQuery
from workflows_core.registry import WorkflowRegistry
from workflows_litestar import WorkflowPlugin, WorkflowPluginConfig
from workflows_sqla import HumanTaskRepository, PersistentExecutionEngine


def example() -> WorkflowDefinition:
    return chain(Do("submit"), review(), Do("pay"))


def registry_with(*workflows: WorkflowDefinition) -> WorkflowRegistry:
    registry = WorkflowRegistry()
    for workflow in workflows:
        registry.register(workflow)
    return registry


async def leave_behind(url: str) -> None:
    """Start an instance, as a process does that dies before its first step begins."""
    storage = open_storage(url)
    await ExecutionEngine(registry_with(example()), storage, runs_steps=False).start_workflow("example")
    await storage.close()


def annotated(registry: WorkflowRegistry) -> Callable[..., Any]:
    async def provide_engine(session: AsyncSession) -> PersistentExecutionEngine:
        return PersistentExecutionEngine(registry=registry, session=session)

    return provide_engine


def unannotated(registry: WorkflowRegistry) -> Callable[..., Any]:
    async def provide_engine(session):  # type: ignore[no-untyped-def]  # as the guide writes it  # noqa: ANN001, ANN202
        return PersistentExecutionEngine(registry=registry, session=session)

    return provide_engine


def marked(registry: WorkflowRegistry) -> Callable[..., Any]:
    async def provide_engine(session: NamedDependency[AsyncSession]) -> PersistentExecutionEngine:
        return PersistentExecutionEngine(registry=registry, session=session)

    return provide_engine


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """The application's own, which it disposes of itself."""
    engine = create_async_engine(database_url)
    yield engine
    await engine.dispose()


def session_scoped(
    engine: AsyncEngine, provide_engine: Callable[..., Any], sessions: list[AsyncSession], **options: Any
) -> Litestar:
    """An application in the manner of the guide: a session and an engine for every request."""
    factory = async_sessionmaker(engine, expire_on_commit=False)

    async def provide_session() -> AsyncIterator[AsyncSession]:
        async with factory() as session:
            sessions.append(session)
            yield session

    return Litestar(
        route_handlers=options.pop("route_handlers", []),
        plugins=[WorkflowPlugin(WorkflowPluginConfig(**options))],
        dependencies={"session": Provide(provide_session), "workflow_engine": Provide(provide_engine)},
    )


@pytest.mark.parametrize("provider", [annotated, unannotated, marked])
async def test_an_engine_for_every_request(
    engine: AsyncEngine, provider: Callable[[WorkflowRegistry], Callable[..., Any]]
) -> None:
    """However its provider is written: steps go on in the background, on sessions of their own."""
    sessions: list[AsyncSession] = []
    app = session_scoped(engine, provider(registry_with(example())), sessions)
    async with serving(app) as api:
        instance = await api.started()
        await api.complete(await api.task(instance))
        ended = await api.rest(instance)

        assert ended["status"] == "completed"
        assert [each["name"] for each in await api.get("/definitions")] == ["example"]
        assert len(set(map(id, sessions))) == len(sessions) > 3
        assert not any(session.in_transaction() for session in sessions)


async def test_the_first_engine_of_a_database_recovers_what_was_left(
    engine: AsyncEngine, database_url: str
) -> None:
    """Nobody has to start or complete anything for that: the application is looked at."""
    await leave_behind(database_url)
    app = session_scoped(engine, annotated(registry_with(example())), [])
    async with serving(app) as api:
        (left,) = await api.get("/instances")
        waiting = await api.rest(left)

        assert waiting["current_step"] == "review"


async def test_configured_workflows_are_in_the_registry_of_the_application(engine: AsyncEngine) -> None:
    app = session_scoped(engine, annotated(WorkflowRegistry()), [], auto_register_workflows=[example()])
    async with serving(app) as api:
        assert (await api.started())["status"] == "waiting"


async def test_a_session_of_the_application_reads_what_the_engine_wrote(engine: AsyncEngine) -> None:
    @get("/count")
    async def count(session: NamedDependency[AsyncSession]) -> int:
        return len(await HumanTaskRepository(session).find_pending())

    app = session_scoped(engine, annotated(registry_with(example())), [], route_handlers=[count])
    async with serving(app) as api:
        await api.started()
        assert (await api.http.get("http://test/count")).json() == 1


async def test_a_change_of_the_application_and_a_start_are_one_transaction(engine: AsyncEngine) -> None:
    """A handler that asks for an engine and a session gets both on the same one."""

    @post("/order")
    async def order(
        session: NamedDependency[AsyncSession], workflow_engine: NamedDependency[ExecutionEngine]
    ) -> bool:
        assert isinstance(workflow_engine, PersistentExecutionEngine)
        await session.begin()
        await workflow_engine.start_workflow("example")
        return session.in_transaction()

    app = session_scoped(engine, annotated(registry_with(example())), [], route_handlers=[order])
    async with serving(app) as api:
        response = await api.http.post("http://test/order")
        assert response.json() is False
        (instance,) = await api.get("/instances")
        assert (await api.rest(instance))["status"] == "waiting"


async def test_a_registry_of_the_application_alone() -> None:
    """It is used with the plugin's own storage."""
    registry = registry_with(example())

    async def provide_registry() -> WorkflowRegistry:
        return registry

    app = Litestar(
        plugins=[
            WorkflowPlugin(WorkflowPluginConfig(auto_register_workflows=[chain(review(), name="second")]))
        ],
        dependencies={"workflow_registry": Provide(provide_registry)},
    )
    async with serving(app) as api:
        assert [each["name"] for each in await api.get("/definitions")] == ["example", "second"]
        assert (await api.started("example"))["status"] == "waiting"
        assert (await api.started("second"))["status"] == "waiting"


async def test_an_engine_and_another_registry_of_the_application() -> None:
    """Each is used for what it is asked: definitions are shown from one, instances started from the other."""
    registry = registry_with(example(), chain(review(), name="shown"))
    engine = LocalExecutionEngine(registry_with(example()))

    async def provide_engine() -> LocalExecutionEngine:
        return engine

    async def provide_registry() -> WorkflowRegistry:
        return registry

    app = Litestar(
        plugins=[WorkflowPlugin()],
        dependencies={
            "workflow_engine": Provide(provide_engine),
            "workflow_registry": Provide(provide_registry),
        },
    )
    async with serving(app) as api:
        assert [each["name"] for each in await api.get("/definitions")] == ["example", "shown"]
        instance = await api.started()
        assert (await engine.find_instances(InstanceQuery()))[0].id.hex == instance["id"].replace("-", "")
        refused(await api.http.post("/instances", json={"definition_name": "shown"}), 404)


async def test_dependencies_of_other_names_are_left_alone() -> None:
    """An application may call anything else `engine` or `registry`."""
    seen: list[object] = []

    async def provide_word() -> str:
        return "a word"

    async def provide_another() -> str:
        return "another"

    async def provide_engine(engine: NamedDependency[str], registry: NamedDependency[str]) -> ExecutionEngine:
        seen.append((engine, registry))
        return LocalExecutionEngine(registry_with(example()))

    app = Litestar(
        plugins=[WorkflowPlugin()],
        dependencies={
            "engine": Provide(provide_word),
            "registry": Provide(provide_another),
            "workflow_engine": Provide(provide_engine),
        },
    )
    async with serving(app) as api:
        assert await api.get("/instances") == []
        assert seen == [("a word", "another")]


async def test_handlers_of_the_application_may_ask_for_the_engine_of_the_plugin() -> None:
    """Also where there is no REST API."""

    @post("/order")
    async def order(
        workflow_engine: NamedDependency[ExecutionEngine],
        workflow_registry: NamedDependency[WorkflowRegistry],
    ) -> str:
        instance = await workflow_engine.start_workflow("example")
        rested = await workflow_engine.wait(instance.id)
        return f"{len(workflow_registry.list_definitions())} {rested.current_step}"

    config = WorkflowPluginConfig(enable_api=False, auto_register_workflows=[example()])
    async with serving(Litestar([order], plugins=[WorkflowPlugin(config)])) as api:
        assert (await api.http.post("http://test/order")).text == "1 review"
        assert (await api.http.get("/definitions")).status_code == 404


async def test_a_provider_of_the_application_stays_as_it_is() -> None:
    """It may be used elsewhere too."""

    async def provide_engine(registry: WorkflowRegistry) -> ExecutionEngine:
        return LocalExecutionEngine(registry)

    async def provide_words() -> WorkflowRegistry:
        return WorkflowRegistry()

    provider = Provide(provide_engine)
    Litestar(
        plugins=[WorkflowPlugin()],
        dependencies={"workflow_engine": provider, "registry": Provide(provide_words)},
    )
    assert provider.dependency is provide_engine
    assert provide_engine.__annotations__["registry"] is WorkflowRegistry
