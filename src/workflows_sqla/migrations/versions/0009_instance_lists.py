"""Lists of instances that are read off an index, by step, by their last change, and by what is in their data."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
MOMENT = sa.BigInteger().with_variant(sa.DateTime(timezone=True), "postgresql")
ID = sa.LargeBinary(16).with_variant(sa.Uuid(), "postgresql")

INSTANCES = sa.table(
    "workflow_instances",
    sa.column("id", ID),
    sa.column("state"),
    sa.column("status"),
    sa.column("other_steps"),
)
STEPS = (
    sa.update(INSTANCES)
    .where(INSTANCES.c.id == sa.bindparam("instance", type_=ID))
    .values(other_steps=sa.bindparam("found"))
)
BATCH = 1000
"""How many instances are looked at and written at once."""
BY_START = ("status", "definition_name", "created_by", "tenant_id", "correlation_id")
OPTIONAL = frozenset({"created_by", "tenant_id", "correlation_id"})


def upgrade() -> None:
    op.add_column("workflow_instances", sa.Column("rested_at", MOMENT))
    op.add_column("workflow_instances", sa.Column("other_steps", WORD))
    op.execute("UPDATE workflow_instances SET rested_at = updated_at WHERE status <> 'running'")
    _fill_steps()
    op.create_table(
        "workflow_searchable",
        sa.Column("instance_id", ID, nullable=False),
        sa.Column("path", WORD, nullable=False),
        sa.Column("value", WORD),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("instance_id", "path", name="pk_workflow_searchable"),
        sqlite_with_rowid=False,
    )
    _create("searchable", "value", "path", "started_at", "instance_id", where="value IS NOT NULL")
    for column in BY_START:
        op.drop_index(f"ix_workflow_instances_{column}_started_at", "workflow_instances")
        where = f"{column} IS NOT NULL" if column in OPTIONAL else None
        _create("instances", column, "started_at", "id", where=where)
    _create("instances", "status", "rested_at", "id", where="rested_at IS NOT NULL", name="rested")


def _fill_steps() -> None:
    """Write where instances are besides their current step: those that live, and have several tokens."""
    connection = op.get_bind()
    ended = INSTANCES.c.status.in_(["completed", "canceled"])
    in_order = sa.select(INSTANCES).where(~ended).order_by(INSTANCES.c.id).limit(BATCH)
    found = connection.execute(in_order).all()
    while found:
        rows = [{"instance": each.id, "found": _other_steps(each.state)} for each in found]
        some = [row for row in rows if row["found"]]
        if some:
            connection.execute(STEPS, some)
        found = connection.execute(in_order.where(INSTANCES.c.id > found[-1].id)).all()


def _other_steps(text: str) -> str:
    state = json.loads(text)
    live = {token["id"]: token["step"] for token in state.get("tokens", ())}
    live |= {number: step for step, numbers in state.get("arrivals", {}).items() for number in numbers}
    others = [*dict.fromkeys(live[number] for number in sorted(live))][1:]
    return "".join(f"\n{step}\n" for step in others)


def _create(table: str, *columns: str, where: str | None = None, name: str | None = None) -> None:
    holds = None if where is None else sa.text(where)
    name = name or "_".join(columns)
    op.create_index(
        f"ix_workflow_{table}_{name}",
        f"workflow_{table}",
        [*columns],
        postgresql_where=holds,
        sqlite_where=holds,
    )


def downgrade() -> None:
    op.drop_index("ix_workflow_instances_rested", "workflow_instances")
    for column in BY_START:
        op.drop_index(f"ix_workflow_instances_{column}_started_at_id", "workflow_instances")
        holds = sa.text(f"{column} IS NOT NULL") if column in OPTIONAL else None
        name = f"ix_workflow_instances_{column}_started_at"
        columns = [column, "started_at"]
        op.create_index(name, "workflow_instances", columns, postgresql_where=holds, sqlite_where=holds)
    op.drop_table("workflow_searchable")
    for column in ("other_steps", "rested_at"):
        op.drop_column("workflow_instances", column)
