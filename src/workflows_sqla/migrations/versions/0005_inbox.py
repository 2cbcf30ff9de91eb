"""Lists of tasks that are read off an index, who has a part in an instance, and who stands in for whom."""

import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
DOCUMENT = sa.Text()
MOMENT = sa.BigInteger().with_variant(sa.DateTime(timezone=True), "postgresql")
ID = sa.LargeBinary(16).with_variant(sa.Uuid(), "postgresql")

NEVER = datetime(9999, 12, 31, tzinfo=UTC)
IS_OPEN = "status = 'pending'"
DUE = ("due_key", "created_at", "id")
LISTS = ("candidate_users", "candidate_groups", "details")
TASKS = sa.table(
    "workflow_tasks",
    *(sa.column(name, ID) for name in ("id", "instance_id")),
    *(
        sa.column(name)
        for name in ("step_name", "title", "status", "assignee", "assignee_group", "completed_by")
    ),
    *(sa.column(name) for name in LISTS),
    *(sa.column(name, MOMENT) for name in ("due_key", "created_at")),
    *(sa.column(name) for name in ("rank", "words")),
)
INSTANCES = sa.table("workflow_instances", sa.column("id", ID), sa.column("state"))
OFFERS = sa.table(
    "workflow_offers",
    sa.column("task_id", ID),
    sa.column("key"),
    *(sa.column(name, MOMENT) for name in ("due_key", "created_at")),
    sa.column("rank"),
)
PARTICIPANTS = sa.table("workflow_participants", sa.column("instance_id", ID), sa.column("key"))
WORDS = (
    sa.update(TASKS).where(TASKS.c.id == sa.bindparam("task", type_=ID)).values(words=sa.bindparam("found"))
)
STATES = (
    sa.update(INSTANCES)
    .where(INSTANCES.c.id == sa.bindparam("instance", type_=ID))
    .values(state=sa.bindparam("found"))
)
BATCH = 200
"""How many instances are looked at and written at once."""


def upgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    never = (
        str((NEVER - datetime(1970, 1, 1, tzinfo=UTC)).days * 86_400_000_000)
        if is_sqlite
        else NEVER.isoformat()
    )
    new: dict[str, tuple[Any, str]] = {
        "due_key": (MOMENT, never),
        "rank": (sa.Integer(), "0"),
        "words": (WORD, ""),
    }
    for name, (kind, default) in new.items():
        op.add_column("workflow_tasks", sa.Column(name, kind, nullable=False, server_default=default))
    _add_tables()
    op.execute("UPDATE workflow_tasks SET due_key = COALESCE(due_at, due_key), rank = -priority")
    _fill()
    if not is_sqlite:  # SQLite needs a default to add a column, and keeps it
        for name in new:
            op.alter_column("workflow_tasks", name, server_default=None)
    _index()


def _add_tables() -> None:
    op.create_table(
        "workflow_offers",
        sa.Column("task_id", ID, nullable=False),
        sa.Column("key", WORD, nullable=False),
        sa.Column("due_key", MOMENT, nullable=False),
        sa.Column("rank", sa.Integer, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("task_id", "key", name="pk_workflow_offers"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "workflow_participants",
        sa.Column("instance_id", ID, nullable=False),
        sa.Column("key", WORD, nullable=False),
        sa.PrimaryKeyConstraint("instance_id", "key", name="pk_workflow_participants"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "workflow_substitutions",
        sa.Column("id", ID, nullable=False),
        sa.Column("absent", WORD, nullable=False),
        sa.Column("substitute", WORD, nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.Column("definitions", DOCUMENT, nullable=False),
        sa.Column("groups", DOCUMENT, nullable=False),
        sa.Column("tenant_id", WORD),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", WORD),
        sa.PrimaryKeyConstraint("id", name="pk_workflow_substitutions"),
    )


def _fill() -> None:
    """Write the words of titles, what is offered to whom, and who took part: it follows from the tasks there are."""
    connection = op.get_bind()
    in_order = sa.select(INSTANCES).order_by(INSTANCES.c.id).limit(BATCH)
    found = connection.execute(in_order).all()
    while found:
        _fill_some(connection, found)
        found = connection.execute(in_order.where(INSTANCES.c.id > found[-1].id)).all()


def _fill_some(connection: sa.Connection, instances: Sequence[Any]) -> None:
    """Do so for instances that come one after the other."""
    among = TASKS.c.instance_id.between(instances[0].id, instances[-1].id)
    rows = connection.execute(sa.select(TASKS).where(among).order_by(TASKS.c.id)).all()
    parts: dict[Any, dict[str, None]] = defaultdict(dict)
    doers: dict[Any, dict[str, dict[str, None]]] = defaultdict(lambda: defaultdict(dict))
    for row in rows:
        users = [f"user:{name}" for name in (row.assignee, row.completed_by) if name is not None]
        parts[row.instance_id].update(dict.fromkeys((*_offered(row), *users)))
        if row.completed_by is not None:
            doers[row.instance_id][row.step_name][row.completed_by] = None
    states = {each.id: _state(each.state, parts[each.id], doers[each.id]) for each in instances}
    texts = {
        id_: json.dumps(state, separators=(",", ":"), ensure_ascii=False) for id_, state in states.items()
    }
    changed = [
        {"instance": each.id, "found": texts[each.id]} for each in instances if texts[each.id] != each.state
    ]
    _write(connection, WORDS, [{"task": row.id, "found": _words(row.title)} for row in rows])
    _write(connection, STATES, changed)
    _write(connection, sa.insert(OFFERS), [offer for row in rows for offer in _offers(row)])
    _write(
        connection,
        sa.insert(PARTICIPANTS),
        [{"instance_id": id_, "key": key} for id_, state in states.items() for key in state["participants"]],
    )


def _state(text: str, keys: Iterable[str], doers: Mapping[str, Iterable[str]]) -> dict[str, Any]:
    """Return the state of an instance with all that have a part in it."""
    state: dict[str, Any] = json.loads(text)
    state["participants"] = [*dict.fromkeys((*state.get("participants", ()), *keys))]
    if doers and not state.get("doers"):
        state["doers"] = {step: [*names] for step, names in doers.items()}
    return state


def _write(connection: sa.Connection, statement: sa.Executable, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(statement, rows)


def _offers(row: Any) -> Iterator[dict[str, Any]]:
    if row.status == "pending" and row.assignee is None:
        sorted_by = {"due_key": row.due_key, "rank": row.rank, "created_at": row.created_at}
        for key in dict.fromkeys(_offered(row)):
            yield {"task_id": row.id, "key": key, **sorted_by}


def _offered(row: Any) -> Iterator[str]:
    if json.loads(row.details).get("for_anyone"):
        yield "anyone"
    yield from (f"user:{name}" for name in json.loads(row.candidate_users))
    groups = [row.assignee_group, *json.loads(row.candidate_groups)]
    yield from (f"group:{name}" for name in groups if name is not None)


def _words(title: str) -> str:
    plain = unicodedata.normalize("NFKC", title).casefold()
    words = dict.fromkeys(word[:100] for word in re.findall(r"\w+", plain))
    sizes = accumulate(len(word.encode()) + 1 for word in words)
    kept = [word for word, size in zip(words, sizes, strict=True) if size <= 2_000]
    return "".join(f" {word}" for word in kept[:100])


def _index() -> None:
    for columns in (
        ("status", "due_at"),
        ("assignee", "status"),
        ("assignee_group", "status"),
        ("instance_id",),
    ):
        op.drop_index("_".join(("ix_workflow_tasks", *columns)), "workflow_tasks")
    _create("workflow_tasks_instance_id_status", "workflow_tasks", "instance_id", "status")
    _create("workflow_tasks_due", "workflow_tasks", "status", *DUE, "words")
    _create("workflow_tasks_age", "workflow_tasks", "status", "created_at", "id")
    _create("workflow_tasks_rank", "workflow_tasks", "status", "rank", *DUE)
    _create("workflow_tasks_definition_due", "workflow_tasks", "definition_name", "status", *DUE)
    by_rank, by_age = ("definition_name", "rank", *DUE), ("definition_name", "created_at", "id")
    _create("workflow_tasks_definition_rank", "workflow_tasks", *by_rank, where=IS_OPEN)
    _create("workflow_tasks_definition_age", "workflow_tasks", *by_age, where=IS_OPEN)
    for column, name in (("assignee", "assignee"), ("tenant_id", "tenant")):
        is_set = f"{column} IS NOT NULL"
        both = f"{IS_OPEN} AND {is_set}"
        _create(f"workflow_tasks_{name}_due", "workflow_tasks", column, "status", *DUE, where=is_set)
        _create(f"workflow_tasks_{name}_rank", "workflow_tasks", column, "rank", *DUE, where=both)
        _create(f"workflow_tasks_{name}_age", "workflow_tasks", column, "created_at", "id", where=both)
    group = ("assignee_group", "status", *DUE)
    _create("workflow_tasks_group_due", "workflow_tasks", *group, where="assignee_group IS NOT NULL")
    by_due = ("due_key", "created_at", "task_id")
    _create("workflow_offers_due", "workflow_offers", "key", *by_due)
    _create("workflow_offers_rank", "workflow_offers", "key", "rank", *by_due)
    _create("workflow_offers_age", "workflow_offers", "key", "created_at", "task_id")
    _create("workflow_participants_key_instance_id", "workflow_participants", "key", "instance_id")
    for name in ("substitute", "absent"):
        _create(f"workflow_substitutions_{name}_until", "workflow_substitutions", name, "until")
    if (
        op.get_bind().dialect.name == "postgresql"
    ):  # SQLite looks through the words in the index by what is due
        op.execute(
            "CREATE INDEX ix_workflow_tasks_words ON workflow_tasks USING gin"
            f" (array_to_tsvector(string_to_array(ltrim(words), ' '))) WHERE {IS_OPEN}"
        )


def _create(name: str, table: str, *columns: str, where: str | None = None) -> None:
    holds = None if where is None else sa.text(where)
    op.create_index(f"ix_{name}", table, [*columns], postgresql_where=holds, sqlite_where=holds)


def downgrade() -> None:
    for name in ("due", "age", "rank", "group_due", "instance_id_status"):
        op.drop_index(f"ix_workflow_tasks_{name}", "workflow_tasks")
    for name in ("assignee", "definition", "tenant"):
        for order in ("due", "rank", "age"):
            op.drop_index(f"ix_workflow_tasks_{name}_{order}", "workflow_tasks")
    if op.get_bind().dialect.name == "postgresql":
        op.drop_index("ix_workflow_tasks_words", "workflow_tasks")
    for table in ("substitutions", "participants", "offers"):
        op.drop_table(f"workflow_{table}")
    for name in ("due_key", "rank", "words"):
        op.drop_column("workflow_tasks", name)
    op.create_index("ix_workflow_tasks_instance_id", "workflow_tasks", ["instance_id"])
    op.create_index("ix_workflow_tasks_status_due_at", "workflow_tasks", ["status", "due_at"])
    for column in ("assignee", "assignee_group"):
        is_set = f"{column} IS NOT NULL"
        _create(f"workflow_tasks_{column}_status", "workflow_tasks", column, "status", where=is_set)
