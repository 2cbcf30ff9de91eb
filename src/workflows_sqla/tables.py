"""What is stored.

An instance is one row of `workflow_instances`: where it is (`state`), a snapshot of what was written to
it (`data`, renewed now and then), and columns for what is searched. Its history has one row for each
transition, its tasks have one row each; these carry `instance_id`, so all of it can be split by instance.
The rows are written and deleted together, in one place each: foreign keys would only cost.

A change here needs a migration; `schema.check` tells what is missing.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ColumnElement, Index, Integer, MetaData, PrimaryKeyConstraint, Table

from workflows_sqla.types import Document, Id, Moment, Word

metadata: Final = MetaData(
    naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "pk": "pk_%(table_name)s"}
)

definitions: Final = Table(
    "workflow_definitions",
    metadata,
    Column("name", Word, nullable=False),
    Column("version", Word, nullable=False),
    Column("content_hash", Word, nullable=False),
    Column("specification", Document, nullable=False),
    Column("created_at", Moment, nullable=False),
    PrimaryKeyConstraint("name", "version"),
)

instances: Final = Table(
    "workflow_instances",
    metadata,
    Column("id", Id, nullable=False),
    Column("definition_name", Word, nullable=False),
    Column("definition_version", Word, nullable=False),
    Column("status", Word, nullable=False),
    Column("current_step", Word),
    Column("revision", Integer, nullable=False),
    Column("wake_at", Moment),
    Column("started_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("completed_at", Moment),
    Column("created_by", Word),
    Column("tenant_id", Word),
    Column("correlation_id", Word),
    Column("idempotency_key", Word),
    Column("error", Word),
    Column("saved_size", Integer, nullable=False),
    Column("unsaved_size", Integer, nullable=False),
    Column("data_revision", Integer, nullable=False),  # the revision that the snapshot in `data` is of
    Column("state", Document, nullable=False),
    Column("data", Document, nullable=False),
    PrimaryKeyConstraint("id"),
)

history: Final = Table(
    "workflow_history",
    metadata,
    Column("instance_id", Id, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Column("actor", Word),
    Column("events", Document, nullable=False),
    PrimaryKeyConstraint("instance_id", "revision"),
    sqlite_with_rowid=False,  # rows lie in the order in which they are read, and there is one tree to write
)

tasks: Final = Table(
    "workflow_tasks",
    metadata,
    Column("id", Id, nullable=False),
    Column("instance_id", Id, nullable=False),
    Column("definition_name", Word, nullable=False),
    Column("definition_version", Word, nullable=False),
    Column("token", Integer, nullable=False),
    Column("step_name", Word, nullable=False),
    Column("title", Word, nullable=False),
    Column("description", Word, nullable=False),
    Column("form_schema", Document),
    Column("outcomes", Document, nullable=False),
    Column("assignee", Word),
    Column("assignee_group", Word),
    Column("candidate_users", Document, nullable=False),
    Column("candidate_groups", Document, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("due_at", Moment),
    Column("follow_up_at", Moment),
    Column("tenant_id", Word),
    Column("status", Word, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("completed_at", Moment),
    Column("completed_by", Word),
    Column("outcome", Word),
    Column("form_data", Document),
    Column("comment", Word),
    Column("details", Document, nullable=False),  # what nobody searches for
    PrimaryKeyConstraint("id"),
)

messages: Final = Table(
    "workflow_messages",
    metadata,
    Column("id", Word, nullable=False),
    Column("name", Word, nullable=False),
    Column("correlation_key", Word),  # not set where it was sent to an instance
    Column("instance_id", Id),
    Column("tenant_id", Word),
    Column("payload", Document),
    Column("size", Integer, nullable=False),
    Column("sent_by", Word),
    Column("sent_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("taken_by", Id),
    PrimaryKeyConstraint("id"),
)

waits: Final = Table(
    "workflow_waits",
    metadata,
    Column("instance_id", Id, nullable=False),
    Column("token", Integer, nullable=False),
    Column("name", Word, nullable=False),
    Column("correlation_key", Word, nullable=False),
    Column("tenant_id", Word),
    PrimaryKeyConstraint("instance_id", "token"),
    sqlite_with_rowid=False,
)

runners: Final = Table(
    "workflow_runners",
    metadata,
    Column("id", Word, nullable=False),
    Column("lease_until", Moment, nullable=False),
    Column("renewed_at", Moment),  # by the clock of PostgreSQL; not needed on SQLite
    PrimaryKeyConstraint("id"),
)

signals: Final = Table(
    "workflow_signals",
    metadata,
    Column("id", Integer, nullable=False),
    Column("instance_id", Id),  # not set where something is due that nobody holds
    PrimaryKeyConstraint("id"),
    sqlite_autoincrement=True,  # numbers of deleted rows are not used again
    info={"dialect": "sqlite"},  # PostgreSQL notifies
)


def _where_set(column: Column[object], *more: Column[object], unique: bool = False) -> Index:
    """Index the rows in which a column is set: the others are never looked for, and cost nothing."""
    return _where(column.is_not(None), column, *more, unique=unique)


def _where(
    holds: ColumnElement[bool], *columns: Column[object], unique: bool = False, name: str | None = None
) -> Index:
    return Index(name, *columns, unique=unique, postgresql_where=holds, sqlite_where=holds)


# What is due is asked for by definition: what nobody serves is in nobody's way.
_where(
    instances.c.wake_at.is_not(None),
    instances.c.definition_name,
    instances.c.definition_version,
    instances.c.wake_at,
    name="ix_workflow_instances_due",
)
_where_set(instances.c.idempotency_key, unique=True)
# Lists show the newest first; the indexes are read backwards for that.
Index(None, instances.c.started_at, instances.c.id)
Index(None, instances.c.status, instances.c.started_at)
Index(None, instances.c.definition_name, instances.c.started_at)
_where_set(instances.c.created_by, instances.c.started_at)
_where_set(instances.c.tenant_id, instances.c.started_at)
_where_set(instances.c.correlation_id, instances.c.started_at)

Index(None, tasks.c.instance_id)
Index(None, tasks.c.status, tasks.c.due_at)
_where_set(tasks.c.assignee, tasks.c.status)
_where_set(tasks.c.assignee_group, tasks.c.status)

_where(messages.c.taken_by.is_(None), messages.c.name, messages.c.correlation_key, messages.c.sent_at)
_where_set(messages.c.instance_id, messages.c.name, messages.c.sent_at)
Index(None, messages.c.expires_at)
Index(None, waits.c.name, waits.c.correlation_key)
