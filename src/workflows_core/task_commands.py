"""What can be asked of a human task.

Part of `commands`, which says what commands are. `identity` is who asks, with groups and roles, where it is to be
checked whether they may; without it the application itself asks, in the name of `actor`.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from attrs import frozen

from workflows_core.actors import Actor
from workflows_core.data import JsonObject
from workflows_core.deadlines import Alarm
from workflows_core.quorum import Seat


@frozen(kw_only=True)
class OpenTask:
    """Open the task of a ready human step, as its hooks described it."""

    at: datetime
    token: int
    task_id: UUID
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
    actor: str | None = None


@frozen(kw_only=True)
class OpenDecision:
    """Let several people decide: those on the seats, by tasks that are otherwise as `task` describes.

    What `task` says of token, id, assignee and group does not count.
    """

    at: datetime
    token: int
    seats: tuple[Seat, ...]
    task: OpenTask
    actor: str | None = None


@frozen(kw_only=True)
class ClaimTask:
    """Take an open task that nobody holds."""

    at: datetime
    task_id: UUID
    reason: str | None = None
    actor: str | None = None
    identity: Actor | None = None


@frozen(kw_only=True)
class UnclaimTask:
    """Give a task back to all it is offered to."""

    at: datetime
    task_id: UUID
    reason: str | None = None
    actor: str | None = None
    identity: Actor | None = None


@frozen(kw_only=True)
class CompleteTask:
    """Complete an open task with validated data and, where the step names some, an outcome.

    `revision` is what the person has seen, if that is known.
    """

    at: datetime
    task_id: UUID
    data: JsonObject
    size: int = 0
    outcome: str | None = None
    comment: str | None = None
    revision: int | None = None
    actor: str | None = None
    identity: Actor | None = None


@frozen(kw_only=True)
class ReassignTask:
    """Give an open task to somebody else. A question that is open is withdrawn."""

    at: datetime
    task_id: UUID
    assignee: str
    reason: str | None = None
    actor: str | None = None
    identity: Actor | None = None


@frozen(kw_only=True)
class DelegateTask:
    """Let somebody else work on an open task; it comes back when they have resolved it."""

    at: datetime
    task_id: UUID
    assignee: str
    reason: str | None = None
    actor: str | None = None
    identity: Actor | None = None


@frozen(kw_only=True)
class ResolveTask:
    """Give a delegated task back to its owner."""

    at: datetime
    task_id: UUID
    reason: str | None = None
    actor: str | None = None
    identity: Actor | None = None


@frozen(kw_only=True)
class RequestInformation:
    """Ask somebody a question: the task goes to them and comes back with the answer.

    `asked` is whoever started the instance, if nobody is named.
    """

    at: datetime
    task_id: UUID
    question: str
    asked: str | None = None
    actor: str | None = None
    identity: Actor | None = None


@frozen(kw_only=True)
class AnswerQuestion:
    """Answer what was asked; the task goes back to whoever asked."""

    at: datetime
    task_id: UUID
    answer: str
    actor: str | None = None
    identity: Actor | None = None


@frozen(kw_only=True)
class WithdrawQuestion:
    """Take a task back from whoever was asked, without an answer."""

    at: datetime
    task_id: UUID
    reason: str | None = None
    actor: str | None = None
    identity: Actor | None = None


@frozen(kw_only=True)
class CommentTask:
    """Say something about an open task."""

    at: datetime
    task_id: UUID
    text: str
    actor: str | None = None
    identity: Actor | None = None


@frozen(kw_only=True)
class SaveDraft:
    """Put aside what somebody has filled in so far."""

    at: datetime
    task_id: UUID
    data: JsonObject
    actor: str | None = None
    identity: Actor | None = None


@frozen(kw_only=True)
class RescheduleTask:
    """Let a task be due at another moment; `None` for never."""

    at: datetime
    task_id: UUID
    due_at: datetime | None
    reason: str | None = None
    actor: str | None = None
    identity: Actor | None = None


@frozen(kw_only=True)
class PrioritizeTask:
    """Give a task another priority."""

    at: datetime
    task_id: UUID
    priority: int
    reason: str | None = None
    actor: str | None = None
    identity: Actor | None = None


@frozen(kw_only=True)
class FollowUpTask:
    """Put a task off until a moment, for whoever holds it; `None` for no longer."""

    at: datetime
    task_id: UUID
    follow_up_at: datetime | None
    reason: str | None = None
    actor: str | None = None
    identity: Actor | None = None
