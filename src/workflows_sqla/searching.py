"""What instances are found by in their data, written with the transition that changes it.

There is one row for each path that a definition declares and its instance has something at: the snapshot in the row of an
instance may be older than its data. Where there is nothing any more, the row stays without a value. What declares nothing
writes nothing here.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from sqlalchemy import CTE, Insert, bindparam, select, true
from sqlalchemy.dialects import postgresql, sqlite

from workflows_core.transition import Transition
from workflows_sqla.converter import Values
from workflows_sqla.parts import rows_given
from workflows_sqla.tables import searchable

_VALUE: Final = {each.name: bindparam(f"value_{each.name}", type_=each.type) for each in searchable.c}


def values_in(transition: Transition) -> Iterator[Values]:
    """Make the rows of what is to be found otherwise since a transition."""
    instance = transition.instance
    for path, value in transition.searchable:
        yield {
            "instance_id": instance.id,
            "path": path,
            "value": value,
            "started_at": instance.started_at,
        }


@cache
def save_value() -> Insert:
    """Insert a value, or update it (SQLite); takes its columns under the prefix `value_`."""
    return _saved(sqlite.insert(searchable).values(_VALUE))


def value_calls(transition: Transition) -> Iterator[tuple[Any, Values]]:
    """Yield the statements that write the values on SQLite, as functions that make them, with their parameters."""
    for row in values_in(transition):
        yield save_value, {f"value_{name}": value for name, value in row.items()}


def values_saved(changed: CTE) -> CTE:
    """Return what writes `new_values` on PostgreSQL, if `changed` holds the instance: if its transition did not lose."""
    given = rows_given("new_values", searchable)
    rows = select(*given.c).select_from(given.join(changed, true()))
    saved = postgresql.insert(searchable).from_select([*searchable.c.keys()], rows, include_defaults=False)
    return _saved(saved).cte("values_saved")


def _saved(statement: postgresql.Insert | sqlite.Insert) -> Insert:
    return statement.on_conflict_do_update(
        index_elements=[searchable.c.instance_id, searchable.c.path],
        set_={"value": statement.excluded["value"]},
    )
