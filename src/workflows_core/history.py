"""Readings of the history: what was executed, when, by whom and with what result."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen

from workflows_core import events as ev
from workflows_core.data import Json, JsonObject
from workflows_core.instance import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from uuid import UUID

    from workflows_core.instance import Instance
    from workflows_core.transition import HistoryEntry


class ExecutionStatus(StrEnum):
    """How an execution of a step stands."""

    RUNNING = "running"
    """A runner executes it."""
    WAITING = "waiting"
    """It waits for somebody or something outside."""
    SUCCEEDED = "succeeded"
    """It did its work."""
    SKIPPED = "skipped"
    """It said that it was not to be executed this time."""
    FAILED = "failed"
    """It failed, whether an edge caught the failure or not."""
    CANCELED = "canceled"
    """It was given up before its end."""
    LOST = "lost"
    """Its runner is gone; another execution followed."""


@frozen(kw_only=True)
class StepExecution:
    """One execution of a step.

    Attributes:
        id: Names it: instance, token and attempt; the same whenever the history is read.
        step_name: Which step.
        status: How it stands.
        started_at: When it began (UTC); for a person, when the task was opened.
        completed_at: When it ended (UTC); `None` while it has not.
        attempt: Which attempt of its token it was, counted from 1.
        outcome: The outcome a person chose, if the step has named ones.
        completed_by: Who completed it; `None` for machines.
        output: What a machine step returned, the form a person submitted, or the votes of a decision by several.
        error: Why it failed.
    """

    id: str
    step_name: str
    status: ExecutionStatus
    started_at: datetime
    completed_at: datetime | None = None
    attempt: int = 1
    outcome: str | None = None
    completed_by: str | None = None
    output: Json = None
    error: Failure | None = None


@frozen
class Record:
    """An instance with everything that happened to it.

    Attributes:
        instance: Its present state.
        entries: Its history, oldest first.
    """

    instance: Instance
    entries: tuple[HistoryEntry, ...]

    @property
    def step_executions(self) -> tuple[StepExecution, ...]:
        """What was executed, oldest first: a reading of the history."""
        return step_executions(self.entries)


def step_executions(entries: Iterable[HistoryEntry]) -> tuple[StepExecution, ...]:
    """Return what was executed in one instance, in the order in which it began.

    Gateways are passed and not executed: they appear only where they failed.
    """
    reading = _Reading()
    for entry in entries:
        for event in entry.events:
            reading.read(entry.instance_id, event)
    return tuple(reading.executions)


class _Reading:
    """The executions seen so far, and which of them each token is at."""

    def __init__(self) -> None:
        self.executions: list[StepExecution] = []
        self._steps: dict[int, str] = {}
        self._open: dict[int, int] = {}
        self._attempts: dict[int, int] = {}

    def read(self, instance_id: UUID, event: ev.Event) -> None:
        for entry in entries_of(event):
            self._steps[entry.token] = entry.step
        match event:
            case ev.StepStarted():
                self._begin(instance_id, event.token, event.at, ExecutionStatus.RUNNING)
            case ev.TaskOpened() | ev.TimerSet() | ev.MessageAwaited():
                if (
                    event.token not in self._open
                ):  # of a decision by several, the decision is what is executed
                    self._begin(instance_id, event.token, event.at, ExecutionStatus.WAITING)
            case ev.StepCompleted():
                self._end(event.token, event.at, ExecutionStatus.SUCCEEDED, output=event.output)
            case ev.TaskCompleted():
                self._end(
                    event.token,
                    event.at,
                    ExecutionStatus.SUCCEEDED,
                    output=event.data,
                    outcome=event.outcome,
                    completed_by=event.by,
                )
            case ev.DecisionOpened() | ev.VoteCast() | ev.DecisionReached():
                self._decide(instance_id, event)
            case ev.TimerFired() | ev.MessageReceived():
                output = event.payload if isinstance(event, ev.MessageReceived) else None
                self._end(event.token, event.at, ExecutionStatus.SUCCEEDED, output=output)
            case ev.StepSkipped():
                self._skip(instance_id, event)
            case ev.StepLost():
                self._end(event.token, event.at, ExecutionStatus.LOST)
            case ev.StepFailed() | ev.ErrorCaught() | ev.AttemptFailed():
                self._fail(instance_id, event)
            case ev.TokenCanceled():
                self._end(event.token, event.at, ExecutionStatus.CANCELED)
            case ev.InstanceCanceled():
                for token in list(self._open):
                    self._end(token, event.at, ExecutionStatus.CANCELED)

    def _begin(self, instance_id: UUID, token: int, at: datetime, status: ExecutionStatus) -> None:
        attempt = self._attempts[token] = self._attempts.get(token, 0) + 1
        self._open[token] = len(self.executions)
        id_ = f"{instance_id}:{token}:{attempt}"
        execution = StepExecution(
            id=id_, step_name=self._steps[token], status=status, started_at=at, attempt=attempt
        )
        self.executions.append(execution)

    def _end(self, token: int, at: datetime, status: ExecutionStatus, **result: Any) -> None:
        """Close the execution the token is at; a token that was only on its way has none."""
        place = self._open.pop(token, None)
        if place is not None:
            known = self.executions[place]
            self.executions[place] = evolve(known, status=status, completed_at=at, **result)

    def _decide(self, instance_id: UUID, event: ev.DecisionOpened | ev.VoteCast | ev.DecisionReached) -> None:
        """Note a decision by several: one execution, whose output is its votes."""
        match event:
            case ev.DecisionOpened():
                self._begin(instance_id, event.token, event.at, ExecutionStatus.WAITING)
            case ev.VoteCast() if event.token in self._open:
                place = self._open[event.token]
                known = self.executions[place]
                vote: JsonObject = {
                    "outcome": event.outcome, "by": event.by, "comment": event.comment, "data": event.data,
                }  # fmt: skip
                votes = known.output if isinstance(known.output, list) else []
                self.executions[place] = evolve(known, output=[*votes, vote])
            case ev.DecisionReached():
                self._end(event.token, event.at, ExecutionStatus.SUCCEEDED, outcome=event.outcome)

    def _skip(self, instance_id: UUID, event: ev.StepSkipped) -> None:
        """Note a step that was passed over: at work, or failed or not even begun when somebody skipped it."""
        if event.token not in self._open:
            self._begin(instance_id, event.token, event.at, ExecutionStatus.SKIPPED)
        self._end(event.token, event.at, ExecutionStatus.SKIPPED, completed_by=event.by)

    def _fail(self, instance_id: UUID, event: ev.StepFailed | ev.ErrorCaught | ev.AttemptFailed) -> None:
        """Note a failure: of the execution at hand, or of finding a way out of a step that was done."""
        if event.token not in self._open:
            self._begin(instance_id, event.token, event.at, ExecutionStatus.RUNNING)
        error = Failure(event.error_type, event.message, event.origin)
        self._end(event.token, event.at, ExecutionStatus.FAILED, error=error)


def entries_of(event: ev.Event) -> Iterator[ev.Entry]:
    """Yield the tokens that the event put at steps."""
    match event:
        case ev.InstanceStarted() | ev.JoinFired() | ev.TokenPlaced():
            yield event.entry
        case ev.StepLeft():
            yield from event.entries
