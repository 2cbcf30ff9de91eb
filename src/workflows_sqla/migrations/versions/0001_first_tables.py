"""The first tables.

The types are written out: a migration says what was true when it was written.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
DOCUMENT = sa.Text()
MOMENT = sa.BigInteger().with_variant(sa.DateTime(timezone=True), "postgresql")
ID = sa.LargeBinary(16).with_variant(sa.Uuid(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "workflow_definitions",
        sa.Column("name", WORD, nullable=False),
        sa.Column("version", WORD, nullable=False),
        sa.Column("content_hash", WORD, nullable=False),
        sa.Column("specification", DOCUMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", "version", name="pk_workflow_definitions"),
    )
    op.create_table(
        "workflow_instances",
        *_instance_columns(),
        sa.PrimaryKeyConstraint("id", name="pk_workflow_instances"),
    )
    op.create_table(
        "workflow_history",
        sa.Column("instance_id", ID, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", WORD),
        sa.Column("events", DOCUMENT, nullable=False),
        sa.PrimaryKeyConstraint("instance_id", "revision", name="pk_workflow_history"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "workflow_tasks",
        sa.Column("id", ID, nullable=False),
        sa.Column("instance_id", ID, nullable=False),
        sa.Column("token", sa.Integer, nullable=False),
        sa.Column("step_name", WORD, nullable=False),
        sa.Column("title", WORD, nullable=False),
        sa.Column("description", WORD, nullable=False),
        sa.Column("form_schema", DOCUMENT),
        sa.Column("outcomes", DOCUMENT, nullable=False),
        sa.Column("assignee", WORD),
        sa.Column("assignee_group", WORD),
        sa.Column("candidate_users", DOCUMENT, nullable=False),
        sa.Column("candidate_groups", DOCUMENT, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("due_at", MOMENT),
        sa.Column("tenant_id", WORD),
        sa.Column("status", WORD, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("completed_at", MOMENT),
        sa.Column("completed_by", WORD),
        sa.Column("outcome", WORD),
        sa.Column("form_data", DOCUMENT),
        sa.Column("comment", WORD),
        sa.PrimaryKeyConstraint("id", name="pk_workflow_tasks"),
    )
    op.create_table(
        "workflow_runners",
        sa.Column("id", WORD, nullable=False),
        sa.Column("lease_until", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_workflow_runners"),
    )
    _index("workflow_instances", "wake_at", where="wake_at")
    _index("workflow_instances", "idempotency_key", where="idempotency_key", unique=True)
    _index("workflow_instances", "started_at", "id")
    _index("workflow_instances", "status", "started_at")
    _index("workflow_instances", "definition_name", "started_at")
    _index("workflow_instances", "created_by", "started_at", where="created_by")
    _index("workflow_instances", "tenant_id", "started_at", where="tenant_id")
    _index("workflow_instances", "correlation_id", "started_at", where="correlation_id")
    _index("workflow_tasks", "instance_id")
    _index("workflow_tasks", "status", "due_at")
    _index("workflow_tasks", "assignee", "status", where="assignee")
    _index("workflow_tasks", "assignee_group", "status", where="assignee_group")


def _instance_columns() -> list[sa.Column[object]]:
    """Return the columns of an instance in the order in which the database writes and reads the least.

    PostgreSQL logs an update from the first byte that changed to the last one: what every step changes stands together
    at the end, and the data before it. SQLite walks over all that stands before what it reads: there the data is last.
    """
    lasting: list[sa.Column[object]] = [
        sa.Column("id", ID, nullable=False),
        sa.Column("definition_name", WORD, nullable=False),
        sa.Column("definition_version", WORD, nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("created_by", WORD),
        sa.Column("tenant_id", WORD),
        sa.Column("correlation_id", WORD),
        sa.Column("idempotency_key", WORD),
        sa.Column("saved_size", sa.Integer, nullable=False),
        sa.Column("data_revision", sa.Integer, nullable=False),
    ]
    data: sa.Column[object] = sa.Column("data", DOCUMENT, nullable=False)
    moving: list[sa.Column[object]] = [
        sa.Column("status", WORD, nullable=False),
        sa.Column("wake_at", MOMENT),
        sa.Column("completed_at", MOMENT),
        sa.Column("error", WORD),
        sa.Column("unsaved_size", sa.Integer, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("current_step", WORD),
        sa.Column("state", DOCUMENT, nullable=False),
    ]
    is_sqlite = op.get_context().dialect.name == "sqlite"
    return [*lasting, *moving, data] if is_sqlite else [*lasting, data, *moving]


def _index(table: str, *columns: str, where: str | None = None, unique: bool = False) -> None:
    is_set = None if where is None else sa.text(f"{where} IS NOT NULL")
    name = "_".join(("ix", table, *columns))
    op.create_index(name, table, list(columns), unique=unique, postgresql_where=is_set, sqlite_where=is_set)


def downgrade() -> None:
    for table in ("runners", "tasks", "history", "instances", "definitions"):
        op.drop_table(f"workflow_{table}")
