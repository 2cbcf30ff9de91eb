"""The storage: transactions, what is due, the list of runners, and hearing of changes."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from workflows_core.memory.agenda import Agenda, is_any_due
from workflows_core.memory.changes import MemoryChanges
from workflows_core.memory.draft import Draft
from workflows_core.memory.tables import Tables, is_lost
from workflows_core.memory.unit_of_work import MemoryUnitOfWork

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Hashable, Sequence
    from uuid import UUID

    from workflows_core.instance import Instance
    from workflows_core.ports import DefinitionKey
    from workflows_core.transition import Transition


class MemoryStorage:
    """Implements `ports.Storage` in the memory of one process and one event loop."""

    def __init__(self) -> None:
        self._tables = Tables()
        self._agenda = Agenda(self._tables)
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
        unit = MemoryUnitOfWork(Draft(self._tables, self._writing), self._agenda, self._changes)
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
            if not is_lost(each, self._tables):
                self._tables.write(each)
                won[each.instance.id] = each
        instances = [each.instance for each in won.values()]
        self._agenda.note(instances)
        if self._changes.listeners:
            disturbed = {id_ for id_, each in won.items() if each.disturbs}
            self._changes.tell(is_any_due(instances), disturbed, won)
        return frozenset([each.instance.id for each in transitions if each.instance.id not in won])

    async def claim_due(
        self,
        now: datetime,
        until: datetime,
        limit: int,
        definitions: Collection[DefinitionKey] | None = None,
    ) -> Sequence[Instance]:
        """Take due instances; see the port."""
        return self._agenda.claim(now, until, limit, definitions)

    async def put_off(self, claimed: Instance, until: datetime | None) -> None:
        """Make a claimed instance due later; see the port."""
        self._agenda.put_off(claimed, until)

    async def next_due(self, definitions: Collection[DefinitionKey] | None = None) -> datetime | None:
        """Return when something is due next; see the port."""
        return self._agenda.next(definitions)

    async def due_definitions(self, now: datetime) -> frozenset[DefinitionKey]:
        """Return the definitions of which something is due; see the port."""
        return self._agenda.definitions(now)

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
        if self._runners.pop(runner_id, None) is not None:
            self._agenda.wake_moving(datetime.now(UTC))

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
