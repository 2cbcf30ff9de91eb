"""Human tasks: the value, and how events change it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from attrs import field, frozen

from workflows_core import task_events as ev
from workflows_core.data import Json, JsonObject
from workflows_core.deadlines import Alarm
from workflows_core.participants import ANYONE, group_key, user_key
from workflows_core.states import TASK_MOVES, TaskState, TaskStatus
from workflows_core.values import changed

if TYPE_CHECKING:
    from collections.abc import Callable

    from workflows_core.instance import Instance


class NoteKind(StrEnum):
    """What a note in the thread of a task is."""

    COMMENT = "comment"
    QUESTION = "question"
    ANSWER = "answer"
    RESOLUTION = "resolution"


@frozen(kw_only=True)
class Note:
    """Something that was said about a task.

    Attributes:
        at: When (UTC).
        kind: Whether it is a comment, a question, an answer, or what a delegate gave back with the task.
        text: What was said.
        by: Who said it.
        on_behalf_of: For whom, if they stood in for somebody.
        to: Whom a question went to.
    """

    at: datetime
    kind: NoteKind
    text: str
    by: str | None = None
    on_behalf_of: str | None = None
    to: str | None = None


@frozen(kw_only=True)
class Question:
    """What somebody was asked before the task can go on.

    Attributes:
        asked_by: Who asked; the task comes back to them.
        text: What they asked.
        at: When they asked (UTC); since then the clock stands.
        due_at: When the task was due then.
        alarms: What was still to come then.
    """

    asked_by: str
    text: str
    at: datetime
    due_at: datetime | None = None
    alarms: tuple[Alarm, ...] = ()


@frozen(kw_only=True, slots=False)
class Task:
    """Work that waits for a person.

    Attributes:
        id: The task's own id.
        instance_id: The instance it belongs to.
        definition_name: The definition that instance runs.
        definition_version: The version it is pinned to.
        token: The token that waits at the step for this task.
        step_name: The human step it was opened for.
        title: What the person reads first.
        description: More about what is to be done; may be empty.
        form_schema: JSON Schema the submitted data must fit; `None` accepts any object.
        outcomes: The named outcomes it can be completed with; empty if it has none.
        assignee: Who holds it: is to do it, to resolve it, or to answer; `None` while nobody does.
        assignee_group: The group it is offered to, if any.
        candidate_users: Others who may take it.
        candidate_groups: Other groups whose members may take it.
        for_anyone: Whether everybody may take it: it was opened with nobody named at all.
        priority: Higher comes first; 0 is ordinary.
        due_at: When it should be done (UTC); `None` if there is no deadline, or while its clock stands.
        follow_up_at: When whoever holds it wants to see it again (UTC).
        tenant_id: The tenant of its instance.
        state: With whom it is, or how it ended.
        revision: The revision of the instance at which what the task shows last changed; see `shown`.
        shows: The keys of the instance's data that belong to what is decided; `None` for all.
        requires_revision: Whether completing it must quote the revision that was seen.
        owner: Who gets it back when it is resolved.
        delegators: Everybody who has delegated it, in order.
        question: What somebody was asked, while it is open.
        alarms: What happens if it is not done in time.
        thread: What was said about it, oldest first.
        drafts: User to what they have put aside.
        created_at: When it was opened (UTC).
        completed_at: When it was completed or closed otherwise (UTC).
        completed_by: Who completed it.
        on_behalf_of: For whom they did, if they stood in for somebody.
        outcome: The outcome it was completed with.
        form_data: What was submitted.
        comment: What the person said on completing it.
        closed_reason: Why it was closed without being done.
    """

    id: UUID
    instance_id: UUID
    definition_name: str
    definition_version: str
    token: int
    step_name: str
    title: str
    created_at: datetime
    description: str = ""
    form_schema: JsonObject | None = None
    outcomes: tuple[str, ...] = ()
    assignee: str | None = None
    assignee_group: str | None = None
    candidate_users: tuple[str, ...] = ()
    candidate_groups: tuple[str, ...] = ()
    for_anyone: bool = False
    priority: int = 0
    due_at: datetime | None = None
    follow_up_at: datetime | None = None
    tenant_id: str | None = None
    state: TaskState = TaskState.OFFERED
    revision: int = 1
    shows: tuple[str, ...] | None = None
    requires_revision: bool = False
    owner: str | None = None
    delegators: tuple[str, ...] = ()
    question: Question | None = None
    alarms: tuple[Alarm, ...] = ()
    thread: tuple[Note, ...] = ()
    drafts: Mapping[str, JsonObject] = field(factory=dict)
    completed_at: datetime | None = None
    completed_by: str | None = None
    on_behalf_of: str | None = None
    outcome: str | None = None
    form_data: JsonObject | None = None
    comment: str | None = None
    closed_reason: str | None = None

    @property
    def status(self) -> TaskStatus:
        """What lists say about it; it follows from the state."""
        return self.state.status

    @property
    def is_open(self) -> bool:
        """Whether somebody can still act on it."""
        return bool(TASK_MOVES[self.state])

    @property
    def groups(self) -> tuple[str, ...]:
        """All groups it is offered to, each once."""
        first = () if self.assignee_group is None else (self.assignee_group,)
        return tuple(dict.fromkeys((*first, *self.candidate_groups)))

    @property
    def offered_to(self) -> tuple[str, ...]:
        """The keys of all it is offered to, whether somebody holds it or not; see `participants`."""
        anyone = (ANYONE,) if self.for_anyone else ()
        return (*anyone, *map(user_key, self.candidate_users), *map(group_key, self.groups))

    @property
    def is_free(self) -> bool:
        """Whether it can be taken: it is open and nobody holds it."""
        return self.state is TaskState.OFFERED

    def is_overdue(self, now: datetime) -> bool:
        """Say whether it should have been done before now."""
        return self.is_open and self.due_at is not None and self.due_at < now


@frozen
class Home:
    """What a task takes over from the instance it is opened in."""

    instance_id: UUID
    tenant_id: str | None
    definition_name: str
    definition_version: str


def home_of(instance: Instance) -> Home:
    """Return what the tasks of an instance take over from it."""
    return Home(instance.id, instance.tenant_id, instance.definition_name, instance.definition_version)


def shown(task: Task, data: Mapping[str, Any]) -> JsonObject:
    """Return what somebody who decides about a task looks at.

    That is the data of the instance (all of it, or what `Task.shows` names), the form and the outcomes, title and
    description, due date and priority, and the answers that were given. It is not who holds the task, nor what
    others remarked or put aside: whoever takes a task has not decided about anything else than before.
    """
    keys = data if task.shows is None else [key for key in task.shows if key in data]
    answers: list[Json] = [note.text for note in task.thread if note.kind is not NoteKind.COMMENT]
    return {
        "data": {key: data[key] for key in keys},
        "title": task.title,
        "description": task.description,
        "form_schema": task.form_schema,
        "outcomes": [*task.outcomes],
        "due_at": None if task.due_at is None else task.due_at.isoformat(),
        "priority": task.priority,
        "answers": answers,
    }


def opened_task(event: ev.TaskOpened, home: Home, revision: int) -> Task:
    """Return the task that a human step asked for; `revision` is that of the transition it belongs to."""
    is_offered = event.assignee_group is not None or event.candidate_users or event.candidate_groups
    return Task(
        id=event.task_id,
        instance_id=home.instance_id,
        tenant_id=home.tenant_id,
        definition_name=home.definition_name,
        definition_version=home.definition_version,
        token=event.token,
        step_name=event.step,
        title=event.title,
        description=event.description,
        form_schema=event.form_schema,
        outcomes=event.outcomes,
        assignee=event.assignee,
        assignee_group=event.assignee_group,
        candidate_users=event.candidate_users,
        candidate_groups=event.candidate_groups,
        for_anyone=event.assignee is None and not is_offered,
        priority=event.priority,
        due_at=event.due_at,
        state=TaskState.OFFERED if event.assignee is None else TaskState.ASSIGNED,
        revision=revision,
        shows=event.shows,
        requires_revision=event.requires_revision,
        alarms=event.alarms,
        created_at=event.at,
    )


def evolve_task(task: Task, event: ev.TaskEvent) -> Task:
    """Return the task as it is after an event; what changes in what it shows is up to the caller to count."""
    state = TASK_MOVES[task.state][type(event).__name__]
    return changed(task, state=state, **_CHANGES[type(event)](task, event))


def _claimed(_: Task, event: ev.TaskClaimed) -> dict[str, Any]:
    return {"assignee": event.on_behalf_of or event.by}


def _unclaimed(_: Task, __: ev.TaskUnclaimed) -> dict[str, Any]:
    return {"assignee": None}


def _reassigned(_: Task, event: ev.TaskReassigned) -> dict[str, Any]:
    return {"assignee": event.assignee, "owner": None}


def _delegated(task: Task, event: ev.TaskDelegated) -> dict[str, Any]:
    named = (name for name in (event.by, event.on_behalf_of, event.owner) if name is not None)
    return {
        "assignee": event.assignee,
        "owner": event.owner,
        "delegators": tuple(dict.fromkeys((*task.delegators, *named))),
    }


def _resolved(task: Task, event: ev.TaskResolved) -> dict[str, Any]:
    note = _note(event, NoteKind.RESOLUTION, event.reason)
    return {"assignee": task.owner, "owner": None, "thread": (*task.thread, *note)}


def _asked(task: Task, event: ev.InformationRequested) -> dict[str, Any]:
    question = Question(
        asked_by=event.asked_by,
        text=event.question,
        at=event.at,
        due_at=task.due_at,
        alarms=task.alarms,
    )
    note = _note(event, NoteKind.QUESTION, event.question, to=event.asked)
    return {
        "assignee": event.asked,
        "question": question,
        "due_at": None,
        "alarms": (),
        "thread": (*task.thread, *note),
    }


def _answered(task: Task, event: ev.InformationGiven) -> dict[str, Any]:
    note = _note(event, NoteKind.ANSWER, event.answer)
    return {**_went_back(task, event), "thread": (*task.thread, *note)}


def _went_back(task: Task, event: ev.InformationGiven | ev.QuestionWithdrawn) -> dict[str, Any]:
    return {
        "assignee": None if task.question is None else task.question.asked_by,
        "question": None,
        "due_at": event.due_at,
        "alarms": event.alarms,
    }


def _commented(task: Task, event: ev.TaskCommented) -> dict[str, Any]:
    return {"thread": (*task.thread, *_note(event, NoteKind.COMMENT, event.text))}


def _put_aside(task: Task, event: ev.DraftSaved) -> dict[str, Any]:
    return {"drafts": {**task.drafts, event.by: event.data}}


def _rescheduled(_: Task, event: ev.TaskRescheduled) -> dict[str, Any]:
    return {"due_at": event.due_at, "alarms": event.alarms}


def _prioritized(_: Task, event: ev.TaskPrioritized) -> dict[str, Any]:
    return {"priority": event.priority}


def _follow_up_set(_: Task, event: ev.FollowUpSet) -> dict[str, Any]:
    return {"follow_up_at": event.follow_up_at}


def _reminded(task: Task, event: ev.TaskReminded) -> dict[str, Any]:
    following = () if event.following is None else (event.following,)
    return {"alarms": (*_without(task.alarms, event.stage), *following)}


def _escalated(task: Task, event: ev.TaskEscalated) -> dict[str, Any]:
    return {"alarms": _without(task.alarms, event.stage)}


def _without(alarms: tuple[Alarm, ...], stage: int) -> tuple[Alarm, ...]:
    return tuple(alarm for alarm in alarms if alarm.stage != stage)


def _offered_to_more(task: Task, event: ev.CandidatesAdded) -> dict[str, Any]:
    return {
        "candidate_users": tuple(dict.fromkeys((*task.candidate_users, *event.users))),
        "candidate_groups": tuple(dict.fromkeys((*task.candidate_groups, *event.groups))),
    }


def _completed(_: Task, event: ev.TaskCompleted | ev.VoteCast) -> dict[str, Any]:
    return {
        **_OVER,
        "completed_at": event.at,
        "completed_by": event.by,
        "on_behalf_of": event.on_behalf_of,
        "outcome": event.outcome,
        "form_data": event.data,
        "comment": event.comment,
    }


def _closed(_: Task, event: ev.TaskCanceled | ev.TaskExpired) -> dict[str, Any]:
    return {**_OVER, "completed_at": event.at, "closed_reason": event.reason}


def _note(event: Any, kind: NoteKind, text: str | None, to: str | None = None) -> tuple[Note, ...]:
    if text is None:
        return ()
    return (Note(at=event.at, kind=kind, text=text, by=event.by, on_behalf_of=event.on_behalf_of, to=to),)


_OVER: Mapping[str, Any] = {"alarms": (), "drafts": {}, "question": None}
"""What a task no longer has once it is closed."""

_CHANGES: Mapping[type, Callable[[Task, Any], dict[str, Any]]] = {
    ev.TaskClaimed: _claimed,
    ev.TaskUnclaimed: _unclaimed,
    ev.TaskReassigned: _reassigned,
    ev.TaskDelegated: _delegated,
    ev.TaskResolved: _resolved,
    ev.InformationRequested: _asked,
    ev.InformationGiven: _answered,
    ev.QuestionWithdrawn: _went_back,
    ev.TaskCommented: _commented,
    ev.DraftSaved: _put_aside,
    ev.TaskRescheduled: _rescheduled,
    ev.TaskPrioritized: _prioritized,
    ev.FollowUpSet: _follow_up_set,
    ev.TaskReminded: _reminded,
    ev.TaskEscalated: _escalated,
    ev.CandidatesAdded: _offered_to_more,
    ev.TaskCompleted: _completed,
    ev.VoteCast: _completed,
    ev.TaskCanceled: _closed,
    ev.TaskExpired: _closed,
}
