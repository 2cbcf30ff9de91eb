"""Words in the order of what is due, on PostgreSQL: what an index of words alone finds has to be fetched to be sorted."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ADD = """
    INSERT INTO workflow_words (due_key, created_at, task_id, rank, initials, word)
    SELECT task.due_key, task.created_at, task.id, task.rank, initials, word
    FROM {tasks}, LATERAL (
        SELECT word, bit_or(workflow_initial(word)) OVER () initials
        FROM unnest(string_to_array(ltrim(task.words), ' ')) word
    ) titled
    WHERE task.status = 'pending'
"""
REMOVE = """
    DELETE FROM workflow_words
    WHERE word = ANY (string_to_array(ltrim(OLD.words), ' '))
        AND due_key = OLD.due_key AND created_at = OLD.created_at AND task_id = OLD.id
"""
ADD_NEW = ADD.format(tasks="(SELECT NEW.*) task")
SHOWN = ("status", "due_key", "created_at", "rank", "words")
OLD_ONES, NEW_ONES = (", ".join(f"{row}.{name}" for name in SHOWN) for row in ("OLD", "NEW"))
TRIGGERS = {
    "added": ("INSERT", "NEW.status = 'pending'", f"{ADD_NEW};"),
    "changed": (
        "UPDATE",
        f"'pending' IN (OLD.status, NEW.status) AND ({OLD_ONES}) IS DISTINCT FROM ({NEW_ONES})",
        f"IF OLD.status = 'pending' THEN {REMOVE}; END IF; {ADD_NEW};",
    ),
    "removed": ("DELETE", "OLD.status = 'pending'", f"{REMOVE};"),
}
"""What is done after a change of a task, and when: it is not where a task is merely taken or given back."""


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.create_table(
        "workflow_words",
        sa.Column("due_key", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("initials", sa.Integer(), nullable=False),
        sa.Column("word", sa.Text(collation="C"), nullable=False),
    )
    op.execute(
        "CREATE FUNCTION workflow_initial(word text) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE"
        " AS $$ SELECT 1 << (ascii(word) % 32) $$"
    )
    op.execute(ADD.format(tasks="workflow_tasks task"))
    op.execute(
        "ALTER TABLE workflow_words ADD CONSTRAINT pk_workflow_words"
        " PRIMARY KEY (word, due_key, created_at, task_id) INCLUDE (rank, initials)"
    )
    for name, (change, when, what) in TRIGGERS.items():
        function = f"workflow_words_{name}"
        op.execute(
            f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql"
            f" AS $$ BEGIN {what} RETURN NULL; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {function} AFTER {change} ON workflow_tasks"
            f" FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION {function}()"
        )
    op.drop_index("ix_workflow_tasks_words", "workflow_tasks")


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute(
        "CREATE INDEX ix_workflow_tasks_words ON workflow_tasks USING gin"
        " (array_to_tsvector(string_to_array(ltrim(words), ' '))) WITH (fastupdate = off) WHERE status = 'pending'"
    )
    for name in TRIGGERS:
        op.execute(f"DROP TRIGGER workflow_words_{name} ON workflow_tasks")
        op.execute(f"DROP FUNCTION workflow_words_{name}()")
    op.drop_table("workflow_words")
    op.execute("DROP FUNCTION workflow_initial(text)")
