"""The states of tokens, tasks and instances, and every move between them.

Two rules about this file, which a review can check:

* Everything that says which state may follow which stands here and nowhere else; the code
  that decides and the code that evolves both ask these tables.
* Nothing here knows a definition, a value or a clock.

A table maps a state to the events that may happen in it and the state each leads to. What
is not in a table is not allowed, and becomes one error that names command and state. A state
without a row of moves is final. The diagrams in the documentation are drawn from these tables.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


class TokenState(StrEnum):
    """Where a token is in the life of the step it sits at."""

    READY = "ready"
    """The step may begin: a runner may start it, a task may be opened for it."""
    RUNNING = "running"
    """A runner executes the step."""
    WAITING = "waiting"
    """The step waits for somebody or something outside."""
    ARRIVED = "arrived"
    """The token waits at a join for the branches still on their way."""
    LEAVING = "leaving"
    """The step's work is done and kept; the ways out are being chosen."""
    FAILED = "failed"
    """An incident: the step failed, or no way out of it could be chosen."""
    GONE = "gone"
    """Consumed: the token went on, ended, or was canceled."""


class TaskStatus(StrEnum):
    """What lists say about a human task; it follows from its state."""

    PENDING = "pending"
    COMPLETED = "completed"
    CANCELED = "canceled"
    EXPIRED = "expired"


class TaskState(StrEnum):
    """Where a human task is: with whom, or how it ended."""

    OFFERED = "offered"
    """Nobody holds it; those it is offered to may take it."""
    ASSIGNED = "assigned"
    """Somebody holds it: they took it, or it was given to them."""
    DELEGATED = "delegated"
    """Its owner gave it to somebody else, and it comes back when they have resolved it."""
    ASKED = "asked"
    """It is with somebody who was asked for information; its deadlines stand still."""
    DELEGATE_ASKED = "asked by the delegate"
    """Likewise; it goes back to the delegate, and from there to its owner."""
    COMPLETED = "completed"
    """Somebody did it."""
    CANCELED = "canceled"
    """It is no longer wanted."""
    EXPIRED = "expired"
    """Nobody did it in time."""

    @property
    def status(self) -> TaskStatus:
        """What lists say about it."""
        return TaskStatus.PENDING if TASK_MOVES[self] else TaskStatus(self.value)


class InstanceStatus(StrEnum):
    """The status of an instance, derived from its tokens."""

    RUNNING = "running"
    WAITING = "waiting"
    FAILED = "failed"
    SUSPENDED = "suspended"
    COMPLETED = "completed"
    CANCELED = "canceled"


TOKEN_MOVES: Final[Mapping[TokenState, Mapping[str, TokenState]]] = MappingProxyType(
    {
        TokenState.READY: {
            "StepStarted": TokenState.RUNNING,
            "TaskOpened": TokenState.WAITING,
            "DecisionOpened": TokenState.WAITING,
            "TimerSet": TokenState.WAITING,
            "MessageAwaited": TokenState.WAITING,
            "StepSkipped": TokenState.LEAVING,
            "StepFailed": TokenState.FAILED,
            "ErrorCaught": TokenState.LEAVING,
            "TokenCanceled": TokenState.GONE,
        },
        TokenState.RUNNING: {
            "StepCompleted": TokenState.LEAVING,
            "StepSkipped": TokenState.LEAVING,
            "AttemptFailed": TokenState.READY,
            "StepFailed": TokenState.FAILED,
            "ErrorCaught": TokenState.LEAVING,
            "StepLost": TokenState.READY,
            "TokenCanceled": TokenState.GONE,
        },
        TokenState.WAITING: {
            "TaskOpened": TokenState.WAITING,
            "VoteCast": TokenState.WAITING,
            "TaskCompleted": TokenState.LEAVING,
            "DecisionReached": TokenState.LEAVING,
            "TimerFired": TokenState.LEAVING,
            "MessageReceived": TokenState.LEAVING,
            "StepSkipped": TokenState.LEAVING,
            "StepFailed": TokenState.FAILED,
            "ErrorCaught": TokenState.LEAVING,
            "TokenCanceled": TokenState.GONE,
        },
        TokenState.ARRIVED: {
            "JoinFired": TokenState.GONE,
            "TokenCanceled": TokenState.GONE,
        },
        TokenState.LEAVING: {
            "StepLeft": TokenState.GONE,
            "StepFailed": TokenState.FAILED,
            "ErrorCaught": TokenState.LEAVING,
            "TokenCanceled": TokenState.GONE,
        },
        TokenState.FAILED: {
            "StepRetried": TokenState.READY,
            "RouteRetried": TokenState.LEAVING,
            "StepSkipped": TokenState.LEAVING,
            "TokenCanceled": TokenState.GONE,
        },
        TokenState.GONE: {},
    }
)

_ENDINGS: Final[Mapping[str, TaskState]] = {
    "TaskCanceled": TaskState.CANCELED,
    "TaskExpired": TaskState.EXPIRED,
}

_DOING: Final[Mapping[str, TaskState]] = {
    "TaskCompleted": TaskState.COMPLETED,
    "VoteCast": TaskState.COMPLETED,
    "TaskDelegated": TaskState.DELEGATED,
    "InformationRequested": TaskState.ASKED,
}


def _staying(state: TaskState, *events: str) -> Mapping[str, TaskState]:
    """Return the moves of what may happen without changing where the task is."""
    always = ("TaskCommented", "TaskPrioritized", "FollowUpSet", "CandidatesAdded")
    return dict.fromkeys((*always, *events), state)


_IN_TIME: Final = ("DraftSaved", "TaskRescheduled", "TaskReminded", "TaskEscalated")
"""What happens only while the clock of a task runs, and it is with somebody who could do it."""

TASK_MOVES: Final[Mapping[TaskState, Mapping[str, TaskState]]] = MappingProxyType(
    {
        TaskState.OFFERED: {
            "TaskClaimed": TaskState.ASSIGNED,
            "TaskReassigned": TaskState.ASSIGNED,
            **_DOING,
            **_staying(TaskState.OFFERED, *_IN_TIME),
            **_ENDINGS,
        },
        TaskState.ASSIGNED: {
            "TaskUnclaimed": TaskState.OFFERED,
            "TaskReassigned": TaskState.ASSIGNED,
            **_DOING,
            **_staying(TaskState.ASSIGNED, *_IN_TIME),
            **_ENDINGS,
        },
        TaskState.DELEGATED: {
            "TaskResolved": TaskState.ASSIGNED,
            "TaskReassigned": TaskState.ASSIGNED,
            "TaskDelegated": TaskState.DELEGATED,
            "InformationRequested": TaskState.DELEGATE_ASKED,
            **_staying(TaskState.DELEGATED, *_IN_TIME),
            **_ENDINGS,
        },
        TaskState.ASKED: {
            "InformationGiven": TaskState.ASSIGNED,
            "QuestionWithdrawn": TaskState.ASSIGNED,
            **_staying(TaskState.ASKED),
            "TaskCanceled": TaskState.CANCELED,
        },
        TaskState.DELEGATE_ASKED: {
            "InformationGiven": TaskState.DELEGATED,
            "QuestionWithdrawn": TaskState.DELEGATED,
            **_staying(TaskState.DELEGATE_ASKED),
            "TaskCanceled": TaskState.CANCELED,
        },
        TaskState.COMPLETED: {},
        TaskState.CANCELED: {},
        TaskState.EXPIRED: {},
    }
)

_MOVING: Final = frozenset({"act", "cancel", "move", "skip", "suspend"})

INSTANCE_COMMANDS: Final[Mapping[InstanceStatus, frozenset[str]]] = MappingProxyType(
    {
        InstanceStatus.RUNNING: _MOVING,
        InstanceStatus.WAITING: _MOVING,
        InstanceStatus.FAILED: _MOVING | {"retry"},
        InstanceStatus.SUSPENDED: frozenset({"cancel", "move", "resume", "retry", "skip"}),
        InstanceStatus.COMPLETED: frozenset(),
        InstanceStatus.CANCELED: frozenset(),
    }
)
"""What may be asked of an instance in each status: by operators, and (`act`) by those who do its tasks or send it
messages."""

FINAL: Final = frozenset(status for status, commands in INSTANCE_COMMANDS.items() if not commands)
"""Statuses in which an instance has ended for good."""
