"""When a runner gave its last sign of life: its lock means nothing if the server was restarted since."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MOMENT = sa.BigInteger().with_variant(sa.DateTime(timezone=True), "postgresql")


def upgrade() -> None:
    op.add_column("workflow_runners", sa.Column("renewed_at", MOMENT))


def downgrade() -> None:
    op.drop_column("workflow_runners", "renewed_at")
