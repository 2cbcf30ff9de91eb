"""Rows to values and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final, TypeAlias
from uuid import UUID

from attrs import AttrsInstance, asdict, fields
from sqlalchemy import Row

from workflows_core.evolution import replay
from workflows_core.instance import Instance
from workflows_core.ports import InstanceSummary, StoredDefinition
from workflows_core.serialization import (
    TaskDetails,
    details_from_json,
    details_to_json,
    events_from_json,
    events_to_json,
    snapshot_from_json,
    snapshot_to_json,
    state_from_json,
    state_to_json,
)
from workflows_core.states import InstanceStatus
from workflows_core.tasks import Task
from workflows_core.transition import HistoryEntry, Transition

Values: TypeAlias = dict[str, Any]
AnyRow: TypeAlias = Row[Any]

_LISTS: Final = ("outcomes", "candidate_users", "candidate_groups")
_DETAILS: Final = frozenset(field.name for field in fields(TaskDetails))
_SEARCHED: Final = tuple(field.name for field in fields(Task) if field.name not in _DETAILS)
"""The fields of a task that have columns of their own."""


def from_definition(definition: StoredDefinition) -> Values:
    """Make the row of a definition."""
    return asdict(definition, recurse=False)


def to_definition(row: AnyRow) -> StoredDefinition:
    """Read a definition."""
    return StoredDefinition(**_fields(row, StoredDefinition))


def from_start(transition: Transition) -> Values:
    """Make the row of a new instance."""
    instance = transition.instance
    return {
        **_moving(instance),
        "id": instance.id,
        "definition_name": instance.definition_name,
        "definition_version": instance.definition_version,
        "started_at": instance.started_at,
        "created_by": instance.created_by,
        "tenant_id": instance.tenant_id,
        "correlation_id": instance.correlation_id,
        "idempotency_key": instance.idempotency_key,
        "data_revision": instance.revision,
        "data": snapshot_to_json(instance),
    }


def from_move(transition: Transition) -> Values:
    """Make the parameters of `statements.save_instance`."""
    instance, saves = transition.instance, transition.saves_data
    values = {f"new_{name}": value for name, value in _moving(instance).items()}
    values["new_data"] = snapshot_to_json(instance) if saves else None
    values["new_data_revision"] = instance.revision if saves else None
    return values | {"instance_id": instance.id, "base_revision": instance.revision - 1}


def _moving(instance: Instance) -> Values:
    """Return what every transition may change."""
    failures = instance.failures
    return {
        "status": instance.status.value,
        "current_step": instance.current_step,
        "revision": instance.revision,
        "wake_at": instance.wake_at,
        "updated_at": instance.updated_at,
        "completed_at": instance.completed_at,
        "error": str(failures[0][1]) if failures else None,
        "saved_size": instance.saved_size,
        "unsaved_size": instance.unsaved_size,
        "state": state_to_json(instance),
    }


def to_instance(row: AnyRow, tasks: Mapping[UUID, Task], entries: Iterable[HistoryEntry]) -> Instance:
    """Read an instance: its row, its open tasks, and the history since the snapshot in the row."""
    state, snapshot = state_from_json(row.state), snapshot_from_json(row.data)
    data, forms = replay(
        snapshot.data, snapshot.forms, (event for entry in entries for event in entry.events)
    )
    return Instance(
        id=row.id,
        definition_name=row.definition_name,
        definition_version=row.definition_version,
        revision=row.revision,
        tokens=state.tokens,
        arrivals=state.arrivals,
        data=data,
        forms=forms,
        tasks=tasks,
        next_token=state.next_token,
        started_at=row.started_at,
        updated_at=row.updated_at,
        completed_at=row.completed_at,
        created_by=row.created_by,
        tenant_id=row.tenant_id,
        correlation_id=row.correlation_id,
        idempotency_key=row.idempotency_key,
        metadata=snapshot.metadata,
        doers=state.doers,
        participants=state.participants,
        cancel_reason=state.cancel_reason,
        suspend_reason=state.suspend_reason,
        wake_at=row.wake_at,
        saved_size=row.saved_size,
        unsaved_size=row.unsaved_size,
    )


def to_summary(row: AnyRow) -> InstanceSummary:
    """Read what lists show of an instance."""
    return InstanceSummary(**_fields(row, InstanceSummary) | {"status": InstanceStatus(row.status)})


def from_entry(entry: HistoryEntry) -> Values:
    """Make a row of the history."""
    return asdict(entry, recurse=False) | {"events": events_to_json(entry.events)}


def to_entry(row: AnyRow) -> HistoryEntry:
    """Read a row of the history."""
    return HistoryEntry(
        instance_id=row.instance_id,
        revision=row.revision,
        at=row.at,
        actor=row.actor,
        events=events_from_json(row.events, row.at),
    )


def from_task(task: Task) -> Values:
    """Make the row of a task."""
    values = {name: getattr(task, name) for name in _SEARCHED}
    return values | {"status": task.status.value, "details": details_to_json(task)}


def to_task(row: AnyRow) -> Task:
    """Read a task."""
    values = {name: getattr(row, name) for name in _SEARCHED}
    lists = {name: tuple(values[name]) for name in _LISTS}
    details = asdict(details_from_json(row.details), recurse=False)
    return Task(**values | lists | details)


def _fields(row: AnyRow, kind: type[AttrsInstance]) -> Values:
    """Return the columns that are fields of a value."""
    return {name: getattr(row, name) for name in _names(kind)}


@cache
def _names(kind: type[AttrsInstance]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))
