"""How a transition is written: the statements.

All of them take their parameters from one mapping (`converter.from_transition`), in which the columns of an
instance have the prefix `new_`: SQLAlchemy reserves their own names. `base_revision` is the revision that the
instance must still be at; a start has none.

PostgreSQL writes a transition in one statement, which returns the instance's id unless it lost: a data-modifying
`WITH`, whose later parts act on what the first ones changed. SQLite has no such thing, and needs none: its
statements are calls of a function, not messages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    CTE,
    ColumnElement,
    Insert,
    Integer,
    ScalarSelect,
    Select,
    Text,
    Update,
    bindparam,
    func,
    insert,
    select,
    true,
    union_all,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from workflows_sqla import people
from workflows_sqla.feed import transaction_id
from workflows_sqla.parts import document, rows_given
from workflows_sqla.searching import values_saved
from workflows_sqla.tables import history, instances, tasks

_MOVING = (
    "status", "current_step", "revision", "wake_at", "updated_at", "completed_at", "error", "saved_size",
    "unsaved_size", "state", "rested_at", "other_steps",
)  # fmt: skip
"""The columns of an instance that every transition sets."""

_NEW = {
    each.name: bindparam(f"new_{each.name}", type_=each.type)
    for each in instances.c
    if each is not instances.c.position
}
_BASE_REVISION = bindparam("base_revision", type_=Integer())
_ENTRY: dict[str, ColumnElement[Any]] = {
    "revision": _NEW["revision"],
    "at": bindparam("entry_at", type_=history.c.at.type),
    "actor": bindparam("entry_actor", type_=history.c.actor.type),
    "events": bindparam("entry_events", type_=history.c.events.type),
}


# SQLite: one after the other, the later ones only if the first changed a row


@cache
def add_instance() -> Insert:
    """Insert an instance that is not there, under another id or the same key."""
    return sqlite.insert(instances).values(_NEW).on_conflict_do_nothing()


@cache
def save_instance() -> Update:
    """Update an instance that is still at `base_revision`; without `new_data` the snapshot stays as it is."""
    c = instances.c
    values: dict[str, ColumnElement[Any]] = {name: _NEW[name] for name in _MOVING}
    for name in ("data", "data_revision"):
        values[name] = func.coalesce(_NEW[name], c[name])
    return update(instances).where(c.id == _NEW["id"], c.revision == _BASE_REVISION).values(values)


@cache
def add_entry() -> Insert:
    """Insert the row of the history."""
    return insert(history).values(instance_id=_NEW["id"], **_ENTRY)


@cache
def save_task() -> Insert:
    """Insert a task, or update it; takes the columns of a task under the prefix `task_`."""
    values = {each.name: bindparam(f"task_{each.name}", type_=each.type) for each in tasks.c}
    statement = sqlite.insert(tasks).values(values)
    return statement.on_conflict_do_update(index_elements=[tasks.c.id], set_=_columns_of(statement.excluded))


# PostgreSQL: all at once


@cache
def write(needed: frozenset[str], *, starts: bool) -> Select[Any]:
    """Write a transition; returns the id of its instance, and nothing if it lost.

    Leaving out what is not needed saves the server half of its work.

    Args:
        needed: What it may do besides, by the parameters that say what, each a JSON list: write tasks
            (`changed_tasks`, rows), what `people.PARTS` tells, and what is found in data (`new_values`, rows), and notify
            `channel` (`payloads`, texts).
        starts: Whether it may be a start.
    """
    position = func.greatest(instances.c.position, transaction_id())
    saved = save_instance().values(position=position)
    changed = saved.returning(instances.c.id, instances.c.position).cte("saved")
    if starts:
        changed = union_all(select(changed), select(_added())).cte("changed")
    entry = insert(history).from_select(
        ["instance_id", "position", *_ENTRY],
        select(changed.c.id, changed.c.position, *_ENTRY.values()),
        include_defaults=False,
    )
    statement = select(changed.c.id).add_cte(entry.cte("noted"))
    if "payloads" in needed:
        statement = statement.add_columns(_notified())
    return statement.add_cte(*(part(changed) for name, part in _PARTS.items() if name in needed))


def _added() -> CTE:
    given = select(*_NEW.values(), transaction_id()).where(_BASE_REVISION.is_(None))
    added = postgresql.insert(instances).from_select([*_NEW, "position"], given, include_defaults=False)
    return added.on_conflict_do_nothing().returning(instances.c.id, instances.c.position).cte("added")


def _tasks_saved(changed: CTE) -> CTE:
    given = rows_given("changed_tasks", tasks)
    rows = select(*given.c).select_from(given.join(changed, true()))
    saved = postgresql.insert(tasks).from_select([*tasks.c.keys()], rows, include_defaults=False)
    saved = saved.on_conflict_do_update(index_elements=[tasks.c.id], set_=_columns_of(saved.excluded))
    return saved.cte("tasks_saved")


_PARTS: Final[Mapping[str, Callable[[CTE], CTE]]] = {
    **people.PARTS,
    "new_values": values_saved,
    "changed_tasks": _tasks_saved,
}
OPTIONAL: Final = (*_PARTS, "payloads")
"""The parameters that say what a transition does besides; `None` where it does not."""


def _notified() -> ScalarSelect[Any]:
    """Notify; within what is selected, so that it is done once for a transition that is written."""
    payloads = func.json_array_elements_text(document("payloads"))
    payload = payloads.column_valued("payload")
    return select(func.count(func.pg_notify(bindparam("channel", type_=Text()), payload))).scalar_subquery()


def _columns_of(excluded: Any) -> dict[str, Any]:
    return {each.name: excluded[each.name] for each in tasks.c if not each.primary_key}
