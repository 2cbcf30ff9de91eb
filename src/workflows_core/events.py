"""What can happen to an instance.

Events are facts: frozen, complete, and enough to rebuild the state (`evolution.evolve`). One
transition holds one or more of them and is stored as one row of the history. `token` is the
number of a token within its instance; `at` is when it happened (UTC).
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

from attrs import frozen

from workflows_core.data import NO_PATCH, Json, JsonObject, Patch
from workflows_core.exits import COMPLETED, ERROR
from workflows_core.task_events import (
    CandidatesAdded,
    DecisionOpened,
    DecisionReached,
    DraftSaved,
    FollowUpSet,
    InformationGiven,
    InformationRequested,
    QuestionWithdrawn,
    TaskCanceled,
    TaskClaimed,
    TaskCommented,
    TaskCompleted,
    TaskDelegated,
    TaskEscalated,
    TaskEvent,
    TaskExpired,
    TaskOpened,
    TaskPrioritized,
    TaskReassigned,
    TaskReminded,
    TaskRescheduled,
    TaskResolved,
    TaskUnclaimed,
    VoteCast,
)

__all__ = [
    "AttemptFailed",
    "CandidatesAdded",
    "DecisionOpened",
    "DecisionReached",
    "DraftSaved",
    "Entry",
    "EntryState",
    "ErrorCaught",
    "Event",
    "FollowUpSet",
    "InformationGiven",
    "InformationRequested",
    "InstanceCanceled",
    "InstanceResumed",
    "InstanceStarted",
    "InstanceSuspended",
    "JoinFired",
    "MessageAwaited",
    "MessageReceived",
    "QuestionWithdrawn",
    "RouteRetried",
    "StepCompleted",
    "StepFailed",
    "StepLeft",
    "StepLost",
    "StepRetried",
    "StepSkipped",
    "StepStarted",
    "TaskCanceled",
    "TaskClaimed",
    "TaskCommented",
    "TaskCompleted",
    "TaskDelegated",
    "TaskEscalated",
    "TaskEvent",
    "TaskExpired",
    "TaskOpened",
    "TaskPrioritized",
    "TaskReassigned",
    "TaskReminded",
    "TaskRescheduled",
    "TaskResolved",
    "TaskUnclaimed",
    "TimerFired",
    "TimerSet",
    "TokenCanceled",
    "TokenPlaced",
    "VoteCast",
]

EntryState: TypeAlias = Literal["ready", "leaving", "arrived"]
"""How a token comes to a step: to begin it, to pass a gateway, or to wait at a join."""


@frozen(slots=False)
class Entry:
    """A token put at a step."""

    token: int
    step: str
    state: EntryState = "ready"


@frozen(kw_only=True, slots=False)
class InstanceStarted:
    """An instance came to be; `entry` is its first token, `size` are the approximate bytes of its data."""

    at: datetime
    instance_id: UUID
    definition_name: str
    definition_version: str
    entry: Entry
    data: JsonObject
    size: int = 0
    created_by: str | None = None
    tenant_id: str | None = None
    correlation_id: str | None = None
    idempotency_key: str | None = None
    metadata: JsonObject | None = None


@frozen(kw_only=True, slots=False)
class StepStarted:
    """A runner (`owner`) began to execute a machine step; `attempt` counts from 1 at each token."""

    at: datetime
    token: int
    attempt: int = 1
    owner: str


@frozen(kw_only=True, slots=False)
class StepCompleted:
    """A machine step did its work; `patch` is what it changed in the data."""

    at: datetime
    token: int
    patch: Patch = NO_PATCH
    output: Json = None


@frozen(kw_only=True, slots=False)
class StepSkipped:
    """The step is done without its work: it said so itself, or somebody did (`by`, with a `reason`).

    Its token goes on along the edges of `exit`.
    """

    at: datetime
    token: int
    exit: str = COMPLETED
    reason: str | None = None
    by: str | None = None


@frozen(kw_only=True, slots=False)
class AttemptFailed:
    """An execution failed; the step is executed again at `retry_at`, as its retry policy says."""

    at: datetime
    token: int
    error_type: str
    message: str
    origin: str
    retry_at: datetime


@frozen(kw_only=True, slots=False)
class StepFailed:
    """The step failed, or nothing could lead out of it (`error_type` is then `NoPathError`).

    `origin` names the user code that raised: `execute`, a hook, a condition.
    """

    at: datetime
    token: int
    error_type: str
    message: str
    origin: str


@frozen(kw_only=True, slots=False)
class ErrorCaught:
    """The step failed and has edges for that (`exit`: `error` or `timeout`); its token leaves along them."""

    at: datetime
    token: int
    error_type: str
    message: str
    origin: str
    exit: str = ERROR


@frozen(kw_only=True, slots=False)
class StepLost:
    """The runner that executed the step is gone, or stopped and gave it back; the step is to be executed again.

    Not before `retry_at`, if that is set: it was lost several times in a row.
    """

    at: datetime
    token: int
    retry_at: datetime | None = None
    handed_back: bool = False


@frozen(kw_only=True, slots=False)
class StepRetried:
    """Somebody asked for a failed step to be executed again."""

    at: datetime
    token: int
    reason: str | None = None
    by: str | None = None


@frozen(kw_only=True, slots=False)
class RouteRetried:
    """Somebody asked for the way out of a completed step to be chosen again."""

    at: datetime
    token: int
    reason: str | None = None
    by: str | None = None


@frozen(kw_only=True, slots=False)
class StepLeft:
    """A token left its step; `entries` are the tokens that continue, none if the branch ended."""

    at: datetime
    token: int
    entries: tuple[Entry, ...] = ()


@frozen(kw_only=True, slots=False)
class JoinFired:
    """All that was on its way to a join has come; its tokens became one."""

    at: datetime
    consumed: tuple[int, ...]
    entry: Entry


@frozen(kw_only=True, slots=False)
class TokenCanceled:
    """A branch was given up before its end."""

    at: datetime
    token: int
    reason: str


@frozen(kw_only=True, slots=False)
class TokenPlaced:
    """Somebody put a token at a step, in the place of others."""

    at: datetime
    entry: Entry
    reason: str
    by: str | None = None


@frozen(kw_only=True, slots=False)
class TimerSet:
    """The step waits until `due_at`."""

    at: datetime
    token: int
    due_at: datetime


@frozen(kw_only=True, slots=False)
class TimerFired:
    """The moment that a timer waited for has come."""

    at: datetime
    token: int


@frozen(kw_only=True, slots=False)
class MessageAwaited:
    """The step waits for a message, until `due_at` if its patience is limited."""

    at: datetime
    token: int
    name: str
    correlation_key: str
    due_at: datetime | None = None


@frozen(kw_only=True, slots=False)
class MessageReceived:
    """The message came; its payload is in the data under `key`. `size` is its approximate bytes."""

    at: datetime
    token: int
    message_id: str
    key: str
    payload: Json = None
    size: int = 0


@frozen(kw_only=True, slots=False)
class InstanceCanceled:
    """Somebody ended the instance; its remaining tokens were canceled."""

    at: datetime
    reason: str
    by: str | None = None


@frozen(kw_only=True, slots=False)
class InstanceSuspended:
    """Somebody stopped the instance for a while."""

    at: datetime
    reason: str
    by: str | None = None


@frozen(kw_only=True, slots=False)
class InstanceResumed:
    """Somebody let the instance go on."""

    at: datetime
    reason: str | None = None
    by: str | None = None


Event: TypeAlias = (
    InstanceStarted
    | StepStarted
    | StepCompleted
    | StepSkipped
    | AttemptFailed
    | StepFailed
    | ErrorCaught
    | StepLost
    | StepRetried
    | RouteRetried
    | StepLeft
    | JoinFired
    | TokenCanceled
    | TokenPlaced
    | TimerSet
    | TimerFired
    | MessageAwaited
    | MessageReceived
    | TaskOpened
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
    | DecisionOpened
    | VoteCast
    | DecisionReached
    | InstanceCanceled
    | InstanceSuspended
    | InstanceResumed
)
