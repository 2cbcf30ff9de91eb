"""A storage in memory: for tests, scripts and trying things out. It is gone with the process."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, TypeVar

from attrs import evolve, field, frozen

from workflows_core.errors import (
    DefinitionConflictError,
    InstanceNotFoundError,
    SubstitutionNotFoundError,
    TaskNotFoundError,
)
from workflows_core.feed import Place
from workflows_core.listing import (
    in_order,
    instances_in_order,
    is_seen,
    is_wanted_instance,
    is_wanted_task,
)
from workflows_core.mailbox import Mailbox, Messages
from workflows_core.ports import (
    WATCHED,
    FeedEntry,
    FeedPage,
    InstanceSummary,
    InstanceTally,
    StepTally,
    StoredDefinition,
    summarize,
)
from workflows_core.states import InstanceStatus
from workflows_core.values import changed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Hashable, Iterable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from uuid import UUID

    from workflows_core.actors import Substitution
    from workflows_core.instance import Instance
    from workflows_core.ports import DefinitionKey, InstanceQuery, SubstitutionQuery, TaskQuery
    from workflows_core.reservations import Reservation
    from workflows_core.tasks import Task
    from workflows_core.transition import HistoryEntry, Transition
    from workflows_core.visibility import Visibility

K = TypeVar("K")
V = TypeVar("V")
_MOVING = frozenset({InstanceStatus.RUNNING, InstanceStatus.FAILED})
"""Statuses in which a runner may be at work; on other branches, where one has failed."""


@frozen
class _Tables:
    """Everything that is stored; also what one unit of work has written and not committed."""

    definitions: dict[tuple[str, str], StoredDefinition] = field(factory=dict)
    instances: dict[UUID, Instance] = field(factory=dict)
    started: dict[str, UUID] = field(factory=dict)
    tasks: dict[UUID, Task] = field(factory=dict)
    history: dict[UUID, list[HistoryEntry]] = field(factory=dict)
    feed: list[HistoryEntry] = field(factory=list)
    mailbox: Mailbox = field(factory=Mailbox)
    substitutions: dict[UUID, Substitution] = field(factory=dict)
    searchable: dict[UUID, dict[str, str | None]] = field(factory=dict)
    reservations: dict[str, Reservation] = field(factory=dict)

    def write(self, transition: Transition) -> None:
        """Write the rows of a transition."""
        instance = transition.instance
        self.instances[instance.id] = instance
        self.history.setdefault(instance.id, []).append(transition.entry)
        self.feed.append(transition.entry)
        for task in transition.tasks:
            self.tasks[task.id] = task
        if transition.searchable:
            self.searchable.setdefault(instance.id, {}).update(transition.searchable)
        if transition.is_start and instance.idempotency_key is not None:
            self.started[instance.idempotency_key] = instance.id


class MemoryStorage:
    """Implements `ports.Storage` in the memory of one process and one event loop."""

    def __init__(self) -> None:
        self._tables = _Tables()
        self._wake: dict[UUID, datetime] = {}
        self._runners: dict[str, datetime] = {}
        self._writing = asyncio.Lock()
        self._changes = MemoryChanges()

    @property
    def identity(self) -> Hashable:
        """This object: another one is another storage."""
        return self

    def detached(self) -> MemoryStorage:
        """Return itself: it depends on nobody."""
        return self

    @property
    def parallel_flushes(self) -> int:
        """One: it takes no time."""
        return 1

    @asynccontextmanager
    async def unit_of_work(self) -> AsyncIterator[MemoryUnitOfWork]:
        """Open a transaction; the first write takes the one write lock and keeps it until the end."""
        unit = MemoryUnitOfWork(self._tables, self._wake, self._writing, self._changes)
        try:
            yield unit
        finally:
            unit.end()

    async def flush(self, transitions: Sequence[Transition]) -> frozenset[UUID]:
        """Write transitions; see the port. What needs no transaction is written without one."""
        if self._writing.locked() or any(each.concerns_messages for each in transitions):
            async with self.unit_of_work() as unit:
                lost = await unit.apply(transitions)
                await unit.commit()
            return lost
        return self._write(transitions)

    def _write(self, transitions: Sequence[Transition]) -> frozenset[UUID]:
        won: dict[UUID, Transition] = {}
        for each in transitions:
            if not _is_lost(each, self._tables):
                self._tables.write(each)
                won[each.instance.id] = each
        instances = [each.instance for each in won.values()]
        _note(self._wake, instances)
        if self._changes.listeners:
            disturbed = {id_ for id_, each in won.items() if each.disturbs}
            self._changes.tell(_is_any_due(instances), disturbed, won)
        return frozenset([each.instance.id for each in transitions if each.instance.id not in won])

    async def claim_due(
        self,
        now: datetime,
        until: datetime,
        limit: int,
        definitions: Collection[DefinitionKey] | None = None,
    ) -> Sequence[Instance]:
        """Take due instances; see the port."""
        due: dict[DefinitionKey, list[UUID]] = {}
        ready = [(moment, id_.int, id_) for id_, moment in self._wake.items() if moment <= now]
        for _, _, id_ in sorted(ready):
            key = self._definition_of(id_)
            if definitions is None or key in definitions:
                due.setdefault(key, []).append(id_)
        claimed: list[UUID] = []
        for place, ids in enumerate(due.values()):
            share = -(-(limit - len(claimed)) // (len(due) - place))
            claimed += ids[:share]
        return [self._defer(id_, until) for id_ in claimed]

    def _definition_of(self, instance_id: UUID) -> DefinitionKey:
        instance = self._tables.instances[instance_id]
        return instance.definition_name, instance.definition_version

    def _defer(self, instance_id: UUID, until: datetime) -> Instance:
        self._wake[instance_id] = until
        deferred = changed(self._tables.instances[instance_id], wake_at=until)
        self._tables.instances[instance_id] = deferred
        return deferred

    async def put_off(self, claimed: Instance, until: datetime | None) -> None:
        """Make a claimed instance due later; see the port."""
        stored = self._tables.instances[claimed.id]
        if stored.revision == claimed.revision and self._wake.get(claimed.id) == claimed.wake_at:
            self._tables.instances[claimed.id] = changed(stored, wake_at=until)
            if until is None:
                del self._wake[claimed.id]
            else:
                self._wake[claimed.id] = until

    async def next_due(self, definitions: Collection[DefinitionKey] | None = None) -> datetime | None:
        """Return when something is due next; see the port."""
        moments = (
            moment
            for id_, moment in self._wake.items()
            if definitions is None or self._definition_of(id_) in definitions
        )
        return min(moments, default=None)

    async def due_definitions(self, now: datetime) -> frozenset[DefinitionKey]:
        """Return the definitions of which something is due; see the port."""
        due = {self._definition_of(id_) for id_, moment in self._wake.items() if moment <= now}
        return frozenset(due & self._tables.definitions.keys())

    async def purge(self, now: datetime) -> int:
        """Forget expired messages and reservations; see the port."""
        reservations = self._tables.reservations
        expired = [key for key, each in reservations.items() if each.expires_at <= now]
        for key in expired:
            del reservations[key]
        return len(expired) + self._tables.mailbox.purge(now)

    @asynccontextmanager
    async def changes(self, heard: Callable[[UUID | None], None]) -> AsyncIterator[MemoryChanges]:
        """Hear of commits; see the port."""
        self._changes.listeners.append(heard)
        try:
            yield self._changes
        finally:
            self._changes.listeners.remove(heard)

    async def enlist(self, runner_id: str, until: datetime) -> None:
        """Note a runner; see the port."""
        self._runners[runner_id] = until

    async def renew(self, runner_id: str, until: datetime) -> bool:
        """Extend a runner's lease; see the port."""
        if runner_id not in self._runners:
            return False
        self._runners[runner_id] = until
        return True

    async def discharge(self, runner_id: str) -> None:
        """Forget a runner and wake what may be running; see the port."""
        if self._runners.pop(runner_id, None) is None:
            return
        now = datetime.now(UTC)
        for instance_id, wake_at in [*self._wake.items()]:
            if wake_at > now and self._tables.instances[instance_id].status in _MOVING:
                self._defer(instance_id, now)

    async def strike_off(self, now: datetime) -> frozenset[str]:
        """Discharge the runners whose lease has ended; see the port."""
        lost = frozenset(runner for runner, until in self._runners.items() if until <= now)
        for runner in lost:
            await self.discharge(runner)
        return lost

    async def runners(self) -> frozenset[str]:
        """Return the runners on the list."""
        return frozenset(self._runners)

    async def prepare(self) -> None:
        """Do nothing: memory needs no preparation."""

    async def close(self) -> None:
        """Hold on to nothing: the memory goes with the object."""


class MemoryChanges:
    """Implements `ports.Changes` for all who listen."""

    def __init__(self) -> None:
        self.listeners: list[Callable[[UUID | None], None]] = []
        self._watched: dict[UUID | None, datetime] = {}

    async def watch(self, instance_id: UUID | None) -> None:
        """Tell of every transition of an instance; see the port."""
        now = datetime.now(UTC)
        self._watched = {id_: until for id_, until in self._watched.items() if until > now}
        self._watched[instance_id] = now + WATCHED

    def tell(self, due: bool, disturbed: Collection[UUID], written: Collection[UUID]) -> None:  # noqa: FBT001
        """Tell what was committed."""
        watches_all = None in self._watched
        news: list[UUID | None] = [
            id_ for id_ in written if watches_all or id_ in disturbed or id_ in self._watched
        ]
        if due:
            news.append(None)
        for heard in self.listeners if news else ():
            for each in news:
                heard(each)


class MemoryUnitOfWork:
    """A transaction on a `MemoryStorage`: what it writes stays here until it is committed."""

    def __init__(
        self,
        tables: _Tables,
        wake: dict[UUID, datetime],
        writing: asyncio.Lock,
        changes: MemoryChanges,
    ) -> None:
        self._stored = tables
        self._written = _Tables()
        self._wake = wake
        self._writing = writing
        self._changes = changes
        self._disturbed: set[UUID] = set()
        self._is_writing = False

    @property
    def definitions(self) -> _Definitions:
        """The definitions, in this transaction."""
        return _Definitions(self)

    @property
    def instances(self) -> _Instances:
        """The instances, in this transaction."""
        return _Instances(self._stored, self._written)

    @property
    def tasks(self) -> _Tasks:
        """The tasks, in this transaction."""
        return _Tasks(self._stored, self._written)

    @property
    def history(self) -> _History:
        """The histories, in this transaction."""
        return _History(self._stored, self._written)

    @property
    def substitutions(self) -> _Substitutions:
        """Who stands in for whom, in this transaction."""
        return _Substitutions(self)

    @property
    def messages(self) -> Messages:
        """The messages, in this transaction."""
        return Messages(self._stored.mailbox, self._written.mailbox, self.writable, self._find_instance)

    @property
    def reservations(self) -> _Reservations:
        """The keys that are reserved for requests, in this transaction."""
        return _Reservations(self)

    def _find_instance(self, instance_id: UUID) -> Instance | None:
        return _look_up(instance_id, self._written.instances, self._stored.instances)

    def session(self) -> AbstractAsyncContextManager[None]:
        """Give nothing: there is nowhere else to write."""
        return nullcontext()

    async def writable(self) -> _Tables:
        """Wait until nobody else writes, and return where to write."""
        if not self._is_writing:
            await self._writing.acquire()
            self._is_writing = True
        return self._written

    async def apply(self, transitions: Sequence[Transition]) -> frozenset[UUID]:
        """Write transitions; see the port."""
        written = await self.writable()
        lost: set[UUID] = set()
        for transition in transitions:
            instance = transition.instance
            if _is_lost(transition, written, self._stored) or (
                transition.consumes and await self.messages.refuses(transition)
            ):
                lost.add(instance.id)
                continue
            written.write(transition)
            if transition.listens or transition.waits is not None:
                await self.messages.settle(transition)
            if transition.disturbs:
                self._disturbed.add(instance.id)
        return frozenset(lost)

    async def commit(self) -> None:
        """Make the writes visible to everybody, all at once."""
        stored, written = self._stored, self._written
        stored.definitions.update(written.definitions)
        stored.instances.update(written.instances)
        stored.started.update(written.started)
        stored.tasks.update(written.tasks)
        stored.substitutions.update(written.substitutions)
        stored.reservations.update(written.reservations)
        for instance_id, entries in written.history.items():
            stored.history.setdefault(instance_id, []).extend(entries)
        for instance_id, values in written.searchable.items():
            stored.searchable.setdefault(instance_id, {}).update(values)
        stored.feed.extend(written.feed)
        stored.mailbox.update(written.mailbox)
        _note(self._wake, written.instances.values())
        woken = self._wake_for_mail(written.mailbox)
        is_due = woken or _is_any_due(written.instances.values())
        self._changes.tell(is_due, self._disturbed, written.instances)
        self.end()

    def _wake_for_mail(self, written: Mailbox) -> bool:
        """Make the instances due that there is mail for; return whether there are any."""
        for id_, moment in written.woken.items():
            instance = self._stored.instances[id_]
            if instance.wake_at is None or instance.wake_at > moment:
                self._stored.instances[id_] = changed(instance, wake_at=moment)
                self._wake[id_] = moment
        return bool(written.woken)

    def end(self) -> None:
        """Drop what was not committed and let others write."""
        self._written = _Tables()
        self._disturbed = set()
        if self._is_writing:
            self._is_writing = False
            self._writing.release()


def _is_lost(transition: Transition, *tables: _Tables) -> bool:
    """Say whether a transition lost by its revision or its key; the tables are given newest first."""
    new = transition.instance
    known = _look_up(new.id, *(table.instances for table in tables))
    if not transition.is_start:
        return known is None or known.revision != new.revision - 1
    key = new.idempotency_key
    return known is not None or (key is not None and any(key in table.started for table in tables))


def _note(wake: dict[UUID, datetime], instances: Iterable[Instance]) -> None:
    """Note when instances are due."""
    for instance in instances:
        if instance.wake_at is None:
            wake.pop(instance.id, None)
        else:
            wake[instance.id] = instance.wake_at


def _is_any_due(instances: Iterable[Instance]) -> bool:
    return any(each.wake_at is not None and each.wake_at <= each.updated_at for each in instances)


def _look_up(key: K, *tables: dict[K, V]) -> V | None:
    """Return the newest value: the tables are given newest first."""
    return next((table[key] for table in tables if key in table), None)


@frozen
class _Definitions:
    unit: MemoryUnitOfWork

    async def add(self, definition: StoredDefinition) -> None:
        written = await self.unit.writable()
        key = (definition.name, definition.version)
        known = _look_up(key, written.definitions, self.unit._stored.definitions)  # noqa: SLF001 - two halves of one thing
        if known is None:
            written.definitions[key] = definition
        elif known.content_hash != definition.content_hash:
            raise DefinitionConflictError(*key)

    async def find(self, name: str | None = None) -> Sequence[StoredDefinition]:
        tables = self.unit._stored.definitions | self.unit._written.definitions  # noqa: SLF001
        found = [definition for definition in tables.values() if name in {None, definition.name}]
        return sorted(found, key=lambda definition: (definition.name, definition.created_at))

    async def keys(self) -> frozenset[DefinitionKey]:
        return frozenset(self.unit._stored.definitions | self.unit._written.definitions)  # noqa: SLF001


@frozen
class _Instances:
    stored: _Tables
    written: _Tables

    async def get(self, instance_id: UUID) -> Instance:
        instance = _look_up(instance_id, self.written.instances, self.stored.instances)
        if instance is None:
            raise InstanceNotFoundError(instance_id)
        return instance

    async def get_of_task(self, task_id: UUID) -> Instance:
        task = _look_up(task_id, self.written.tasks, self.stored.tasks)
        if task is None:
            raise TaskNotFoundError(task_id)
        return await self.get(task.instance_id)

    async def find(self, query: InstanceQuery) -> Sequence[InstanceSummary]:
        every = (self.stored.instances | self.written.instances).values()
        found = [
            summary
            for each in every
            if is_wanted_instance(query, summary := summarize(each), each, self._values(each.id))
        ]
        return _page(instances_in_order(query, found), query.offset, query.limit)

    def _values(self, instance_id: UUID) -> Mapping[str, str | None]:
        stored, written = self.stored.searchable.get(instance_id), self.written.searchable.get(instance_id)
        return {**(stored or {}), **(written or {})}

    async def count(self, query: InstanceQuery) -> int:
        return len(await self._all(query))

    async def _all(self, query: InstanceQuery) -> Sequence[InstanceSummary]:
        """Return what the query asks for, whatever page of it."""
        return await self.find(evolve(query, after=None, limit=None, offset=0))

    async def tally(self, query: InstanceQuery) -> Sequence[InstanceTally]:
        found: dict[tuple[str, str, InstanceStatus], list[datetime]] = {}
        for each in await self._all(query):
            key = (each.definition_name, each.definition_version, each.status)
            found.setdefault(key, []).append(each.started_at)
        return [
            InstanceTally(
                definition_name=name,
                definition_version=version,
                status=status,
                count=len(moments),
                oldest=min(moments),
            )
            for (name, version, status), moments in sorted(found.items())
        ]

    async def tally_steps(self, query: InstanceQuery) -> Sequence[StepTally]:
        found: dict[tuple[str, str, str], list[datetime]] = {}
        for each in await self._all(query):
            if each.current_step is not None:
                key = (each.definition_name, each.definition_version, each.current_step)
                found.setdefault(key, []).append(each.updated_at)
        return [
            StepTally(
                definition_name=name,
                definition_version=version,
                step=step,
                count=len(moments),
                unmoved_since=min(moments),
            )
            for (name, version, step), moments in sorted(found.items())
        ]

    async def tally_days(self, query: InstanceQuery, since: datetime) -> Mapping[date, int]:
        every = await self._all(query)
        ends = (each.completed_at for each in every if each.completed_at is not None)
        return Counter(end.astimezone(UTC).date() for end in ends if end >= since)

    async def find_started(self, idempotency_key: str) -> UUID | None:
        return _look_up(idempotency_key, self.written.started, self.stored.started)


@frozen
class _Tasks:
    stored: _Tables
    written: _Tables

    async def get(self, task_id: UUID) -> Task:
        task = _look_up(task_id, self.written.tasks, self.stored.tasks)
        if task is None:
            raise TaskNotFoundError(task_id)
        return task

    async def find(self, query: TaskQuery) -> Sequence[Task]:
        every = (self.stored.tasks | self.written.tasks).values()
        found = [task for task in every if is_wanted_task(query, task, self._instance_of(task))]
        return _page(in_order(query, found), query.offset, query.limit)

    async def count(self, query: TaskQuery) -> int:
        return len(await self.find(evolve(query, after=None, limit=None, offset=0)))

    def _instance_of(self, task: Task) -> Instance | None:
        return _look_up(task.instance_id, self.written.instances, self.stored.instances)


@frozen
class _Substitutions:
    unit: MemoryUnitOfWork

    async def save(self, substitution: Substitution) -> None:
        written = await self.unit.writable()
        written.substitutions[substitution.id] = substitution

    async def find(self, query: SubstitutionQuery) -> Sequence[Substitution]:
        every = self.unit._stored.substitutions | self.unit._written.substitutions  # noqa: SLF001
        found = [
            each
            for each in every.values()
            if each.tenant_id == query.tenant_id
            and query.absent in {None, each.absent}
            and query.substitute in {None, each.substitute}
            and (query.at is None or each.since <= query.at < each.until)
            and (query.not_over_at is None or query.not_over_at < each.until)
        ]
        return sorted(found, key=lambda each: (each.since, each.id.bytes))

    async def get(self, substitution_id: UUID) -> Substitution:
        written, stored = self.unit._written, self.unit._stored  # noqa: SLF001
        found = _look_up(substitution_id, written.substitutions, stored.substitutions)
        if found is None:
            raise SubstitutionNotFoundError(substitution_id)
        return found


@frozen
class _Reservations:
    unit: MemoryUnitOfWork

    async def find(self, key: str) -> Reservation | None:
        written, stored = self.unit._written, self.unit._stored  # noqa: SLF001
        return _look_up(key, written.reservations, stored.reservations)

    async def swap(self, old: Reservation | None, new: Reservation) -> bool:
        written = await self.unit.writable()
        there = await self.find(new.key)
        if old is None or there is None:
            is_same = there is old
        else:
            is_same = there.holder == old.holder and (there.answer is None) == (old.answer is None)
        if is_same:
            written.reservations[new.key] = new
        return is_same


@frozen
class _History:
    stored: _Tables
    written: _Tables

    async def get(self, instance_id: UUID, *, after: int = 0) -> Sequence[HistoryEntry]:
        entries = [*self.stored.history.get(instance_id, ()), *self.written.history.get(instance_id, ())]
        return entries[after:]

    async def feed(self, place: str | None, limit: int, visible_to: Visibility | None = None) -> FeedPage:
        if place is None:
            return FeedPage((), str(len(self.stored.feed)))
        found: list[FeedEntry] = []
        number = Place.parse(place).number
        while number < len(self.stored.feed) and len(found) < limit:
            entry = self.stored.feed[number]
            number += 1
            instance = self.stored.instances[entry.instance_id]
            if visible_to is None or is_seen(visible_to, instance):
                key = instance.definition_name, instance.definition_version
                found.append(FeedEntry(str(number), entry, *key))
        return FeedPage(tuple(found), str(number))


def _page(found: list[V], offset: int, limit: int | None) -> list[V]:
    return found[offset:] if limit is None else found[offset : offset + limit]
