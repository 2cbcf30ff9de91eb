"""Lists of tasks, each page of which is read off an index.

What a query asks for is one or several *streams*: each is a range of an index that has the order of the list, such as
the open tasks that are with somebody, or those offered to one of their groups. One stream is the list already; several
are merged, and the same task in two of them is one entry. No stream is sorted, and none is read further than the page.

PostgreSQL merges what stands in a `UNION ALL` in order, and drops doubles that lie together. SQLite merges a `UNION`
likewise. What else restricts a list is looked at row by row on the way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeAlias

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    CompoundSelect,
    FromClause,
    Select,
    String,
    Text,
    and_,
    cast,
    false,
    func,
    literal,
    literal_column,
    not_,
    or_,
    select,
    tuple_,
    union,
    union_all,
)
from sqlalchemy.dialects.postgresql import TSQUERY

from workflows_core.actors import Actor
from workflows_core.participants import group_key, user_key
from workflows_core.permissions import Identity, identities
from workflows_core.ports import NEVER, TaskOrder, TaskQuery
from workflows_core.search import words_in
from workflows_core.states import TaskStatus
from workflows_sqla.tables import offers, tasks
from workflows_sqla.visibility import in_tenant, seen_instances

Condition: TypeAlias = ColumnElement[bool]

_PENDING: Final = TaskStatus.PENDING
_ORDERS: Final = {
    TaskOrder.DUE: ("due_key", "created_at"),
    TaskOrder.PRIORITY: ("rank", "due_key", "created_at"),
    TaskOrder.OLDEST: ("created_at",),
    TaskOrder.NEWEST: ("created_at",),
}


def task_page(query: TaskQuery, dialect: str) -> Select[Any]:
    """Ask for tasks, in the order of the query, from its place on."""
    streams = [*_streams(query, dialect)]
    if len(streams) == 1 and streams[0].is_plain:
        found = streams[0].rows(query, tasks.c)
        return found.limit(query.limit).offset(query.offset or None)
    most = None if query.limit is None else query.limit + query.offset
    page = _merged([each.places(query) for each in streams], query, most, dialect)
    places = page.limit(query.limit).offset(query.offset or None).subquery("page")
    order = _direction(query, _sorted(query, places))
    return select(tasks).join_from(places, tasks, tasks.c.id == places.c.id).order_by(*order)


def task_count(query: TaskQuery, dialect: str) -> Select[Any]:
    """Ask how many tasks there are, whatever page of them is asked for."""
    found = union(*(each.ids() for each in _streams(query, dialect))).subquery()
    return select(func.count()).select_from(found)


class _Stream:
    """A range of an index: of the tasks themselves, or of what is offered under one key."""

    def __init__(self, conditions: Sequence[Condition], key: str | None = None) -> None:
        self.is_plain = key is None
        self._conditions = conditions
        self._source: FromClause = tasks
        self._by: Any = tasks.c
        self._id = tasks.c.id
        if key is not None:
            self._source = offers.join(tasks, tasks.c.id == offers.c.task_id)
            self._by = offers.c
            self._id = offers.c.task_id
            self._conditions = [offers.c.key == key, *conditions]

    def rows(self, query: TaskQuery, columns: Any) -> Select[Any]:
        """Return the stream in its order, from the place of the query on."""
        order = [*(self._by[name] for name in _ORDERS[query.order]), self._id]
        found = select(*columns).select_from(self._source).where(*self._conditions)
        if query.after is not None:
            begin = tuple_(
                *(
                    literal(value, column.type)
                    for value, column in zip((*query.after.key, query.after.id), order, strict=True)
                )
            )
            place = tuple_(*order)
            found = found.where(place < begin if _is_backwards(query) else place > begin)
        return found.order_by(*_direction(query, order))

    def places(self, query: TaskQuery) -> Select[Any]:
        """Return what the stream is sorted by alone, and the ids."""
        columns = [self._by[name].label(name) for name in _ORDERS[query.order]]
        return self.rows(query, [*columns, self._id.label("id")])

    def ids(self) -> Select[Any]:
        """Return the ids alone, of all of it."""
        return select(self._id.label("id")).select_from(self._source).where(*self._conditions)


def _is_backwards(query: TaskQuery) -> bool:
    return query.order is TaskOrder.NEWEST


def _direction(query: TaskQuery, columns: Sequence[ColumnElement[Any]]) -> list[ColumnElement[Any]]:
    return [each.desc() for each in columns] if _is_backwards(query) else [*columns]


def _sorted(query: TaskQuery, places: FromClause) -> list[ColumnElement[Any]]:
    return [places.c[name] for name in (*_ORDERS[query.order], "id")]


def _merged(
    streams: Sequence[Select[Any]], query: TaskQuery, most: int | None, dialect: str
) -> Select[Any] | CompoundSelect[Any]:
    """Merge streams in their order, each task once; of each no more is read than there is room for."""
    parts = [select(*part.c) for part in (each.limit(most).subquery() for each in streams)]
    if dialect == "sqlite":
        merged = union(*parts)
        columns = [merged.selected_columns[name] for name in (*_ORDERS[query.order], "id")]
        return merged.order_by(*_direction(query, columns))
    together = union_all(*parts).subquery("streams")
    columns = _sorted(query, together)
    return select(*columns).distinct().order_by(*_direction(query, columns))


def _streams(query: TaskQuery, dialect: str) -> Iterator[_Stream]:
    """Yield the streams of a query."""
    restricted = [*_restrictions(query, dialect)]
    keys = [*_candidate_keys(query)]
    if keys:
        yield _offered(query, restricted, *keys)
    elif query.for_actor is not None:
        yield from _concerning(query.for_actor, query, restricted)
    elif query.status is None and query.instance_id is not None:  # few enough to be sorted
        yield _Stream(restricted)
    else:
        for status in TaskStatus if query.status is None else (query.status,):
            yield _Stream([_has_status(status), *restricted])


def _offered(query: TaskQuery, restricted: list[Condition], key: str, *keys: str) -> _Stream:
    """Return what is offered under one key, and all others that are given, and nobody has taken."""
    conditions = [*restricted, *map(_is_offered, keys)]
    if query.status not in {None, _PENDING}:
        conditions.append(false())
    if query.for_actor is not None:
        could_take = (
            and_(*_covered(identity), _is_offered(each))
            for identity in identities(query.for_actor)
            for each in identity.keys
        )
        conditions.append(or_(false(), *could_take))
    return _Stream(conditions, key)


def _concerning(actor: Actor, query: TaskQuery, restricted: list[Condition]) -> Iterator[_Stream]:
    """Yield what somebody holds, and what they could take; for themself, and for whom they stand in."""
    found, status = identities(actor), query.status
    can_take = status in {None, _PENDING} and query.is_free is not False
    for identity in found:
        conditions = [*_covered(identity), *restricted]
        if query.is_free is not True:
            yield _Stream(
                [tasks.c.assignee == identity.user_id, _has_status(status or _PENDING), *conditions]
            )
        for key in identity.keys if can_take else ():
            yield _Stream(conditions, key)
    if not found or (query.is_free and not can_take):
        yield _Stream([false()])


def _covered(identity: Identity) -> list[Condition]:
    return [tasks.c.definition_name.in_(identity.definitions)] if identity.definitions else []


def _candidate_keys(query: TaskQuery) -> Iterator[str]:
    if query.candidate_user is not None:
        yield user_key(query.candidate_user)
    if query.candidate_group is not None:
        yield group_key(query.candidate_group)


def _is_offered(key: str) -> Condition:
    also = offers.alias()  # where the list is one of offers itself, this is another row
    return select(also.c.task_id).where(also.c.task_id == tasks.c.id, also.c.key == key).exists()


def _has_status(status: TaskStatus) -> Condition:
    """Name a status in the text: indexes of open tasks are only used where it can be seen that they suffice."""
    return tasks.c.status == literal_column(f"'{status.value}'", String)


def _restrictions(query: TaskQuery, dialect: str) -> Iterator[Condition]:
    """Yield what is looked at row by row."""
    c = tasks.c
    equal = (
        (c.assignee, query.assignee),
        (c.assignee_group, query.assignee_group),
        (c.definition_name, query.definition_name),
        (c.instance_id, query.instance_id),
        (c.tenant_id, query.tenant_id),
    )
    yield from (column == value for column, value in equal if value is not None)
    if query.is_free is not None:
        free = and_(c.assignee.is_(None), _has_status(_PENDING))
        yield free if query.is_free else not_(free)
    if query.priority is not None:
        yield c.rank == -query.priority
    if query.due_before is not None:
        yield c.due_key < min(query.due_before, NEVER)
    if query.follow_up_before is not None:
        yield or_(c.follow_up_at.is_(None), c.follow_up_at <= query.follow_up_before)
    if query.text is not None:
        yield from _has_words(words_in(query.text), dialect)
    if query.visible_to is not None:
        yield in_tenant(c.tenant_id, query.visible_to.tenant_id)
        seen = seen_instances(query.visible_to, c.definition_name, c.definition_version, c.instance_id)
        if seen is not None:
            yield seen


def _has_words(words: Sequence[str], dialect: str) -> Iterator[Condition]:
    """Yield what holds for titles that have words which begin so."""
    if not words:
        return
    if dialect == "postgresql":
        vector = func.array_to_tsvector(
            func.string_to_array(func.ltrim(tasks.c.words), literal_column("' '"), type_=ARRAY(Text))
        )
        asked = " & ".join(f"'{word}':*" for word in words)
        yield vector.bool_op("@@")(cast(literal(asked, Text), TSQUERY))
        return
    for word in words:
        escaped = word.replace("_", "\\_")
        yield tasks.c.words.like(f"% {escaped}%", escape="\\")
