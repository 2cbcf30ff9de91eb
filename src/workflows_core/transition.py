"""One transition: what is committed together, as a value.

A transition is made here from what the machine decided, and only carried away elsewhere. The
notes a storage needs (when to wake the instance, whether to renew the snapshot of its data) are
computed here once, so that no adapter has to decide anything.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, cast, get_args
from uuid import UUID

from attrs import frozen

from workflows_core import events as ev
from workflows_core.instance import Awaited, Instance, Token
from workflows_core.messages import Wait
from workflows_core.searchable import Values, changed_values
from workflows_core.states import TokenState
from workflows_core.tasks import Task, evolve_task, home_of, opened_task
from workflows_core.values import changed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

LEASE: Final = timedelta(seconds=30)
"""How long a runner is believed alive without a sign of life, and a running step left unquestioned."""

CLAIM: Final = timedelta(seconds=3)
"""How long a claim keeps other runners away from what is due. By then it was written to, or its runner died.

Nothing is lost where that takes longer: two of them decide then, and one of the two transitions loses.
"""

SNAPSHOT_BYTES: Final = 1024
"""Patches below this size never cause a snapshot while the instance keeps moving."""

SMALL_BYTES: Final = 4 * 1024
"""Snapshots up to this size are renewed whenever the instance comes to rest."""

FOLDED_BYTES: Final = 16 * 1024
"""So many bytes of patches at most are folded to read an instance at rest."""

MEASURED_BYTES: Final = 64 * 1024
"""Snapshots from this size on are measured: what was written over and over is counted once."""


@frozen(kw_only=True, slots=False)
class HistoryEntry:
    """One row of the history: what one transition did.

    Attributes:
        instance_id: Whose history.
        revision: The revision the transition led to; counted from 1 without gaps.
        at: When it happened (UTC).
        actor: Who caused it; `None` for the engine itself.
        events: What happened, in order; never empty.
    """

    instance_id: UUID
    revision: int
    at: datetime
    actor: str | None
    events: tuple[ev.Event, ...]


@frozen(kw_only=True, slots=False)
class Transition:
    """What is to be stored as one unit: all of it or nothing.

    Attributes:
        instance: The instance after the transition; it was based on `instance.revision - 1`.
        entry: The row to append to the history.
        tasks: The new values of the tasks that changed.
        saves_data: Whether `instance.data` and `instance.forms` are to be written as the new snapshot.
            If not, what changed in them is in the history row alone.
        waits: All waits for messages that the instance has now, if they changed; `None` if they did not.
        listens: Whether the instance would take a message at once.
        consumes: The ids of the messages that it took.
        disturbs: Whether a running step was taken away from its runner.
        participants: The keys of those who have a part in the instance since then; see `participants`.
        searchable: What the instance is to be found by in its data from now on, where that changed; see `searchable`.
    """

    instance: Instance
    entry: HistoryEntry
    tasks: tuple[Task, ...]
    saves_data: bool
    waits: tuple[Wait, ...] | None = None
    listens: bool = False
    consumes: tuple[str, ...] = ()
    disturbs: bool = False
    participants: tuple[str, ...] = ()
    searchable: Values = ()

    @property
    def is_start(self) -> bool:
        """Whether it brings the instance into being."""
        return self.entry.revision == 1

    @property
    def concerns_messages(self) -> bool:
        """Whether there is more to do than to write what it holds: see `ports.UnitOfWork.apply`."""
        return self.listens or self.waits is not None or bool(self.consumes)


def transition(
    before: Instance | None,
    after: Instance,
    events: Iterable[ev.Event],
    *,
    actor: str | None,
    searchable: Sequence[str] = (),
) -> Transition:
    """Make the transition from one state of an instance to another out of its events.

    `after` is the machine's result for `events` on `before`, with the revision not counted yet; `searchable` are the
    paths that its definition declares.
    """
    events = tuple(events)
    revision = after.revision + 1
    unsaved = after.unsaved_size
    for event in events:
        measure = _WRITTEN.get(type(event))
        if measure is not None:
            unsaved += measure(event)
    saves_data = before is None or (unsaved > 0 and unsaved >= _allowance(after))
    instance = changed(
        after,
        revision=revision,
        wake_at=_wake_at(after),
        saved_size=_saved_size(after, unsaved) if saves_data else after.saved_size,
        unsaved_size=0 if saves_data else unsaved,
    )
    entry = HistoryEntry(
        instance_id=after.id, revision=revision, at=after.updated_at, actor=actor, events=events
    )
    kinds = frozenset(map(type, events))
    awaited = _awaited(after)
    return Transition(
        instance=instance,
        entry=entry,
        tasks=_changed_tasks({} if before is None else before.tasks, events, kinds, after),
        saves_data=saves_data,
        waits=None if awaited == _awaited(before) else _waits(after),
        listens=bool(awaited) and after.suspend_reason is None,
        consumes=_consumed(events) if ev.MessageReceived in kinds else (),
        disturbs=not kinds.isdisjoint(_TAKING_AWAY) and _disturbs(before, after, events),
        participants=after.participants[0 if before is None else len(before.participants) :],
        searchable=changed_values(searchable, None if before is None else before.data, after.data)
        if searchable
        else (),
    )


def _allowance(instance: Instance) -> int:
    """Return how many bytes of patches may be left to the history before the snapshot is renewed.

    What rests will be read, and small data costs little to write. Large data is renewed when a good part of it was
    written, or when folding the history would take longer than reading it.
    """
    if not instance.is_resting:
        return max(instance.saved_size, SNAPSHOT_BYTES)
    return 0 if instance.saved_size <= SMALL_BYTES else min(instance.saved_size // 8, FOLDED_BYTES)


def _saved_size(instance: Instance, unsaved: int) -> int:
    """Return the size of the snapshot: what was written, added up; measured where that may be far too much."""
    size = instance.saved_size + unsaved
    if size < MEASURED_BYTES:
        return size
    return len(json.dumps([instance.data, instance.forms], ensure_ascii=False, separators=(",", ":")))


def _awaited(instance: Instance | None) -> dict[int, Awaited]:
    if instance is None:
        return {}
    return {token.id: token.awaits for token in instance.tokens.values() if token.awaits is not None}


def _waits(instance: Instance) -> tuple[Wait, ...]:
    return tuple(
        Wait(
            instance_id=instance.id,
            token=number,
            name=awaited.name,
            correlation_key=awaited.correlation_key,
            tenant_id=instance.tenant_id,
        )
        for number, awaited in _awaited(instance).items()
    )


def _consumed(events: tuple[ev.Event, ...]) -> tuple[str, ...]:
    return tuple(event.message_id for event in events if isinstance(event, ev.MessageReceived))


def _disturbs(before: Instance | None, after: Instance, events: tuple[ev.Event, ...]) -> bool:
    """Whether a step that was running is not any more, without its runner having reported how it went."""
    if before is None or not any(map(_takes_away, events)):
        return False
    return any(
        token.state is TokenState.RUNNING and not _goes_on(token, after.tokens.get(token.id))
        for token in before.tokens.values()
    )


def _goes_on(token: Token, later: Token | None) -> bool:
    return later is not None and later.state is TokenState.RUNNING and later.attempt == token.attempt


_TAKING_AWAY: Final = frozenset({ev.InstanceCanceled, ev.StepLost, ev.StepSkipped, ev.TokenCanceled})


def _takes_away(event: ev.Event) -> bool:
    if isinstance(event, ev.StepSkipped):
        return event.reason is not None  # or else the step said so itself
    return type(event) in _TAKING_AWAY


def _patch_size(event: ev.StepCompleted) -> int:
    return event.patch.size + len(event.patch.deleted)


def _form_size(event: ev.TaskCompleted | ev.VoteCast | ev.MessageReceived) -> int:
    return event.size or 1


def _some(_: ev.Event) -> int:
    return 1


_WRITTEN: Final[Mapping[type, Callable[[Any], int]]] = {
    ev.InstanceStarted: attrgetter("size"),
    ev.StepCompleted: _patch_size,
    ev.TaskCompleted: _form_size,
    ev.VoteCast: _form_size,
    ev.MessageReceived: _form_size,
    ev.DecisionOpened: _some,
    ev.DecisionReached: _some,
}
"""How many bytes of data an event wrote; the others write none."""


_TASK_EVENTS: Final = frozenset(get_args(ev.TaskEvent))


def _changed_tasks(
    before: Mapping[UUID, Task], events: tuple[ev.Event, ...], kinds: frozenset[type], after: Instance
) -> tuple[Task, ...]:
    """Return the open tasks that are not what they were, and those that were closed."""
    if not before and not after.tasks and _TASK_EVENTS.isdisjoint(kinds):
        return ()
    new = {id_: task for id_, task in after.tasks.items() if before.get(id_) is not task}
    for event in (cast("ev.TaskEvent", each) for each in events if type(each) in _TASK_EVENTS):
        if event.task_id not in after.tasks:
            if isinstance(event, ev.TaskOpened):
                new[event.task_id] = opened_task(event, home_of(after), after.revision + 1)
            else:
                new[event.task_id] = evolve_task(new.get(event.task_id) or before[event.task_id], event)
    return tuple(new.values())


def next_wake(instance: Instance, now: datetime) -> datetime | None:
    """Return when the instance is due next, `None` if it only waits for somebody outside.

    Work that nobody has taken is due at once; work in hand is due when its runner should have given
    a sign of life; what waits for a moment is due then. While it is suspended only work in hand counts.
    """
    due: datetime | None = None
    for token in instance.tokens.values():
        moment = _due_at(token, now) if instance.suspend_reason is None else _lease_end(token)
        if moment is not None:
            if moment <= now:
                return now
            if due is None or moment < due:
                due = moment
    return due


def _wake_at(instance: Instance) -> datetime | None:
    """Return when to wake the instance.

    While a step runs, a moment noted earlier that is still ahead and early enough is kept: waking too soon is
    harmless then, while moving an indexed column at every step is not free.
    """
    now, noted = instance.updated_at, instance.wake_at
    due = next_wake(instance, now)
    if due is None or noted is None or not now < noted <= due:
        return due
    is_running = any(token.state is TokenState.RUNNING for token in instance.tokens.values())
    return noted if is_running else due


def _due_at(token: Token, now: datetime) -> datetime | None:
    if token.state in {TokenState.READY, TokenState.LEAVING}:
        return now if token.due_at is None else token.due_at
    return _lease_end(token) if token.state is TokenState.RUNNING else token.due_at


def _lease_end(token: Token) -> datetime | None:
    return token.since + LEASE if token.state is TokenState.RUNNING else None
