"""What is asked of the database: one function for each question, returning a statement.

Statements that are always the same are built once: SQLAlchemy then finds their compiled form at once.
Parameters have other names than columns where both stand in one statement.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any, TypeAlias

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Insert,
    Select,
    Table,
    Update,
    and_,
    bindparam,
    cast,
    column,
    delete,
    exists,
    extract,
    func,
    null,
    select,
    type_coerce,
    update,
)
from sqlalchemy import values as rows_of
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningDelete, ReturningInsert

from workflows_core.ports import InstanceQuery
from workflows_core.states import InstanceStatus, TaskStatus
from workflows_sqla.instance_lists import wanted
from workflows_sqla.tables import definitions, history, instances, runners, tasks

Rows: TypeAlias = Select[Any]


# Definitions


@cache
def add_definition(dialect: str) -> ReturningInsert[Any]:
    """Insert a definition; returns nothing if that version is known."""
    return _insert(dialect, definitions).on_conflict_do_nothing().returning(definitions.c.name)


@cache
def content_hash() -> Rows:
    """Ask for what is known under `name` and `version`."""
    return select(definitions.c.content_hash).where(
        definitions.c.name == bindparam("name"), definitions.c.version == bindparam("version")
    )


def stored_definitions(name: str | None) -> Rows:
    """Ask for all versions of one name, or of all."""
    c = definitions.c
    statement = select(definitions).order_by(c.name, c.created_at, c.version)
    return statement if name is None else statement.where(c.name == name)


@cache
def definition_keys() -> Rows:
    """Ask for name and version of all definitions."""
    return select(definitions.c.name, definitions.c.version)


# Instances


@cache
def instance_rows() -> Rows:
    """Ask for the instances with these `ids`."""
    return select(instances).where(instances.c.id.in_(bindparam("ids", expanding=True)))


@cache
def instance_row_of_task() -> Rows:
    """Ask for the instance that the task with this `task_id` belongs to."""
    owner = select(tasks.c.instance_id).where(tasks.c.id == bindparam("task_id"))
    return select(instances).where(instances.c.id == owner.scalar_subquery())


@cache
def unsaved_patches() -> Rows:
    """Ask for the history since the snapshots of the instances with these `ids`, oldest first."""
    since = and_(history.c.instance_id == instances.c.id, history.c.revision > instances.c.data_revision)
    return (
        select(history)
        .join(instances, since)
        .where(instances.c.id.in_(bindparam("ids", expanding=True)))
        .order_by(history.c.instance_id, history.c.revision)
    )


@cache
def open_tasks() -> Rows:
    """Ask for the open tasks of the instances with these `ids`, and for their present revisions.

    An instance without open tasks has one row, with no task in it.
    """
    is_open = and_(tasks.c.instance_id == instances.c.id, tasks.c.status == TaskStatus.PENDING.value)
    return (
        select(instances.c.id.label("owner_id"), instances.c.revision.label("owner_revision"), tasks)
        .outerjoin_from(instances, tasks, is_open)
        .where(instances.c.id.in_(bindparam("ids", expanding=True)))
        .order_by(tasks.c.created_at, tasks.c.token, tasks.c.id)
    )


def instance_tally(query: InstanceQuery) -> Rows:
    """Ask how many instances there are by definition and status, and when the first of them was started.

    Without restrictions, or with one to a tenant, it is read off an index.
    """
    c = instances.c
    by = (c.definition_name, c.definition_version, c.status)
    counted = (func.count().label("tally"), func.min(c.started_at).label("oldest"))
    return select(*by, *counted).where(*wanted(query)).group_by(*by).order_by(*by)


def step_tally(query: InstanceQuery) -> Rows:
    """Ask how many instances that have not ended are at which step, and since when the slowest has not moved."""
    c = instances.c
    by = (c.definition_name, c.definition_version, c.current_step)
    counted = (func.count().label("tally"), func.min(c.updated_at).label("unmoved_since"))
    live = (*wanted(query), c.current_step.is_not(None))
    return select(*by, *counted).where(*live).group_by(*by).order_by(*by)


def day_tally(query: InstanceQuery, since: datetime, dialect: str) -> Rows:
    """Ask how many instances ended on which day, as the number of days since 1970."""
    end = instances.c.completed_at
    if dialect == "postgresql":
        day: ColumnElement[Any] = cast(func.floor(extract("epoch", end) / 86_400), BigInteger)
    else:
        day = type_coerce(end, BigInteger) // 86_400_000_000
    ended = (*wanted(query), end >= since)
    return select(day.label("day"), func.count().label("tally")).where(*ended).group_by(day)


@cache
def started_under() -> Rows:
    """Ask which instance was started under `idempotency_key`."""
    return select(instances.c.id).where(instances.c.idempotency_key == bindparam("idempotency_key"))


# History


@cache
def history_after() -> Rows:
    """Ask for the entries of `instance_id` with a revision above `after`, oldest first."""
    c = history.c
    wanted = (c.instance_id == bindparam("instance_id"), c.revision > bindparam("after"))
    return select(history).where(*wanted).order_by(c.revision)


@cache
def histories_of_failed() -> Rows:
    """Ask for the whole histories of the instances that are failed now."""
    failed = select(instances.c.id).where(instances.c.status == InstanceStatus.FAILED.value)
    c = history.c
    return select(history).where(c.instance_id.in_(failed)).order_by(c.instance_id, c.revision)


# Tasks


@cache
def task_row() -> Rows:
    """Ask for the task `task_id`."""
    return select(tasks).where(tasks.c.id == bindparam("task_id"))


# Time


@cache
def due_instances(*, by_definition: bool = False) -> Rows:
    """Take `limit` instances that are due `now`, passing over those that somebody else is taking.

    Of any definition, or of `name` and `version`.
    """
    c = instances.c
    due = select(instances).where(c.wake_at <= bindparam("now"))
    if by_definition:
        due = due.where(c.definition_name == bindparam("name"), c.definition_version == bindparam("version"))
    due = due.order_by(c.wake_at, c.id).limit(bindparam("limit"))
    return due.with_for_update(skip_locked=True)


@cache
def moments_due(count: int) -> Rows:
    """Ask when the first instance of each of `count` definitions is due; see `named`.

    Each is one look at the index, however many instances there are.
    """
    c = instances.c
    word = c.definition_name.type
    rows = [
        (bindparam(f"name_{index}", type_=word), bindparam(f"version_{index}", type_=word))
        for index in range(count)
    ]
    asked = rows_of(column("name", word), column("version", word)).data(rows).cte("asked")
    first = (
        select(c.wake_at)
        .where(
            c.definition_name == asked.c.name,
            c.definition_version == asked.c.version,
            c.wake_at.is_not(None),
        )
        .order_by(c.wake_at)
        .limit(1)
        .correlate(asked)
        .scalar_subquery()
    )
    return select(asked.c.name, asked.c.version, first.label("wake_at"))


def named(keys: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the parameters of `moments_due`: names and versions."""
    parameters = {}
    for index, (name, version) in enumerate(keys):
        parameters[f"name_{index}"] = name
        parameters[f"version_{index}"] = version
    return parameters


@cache
def due_definitions() -> Rows:
    """Ask for the stored definitions of which an instance is due `now`."""
    c = instances.c
    is_due = exists().where(
        c.definition_name == definitions.c.name,
        c.definition_version == definitions.c.version,
        c.wake_at <= bindparam("now"),
    )
    return select(definitions.c.name, definitions.c.version).where(is_due)


@cache
def put_off() -> Update:
    """Make the instances with these `ids` due `until`."""
    due = instances.c.id.in_(bindparam("ids", expanding=True))
    return update(instances).where(due).values(wake_at=bindparam("until"))


@cache
def put_off_claimed() -> Update:
    """Make `instance_id` due `until`, if it is still at `base_revision` and due at `claimed_until`."""
    c = instances.c
    as_claimed = (
        c.id == bindparam("instance_id"),
        c.revision == bindparam("base_revision"),
        c.wake_at == bindparam("claimed_until", type_=c.wake_at.type),
    )
    return update(instances).where(*as_claimed).values(wake_at=bindparam("until", type_=c.wake_at.type))


@cache
def next_due() -> Rows:
    """Ask when the first instance is due."""
    return select(func.min(instances.c.wake_at)).where(instances.c.wake_at.is_not(None))


@cache
def wake_moving() -> Update:
    """Make every instance due that somebody may have been working on.

    Due since its last transition: that is not after now, whatever clock one looks at.
    """
    c = instances.c
    moving = c.status.in_(
        [InstanceStatus.RUNNING.value, InstanceStatus.FAILED.value]
    )  # failed ones may have other branches
    return update(instances).where(moving, c.wake_at > c.updated_at).values(wake_at=c.updated_at)


# Runners


@cache
def add_runner(dialect: str) -> Insert:
    """Insert a runner, or extend its lease."""
    statement = _insert(dialect, runners).values(
        id=bindparam("id"), lease_until=bindparam("lease_until"), renewed_at=_present(dialect)
    )
    values = {name: statement.excluded[name] for name in ("lease_until", "renewed_at")}
    return statement.on_conflict_do_update(index_elements=[runners.c.id], set_=values)


@cache
def extend_lease(dialect: str) -> Update:
    """Move the lease of `runner_id`."""
    values = {"lease_until": bindparam("until"), "renewed_at": _present(dialect)}
    return update(runners).where(runners.c.id == bindparam("runner_id")).values(values)


def _present(dialect: str) -> ColumnElement[Any]:
    """Return the time of the server, where there is one."""
    return func.now() if dialect == "postgresql" else null()


@cache
def runner_ids() -> Rows:
    """Ask for all runners."""
    return select(runners.c.id)


@cache
def ended_leases() -> Rows:
    """Ask for the runners whose lease ended by `now`."""
    return select(runners.c.id).where(runners.c.lease_until <= bindparam("now"))


@cache
def remove_runners() -> ReturningDelete[Any]:
    """Delete the runners with these `ids`; returns which of them were there."""
    return delete(runners).where(runners.c.id.in_(bindparam("ids", expanding=True))).returning(runners.c.id)


def _insert(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
