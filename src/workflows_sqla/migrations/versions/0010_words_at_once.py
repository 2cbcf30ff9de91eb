"""Words are put into their index at once: a list of what is yet to be put in would be read with every search."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER INDEX ix_workflow_tasks_words SET (fastupdate = off)")
        op.execute("SELECT gin_clean_pending_list('ix_workflow_tasks_words')")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER INDEX ix_workflow_tasks_words RESET (fastupdate)")
