"""What is stored.

An instance is one row of `workflow_instances`: where it is (`state`), a snapshot of what was written to
it (`data`, renewed now and then), and columns for what is searched. Its history has one row for each
transition, its tasks have one row each; these carry `instance_id`, so all of it can be split by instance.
The rows are written and deleted together, in one place each: foreign keys would only cost.

A change here needs a migration; `schema.check` tells what is missing.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    and_,
    literal_column,
)

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
    Column("position", BigInteger),  # that of the last row of its history
    Column("rested_at", Moment),  # `updated_at`; not set while it runs: no index is to move at every step
    Column("other_steps", Word),  # those besides `current_step`, between two ends of line each
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
    Column("position", BigInteger),  # its place among all rows, see `feed`; SQLite has a table for that
    PrimaryKeyConstraint("instance_id", "revision"),
    sqlite_with_rowid=False,  # rows lie in the order in which they are read, and there is one tree to write
)

feed: Final = Table(  # a number for each row of the history, in the order of commits; a trigger writes it
    "workflow_feed",
    metadata,
    Column("id", Integer, nullable=False),
    Column("instance_id", Id, nullable=False),
    Column("revision", Integer, nullable=False),
    PrimaryKeyConstraint("id"),
    sqlite_autoincrement=True,  # numbers of deleted rows are not used again
    info={"dialect": "sqlite"},
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
    # What lists are sorted and searched by, made of the columns above so that one index scan gives a page:
    Column("due_key", Moment, nullable=False),  # `due_at`, far in the future where it is not set
    Column("rank", Integer, nullable=False),  # the priority turned around: the highest comes first
    Column("words", Word, nullable=False),  # the words of the title, with a space before each
    PrimaryKeyConstraint("id"),
)

offers: Final = Table(  # the open tasks that nobody holds, once for each user and group they are offered to
    "workflow_offers",
    metadata,
    Column("task_id", Id, nullable=False),
    Column("key", Word, nullable=False),
    Column("due_key", Moment, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    PrimaryKeyConstraint("task_id", "key"),
    sqlite_with_rowid=False,
)

words: Final = Table(  # the words in the titles of open tasks, in the order of lists; triggers write them
    "workflow_words",
    metadata,
    Column("due_key", Moment, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("task_id", Id, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("initials", Integer, nullable=False),  # a bit for each character that a word begins with
    Column("word", Word, nullable=False),
    # With the rest behind it, so that lists do not look at the rows.
    PrimaryKeyConstraint("word", "due_key", "created_at", "task_id", postgresql_include=["rank", "initials"]),
    sqlite_with_rowid=False,
)

participants: Final = Table(  # who has a part in an instance
    "workflow_participants",
    metadata,
    Column("instance_id", Id, nullable=False),
    Column("key", Word, nullable=False),
    PrimaryKeyConstraint("instance_id", "key"),
    sqlite_with_rowid=False,
)

searchable: Final = Table(  # what instances are found by in their data
    "workflow_searchable",
    metadata,
    Column("instance_id", Id, nullable=False),
    Column("path", Word, nullable=False),  # one that the definition declares
    Column("value", Word),  # as JSON, or its digest; not set where nothing is left of it
    Column("started_at", Moment, nullable=False),  # that of the instance
    PrimaryKeyConstraint("instance_id", "path"),
    sqlite_with_rowid=False,
)

substitutions: Final = Table(
    "workflow_substitutions",
    metadata,
    Column("id", Id, nullable=False),
    Column("absent", Word, nullable=False),
    Column("substitute", Word, nullable=False),
    Column("since", Moment, nullable=False),
    Column("until", Moment, nullable=False),
    Column("definitions", Document, nullable=False),
    Column("groups", Document, nullable=False),
    Column("tenant_id", Word),
    Column("created_at", Moment, nullable=False),
    Column("created_by", Word),
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

reservations: Final = Table(
    "workflow_reservations",
    metadata,
    Column("key", Word, nullable=False),
    Column("fingerprint", Word, nullable=False),
    Column("id", Id, nullable=False),
    Column("holder", Id, nullable=False),
    Column("since", Moment, nullable=False),
    Column("held_until", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("answer", Document),
    PrimaryKeyConstraint("key"),
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
Index(None, instances.c.status, instances.c.started_at, instances.c.id)
Index(None, instances.c.definition_name, instances.c.started_at, instances.c.id)
_where_set(instances.c.created_by, instances.c.started_at, instances.c.id)
_where_set(instances.c.tenant_id, instances.c.started_at, instances.c.id)
_where_set(instances.c.correlation_id, instances.c.started_at, instances.c.id)
_where(
    instances.c.rested_at.is_not(None),
    instances.c.status,
    instances.c.rested_at,
    instances.c.id,
    name="ix_workflow_instances_rested",
)

# Counts by definition and status are read off an index, without a look at the rows.
Index(
    "ix_workflow_instances_tally",
    instances.c.definition_name,
    instances.c.definition_version,
    instances.c.status,
    instances.c.tenant_id,
    instances.c.started_at,
)

# Rows lie in the order of their positions, so that it is enough to know what the blocks hold.
POSITIONS: Final = Index(
    "ix_workflow_history_position",
    history.c.position,
    postgresql_using="brin",
    postgresql_with={"pages_per_range": 16, "autosummarize": True},
    info={"dialect": "postgresql"},
)

Index(None, tasks.c.instance_id, tasks.c.status)
# A page of tasks is read off an index, in its order: by what is due, by priority, or by age; of all, or of those that
# are with somebody, of one definition, or of one tenant. What is closed is in nobody's way: the status comes first, or
# the index holds nothing but open tasks. In one it must not be both: PostgreSQL does not look for a column that has to
# have the value anyway, and so for none of those behind it.
_IS_OPEN: Final = tasks.c.status == literal_column("'pending'")
_DUE: Final = (tasks.c.due_key, tasks.c.created_at, tasks.c.id)
_AGE: Final = (tasks.c.created_at, tasks.c.id)
Index("ix_workflow_tasks_status_due", tasks.c.status, *_DUE, info={"dialect": "postgresql"})
# SQLite looks through the words in order.
Index("ix_workflow_tasks_due", tasks.c.status, *_DUE, tasks.c.words, info={"dialect": "sqlite"})
Index("ix_workflow_tasks_age", tasks.c.status, *_AGE)
Index("ix_workflow_tasks_rank", tasks.c.status, tasks.c.rank, *_DUE)
Index("ix_workflow_tasks_definition_due", tasks.c.definition_name, tasks.c.status, *_DUE)
_where(_IS_OPEN, tasks.c.definition_name, tasks.c.rank, *_DUE, name="ix_workflow_tasks_definition_rank")
_where(_IS_OPEN, tasks.c.definition_name, *_AGE, name="ix_workflow_tasks_definition_age")
for _column, _name in ((tasks.c.assignee, "assignee"), (tasks.c.tenant_id, "tenant")):
    _is_set = _column.is_not(None)
    _where(_is_set, _column, tasks.c.status, *_DUE, name=f"ix_workflow_tasks_{_name}_due")
    _where(and_(_IS_OPEN, _is_set), _column, tasks.c.rank, *_DUE, name=f"ix_workflow_tasks_{_name}_rank")
    _where(and_(_IS_OPEN, _is_set), _column, *_AGE, name=f"ix_workflow_tasks_{_name}_age")
_where(
    tasks.c.assignee_group.is_not(None),
    tasks.c.assignee_group,
    tasks.c.status,
    *_DUE,
    name="ix_workflow_tasks_group_due",
)

_BY_DUE: Final = (offers.c.due_key, offers.c.created_at, offers.c.task_id)
Index("ix_workflow_offers_due", offers.c.key, *_BY_DUE)
Index("ix_workflow_offers_rank", offers.c.key, offers.c.rank, *_BY_DUE)
Index("ix_workflow_offers_age", offers.c.key, offers.c.created_at, offers.c.task_id)
Index(None, participants.c.key, participants.c.instance_id)
_where_set(searchable.c.value, searchable.c.path, searchable.c.started_at, searchable.c.instance_id)
Index(None, substitutions.c.substitute, substitutions.c.until)
Index(None, substitutions.c.absent, substitutions.c.until)

_where(messages.c.taken_by.is_(None), messages.c.name, messages.c.correlation_key, messages.c.sent_at)
_where_set(messages.c.instance_id, messages.c.name, messages.c.sent_at)
Index(None, messages.c.expires_at)
Index(None, waits.c.name, waits.c.correlation_key)
Index(None, reservations.c.expires_at)
