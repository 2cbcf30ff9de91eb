"""Steps that run in the transaction that commits them."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from tests.engine.conftest import MakeEngine
from tests.workflows import Do, chain, review, workflow
from workflows_core.context import WorkflowContext
from workflows_core.definitions import Edge, WorkflowDefinition
from workflows_core.engine import ExecutionEngine, LocalExecutionEngine
from workflows_core.instance import Instance
from workflows_core.registry import WorkflowRegistry
from workflows_core.retry import RetryPolicy
from workflows_core.steps import ExclusiveGateway
from workflows_sqla import SqlStorage


class Base(DeclarativeBase):
    pass


class Payment(Base):
    """What an application writes in its step."""

    __tablename__ = "payments"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)


@pytest.fixture
async def database(database: AsyncEngine) -> AsyncEngine:
    """A database with the tables of an application beside those of the engine."""
    async with database.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    return database


async def payments(database: AsyncEngine) -> list[str]:
    async with database.connect() as connection:
        return list((await connection.execute(select(Payment.key).order_by(Payment.id))).scalars())


async def run(
    database: AsyncEngine, definition: WorkflowDefinition, **data: Any
) -> tuple[ExecutionEngine, Instance]:
    """Start an instance and return it at rest."""
    engine = ExecutionEngine(WorkflowRegistry(), SqlStorage(database))
    instance = await engine.start_workflow(definition, data)
    return engine, await engine.wait(instance.id)


def pay(work: Callable[[WorkflowContext], Any], **options: Any) -> Do:
    return Do("pay", work, transactional=True, **options)


async def write(context: WorkflowContext) -> dict[str, str]:
    session: AsyncSession = context.session
    session.add(Payment(key=context.idempotency_key))
    context.set("paid", True)
    return {"key": context.idempotency_key}


async def test_what_a_step_writes_is_committed_with_its_completion(database: AsyncEngine) -> None:
    """Nobody sees the one without the other."""
    seen: list[list[str]] = []

    async def look(context: WorkflowContext) -> None:
        await write(context)
        await context.session.flush()
        if database.dialect.name == "postgresql" or not seen:
            seen.append(await payments(database))

    engine, instance = await run(database, chain(Do("first"), pay(look), Do("after"), review()))
    async with engine:
        assert seen == [[]]
        assert instance.data == {"first": 1, "paid": True, "after": 1}
        assert await payments(database) == [f"{instance.id}:2"]
        record = await engine.get_record(instance.id)
        assert [each.status for each in record.step_executions] == ["succeeded"] * 3 + ["waiting"]


async def test_its_own_commit_and_rollback_end_nothing(database: AsyncEngine) -> None:
    """A commit keeps what was written before it from a later rollback, and no more."""

    async def work(context: WorkflowContext) -> None:
        session: AsyncSession = context.session
        session.add(Payment(key="kept"))
        await session.commit()
        session.add(Payment(key="dropped"))
        await session.rollback()
        async with session.begin():
            await session.execute(insert(Payment).values(key="kept too"))
        if context.get("fails"):
            raise ValueError("no")

    engine, instance = await run(database, chain(pay(work), review()), fails=True)
    async with engine:
        assert instance.status == "failed"
        assert await payments(database) == []
        again = await engine.start_workflow("example", {"fails": False})
        await engine.wait(again.id)
        assert await payments(database) == ["kept", "kept too"]


@pytest.mark.parametrize("how", ["raises", "skips", "not json", "no path", "hook"])
async def test_a_step_that_does_not_complete_leaves_nothing(database: AsyncEngine, how: str) -> None:
    class Pay(Do):
        transactional = True

        async def can_execute(self, context: WorkflowContext) -> bool:
            return how != "skips"

        async def execute(self, context: WorkflowContext) -> Any:
            await write(context)
            if how == "raises":
                raise ValueError("no")
            return {1, 2} if how == "not json" else None

        async def on_success(self, context: WorkflowContext, result: object) -> None:
            if how == "hook":
                raise ValueError("no")

    condition = "paid == 7" if how == "no path" else None
    definition = workflow(
        Pay("pay"), review(), edges=[Edge("pay", "review", condition=condition)], ends={"review"}
    )
    engine, instance = await run(database, definition)
    async with engine:
        assert instance.status == ("waiting" if how == "skips" else "failed")
        assert len(await payments(database)) == (1 if how == "no path" else 0)  # there the step is done


async def test_what_the_database_refuses_fails_the_step(database: AsyncEngine) -> None:
    """While it writes, or at the end, when it is too late for the step to notice; a retry is a new transaction."""
    attempts: list[int] = []

    async def twice(context: WorkflowContext) -> None:
        attempts.append(context.attempt)
        context.session.add(Payment(key="same"))
        context.session.add(Payment(key="same" if context.attempt == 1 else "other"))

    retry = RetryPolicy(attempts=2, delay=0)
    engine, instance = await run(database, chain(pay(twice, retry=retry), review()))
    async with engine:
        assert (instance.status, attempts) == ("waiting", [1, 2])
        assert sorted(await payments(database)) == ["other", "same"]
        record = await engine.get_record(instance.id)
        assert record.step_executions[0].error is not None
        assert record.step_executions[0].error.error_type == "IntegrityError"


async def test_a_step_may_catch_what_the_database_refuses(database: AsyncEngine) -> None:
    async def careful(context: WorkflowContext) -> None:
        session: AsyncSession = context.session
        await session.execute(insert(Payment).values(key="same"))
        with pytest.raises(IntegrityError):
            async with session.begin_nested():
                await session.execute(insert(Payment).values(key="same"))
        await session.execute(insert(Payment).values(key="other"))

    engine, instance = await run(database, chain(pay(careful), review()))
    async with engine:
        assert instance.status == "waiting"
        assert await payments(database) == ["same", "other"]


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_a_step_that_was_canceled_leaves_nothing(database: AsyncEngine) -> None:
    """On SQLite nobody can cancel while it writes."""
    begun = asyncio.Event()

    async def hang(context: WorkflowContext) -> None:
        await write(context)
        await context.session.flush()
        begun.set()
        await asyncio.Event().wait()

    hanging = chain(pay(hang), review())
    engine = ExecutionEngine(WorkflowRegistry(), SqlStorage(database))
    async with engine:
        instance = await engine.start_workflow(hanging)
        await begun.wait()
        await engine.cancel_workflow(instance.id)
        assert (await engine.wait(instance.id)).status == "canceled"
        assert await payments(database) == []


async def test_a_step_that_takes_too_long_leaves_nothing(database: AsyncEngine) -> None:
    async def hang(context: WorkflowContext) -> None:
        await write(context)
        await context.session.flush()
        await asyncio.Event().wait()

    engine, instance = await run(database, chain(pay(hang, timeout=0.05), review()))
    async with engine:
        assert instance.status == "failed"
        assert await payments(database) == []


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_the_rest_of_the_instance_moves_on_meanwhile(database: AsyncEngine) -> None:
    """A parallel branch commits while the step runs; both are kept. SQLite has one writer."""
    other_is_done = asyncio.Event()

    async def slow(context: WorkflowContext) -> None:
        await write(context)
        await other_is_done.wait()

    definition = workflow(
        Do("begin"),
        pay(slow),
        Do("other"),
        Do("last", lambda _: other_is_done.set()),
        review(),
        edges=[
            Edge("begin", "pay"),
            Edge("begin", "other"),
            Edge("other", "last"),
            Edge("pay", "review"),
            Edge("last", "review"),
        ],
        ends={"review"},
    )
    engine, instance = await run(database, definition)
    async with engine:
        assert instance.current_steps == ("review",)
        assert instance.data == {"begin": 1, "paid": True, "other": 1}
        assert len(await payments(database)) == 1


async def test_conditions_are_asked_outside_the_transaction(database: AsyncEngine) -> None:
    """What the step wrote is committed before anybody else's code runs."""
    seen: list[int] = []

    async def where(context: WorkflowContext) -> str:
        seen.append(len(await payments(database)))
        return "review"

    gate = ExclusiveGateway("gate", where)
    definition = workflow(
        pay(write),
        gate,
        review(),
        edges=[Edge("pay", "gate"), Edge("gate", "review")],
        ends={"review"},
    )
    engine, instance = await run(database, definition)
    async with engine:
        assert instance.current_step == "review"
        assert {*seen} == {1}  # whoever looks for work meanwhile may ask it, too, and loses


async def test_more_of_them_than_the_pool_has_connections(database: AsyncEngine) -> None:
    engine = ExecutionEngine(WorkflowRegistry(), SqlStorage(database))
    async with engine:
        definition = chain(pay(write), Do("after"), review())
        started = [await engine.start_workflow(definition) for _ in range(40)]
        for instance in started:
            assert (await engine.wait(instance.id)).data == {"paid": True, "after": 1}
        assert len(set(await payments(database))) == 40


async def test_others_have_no_session(make_engine: MakeEngine) -> None:
    sessions: list[object] = []
    engine = await make_engine(chain(Do("plain", lambda context: sessions.append(context.session)), review()))
    instance = await engine.start_workflow("example")
    await engine.wait(instance.id)
    assert sessions == [None]


async def test_in_memory_there_is_none_either() -> None:
    sessions: list[object] = []
    engine = LocalExecutionEngine(WorkflowRegistry())
    async with engine:
        instance = await engine.start_workflow(
            chain(pay(lambda context: sessions.append(context.session)), review())
        )
        assert (await engine.wait(instance.id)).current_step == "review"
    assert sessions == [None]


async def test_a_session_of_the_application_sees_the_same_tables(database: AsyncEngine) -> None:
    """What the step reads is in its transaction, the tables of the engine included."""

    async def count(context: WorkflowContext) -> int:
        found = await context.session.execute(text("SELECT count(*) FROM workflow_instances"))
        number: int = found.scalar_one()
        return number

    engine, instance = await run(database, chain(pay(count), review()))
    async with engine:
        record = await engine.get_record(instance.id)
        assert record.step_executions[0].output == 1
