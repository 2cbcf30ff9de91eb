"""How events change an instance: the only code that does.

`evolve` is the fold of the history: apply every event of an instance in order and you have
its state. `machine.decide` applies the same function to look one event ahead, so that what is
decided and what is stored cannot differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import evolve as changed

from workflows_core import events as ev
from workflows_core.data import apply_patch
from workflows_core.exits import COMPLETED
from workflows_core.instance import Awaited, Failure, Instance, Token
from workflows_core.states import TOKEN_MOVES, TokenState
from workflows_core.tasks import evolve_task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from uuid import UUID

    from workflows_core.data import JsonObject
    from workflows_core.tasks import Task


def evolve(instance: Instance | None, event: ev.Event) -> Instance:
    """Return the instance as it is after the event; `None` stands for "not started yet".

    The revision is left alone: it counts transitions, not events.
    """
    draft = Draft(instance)
    draft.apply(event)
    return draft.freeze()


def fold(instance: Instance | None, transitions: Iterable[Iterable[ev.Event]]) -> Instance:
    """Replay transitions on an instance, oldest first, and count them in its revision."""
    draft = Draft(instance)
    for transition in transitions:
        for event in transition:
            draft.apply(event)
        draft.revision += 1
    return draft.freeze()


def replay(
    data: JsonObject, forms: Mapping[str, JsonObject], events: Iterable[ev.Event]
) -> tuple[JsonObject, Mapping[str, JsonObject]]:
    """Bring a snapshot of data and forms up to date with the events since; other events are passed over."""
    for event in events:
        data, forms = _written(data, forms, event)
    return data, forms


def _written(
    data: JsonObject, forms: Mapping[str, JsonObject], event: ev.Event
) -> tuple[JsonObject, Mapping[str, JsonObject]]:
    """Return data and forms as the event leaves them: the one rule for what is written to an instance."""
    if isinstance(event, ev.StepCompleted):
        return apply_patch(data, event.patch) if event.patch else data, forms
    if isinstance(event, ev.TaskCompleted):
        return {**data, **event.data}, {**forms, event.step: event.data}
    if isinstance(event, ev.MessageReceived):
        return {**data, event.key: event.payload}, forms
    return data, forms


class Draft:
    """An instance being changed: private to one decision, copied on the way in, frozen on the way out."""

    __slots__ = (
        "arrivals", "base", "changes", "data", "forms", "leaving", "next_token", "revision", "tasks", "tokens",
    )  # fmt: skip

    def __init__(self, instance: Instance | None) -> None:
        self.base = instance
        self.changes: dict[str, Any] = {}
        self.leaving: list[int] = []
        """Tokens that began to leave since the draft was made, in order."""
        if instance is None:
            self.revision = 0
            self.tokens: dict[int, Token] = {}
            self.arrivals: dict[str, tuple[int, ...]] = {}
            self.tasks: dict[UUID, Task] = {}
            self.forms: Mapping[str, JsonObject] = {}
            self.data: JsonObject = {}
            self.next_token = 1
        else:
            self.revision = instance.revision
            self.tokens = dict(instance.tokens)
            self.arrivals = dict(instance.arrivals)
            self.tasks = dict(instance.tasks)
            self.forms = instance.forms
            self.data = instance.data
            self.next_token = instance.next_token

    @property
    def is_suspended(self) -> bool:
        """Whether somebody stopped it for a while."""
        known = None if self.base is None else self.base.suspend_reason
        return self.changes.get("suspend_reason", known) is not None

    def apply(self, event: ev.Event) -> None:
        """Apply one event."""
        _APPLY[type(event)](self, event)
        self.changes["updated_at"] = event.at
        if not self.tokens and not self.arrivals:
            self.changes["completed_at"] = event.at

    def freeze(self) -> Instance:
        """Return the finished value."""
        mappings: dict[str, Any] = {
            "revision": self.revision,
            "tokens": self.tokens,
            "arrivals": self.arrivals,
            "tasks": self.tasks,
            "forms": self.forms,
            "data": self.data,
            "next_token": self.next_token,
        }
        if self.base is None:
            return Instance(**mappings, **self.changes)
        return changed(self.base, **mappings, **self.changes)

    def move(self, number: int, event: ev.Event, **fields: Any) -> None:
        """Bring a token into the state the table names for the event, keeping its place in the order."""
        token = self.tokens[number]
        state = TOKEN_MOVES[token.state][type(event).__name__]
        moved = changed(token, state=state, since=event.at, **fields)
        self.tokens[number] = moved
        if state is TokenState.LEAVING:
            self.leaving.append(number)

    def enter(self, entry: ev.Entry, event: ev.Event) -> None:
        """Put a new token at a step."""
        self.next_token = max(self.next_token, entry.token + 1)
        if entry.state == "arrived":
            self.arrivals[entry.step] = (*self.arrivals.get(entry.step, ()), entry.token)
            return
        state = TokenState(entry.state)
        exit_ = COMPLETED if state is TokenState.LEAVING else None
        self.tokens[entry.token] = Token(entry.token, entry.step, state, event.at, exit=exit_)
        if state is TokenState.LEAVING:
            self.leaving.append(entry.token)

    def remove(self, number: int) -> None:
        """Take a token away, wherever it is."""
        if self.tokens.pop(number, None) is None:
            for step, numbers in self.arrivals.items():
                if number in numbers:
                    self._keep(step, [other for other in numbers if other != number])
                    return

    def consume(self, step: str, numbers: tuple[int, ...]) -> None:
        """Take arrived tokens away from a join."""
        gone = set(numbers)
        self._keep(step, [other for other in self.arrivals[step] if other not in gone])

    def _keep(self, step: str, numbers: list[int]) -> None:
        if numbers:
            self.arrivals[step] = tuple(numbers)
        else:
            del self.arrivals[step]


_AT_EASE: dict[str, Any] = {"owner": None, "task_id": None, "awaits": None, "due_at": None}
"""What a token no longer has once its step is over."""

E = TypeVar("E")
_APPLY: dict[type, Callable[[Draft, ev.Event], None]] = {}


def _applies(kind: type[E]) -> Callable[[Callable[[Draft, E], None]], Callable[[Draft, E], None]]:
    def register(function: Callable[[Draft, E], None]) -> Callable[[Draft, E], None]:
        _APPLY[kind] = cast("Callable[[Draft, ev.Event], None]", function)
        return function

    return register


@_applies(ev.InstanceStarted)
def _started(draft: Draft, event: ev.InstanceStarted) -> None:
    draft.data = event.data
    draft.changes.update(
        id=event.instance_id,
        definition_name=event.definition_name,
        definition_version=event.definition_version,
        started_at=event.at,
        created_by=event.created_by,
        tenant_id=event.tenant_id,
        correlation_id=event.correlation_id,
        idempotency_key=event.idempotency_key,
        metadata=event.metadata or {},
    )
    draft.enter(event.entry, event)


@_applies(ev.StepStarted)
def _step_started(draft: Draft, event: ev.StepStarted) -> None:
    draft.move(event.token, event, attempt=event.attempt, owner=event.owner, due_at=None)


@_applies(ev.StepCompleted)
def _step_completed(draft: Draft, event: ev.StepCompleted) -> None:
    draft.move(event.token, event, owner=None, exit=COMPLETED)
    draft.data, draft.forms = _written(draft.data, draft.forms, event)


@_applies(ev.StepSkipped)
def _step_skipped(draft: Draft, event: ev.StepSkipped) -> None:
    draft.move(event.token, event, exit=event.exit, failure=None, **_AT_EASE)


@_applies(ev.AttemptFailed)
def _attempt_failed(draft: Draft, event: ev.AttemptFailed) -> None:
    draft.move(event.token, event, owner=None, due_at=event.retry_at)


@_applies(ev.StepFailed)
def _step_failed(draft: Draft, event: ev.StepFailed) -> None:
    failure = Failure(event.error_type, event.message, event.origin)
    draft.move(event.token, event, failure=failure, **_AT_EASE)


@_applies(ev.ErrorCaught)
def _error_caught(draft: Draft, event: ev.ErrorCaught) -> None:
    draft.move(event.token, event, exit=event.exit, **_AT_EASE)


@_applies(ev.StepLost)
def _step_lost(draft: Draft, event: ev.StepLost) -> None:
    draft.move(event.token, event, owner=None, forgiven=draft.tokens[event.token].forgiven + 1)


@_applies(ev.StepRetried)
def _step_retried(draft: Draft, event: ev.StepRetried) -> None:
    draft.move(event.token, event, failure=None, forgiven=draft.tokens[event.token].attempt)


@_applies(ev.RouteRetried)
def _route_retried(draft: Draft, event: ev.RouteRetried) -> None:
    draft.move(event.token, event, failure=None)


@_applies(ev.TimerSet)
def _timer_set(draft: Draft, event: ev.TimerSet) -> None:
    draft.move(event.token, event, due_at=event.due_at)


@_applies(ev.TimerFired)
def _timer_fired(draft: Draft, event: ev.TimerFired) -> None:
    draft.move(event.token, event, due_at=None, exit=COMPLETED)


@_applies(ev.MessageAwaited)
def _message_awaited(draft: Draft, event: ev.MessageAwaited) -> None:
    awaits = Awaited(event.name, event.correlation_key)
    draft.move(event.token, event, due_at=event.due_at, awaits=awaits)


@_applies(ev.MessageReceived)
def _message_received(draft: Draft, event: ev.MessageReceived) -> None:
    draft.move(event.token, event, exit=COMPLETED, **_AT_EASE)
    draft.data, draft.forms = _written(draft.data, draft.forms, event)


@_applies(ev.StepLeft)
def _step_left(draft: Draft, event: ev.StepLeft) -> None:
    draft.remove(event.token)
    for entry in event.entries:
        draft.enter(entry, event)


@_applies(ev.JoinFired)
def _join_fired(draft: Draft, event: ev.JoinFired) -> None:
    draft.consume(event.entry.step, event.consumed)
    draft.enter(event.entry, event)


@_applies(ev.TokenPlaced)
def _token_placed(draft: Draft, event: ev.TokenPlaced) -> None:
    draft.enter(event.entry, event)


@_applies(ev.TokenCanceled)
def _token_canceled(draft: Draft, event: ev.TokenCanceled) -> None:
    draft.remove(event.token)


@_applies(ev.TaskOpened)
def _task_opened(draft: Draft, event: ev.TaskOpened) -> None:
    draft.move(event.token, event, task_id=event.task_id)
    _task_changed(draft, event)


@_applies(ev.TaskCompleted)
def _task_completed(draft: Draft, event: ev.TaskCompleted) -> None:
    draft.move(event.token, event, exit=event.outcome or COMPLETED, **_AT_EASE)
    draft.data, draft.forms = _written(draft.data, draft.forms, event)
    _task_changed(draft, event)


@_applies(ev.TaskReassigned)
def _task_reassigned(draft: Draft, event: ev.TaskReassigned) -> None:
    _task_changed(draft, event)


@_applies(ev.TaskCanceled)
def _task_canceled(draft: Draft, event: ev.TaskCanceled) -> None:
    _task_changed(draft, event)


def _task_changed(draft: Draft, event: ev.TaskEvent) -> None:
    """Keep open tasks; a closed one leaves the instance for good."""
    if draft.base is None:
        instance_id, tenant_id = draft.changes["id"], draft.changes["tenant_id"]
    else:
        instance_id, tenant_id = draft.base.id, draft.base.tenant_id
    known = draft.tasks.get(event.task_id)
    task = evolve_task(known, event, instance_id=instance_id, tenant_id=tenant_id)
    if task.is_open:
        draft.tasks[task.id] = task
    else:
        del draft.tasks[task.id]


@_applies(ev.InstanceCanceled)
def _instance_canceled(draft: Draft, event: ev.InstanceCanceled) -> None:
    draft.tokens.clear()
    draft.arrivals.clear()
    draft.changes["cancel_reason"] = event.reason


@_applies(ev.InstanceSuspended)
def _instance_suspended(draft: Draft, event: ev.InstanceSuspended) -> None:
    draft.changes["suspend_reason"] = event.reason


@_applies(ev.InstanceResumed)
def _instance_resumed(draft: Draft, _: ev.InstanceResumed) -> None:
    draft.changes["suspend_reason"] = None
