"""How events change an instance: the only code that does.

`evolve` is the fold of the history: apply every event of an instance in order and you have
its state. `machine.decide` applies the same function to look one event ahead, so that what is
decided and what is stored cannot differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar, cast, get_args

from workflows_core import events as ev
from workflows_core.data import apply_patch, diff
from workflows_core.deadlines import next_alarm
from workflows_core.exits import COMPLETED
from workflows_core.instance import Awaited, Failure, Instance, Token
from workflows_core.participants import user_key
from workflows_core.quorum import Ballot
from workflows_core.states import TOKEN_MOVES, TokenState
from workflows_core.tasks import Home, evolve_task, home_of, opened_task, shown
from workflows_core.values import changed

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
    if isinstance(event, ev.DecisionOpened | ev.VoteCast | ev.DecisionReached):
        return data, {**forms, event.step: _tally(forms.get(event.step, {}), event)}
    return data, forms


def _tally(form: JsonObject, event: ev.DecisionOpened | ev.VoteCast | ev.DecisionReached) -> JsonObject:
    """Return what stands under a decision's name: its votes in the order in which they came, then the outcome."""
    match event:
        case ev.DecisionOpened():
            return {"votes": []}
        case ev.VoteCast():
            vote: JsonObject = {"outcome": event.outcome, "by": event.by, "data": event.data}
            if event.on_behalf_of is not None:
                vote["on_behalf_of"] = event.on_behalf_of
            if event.comment is not None:
                vote["comment"] = event.comment
            return {**form, "votes": [*cast("list[Any]", form.get("votes", [])), vote]}
        case ev.DecisionReached():
            return {**form, "outcome": event.outcome}


class Draft:
    """An instance being changed: private to one decision, copied on the way in, frozen on the way out."""

    __slots__ = (
        "arrivals", "base", "changes", "data", "doers", "forms", "leaving", "next_token", "participants", "revision",
        "tasks", "tokens",
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
            self.doers: Mapping[str, tuple[str, ...]] = {}
            self.participants: tuple[str, ...] = ()
        else:
            self.revision = instance.revision
            self.tokens = dict(instance.tokens)
            self.arrivals = dict(instance.arrivals)
            self.tasks = dict(instance.tasks)
            self.forms = instance.forms
            self.data = instance.data
            self.next_token = instance.next_token
            self.doers = instance.doers
            self.participants = instance.participants

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
            "doers": self.doers,
            "participants": self.participants,
        }
        if self.base is None:
            return Instance(**mappings, **self.changes)
        return changed(self.base, **mappings, **self.changes)

    @property
    def home(self) -> Home:
        """What tasks take over from the instance."""
        if self.base is not None:
            return home_of(self.base)
        named = ("id", "tenant_id", "definition_name", "definition_version")
        return Home(*(self.changes[name] for name in named))

    def write(self, event: ev.Event) -> None:
        """Write to data and forms, and count it in the open tasks that show what changed."""
        before = self.data
        self.data, self.forms = _written(self.data, self.forms, event)
        if before is not self.data:
            for task in self.tasks.values():
                keys = before.keys() | self.data.keys() if task.shows is None else task.shows
                if diff(_part(before, keys), _part(self.data, keys), what="The data"):
                    self.tasks[task.id] = changed(task, revision=self.revision + 1)

    def did(self, step: str, *names: str | None) -> None:
        """Note who did a step."""
        known = self.doers.get(step, ())
        new = tuple(name for name in dict.fromkeys(names) if name is not None and name not in known)
        if new:
            self.doers = {**self.doers, step: (*known, *new)}
        self.took_part(*new)

    def took_part(self, *names: str | None) -> None:
        """Note who had a hand in it."""
        self.let_in(user_key(name) for name in names if name is not None)

    def let_in(self, keys: Iterable[str]) -> None:
        """Note the keys of those who have a part in it."""
        new = [key for key in dict.fromkeys(keys) if key not in self.participants]
        if new:
            self.participants = (*self.participants, *new)

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
        state = _ENTERED[entry.state]
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


def _part(data: JsonObject, keys: Iterable[str]) -> JsonObject:
    return {key: data[key] for key in keys if key in data}


_ENTERED: Final = {state.value: state for state in TokenState}

_AT_EASE: dict[str, Any] = {"owner": None, "task_id": None, "awaits": None, "due_at": None, "ballot": None}
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
    draft.write(event)


@_applies(ev.StepSkipped)
def _step_skipped(draft: Draft, event: ev.StepSkipped) -> None:
    draft.move(event.token, event, exit=event.exit, failure=None, **_AT_EASE)
    if event.by is not None:
        draft.did(draft.tokens[event.token].step, event.by)


@_applies(ev.AttemptFailed)
def _attempt_failed(draft: Draft, event: ev.AttemptFailed) -> None:
    draft.move(event.token, event, owner=None, due_at=event.retry_at, losses=0)


@_applies(ev.StepFailed)
def _step_failed(draft: Draft, event: ev.StepFailed) -> None:
    failure = Failure(event.error_type, event.message, event.origin)
    draft.move(event.token, event, failure=failure, **_AT_EASE)


@_applies(ev.ErrorCaught)
def _error_caught(draft: Draft, event: ev.ErrorCaught) -> None:
    draft.move(event.token, event, exit=event.exit, **_AT_EASE)


@_applies(ev.StepLost)
def _step_lost(draft: Draft, event: ev.StepLost) -> None:
    token = draft.tokens[event.token]
    draft.move(
        event.token,
        event,
        owner=None,
        due_at=event.retry_at,
        forgiven=token.forgiven + 1,
        losses=token.losses + (not event.handed_back),
    )


@_applies(ev.StepRetried)
def _step_retried(draft: Draft, event: ev.StepRetried) -> None:
    draft.move(event.token, event, failure=None, forgiven=draft.tokens[event.token].attempt, losses=0)


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
    draft.write(event)


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
    if draft.tokens[event.token].ballot is None:
        draft.move(event.token, event, task_id=event.task_id)
    task = draft.tasks[event.task_id] = opened_task(event, draft.home, draft.revision + 1)
    draft.took_part(event.assignee)
    draft.let_in(task.offered_to)
    _alarms_changed(draft, event.token)


@_applies(ev.TaskCompleted)
def _task_completed(draft: Draft, event: ev.TaskCompleted) -> None:
    _task_changed(draft, event)
    draft.move(event.token, event, exit=event.outcome or COMPLETED, **_AT_EASE)
    draft.did(event.step, event.by, event.on_behalf_of)
    draft.write(event)


@_applies(ev.DecisionOpened)
def _decision_opened(draft: Draft, event: ev.DecisionOpened) -> None:
    draft.move(event.token, event, ballot=Ballot(event.seats))
    draft.write(event)


@_applies(ev.VoteCast)
def _vote_cast(draft: Draft, event: ev.VoteCast) -> None:
    token = draft.tokens[event.token]
    if token.ballot is not None:
        voted = token.ballot.voted(event.task_id, event.outcome, event.by, event.on_behalf_of)
        draft.tokens[token.id] = changed(token, ballot=voted)
    _task_changed(draft, event)
    draft.did(event.step, event.by, event.on_behalf_of)
    draft.write(event)


@_applies(ev.DecisionReached)
def _decision_reached(draft: Draft, event: ev.DecisionReached) -> None:
    draft.move(event.token, event, exit=event.outcome, **_AT_EASE)
    draft.write(event)


def _task_changed(draft: Draft, event: ev.TaskEvent) -> None:
    """Keep open tasks; a closed one leaves the instance for good."""
    known = draft.tasks[event.task_id]
    task = evolve_task(known, event)
    if not task.is_open:
        del draft.tasks[task.id]
    elif shown(task, {}) != shown(known, {}):
        draft.tasks[task.id] = changed(task, revision=draft.revision + 1)
    else:
        draft.tasks[task.id] = task
    if isinstance(event, ev.CandidatesAdded):
        draft.let_in(task.offered_to)
    draft.took_part(task.assignee, getattr(event, "by", None), getattr(event, "on_behalf_of", None))
    _alarms_changed(draft, task.token)


def _alarms_changed(draft: Draft, number: int) -> None:
    """Let a token be due when the first alarm of its tasks rings."""
    token = draft.tokens.get(number)
    if token is None:
        return
    first = next_alarm(
        alarm for task in draft.tasks.values() if task.token == number for alarm in task.alarms
    )
    due_at = None if first is None else first.at
    if token.due_at != due_at:
        draft.tokens[number] = changed(token, due_at=due_at)


for _kind in get_args(ev.TaskEvent):
    _APPLY.setdefault(_kind, cast("Callable[[Draft, ev.Event], None]", _task_changed))


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
