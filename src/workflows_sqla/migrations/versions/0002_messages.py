"""Messages, and the waits for them; what is due, by definition; and signals between processes."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
DOCUMENT = sa.Text()
MOMENT = sa.BigInteger().with_variant(sa.DateTime(timezone=True), "postgresql")
ID = sa.LargeBinary(16).with_variant(sa.Uuid(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "workflow_messages",
        sa.Column("id", WORD, nullable=False),
        sa.Column("name", WORD, nullable=False),
        sa.Column("correlation_key", WORD),
        sa.Column("instance_id", ID),
        sa.Column("tenant_id", WORD),
        sa.Column("payload", DOCUMENT),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("sent_by", WORD),
        sa.Column("sent_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("taken_by", ID),
        sa.PrimaryKeyConstraint("id", name="pk_workflow_messages"),
    )
    op.create_table(
        "workflow_waits",
        sa.Column("instance_id", ID, nullable=False),
        sa.Column("token", sa.Integer, nullable=False),
        sa.Column("name", WORD, nullable=False),
        sa.Column("correlation_key", WORD, nullable=False),
        sa.Column("tenant_id", WORD),
        sa.PrimaryKeyConstraint("instance_id", "token", name="pk_workflow_waits"),
        sqlite_with_rowid=False,
    )
    _index("workflow_messages", "name", "correlation_key", "sent_at", where="taken_by IS NULL")
    _index("workflow_messages", "instance_id", "name", "sent_at", where="instance_id IS NOT NULL")
    _index("workflow_messages", "expires_at")
    _index("workflow_waits", "name", "correlation_key")
    op.drop_index("ix_workflow_instances_wake_at", "workflow_instances")
    _create_index(
        "ix_workflow_instances_due",
        "workflow_instances",
        "definition_name",
        "definition_version",
        "wake_at",
        where="wake_at IS NOT NULL",
    )
    if op.get_bind().dialect.name == "sqlite":
        op.create_table(
            "workflow_signals",
            sa.Column("id", sa.Integer, nullable=False),
            sa.Column("instance_id", ID),
            sa.PrimaryKeyConstraint("id", name="pk_workflow_signals"),
            sqlite_autoincrement=True,
        )
    _note_waits()


def _note_waits() -> None:
    """Note the waits of the instances that wait already; they stand in their states."""
    instances = sa.table(
        "workflow_instances", sa.column("id", ID), sa.column("tenant_id", WORD), sa.column("state", DOCUMENT)
    )
    waits = sa.table(
        "workflow_waits",
        sa.column("instance_id", ID),
        sa.column("token", sa.Integer),
        sa.column("name", WORD),
        sa.column("correlation_key", WORD),
        sa.column("tenant_id", WORD),
    )
    connection = op.get_bind()
    waiting = connection.execute(sa.select(instances).where(instances.c.state.contains('"awaits":'))).all()
    for id_, tenant_id, text in waiting:
        state = json.loads(text)
        for token in state["tokens"]:
            awaited = token.get("awaits")
            if awaited is not None:
                awaited["name"] = "@webhook" if awaited["name"] == "webhook" else awaited["name"]
                wait = {"instance_id": id_, "token": token["id"], "tenant_id": tenant_id, **awaited}
                connection.execute(sa.insert(waits).values(wait))
        changed = json.dumps(state, separators=(",", ":"), ensure_ascii=False)
        connection.execute(sa.update(instances).where(instances.c.id == id_).values(state=changed))


def _index(table: str, *columns: str, where: str | None = None) -> None:
    _create_index("_".join(("ix", table, *columns)), table, *columns, where=where)


def _create_index(name: str, table: str, *columns: str, where: str | None = None) -> None:
    holds = None if where is None else sa.text(where)
    op.create_index(name, table, list(columns), postgresql_where=holds, sqlite_where=holds)


def downgrade() -> None:
    op.drop_index("ix_workflow_instances_due", "workflow_instances")
    _index("workflow_instances", "wake_at", where="wake_at IS NOT NULL")
    if op.get_bind().dialect.name == "sqlite":
        op.drop_table("workflow_signals")
    op.drop_table("workflow_waits")
    op.drop_table("workflow_messages")
