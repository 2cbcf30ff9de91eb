"""What people ask is decided on what this process committed last: without reading, and never on what is outdated."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from tests.engine.conftest import MakeEngine
from tests.workflows import Do, chain, review
from workflows_core.actors import Actor, Substitution
from workflows_core.engine import ExecutionEngine
from workflows_core.errors import (
    InvalidTransitionError,
    NotPermittedError,
    StaleTaskError,
    TaskAlreadyClaimedError,
    TaskNotFoundError,
)
from workflows_core.instance import Instance
from workflows_core.memory import MemoryStorage, MemoryUnitOfWork
from workflows_core.registry import WorkflowRegistry
from workflows_core.steps import DecisionStep
from workflows_core.tasks import Task
from workflows_sqla import PersistentExecutionEngine, SqlStorage

BOARD = chain(review(assignee_group="board"), review("second", assignee_key="decider"), Do("end"))
ANN, BOB = Actor("ann", groups=["board"]), Actor("bob", groups=["board"])


class Watched(MemoryStorage):
    """Counts how often somebody begins to read."""

    readings = 0

    @asynccontextmanager
    async def unit_of_work(self) -> AsyncIterator[MemoryUnitOfWork]:
        self.readings += 1
        async with super().unit_of_work() as unit:
            yield unit


async def opened(engine: ExecutionEngine) -> tuple[Instance, Task]:
    """Start an instance, and return it with its open task."""
    instance = await engine.start_workflow("example", {"decider": "ann"}, user_id="carl")
    instance = await engine.wait(instance.id)
    (task,) = instance.tasks.values()
    return instance, task


async def test_what_was_opened_here_is_done_without_reading() -> None:
    registry, storage = WorkflowRegistry(), Watched()
    registry.register(chain(review(assignee_group="board"), Do("end")))
    async with ExecutionEngine(registry, storage) as engine:
        instance, task = await opened(engine)
        before = storage.readings
        await engine.tasks.claim(task.id, actor=ANN)
        await engine.tasks.comment(task.id, "Looks good.", actor=ANN)
        done = await engine.tasks.complete(task.id, {"approved": True}, actor=ANN)
        assert storage.readings == before
        assert (done.task.completed_by, done.task.comment) == ("ann", None)
        assert (await engine.wait(instance.id)).data["approved"] is True


async def test_what_another_process_did_counts(make_engine: MakeEngine) -> None:
    """Whatever this one knew before: a refusal, and what is done, are those of the instance as it is."""
    here, there = await make_engine(BOARD), await make_engine(BOARD)
    _, claimed = await opened(here)
    await there.tasks.claim(claimed.id, actor=BOB)
    with pytest.raises(TaskAlreadyClaimedError, match="bob"):
        await here.tasks.claim(claimed.id, actor=ANN)

    _, done = await opened(here)
    await there.tasks.complete(done.id, {"approved": True}, user_id="bob")
    with pytest.raises(InvalidTransitionError, match="completed"):
        await here.tasks.complete(done.id, {"approved": True}, user_id="ann")

    _, given = await opened(here)
    await there.tasks.reassign(given.id, "dora", user_id="boss")
    with pytest.raises(NotPermittedError, match="It is with dora"):
        await here.tasks.complete(given.id, {"approved": True}, actor=ANN)
    with pytest.raises(TaskNotFoundError):
        await here.tasks.complete(given.id, {"approved": True}, actor=Actor("eve"))
    answer = await here.tasks.complete(given.id, {"approved": True}, actor=Actor("dora"))
    assert answer.task.completed_by == "dora"


async def test_what_another_process_allowed_is_allowed(make_engine: MakeEngine) -> None:
    here, there = await make_engine(BOARD), await make_engine(BOARD)
    instance, first = await opened(here)
    await there.complete_human_task(instance.id, "review", "bob", {"approved": False})
    after = await here.complete_human_task(instance.id, "second", "ann", {"approved": True})
    assert after.forms == {"review": {"approved": False}, "second": {"approved": True}}
    with pytest.raises(InvalidTransitionError, match="not open"):
        await here.complete_human_task(instance.id, "review", "ann", {"approved": True})
    assert (await here.get_task(first.id)).completed_by == "bob"


async def test_a_revision_that_is_quoted_is_that_of_the_task_as_it_is(make_engine: MakeEngine) -> None:
    here, there = await make_engine(BOARD), await make_engine(BOARD)
    instance, task = await opened(here)
    await there.tasks.update(task.id, priority=7, user_id="boss")
    seen = await there.get_task(task.id)
    assert seen.revision > task.revision
    with pytest.raises(StaleTaskError):
        await here.tasks.complete(task.id, {"approved": True}, revision=task.revision, user_id="ann")
    await here.tasks.complete(task.id, {"approved": True}, revision=seen.revision, user_id="ann")
    assert (await here.get_instance(instance.id)).forms["review"] == {"approved": True}


async def test_a_condition_is_asked_of_the_state_that_is_changed(make_engine: MakeEngine) -> None:
    here, there = await make_engine(BOARD), await make_engine(BOARD)
    instance, task = await opened(here)
    await there.tasks.comment(task.id, "Wait.", user_id="bob")
    asked: list[int] = []
    await here.provided(lambda each: asked.append(each.revision)).tasks.claim(task.id, user_id="ann")
    assert asked[-1] == (await here.get_instance(instance.id)).revision - 1

    def never(_: Instance) -> None:
        raise LookupError("no")

    with pytest.raises(LookupError, match="no"):
        await here.provided(never).tasks.unclaim(task.id, user_id="ann")
    assert (await here.get_task(task.id)).assignee == "ann"


async def test_a_substitute_decides_for_whom_they_stand_in(make_engine: MakeEngine) -> None:
    """For whom somebody stands in is read where their own name does not do; and for what they can do next."""
    engine = await make_engine(BOARD)
    now = datetime.now(UTC)
    await engine.substitutions.add(
        "ann", "eve", since=now, until=now + timedelta(days=1), groups=["board"], user_id="ann"
    )
    _, task = await opened(engine)
    done = await engine.tasks.complete(task.id, {"approved": True}, actor=Actor("eve"))
    assert (done.task.completed_by, done.task.on_behalf_of) == ("eve", "ann")
    assert done.next_task is not None
    assert (done.next_task.step_name, done.next_task.assignee) == ("second", "ann")


async def test_nobody_stands_in_for_others_because_they_say_so(make_engine: MakeEngine) -> None:
    """It is what was noted that counts, whatever comes with an actor."""
    engine = await make_engine(BOARD)
    now = datetime.now(UTC)
    _, task = await opened(engine)
    said = Substitution(
        id=uuid4(), absent="ann", substitute="eve", since=now, until=now + timedelta(days=1),
        groups=("board",), created_at=now,
    )  # fmt: skip
    with pytest.raises(TaskNotFoundError):
        await engine.tasks.complete(task.id, {"approved": True}, actor=Actor("eve", substitutions=(said,)))


async def test_of_several_tasks_of_a_step_that_is_meant_which_is_with_somebody_now(
    make_engine: MakeEngine,
) -> None:
    board = chain(DecisionStep("board", deciders_key="deciders", outcomes=["yes", "no"]), Do("end"))
    here, there = await make_engine(board), await make_engine(board)
    started = await here.start_workflow("example", {"deciders": ["ann", "bob"]}, user_id="carl")
    instance = await here.wait(started.id)
    first, second = (
        next(task for task in instance.tasks.values() if task.assignee == name) for name in ("ann", "bob")
    )
    await there.tasks.reassign(first.id, "dora", user_id="boss")
    await there.tasks.reassign(second.id, "ann", user_id="boss")
    await here.complete_human_task(instance.id, "board", "ann", {}, outcome="yes")
    assert (await here.get_task(first.id)).is_open
    assert (await here.get_task(second.id)).completed_by == "ann"


async def test_what_was_rolled_back_is_not_known(database: AsyncEngine) -> None:
    """In a transaction of the caller an engine reads what is there, and notes nothing that may not come to be."""
    registry = WorkflowRegistry()
    registry.register(BOARD)
    async with ExecutionEngine(registry, SqlStorage(database)) as engine, AsyncSession(database) as session:
        _, task = await opened(engine)
        caller = PersistentExecutionEngine(registry, session, autocommit=False)
        await caller.tasks.claim(task.id, user_id="bob")
        await session.rollback()
        assert (await engine.tasks.claim(task.id, actor=ANN)).assignee == "ann"

        await caller.tasks.unclaim(task.id, user_id="ann")
        await caller.tasks.claim(task.id, user_id="bob")
        await session.commit()
        with pytest.raises(NotPermittedError, match="It is with bob"):
            await engine.tasks.complete(task.id, {"approved": True}, actor=ANN)
