"""Writes the database tables as Markdown, out of the metadata that the migrations are compared with."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Table

from docs._make.comments import attributes
from docs._make.states import table
from workflows_core.instance import Instance
from workflows_core.ports import InstanceSummary, StoredDefinition
from workflows_core.reservations import Reservation
from workflows_core.tasks import Task
from workflows_core.transition import HistoryEntry
from workflows_sqla.tables import definitions, history, instances, metadata, reservations, runners, tasks

_SOURCES: Final[dict[Table, tuple[type, ...]]] = {
    instances: (InstanceSummary, Instance),
    history: (HistoryEntry,),
    tasks: (Task,),
    definitions: (StoredDefinition,),
    reservations: (Reservation,),
    runners: (),
}
_MORE: Final = {
    "workflow_instances.status": "What the tokens say, so that it can be searched.",
    "workflow_instances.current_step": "The step of the oldest live token.",
    "workflow_instances.error": "The first failure in words; empty if nothing failed.",
    "workflow_instances.state": "Tokens, arrivals, and what else says where the instance is.",
    "workflow_instances.data": "The snapshot: data and forms as of `data_revision`.",
    "workflow_instances.data_revision": "The revision that the snapshot is of; patches since are in the history.",
    "workflow_instances.position": "That of the last row of its history.",
    "workflow_instances.rested_at": "`updated_at`, but not set while it runs: no index moves with every step.",
    "workflow_instances.other_steps": "Where it is besides `current_step`, between two ends of line each.",
    "workflow_searchable.instance_id": "Whose data.",
    "workflow_searchable.path": "A path that the definition declares as searchable.",
    "workflow_searchable.value": "What is there, as JSON, or the digest of it where that is long; empty where nothing is left.",
    "workflow_searchable.started_at": "That of the instance: pages are read in its order.",
    "workflow_runners.id": "The runner, as the tokens it holds name it.",
    "workflow_runners.lease_until": "Until when it is believed alive without a sign of life (UTC).",
    "workflow_runners.renewed_at": "When it last gave a sign of life, by the clock of PostgreSQL; empty on SQLite.",
}
_TYPES: Final = {
    "Document": "JSON text",
    "Moment": "moment (UTC)",
    "Id": "UUID",
    "Word": "text",
    "Integer": "integer",
}


def database() -> str:
    """Write every table: its columns, what they mean, and its indexes."""
    ordered = [*_SOURCES, *(one for one in metadata.sorted_tables if one not in _SOURCES)]
    return "\n\n".join(map(_table, ordered))


def _table(one: Table) -> str:
    meanings: dict[str, str] = {}
    for kind in _SOURCES.get(one, ()):
        meanings |= attributes(kind)
    lines = [
        [
            f"`{column.name}`" + (" (key)" if column.primary_key else ""),
            _TYPES.get(type(column.type).__name__, str(column.type))
            + ("" if not column.nullable else ", or NULL"),
            _MORE.get(f"{one.name}.{column.name}", meanings.get(column.name, "")),
        ]
        for column in one.columns
    ]
    indexes = sorted(
        ("unique: " if index.unique else "")
        + ", ".join(f"`{column.name}`" for column in index.columns)
        + (" (where set)" if index.dialect_options["postgresql"]["where"] is not None else "")
        for index in one.indexes
    )
    text = f"## `{one.name}`\n\n" + table(["column", "type", "meaning"], lines)
    return text + (f"\n\nIndexes: {'; '.join(indexes)}." if indexes else "")
