"""The engine on the session of a caller: what it does belongs to the caller's transaction."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from tests.workflows import Do, chain, review
from workflows_core import hosting
from workflows_core.engine import ExecutionEngine
from workflows_core.errors import InstanceNotFoundError, StorageError
from workflows_core.hosting import stop_runners
from workflows_core.instance import Instance
from workflows_core.ports import InstanceQuery
from workflows_core.registry import WorkflowRegistry
from workflows_core.runner import Runner
from workflows_core.steps import MessageStep
from workflows_sqla import PersistentExecutionEngine, SqlStorage

ORDER = chain(review("approve"), Do("ship"), MessageStep("paid", correlation_key="order"), review("thank"))
AUTOMATIC = chain(Do("first"), Do("second"), name="automatic")


class Base(DeclarativeBase):
    pass


class Note(Base):
    """What an application stores in the same transaction."""

    __tablename__ = "notes"
    id: Mapped[int] = mapped_column(primary_key=True)
    words: Mapped[str]


@pytest.fixture
def registry() -> WorkflowRegistry:
    registry = WorkflowRegistry()
    registry.register(ORDER)
    return registry


@pytest.fixture
async def sessions(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[async_sessionmaker[AsyncSession]]:
    """Sessions of an application, whose runner finds nothing by looking: it must be woken."""
    monkeypatch.setattr(hosting, "Runner", partial(Runner, poll_interval=3600.0))
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield async_sessionmaker(engine, expire_on_commit=False)
    await stop_runners()


@pytest.fixture
def outside(engine: AsyncEngine, registry: WorkflowRegistry) -> ExecutionEngine:
    """What others see; it runs no steps of its own."""
    return ExecutionEngine(registry, SqlStorage(engine), runs_steps=False)


async def notes(engine: AsyncEngine) -> list[str]:
    async with engine.connect() as connection:
        return list((await connection.execute(select(Note.words))).scalars())


async def reached(engine: ExecutionEngine, instance: Instance, step: str | None) -> Instance:
    async with asyncio.timeout(30):
        while True:
            rested = await engine.wait(instance.id)
            if rested.current_step == step:
                return rested
            await engine.changed(instance.id, 0.1)


async def test_a_start_is_the_callers_to_commit(
    sessions: async_sessionmaker[AsyncSession],
    registry: WorkflowRegistry,
    engine: AsyncEngine,
    outside: ExecutionEngine,
) -> None:
    """A rollback leaves nothing: no instance, no definition, no note; a commit keeps all of it."""
    for commits in (False, True):
        async with sessions() as session:
            session.add(Note(words="order"))
            caller = PersistentExecutionEngine(registry, session, autocommit=False)
            instance = await caller.start_workflow("example", {"order": "7"})
            assert (await caller.get_instance(instance.id)).current_step == "approve"
            with pytest.raises(InstanceNotFoundError):
                await outside.get_instance(instance.id)
            await (session.commit() if commits else session.rollback())
        found = await outside.find_instances(InstanceQuery())
        assert [each.id for each in found] == ([instance.id] if commits else [])
        assert await notes(engine) == (["order"] if commits else [])


async def test_a_completion_is_the_callers_to_commit(
    sessions: async_sessionmaker[AsyncSession],
    registry: WorkflowRegistry,
    engine: AsyncEngine,
    outside: ExecutionEngine,
) -> None:
    """The next step begins after the commit, and not before."""
    async with sessions() as session:
        instance = await PersistentExecutionEngine(registry, session).start_workflow(
            "example", {"order": "7"}
        )
    for commits in (False, True):
        async with sessions() as session:
            caller = PersistentExecutionEngine(registry, session, autocommit=False)
            await caller.complete_human_task(instance.id, "approve", "ann", {"approved": True})
            session.add(Note(words="approved"))
            await session.flush()
            assert (await outside.get_instance(instance.id)).current_step == "approve"
            await (session.commit() if commits else session.rollback())
        assert await notes(engine) == (["approved"] if commits else [])
        if not commits:
            assert (await outside.get_instance(instance.id)).revision == instance.revision
    assert (await reached(outside, instance, "paid")).data["ship"] == 1


async def test_messages_are_the_callers_to_commit(
    sessions: async_sessionmaker[AsyncSession], registry: WorkflowRegistry, outside: ExecutionEngine
) -> None:
    """Those that are kept, and those that are delivered."""
    async with sessions() as session:
        caller = PersistentExecutionEngine(registry, session)
        early, late = [await caller.start_workflow("example", {"order": key}) for key in ("early", "late")]
        await caller.complete_human_task(late.id, "approve", "ann", {"approved": True})
    await reached(outside, late, "paid")
    for commits in (False, True):
        async with sessions() as session:
            caller = PersistentExecutionEngine(registry, session, autocommit=False)
            kept = await caller.publish_message("paid", "early", 1, message_id="m")
            delivered = await caller.publish_message("paid", "late", 2, message_id="n")
            assert (kept.is_delivered, delivered.instance_id) == (False, late.id)
            assert (await outside.get_instance(late.id)).current_step == "paid"
            await (session.commit() if commits else session.rollback())
    assert (await reached(outside, late, "thank")).data["paid"] == 2
    async with sessions() as session:
        caller = PersistentExecutionEngine(registry, session)
        await caller.complete_human_task(early.id, "approve", "ann", {"approved": True})
    assert (await reached(outside, early, "thank")).data["paid"] == 1


async def test_a_commit_wakes_the_runner_and_a_savepoint_does_not(
    sessions: async_sessionmaker[AsyncSession], registry: WorkflowRegistry, outside: ExecutionEngine
) -> None:
    async with sessions() as session:
        caller = PersistentExecutionEngine(registry, session, autocommit=False)
        await session.execute(text("SELECT 1"))
        async with session.begin_nested():
            instance = await caller.start_workflow(AUTOMATIC)
        await asyncio.sleep(0)
        async with session.begin_nested() as savepoint:
            dropped = await caller.start_workflow(AUTOMATIC)
            await savepoint.rollback()
        await session.commit()
    assert (await reached(outside, instance, None)).status == "completed"
    with pytest.raises(InstanceNotFoundError):
        await outside.get_instance(dropped.id)


async def test_many_callers_at_once_lose_nothing(
    sessions: async_sessionmaker[AsyncSession],
    registry: WorkflowRegistry,
    engine: AsyncEngine,
    outside: ExecutionEngine,
) -> None:
    """Every second one rolls back."""

    async def place(number: int) -> Instance:
        async with sessions() as session:
            caller = PersistentExecutionEngine(registry, session, autocommit=False)
            instance = await caller.start_workflow(AUTOMATIC, {"number": number})
            session.add(Note(words=str(number)))
            await (session.commit() if number % 2 else session.rollback())
            return instance

    placed = await asyncio.gather(*(place(number) for number in range(20)))
    for number, instance in enumerate(placed):
        if number % 2:
            assert (await reached(outside, instance, None)).status == "completed"
    assert len(await outside.find_instances(InstanceQuery())) == 10
    assert len(await notes(engine)) == 10


async def test_two_callers_complete_one_task(
    sessions: async_sessionmaker[AsyncSession],
    registry: WorkflowRegistry,
    outside: ExecutionEngine,
    engine: AsyncEngine,
) -> None:
    """The second finds it done, or its database refuses it: in no case are there two completions."""
    async with sessions() as session:
        instance = await PersistentExecutionEngine(registry, session).start_workflow(
            "example", {"order": "7"}
        )

    async def complete(user: str) -> None:
        async with sessions() as session:
            caller = PersistentExecutionEngine(registry, session, autocommit=False)
            await caller.complete_human_task(instance.id, "approve", user, {"approved": True})
            session.add(Note(words=user))
            await session.commit()

    answers = await asyncio.gather(
        *(complete(f"user {number}") for number in range(4)), return_exceptions=True
    )
    assert sum(answer is None for answer in answers) == 1
    assert len(await notes(engine)) == 1
    record = await outside.get_record(instance.id)
    assert sum(each.step_name == "approve" for each in record.step_executions) == 1


async def test_what_the_database_refuses_at_the_commit_wakes_nobody(
    sessions: async_sessionmaker[AsyncSession], registry: WorkflowRegistry, outside: ExecutionEngine
) -> None:
    async with sessions() as session:
        session.add(Note(id=1, words="first"))
        await session.commit()
    async with sessions() as session:
        caller = PersistentExecutionEngine(registry, session, autocommit=False)
        instance = await caller.start_workflow(AUTOMATIC)
        session.add(Note(id=1, words="again"))
        with pytest.raises(Exception, match="notes"):
            await session.commit()
    with pytest.raises(InstanceNotFoundError):
        await outside.get_instance(instance.id)


def test_it_needs_a_session_or_a_storage(registry: WorkflowRegistry) -> None:
    with pytest.raises(TypeError, match="either a session or a storage"):
        PersistentExecutionEngine(registry)
    with pytest.raises(StorageError, match="bind it to an engine"):
        PersistentExecutionEngine(registry, AsyncSession())
