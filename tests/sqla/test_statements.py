"""What a transition costs: counts do not depend on the machine."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from attrs import evolve
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from workflows_core import BaseHumanStep, WorkflowDefinition, WorkflowRegistry
from workflows_core.actors import Actor
from workflows_core.engine import ExecutionEngine
from workflows_core.ports import InstanceQuery
from workflows_core.testing.samples import AT, EVER, HOUR, begin_step, course, start
from workflows_core.testing.storage import applied, found, stored
from workflows_core.transition import Transition
from workflows_core.visibility import all_of
from workflows_sqla import SessionStorage, SqlStorage, statements
from workflows_sqla.converter import from_transition


@pytest.fixture
async def engine(url: str) -> AsyncIterator[AsyncEngine]:
    """One connection, so that all that happens can be seen on it."""
    engine = create_async_engine(url, pool_size=1, max_overflow=0)
    yield engine
    await engine.dispose()


@pytest.fixture
async def storage(engine: AsyncEngine) -> SqlStorage:
    storage = SqlStorage(engine)
    await stored(storage, [start(), *course()])  # whatever a first time does is done
    return storage


@asynccontextmanager
async def calls(engine: AsyncEngine) -> AsyncIterator[list[str]]:
    """Collect the first word of whatever is sent to the database: one for each wait for an answer."""
    seen: list[str] = []

    def note(statement: str) -> None:
        seen.append(statement.split(maxsplit=1)[0].rstrip(";"))

    async with engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
    stop = await (_listen_on_sqlite if engine.dialect.name == "sqlite" else _listen_on_postgres)(
        engine, driver, note
    )
    try:
        yield seen
        await asyncio.sleep(0)  # asyncpg tells of a statement as soon as the loop has time
    finally:
        stop()


async def _listen_on_postgres(
    engine: AsyncEngine, driver: Any, note: Callable[[str], None]
) -> Callable[[], None]:
    """SQLAlchemy prepares its statements, which the driver does not log; what begins and ends transactions it does."""

    def by_driver(query: Any) -> None:
        note(query.query)

    def by_sqlalchemy(_1: object, _2: object, statement: str, *_: object) -> None:
        note(statement)

    driver.add_query_logger(by_driver)
    event.listen(engine.sync_engine, "before_cursor_execute", by_sqlalchemy)

    def stop() -> None:
        driver.remove_query_logger(by_driver)
        event.remove(engine.sync_engine, "before_cursor_execute", by_sqlalchemy)

    return stop


async def _listen_on_sqlite(_: AsyncEngine, driver: Any, note: Callable[[str], None]) -> Callable[[], None]:
    """SQLite tells of a statement again when a trigger begins that it fires: that is no call."""
    last = ""

    def call(statement: str) -> None:
        nonlocal last
        if statement != last:
            note(statement)
        last = statement

    await driver.set_trace_callback(call)
    return lambda: None


on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
on_postgres = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


def without(noise: Iterable[str], seen: list[str]) -> list[str]:
    return [word for word in seen if word not in {*noise}]


@on_postgres
async def test_a_flush_is_one_round_trip(storage: SqlStorage) -> None:
    for count in (1, 2, 50):
        for changes in zip(*(course() for _ in range(count)), strict=True):
            async with calls(storage.engine) as seen:
                assert not await storage.flush(changes)
            assert seen == ["WITH"]


def held(changes: list[Transition]) -> list[Transition]:
    """The transitions as a runner makes them, which takes what becomes ready: nothing is due at once."""
    return [
        evolve(each, instance=evolve(each.instance, wake_at=each.instance.updated_at + HOUR))
        for each in changes
    ]


@on_sqlite
async def test_a_flush_is_two_statements_and_one_for_each_task_offer_and_participant(
    storage: SqlStorage,
) -> None:
    first, *others, last = held(course())
    for change, written in ((first, "INSERT"), *((other, "UPDATE") for other in others)):
        async with calls(storage.engine) as seen:
            await storage.flush([change])
        assert without(["ROLLBACK"], seen) == ["BEGIN", written, "INSERT", "COMMIT"]
    async with calls(storage.engine) as seen:
        await storage.flush([last])
    task, offer, participant = ["INSERT"] * 3  # to anybody, who has a part in it since then
    assert without(["ROLLBACK"], seen) == ["BEGIN", "UPDATE", "INSERT", task, offer, participant, "COMMIT"]


@on_sqlite
async def test_telling_others_is_one_statement_more_and_only_where_somebody_must_hear_of_it(
    storage: SqlStorage,
) -> None:
    """However many instances are due at once that nobody holds."""
    for count in (1, 20):
        async with calls(storage.engine) as seen:
            assert not await storage.flush([start() for _ in range(count)])
        assert without(["ROLLBACK"], seen) == ["BEGIN", *["INSERT"] * (2 * count + 1), "COMMIT"]


@on_sqlite
async def test_a_flush_is_one_visit_to_the_thread(
    storage: SqlStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with storage.engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
    visits: list[object] = []
    visit = driver._execute

    def count(function: object, *arguments: object) -> Any:
        visits.append(function)
        return visit(function, *arguments)

    monkeypatch.setattr(driver, "_execute", count)
    for changes in zip(*(course() for _ in range(20)), strict=True):
        visits.clear()
        assert not await storage.flush(changes)
        assert len(visits) <= 2  # the pool makes sure that nothing is left open


@on_postgres
async def test_in_the_transaction_of_a_caller_too_a_transition_is_one_statement(storage: SqlStorage) -> None:
    changes = course()
    async with calls(storage.engine) as seen, AsyncSession(storage.engine) as session:
        await stored(SessionStorage(session, autocommit=False), changes)
        await session.commit()
    assert without(["BEGIN"], seen) == [*["WITH"] * len(changes), "COMMIT"]


async def test_an_instance_is_read_with_two_statements_and_one_more_for_patches(storage: SqlStorage) -> None:
    changes = course()
    *_, moving = await stored(storage, changes[:-1])
    async with calls(storage.engine) as seen:
        await found(storage, moving.id)
    assert without(["BEGIN", "ROLLBACK"], seen) == ["SELECT"] * 3
    *_, waiting = await stored(storage, changes[-1:])
    async with calls(storage.engine) as seen:
        await found(storage, waiting.id)
    assert without(["BEGIN", "ROLLBACK"], seen) == ["SELECT"] * 2


@on_postgres
async def test_to_read_takes_no_transaction(storage: SqlStorage) -> None:
    *_, waiting = await stored(storage, course())
    async with calls(storage.engine) as seen:
        await found(storage, waiting.id)
    assert seen == ["SELECT"] * 2


@on_postgres
async def test_all_that_decides_about_a_task_is_read_at_once(storage: SqlStorage) -> None:
    """Nothing, if it was committed here. Or else who asks, the instance of the task, its open tasks: on one connection."""
    engine = ExecutionEngine(WorkflowRegistry(), storage, runs_steps=False)
    asked = WorkflowDefinition(
        name="ask", steps=[BaseHumanStep("ask")], edges=[], initial_step="ask", terminal_steps=["ask"]
    )
    first, second = [task for _ in range(2) for task in (await engine.start_workflow(asked)).tasks]
    async with calls(storage.engine) as seen:
        await engine.tasks.complete(first, {}, actor=Actor("ann"))
    assert seen == ["WITH"]
    engine.recent.clear()
    async with calls(storage.engine) as seen:
        await engine.tasks.complete(second, {}, actor=Actor("ann"))
    assert without(["WITH"], seen) == ["SELECT"] * 3


async def test_due_instances_are_taken_with_a_constant_number_of_statements(storage: SqlStorage) -> None:
    for count in (1, 40):
        await stored(storage, [start() for _ in range(count)])
        async with calls(storage.engine) as seen:
            assert len(await storage.claim_due(AT, EVER, 50)) >= count
        assert without(["BEGIN", "COMMIT", "ROLLBACK"], seen) == ["SELECT", "UPDATE", "SELECT"]


def test_the_snapshot_is_written_when_it_is_said_to_be() -> None:
    first = start(data={"text": "x" * 10_000})
    assert len(repr(from_transition(first))) > 10_000
    assert len(repr(from_transition(begin_step(first.instance)))) < 2_000


async def test_losers_cost_no_more(storage: SqlStorage) -> None:
    (instance,) = await stored(storage, [start()])
    await stored(storage, [begin_step(instance)])
    async with calls(storage.engine) as seen:
        assert await storage.flush([begin_step(instance)]) == {instance.id}
    assert "INSERT" not in seen
    assert await applied(storage, [begin_step(instance)]) == {instance.id}


async def test_counts_are_read_off_an_index(storage: SqlStorage) -> None:
    """A small table would be read whole anyway, so that is made dear."""
    query = InstanceQuery(visible_to=all_of(None))
    async with storage.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            await connection.execute(text("SET enable_seqscan = off"))
        compiled = statements.instance_tally(query).compile(
            dialect=connection.dialect, compile_kwargs={"literal_binds": True}
        )
        how = "EXPLAIN" if connection.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
        plan = str((await connection.execute(text(f"{how} {compiled}"))).all())
    assert "ix_workflow_instances_tally" in plan
    assert "Only Scan" in plan or "COVERING INDEX" in plan
