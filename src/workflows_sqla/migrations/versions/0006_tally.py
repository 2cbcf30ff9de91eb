"""Counts of instances by definition and status, read off an index."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_workflow_instances_tally",
        "workflow_instances",
        ["definition_name", "definition_version", "status", "tenant_id", "started_at"],
    )


def downgrade() -> None:
    op.drop_index("ix_workflow_instances_tally", "workflow_instances")
