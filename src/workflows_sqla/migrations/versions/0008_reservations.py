"""Keys that are reserved for requests, with what was answered."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
MOMENT = sa.BigInteger().with_variant(sa.DateTime(timezone=True), "postgresql")
ID = sa.LargeBinary(16).with_variant(sa.Uuid(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "workflow_reservations",
        sa.Column("key", WORD, nullable=False),
        sa.Column("fingerprint", WORD, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("holder", ID, nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("held_until", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("answer", sa.Text()),
        sa.PrimaryKeyConstraint("key", name="pk_workflow_reservations"),
    )
    op.create_index("ix_workflow_reservations_expires_at", "workflow_reservations", ["expires_at"])


def downgrade() -> None:
    op.drop_table("workflow_reservations")
