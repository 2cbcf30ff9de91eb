"""When instances are due."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from workflows_core.states import InstanceStatus
from workflows_core.values import changed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from uuid import UUID

    from workflows_core.instance import Instance
    from workflows_core.memory.tables import Tables
    from workflows_core.ports import DefinitionKey

_MOVING: Final = frozenset({InstanceStatus.RUNNING, InstanceStatus.FAILED})
"""Statuses in which a runner may be at work; on other branches, where one has failed."""


class Agenda:
    """When the instances in some tables are due."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._wake: dict[UUID, datetime] = {}

    def note(self, instances: Iterable[Instance]) -> None:
        """Note when instances are due that were written."""
        for instance in instances:
            if instance.wake_at is None:
                self._wake.pop(instance.id, None)
            else:
                self._wake[instance.id] = instance.wake_at

    def next(self, definitions: Collection[DefinitionKey] | None) -> datetime | None:
        """Return when something is due next; see `Storage.next_due`."""
        moments = (
            moment
            for id_, moment in self._wake.items()
            if definitions is None or self._definition_of(id_) in definitions
        )
        return min(moments, default=None)

    def definitions(self, now: datetime) -> frozenset[DefinitionKey]:
        """Return the definitions of which something is due; see `Storage.due_definitions`."""
        due = {self._definition_of(id_) for id_, moment in self._wake.items() if moment <= now}
        return frozenset(due & self._tables.definitions.keys())

    def claim(
        self, now: datetime, until: datetime, limit: int, definitions: Collection[DefinitionKey] | None
    ) -> Sequence[Instance]:
        """Take due instances; see `Storage.claim_due`."""
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
        return [self._set(id_, until) for id_ in claimed]

    def put_off(self, claimed: Instance, until: datetime | None) -> None:
        """Make a claimed instance due later; see `Storage.put_off`."""
        stored = self._tables.instances[claimed.id]
        if stored.revision == claimed.revision and self._wake.get(claimed.id) == claimed.wake_at:
            later = changed(stored, wake_at=until)
            self._tables.instances[claimed.id] = later
            self.note([later])

    def bring_forward(self, moments: Mapping[UUID, datetime]) -> None:
        """Make instances due at these moments, unless they are earlier."""
        for id_, moment in moments.items():
            known = self._tables.instances[id_].wake_at
            if known is None or known > moment:
                self._set(id_, moment)

    def wake_moving(self, now: datetime) -> None:
        """Make due whatever a runner may be at work on."""
        for id_, moment in [*self._wake.items()]:
            if moment > now and self._tables.instances[id_].status in _MOVING:
                self._set(id_, now)

    def _set(self, instance_id: UUID, moment: datetime) -> Instance:
        self._wake[instance_id] = moment
        instance = changed(self._tables.instances[instance_id], wake_at=moment)
        self._tables.instances[instance_id] = instance
        return instance

    def _definition_of(self, instance_id: UUID) -> DefinitionKey:
        instance = self._tables.instances[instance_id]
        return instance.definition_name, instance.definition_version


def is_any_due(instances: Iterable[Instance]) -> bool:
    """Say whether one of the instances that were written is due at once."""
    return any(each.wake_at is not None and each.wake_at <= each.updated_at for each in instances)
