"""Why it waits, who can act, why not you, and what would follow."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tasks.office import Office
from tests.workflows import Do, chain, workflow
from workflows_core import commands as cmd
from workflows_core import events as ev
from workflows_core.actors import Actor
from workflows_core.consequences import Consequence, consequences
from workflows_core.definitions import Edge, WorkflowDefinition
from workflows_core.explanation import (
    InstanceExplanation,
    Reason,
    TaskExplanation,
    explain_instance,
    explain_task,
)
from workflows_core.instance import Instance
from workflows_core.permissions import Action
from workflows_core.policies import Policies
from workflows_core.quorum import Quorum
from workflows_core.retry import RetryPolicy
from workflows_core.settling import carry_out
from workflows_core.states import TokenState
from workflows_core.steps import (
    BaseHumanStep,
    DecisionStep,
    ExclusiveGateway,
    MessageStep,
    ParallelGateway,
    Step,
    TimerStep,
    WebhookStep,
)
from workflows_core.tasks import Task
from workflows_core.testing import strategies as workflows
from workflows_core.testing.clock import NumberedIds


async def started(*steps: Step, data: dict[str, Any] | None = None, **options: Any) -> Office:
    office = Office(chain(*steps, **options))
    await office.start(data)
    return office


def why(office: Office, definition: WorkflowDefinition | None = None) -> InstanceExplanation:
    return explain_instance(office.instance, definition or office.definition, office.clock.now())


def told(office: Office, actor: Actor, task: Task | None = None) -> TaskExplanation:
    return explain_task(task or office.task, actor, office.instance, office.definition, office.clock.now())


async def step_done(office: Office, step: str, outcome: str = "complete") -> None:
    """Do a machine step, or let it fail."""
    (token,) = [token for token in office.instance.tokens.values() if token.step == step]
    await office.do(cmd.StartStep(at=office.clock.now(), token=token.id, owner="runner"))
    attempt = office.instance.tokens[token.id].attempt
    reported: dict[str, Any] = {"at": office.clock.now(), "token": token.id, "attempt": attempt}
    if outcome == "complete":
        await office.do(cmd.CompleteStep(**reported))
    elif outcome == "fail":
        await office.do(
            cmd.FailStep(**reported, error_type="ValueError", message="no bank", origin="execute")
        )


BOB = Actor("bob", groups=["board"])


# Every state in which an instance can wait


async def test_a_task() -> None:
    office = await started(BaseHumanStep("review", assignee_group="board", due=3600))
    (wait,) = why(office).waits
    assert (wait.reason, wait.step, wait.who) == (Reason.TASK, "review", ("the group board",))
    assert (wait.since, wait.until) == (office.task.created_at, office.task.due_at)
    assert wait.tasks == (office.task.id,)
    assert why(office).sentences == (
        "It waits for somebody or something outside.",
        "“Review” waits to be done. It is offered to the group board. It is open since 2026-01-01 09:00 UTC. It is due at 2026-01-01 10:00 UTC.",
    )
    office.clock.advance(hours=2)
    assert "It was due at 2026-01-01 10:00 UTC." in why(office).waits[0].sentence


async def test_a_decision() -> None:
    office = await started(
        DecisionStep("board", deciders_key="who"), data={"who": ["bob", "cy", {"group": "legal"}]}
    )
    await office.complete("bob", "approve", office.task_of("bob"))
    (wait,) = why(office).waits
    assert (wait.reason, wait.who) == (Reason.DECISION, ("cy", "the group legal"))
    assert wait.sentence == (
        "“Board” waits for cy and the group legal to vote. 1 of 3 have voted, since 2026-01-01 09:00 UTC."
    )


async def test_a_timer_a_message_and_a_call() -> None:
    office = await started(TimerStep("pause", 3600))
    assert why(office).waits[0].sentence == (
        "“Pause” waits for 2026-01-01 10:00 UTC, since 2026-01-01 09:00 UTC."
    )
    office = await started(MessageStep("paid", timeout=60))
    (wait,) = why(office).waits
    assert (wait.reason, wait.until) == (Reason.MESSAGE, office.clock.now() + timedelta(minutes=1))
    assert "the message 'paid' with the key" in wait.sentence
    assert "until 2026-01-01 09:01 UTC at the latest" in wait.sentence
    office = await started(WebhookStep("callback"))
    (wait,) = why(office).waits
    assert wait.reason is Reason.CALL
    assert "secret" not in wait.sentence


async def test_machine_steps() -> None:
    office = await started(Do("pay", retry=RetryPolicy(delay=60, jitter=0)))
    assert why(office).waits[0].reason is Reason.RUNNER
    await step_done(office, "pay", "begin")
    assert why(office).waits[0].sentence == "“Pay” is being executed since 2026-01-01 09:00 UTC."
    office = await started(Do("pay", retry=RetryPolicy(delay=60, jitter=0)))
    (token,) = office.instance.tokens.values()
    await office.do(cmd.StartStep(at=office.clock.now(), token=token.id, owner="runner"))
    await office.do(
        cmd.FailStep(
            at=office.clock.now(), token=token.id, attempt=1, error_type="E", message="m", origin="execute"
        )
    )
    (wait,) = why(office).waits
    assert (wait.reason, wait.until) == (Reason.RETRY, office.clock.now() + timedelta(minutes=1))
    assert wait.sentence == "“Pay” failed once, and is tried again at 2026-01-01 09:01 UTC."


async def test_a_failure() -> None:
    office = await started(Do("pay"), Do("end"))
    await step_done(office, "pay", "fail")
    explained = why(office)
    assert explained.summary == "It has failed at “Pay”."
    assert explained.waits[0].reason is Reason.FAILURE
    assert (
        "ValueError: no bank (in execute). Somebody has to retry, skip or move it."
        in explained.waits[0].sentence
    )


async def test_a_join_says_what_it_waits_for() -> None:
    definition = workflow(
        ParallelGateway("fork", ["a", "b"]),
        BaseHumanStep("a"),
        BaseHumanStep("b", title="Sign it"),
        BaseHumanStep("join"),
        edges=[Edge("a", "join"), Edge("b", "join")],
        ends={"join"},
    )
    office = Office(definition)
    await office.start()
    await office.complete(
        "x", task=next(task for task in office.instance.tasks.values() if task.step_name == "a")
    )
    (_, wait) = why(office).waits
    assert (wait.reason, wait.step) == (Reason.BRANCHES, "join")
    assert (
        wait.sentence
        == "“Join” waits for what is still on its way from “Sign it”; one branch has come so far."
    )


async def test_suspended_canceled_and_completed() -> None:
    office = await started(BaseHumanStep("review"))
    await office.order(cmd.Suspend, "ops", reason="audit")
    assert why(office).summary == ("It is suspended: audit. Nothing new begins until somebody resumes it.")
    assert told(office, BOB).actions[Action.COMPLETE].reason == "The instance is suspended."
    await office.order(cmd.Cancel, "ops", reason="no longer needed")
    assert why(office).summary == "It was canceled at 2026-01-01 09:00 UTC: no longer needed"
    assert why(office).waits == ()

    office = await started(BaseHumanStep("review"))
    await office.complete("bob")
    assert why(office).summary == "It is completed, since 2026-01-01 09:00 UTC."


async def test_a_definition_that_nobody_knows_here() -> None:
    office = await started(BaseHumanStep("review"))
    explained = explain_instance(office.instance, None, office.clock.now())
    assert not explained.is_known
    assert "does not know workflow 'example' version '1.0.0'" in explained.summary
    assert explained.waits[0].title == "review"


async def test_a_question() -> None:
    office = await started(BaseHumanStep("review", assignee_key="boss", due=60), data={"boss": "bob"})
    await office.ask(cmd.RequestInformation, "bob", question="Why so much?")
    assert told(office, BOB).summary == (
        "It is with ann, who was asked for information by bob. The question: “Why so much?” "
        "Its clock stands since 2026-01-01 09:00 UTC."
    )
    assert told(office, BOB).until is None
    assert told(office, Actor("ann")).actions[Action.ANSWER].allowed


# Why not you


async def test_a_task_tells_everybody_what_they_can_do_and_why_not() -> None:
    office = await started(BaseHumanStep("review", assignee_group="board"), BaseHumanStep("end"))
    explained = told(office, BOB)
    assert {action for action, found in explained.actions.items() if found.allowed} == {
        Action.CLAIM, Action.COMPLETE, Action.DELEGATE, Action.ASK, Action.COMMENT, Action.SAVE_DRAFT, Action.FOLLOW_UP,
    }  # fmt: skip
    assert explained.sentences[1] == "You can complete it."
    assert explained.actions[Action.UNCLAIM].reason == "The task is offered."

    await office.ask(cmd.ClaimTask, BOB)
    cy = Actor("cy", groups=["board"])
    assert told(office, cy).sentences[1] == "You cannot complete it: It is with bob."
    assert told(office, cy).actions[Action.CLAIM].reason == "It is with bob."
    id_ = office.task.id
    await office.complete(BOB)
    explained = told(office, cy, office.closed[id_])
    assert explained.summary == "It is completed since 2026-01-01 09:00 UTC by bob."
    assert (explained.who, explained.consequences) == ((), ())
    assert not any(explained.actions.values())


async def test_a_task_that_nobody_named_may_do_says_so() -> None:
    rules = Policies(not_initiator=True)
    office = await started(BaseHumanStep("review", assignee_key="boss", policies=rules), data={"boss": "ann"})
    explained = told(office, Actor("ann"))
    reason = "ann started this, and whoever starts it may not decide it."
    assert explained.actions[Action.COMPLETE].reason == reason
    assert explained.summary.endswith(f"{reason} A manager has to give it to somebody who may do it.")
    assert "A manager has to give it" in why(office).waits[0].sentence


# What would follow


async def test_a_step_where_others_are_still_to_come_says_that_it_waits() -> None:
    definition = workflow(
        ParallelGateway("fork", ["a", "b"]),
        BaseHumanStep("a"),
        BaseHumanStep("b"),
        BaseHumanStep("join"),
        edges=[Edge("a", "join"), Edge("b", "join")],
        ends={"join"},
    )
    office = Office(definition)
    await office.start()
    first, second = office.instance.tasks.values()
    assert [each.sentence for each in told(office, BOB, first).consequences] == [
        "Completing it leads to “Join”, where other branches are waited for."
    ]
    await office.complete("x", task=first)
    assert [each.sentence for each in told(office, BOB, second).consequences] == [
        "Completing it leads to “Join”."
    ]


def approval(*edges: Edge, outcomes: Sequence[str] = ("yes", "no"), form: Any = None) -> WorkflowDefinition:
    steps = [
        BaseHumanStep("review", outcomes=outcomes, form_schema=form),
        ExclusiveGateway("size"),
        ExclusiveGateway("code", condition=lambda _: "pay"),
        BaseHumanStep("pay"),
        BaseHumanStep("ask"),
        BaseHumanStep("tell"),
    ]
    return workflow(*steps, edges=list(edges), ends={"pay", "ask", "tell"})


async def expected(definition: WorkflowDefinition, **data: Any) -> list[str]:
    office = Office(definition)
    await office.start(data)
    return [each.sentence for each in told(office, BOB).consequences]


async def test_outcomes_lead_along_their_edges() -> None:
    definition = approval(
        Edge("review", "pay", on="yes"), Edge("review", "tell", on="no"), Edge("review", "ask", on="no")
    )
    assert await expected(definition) == [
        "'yes' leads to “Pay”.",
        "'no' leads to “Tell” and “Ask”.",
    ]


async def test_conditions_are_evaluated_through_gateways() -> None:
    definition = approval(
        Edge("review", "size"),
        Edge("size", "ask", condition="amount > 100"),
        Edge("size", "tell", condition="amount > 10"),
        Edge("size", "pay", default=True),
        outcomes=(),
    )
    assert await expected(definition, amount=50) == ["Completing it leads to “Tell”."]
    assert await expected(definition, amount=5) == ["Completing it leads to “Pay”."]


async def test_what_the_form_or_code_has_a_say_in_is_only_possible() -> None:
    form = {"type": "object", "properties": {"amount": {"type": "number"}}}
    definition = approval(
        Edge("review", "size", on="yes"),
        Edge("review", "code", on="no"),
        Edge("size", "ask", condition="context.get('amount', 0) > 100"),
        Edge("size", "pay", default=True),
        Edge("code", "pay"),
        Edge("code", "tell"),
        form=form,
    )
    asks = "whether context.get('amount', 0) > 100"
    decides = "what the gateway 'Code' decides"
    assert await expected(definition, amount=500) == [
        f"'yes' may lead to “Ask”, depending on {asks} and may lead to “Pay”, depending on {asks}.",
        f"'no' may lead to “Pay”, depending on {decides} and may lead to “Tell”, depending on {decides}.",
    ]


async def test_the_last_step_ends_the_branch() -> None:
    office = await started(BaseHumanStep("only"))
    assert told(office, BOB).consequences == (
        Consequence(outcome=None, leads_to=(), sentence="Completing it ends this branch."),
    )


async def test_a_vote_says_whether_it_settles_the_decision() -> None:
    step = DecisionStep("decide", deciders_key="who", quorum=Quorum.at_least(2))
    definition = workflow(
        step, BaseHumanStep("pay"), BaseHumanStep("tell"),
        edges=[Edge("decide", "pay", on="approve"), Edge("decide", "tell", on="reject")], ends={"pay", "tell"},
    )  # fmt: skip
    office = Office(definition)
    await office.start({"who": ["a", "b", "c"]})
    assert [each.sentence for each in told(office, Actor("a"), office.task_of("a")).consequences] == [
        "With 'approve' the decision is still open.",
        "With 'reject' the decision is still open.",
    ]
    await office.complete("a", "approve", office.task_of("a"))
    assert [each.sentence for each in told(office, Actor("b"), office.task_of("b")).consequences] == [
        "'approve' settles the decision with 'approve', which leads to “Pay”.",
        "With 'reject' the decision is still open.",
    ]


# Right in every state that a workflow can come to


REASONS = {
    TokenState.FAILED: {Reason.FAILURE},
    TokenState.RUNNING: {Reason.EXECUTION},
    TokenState.LEAVING: {Reason.ROUTE},
    TokenState.READY: {Reason.RUNNER, Reason.RETRY},
    TokenState.WAITING: {Reason.TASK, Reason.DECISION, Reason.TIMER, Reason.MESSAGE, Reason.CALL},
}


def check_reasons(instance: Instance, definition: WorkflowDefinition, office: Office) -> None:
    explained = explain_instance(instance, definition, office.clock.now())
    tokens = [*instance.tokens.values()]
    assert len(explained.waits) == len(tokens) + len(instance.arrivals)
    for token, wait in zip(tokens, explained.waits, strict=False):
        assert wait.reason in REASONS[token.state]
        assert (wait.step, wait.until) == (token.step, wait.until if wait.tasks else token.due_at)
    for step, wait in zip(instance.arrivals, explained.waits[len(tokens) :], strict=True):
        assert (wait.reason, wait.step) == (Reason.BRANCHES, step)
        assert "“" in wait.sentence.split(" from ", 1)[1]
    assert {id_ for wait in explained.waits for id_ in wait.tasks} == instance.tasks.keys()
    assert all(sentence[-1] in ".!?" for sentence in explained.sentences)


def destinations(events: Sequence[ev.Event], token: int) -> Iterator[str]:
    """The steps that a leaving token came to; gateways are passed."""
    for event in events:
        if isinstance(event, ev.StepLeft) and event.token == token:
            for entry in event.entries:
                if entry.state == "leaving":
                    yield from destinations(events, entry.token)
                else:
                    yield entry.step


async def check_consequences(office: Office) -> None:
    """Complete every task with every outcome, each from here, and look where it really leads."""
    for task in office.instance.tasks.values():
        for consequence in consequences(task, office.instance, office.definition):
            events, _ = await carry_out(
                office.definition,
                office.instance,
                [
                    cmd.CompleteTask(
                        at=office.clock.now(),
                        task_id=task.id,
                        data={},
                        outcome=consequence.outcome,
                        actor="x",
                    )
                ],
                at=office.clock.now(),
                ids=NumberedIds(),
                owner=None,
            )
            actual = set(destinations(events, task.token))
            certain = {each.step for each in consequence.leads_to if each.is_certain}
            possible = {each.step for each in consequence.leads_to}
            assert certain <= actual <= possible, (consequence, actual)


@given(workflows.structured_definitions(), st.data())
@settings(deadline=None, max_examples=60)
def test_every_state_is_explained_and_every_consequence_comes_true(
    definition: WorkflowDefinition, data: st.DataObject
) -> None:
    async def live() -> None:
        office = Office(definition)
        await office.start(
            data.draw(st.dictionaries(st.sampled_from([*definition.steps]), st.integers(0, 2)))
        )
        for _ in range(data.draw(st.integers(1, 12))):
            check_reasons(office.instance, definition, office)
            await check_consequences(office)
            tasks, tokens = [*office.instance.tasks.values()], office.instance.tokens.values()
            ready = [token for token in tokens if token.state is TokenState.READY]
            if tasks and (not ready or data.draw(st.booleans())):
                task = data.draw(st.sampled_from(tasks))
                await office.complete("x", data.draw(st.sampled_from(task.outcomes or (None,))), task)
            elif ready:
                await step_done(
                    office, ready[0].step, data.draw(st.sampled_from(["complete", "complete", "fail"]))
                )
            elif office.instance.wake_at is not None:
                await office.wait_until(office.instance.wake_at)
            else:
                break
        check_reasons(office.instance, definition, office)

    asyncio.run(live())
