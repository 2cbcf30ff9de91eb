"""Commands about human tasks.

Each function reads alike: may they, can it be done now, and what happens then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from workflows_core import commands as cmd
from workflows_core import events as ev
from workflows_core.actors import Actor
from workflows_core.deadlines import held, rescheduled
from workflows_core.errors import (
    InvalidDataError,
    InvalidOutcomeError,
    InvalidTransitionError,
    NotPermittedError,
    RevisionRequiredError,
    StaleTaskError,
    TaskAlreadyClaimedError,
)
from workflows_core.machine.ballots import count
from workflows_core.machine.handlers import Handlers, deciding
from workflows_core.permissions import Action, may, policies_of
from workflows_core.states import TokenState
from workflows_core.steps import BaseHumanStep

if TYPE_CHECKING:
    from datetime import datetime

    from workflows_core.deadlines import Alarm
    from workflows_core.machine.decision import Decision
    from workflows_core.tasks import Task

DECIDE: Final[Handlers] = {}


@deciding(DECIDE, cmd.OpenTask)
def _open_task(decision: Decision, command: cmd.OpenTask) -> None:
    token = decision.token(command.token, "TaskOpened", "open the task")
    if (
        token.state is TokenState.WAITING
    ):  # more tasks are for decisions by several alone, which open them themselves
        raise InvalidTransitionError("open the task", f"token {token.id}", token.state)
    step = decision.nodes[token.step].step
    decision.emit(
        ev.TaskOpened(
            at=command.at,
            token=token.id,
            task_id=command.task_id,
            step=token.step,
            title=command.title,
            description=command.description,
            form_schema=command.form_schema,
            outcomes=command.outcomes,
            assignee=command.assignee,
            assignee_group=command.assignee_group,
            candidate_users=command.candidate_users,
            candidate_groups=command.candidate_groups,
            priority=command.priority,
            due_at=command.due_at,
            alarms=command.alarms,
            shows=step.shown_keys if isinstance(step, BaseHumanStep) else None,
            requires_revision=isinstance(step, BaseHumanStep) and step.requires_revision,
        )
    )


@deciding(DECIDE, cmd.ClaimTask)
def _claim_task(decision: Decision, command: cmd.ClaimTask) -> None:
    task, on_behalf_of = decision.permitted(command, Action.CLAIM, "claim the task")
    if task.assignee is not None:
        raise TaskAlreadyClaimedError(task.id, task.assignee)
    decision.movable(task, "TaskClaimed", "claim the task")
    by = _named(command.actor, "claim the task")
    decision.emit(
        ev.TaskClaimed(
            at=command.at, task_id=task.id, by=by, on_behalf_of=on_behalf_of, reason=command.reason
        )
    )


@deciding(DECIDE, cmd.UnclaimTask)
def _unclaim_task(decision: Decision, command: cmd.UnclaimTask) -> None:
    task, on_behalf_of = decision.task(command, Action.UNCLAIM, "TaskUnclaimed", "unclaim the task")
    if not (task.for_anyone or task.candidate_users or task.groups):
        hint = "It is offered to nobody who could take it: reassign or delegate it."
        raise InvalidTransitionError("unclaim the task", f"task {task.id}", task.state, hint)
    decision.emit(
        ev.TaskUnclaimed(
            at=command.at,
            task_id=task.id,
            by=command.actor,
            on_behalf_of=on_behalf_of,
            reason=command.reason,
        )
    )


@deciding(DECIDE, cmd.CompleteTask)
def _complete_task(decision: Decision, command: cmd.CompleteTask) -> None:
    task, on_behalf_of = decision.permitted(command, Action.COMPLETE, "complete the task")
    decision.movable(task, "TaskCompleted", "complete the task", _HOW_TO_GET_BACK.get(task.state.value, ""))
    token = decision.draft.tokens[task.token]
    _check_revision(task, command.revision)
    if command.outcome not in (task.outcomes or (None,)):
        raise InvalidOutcomeError(f"Task {task.id}", command.outcome, task.outcomes)
    if token.ballot is not None:
        count(decision, task, command, on_behalf_of)
        return
    decision.token(task.token, "TaskCompleted", "complete the task")
    decision.emit(
        ev.TaskCompleted(
            at=command.at,
            task_id=task.id,
            token=task.token,
            step=task.step_name,
            data=command.data,
            size=command.size,
            outcome=command.outcome,
            by=command.actor,
            on_behalf_of=on_behalf_of,
            comment=command.comment,
        )
    )


_HOW_TO_GET_BACK: Final = {
    "delegated": "Whoever it was delegated to resolves it; then its owner can complete it.",
    "asked": "It comes back with the answer, or when the question is withdrawn.",
    "asked by the delegate": "It comes back with the answer, or when the question is withdrawn.",
}


def _check_revision(task: Task, quoted: int | None) -> None:
    if quoted is None:
        if task.requires_revision:
            raise RevisionRequiredError(task.id, task.revision)
    elif quoted != task.revision:
        raise StaleTaskError(task.id, quoted, task.revision)


@deciding(DECIDE, cmd.ReassignTask)
def _reassign_task(decision: Decision, command: cmd.ReassignTask) -> None:
    task, _ = decision.permitted(command, Action.REASSIGN, "reassign the task")
    _check_receiver(decision, task, command.assignee, "reassign the task")
    if task.question is not None:
        _take_back(decision, task, by=command.actor, reason=command.reason)
        task = decision.draft.tasks[task.id]
    decision.movable(task, "TaskReassigned", "reassign the task")
    decision.emit(
        ev.TaskReassigned(
            at=command.at,
            task_id=task.id,
            assignee=command.assignee,
            by=command.actor,
            reason=command.reason,
        )
    )


def _check_receiver(decision: Decision, task: Task, receiver: str, words: str) -> None:
    """Refuse to give a task to somebody whom a rule is against."""
    policies = policies_of(decision.definition, task.step_name)
    instance = decision.existing(words)
    found = may(Actor(receiver), Action.RECEIVE, task, instance, policies)
    if not found:
        raise NotPermittedError(f"{words} to {receiver}", found.reason)


@deciding(DECIDE, cmd.DelegateTask)
def _delegate_task(decision: Decision, command: cmd.DelegateTask) -> None:
    task, on_behalf_of = decision.task(command, Action.DELEGATE, "TaskDelegated", "delegate the task")
    by = _named(command.actor, "delegate the task")
    if command.assignee in {by, on_behalf_of, task.assignee, task.owner}:
        detail = f"{command.assignee} has the task already"
        raise InvalidDataError("/assignee", f"The task cannot be delegated: {detail}")
    _check_receiver(decision, task, command.assignee, "delegate the task")
    decision.emit(
        ev.TaskDelegated(
            at=command.at,
            task_id=task.id,
            assignee=command.assignee,
            owner=task.owner or task.assignee or on_behalf_of or by,
            by=by,
            on_behalf_of=on_behalf_of,
            reason=command.reason,
        )
    )


@deciding(DECIDE, cmd.ResolveTask)
def _resolve_task(decision: Decision, command: cmd.ResolveTask) -> None:
    task, on_behalf_of = decision.task(command, Action.RESOLVE, "TaskResolved", "resolve the task")
    decision.emit(
        ev.TaskResolved(
            at=command.at,
            task_id=task.id,
            by=command.actor,
            on_behalf_of=on_behalf_of,
            reason=command.reason,
        )
    )


@deciding(DECIDE, cmd.RequestInformation)
def _request_information(decision: Decision, command: cmd.RequestInformation) -> None:
    words = "request information"
    task, on_behalf_of = decision.task(command, Action.ASK, "InformationRequested", words)
    by = _named(command.actor, words)
    asked = command.asked or decision.existing(words).created_by
    if asked is None:
        detail = "Nobody is known to have started this: name somebody to ask"
        raise InvalidDataError("/asked", detail)
    asked_by = task.assignee or on_behalf_of or by
    if asked in {by, asked_by}:
        raise InvalidDataError("/asked", f"{asked} would ask themself: name somebody else")
    decision.emit(
        ev.InformationRequested(
            at=command.at,
            task_id=task.id,
            asked=asked,
            asked_by=asked_by,
            question=command.question,
            by=by,
            on_behalf_of=on_behalf_of,
        )
    )


@deciding(DECIDE, cmd.AnswerQuestion)
def _answer_question(decision: Decision, command: cmd.AnswerQuestion) -> None:
    words = "answer the question"
    task, on_behalf_of = decision.task(command, Action.ANSWER, "InformationGiven", words)
    due_at, alarms = _clock_again(decision, task)
    decision.emit(
        ev.InformationGiven(
            at=command.at,
            task_id=task.id,
            answer=command.answer,
            due_at=due_at,
            alarms=alarms,
            by=command.actor,
            on_behalf_of=on_behalf_of,
        )
    )


@deciding(DECIDE, cmd.WithdrawQuestion)
def _withdraw_question(decision: Decision, command: cmd.WithdrawQuestion) -> None:
    words = "withdraw the question"
    task, _ = decision.task(command, Action.WITHDRAW, "QuestionWithdrawn", words)
    _take_back(decision, task, by=command.actor, reason=command.reason)


def _take_back(decision: Decision, task: Task, *, by: str | None, reason: str | None) -> None:
    due_at, alarms = _clock_again(decision, task)
    decision.emit(
        ev.QuestionWithdrawn(
            at=decision.at, task_id=task.id, due_at=due_at, alarms=alarms, by=by, reason=reason
        )
    )


def _clock_again(decision: Decision, task: Task) -> tuple[datetime | None, tuple[Alarm, ...]]:
    """Return due date and alarms with what was left of the time when the clock began to stand."""
    question = task.question
    if question is None:
        return task.due_at, task.alarms
    step = decision.nodes[task.step_name].step
    calendar = step.calendar if isinstance(step, BaseHumanStep) else None
    due_at = held(question.due_at, question.at, decision.at, calendar)
    alarms = tuple(
        alarm.moved(held(alarm.at, question.at, decision.at, calendar)) for alarm in question.alarms
    )
    return due_at, alarms


@deciding(DECIDE, cmd.CommentTask)
def _comment_task(decision: Decision, command: cmd.CommentTask) -> None:
    words = "comment on the task"
    task, on_behalf_of = decision.task(command, Action.COMMENT, "TaskCommented", words)
    decision.emit(
        ev.TaskCommented(
            at=command.at, task_id=task.id, text=command.text, by=command.actor, on_behalf_of=on_behalf_of
        )
    )


@deciding(DECIDE, cmd.SaveDraft)
def _save_draft(decision: Decision, command: cmd.SaveDraft) -> None:
    words = "save a draft"
    task, on_behalf_of = decision.task(command, Action.SAVE_DRAFT, "DraftSaved", words)
    decision.emit(
        ev.DraftSaved(
            at=command.at,
            task_id=task.id,
            data=command.data,
            by=_named(command.actor, words),
            on_behalf_of=on_behalf_of,
        )
    )


@deciding(DECIDE, cmd.RescheduleTask)
def _reschedule_task(decision: Decision, command: cmd.RescheduleTask) -> None:
    words = "set the due date"
    task, _ = decision.permitted(command, Action.RESCHEDULE, words)
    decision.movable(task, "TaskRescheduled", words, _HOW_TO_GET_BACK.get(task.state.value, ""))
    step = decision.nodes[task.step_name].step
    alarms = task.alarms
    if isinstance(step, BaseHumanStep):
        try:
            alarms = rescheduled(alarms, step, task.created_at, command.due_at, step.calendar)
        except OverflowError as error:
            raise InvalidDataError("/due_at", f"The due date is too far away: {error}") from error
    decision.emit(
        ev.TaskRescheduled(
            at=command.at,
            task_id=task.id,
            due_at=command.due_at,
            alarms=alarms,
            by=command.actor,
            reason=command.reason,
        )
    )


@deciding(DECIDE, cmd.PrioritizeTask)
def _prioritize_task(decision: Decision, command: cmd.PrioritizeTask) -> None:
    task, _ = decision.task(command, Action.PRIORITIZE, "TaskPrioritized", "set the priority")
    decision.emit(
        ev.TaskPrioritized(
            at=command.at,
            task_id=task.id,
            priority=command.priority,
            by=command.actor,
            reason=command.reason,
        )
    )


@deciding(DECIDE, cmd.FollowUpTask)
def _follow_up_task(decision: Decision, command: cmd.FollowUpTask) -> None:
    task, _ = decision.task(command, Action.FOLLOW_UP, "FollowUpSet", "set the follow-up date")
    decision.emit(
        ev.FollowUpSet(
            at=command.at,
            task_id=task.id,
            follow_up_at=command.follow_up_at,
            by=command.actor,
            reason=command.reason,
        )
    )


def _named(actor: str | None, words: str) -> str:
    """Return who asks; a task cannot be with nobody in particular."""
    if actor is None:
        raise InvalidDataError("/user_id", f"To {words}, say who does it")
    return actor


def is_at_people(decision: Decision, number: int) -> bool:
    """Whether a token waits for people."""
    token = decision.draft.tokens.get(number)
    return (
        token is not None
        and token.state is TokenState.WAITING
        and (token.task_id is not None or token.ballot is not None)
    )
