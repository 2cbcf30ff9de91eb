"""Lists of tasks, each page of which is read off an index.

What a query asks for is one or several *streams*: each is a range of an index that has the order of the list, such as
the open tasks that are with somebody, or those offered to one of their groups. One stream is the list already; several
are merged, and the same task in two of them is one entry. No stream is sorted, and none is read further than the page.

PostgreSQL merges what stands in a `UNION ALL` in order, and drops doubles that lie together. SQLite merges a `UNION`
likewise. What else restricts a list is looked at row by row on the way.

To make a statement takes longer than to execute it. So one is made for all queries of a shape, and kept: it depends on
nothing but the shape, and has names where values come in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final, TypeAlias, TypeVar

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    CompoundSelect,
    FromClause,
    GenerativeSelect,
    Integer,
    Select,
    String,
    and_,
    bindparam,
    false,
    func,
    literal_column,
    not_,
    or_,
    select,
    union,
    union_all,
)

from workflows_core.ports import TaskQuery
from workflows_core.states import TaskStatus
from workflows_sqla.converter import TASK_COLUMNS, Values
from workflows_sqla.inbox_shapes import EQUAL, Acting, Shape, shaped
from workflows_sqla.inbox_words import found_by_words, has_words
from workflows_sqla.tables import offers, tasks
from workflows_sqla.visibility import seen_instances

Condition: TypeAlias = ColumnElement[bool]
Found = TypeVar("Found", bound=GenerativeSelect)

_PENDING: Final = TaskStatus.PENDING
_KEPT: Final = 64
"""How many statements are kept of each kind."""
_LARGEST: Final = 30
"""How many words and keys may be in one that is kept: a few hundred kilobytes are made of them."""


def task_page(query: TaskQuery, dialect: str) -> tuple[Select[Any], Values]:
    """Ask for tasks, in the order of the query, from its place on; with the values to be given to the statement."""
    shape, values = shaped(query, dialect)
    return _made(shape, _page, _kept_page), values


def task_count(query: TaskQuery, dialect: str) -> tuple[Select[Any], Values]:
    """Ask how many tasks there are, whatever page of them is asked for; likewise."""
    shape, values = shaped(query, dialect)
    return _made(shape, _count, _kept_count), values


def _made(
    shape: Shape, make: Callable[[Shape], Select[Any]], kept: Callable[[Shape], Select[Any]]
) -> Select[Any]:
    """Return a statement for a shape; what is large is not kept, nor what there would be one of for each user."""
    return kept(shape) if shape.seen is None and shape.size <= _LARGEST else make(shape)


def _page(shape: Shape) -> Select[Any]:
    streams = [*_streams(shape)]
    if len(streams) == 1 and not shape.words:
        return _cut(streams[0].rows(shape), shape)
    is_plain = [each.is_plain for each in streams] == [True]
    if is_plain and shape.has_table_of_words:
        (listed,) = _streams(shape.without_words())
        parts = [*found_by_words(listed.places(shape), shape)]
    else:
        parts = [each.places(shape) for each in streams]
    found = _merged(parts, shape) if parts[1:] else parts[0]
    places = _cut(found, shape).subquery("page")
    order = shape.directed(_sorted(shape, places))
    return select(*TASK_COLUMNS).join_from(places, tasks, tasks.c.id == places.c.id).order_by(*order)


def _count(shape: Shape) -> Select[Any]:
    found = union(*(each.ids() for each in _streams(shape))).subquery()
    return select(func.count()).select_from(found)


_kept_page: Final = lru_cache(_KEPT)(_page)
_kept_count: Final = lru_cache(_KEPT)(_count)


class _Stream:
    """A range of an index: of the tasks themselves, or of what is offered under one key."""

    def __init__(self, conditions: Sequence[Condition], key: str | None = None) -> None:
        self.is_plain = key is None
        self._conditions = conditions
        self._source: FromClause = tasks
        self._places: FromClause = tasks
        self._by: Any = tasks.c
        self._id = tasks.c.id
        if key is not None:
            self._source = offers.join(tasks, tasks.c.id == offers.c.task_id)
            self._places = (
                self._source if conditions else offers
            )  # an offer is of an open task, and says when it is due
            self._by = offers.c
            self._id = offers.c.task_id
            self._conditions = [offers.c.key == bindparam(key), *conditions]

    def rows(self, shape: Shape) -> Select[Any]:
        """Return the tasks of the stream in its order, from the place of the query on."""
        return self._in_order(shape, TASK_COLUMNS, self._source)

    def _in_order(self, shape: Shape, columns: Any, source: FromClause) -> Select[Any]:
        order = [*(self._by[name] for name in shape.sorted_by), self._id]
        found = select(*columns).select_from(source).where(*self._conditions)
        if shape.begins_after:
            found = found.where(shape.is_behind(order))
        return found.order_by(*shape.directed(order))

    def places(self, shape: Shape) -> Select[Any]:
        """Return what the stream is sorted by alone, and the ids."""
        columns = [self._by[name].label(name) for name in shape.sorted_by]
        return self._in_order(shape, [*columns, self._id.label("id")], self._places)

    def ids(self) -> Select[Any]:
        """Return the ids alone, of all of it."""
        return select(self._id.label("id")).select_from(self._places).where(*self._conditions)


def _sorted(shape: Shape, places: FromClause) -> list[ColumnElement[Any]]:
    return [places.c[name] for name in (*shape.sorted_by, "id")]


def _merged(streams: Sequence[Select[Any]], shape: Shape) -> Select[Any] | CompoundSelect[Any]:
    """Merge streams in their order, each task once; of each no more is read than there is room for."""
    parts = [select(*part.c) for part in (shape.limited(each).subquery() for each in streams)]
    if shape.dialect == "sqlite":
        merged = union(*parts)
        columns = [merged.selected_columns[name] for name in (*shape.sorted_by, "id")]
        return merged.order_by(*shape.directed(columns))
    together = union_all(*parts).subquery("streams")
    columns = _sorted(shape, together)
    return select(*columns).distinct().order_by(*shape.directed(columns))


def _streams(shape: Shape) -> Iterator[_Stream]:
    """Yield the streams of a query."""
    restricted = [*_restrictions(shape)]
    keys = [name for name in ("candidate_user", "candidate_group") if name in shape.names]
    if keys:
        yield _offered(shape, restricted, *keys)
    elif shape.acting is not None:
        yield from _concerning(shape.acting, shape, restricted)
    elif shape.status is None and "instance_id" in shape.names:  # few enough to be sorted
        yield _Stream(restricted)
    else:
        for status in TaskStatus if shape.status is None else (shape.status,):
            yield _Stream([_has_status(status), *restricted])


def _offered(shape: Shape, restricted: list[Condition], key: str, *keys: str) -> _Stream:
    """Return what is offered under one key, and all others that are given, and nobody has taken."""
    conditions = [*restricted, *map(_is_offered, keys)]
    if shape.status not in {None, _PENDING}:
        conditions.append(false())
    if shape.acting is not None:
        could_take = (and_(*_covered(each), _is_offered(name)) for each in shape.acting for name in each.keys)
        conditions.append(or_(false(), *could_take))
    return _Stream(conditions, key)


def _concerning(acting: Sequence[Acting], shape: Shape, restricted: list[Condition]) -> Iterator[_Stream]:
    """Yield what somebody holds, and what they could take; for themself, and for whom they stand in."""
    can_take = shape.status in {None, _PENDING} and shape.is_free is not False
    for each in acting:
        conditions = [*_covered(each), *restricted]
        if shape.is_free is not True:
            holds = tasks.c.assignee == bindparam(each.user)
            yield _Stream([holds, _has_status(shape.status or _PENDING), *conditions])
        for key in each.keys if can_take else ():
            yield _Stream(conditions, key)
    if not acting or (shape.is_free and not can_take):
        yield _Stream([false()])


def _covered(acting: Acting) -> list[Condition]:
    if acting.definitions is None:
        return []
    return [tasks.c.definition_name.in_(bindparam(acting.definitions, expanding=True))]


def _is_offered(key: str) -> Condition:
    also = offers.alias()  # where the list is one of offers itself, this is another row
    return select(also.c.task_id).where(also.c.task_id == tasks.c.id, also.c.key == bindparam(key)).exists()


def _has_status(status: TaskStatus) -> Condition:
    """Name a status in the text: indexes of open tasks are only used where it can be seen that they suffice."""
    return tasks.c.status == literal_column(f"'{status.value}'", String)


def _restrictions(shape: Shape) -> Iterator[Condition]:
    """Yield what is looked at row by row."""
    c = tasks.c
    compared = {
        **{name: c[name] == bindparam(name) for name in EQUAL},
        "rank": c.rank == bindparam("rank"),
        "due_before": c.due_key < bindparam("due_before"),
        "follow_up_before": or_(c.follow_up_at.is_(None), c.follow_up_at <= bindparam("follow_up_before")),
    }
    yield from (condition for name, condition in compared.items() if name in shape.names)
    if shape.is_free is not None:
        free = and_(c.assignee.is_(None), _has_status(_PENDING))
        yield free if shape.is_free else not_(free)
    yield from has_words(c.words, shape.words, shape.dialect)
    if shape.is_scoped:
        yield c.tenant_id == bindparam("scope") if "scope" in shape.names else c.tenant_id.is_(None)
    if shape.seen is not None:
        seen = seen_instances(shape.seen, c.definition_name, c.definition_version, c.instance_id)
        if seen is not None:
            yield seen


def _cut(found: Found, shape: Shape) -> Found:
    """Keep to the page."""
    if "limit" in shape.names:
        found = found.limit(_amount("limit"))
    return found.offset(_amount("offset")) if "offset" in shape.names else found


def _amount(name: str) -> BindParameter[int]:
    return bindparam(name, type_=Integer)
