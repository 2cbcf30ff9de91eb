"""Lists of instances, each page of which is read off an index.

As in `inbox`, a list is one or several *streams*: ranges of an index that has the order of the list. By its start there is
one index for whatever restricts a list. By its last change there is one for each status, and that of what is running is
sorted: an index on it would have to be written with every step. So `rested_at` is when an instance changed last that does
not run. What is at a step lives, and is looked for among what does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final, TypeAlias

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    and_,
    exists,
    func,
    literal,
    or_,
    select,
    tuple_,
    union_all,
)

from workflows_core.ports import InstanceQuery
from workflows_core.searchable import text_of
from workflows_core.states import InstanceStatus
from workflows_sqla.tables import instances, searchable
from workflows_sqla.types import Moment
from workflows_sqla.visibility import in_tenant, seen_instances

Condition: TypeAlias = ColumnElement[bool]

SUMMARY: Final = tuple(
    instances.c[name]
    for name in (
        "id", "definition_name", "definition_version", "status", "current_step", "revision", "started_at",
        "updated_at", "completed_at", "created_by", "tenant_id", "correlation_id", "error",
    )
)  # fmt: skip
"""The columns of an instance that lists show."""

_ENDED: Final = frozenset({InstanceStatus.COMPLETED, InstanceStatus.CANCELED})
_LIVE: Final = tuple(status for status in InstanceStatus if status not in _ENDED)


def instance_page(query: InstanceQuery, statuses: Collection[InstanceStatus] | None = None) -> Select[Any]:
    """Ask for what lists show of instances, in the order of the query, from its place on; of these statuses alone."""
    streams = [*_streams(query, statuses)]
    if len(streams) == 1:
        found = streams[0].rows(query, SUMMARY)
        return found.limit(query.limit).offset(query.offset or None)
    most = None if query.limit is None else query.limit + query.offset
    parts = [each.places(query).limit(most).subquery() for each in streams]
    together = union_all(*(select(*part.c) for part in parts)).subquery("streams")
    order = [together.c.moment, together.c.id]
    page = select(*order).order_by(*_direction(query, order)).limit(query.limit).offset(query.offset or None)
    places = page.subquery("page")
    return (
        select(*SUMMARY)
        .join_from(places, instances, instances.c.id == places.c.id)
        .order_by(*_direction(query, [places.c.moment, places.c.id]))
    )


def instance_count(query: InstanceQuery) -> Select[Any]:
    """Ask how many instances there are, whatever page of them is asked for."""
    return select(func.count()).select_from(instances).where(*wanted(query))


class _Stream:
    """A range of an index: of the instances, or of what they are found by."""

    def __init__(
        self,
        conditions: Sequence[Condition],
        moment: ColumnElement[Any],
        id_: ColumnElement[Any] = instances.c.id,
        source: FromClause = instances,
    ) -> None:
        self._conditions = conditions
        self._order = [moment, id_]
        self._source = source

    def rows(self, query: InstanceQuery, columns: Sequence[ColumnElement[Any]]) -> Select[Any]:
        """Return the stream in its order, from the place of the query on."""
        found = select(*columns).select_from(self._source).where(*self._conditions)
        if query.after is not None:
            (moment,) = query.after.key
            place = tuple_(*self._order)
            begin = tuple_(literal(moment, Moment()), literal(query.after.id, instances.c.id.type))
            found = found.where(place < begin if query.order.is_backwards else place > begin)
        return found.order_by(*_direction(query, self._order))

    def places(self, query: InstanceQuery) -> Select[Any]:
        """Return what the stream is sorted by alone."""
        moment, id_ = self._order
        return self.rows(query, [moment.label("moment"), id_.label("id")])


def _direction(query: InstanceQuery, columns: Sequence[ColumnElement[Any]]) -> list[ColumnElement[Any]]:
    return [each.desc() for each in columns] if query.order.is_backwards else [*columns]


def _streams(query: InstanceQuery, statuses: Collection[InstanceStatus] | None) -> Iterator[_Stream]:
    c = instances.c
    moment = c[query.order.moment]
    by_start = query.order.moment == "started_at"
    if query.data:
        yield _found_by_data(query, by_start=by_start)
        return
    if query.ids is not None or (by_start and query.status is query.step is statuses is None):
        yield _Stream(wanted(query), moment)
        return
    if query.status is not None:
        statuses = [query.status]
    elif statuses is None:
        statuses = _LIVE if query.step is not None else [*InstanceStatus]
    for status in statuses:
        having = c.status == status.value
        if by_start or status is InstanceStatus.RUNNING:
            yield _Stream([having, *wanted(query)], moment)
        else:
            yield _Stream([having, c.rested_at.is_not(None), *wanted(query, c.rested_at)], c.rested_at)


def _found_by_data(query: InstanceQuery, *, by_start: bool) -> _Stream:
    """Return what is found by one value; the others, and all else, are looked at row by row."""
    (path, value), *others = query.data.items()
    by = searchable.c
    conditions = [
        by.path == path,
        by.value == text_of(value),
        *(_has(*each) for each in others),
        *_restrictions(query, instances.c.updated_at),
    ]
    source = searchable.join(instances, instances.c.id == by.instance_id)
    if by_start:
        return _Stream(conditions, by.started_at, by.instance_id, source)
    return _Stream(conditions, instances.c.updated_at, source=source)


def wanted(query: InstanceQuery, changed_at: ColumnElement[Any] = instances.c.updated_at) -> list[Condition]:
    """Return what holds for the instances that a query asks for; `changed_at` is when they changed last."""
    by = searchable.c
    found = (
        instances.c.id.in_(select(by.instance_id).where(by.path == path, by.value == text_of(value)))
        for path, value in query.data.items()
    )
    return [*_restrictions(query, changed_at), *found]


def _restrictions(query: InstanceQuery, changed_at: ColumnElement[Any]) -> Iterator[Condition]:
    """Yield what holds for the rows of instances themselves."""
    c = instances.c
    equal = (
        (c.status, None if query.status is None else query.status.value),
        (c.definition_name, query.definition_name),
        (c.created_by, query.created_by),
        (c.tenant_id, query.tenant_id),
        (c.correlation_id, query.correlation_id),
    )
    yield from (column == value for column, value in equal if value is not None)
    for column, after, before in (
        (c.started_at, query.started_after, query.started_before),
        (changed_at, query.updated_after, query.updated_before),
    ):
        if after is not None:
            yield column >= after
        if before is not None:
            yield column < before
    if query.step is not None:
        beside = func.replace(c.other_steps, f"\n{query.step}\n", "") != c.other_steps
        yield or_(c.current_step == query.step, and_(c.other_steps.is_not(None), beside))
    if query.ids is not None:
        yield c.id.in_(query.ids)
    if query.visible_to is not None:
        yield in_tenant(c.tenant_id, query.visible_to.tenant_id)
        seen = seen_instances(query.visible_to, c.definition_name, c.definition_version, c.id)
        if seen is not None:
            yield seen


def _has(path: str, value: Any) -> Condition:
    also = searchable.alias()  # where the list is one of values itself, this is another row
    here = (also.c.instance_id == instances.c.id, also.c.path == path, also.c.value == text_of(value))
    return exists(select(also.c.instance_id).where(*here))
