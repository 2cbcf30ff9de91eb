"""What those look at who keep the workflows running."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from litestar import Litestar
from sqlalchemy import event
from sqlalchemy.ext.asyncio import create_async_engine

from tests.litestar.conftest import Api, Serve, serving
from tests.litestar.problems import refused
from tests.litestar.test_messages import by_header
from tests.servers import until_async
from tests.workflows import Do, chain, review
from workflows_core.context import WorkflowContext
from workflows_core.engine import ExecutionEngine
from workflows_core.errors import StorageError
from workflows_core.hosting import running_runner
from workflows_core.memory import MemoryStorage
from workflows_core.registry import WorkflowRegistry
from workflows_core.steps import BaseHumanStep
from workflows_litestar import WorkflowPlugin, WorkflowPluginConfig
from workflows_sqla import SqlStorage


def fail(_: WorkflowContext) -> None:
    raise RuntimeError("out of paper")


class Late(BaseHumanStep):
    """Should have been done yesterday."""

    def get_due_date(self, context: WorkflowContext) -> datetime:
        return datetime.now(UTC) - timedelta(days=1)


LATE = chain(Late("late"), name="late")
WORKFLOWS = [chain(review()), chain(Do("broken", fail), name="broken"), LATE]


async def test_the_numbers(serve: Serve) -> None:
    api = await serve(*WORKFLOWS)
    empty = await api.get("/stats")
    assert (empty["workflows"], empty["open_tasks"], empty["oldest_task_created_at"]) == ([], 0, None)

    first = await api.started()
    others = [await api.started(name) for name in ("example", "broken", "late", "late")]
    await api.complete(await api.task(first))
    await until_async(lambda: api.rest(first), lambda now: now["status"] == "completed")

    stats = await api.get("/stats")
    assert stats["instances"] == {
        "running": 0, "waiting": 3, "failed": 1, "suspended": 0, "completed": 1, "canceled": 0,
    }  # fmt: skip
    assert [
        (each["definition_name"], each["instances"], each["is_known"]) for each in stats["workflows"]
    ] == [
        ("broken", {"failed": 1}, True),
        ("example", {"completed": 1, "waiting": 1}, True),
        ("late", {"waiting": 2}, True),
    ]
    assert stats["oldest_instance_started_at"] == others[0]["started_at"]
    assert (stats["open_tasks"], stats["overdue_tasks"]) == (3, 2)
    assert stats["oldest_task_created_at"] == (await api.task(others[0]))["created_at"]
    assert stats["unknown_versions"] == []


async def test_versions_that_nobody_knows_any_more() -> None:
    storage = MemoryStorage()
    async with serving_on(storage, *WORKFLOWS) as api:
        await api.started()
        await api.started("broken")
    async with serving_on(storage, WORKFLOWS[1]) as api:
        stats = await api.get("/stats")
    assert stats["unknown_versions"] == ["example@1.0.0"]
    assert [each["is_known"] for each in stats["workflows"]] == [True, False]


def serving_on(storage: Any, *workflows: Any, **options: Any) -> Any:
    config = WorkflowPluginConfig(auto_register_workflows=list(workflows), database=storage, **options)
    return serving(Litestar(plugins=[WorkflowPlugin(config)], logging_config=None))


async def test_everybody_counts_what_they_may_see(database_url: str) -> None:
    async with serving_on(database_url, chain(review(assignee_key="who")), identify=by_header) as api:
        for name in ("ann", "ann", "bob"):
            api.http.headers["x-user"] = name
            await api.started(input_data={"who": "rob"})
        seen = {}
        for name, roles in (("ann", ""), ("bob", ""), ("eve", ""), ("olga", "operator")):
            api.http.headers.update({"x-user": name, "x-roles": roles})
            stats = await api.get("/stats")
            seen[name] = (stats["instances"]["waiting"], stats["open_tasks"])
    assert seen == {"ann": (2, 2), "bob": (1, 1), "eve": (0, 0), "olga": (3, 3)}


async def test_however_much_there_is_the_statements_are_as_many(database_url: str) -> None:
    engine = create_async_engine(database_url)
    statements: list[str] = []
    event.listen(engine.sync_engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    async with serving_on(SqlStorage(engine), *WORKFLOWS) as api:
        counts = []
        for _ in range(2):
            for name in ("example", "broken", "late"):
                await api.started(name)
            statements.clear()
            await api.get("/stats")
            counts.append(sum("count(" in each or "created_at" in each for each in statements))
        assert counts == [4, 4]
    await engine.dispose()


# Health


async def test_all_is_well(serve: Serve) -> None:
    api = await serve(*WORKFLOWS)
    response = await api.http.get("/health")
    assert (response.status_code, response.json()) == (200, {"runners": 1})
    assert response.headers["cache-control"] == "no-store"


async def test_a_database_that_does_not_answer() -> None:
    class Away(MemoryStorage):
        is_away = False

        async def runners(self) -> frozenset[str]:
            if self.is_away:
                raise StorageError("The database is away.")
            return await super().runners()

    storage = Away()
    async with serving_on(storage, *WORKFLOWS) as api:
        storage.is_away = True
        assert "does not answer" in refused(await api.http.get("/health"), 503)["detail"]
        storage.is_away = False
        await api.get("/health")


async def test_a_runner_that_is_not_alive() -> None:
    storage = MemoryStorage()
    async with serving_on(storage, *WORKFLOWS) as api:
        runner = running_runner(storage)
        assert runner is not None
        await storage.discharge(runner.id)
        assert "No steps" in refused(await api.http.get("/health"), 503)["detail"]


@pytest.mark.parametrize("has_worker", [False, True])
async def test_where_others_execute_the_steps_they_must_be_alive(*, has_worker: bool) -> None:
    storage, registry = MemoryStorage(), WorkflowRegistry()
    engine = ExecutionEngine(registry, storage, runs_steps=False)

    async def workflow_engine() -> ExecutionEngine:
        return engine

    app = Litestar(plugins=[WorkflowPlugin()], dependencies={"workflow_engine": workflow_engine})
    if has_worker:
        await storage.enlist("worker", engine.clock.now())
    async with serving(app) as api:
        response = await api.http.get("/health")
    assert response.status_code == (200 if has_worker else 503)


async def test_nobody_has_to_sign_in_to_ask(api: Api) -> None:
    refused(await api.http.get("/stats"), 401)
    assert await api.get("/health") == {"runners": 1}


@pytest.fixture
async def api() -> Any:
    async with serving_on(MemoryStorage(), *WORKFLOWS, identify=by_header) as api:
        yield api
