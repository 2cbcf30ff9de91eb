"""What can happen to a human task.

Part of `events`, which says what events are. `by` is who did it, `None` for the engine itself; `on_behalf_of` is for
whom, where somebody stood in. A `reason` is what they gave as one.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from attrs import frozen

from workflows_core.data import JsonObject
from workflows_core.deadlines import Alarm
from workflows_core.quorum import Seat


@frozen(kw_only=True, slots=False)
class TaskOpened:
    """A human step asked for a person; see `tasks.Task` for the fields."""

    at: datetime
    token: int
    task_id: UUID
    step: str
    title: str
    description: str = ""
    form_schema: JsonObject | None = None
    outcomes: tuple[str, ...] = ()
    assignee: str | None = None
    assignee_group: str | None = None
    candidate_users: tuple[str, ...] = ()
    candidate_groups: tuple[str, ...] = ()
    priority: int = 0
    due_at: datetime | None = None
    alarms: tuple[Alarm, ...] = ()
    shows: tuple[str, ...] | None = None
    requires_revision: bool = False


@frozen(kw_only=True, slots=False)
class TaskClaimed:
    """Somebody took a task that nobody held."""

    at: datetime
    task_id: UUID
    by: str | None = None
    on_behalf_of: str | None = None
    reason: str | None = None


@frozen(kw_only=True, slots=False)
class TaskUnclaimed:
    """The task went back to all it is offered to."""

    at: datetime
    task_id: UUID
    by: str | None = None
    on_behalf_of: str | None = None
    reason: str | None = None


@frozen(kw_only=True, slots=False)
class TaskReassigned:
    """The task went to somebody else, for good."""

    at: datetime
    task_id: UUID
    assignee: str
    by: str | None = None
    reason: str | None = None


@frozen(kw_only=True, slots=False)
class TaskDelegated:
    """The task went to somebody who is to resolve it; then it comes back to `owner`."""

    at: datetime
    task_id: UUID
    assignee: str
    owner: str
    by: str | None = None
    on_behalf_of: str | None = None
    reason: str | None = None


@frozen(kw_only=True, slots=False)
class TaskResolved:
    """What was delegated came back, with what the delegate has to say."""

    at: datetime
    task_id: UUID
    by: str | None = None
    on_behalf_of: str | None = None
    reason: str | None = None


@frozen(kw_only=True, slots=False)
class InformationRequested:
    """The task went to somebody with a question; it comes back to `asked_by`. Its clock stands from now on."""

    at: datetime
    task_id: UUID
    asked: str
    asked_by: str
    question: str
    by: str | None = None
    on_behalf_of: str | None = None


@frozen(kw_only=True, slots=False)
class InformationGiven:
    """The question was answered; what was left of the time is left of it again."""

    at: datetime
    task_id: UUID
    answer: str
    due_at: datetime | None = None
    alarms: tuple[Alarm, ...] = ()
    by: str | None = None
    on_behalf_of: str | None = None


@frozen(kw_only=True, slots=False)
class QuestionWithdrawn:
    """The question needs no answer any more; the task is where it was before, and so is its clock."""

    at: datetime
    task_id: UUID
    due_at: datetime | None = None
    alarms: tuple[Alarm, ...] = ()
    by: str | None = None
    reason: str | None = None


@frozen(kw_only=True, slots=False)
class TaskCommented:
    """Somebody said something about the task."""

    at: datetime
    task_id: UUID
    text: str
    by: str | None = None
    on_behalf_of: str | None = None


@frozen(kw_only=True, slots=False)
class DraftSaved:
    """Somebody put aside what they have filled in so far; it replaces what they had put aside before."""

    at: datetime
    task_id: UUID
    data: JsonObject
    by: str
    on_behalf_of: str | None = None


@frozen(kw_only=True, slots=False)
class TaskRescheduled:
    """The task is due at another moment, or not at all any more."""

    at: datetime
    task_id: UUID
    due_at: datetime | None = None
    alarms: tuple[Alarm, ...] = ()
    by: str | None = None
    reason: str | None = None


@frozen(kw_only=True, slots=False)
class TaskPrioritized:
    """The task has another priority."""

    at: datetime
    task_id: UUID
    priority: int
    by: str | None = None
    reason: str | None = None


@frozen(kw_only=True, slots=False)
class FollowUpSet:
    """Whoever holds the task wants to see it again at this moment; `None` for now."""

    at: datetime
    task_id: UUID
    follow_up_at: datetime | None = None
    by: str | None = None
    reason: str | None = None


@frozen(kw_only=True, slots=False)
class TaskReminded:
    """Whoever is to do the task has to be reminded of it: for the `rounds`-th time by this stage.

    `following` is the alarm that comes after this one, if the stage repeats.
    """

    at: datetime
    task_id: UUID
    stage: int
    rounds: int = 1
    following: Alarm | None = None


@frozen(kw_only=True, slots=False)
class TaskEscalated:
    """The task was not done in time: a stage of its escalation came. `detail` says what it does."""

    at: datetime
    task_id: UUID
    stage: int
    detail: str


@frozen(kw_only=True, slots=False)
class CandidatesAdded:
    """The task is offered to more people."""

    at: datetime
    task_id: UUID
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    by: str | None = None
    reason: str | None = None


@frozen(kw_only=True, slots=False)
class TaskCompleted:
    """A person did the task; `data` is what was submitted, `size` its approximate bytes."""

    at: datetime
    task_id: UUID
    token: int
    step: str
    data: JsonObject
    size: int = 0
    outcome: str | None = None
    by: str | None = None
    on_behalf_of: str | None = None
    comment: str | None = None


@frozen(kw_only=True, slots=False)
class TaskCanceled:
    """The task is no longer wanted."""

    at: datetime
    task_id: UUID
    reason: str


@frozen(kw_only=True, slots=False)
class TaskExpired:
    """Nobody did the task in time, and it was given up."""

    at: datetime
    task_id: UUID
    reason: str


@frozen(kw_only=True, slots=False)
class DecisionOpened:
    """A decision by several began. `excluded` are deciders who may not decide, and therefore have no seat."""

    at: datetime
    token: int
    step: str
    seats: tuple[Seat, ...]
    excluded: tuple[str, ...] = ()


@frozen(kw_only=True, slots=False)
class VoteCast:
    """One of the deciders did their task; the fields are those of `TaskCompleted`."""

    at: datetime
    task_id: UUID
    token: int
    step: str
    data: JsonObject
    outcome: str
    size: int = 0
    by: str | None = None
    on_behalf_of: str | None = None
    comment: str | None = None


@frozen(kw_only=True, slots=False)
class DecisionReached:
    """The outcome of a decision by several is certain; `reason` says why."""

    at: datetime
    token: int
    step: str
    outcome: str
    reason: str


TaskEvent: TypeAlias = (
    TaskOpened
    | TaskClaimed
    | TaskUnclaimed
    | TaskReassigned
    | TaskDelegated
    | TaskResolved
    | InformationRequested
    | InformationGiven
    | QuestionWithdrawn
    | TaskCommented
    | DraftSaved
    | TaskRescheduled
    | TaskPrioritized
    | FollowUpSet
    | TaskReminded
    | TaskEscalated
    | CandidatesAdded
    | TaskCompleted
    | TaskCanceled
    | TaskExpired
    | VoteCast
)
"""What happens to one task."""
