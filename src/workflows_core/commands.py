"""What can be asked of an instance.

A command carries everything that is not in the state: who asks, when, the ids of what may come
to be, and the results of user code. That keeps the machine pure. `at` is now (UTC); `actor` is
who asks, `None` for the engine itself. `identity` is the same person with groups and roles, where it is to be checked
whether they may; without it the application itself asks, in the name of `actor`.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from attrs import frozen

from workflows_core.actors import Actor
from workflows_core.data import NO_PATCH, Json, JsonObject, Patch
from workflows_core.task_commands import (
    AnswerQuestion,
    ClaimTask,
    CommentTask,
    CompleteTask,
    DelegateTask,
    FollowUpTask,
    OpenDecision,
    OpenTask,
    PrioritizeTask,
    ReassignTask,
    RequestInformation,
    RescheduleTask,
    ResolveTask,
    SaveDraft,
    UnclaimTask,
    WithdrawQuestion,
)

__all__ = [
    "AnswerQuestion",
    "AwaitMessage",
    "Cancel",
    "ClaimTask",
    "Command",
    "CommentTask",
    "CompleteStep",
    "CompleteTask",
    "DelegateTask",
    "DeliverMessage",
    "FailStep",
    "FireTimer",
    "FollowUpTask",
    "Leave",
    "LoseStep",
    "Move",
    "OpenDecision",
    "OpenTask",
    "PrioritizeTask",
    "ReassignTask",
    "RequestInformation",
    "RescheduleTask",
    "ResolveTask",
    "Resume",
    "Retry",
    "SaveDraft",
    "SetTimer",
    "Skip",
    "SkipStep",
    "Start",
    "StartStep",
    "Suspend",
    "UnclaimTask",
    "WithdrawQuestion",
]


@frozen(kw_only=True, slots=False)
class Start:
    """Bring an instance into being, with its first token at the initial step.

    `size` are the approximate bytes of its data.
    """

    at: datetime
    instance_id: UUID
    data: JsonObject
    size: int = 0
    actor: str | None = None
    created_by: str | None = None
    tenant_id: str | None = None
    correlation_id: str | None = None
    idempotency_key: str | None = None
    metadata: JsonObject | None = None


@frozen(kw_only=True, slots=False)
class StartStep:
    """Begin a ready machine step on behalf of the runner `owner`."""

    at: datetime
    token: int
    owner: str
    actor: str | None = None


@frozen(kw_only=True, slots=False)
class CompleteStep:
    """Report that the step's work is done. `attempt` must be the one that was started."""

    at: datetime
    token: int
    attempt: int
    patch: Patch = NO_PATCH
    output: Json = None
    actor: str | None = None


@frozen(kw_only=True, slots=False)
class SkipStep:
    """Report that the step asked not to be executed."""

    at: datetime
    token: int
    attempt: int
    actor: str | None = None


@frozen(kw_only=True, slots=False)
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
    retryable: bool = True
    """Whether trying again may help; the step's retry policy says how often."""
    timed_out: bool = False
    """Whether it failed because it took too long."""
    is_final: bool = False
    """Whether no edge may catch the failure."""
    chance: float = 0.0
    """A random number from 0 to 1, for the jitter of the next pause."""


@frozen(kw_only=True, slots=False)
class LoseStep:
    """Report that the runner of a step is gone, or gives it back because it stops."""

    at: datetime
    token: int
    attempt: int
    actor: str | None = None
    handed_back: bool = False
    chance: float = 0.0
    """A random number from 0 to 1, for the pause before a step that is lost again and again."""


@frozen(kw_only=True, slots=False)
class Leave:
    """Go on from a step whose ways out had to be chosen; `targets` are the chosen steps.

    The same target may stand twice: one token goes along every chosen edge.
    """

    at: datetime
    token: int
    targets: tuple[str, ...]
    actor: str | None = None


@frozen(kw_only=True, slots=False)
class SetTimer:
    """Let the token of a timer wait until `due_at`."""

    at: datetime
    token: int
    due_at: datetime
    actor: str | None = None


@frozen(kw_only=True, slots=False)
class AwaitMessage:
    """Let a token wait for a message; at `due_at`, if there is one, its patience ends."""

    at: datetime
    token: int
    name: str
    correlation_key: str
    due_at: datetime | None = None
    actor: str | None = None


@frozen(kw_only=True, slots=False)
class FireTimer:
    """Let a token go on whose moment has come."""

    at: datetime
    token: int
    actor: str | None = None


@frozen(kw_only=True, slots=False)
class DeliverMessage:
    """Hand a message to the token that waits for it."""

    at: datetime
    token: int
    message_id: str
    payload: Json = None
    size: int = 0
    actor: str | None = None


@frozen(kw_only=True, slots=False)
class Cancel:
    """End the instance: open tasks are canceled, running steps are told to stop."""

    at: datetime
    reason: str
    actor: str | None = None
    identity: Actor | None = None


@frozen(kw_only=True, slots=False)
class Retry:
    """Revive the failed tokens (of one step, if `step` is given); done steps are not run again."""

    at: datetime
    reason: str | None = None
    step: str | None = None
    actor: str | None = None
    identity: Actor | None = None


@frozen(kw_only=True, slots=False)
class Skip:
    """Let what is at a step go on as if it were done: failed, waiting, running or ready.

    An open task is canceled, a timer or a message is waited for no more, a running execution is told to stop. A
    human step with named outcomes needs the `outcome` it is to have ended with.
    """

    at: datetime
    step: str
    reason: str
    outcome: str | None = None
    actor: str | None = None
    identity: Actor | None = None


@frozen(kw_only=True, slots=False)
class Move:
    """Put one token at a step, in the place of all others, or of those at one step (`source`).

    What they waited for is given up as for a skip; the data stays as it is. Where the target is a join, the token
    arrives there and waits for the branches that were left.
    """

    at: datetime
    target: str
    reason: str
    source: str | None = None
    actor: str | None = None
    identity: Actor | None = None


@frozen(kw_only=True, slots=False)
class Suspend:
    """Let nothing new begin: timers, tasks and messages wait until it is resumed. Running steps finish."""

    at: datetime
    reason: str
    actor: str | None = None
    identity: Actor | None = None


@frozen(kw_only=True, slots=False)
class Resume:
    """Let a suspended instance go on; what fell due in the meantime is due now."""

    at: datetime
    reason: str | None = None
    actor: str | None = None
    identity: Actor | None = None


Command: TypeAlias = (
    Start
    | StartStep
    | CompleteStep
    | SkipStep
    | FailStep
    | LoseStep
    | Leave
    | OpenTask
    | OpenDecision
    | SetTimer
    | AwaitMessage
    | FireTimer
    | DeliverMessage
    | ClaimTask
    | UnclaimTask
    | CompleteTask
    | ReassignTask
    | DelegateTask
    | ResolveTask
    | RequestInformation
    | AnswerQuestion
    | WithdrawQuestion
    | CommentTask
    | SaveDraft
    | RescheduleTask
    | PrioritizeTask
    | FollowUpTask
    | Cancel
    | Retry
    | Skip
    | Move
    | Suspend
    | Resume
)
