"""What operators can ask of an instance, over every storage."""

from typing import Any

import pytest

from tests.engine.conftest import MakeEngine
from tests.workflows import Do, chain, review, workflow
from workflows_core import events as ev
from workflows_core.context import WorkflowContext
from workflows_core.definitions import Edge
from workflows_core.errors import InvalidOutcomeError, InvalidTransitionError, StepNotFoundError
from workflows_core.ports import TaskQuery
from workflows_core.states import InstanceStatus, TaskStatus
from workflows_core.steps import ParallelGateway


def broken(_: WorkflowContext) -> None:
    raise RuntimeError("The bank is closed")


async def test_skip_a_failed_step(make_engine: MakeEngine) -> None:
    """The run goes on behind it, and the history says who skipped it."""
    engine = await make_engine(chain(Do("submit"), Do("pay", broken), Do("notify")))
    instance = await engine.start_workflow("example")
    assert (await engine.wait(instance.id)).status is InstanceStatus.FAILED

    await engine.skip_step(instance.id, "pay", "Paid by hand", user_id="ops")

    ended = await engine.wait(instance.id)
    assert (ended.status, ended.data) == ("completed", {"submit": 1, "notify": 1})
    record = await engine.get_record(instance.id)
    assert [(each.step_name, each.status) for each in record.step_executions] == [
        ("submit", "succeeded"),
        ("pay", "failed"),
        ("pay", "skipped"),
        ("notify", "succeeded"),
    ]
    assert record.step_executions[2].completed_by == "ops"


async def test_skip_a_task_with_the_outcome_it_lacks(make_engine: MakeEngine) -> None:
    """Its task is canceled, and the edges of the outcome are followed."""
    definition = workflow(
        review(outcomes=["approve", "reject"]),
        Do("yes"),
        Do("no"),
        edges=[Edge("review", "yes", on="approve"), Edge("review", "no", on="reject")],
        ends={"yes", "no"},
    )
    engine = await make_engine(definition)
    instance = await engine.start_workflow("example")
    before = await engine.get_instance(instance.id)

    for outcome in (None, "perhaps"):
        with pytest.raises(InvalidOutcomeError, match="approve, reject"):
            await engine.skip_step(instance.id, "review", "Nobody is here", outcome=outcome)
    with pytest.raises(InvalidTransitionError, match="is at: review"):
        await engine.skip_step(instance.id, "yes", "Too early")
    with pytest.raises(StepNotFoundError):
        await engine.skip_step(instance.id, "unknown", "A slip")
    assert await engine.get_instance(instance.id) == before

    await engine.skip_step(instance.id, "review", "Nobody is here", outcome="reject")

    assert (await engine.wait(instance.id)).data == {"no": 1}
    (task,) = await engine.find_tasks(TaskQuery(instance_id=instance.id))
    assert task.status is TaskStatus.CANCELED


async def test_move_back_and_forth(make_engine: MakeEngine) -> None:
    """A rewind runs the steps again, a jump leaves some out; what was waited for is given up."""
    engine = await make_engine(chain(Do("first"), review("second"), review("third"), Do("last")))
    instance = await engine.start_workflow("example")
    await engine.wait(instance.id)

    await engine.move_workflow(instance.id, "first", "Once more", user_id="ops")
    again = await engine.wait(instance.id)
    jumped = await engine.move_workflow(instance.id, "third", "In a hurry")
    await engine.complete_human_task(instance.id, "third", "bob", {"approved": True})
    ended = await engine.wait(instance.id)

    assert (again.current_step, again.data) == ("second", {"first": 2})
    assert jumped.current_step == "third"
    assert (ended.status, ended.data) == ("completed", {"first": 2, "approved": True, "last": 1})
    tasks = await engine.find_tasks(TaskQuery(instance_id=instance.id))
    assert sorted((task.step_name, task.status.value) for task in tasks) == [
        ("second", "canceled"),
        ("second", "canceled"),
        ("third", "completed"),
    ]


async def test_move_one_branch_of_several(make_engine: MakeEngine) -> None:
    """The other branches stay where they are, and the join waits for all."""
    definition = workflow(
        ParallelGateway("fork", ["left", "right"]),
        review("left"),
        review("right"),
        review("after"),
        Do("join"),
        edges=[Edge("left", "after"), Edge("after", "join"), Edge("right", "join")],
        ends={"join"},
    )
    engine = await make_engine(definition)
    instance = await engine.start_workflow("example")
    form = {"approved": True}

    moved = await engine.move_workflow(instance.id, "after", "Not needed", source="left")
    with pytest.raises(InvalidTransitionError, match="is at: right, after"):
        await engine.move_workflow(instance.id, "after", "A slip", source="left")
    await engine.complete_human_task(instance.id, "after", "bob", form)
    halfway = await engine.get_instance(instance.id)
    await engine.complete_human_task(instance.id, "right", "bob", form)

    assert moved.current_steps == ("right", "after")
    assert halfway.current_steps == ("right", "join")
    assert (await engine.wait(instance.id)).data == {"approved": True, "join": 1}


async def test_suspend_and_resume(make_engine: MakeEngine) -> None:
    """While it is suspended nothing begins and nobody can act on it; then it goes on as if nothing had been."""
    engine = await make_engine(chain(review("first"), Do("work"), review("last")))
    instance = await engine.start_workflow("example")
    form: dict[str, Any] = {"approved": True}

    suspended = await engine.suspend_workflow(instance.id, "An audit", user_id="ops")
    for ask in (
        engine.complete_human_task(instance.id, "first", "bob", form),
        engine.suspend_workflow(instance.id),
        engine.retry_workflow(instance.id),
    ):
        with pytest.raises(InvalidTransitionError, match=r"suspended|not failed"):
            await ask
    assert (await engine.get_instance(instance.id)) == suspended
    assert (suspended.status, suspended.suspend_reason) == ("suspended", "An audit")
    skipped = await engine.skip_step(instance.id, "first", "Repaired meanwhile")
    rested = await engine.wait(instance.id)
    assert (skipped.current_step, rested.data) == ("work", {})

    await engine.resume_workflow(instance.id, "Nothing was found", user_id="ops")
    happened = [event for entry in await engine.get_history(instance.id) for event in entry.events]
    (resumed,) = (event for event in happened if isinstance(event, ev.InstanceResumed))
    assert (resumed.by, resumed.reason) == ("ops", "Nothing was found")
    assert (await engine.wait(instance.id)).data == {"work": 1}
    await engine.complete_human_task(instance.id, "last", "bob", form)
    ended = await engine.get_instance(instance.id)
    assert ended.status is InstanceStatus.COMPLETED
    for late in (engine.suspend_workflow(instance.id), engine.resume_workflow(instance.id)):
        with pytest.raises(InvalidTransitionError):
            await late
