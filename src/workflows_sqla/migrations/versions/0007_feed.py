"""Every transition of all instances in one order: see `workflows_sqla.feed`."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("workflow_instances", "workflow_history"):
        op.add_column(table, sa.Column("position", sa.BigInteger()))
    if op.get_bind().dialect.name == "postgresql":
        op.create_index(
            "ix_workflow_history_position",
            "workflow_history",
            ["position"],
            postgresql_using="brin",
            postgresql_with={"pages_per_range": 16, "autosummarize": True},
        )
        return
    op.create_table(
        "workflow_feed",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("instance_id", sa.LargeBinary(16), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_workflow_feed"),
        sqlite_autoincrement=True,
    )
    op.execute(
        "CREATE TRIGGER workflow_history_feed AFTER INSERT ON workflow_history BEGIN "
        "INSERT INTO workflow_feed (instance_id, revision) VALUES (NEW.instance_id, NEW.revision); END"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_index("ix_workflow_history_position", "workflow_history")
    else:
        op.execute("DROP TRIGGER workflow_history_feed")
        op.drop_table("workflow_feed")
    for table in ("workflow_instances", "workflow_history"):
        op.drop_column(table, "position")
