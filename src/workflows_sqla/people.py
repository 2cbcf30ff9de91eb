"""Who a task is offered to, and who has a part in an instance: what is written with a transition.

An open task that nobody holds has a row in `workflow_offers` for every user and group it is offered to, with what
lists are sorted by; so a page of what somebody could take is read off an index. `workflow_participants` only grows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    CTE,
    ColumnElement,
    Delete,
    Insert,
    Text,
    bindparam,
    cast,
    column,
    delete,
    exists,
    func,
    select,
    true,
)
from sqlalchemy.dialects import postgresql, sqlite

from workflows_core.tasks import Task
from workflows_core.transition import Transition
from workflows_sqla.converter import Values, sorted_by
from workflows_sqla.parts import document, rows_given
from workflows_sqla.tables import offers, participants

_OFFER: Final = {each.name: bindparam(f"offer_{each.name}", type_=each.type) for each in offers.c}


def offers_in(transition: Transition) -> Iterator[Values]:
    """Make the rows of what can be taken since a transition."""
    for task in transition.tasks:
        if task.is_free:
            for key in task.offered_to:
                yield {"task_id": task.id, "key": key, "created_at": task.created_at, **sorted_by(task)}


def taken_in(transition: Transition) -> list[Task]:
    """Return what cannot be taken since a transition, and perhaps could before."""
    return [task for task in transition.tasks if not task.is_free and task.offered_to]


# SQLite: one after the other


@cache
def save_offer() -> Insert:
    """Insert an offer, or update it; takes its columns under the prefix `offer_`."""
    statement = sqlite.insert(offers).values(_OFFER)
    return statement.on_conflict_do_update(
        index_elements=[offers.c.task_id, offers.c.key], set_=_moving(statement.excluded)
    )


@cache
def remove_offers() -> Delete:
    """Delete the offers of `taken_task`."""
    return delete(offers).where(offers.c.task_id == bindparam("taken_task", type_=offers.c.task_id.type))


@cache
def add_participant() -> Insert:
    """Insert the participant `part_key` of `part_instance`, who may be there."""
    given = {
        "instance_id": bindparam("part_instance", type_=participants.c.instance_id.type),
        "key": bindparam("part_key", type_=participants.c.key.type),
    }
    return sqlite.insert(participants).values(given).on_conflict_do_nothing()


def calls_for(transition: Transition) -> Iterator[tuple[Any, Values]]:
    """Yield the statements that write all of it on SQLite, as functions that make them, with their parameters."""
    for task in taken_in(transition):
        yield remove_offers, {"taken_task": task.id}
    for offer in offers_in(transition):
        yield save_offer, {f"offer_{name}": value for name, value in offer.items()}
    for key in transition.participants:
        yield add_participant, {"part_instance": transition.instance.id, "part_key": key}


# PostgreSQL: as parts of the one statement that writes a transition


def people_values(transition: Transition) -> Values:
    """Make the parameters of `PARTS`; `None` for what there is nothing of."""
    taken = [task.id for task in taken_in(transition)]
    return {
        "new_offers": [*offers_in(transition)] or None,
        "taken_task": taken[0] if len(taken) == 1 else None,
        "taken_tasks": taken if len(taken) > 1 else None,
        "new_participants": [*transition.participants] or None,
    }


def _offers_saved(changed: CTE) -> CTE:
    given = rows_given("new_offers", offers)
    rows = select(*given.c).select_from(given.join(changed, true()))
    saved = postgresql.insert(offers).from_select([*offers.c.keys()], rows, include_defaults=False)
    saved = saved.on_conflict_do_update(
        index_elements=[offers.c.task_id, offers.c.key], set_=_moving(saved.excluded)
    )
    return saved.cte("offers_saved")


def _offer_removed(changed: CTE) -> CTE:
    """Delete the offers of one task, which it mostly is: of many, databases do not know that they are so few.

    They would read through a table that they believe to be small.
    """
    return _removed(offers.c.task_id == bindparam("taken_task", type_=offers.c.task_id.type), changed).cte(
        "offer_removed"
    )


def _offers_removed(changed: CTE) -> CTE:
    taken = func.json_array_elements_text(document("taken_tasks"))
    ids = select(cast(taken.column_valued("taken"), offers.c.task_id.type))
    return _removed(offers.c.task_id.in_(ids), changed).cte("offers_removed")


def _removed(is_it: ColumnElement[bool], changed: CTE) -> Delete:
    return delete(offers).where(is_it, exists(select(changed.c.id)))


def _participants_added(changed: CTE) -> CTE:
    keys = func.json_array_elements_text(document("new_participants"))
    given = keys.table_valued(column("key", Text), name="given_keys").render_derived()
    rows = select(changed.c.id, given.c.key).select_from(changed.join(given, true()))
    added = postgresql.insert(participants).from_select(["instance_id", "key"], rows, include_defaults=False)
    return added.on_conflict_do_nothing().cte("participants_added")


PARTS: Final[Mapping[str, Callable[[CTE], CTE]]] = {
    "new_offers": _offers_saved,
    "taken_task": _offer_removed,
    "taken_tasks": _offers_removed,
    "new_participants": _participants_added,
}
"""What writes each of `people_values`, if the given part of the statement holds the instance: if its transition did not lose."""


def _moving(excluded: Any) -> dict[str, Any]:
    return {name: excluded[name] for name in ("due_key", "rank")}
