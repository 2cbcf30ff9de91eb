"""Everything that is stored, and whether a transition still applies to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from attrs import field, frozen

from workflows_core.memory.mailbox import Mailbox
from workflows_core.ports import StoredDefinition

if TYPE_CHECKING:
    from uuid import UUID

    from workflows_core.actors import Substitution
    from workflows_core.instance import Instance
    from workflows_core.reservations import Reservation
    from workflows_core.tasks import Task
    from workflows_core.transition import HistoryEntry, Transition

K = TypeVar("K")
V = TypeVar("V")


@frozen
class Tables:
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

    def update(self, later: Tables) -> None:
        """Take over what a unit of work has written."""
        self.definitions.update(later.definitions)
        self.instances.update(later.instances)
        self.started.update(later.started)
        self.tasks.update(later.tasks)
        self.substitutions.update(later.substitutions)
        self.reservations.update(later.reservations)
        for instance_id, entries in later.history.items():
            self.history.setdefault(instance_id, []).extend(entries)
        for instance_id, values in later.searchable.items():
            self.searchable.setdefault(instance_id, {}).update(values)
        self.feed.extend(later.feed)
        self.mailbox.update(later.mailbox)


def is_lost(transition: Transition, *tables: Tables) -> bool:
    """Say whether a transition lost by its revision or its key; the tables are given newest first."""
    new = transition.instance
    known = look_up(new.id, *(table.instances for table in tables))
    if not transition.is_start:
        return known is None or known.revision != new.revision - 1
    key = new.idempotency_key
    return known is not None or (key is not None and any(key in table.started for table in tables))


def look_up(key: K, *tables: dict[K, V]) -> V | None:
    """Return the newest value: the tables are given newest first."""
    return next((table[key] for table in tables if key in table), None)
