"""Words in the order of what is due: what an index of words alone finds has to be fetched to be sorted."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

MOMENT = sa.BigInteger().with_variant(sa.DateTime(timezone=True), "postgresql")
ID = sa.LargeBinary(16).with_variant(sa.Uuid(), "postgresql")
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

DUE = ["status", "due_key", "created_at", "id"]
SHOWN = ("status", "due_key", "created_at", "rank", "words")
OLD_ONES, NEW_ONES = (", ".join(f"{row}.{name}" for name in SHOWN) for row in ("OLD", "NEW"))

ADD = """
    INSERT INTO workflow_words (due_key, created_at, task_id, rank, initials, word)
    SELECT {row}.due_key, {row}.created_at, {row}.id, {row}.rank, (SELECT {initials} FROM {each}), each.value
    FROM {tasks} {each} WHERE {row}.status = 'pending' AND {row}.words <> ''
"""
REMOVE = """
    DELETE FROM workflow_words WHERE OLD.status = 'pending' AND word {among}
    AND due_key = OLD.due_key AND created_at = OLD.created_at AND task_id = OLD.id
"""
EACH = {
    "postgresql": "unnest(string_to_array(ltrim({row}.words), ' ')) AS each (value)",
    "sqlite": """json_each('["' || replace(ltrim({row}.words), ' ', '","') || '"]') AS each""",
}
INITIALS = {
    "postgresql": "bit_or(workflow_initial(each.value))",
    "sqlite": "sum(DISTINCT 1 << (unicode(each.value) % 32))",
}
AMONG = {
    "postgresql": "= ANY (string_to_array(ltrim(OLD.words), ' '))",
    "sqlite": "IN (SELECT each.value FROM {each})",
}


def upgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    key = sa.PrimaryKeyConstraint("word", "due_key", "created_at", "task_id", name="pk_workflow_words")
    op.create_table(
        "workflow_words",
        sa.Column("due_key", MOMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("task_id", ID, nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("initials", sa.Integer(), nullable=False),
        sa.Column("word", WORD, nullable=False),
        *(
            [key] if is_sqlite else ()
        ),  # PostgreSQL makes its own when the table is filled, which is much faster
        sqlite_with_rowid=False,
    )
    if is_sqlite:
        op.execute(_added("task", "workflow_tasks task,"))
        for change, when, body in _triggers():
            op.execute(
                f"CREATE TRIGGER workflow_words_{change} AFTER {change} ON workflow_tasks WHEN {when}"
                f" BEGIN {''.join(f'{each};' for _, each in body)} END"
            )
        return
    op.execute(
        "CREATE FUNCTION workflow_initial(word text) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE"
        " AS $$ SELECT 1 << (ascii(word) % 32) $$"
    )
    op.execute(_added("task", "workflow_tasks task,"))
    op.execute(
        "ALTER TABLE workflow_words ADD CONSTRAINT pk_workflow_words"
        " PRIMARY KEY (word, due_key, created_at, task_id) INCLUDE (rank, initials)"
    )
    for change, when, body in _triggers():
        # One plan, which is made once: one for each title would take longer than to carry it out. And by the index:
        # while the table is believed to be small, the plan would read through it, however much of it was deleted.
        op.execute(
            f"CREATE FUNCTION workflow_words_{change}() RETURNS trigger LANGUAGE plpgsql"
            " SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$ BEGIN"
            f" {' '.join(f'IF {holds} THEN {each}; END IF;' for holds, each in body)} RETURN NULL; END $$"
        )
        op.execute(
            f"CREATE TRIGGER workflow_words_{change} AFTER {change} ON workflow_tasks"
            f" FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION workflow_words_{change}()"
        )
    for name in ("due", "words"):
        op.drop_index(f"ix_workflow_tasks_{name}", "workflow_tasks")
    op.create_index("ix_workflow_tasks_status_due", "workflow_tasks", DUE)


def _triggers() -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Say what is done after which change of a task, and when: nothing where it is merely taken or given back."""
    dialect = op.get_bind().dialect.name
    differ = "IS NOT" if dialect == "sqlite" else "IS DISTINCT FROM"
    was_open, is_open = "OLD.status = 'pending'", "NEW.status = 'pending'"
    among = AMONG[dialect].format(each=EACH[dialect].format(row="OLD"))
    remove, add = (was_open, REMOVE.format(among=among)), (is_open, _added("NEW"))
    changes = f"({was_open} OR {is_open}) AND ({OLD_ONES}) {differ} ({NEW_ONES})"
    return [("insert", is_open, [add]), ("update", changes, [remove, add]), ("delete", was_open, [remove])]


def _added(row: str, tasks: str = "") -> str:
    dialect = op.get_bind().dialect.name
    return ADD.format(row=row, tasks=tasks, each=EACH[dialect].format(row=row), initials=INITIALS[dialect])


def downgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for change in ("insert", "update", "delete"):
        op.execute(f"DROP TRIGGER workflow_words_{change}" + ("" if is_sqlite else " ON workflow_tasks"))
    op.drop_table("workflow_words")
    if is_sqlite:
        return
    for name in ("words_insert()", "words_update()", "words_delete()", "initial(text)"):
        op.execute(f"DROP FUNCTION workflow_{name}")
    op.drop_index("ix_workflow_tasks_status_due", "workflow_tasks")
    op.create_index("ix_workflow_tasks_due", "workflow_tasks", [*DUE, "words"])
    op.execute(
        "CREATE INDEX ix_workflow_tasks_words ON workflow_tasks USING gin"
        " (array_to_tsvector(string_to_array(ltrim(words), ' '))) WITH (fastupdate = off) WHERE status = 'pending'"
    )
