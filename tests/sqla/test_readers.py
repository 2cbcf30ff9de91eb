"""What an application asks about workflows, on its own session."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from attrs import evolve
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from workflows_core import commands as cmd
from workflows_core.errors import (
    DefinitionNotFoundError,
    InstanceNotFoundError,
    StorageError,
    TaskNotFoundError,
)
from workflows_core.ports import summarize
from workflows_core.states import InstanceStatus
from workflows_core.testing.samples import AT, HOUR, SECOND, begin_step, course, definition, move, start
from workflows_core.testing.storage import stored
from workflows_sqla import (
    HumanTaskRepository,
    SqlStorage,
    StepExecutionRepository,
    WorkflowDefinitionRepository,
    WorkflowInstanceRepository,
)


@pytest.fixture
async def storage(engine: AsyncEngine) -> SqlStorage:
    return SqlStorage(engine)


@pytest.fixture
async def session(engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    async with AsyncSession(engine) as session:
        yield session


async def test_tasks(storage: SqlStorage, session: AsyncSession) -> None:
    later, soon, anybody = [
        (await stored(storage, course(**task)))[-1]
        for task in (
            {"assignee": "ann", "due_at": AT + 2 * HOUR},
            {"assignee": "ann", "assignee_group": "board", "due_at": AT + HOUR},
            {"assignee_group": "board"},
        )
    ]
    (late,) = later.tasks.values()
    (first,) = soon.tasks.values()
    (free,) = anybody.tasks.values()
    tasks = HumanTaskRepository(session=session)

    assert await tasks.get(late.id) == late
    assert await tasks.find_pending() == [first, late, free]
    assert await tasks.find_pending(assignee_id="ann") == [first, late]
    assert await tasks.find_pending(assignee_group="board") == [first, free]
    assert await tasks.find_pending("ann", "board") == [first]
    assert await tasks.find_overdue(AT + HOUR) == []
    assert await tasks.find_overdue(AT + HOUR + SECOND) == [first]
    assert await tasks.find_overdue(datetime(9000, 1, 1, tzinfo=UTC)) == [first, late]

    await stored(storage, [move(soon, cmd.Cancel(at=AT + HOUR, reason="no"))])
    assert await tasks.find_pending("ann") == [late]
    assert [task.id for task in await tasks.find_by_instance(soon.id)] == [first.id]
    with pytest.raises(TaskNotFoundError):
        await tasks.get(uuid4())


async def test_tasks_are_overdue_by_the_clock(storage: SqlStorage, session: AsyncSession) -> None:
    now = datetime.now(UTC)
    for due_at in (now - SECOND, now + HOUR):
        await stored(storage, course(due_at=due_at))
    (overdue,) = await HumanTaskRepository(session).find_overdue()
    assert overdue.due_at == now - SECOND


async def test_instances(storage: SqlStorage, session: AsyncSession) -> None:
    running, canceled = await stored(
        storage, [start(created_by="ann"), start(AT + SECOND, tenant_id="t", created_by="ann")]
    )
    (canceled,) = await stored(storage, [move(canceled, cmd.Cancel(at=AT + HOUR, reason="no"))])
    (*_, waiting) = await stored(storage, [evolve(each) for each in course()])
    everyone = [
        summarize(instance)
        for instance in (canceled, *sorted((running, waiting), key=lambda i: i.id.bytes)[::-1])
    ]
    instances = WorkflowInstanceRepository(session=session)

    assert await instances.get(waiting.id) == waiting
    assert await instances.find_by_workflow("conformance") == everyone
    assert await instances.find_by_workflow("conformance", limit=1, offset=1) == everyone[1:2]
    assert await instances.find_by_workflow("conformance", InstanceStatus.WAITING) == [summarize(waiting)]
    assert await instances.find_by_user("ann") == [summarize(canceled), summarize(running)]
    assert await instances.find_by_tenant("t") == [summarize(canceled)]
    assert await instances.find_by_tenant("t", InstanceStatus.RUNNING) == []
    assert await instances.find_running() == everyone[1:]
    with pytest.raises(InstanceNotFoundError):
        await instances.get(uuid4())


async def test_definitions(storage: SqlStorage, session: AsyncSession) -> None:
    nine, ten, other = (
        definition("n", "1.9"),
        definition("n", "1.10", created_at=AT - HOUR),
        definition("m", "1"),
    )
    async with storage.unit_of_work() as unit:
        for each in (nine, ten, other):
            await unit.definitions.add(each)
        await unit.commit()
    definitions = WorkflowDefinitionRepository(session=session)

    assert await definitions.get_by_name("n") == ten
    assert await definitions.get_by_name("n", "1.9") == nine
    assert await definitions.get_latest_version("n") == ten
    assert await definitions.list_active() == [other, ten]
    with pytest.raises(DefinitionNotFoundError, match=r"1\.10"):
        await definitions.get_by_name("n", "2")
    with pytest.raises(DefinitionNotFoundError):
        await definitions.get_latest_version("unknown")


async def test_step_executions(storage: SqlStorage, session: AsyncSession) -> None:
    (*_, waiting) = await stored(storage, course())
    begun = begin_step((first := start()).instance)
    error = cmd.FailStep(
        at=AT + HOUR, token=1, attempt=1, error_type="ValueError", message="no bank", origin="execute"
    )
    (*_, failed) = await stored(storage, [first, begun, move(begun.instance, error)])
    executions = StepExecutionRepository(session=session)

    names = [each.step_name for each in await executions.find_by_instance(waiting.id)]
    assert names == ["prepare", "enrich", "approve"]
    assert [each.step_name for each in await executions.find_by_step_name(waiting.id, "enrich")] == ["enrich"]
    for found in (await executions.find_failed(), await executions.find_failed(failed.id)):
        assert ["no bank" in str(each.error) for each in found] == [True]
    assert await executions.find_failed(waiting.id) == []
    assert await executions.find_by_instance(uuid4()) == []


async def test_missing_tables_say_what_to_do(empty_url: str) -> None:
    engine = create_async_engine(empty_url)
    async with AsyncSession(engine) as session:
        with pytest.raises(StorageError, match="workflows db upgrade"):
            await HumanTaskRepository(session).find_pending()
    await engine.dispose()
