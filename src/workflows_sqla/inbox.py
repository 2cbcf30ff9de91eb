"""Lists of tasks, each page of which is read off an index.

What a query asks for is one or several *streams*: each is a range of an index that has the order of the list, such as
the open tasks that are with somebody, or those offered to one of their groups. One stream is the list already; several
are merged, and the same task in two of them is one entry. No stream is sorted, and none is read further than the page.

PostgreSQL merges what stands in a `UNION ALL` in order, and drops doubles that lie together. SQLite merges a `UNION`
likewise. What else restricts a list is looked at row by row on the way.

Words are looked for row by row as well, in the index by what is due: that is fast where they are many. Where they are
few, PostgreSQL looks for them in an index of words; which of the two it is comes out on the way (`_by_words`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeAlias

from attrs import evolve
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    CompoundSelect,
    FromClause,
    Select,
    String,
    Text,
    and_,
    case,
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
from workflows_core.paging import Cursor
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
_MANY: Final = 20_000
"""How many open tasks are looked through for words: in the index by what is due that is a matter of milliseconds."""
_SOME: Final = 1_000
"""How many of a list that is restricted otherwise: for each the row has to be read."""
_COUNTED: Final = 5
"""How many words of a search are counted to see which are rare."""


def task_page(query: TaskQuery, dialect: str) -> Select[Any]:
    """Ask for tasks, in the order of the query, from its place on."""
    query = _simplified(query)
    streams = [*_streams(query, dialect)]
    most = None if query.limit is None else query.limit + query.offset
    by_words = bool(_words(query)) and dialect == "postgresql"
    if len(streams) == 1 and not by_words:
        return streams[0].rows(query).limit(query.limit).offset(query.offset or None)
    if (
        by_words
        and most is not None
        and query.status is _PENDING
        and [each.is_plain for each in streams] == [True]
    ):
        parts = _by_words(query, most)
    else:
        parts = [each.places(query) for each in streams]
    page = _merged(parts, query, most, dialect)
    places = page.limit(query.limit).offset(query.offset or None).subquery("page")
    order = _direction(query, _sorted(query, places))
    return select(tasks).join_from(places, tasks, tasks.c.id == places.c.id).order_by(*order)


def task_count(query: TaskQuery, dialect: str) -> Select[Any]:
    """Ask how many tasks there are, whatever page of them is asked for."""
    found = union(*(each.ids() for each in _streams(query, dialect))).subquery()
    return select(func.count()).select_from(found)


def _simplified(query: TaskQuery) -> TaskQuery:
    """Ask for tasks of one priority by what is due: that is the same list, and databases see less clearly."""
    if query.priority is None or query.order is not TaskOrder.PRIORITY:
        return query
    after = query.after
    if after is not None:
        rank, *place = after.key
        if rank == -query.priority:
            after = Cursor(TaskOrder.DUE, tuple(place), after.id)
        else:  # they all come after the place, or none does
            comes_first = isinstance(rank, int) and rank < -query.priority
            after = None if comes_first else Cursor(TaskOrder.DUE, (NEVER, NEVER), after.id)
    return evolve(query, order=TaskOrder.DUE, after=after)


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
            self._conditions = [offers.c.key == key, *conditions]

    def rows(self, query: TaskQuery) -> Select[Any]:
        """Return the tasks of the stream in its order, from the place of the query on."""
        return self._in_order(query, tasks.c, self._source)

    def _in_order(self, query: TaskQuery, columns: Any, source: FromClause) -> Select[Any]:
        order = [*(self._by[name] for name in _ORDERS[query.order]), self._id]
        found = select(*columns).select_from(source).where(*self._conditions)
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
        return self._in_order(query, [*columns, self._id.label("id")], self._places)

    def ids(self) -> Select[Any]:
        """Return the ids alone, of all of it."""
        return select(self._id.label("id")).select_from(self._places).where(*self._conditions)


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
    yield from (_has_word(c.words, word, dialect) for word in _words(query))
    if query.visible_to is not None:
        yield in_tenant(c.tenant_id, query.visible_to.tenant_id)
        seen = seen_instances(query.visible_to, c.definition_name, c.definition_version, c.instance_id)
        if seen is not None:
            yield seen


def _is_restricted(query: TaskQuery) -> bool:
    """Say whether it takes more than the index by what is due to list the open tasks of a query."""
    place = evolve(query, after=None, limit=None, offset=0, text=None, due_before=None)
    return place != TaskQuery(status=_PENDING)


def _words(query: TaskQuery) -> tuple[str, ...]:
    return () if query.text is None else words_in(query.text)


def _has_word(words: ColumnElement[str], word: str, dialect: str) -> Condition:
    """Return what holds for the words of a title if one of them begins so."""
    find = func.instr if dialect == "sqlite" else func.strpos
    return find(words, literal(f" {word}", Text)) > 0


def _by_words(query: TaskQuery, most: int) -> list[Select[Any]]:
    """Return what is found by words in one list of PostgreSQL: what is near its front; unless that is enough, all.

    What the index of words finds has to be sorted, so it is asked for rare words alone. A word is rare if it is not
    found often enough among the tasks that come next; those are looked through in an index of the list.
    """
    (listed,) = _streams(evolve(query, text=None), "postgresql")
    names, words = (*_ORDERS[query.order], "id"), _words(query)
    coming = listed.places(query).add_columns(tasks.c.words)
    coming_ones = coming.limit(_SOME if _is_restricted(query) else _MANY).cte("coming")
    near = (
        select(*(coming_ones.c[name] for name in names))
        .where(*_have_all(coming_ones.c.words, words))
        .order_by(*_direction(query, _sorted(query, coming_ones)))
        .limit(most)
        .cte("near")
    )
    is_rare = _vector().bool_op("@@")(cast(_rare(words, coming_ones), TSQUERY))
    indexed = listed.places(query).where(is_rare, *_have_all(tasks.c.words, words[1:] and words))
    found = (
        indexed.order_by(None).offset(literal_column("0")).subquery("found")
    )  # it is found, and then sorted
    is_not_enough = select(func.count()).select_from(near).scalar_subquery() < most
    far = select(*found.c).where(is_not_enough).order_by(*_direction(query, _sorted(query, found)))
    return [select(*near.c), far]


def _have_all(column: ColumnElement[str], words: Sequence[str]) -> list[Condition]:
    return [_has_word(column, word, "postgresql") for word in words]


def _vector() -> ColumnElement[Any]:
    """Return what the index of words is made of."""
    words = func.string_to_array(func.ltrim(tasks.c.words), literal_column("' '"), type_=ARRAY(Text))
    return func.array_to_tsvector(words)


def _rare(words: Sequence[str], among: FromClause) -> ColumnElement[str]:
    """Write what the index is asked for: those of the words that seem to be rare; all of them if none does.

    It reads all places of a word before it looks at the next one, which for a frequent word takes long.
    """
    asked = [literal(f"'{word}':*", Text) for word in words]
    if len(words) == 1:
        return asked[0]
    some = select(among.c.words).limit(_SOME).subquery("some")
    counts = [
        select(func.count()).select_from(some).where(_has_word(some.c.words, word, "postgresql"))
        for word in words[:_COUNTED]
    ]
    rare = (
        case((counted.scalar_subquery() < _SOME / 50, each))
        for counted, each in zip(counts, asked, strict=False)
    )
    return func.coalesce(func.nullif(func.concat_ws(" & ", *rare), ""), func.concat_ws(" & ", *asked))
