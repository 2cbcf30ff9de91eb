"""Time: timers, pauses between attempts, and patience that ends; over every storage."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.engine.conftest import MakeEngine
from tests.workflows import Do, chain, review, workflow
from workflows_core.context import WorkflowContext
from workflows_core.definitions import Edge
from workflows_core.retry import RetryPolicy
from workflows_core.states import InstanceStatus
from workflows_core.steps import (
    BaseHumanStep,
    DelayStep,
    ExclusiveGateway,
    MessageStep,
    ScheduledStep,
    TimerStep,
)

SOON = timedelta(milliseconds=50)


class Flaky:
    """Fails so many times, then works; notes when it was called and with which key."""

    def __init__(self, failures: int, error: type[Exception] = ConnectionError) -> None:
        self.failures = failures
        self.error = error
        self.keys: list[str] = []

    def __call__(self, context: WorkflowContext) -> None:
        self.keys.append(context.idempotency_key)
        if len(self.keys) <= self.failures:
            raise self.error("not now")
        context.set("attempt", context.attempt)


async def test_a_flaky_step_is_tried_again(make_engine: MakeEngine) -> None:
    """As often as its policy says, under one key, and each attempt is in the history."""
    flaky = Flaky(2)
    policy = RetryPolicy(attempts=3, delay=SOON, jitter=0)
    engine = await make_engine(chain(Do("pay", flaky, retry=policy), review()))

    instance = await engine.start_workflow("example")
    rested = await engine.wait(instance.id)

    assert (rested.status, rested.data) == ("waiting", {"attempt": 3})
    assert len(flaky.keys) == 3
    assert len(set(flaky.keys)) == 1
    record = await engine.get_record(instance.id)
    assert [each.status for each in record.step_executions] == ["failed", "failed", "succeeded", "waiting"]
    starts = [each.started_at for each in record.step_executions]
    assert starts[1] - starts[0] >= SOON
    assert starts[2] - starts[1] >= 2 * SOON


@pytest.mark.parametrize(
    ("flaky", "calls"), [(Flaky(9), 2), (Flaky(9, error=PermissionError), 1)], ids=["exhausted", "hopeless"]
)
async def test_a_step_fails_when_its_attempts_are_used_up(
    make_engine: MakeEngine, flaky: Flaky, calls: int
) -> None:
    """Or at once, where trying again cannot help; a retry by hand gives it as many attempts again."""
    flaky.keys.clear()
    policy = RetryPolicy(attempts=2, delay=0, non_retryable=(PermissionError,))
    engine = await make_engine(chain(Do("pay", flaky, retry=policy), review()))

    instance = await engine.start_workflow("example")
    failed = await engine.wait(instance.id)
    assert (failed.status, len(flaky.keys)) == ("failed", calls)

    await engine.retry_workflow(instance.id)
    assert (await engine.wait(instance.id)).status is InstanceStatus.FAILED
    assert len(flaky.keys) == 2 * calls


async def test_a_step_that_takes_too_long_is_stopped(make_engine: MakeEngine) -> None:
    """Its way out is the one for that, else the one for errors, else the failure is visible."""
    stopped = asyncio.Event()

    async def hang(_: WorkflowContext) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    for on in ("timeout", "error", None):
        stopped.clear()
        definition = workflow(
            Do("hang", hang, timeout=SOON),
            review("late"),
            Do("fine"),
            edges=[Edge("hang", "fine"), *([Edge("hang", "late", on=on)] if on else [Edge("fine", "late")])],
            ends={"late", "fine"} if on else {"late"},
            name=f"on {on}",
        )
        engine = await make_engine(definition)
        instance = await engine.start_workflow(f"on {on}")
        rested = await engine.wait(instance.id)
        assert stopped.is_set()
        assert (rested.status, rested.current_step) == (("waiting", "late") if on else ("failed", "hang"))
        record = await engine.get_record(instance.id)
        assert "longer than 0.05 seconds" in str(record.step_executions[0].error)


def past(_: WorkflowContext) -> datetime:
    return datetime.now(UTC) - timedelta(days=1)


@pytest.mark.parametrize(
    ("timer", "least"),
    [
        (TimerStep("wait", SOON), SOON),
        (DelayStep("wait", lambda context: context.get("pause")), SOON),
        (ScheduledStep("wait", past), timedelta(0)),
        (TimerStep("wait", until=datetime(2020, 1, 1, tzinfo=UTC)), timedelta(0)),
    ],
    ids=["duration", "callable", "moment", "past"],
)
async def test_timers(make_engine: MakeEngine, timer: TimerStep, least: timedelta) -> None:
    """The run goes on when the moment has come, not before."""
    engine = await make_engine(chain(Do("before"), timer, Do("after"), review()))
    instance = await engine.start_workflow("example", {"pause": SOON.total_seconds()})
    while (current := await engine.wait(instance.id)).current_step != "review":
        assert (current.status, current.current_step) == ("waiting", "wait")
        await engine.changed(instance.id, 1)

    record = await engine.get_record(instance.id)
    (waited,) = [each for each in record.step_executions if each.step_name == "wait"]
    assert waited.completed_at is not None
    assert waited.completed_at - waited.started_at >= least
    assert current.data == {"pause": 0.05, "before": 1, "after": 1}


@pytest.mark.parametrize("wrong", ["soon", float("nan"), timedelta.max, datetime(2026, 1, 1)])  # noqa: DTZ001
async def test_a_timer_that_is_no_time_fails_its_step(make_engine: MakeEngine, wrong: Any) -> None:
    """The message says what was expected."""
    engine = await make_engine(chain(TimerStep("wait", lambda _: wrong), review()))

    failed = await engine.start_workflow("example")

    assert failed.status is InstanceStatus.FAILED
    assert "expected a" in str(failed.failures[0][1])


async def test_patience_with_a_message_ends(make_engine: MakeEngine) -> None:
    """The wait ends along its edge for that."""
    definition = workflow(
        MessageStep("paid", timeout=SOON),
        review("remind"),
        review("thank"),
        edges=[Edge("paid", "thank"), Edge("paid", "remind", on="timeout")],
        ends={"remind", "thank"},
    )
    engine = await make_engine(definition)

    instance = await engine.start_workflow("example")
    while (current := await engine.wait(instance.id)).current_step == "paid":
        await engine.changed(instance.id, 1)

    assert (current.status, current.current_step) == ("waiting", "remind")


async def test_a_loop_that_never_waits_fails_visibly(make_engine: MakeEngine) -> None:
    """A failure that leads back to the step that fails would go round for ever within one transition."""

    class Broken(BaseHumanStep):
        def get_assignee(self, context: WorkflowContext) -> str | None:
            raise LookupError("no such manager")

    definition = workflow(
        ExclusiveGateway("again"),
        Broken("review"),
        Do("done"),
        edges=[
            Edge("again", "review"),
            Edge("review", "done"),
            Edge("review", "again", on="error"),
        ],
        ends={"done"},
    )
    engine = await make_engine(definition)

    failed = await asyncio.wait_for(engine.start_workflow("example"), 60)

    assert failed.status is InstanceStatus.FAILED
    assert "EndlessLoopError" in str(failed.failures[0][1])
