"""Crashing workflows: what is sound passes, and what is not is shown with the place and the difference."""

from collections import Counter
from datetime import timedelta
from functools import partial

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from tests.workflows import Do, chain, review, workflow
from workflows_core.context import WorkflowContext
from workflows_core.definitions import Edge, WorkflowDefinition
from workflows_core.retry import RetryPolicy
from workflows_core.states import InstanceStatus
from workflows_core.steps import BaseMachineStep, DelayStep, MessageStep, ParallelGateway
from workflows_core.testing import (
    Answer,
    Choice,
    CrashError,
    SimulationError,
    crash_everywhere,
    crash_everywhere_async,
    simulate,
)
from workflows_core.testing import strategies as workflows


class Mails:
    """A service that sends mails; it knows what it sent."""

    def __init__(self) -> None:
        self.sent: Counter[str] = Counter()

    def clear(self) -> None:
        self.sent.clear()

    def outside(self) -> dict[str, int]:
        return dict(self.sent)


class Send(BaseMachineStep):
    """Sends a mail; a careful one finds out whether that was done."""

    def __init__(self, mails: Mails, *, is_careful: bool) -> None:
        super().__init__("send")
        self.mails = mails
        self.is_careful = is_careful

    async def execute(self, context: WorkflowContext) -> None:
        if not (self.is_careful and self.mails.sent[context.idempotency_key]):
            self.mails.sent[context.idempotency_key] += 1


def everything() -> WorkflowDefinition:
    """A step of each kind that waits or works, two of them side by side."""
    return workflow(
        Do("begin"),
        ParallelGateway("fork", branches=["left", "review"]),
        Do("left"),
        review("review"),
        DelayStep("delay", timedelta(hours=1)),
        MessageStep("paid", message="paid", correlation_key="k"),
        Do("end"),
        edges=[
            Edge("begin", "fork"),
            Edge("fork", "left"),
            Edge("fork", "review"),
            Edge("review", "delay"),
            Edge("delay", "paid"),
            Edge("left", "end"),
            Edge("paid", "end"),
        ],
        ends={"end"},
    )


def test_whatever_a_workflow_waits_for_it_ends_the_same() -> None:
    choices: dict[str, Choice] = {
        "review": Answer({"approved": True}, by="ann"),
        "paid": Answer({"amount": 5}, after=timedelta(minutes=1)),
    }
    seen = crash_everywhere(everything(), {"n": 1}, choices=choices)
    assert seen.undisturbed.status is InstanceStatus.COMPLETED
    assert seen.crashes == 2 * len(seen.undisturbed.history)
    assert set(seen.undisturbed.path) == everything().steps.keys()


async def test_it_can_be_awaited() -> None:
    assert (await crash_everywhere_async(chain(Do("one"), Do("two")))).crashes == 6


def test_a_step_that_does_it_again_is_found() -> None:
    mails = Mails()
    definition = chain(Do("first"), Send(mails, is_careful=False))
    with pytest.raises(CrashError, match=r"before commit 3 .*StepCompleted") as caught:
        crash_everywhere(definition, before_each=mails.clear, outside=mails.outside)
    assert (caught.value.commit, caught.value.was_durable) == (3, False)
    assert "outside: {" in str(caught.value)
    assert caught.value.undisturbed.status is caught.value.disturbed.status is InstanceStatus.COMPLETED


def test_what_is_outside_may_be_one_and_the_same_list() -> None:
    """It is compared as it was, not as it has become since."""
    sent: list[str] = []
    step = Do("send", lambda context: sent.append(context.idempotency_key))
    with pytest.raises(CrashError, match="outside"):
        crash_everywhere(chain(step), before_each=sent.clear, outside=lambda: sent)


def test_a_step_that_finds_out_passes() -> None:
    mails = Mails()
    definition = chain(Do("first"), Send(mails, is_careful=True))
    assert crash_everywhere(definition, before_each=mails.clear, outside=mails.outside).crashes == 6


def test_a_step_that_counts_its_attempts_is_found() -> None:
    class Counts(BaseMachineStep):
        async def execute(self, context: WorkflowContext) -> None:
            context.set("attempt", context.attempt)

    with pytest.raises(CrashError, match=r"data\['attempt'\]: 2 instead of 1"):
        crash_everywhere(chain(Counts("counts")))


def test_without_clearing_what_is_outside_every_run_adds_to_it() -> None:
    mails = Mails()
    with pytest.raises(CrashError, match="outside"):
        crash_everywhere(chain(Send(mails, is_careful=False)), outside=mails.outside)


def test_a_fake_that_a_crash_lost_is_used_again() -> None:
    step = Do("flaky", retry=RetryPolicy(attempts=3))
    seen = crash_everywhere(chain(step), fakes={"flaky": [ValueError("once"), ValueError("twice"), 7]})
    assert seen.undisturbed.status is InstanceStatus.COMPLETED
    assert [str(each.status) for each in seen.undisturbed.executions] == ["failed", "failed", "succeeded"]


def test_what_fails_fails_the_same() -> None:
    seen = crash_everywhere(chain(Do("flaky")), fakes={"flaky": ValueError("always")})
    assert seen.undisturbed.status is InstanceStatus.FAILED


def test_a_workflow_without_rest_says_so() -> None:
    with pytest.raises(SimulationError, match="did not come to rest"):
        crash_everywhere(chain(*(Do(f"step_{number}") for number in range(20))), limit=5)


@settings(max_examples=30)
@given(st.data())
def test_no_workflow_that_is_accepted_ends_otherwise(data: st.DataObject) -> None:
    definition = data.draw(workflows.free_definitions())
    machines = [name for name, step in definition.steps.items() if isinstance(step, BaseMachineStep)]
    fakes = {name: partial(count, name) for name in machines}
    try:
        simulate(definition, fakes=fakes, limit=20)
    except SimulationError:
        reject()  # goes round for ever
    crash_everywhere(definition, fakes=fakes)


def count(name: str, context: WorkflowContext) -> None:
    """Count how often a step is passed: what the conditions of drawn workflows look at."""
    context.set(name, context.get(name, 0) + 1)
