"""Rows to values and back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from operator import itemgetter
from typing import Any, Final, TypeAlias
from uuid import UUID

from attrs import AttrsInstance, asdict, fields
from sqlalchemy import Result, Row

from workflows_core.evolution import replay
from workflows_core.instance import Instance
from workflows_core.ports import NEVER, InstanceSummary, InstanceTally, StepTally, StoredDefinition
from workflows_core.search import words_in
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
from workflows_sqla.tables import tasks
from workflows_sqla.types import Document, encode

Values: TypeAlias = dict[str, Any]
AnyRow: TypeAlias = Row[Any]

_LISTS: Final = ("outcomes", "candidate_users", "candidate_groups")
_DETAILS: Final = frozenset(field.name for field in fields(TaskDetails))
_SEARCHED: Final = tuple(field.name for field in fields(Task) if field.name not in _DETAILS)
"""The fields of a task that have columns of their own."""
TASK_COLUMNS: Final = tuple(tasks.c[name] for name in (*_SEARCHED, "details"))
"""What a task is read from, without what it is only found by."""
_DOCUMENTS: Final = tuple(column.name for column in tasks.c if isinstance(column.type, Document))


def from_definition(definition: StoredDefinition) -> Values:
    """Make the row of a definition."""
    return asdict(definition, recurse=False)


def to_definition(row: AnyRow) -> StoredDefinition:
    """Read a definition."""
    return StoredDefinition(**_fields(row, StoredDefinition))


def from_transition(transition: Transition) -> Values:
    """Make the parameters of the statements in `writes`, but for those of tasks."""
    instance, entry = transition.instance, transition.entry
    status, failures = instance.status, instance.failures
    step, *others = instance.current_steps or (None,)
    saves = transition.saves_data
    return {
        "new_id": instance.id,
        "base_revision": None if transition.is_start else instance.revision - 1,
        "new_definition_name": instance.definition_name,
        "new_definition_version": instance.definition_version,
        "new_status": status.value,
        "new_current_step": step,
        "new_revision": instance.revision,
        "new_wake_at": instance.wake_at,
        "new_started_at": instance.started_at,
        "new_updated_at": instance.updated_at,
        "new_completed_at": instance.completed_at,
        "new_created_by": instance.created_by,
        "new_tenant_id": instance.tenant_id,
        "new_correlation_id": instance.correlation_id,
        "new_idempotency_key": instance.idempotency_key,
        "new_error": str(failures[0][1]) if failures else None,
        "new_saved_size": instance.saved_size,
        "new_unsaved_size": instance.unsaved_size,
        "new_data_revision": instance.revision if saves else None,
        "new_state": state_to_json(instance),
        "new_data": snapshot_to_json(instance) if saves else None,
        "new_rested_at": None if status is InstanceStatus.RUNNING else instance.updated_at,
        "new_other_steps": "".join(f"\n{each}\n" for each in others) or None,
        "entry_at": entry.at,
        "entry_actor": entry.actor,
        "entry_events": events_to_json(entry.events),
    }


_EMPTY: Final = {kind: encode(kind()) for kind in (dict, list, tuple)}
"""What most lists of a task are, and many forms."""


def with_changed_tasks(transition: Transition) -> Values:
    """Make the parameters of the statement that writes a transition at once; the tasks are one document of rows."""
    tasks = [from_task(task) for task in transition.tasks]
    for task in tasks:
        for name in _DOCUMENTS:
            if task[name] is not None:
                task[name] = encode(task[name]) if task[name] else _EMPTY[type(task[name])]
    return from_transition(transition) | {"changed_tasks": tasks or None}


def to_instance(row: AnyRow, tasks: Mapping[UUID, Task], entries: Iterable[HistoryEntry]) -> Instance:
    """Read an instance: its row, its open tasks, and the history since the snapshot in the row."""
    state, snapshot = state_from_json(row.state, row.updated_at), snapshot_from_json(row.data)
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


def to_tally(row: AnyRow) -> InstanceTally:
    """Read how many instances there are of one kind."""
    return InstanceTally(
        definition_name=row.definition_name,
        definition_version=row.definition_version,
        status=InstanceStatus(row.status),
        count=row.tally,
        oldest=row.oldest,
    )


def to_step_tally(row: AnyRow) -> StepTally:
    """Read how many instances are at one step."""
    return StepTally(
        definition_name=row.definition_name,
        definition_version=row.definition_version,
        step=row.current_step,
        count=row.tally,
        unmoved_since=row.unmoved_since,
    )


def to_entry(row: AnyRow) -> HistoryEntry:
    """Read a row of the history."""
    return HistoryEntry(
        instance_id=row.instance_id,
        revision=row.revision,
        at=row.at,
        actor=row.actor,
        events=events_from_json(row.events, row.at),
    )


def from_task(task: Task, *, prefix: str = "") -> Values:
    """Make the row of a task; the prefix stands before the names of its columns."""
    row = {prefix + name: getattr(task, name) for name in _SEARCHED}
    row[prefix + "status"] = task.status.value
    row[prefix + "details"] = details_to_json(task)
    row[prefix + "words"] = "".join(f" {word}" for word in words_in(task.title))
    return row | {prefix + name: value for name, value in sorted_by(task).items()}


def sorted_by(task: Task) -> Values:
    """Return what lists of tasks are sorted by, besides their age."""
    return {"due_key": NEVER if task.due_at is None else task.due_at, "rank": -task.priority}


def to_tasks(rows: Result[Any]) -> list[Task]:
    """Read the tasks of a list, of which each row is one, of `TASK_COLUMNS`."""
    return [_to_task(row) for row in rows]


def to_task(row: AnyRow) -> Task:
    """Read a task."""
    return _to_task(_task_columns(row._fields)(row))


def _to_task(row: Sequence[Any]) -> Task:
    *found, document = row
    values = dict(zip(_SEARCHED, found, strict=True))
    for name in _LISTS:
        values[name] = tuple(values[name])
    return Task(**values, **vars(details_from_json(document)))


@cache
def _task_columns(names: tuple[str, ...]) -> Callable[[AnyRow], tuple[Any, ...]]:
    """Return what takes the columns of a task out of a row that has these: by their places, as there are many."""
    return itemgetter(*(names.index(column.name) for column in TASK_COLUMNS))


def _fields(row: AnyRow, kind: type[AttrsInstance]) -> Values:
    """Return the columns that are fields of a value."""
    return {name: getattr(row, name) for name in _names(kind)}


@cache
def _names(kind: type[AttrsInstance]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))
