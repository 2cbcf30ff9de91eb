"""Writes the database tables as Markdown, out of the metadata that the migrations are compared with."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Table

from docs._make.comments import attributes
from docs._make.states import table
from workflows_core.actors import Substitution
from workflows_core.instance import Instance
from workflows_core.messages import Message, Wait
from workflows_core.ports import InstanceSummary, StoredDefinition
from workflows_core.reservations import Reservation
from workflows_core.tasks import Task
from workflows_core.transition import HistoryEntry
from workflows_sqla.tables import (
    definitions,
    history,
    instances,
    messages,
    metadata,
    offers,
    participants,
    reservations,
    runners,
    searchable,
    substitutions,
    tasks,
    waits,
    words,
)

_SOURCES: Final[dict[Table, tuple[type, ...]]] = {
    instances: (InstanceSummary, Instance),
    history: (HistoryEntry,),
    tasks: (Task,),
    offers: (),
    words: (),
    participants: (),
    searchable: (),
    substitutions: (Substitution,),
    messages: (Message,),
    waits: (Wait,),
    definitions: (StoredDefinition,),
    reservations: (Reservation,),
    runners: (),
}
_AS_THERE: Final = "As in `workflow_tasks`."
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
    "workflow_history.position": "Where it stands among the transitions of all instances, for those who follow them; PostgreSQL only.",
    "workflow_tasks.status": "Where it is in its life.",
    "workflow_tasks.details": "What nobody searches for, such as its notes, drafts and reminders.",
    "workflow_tasks.due_key": "`due_at` for sorting: the end of the year 9999 where that is not set.",
    "workflow_tasks.rank": "The priority turned around, so that the highest comes first.",
    "workflow_tasks.words": "The words of the title in lower case, with a space before each.",
    "workflow_offers.task_id": "An open task that nobody holds.",
    "workflow_offers.key": "To whom it is offered: `user:` or `group:` and a name, or `anyone`.",
    "workflow_offers.due_key": _AS_THERE,
    "workflow_offers.rank": _AS_THERE,
    "workflow_offers.created_at": _AS_THERE,
    "workflow_words.due_key": _AS_THERE,
    "workflow_words.created_at": _AS_THERE,
    "workflow_words.task_id": "An open task.",
    "workflow_words.rank": _AS_THERE,
    "workflow_words.initials": "A bit for each character that a word of the title begins with, by its code modulo 32.",
    "workflow_words.word": "A word of its title.",
    "workflow_participants.instance_id": "An instance.",
    "workflow_participants.key": "Who has, or had, a part in it, as in `workflow_offers`.",
    "workflow_feed.id": "Where a transition stands among those of all instances.",
    "workflow_feed.instance_id": "Its instance.",
    "workflow_feed.revision": "The revision it led to.",
    "workflow_signals.id": "Counts what other processes are told.",
    "workflow_signals.instance_id": "What has changed; empty where something is due that nobody holds.",
    "workflow_searchable.instance_id": "Whose data.",
    "workflow_searchable.path": "A path that the definition declares as searchable.",
    "workflow_searchable.value": "What is there, as JSON, or the digest of it where that is long; empty where nothing is left.",
    "workflow_searchable.started_at": "That of the instance: pages are read in its order.",
    "workflow_runners.id": "The runner, as the tokens it holds name it.",
    "workflow_runners.lease_until": "Until when it is believed alive without a sign of life (UTC).",
    "workflow_runners.renewed_at": "When it last gave a sign of life, by the clock of PostgreSQL; empty on SQLite.",
}
_ONLY: Final = {
    "postgresql": "On PostgreSQL only.",
    "sqlite": "On SQLite only.",
}
_INDEX_ONLY: Final = {None: "", "postgresql": " (PostgreSQL)", "sqlite": " (SQLite)"}
_TYPES: Final = {
    "BigInteger": "integer",
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
            _MORE.get(f"{one.name}.{column.name}") or meanings[column.name],
        ]
        for column in one.columns
    ]
    indexes = sorted(
        ("unique: " if index.unique else "")
        + ", ".join(f"`{column.name}`" for column in index.columns)
        + (" (where set)" if index.dialect_options["postgresql"]["where"] is not None else "")
        + _INDEX_ONLY[index.info.get("dialect")]
        for index in one.indexes
    )
    only = _ONLY.get(one.info.get("dialect", ""))
    text = (
        f"## `{one.name}`\n\n" + (f"{only}\n\n" if only else "") + table(["column", "type", "meaning"], lines)
    )
    return text + (f"\n\nIndexes: {'; '.join(indexes)}." if indexes else "")
