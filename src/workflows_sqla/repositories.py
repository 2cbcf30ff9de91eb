"""The repositories of the port, over whatever answers statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from workflows_core.errors import DefinitionConflictError, InstanceNotFoundError, TaskNotFoundError
from workflows_core.instance import Instance
from workflows_core.ports import (
    DefinitionKey,
    FeedPage,
    InstanceQuery,
    InstanceSummary,
    InstanceTally,
    StepTally,
    StoredDefinition,
    TaskQuery,
)
from workflows_core.tasks import Task
from workflows_core.transition import HistoryEntry
from workflows_core.visibility import Visibility
from workflows_sqla import statements
from workflows_sqla.converter import (
    AnyRow,
    from_definition,
    to_definition,
    to_entry,
    to_instance,
    to_step_tally,
    to_summary,
    to_tally,
    to_task,
    to_tasks,
)
from workflows_sqla.feed import read_feed
from workflows_sqla.inbox import task_count, task_page
from workflows_sqla.instance_lists import instance_count, instance_page
from workflows_sqla.transactions import Reader, Transaction

_FIRST_DAY: Final = date(1970, 1, 1)
_DAY: Final = timedelta(days=1)


class Definitions:
    """Implements `ports.DefinitionRepository`."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def add(self, definition: StoredDefinition) -> None:
        """Remember a definition; see the port."""
        await self._transaction.for_writing()
        insert = statements.add_definition(self._transaction.dialect)
        added = await self._transaction.execute(insert, from_definition(definition))
        if added.first() is not None:
            return
        key = {"name": definition.name, "version": definition.version}
        known = await self._transaction.execute(statements.content_hash(), key)
        if known.scalar_one() != definition.content_hash:
            raise DefinitionConflictError(definition.name, definition.version)

    async def find(self, name: str | None = None) -> Sequence[StoredDefinition]:
        """Return all versions; see the port."""
        return [
            to_definition(row) for row in await self._transaction.execute(statements.stored_definitions(name))
        ]

    async def keys(self) -> frozenset[DefinitionKey]:
        """Return name and version of all; see the port."""
        found = await self._transaction.execute(statements.definition_keys())
        return frozenset((row.name, row.version) for row in found)


class Instances:
    """Implements `ports.InstanceRepository`."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def get(self, instance_id: UUID) -> Instance:
        """Return an instance; see the port."""
        result = await self._reader.execute(statements.instance_rows(), {"ids": [instance_id]})
        found = await self.complete(result.all())
        if not found:
            raise InstanceNotFoundError(instance_id)
        return found[0]

    async def get_of_task(self, task_id: UUID) -> Instance:
        """Return the instance of a task; see the port."""
        result = await self._reader.execute(statements.instance_row_of_task(), {"task_id": task_id})
        found = await self.complete(result.all())
        if not found:
            raise TaskNotFoundError(task_id)
        return found[0]

    async def complete(self, rows: Sequence[AnyRow]) -> Sequence[Instance]:
        """Return the instances of these rows, in their order, with their open tasks and unsaved patches.

        Where statements do not share one snapshot of the database, an instance may move on between them:
        the last one tells its revision, and what does not fit together is read again.
        """
        current = {row.id: row for row in rows}
        found: dict[UUID, Instance] = {}
        while current:
            entries = await self._unsaved(current.values())
            result = await self._reader.execute(statements.open_tasks(), {"ids": [*current]})
            revisions: dict[UUID, int] = {}
            tasks: dict[UUID, dict[UUID, Task]] = defaultdict(dict)
            for row in result:
                revisions[row.owner_id] = row.owner_revision
                if row.id is not None:
                    tasks[row.owner_id][row.id] = to_task(row)
            moved = []
            for id_, row in current.items():
                if revisions.get(id_) == row.revision:
                    found[id_] = to_instance(row, tasks[id_], entries[id_])
                elif id_ in revisions:
                    moved.append(id_)
            current = await self._again(moved)
        return [found[row.id] for row in rows if row.id in found]

    async def _unsaved(self, rows: Iterable[AnyRow]) -> dict[UUID, list[HistoryEntry]]:
        """Return the history since the snapshot, of those that have any."""
        entries: dict[UUID, list[HistoryEntry]] = defaultdict(list)
        behind = [row.id for row in rows if row.data_revision < row.revision]
        if behind:
            for row in await self._reader.execute(statements.unsaved_patches(), {"ids": behind}):
                entries[row.instance_id].append(to_entry(row))
        return entries

    async def _again(self, ids: list[UUID]) -> dict[UUID, AnyRow]:
        if not ids:
            return {}
        return {row.id: row for row in await self._reader.execute(statements.instance_rows(), {"ids": ids})}

    async def find(self, query: InstanceQuery) -> Sequence[InstanceSummary]:
        """Return what lists show; see the port."""
        return [to_summary(row) for row in await self._reader.execute(instance_page(query))]

    async def count(self, query: InstanceQuery) -> int:
        """Count instances; see the port."""
        counted: int = (await self._reader.execute(instance_count(query))).scalar_one()
        return counted

    async def tally(self, query: InstanceQuery) -> Sequence[InstanceTally]:
        """Count instances by definition and status; see the port."""
        return [to_tally(row) for row in await self._reader.execute(statements.instance_tally(query))]

    async def tally_steps(self, query: InstanceQuery) -> Sequence[StepTally]:
        """Count instances by definition and current step; see the port."""
        return [to_step_tally(row) for row in await self._reader.execute(statements.step_tally(query))]

    async def tally_days(self, query: InstanceQuery, since: datetime) -> Mapping[date, int]:
        """Count instances by the day on which they ended; see the port."""
        counted = await self._reader.execute(statements.day_tally(query, since, self._reader.dialect))
        return {_FIRST_DAY + row.day * _DAY: row.tally for row in counted}

    async def find_started(self, idempotency_key: str) -> UUID | None:
        """Return the instance started under a key; see the port."""
        result = await self._reader.execute(statements.started_under(), {"idempotency_key": idempotency_key})
        started: UUID | None = result.scalar_one_or_none()
        return started


class Tasks:
    """Implements `ports.TaskRepository`."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def get(self, task_id: UUID) -> Task:
        """Return a task; see the port."""
        row = (await self._reader.execute(statements.task_row(), {"task_id": task_id})).first()
        if row is None:
            raise TaskNotFoundError(task_id)
        return to_task(row)

    async def find(self, query: TaskQuery) -> Sequence[Task]:
        """Return tasks; see the port."""
        return to_tasks(await self._reader.execute(*task_page(query, self._reader.dialect)))

    async def count(self, query: TaskQuery) -> int:
        """Count tasks; see the port."""
        counted: int = (await self._reader.execute(*task_count(query, self._reader.dialect))).scalar_one()
        return counted


class History:
    """Implements `ports.HistoryRepository`."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def get(self, instance_id: UUID, *, after: int = 0) -> Sequence[HistoryEntry]:
        """Return the entries above a revision; see the port."""
        asked = {"instance_id": instance_id, "after": after}
        return [to_entry(row) for row in await self._reader.execute(statements.history_after(), asked)]

    async def feed(self, place: str | None, limit: int, visible_to: Visibility | None = None) -> FeedPage:
        """Return what stands in the feed behind a place; see the port."""
        return await read_feed(self._reader, place, limit, visible_to)
