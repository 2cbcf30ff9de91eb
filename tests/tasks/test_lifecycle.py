"""What people do with a task, from hand to hand."""

from datetime import timedelta
from typing import Any, get_args

import pytest

from tests.tasks.office import Office
from tests.workflows import chain, workflow
from workflows_core import commands as cmd
from workflows_core import task_events as ev
from workflows_core.actors import Actor
from workflows_core.definitions import Edge
from workflows_core.errors import (
    InvalidDataError,
    InvalidOutcomeError,
    InvalidTransitionError,
    NotPermittedError,
    TaskAlreadyClaimedError,
    WorkflowError,
)
from workflows_core.states import TASK_MOVES, TaskState, TaskStatus
from workflows_core.steps import BaseHumanStep
from workflows_core.tasks import NoteKind


class Approve(BaseHumanStep):
    name = "approve"
    outcomes = ("yes", "no")
    assignee_group = "board"

    def get_candidate_users(self, context: Any) -> list[str]:
        return ["cy"]


class Given(BaseHumanStep):
    name = "given"
    assignee_key = "boss"


def approval(step: BaseHumanStep | None = None) -> Office:
    step = step or Approve()
    return Office(workflow(step, BaseHumanStep("end"), edges=[Edge(step.name, "end")], ends={"end"}))


async def opened(step: BaseHumanStep | None = None, **data: Any) -> Office:
    office = approval(step)
    await office.start(data)
    return office


BOB = Actor("bob", groups=["board"])
CY = Actor("cy")


async def test_a_task_that_is_offered_is_taken_and_given_back() -> None:
    office = await opened()
    assert (office.task.state, office.task.assignee, office.task.for_anyone) == ("offered", None, False)

    await office.ask(cmd.ClaimTask, BOB, reason="I know the customer")
    assert (office.task.state, office.task.assignee) == ("assigned", "bob")
    await office.ask(cmd.UnclaimTask, BOB, reason="I do not, after all")
    assert (office.task.state, office.task.assignee) == ("offered", None)

    (claimed,) = office.events(ev.TaskClaimed)
    assert (claimed.by, claimed.reason, claimed.at) == ("bob", "I know the customer", office.clock.now())


async def test_of_two_who_claim_one_succeeds() -> None:
    office = await opened()
    await office.ask(cmd.ClaimTask, BOB)
    before = office.instance
    for late in (CY, BOB, "anybody"):
        with pytest.raises(TaskAlreadyClaimedError, match="with bob already") as refused:
            await office.ask(cmd.ClaimTask, late)
        assert isinstance(refused.value, InvalidTransitionError)
    assert office.instance is before


async def test_what_was_given_to_one_person_alone_cannot_be_put_back() -> None:
    office = await opened(Given(), boss="bob")
    with pytest.raises(InvalidTransitionError, match="offered to nobody who could take it"):
        await office.ask(cmd.UnclaimTask, "bob")


async def test_a_task_for_anyone_stays_one() -> None:
    office = await opened(BaseHumanStep("open"))
    assert office.task.for_anyone
    await office.ask(cmd.ClaimTask, Actor("eve"))
    await office.ask(cmd.UnclaimTask, Actor("eve"))
    await office.complete(Actor("dan"))
    assert office.instance.current_step == "end"


async def test_completing_keeps_who_and_how() -> None:
    office = await opened()
    id_ = office.task.id
    await office.complete(BOB, "no", data={"why": 1}, comment="not now")

    task = office.closed[id_]
    assert (task.status, task.completed_by, task.outcome) == (TaskStatus.COMPLETED, "bob", "no")
    assert (task.form_data, task.comment) == ({"why": 1}, "not now")
    assert office.instance.doers == {"approve": ("bob",)}
    assert office.instance.data == {"why": 1}


async def test_an_outcome_that_is_not_declared_is_refused() -> None:
    office = await opened()
    for outcome in ("perhaps", None):
        with pytest.raises(InvalidOutcomeError):
            await office.complete(BOB, outcome)


async def test_what_was_delegated_comes_back_to_its_owner() -> None:
    office = await opened(Given(), boss="bob")
    await office.ask(cmd.DelegateTask, "bob", assignee="cy", reason="check the numbers")
    assert (office.task.state, office.task.assignee, office.task.owner) == ("delegated", "cy", "bob")
    with pytest.raises(InvalidTransitionError, match="Whoever it was delegated to resolves it"):
        await office.complete("cy")

    await office.ask(cmd.DelegateTask, "cy", assignee="dan")
    assert (office.task.assignee, office.task.owner) == ("dan", "bob")
    await office.ask(cmd.ResolveTask, "dan", reason="they add up")
    assert (office.task.state, office.task.assignee, office.task.owner) == ("assigned", "bob", None)
    (note,) = office.task.thread
    assert (note.kind, note.text, note.by) == (NoteKind.RESOLUTION, "they add up", "dan")
    await office.complete("bob")


@pytest.mark.parametrize("to", ["bob", "cy"])
async def test_a_task_is_not_delegated_to_who_has_it(to: str) -> None:
    office = await opened(Given(), boss="bob")
    await office.ask(cmd.DelegateTask, "bob", assignee="cy")
    with pytest.raises(InvalidDataError, match="has the task already"):
        await office.ask(cmd.DelegateTask, "cy", assignee=to)


async def test_who_delegates_what_was_offered_takes_it_on() -> None:
    office = await opened()
    await office.ask(cmd.DelegateTask, BOB, assignee="dan")
    await office.ask(cmd.ResolveTask, Actor("dan"))
    assert office.task.assignee == "bob"


async def test_a_question_goes_to_the_requester_and_comes_back_with_the_answer() -> None:
    office = await opened(Given(), boss="bob")
    await office.ask(cmd.RequestInformation, "bob", question="Which hotel?")
    assert (office.task.state, office.task.assignee) == ("asked", "ann")
    assert office.task.question is not None
    with pytest.raises(InvalidTransitionError, match="comes back with the answer"):
        await office.complete("bob")

    await office.ask(cmd.AnswerQuestion, "ann", answer="The cheap one.")
    assert (office.task.state, office.task.assignee) == ("assigned", "bob")
    assert office.task.question is None
    assert [(note.kind, note.text, note.by, note.to) for note in office.task.thread] == [
        ("question", "Which hotel?", "bob", "ann"),
        ("answer", "The cheap one.", "ann", None),
    ]


async def test_a_delegate_may_ask_too() -> None:
    office = await opened(Given(), boss="bob")
    await office.ask(cmd.DelegateTask, "bob", assignee="cy")
    await office.ask(cmd.RequestInformation, "cy", question="Why?", asked="dan")
    assert (office.task.state, office.task.assignee) == ("asked by the delegate", "dan")
    await office.ask(cmd.AnswerQuestion, "dan", answer="So.")
    assert (office.task.state, office.task.assignee, office.task.owner) == ("delegated", "cy", "bob")


async def test_a_question_can_be_withdrawn_and_a_manager_can_give_the_task_to_somebody_else() -> None:
    office = await opened(Given(), boss="bob")
    await office.ask(cmd.RequestInformation, Actor("bob"), question="Which hotel?")
    await office.ask(cmd.WithdrawQuestion, Actor("bob"), reason="found it")
    assert (office.task.state, office.task.assignee) == ("assigned", "bob")

    await office.ask(cmd.RequestInformation, "bob", question="Which train?")
    await office.ask(cmd.ReassignTask, Actor("mia", roles=["manager"]), assignee="cy", reason="bob is ill")
    assert (office.task.state, office.task.assignee, office.task.question) == ("assigned", "cy", None)
    (reassigned,) = office.events(ev.TaskReassigned)
    assert (reassigned.by, reassigned.reason) == ("mia", "bob is ill")


async def test_there_must_be_somebody_to_ask() -> None:
    office = await opened(Given(), boss="bob")
    with pytest.raises(InvalidDataError, match="would ask themself"):
        await office.ask(cmd.RequestInformation, "bob", question="Who?", asked="bob")
    nobody = approval(Given())
    await nobody.start({"boss": "bob"}, by=None)
    with pytest.raises(InvalidDataError, match="name somebody to ask"):
        await nobody.ask(cmd.RequestInformation, "bob", question="Who?")


async def test_comments_and_drafts_are_kept() -> None:
    office = await opened()
    await office.ask(cmd.CommentTask, CY, text="I would not.")
    await office.ask(cmd.SaveDraft, BOB, data={"amount": 1})
    await office.ask(cmd.SaveDraft, CY, data={"amount": 2})
    await office.ask(cmd.SaveDraft, BOB, data={"amount": 3})

    assert office.task.drafts == {"bob": {"amount": 3}, "cy": {"amount": 2}}
    assert [(note.kind, note.by) for note in office.task.thread] == [("comment", "cy")]
    assert office.instance.data == {}
    assert set(office.instance.participants) == {"user:cy", "user:bob", "group:board"}


async def test_due_date_priority_and_follow_up_are_set() -> None:
    office = await opened()
    moment = office.clock.now() + timedelta(days=3)
    await office.ask(cmd.RescheduleTask, "mia", due_at=moment, reason="holidays")
    await office.ask(cmd.PrioritizeTask, "mia", priority=9)
    await office.ask(cmd.FollowUpTask, "mia", follow_up_at=moment)

    assert (office.task.due_at, office.task.priority, office.task.follow_up_at) == (moment, 9, moment)
    (event,) = office.events(ev.TaskRescheduled)
    assert (event.by, event.reason) == ("mia", "holidays")


async def test_somebody_must_be_named_where_a_task_goes_to_them() -> None:
    office = await opened()
    for kind, fields in (
        (cmd.ClaimTask, {}),
        (cmd.SaveDraft, {"data": {}}),
        (cmd.DelegateTask, {"assignee": "x"}),
        (cmd.RequestInformation, {"question": "?"}),
    ):
        with pytest.raises(InvalidDataError, match="say who does it"):
            await office.ask(kind, None, **fields)


# The table: every command in every state, against what the table says

COMMANDS: dict[str, tuple[type, dict[str, Any]]] = {
    "TaskClaimed": (cmd.ClaimTask, {}),
    "TaskUnclaimed": (cmd.UnclaimTask, {}),
    "TaskDelegated": (cmd.DelegateTask, {"assignee": "zoe"}),
    "TaskResolved": (cmd.ResolveTask, {}),
    "InformationRequested": (cmd.RequestInformation, {"question": "?", "asked": "zoe"}),
    "InformationGiven": (cmd.AnswerQuestion, {"answer": "!"}),
    "QuestionWithdrawn": (cmd.WithdrawQuestion, {}),
    "TaskCommented": (cmd.CommentTask, {"text": "."}),
    "DraftSaved": (cmd.SaveDraft, {"data": {}}),
    "TaskRescheduled": (cmd.RescheduleTask, {"due_at": None}),
    "TaskPrioritized": (cmd.PrioritizeTask, {"priority": 1}),
    "FollowUpSet": (cmd.FollowUpTask, {"follow_up_at": None}),
    "TaskCompleted": (cmd.CompleteTask, {"data": {}, "outcome": "yes"}),
}
WAYS: dict[TaskState, list[str]] = {
    TaskState.OFFERED: [],
    TaskState.ASSIGNED: ["TaskClaimed"],
    TaskState.DELEGATED: ["TaskClaimed", "TaskDelegated"],
    TaskState.ASKED: ["TaskClaimed", "InformationRequested"],
    TaskState.DELEGATE_ASKED: ["TaskClaimed", "TaskDelegated", "InformationRequested"],
    TaskState.COMPLETED: ["TaskClaimed", "TaskCompleted"],
}


@pytest.mark.parametrize("event", COMMANDS)
@pytest.mark.parametrize("state", WAYS)
async def test_what_the_table_does_not_allow_is_one_typed_error_and_changes_nothing(
    state: TaskState, event: str
) -> None:
    office = await opened()
    task = office.task
    for number, each in enumerate(WAYS[state]):
        kind, fields = COMMANDS[each]
        whom = {name: f"{name} one" for name in ("asked", "assignee") if name in fields}
        await office.ask(kind, f"user{number}", task, **fields | whom)
    assert (office.instance.tasks.get(task.id) or office.closed[task.id]).state is state

    kind, fields = COMMANDS[event]
    before = office.instance
    if event in TASK_MOVES[state]:
        await office.ask(kind, "xi", task, **fields)
        changed = office.instance.tasks.get(task.id) or office.closed[task.id]
        assert changed.state is TASK_MOVES[state][event]
    else:
        with pytest.raises(InvalidTransitionError) as refused:
            await office.ask(kind, "xi", task, **fields)
        assert str(task.id) in str(refused.value)
        assert office.instance is before


def test_every_event_of_a_task_stands_in_the_table() -> None:
    named = {event for moves in TASK_MOVES.values() for event in moves}
    assert named == {event.__name__ for event in get_args(ev.TaskEvent)} - {"TaskOpened"}
    assert {state.status for state in TaskState} == set(TaskStatus)


# Hooks


class Broken(BaseHumanStep):
    name = "broken"

    def get_priority(self, context: Any) -> int:
        raise LookupError("no such customer")


@pytest.mark.parametrize(
    ("hook", "answer", "complaint"),
    [
        ("get_assignee", 7, "expected the name of a user"),
        ("get_candidate_users", "ann", "expected a list of names"),
        ("get_candidate_groups", [None], "expected the name of a user or group"),
        ("get_due_date", "tomorrow", "expected a datetime with a time zone"),
        ("get_reminder_date", 5, "expected a datetime with a time zone"),
        ("get_priority", "high", "expected a whole number"),
    ],
)
async def test_a_hook_that_answers_nonsense_fails_the_step_visibly(
    hook: str, answer: Any, complaint: str
) -> None:
    step = BaseHumanStep("approve")
    setattr(step, hook, lambda _: answer)
    office = await opened(step)

    (failure,) = office.instance.failures
    assert complaint in failure[1].message
    assert failure[1].origin == hook


async def test_a_hook_that_raises_fails_the_step_visibly() -> None:
    office = await opened(Broken())
    assert office.instance.status == "failed"
    assert "no such customer" in str(office.instance.failures[0][1])


async def test_the_hooks_may_be_async() -> None:
    class Asked(BaseHumanStep):
        name = "asked"

        async def get_assignee(self, context: Any) -> str:
            return str(context.get("boss")).upper()

        async def get_priority(self, context: Any) -> int:
            return 5

    office = await opened(Asked(), boss="bob")
    assert (office.task.assignee, office.task.priority) == ("BOB", 5)


# Who may, in short; the rules have tests of their own


async def test_a_stranger_may_nothing_and_does_not_learn_that_there_is_a_task() -> None:
    office = await opened()
    for kind, fields in COMMANDS.values():
        with pytest.raises(WorkflowError, match="There is no task"):
            await office.ask(kind, Actor("eve"), **fields)


async def test_a_participant_learns_why_not() -> None:
    office = await opened()
    await office.ask(cmd.ClaimTask, BOB)
    with pytest.raises(NotPermittedError, match="It is with bob") as refused:
        await office.complete(CY, "yes")
    assert refused.value.reason == "It is with bob."


async def test_the_history_tells_who_and_why() -> None:
    office = Office(chain(Given(), BaseHumanStep("end")))
    await office.start({"boss": "bob"})
    await office.ask(cmd.DelegateTask, "bob", assignee="cy", reason="check")
    await office.ask(cmd.ResolveTask, "cy", reason="fine")
    await office.ask(cmd.PrioritizeTask, "bob", priority=3, reason="urgent")

    told = [
        (type(event).__name__, event.by, event.reason) for event in office.events(*get_args(ev.TaskEvent))[1:]
    ]
    assert told == [
        ("TaskDelegated", "bob", "check"),
        ("TaskResolved", "cy", "fine"),
        ("TaskPrioritized", "bob", "urgent"),
    ]
