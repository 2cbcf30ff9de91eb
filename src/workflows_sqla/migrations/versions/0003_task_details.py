"""What else there is to know of a task: the workflow it belongs to, and where it is in its life."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
DOCUMENT = sa.Text()
MOMENT = sa.BigInteger().with_variant(sa.DateTime(timezone=True), "postgresql")

TASKS = sa.table(
    "workflow_tasks",
    *(
        sa.column(name)
        for name in ("status", "assignee", "assignee_group", "candidate_users", "candidate_groups")
    ),
    sa.column("details", DOCUMENT),
)
NEW = {"definition_name": WORD, "definition_version": WORD, "details": DOCUMENT}


def upgrade() -> None:
    for name, kind in NEW.items():
        op.add_column("workflow_tasks", sa.Column(name, kind, nullable=False, server_default=""))
    op.add_column("workflow_tasks", sa.Column("follow_up_at", MOMENT))
    for name in ("definition_name", "definition_version"):
        found = f"(SELECT {name} FROM workflow_instances WHERE id = workflow_tasks.instance_id)"  # noqa: S608 - our own names
        op.execute(f"UPDATE workflow_tasks SET {name} = COALESCE({found}, '')")  # noqa: S608 - likewise
    op.execute(sa.update(TASKS).values(details=_details()))
    if op.get_bind().dialect.name == "postgresql":  # SQLite needs a default to add a column, and keeps it
        for name in NEW:
            op.alter_column("workflow_tasks", name, server_default=None)


def _details() -> sa.ColumnElement[str]:
    """Say in which state a task is; one that was offered to nobody in particular was for everybody."""
    c = TASKS.c
    is_open = c.status == "pending"
    is_offered = sa.or_(c.assignee_group.is_not(None), c.candidate_users != "[]", c.candidate_groups != "[]")
    return sa.case(
        (sa.not_(is_open), sa.literal('{"state":"') + c.status + sa.literal('"}')),
        (c.assignee.is_not(None), '{"state":"assigned"}'),
        (is_offered, "{}"),
        else_='{"for_anyone":true}',
    )


def downgrade() -> None:
    for name in (*NEW, "follow_up_at"):
        op.drop_column("workflow_tasks", name)
