"""What can be asked of an instance.

A command carries everything that is not in the state: who asks, when, the ids of what may come
to be, and the results of user code. That keeps the machine pure. `at` is now (UTC); `actor` is
who asks, `None` for the engine itself.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from attrs import frozen

from workflows_core.data import NO_PATCH, Json, JsonObject, Patch


@frozen(kw_only=True)
class Start:
    """Bring an instance into being, with its first token at the initial step."""

    at: datetime
    instance_id: UUID
    data: JsonObject
    actor: str | None = None
    created_by: str | None = None
    tenant_id: str | None = None
    correlation_id: str | None = None
    idempotency_key: str | None = None
    metadata: JsonObject | None = None


@frozen(kw_only=True)
class StartStep:
    """Begin a ready machine step on behalf of the runner `owner`."""

    at: datetime
    token: int
    owner: str
    actor: str | None = None


@frozen(kw_only=True)
class CompleteStep:
    """Report that the step's work is done. `attempt` must be the one that was started."""

    at: datetime
    token: int
    attempt: int
    patch: Patch = NO_PATCH
    output: Json = None
    actor: str | None = None


@frozen(kw_only=True)
class SkipStep:
    """Report that the step asked not to be executed."""

    at: datetime
    token: int
    attempt: int
    actor: str | None = None


@frozen(kw_only=True)
class FailStep:
    """Report that user code raised: while executing, opening a task, or choosing a way out.

    `attempt` is checked where the step was running; it is `None` elsewhere.
    """

    at: datetime
    token: int
    error_type: str
    message: str
    origin: str
    attempt: int | None = None
    actor: str | None = None


@frozen(kw_only=True)
class LoseStep:
    """Report that the runner of a step is gone."""

    at: datetime
    token: int
    attempt: int
    actor: str | None = None


@frozen(kw_only=True)
class Leave:
    """Go on from a step whose ways out had to be chosen; `targets` are the chosen steps.

    The same target may stand twice: one token goes along every chosen edge.
    """

    at: datetime
    token: int
    targets: tuple[str, ...]
    actor: str | None = None


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
    actor: str | None = None


@frozen(kw_only=True)
class CompleteTask:
    """Complete an open task with validated data and, where the step names some, an outcome."""

    at: datetime
    task_id: UUID
    data: JsonObject
    size: int = 0
    outcome: str | None = None
    comment: str | None = None
    actor: str | None = None


@frozen(kw_only=True)
class ReassignTask:
    """Give an open task to somebody else."""

    at: datetime
    task_id: UUID
    assignee: str
    reason: str | None = None
    actor: str | None = None


@frozen(kw_only=True)
class Cancel:
    """End the instance: open tasks are canceled, running steps are told to stop."""

    at: datetime
    reason: str
    actor: str | None = None


@frozen(kw_only=True)
class Retry:
    """Revive the failed tokens (of one step, if `step` is given); done steps are not run again."""

    at: datetime
    step: str | None = None
    actor: str | None = None


Command: TypeAlias = (
    Start
    | StartStep
    | CompleteStep
    | SkipStep
    | FailStep
    | LoseStep
    | Leave
    | OpenTask
    | CompleteTask
    | ReassignTask
    | Cancel
    | Retry
)
