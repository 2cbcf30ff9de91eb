"""Reading what is stored, and what a unit of work has written over it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, TypeVar

from attrs import evolve, frozen

from workflows_core.errors import (
    DefinitionConflictError,
    InstanceNotFoundError,
    SubstitutionNotFoundError,
    TaskNotFoundError,
)
from workflows_core.feed import Place
from workflows_core.listing import in_order, instances_in_order, is_seen, is_wanted_instance, is_wanted_task
from workflows_core.memory.tables import look_up
from workflows_core.ports import (
    FeedEntry,
    FeedPage,
    InstanceSummary,
    InstanceTally,
    StepTally,
    StoredDefinition,
    summarize,
)
from workflows_core.states import InstanceStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from workflows_core.actors import Substitution
    from workflows_core.instance import Instance
    from workflows_core.memory.draft import Draft
    from workflows_core.ports import DefinitionKey, InstanceQuery, SubstitutionQuery, TaskQuery
    from workflows_core.reservations import Reservation
    from workflows_core.tasks import Task
    from workflows_core.transition import HistoryEntry
    from workflows_core.visibility import Visibility

V = TypeVar("V")


@frozen
class Definitions:
    """Implements `ports.DefinitionRepository`."""

    draft: Draft

    async def add(self, definition: StoredDefinition) -> None:
        """Remember a definition; see the port."""
        written = await self.draft.writable()
        key = (definition.name, definition.version)
        known = look_up(key, self.draft.written.definitions, self.draft.stored.definitions)
        if known is None:
            written.definitions[key] = definition
        elif known.content_hash != definition.content_hash:
            raise DefinitionConflictError(*key)

    async def find(self, name: str | None = None) -> Sequence[StoredDefinition]:
        """Return definitions; see the port."""
        tables = self.draft.stored.definitions | self.draft.written.definitions
        found = [definition for definition in tables.values() if name in {None, definition.name}]
        return sorted(found, key=lambda definition: (definition.name, definition.created_at))

    async def keys(self) -> frozenset[DefinitionKey]:
        """Return names and versions; see the port."""
        return frozenset(self.draft.stored.definitions | self.draft.written.definitions)


@frozen
class Instances:
    """Implements `ports.InstanceRepository`."""

    draft: Draft

    async def get(self, instance_id: UUID) -> Instance:
        """Return an instance; see the port."""
        instance = look_up(instance_id, self.draft.written.instances, self.draft.stored.instances)
        if instance is None:
            raise InstanceNotFoundError(instance_id)
        return instance

    async def get_of_task(self, task_id: UUID) -> Instance:
        """Return the instance of a task; see the port."""
        task = look_up(task_id, self.draft.written.tasks, self.draft.stored.tasks)
        if task is None:
            raise TaskNotFoundError(task_id)
        return await self.get(task.instance_id)

    async def find(self, query: InstanceQuery) -> Sequence[InstanceSummary]:
        """Return what lists show of instances; see the port."""
        every = (self.draft.stored.instances | self.draft.written.instances).values()
        found = [
            summary
            for each in every
            if is_wanted_instance(query, summary := summarize(each), each, self._values(each.id))
        ]
        return _page(instances_in_order(query, found), query.offset, query.limit)

    def _values(self, instance_id: UUID) -> Mapping[str, str | None]:
        stored, written = (
            self.draft.stored.searchable.get(instance_id),
            self.draft.written.searchable.get(instance_id),
        )
        return {**(stored or {}), **(written or {})}

    async def count(self, query: InstanceQuery) -> int:
        """Count instances; see the port."""
        return len(await self._all(query))

    async def _all(self, query: InstanceQuery) -> Sequence[InstanceSummary]:
        """Return what the query asks for, whatever page of it."""
        return await self.find(evolve(query, after=None, limit=None, offset=0))

    async def tally(self, query: InstanceQuery) -> Sequence[InstanceTally]:
        """Count instances by definition and status; see the port."""
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
        """Count instances by definition and step; see the port."""
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
        """Count instances by the day on which they ended; see the port."""
        every = await self._all(query)
        ends = (each.completed_at for each in every if each.completed_at is not None)
        return Counter(end.astimezone(UTC).date() for end in ends if end >= since)

    async def find_started(self, idempotency_key: str) -> UUID | None:
        """Return what was started under a key; see the port."""
        return look_up(idempotency_key, self.draft.written.started, self.draft.stored.started)


@frozen
class Tasks:
    """Implements `ports.TaskRepository`."""

    draft: Draft

    async def get(self, task_id: UUID) -> Task:
        """Return a task; see the port."""
        task = look_up(task_id, self.draft.written.tasks, self.draft.stored.tasks)
        if task is None:
            raise TaskNotFoundError(task_id)
        return task

    async def find(self, query: TaskQuery) -> Sequence[Task]:
        """Return tasks; see the port."""
        every = (self.draft.stored.tasks | self.draft.written.tasks).values()
        found = [task for task in every if is_wanted_task(query, task, self._instance_of(task))]
        return _page(in_order(query, found), query.offset, query.limit)

    async def count(self, query: TaskQuery) -> int:
        """Count tasks; see the port."""
        return len(await self.find(evolve(query, after=None, limit=None, offset=0)))

    def _instance_of(self, task: Task) -> Instance | None:
        return look_up(task.instance_id, self.draft.written.instances, self.draft.stored.instances)


@frozen
class Substitutions:
    """Implements `ports.SubstitutionRepository`."""

    draft: Draft

    async def save(self, substitution: Substitution) -> None:
        """Keep a substitution; see the port."""
        written = await self.draft.writable()
        written.substitutions[substitution.id] = substitution

    async def find(self, query: SubstitutionQuery) -> Sequence[Substitution]:
        """Return substitutions; see the port."""
        every = self.draft.stored.substitutions | self.draft.written.substitutions
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
        """Return a substitution; see the port."""
        found = look_up(substitution_id, self.draft.written.substitutions, self.draft.stored.substitutions)
        if found is None:
            raise SubstitutionNotFoundError(substitution_id)
        return found


@frozen
class Reservations:
    """Implements `ports.ReservationRepository`."""

    draft: Draft

    async def find(self, key: str) -> Reservation | None:
        """Return what is reserved under a key; see the port."""
        return look_up(key, self.draft.written.reservations, self.draft.stored.reservations)

    async def swap(self, old: Reservation | None, new: Reservation) -> bool:
        """Put a reservation in the place of another; see the port."""
        written = await self.draft.writable()
        there = await self.find(new.key)
        if old is None or there is None:
            is_same = there is old
        else:
            is_same = there.holder == old.holder and (there.answer is None) == (old.answer is None)
        if is_same:
            written.reservations[new.key] = new
        return is_same


@frozen
class History:
    """Implements `ports.HistoryRepository`."""

    draft: Draft

    async def get(self, instance_id: UUID, *, after: int = 0) -> Sequence[HistoryEntry]:
        """Return the history of an instance; see the port."""
        entries = [
            *self.draft.stored.history.get(instance_id, ()),
            *self.draft.written.history.get(instance_id, ()),
        ]
        return entries[after:]

    async def feed(self, place: str | None, limit: int, visible_to: Visibility | None = None) -> FeedPage:
        """Return a part of the feed; see the port."""
        if place is None:
            return FeedPage((), str(len(self.draft.stored.feed)))
        found: list[FeedEntry] = []
        number = Place.parse(place).number
        while number < len(self.draft.stored.feed) and len(found) < limit:
            entry = self.draft.stored.feed[number]
            number += 1
            instance = self.draft.stored.instances[entry.instance_id]
            if visible_to is None or is_seen(visible_to, instance):
                key = instance.definition_name, instance.definition_version
                found.append(FeedEntry(str(number), entry, *key))
        return FeedPage(tuple(found), str(number))


def _page(found: list[V], offset: int, limit: int | None) -> list[V]:
    return found[offset:] if limit is None else found[offset : offset + limit]
