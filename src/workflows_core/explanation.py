"""Why an instance waits, who can act, why somebody cannot, and what each outcome would do.

Pure functions of what is known anyway: the instance, its definition, who asks, and the time. Everything is said twice:
as data, and in sentences that a person understands. Times in sentences are UTC.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from uuid import UUID

from attrs import frozen

from workflows_core.actors import Actor
from workflows_core.consequences import Consequence, consequences
from workflows_core.permissions import Action, Decision, may, policies_of, whose
from workflows_core.states import TASK_MOVES, InstanceStatus, TokenState
from workflows_core.steps import StepKind
from workflows_core.words import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from workflows_core.definitions import WorkflowDefinition
    from workflows_core.instance import Instance, Token
    from workflows_core.tasks import Task


class Reason(StrEnum):
    """What is waited for at a step."""

    TASK = "task"
    """Somebody has to do a task."""
    DECISION = "decision"
    """Several people have to vote."""
    TIMER = "timer"
    """A moment has to come."""
    MESSAGE = "message"
    """A message has to come."""
    CALL = "call"
    """A call from outside has to come."""
    RETRY = "retry"
    """The pause before the next attempt has to pass."""
    RUNNER = "runner"
    """A process has to take the step up."""
    EXECUTION = "execution"
    """The step is being executed."""
    BRANCHES = "branches"
    """Other branches have to come."""
    FAILURE = "failure"
    """Somebody has to look after a step that failed."""
    ROUTE = "route"
    """The way out has to be chosen."""


@frozen(kw_only=True)
class Wait:
    """Something that one branch of an instance waits for.

    Attributes:
        reason: What kind of thing.
        step: Where.
        title: What people call that step.
        since: Since when (UTC); `None` where that is not kept.
        until: When it goes on, or is due, at the latest (UTC); `None` if nothing limits it.
        who: Who can act, in words; empty where it is not up to people.
        tasks: The open tasks it waits for.
        sentence: All of it in words.
    """

    reason: Reason
    step: str
    title: str
    since: datetime | None
    until: datetime | None = None
    who: tuple[str, ...] = ()
    tasks: tuple[UUID, ...] = ()
    sentence: str


@frozen(kw_only=True)
class InstanceExplanation:
    """Why an instance is where it is.

    Attributes:
        instance_id: Which instance.
        status: Its status.
        summary: The whole in a sentence.
        waits: What it waits for, oldest branch first; empty once it has ended.
        is_known: Whether this process knows its definition: if not, nothing in it can go on here.
    """

    instance_id: UUID
    status: InstanceStatus
    summary: str
    waits: tuple[Wait, ...]
    is_known: bool

    @property
    def sentences(self) -> tuple[str, ...]:
        """All of it in words."""
        return (self.summary, *(wait.sentence for wait in self.waits))


@frozen(kw_only=True)
class TaskExplanation:
    """What somebody has to know about a task.

    Attributes:
        task_id: Which task.
        summary: With whom it is, since when and until when, in words.
        since: Since when it is open (UTC).
        until: When it is due (UTC); `None` if never, or while its clock stands.
        is_overdue: Whether that is past.
        who: Who can act, in words.
        actions: Everything that can be done with a task to whether this person may do it now, and why or why not.
        consequences: What completing it would lead to, for each outcome; none once it is closed.
    """

    task_id: UUID
    summary: str
    since: datetime
    until: datetime | None
    is_overdue: bool
    who: tuple[str, ...]
    actions: Mapping[Action, Decision]
    consequences: tuple[Consequence, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """All of it in words; of what the person may do, completing counts."""
        decision = self.actions[Action.COMPLETE]
        own = "You can complete it." if decision.allowed else f"You cannot complete it: {decision.reason}"
        return (self.summary, own, *(each.sentence for each in self.consequences))


def explain_instance(
    instance: Instance,
    definition: WorkflowDefinition | None,
    now: datetime,
    *,
    is_known: bool | None = None,
) -> InstanceExplanation:
    """Explain an instance.

    Args:
        instance: The instance.
        definition: What it runs; `None` if nobody knows.
        now: The present moment.
        is_known: Whether this process could run it, if that is not the same as having the definition: one that was
            only stored tells what steps are called, and runs nothing.
    """
    is_known = definition is not None if is_known is None else is_known
    return InstanceExplanation(
        instance_id=instance.id,
        status=instance.status,
        summary=_summary(instance, definition, is_known=is_known),
        waits=tuple(_waits(instance, definition, now)),
        is_known=is_known,
    )


def explain_task(
    task: Task, actor: Actor, instance: Instance, definition: WorkflowDefinition, now: datetime
) -> TaskExplanation:
    """Explain a task to somebody."""
    is_open = task.id in instance.tasks
    return TaskExplanation(
        task_id=task.id,
        summary=" ".join((_about(task, now), *_obstacle(task, instance, definition))),
        since=task.created_at,
        until=task.due_at,
        is_overdue=task.is_overdue(now),
        who=_who(task) if is_open else (),
        actions={action: _possible(action, task, actor, instance, definition) for action in _EVENTS},
        consequences=consequences(task, instance, definition) if is_open else (),
    )


_EVENTS: Final[Mapping[Action, str]] = {
    Action.CLAIM: "TaskClaimed",
    Action.UNCLAIM: "TaskUnclaimed",
    Action.COMPLETE: "TaskCompleted",
    Action.REASSIGN: "TaskReassigned",
    Action.DELEGATE: "TaskDelegated",
    Action.RESOLVE: "TaskResolved",
    Action.ASK: "InformationRequested",
    Action.ANSWER: "InformationGiven",
    Action.WITHDRAW: "QuestionWithdrawn",
    Action.COMMENT: "TaskCommented",
    Action.SAVE_DRAFT: "DraftSaved",
    Action.RESCHEDULE: "TaskRescheduled",
    Action.PRIORITIZE: "TaskPrioritized",
    Action.FOLLOW_UP: "FollowUpSet",
}


def _possible(
    action: Action, task: Task, actor: Actor, instance: Instance, definition: WorkflowDefinition
) -> Decision:
    """Say whether somebody may do something, and it can be done at all as things stand."""
    if not task.is_open:
        return Decision(allowed=False, reason=f"It is {task.status}.")
    if instance.suspend_reason is not None:
        return Decision(allowed=False, reason="The instance is suspended.")
    found = may(actor, action, task, instance, policies_of(definition, task.step_name))
    withdrawn = action is Action.REASSIGN and task.question is not None  # which takes the task back first
    event = _EVENTS[action]
    if found.allowed and event not in TASK_MOVES[task.state] and not withdrawn:
        held = action is Action.CLAIM and task.assignee is not None
        reason = whose(task) if held or task.question or task.owner else f"The task is {task.state}."
        return Decision(allowed=False, reason=reason)
    if found.allowed and action is Action.UNCLAIM and not task.offered_to:
        return Decision(allowed=False, reason="It is offered to nobody else who could take it.")
    return found


# Instances


def _summary(instance: Instance, definition: WorkflowDefinition | None, *, is_known: bool) -> str:
    begun = "It is running."
    match instance.status:
        case InstanceStatus.COMPLETED:
            return f"It is completed, since {_time(instance.completed_at)}."
        case InstanceStatus.CANCELED:
            return f"It was canceled at {_time(instance.completed_at)}: {instance.cancel_reason}"
        case InstanceStatus.SUSPENDED:
            begun = f"It is suspended: {_ended(instance.suspend_reason)} Nothing new begins until somebody resumes it."
        case InstanceStatus.FAILED:
            steps = listed([f"“{_title(step, definition)}”" for step, _ in instance.failures], "and")
            begun = f"It has failed at {steps}."
        case InstanceStatus.WAITING:
            begun = "It waits for somebody or something outside."
    if not is_known:
        begun += (
            f" This process does not know workflow {instance.definition_name!r} version"
            f" {instance.definition_version!r}, so it cannot go on here."
        )
    return begun


def _waits(instance: Instance, definition: WorkflowDefinition | None, now: datetime) -> Iterator[Wait]:
    for token in instance.tokens.values():
        yield _wait(token, instance, definition, now)
    for step in instance.arrivals:
        yield _join(step, instance, definition)


def _wait(token: Token, instance: Instance, definition: WorkflowDefinition | None, now: datetime) -> Wait:
    match token.state:
        case TokenState.FAILED:
            sentence = (
                f"failed at {_time(token.since)}: {token.failure}. Somebody has to retry, skip or move it."
            )
            return _simple(Reason.FAILURE, token, definition, sentence)
        case TokenState.RUNNING:
            times = "" if token.attempt == 1 else f", for the {_ordinal(token.attempt)} time"
            return _simple(
                Reason.EXECUTION, token, definition, f"is being executed since {_time(token.since)}{times}."
            )
        case TokenState.LEAVING:
            return _simple(Reason.ROUTE, token, definition, "is done; which way to go on is being decided.")
        case TokenState.READY:
            return _ready(token, definition)
    if token.ballot is not None:
        return _decision(token, instance, definition, now)
    if token.task_id is not None:
        return _task(instance.tasks[token.task_id], instance, definition, now)
    return _timed(token, definition)


def _ready(token: Token, definition: WorkflowDefinition | None) -> Wait:
    if token.due_at is not None:
        sentence = f"failed {_times(token.attempt)}, and is tried again at {_time(token.due_at)}."
        return _simple(Reason.RETRY, token, definition, sentence, until=token.due_at)
    sentence = "is to begin as soon as a process takes it up."
    return _simple(Reason.RUNNER, token, definition, sentence)


def _timed(token: Token, definition: WorkflowDefinition | None) -> Wait:
    limit = "" if token.due_at is None else f", until {_time(token.due_at)} at the latest"
    if token.awaits is None:
        sentence = f"waits for {_time(token.due_at)}, since {_time(token.since)}."
        return _simple(Reason.TIMER, token, definition, sentence, until=token.due_at)
    if _kind(token.step, definition) is StepKind.WEBHOOK:
        sentence = f"waits for a call from outside, since {_time(token.since)}{limit}."
        return _simple(Reason.CALL, token, definition, sentence, until=token.due_at)
    what = f"the message {token.awaits.name!r} with the key {token.awaits.correlation_key!r}"
    sentence = f"waits for {what}, since {_time(token.since)}{limit}."
    return _simple(Reason.MESSAGE, token, definition, sentence, until=token.due_at)


def _simple(
    reason: Reason,
    token: Token,
    definition: WorkflowDefinition | None,
    sentence: str,
    until: datetime | None = None,
) -> Wait:
    title = _title(token.step, definition)
    return Wait(
        reason=reason,
        step=token.step,
        title=title,
        since=token.since,
        until=until,
        sentence=f"“{title}” {sentence}",
    )


def _task(task: Task, instance: Instance, definition: WorkflowDefinition | None, now: datetime) -> Wait:
    said = (f"“{task.title}” waits to be done.", _about(task, now), *_obstacle(task, instance, definition))
    return Wait(
        reason=Reason.TASK,
        step=task.step_name,
        title=_title(task.step_name, definition),
        since=task.created_at,
        until=task.due_at,
        who=_who(task),
        tasks=(task.id,),
        sentence=" ".join(said),
    )


def _decision(token: Token, instance: Instance, definition: WorkflowDefinition | None, now: datetime) -> Wait:
    tasks = [task for task in instance.tasks.values() if task.token == token.id]
    seats = () if token.ballot is None else token.ballot.seats
    voted = [seat for seat in seats if seat.outcome is not None]
    due = [task.due_at for task in tasks if task.due_at is not None]
    title = _title(token.step, definition)
    who = tuple(dict.fromkeys(name for task in tasks for name in _who(task)))
    late = [task for task in tasks if task.is_overdue(now)]
    overdue = f" {len(late)} of these tasks are overdue." if late else ""
    said = f"{len(voted)} of {len(seats)} have voted, since {_time(token.since)}."
    return Wait(
        reason=Reason.DECISION,
        step=token.step,
        title=title,
        since=token.since,
        until=min(due, default=None),
        who=who,
        tasks=tuple(task.id for task in tasks),
        sentence=f"“{title}” waits for {listed(who, 'and')} to vote. {said}{overdue}",
    )


def _join(step: str, instance: Instance, definition: WorkflowDefinition | None) -> Wait:
    title, count = _title(step, definition), len(instance.arrivals[step])
    missing = _missing(step, instance, definition)
    what = listed([f"“{_title(each, definition)}”" for each in missing], "and") or "other branches"
    arrived = "one branch has come" if count == 1 else f"{count} branches have come"
    return Wait(
        reason=Reason.BRANCHES,
        step=step,
        title=title,
        since=None,
        sentence=f"“{title}” waits for what is still on its way from {what}; {arrived} so far.",
    )


def _missing(step: str, instance: Instance, definition: WorkflowDefinition | None) -> tuple[str, ...]:
    """Return the steps where something is that may still come to a join."""
    places = [token.step for token in instance.tokens.values()]
    places += [other for other in instance.arrivals if other != step]
    if definition is not None:
        nodes = definition.graph.nodes
        awaits = nodes[step].awaits
        places = [place for place in places if awaits >> nodes[place].number & 1]
    return tuple(dict.fromkeys(places))


# Tasks


def _about(task: Task, now: datetime) -> str:
    """Say with whom a task is, since when, and until when."""
    if not task.is_open:
        by = "" if task.completed_by is None else f" by {task.completed_by}"
        stood_in = "" if task.on_behalf_of is None else f" on behalf of {task.on_behalf_of}"
        outcome = "" if task.outcome is None else f" with {task.outcome!r}"
        ended = f"It is {task.status} since {_time(task.completed_at)}{by}{stood_in}{outcome}."
        return ended if task.closed_reason is None else f"{ended} {_ended(task.closed_reason)}"
    if task.question is not None:
        return f"{whose(task)} The question: “{task.question.text}” Its clock stands since {_time(task.question.at)}."
    due = ""
    if task.due_at is not None:
        due = (
            f"It was due at {_time(task.due_at)}."
            if task.is_overdue(now)
            else f"It is due at {_time(task.due_at)}."
        )
    opened = f"It is open since {_time(task.created_at)}."
    return " ".join(filter(None, (whose(task), opened, due)))


def _obstacle(task: Task, instance: Instance, definition: WorkflowDefinition | None) -> tuple[str, ...]:
    """Say so if nobody that a task is with, or offered to, may do it; of groups nobody knows who is in them."""
    named = (task.assignee,) if task.assignee is not None else task.candidate_users
    is_for_others = task.assignee is None and (task.for_anyone or task.groups)
    if definition is None or task.id not in instance.tasks or task.question is not None or is_for_others:
        return ()
    policies = policies_of(definition, task.step_name)
    found = [
        may(Actor(name, tenant_id=instance.tenant_id), Action.COMPLETE, task, instance, policies)
        for name in named
    ]
    if any(decision.allowed for decision in found):
        return ()
    reasons = dict.fromkeys(decision.reason for decision in found)
    return (*reasons, "A manager has to give it to somebody who may do it.")


def _who(task: Task) -> tuple[str, ...]:
    """Name those who can act on a task, in words."""
    if task.assignee is not None:
        return (task.assignee,)
    anyone = ("anybody",) if task.for_anyone else ()
    return (*anyone, *task.candidate_users, *(f"the group {group}" for group in task.groups))


def _title(step: str, definition: WorkflowDefinition | None) -> str:
    found = None if definition is None else definition.steps.get(step)
    return step if found is None else found.label


def _kind(step: str, definition: WorkflowDefinition | None) -> StepKind | None:
    found = None if definition is None else definition.steps.get(step)
    return None if found is None else found.kind


def _time(moment: datetime | None) -> str:
    return "an unknown time" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"


def _ended(text: str | None) -> str:
    """End a sentence that somebody else wrote."""
    said = (text or "").strip()
    return said if said.endswith((".", "!", "?")) else f"{said}."


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def _ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
