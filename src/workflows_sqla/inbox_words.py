"""Finding tasks by the words of their titles.

There is a table of the words of what is open, in the order of what is due. All tasks that have a rare word are looked up
there, and sorted. What is frequent is found soon in the list itself, by looking at one task after the other.

PostgreSQL can do better. It looks up which words there are that begin as one that is searched for, its *completions*; for
each of them the table has the tasks in order, so no more of them are read than a page has. That is not enough where
very many words begin so, or a list has another order.

Whatever else is asked of a task is looked at on the way, other words too: tasks are looked up by the rarest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from typing import Any, Final, Self, TypeAlias

from attrs import frozen
from sqlalchemy import (
    ARRAY,
    CTE,
    BindParameter,
    ColumnElement,
    FromClause,
    Integer,
    ScalarSelect,
    Select,
    Text,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    not_,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import array

from workflows_core.ports import TaskOrder
from workflows_sqla.inbox_shapes import Shape, Word
from workflows_sqla.tables import tasks, words

Condition: TypeAlias = ColumnElement[bool]

_FIRST: Final = literal_column("2000", Integer)
"""A word is rare that fewer tasks have. PostgreSQL looks at so many of a list for others, before it looks them all up."""
_COMPLETIONS: Final = literal_column("50", Integer)
"""How many completions are looked up one by one."""
_AHEAD: Final = literal_column("100", Integer)
"""How many tasks it is looked ahead to find out how frequent a word is."""
_COMPARED: Final = 5
"""How many words of a search are compared for that, and in their initials."""
_MOST: Final = bindparam("most", type_=Integer)
_NOTHING, _ONE, _ALL = (literal_column(each, Integer) for each in ("0", "1", "-1"))
_NEVER: Final = literal_column("'{infinity,infinity}'::timestamptz[]", ARRAY(words.c.due_key.type))


def has_words(titles: ColumnElement[str], searched: Sequence[Word], dialect: str) -> list[Condition]:
    """Return what holds for the words of a title if for each that is searched for there is one that begins so."""
    if dialect != "sqlite":
        return [_begins(titles, word, func.strpos) for word in searched]
    # Anywhere in a word SQLite finds it sooner than at its beginning, and most titles have it nowhere.
    held = [titles.like(_text(word.held)) for word in searched]
    return [*held, *(_begins(titles, word, func.instr) for word in searched)]


def _begins(titles: ColumnElement[str], word: Word, find: Callable[..., ColumnElement[int]]) -> Condition:
    return find(titles, _text(word.begun)) > 0


@frozen
class _Sought:
    """The word by which tasks are looked up.

    Attributes:
        first: It itself.
        beyond: What comes after all that begins so.
    """

    first: ColumnElement[str]
    beyond: ColumnElement[str]

    @classmethod
    def of(cls, found: CTE) -> Self:
        """Look it up where it is found.

        That is done even if there is but one: of what is looked up, databases do not know how frequent it is. They would
        make a plan for every word that they know that of, which takes longer than to carry it out.
        """
        return cls(select(found.c.first).scalar_subquery(), select(found.c.beyond).scalar_subquery())

    def is_rare(self) -> Condition:
        """Return whether all that begins so can be looked at."""
        return _number(self.first, self.beyond) < _FIRST


def found_by_words(listed: Select[Any], shape: Shape) -> Iterator[Select[Any]]:
    """Yield what is found by words in one list: parts that make up the page together, each in its order.

    Args:
        listed: The places of the list, whatever the titles are.
        shape: What is asked for.
    """
    rows = (
        select(_text(word.first).label("first"), _text(word.beyond).label("beyond"))
        for word in shape.words[:_COMPARED]
    )
    searched = union_all(*rows).cte("searched")
    found_in = _found_in_sqlite if shape.dialect == "sqlite" else _found_in_postgresql
    yield from found_in(searched, listed, shape)


def _found_in_sqlite(searched: CTE, listed: Select[Any], shape: Shape) -> Iterator[Select[Any]]:
    """Yield what is frequent, and what is rare: one of them is limited to nothing, where a condition would be looked at row by row."""
    numbered = select(*searched.c, _number(*searched.c).label("number"))
    found = numbered.order_by("number").limit(_ONE).cte("sought")
    sought, is_rare = _Sought.of(found), select(found.c.number).scalar_subquery() < _FIRST
    near = listed.where(*has_words(tasks.c.words, shape.words, shape.dialect))
    near = near.limit(case((is_rare, _NOTHING), else_=_MOST))
    yield _in_order(near.subquery("near"), shape)
    begun = _begun(sought, shape).limit(case((is_rare, _ALL), else_=_NOTHING))
    yield _among(begun, listed, shape)


def _found_in_postgresql(searched: CTE, listed: Select[Any], shape: Shape) -> Iterator[Select[Any]]:
    completions = _completions(searched)
    sought = _Sought.of(_rarest(searched, completions, shape) if shape.words[1:] else searched)
    own = select(func.count()).where(completions.c.first == sought.first)
    few, rare = own.scalar_subquery() <= _COMPLETIONS, sought.is_rare()
    has_order = shape.order is TaskOrder.DUE
    is_sure = has_order and not shape.is_restricted  # to fill a page with the first that have a completion
    near, falls_short = _near(listed, or_(few, rare) if is_sure else rare, shape)
    yield near
    if has_order:
        yield _by_completion(sought, completions, listed, shape).where(few, falls_short)
        falls_short = and_(not_(few), falls_short)
    yield _among(_begun(sought, shape), listed, shape).where(falls_short)


def _number(first: ColumnElement[str], beyond: ColumnElement[str]) -> ScalarSelect[int]:
    """Count what begins so, up to `_FIRST`."""
    begun = words.c.word >= first, words.c.word < beyond
    some = (
        select(_ONE).select_from(words).where(*begun).limit(_FIRST).correlate_except(words).subquery("some")
    )
    return select(func.count()).select_from(some).scalar_subquery()


def _completions(searched: CTE) -> CTE:
    """Look up how words go on, each completion behind the one before it, and one more than are looked up at most."""

    def following(*conditions: Condition) -> Any:
        return select(words.c.word).where(*conditions).order_by(words.c.word).limit(_ONE).lateral()

    first = following(words.c.word >= searched.c.first, words.c.word < searched.c.beyond)
    begin = select(*searched.c, first.c.word, _ONE.label("number")).select_from(searched.join(first, true()))
    found = begin.cte("completions", recursive=True)
    other = following(words.c.word > found.c.word, words.c.word < found.c.beyond)
    more = select(found.c.first, found.c.beyond, other.c.word, found.c.number + _ONE)
    return found.union_all(more.select_from(found.join(other, true())).where(found.c.number <= _COMPLETIONS))


def _rarest(searched: CTE, completions: CTE, shape: Shape) -> CTE:
    """Return the word that reaches furthest if a number of tasks is passed; what is nowhere has no end."""
    place = (words.c.due_key, words.c.created_at, words.c.task_id)
    passed = select(array(place[:2]).label("place")).where(words.c.word == completions.c.word)
    if shape.begins_after and shape.order is TaskOrder.DUE:
        passed = passed.where(shape.is_behind(place))
    reached = passed.order_by(*place).limit(_ONE).offset(_AHEAD).lateral("reached")
    both = completions.outerjoin(reached, true())
    number, furthest = func.count(completions.c.number), func.min(func.coalesce(reached.c.place, _NEVER))
    rarest = (
        select(*searched.c)
        .select_from(searched.outerjoin(both, completions.c.first == searched.c.first))
        .group_by(*searched.c)
        .order_by(number > _COMPLETIONS, furthest.desc())
    )
    return rarest.limit(_ONE).cte("sought")


def _near(listed: Select[Any], is_needless: Condition, shape: Shape) -> tuple[Select[Any], Condition]:
    """Return what is found near the front of a list, and whether that is too little, and more may come behind it."""
    ahead = select(case((is_needless, _NOTHING), else_=_FIRST).label("number")).cte("ahead")
    how_far = select(ahead.c.number).scalar_subquery()
    some = listed.add_columns(tasks.c.words).limit(how_far).subquery("some")
    near = _in_order(some, shape).where(*has_words(some.c.words, shape.words, shape.dialect))
    found = shape.limited(near).cte("near")
    number, seen = (
        select(func.count()).select_from(each).scalar_subquery()
        for each in (found, listed.limit(how_far).subquery("seen"))
    )
    return select(*found.c), and_(number < _MOST, seen >= how_far)


def _by_completion(sought: _Sought, completions: CTE, listed: Select[Any], shape: Shape) -> Select[Any]:
    """Return what has any of the completions, once, as far as there is room for; no completion is sorted."""
    one = _places(shape).where(words.c.word == completions.c.word).correlate(completions)
    each = shape.limited(_among(one, listed, shape)).lateral("each")
    found = _in_order(each, shape).select_from(completions.join(each, true()))
    return found.where(completions.c.first == sought.first).distinct()


def _begun(sought: _Sought, shape: Shape) -> Select[Any]:
    """Return all that begins so, each once; it is sorted."""
    return _places(shape).where(words.c.word >= sought.first, words.c.word < sought.beyond).distinct()


def _places(shape: Shape) -> Select[Any]:
    """Return the places that the table has, in the order of the list; of titles that may have all words."""
    columns = [*(words.c[name] for name in shape.sorted_by), words.c.task_id.label("id")]
    found = select(*columns).order_by(*shape.directed(columns))
    if shape.begins_after:
        found = found.where(shape.is_behind(columns))
    if shape.words[1:]:
        # Of a few: SQLite cannot read an expression that is very deep, and the titles are looked at anyway.
        some = shape.words[:_COMPARED]
        bits = reduce(ColumnElement.bitwise_or, (_initial(word, shape.dialect) for word in some))
        initials = select(bits).scalar_subquery()
        found = found.where(words.c.initials.bitwise_and(initials) == initials)
    return found


def _initial(word: Word, dialect: str) -> ColumnElement[int]:
    """Return the bit of the character with which a word begins."""
    if dialect == "sqlite":
        return _ONE.bitwise_lshift(
            func.unicode(_text(word.first), type_=Integer) % literal_column("32", Integer)
        )
    return func.workflow_initial(_text(word.first), type_=Integer)


def _among(places: Select[Any], listed: Select[Any], shape: Shape) -> Select[Any]:
    """Keep to what is in the list and has all words; one after the other, so that no more are looked at than needed."""
    place = places.offset(_NOTHING).subquery("place")
    is_it = tasks.c.id == place.c.id, *has_words(tasks.c.words, shape.words, shape.dialect)
    it = listed.with_only_columns(_ONE).where(*is_it).order_by(None).offset(_NOTHING)
    return _in_order(place, shape).where(it.correlate(place).exists())


def _in_order(places: FromClause, shape: Shape) -> Select[Any]:
    columns = [places.c[name] for name in (*shape.sorted_by, "id")]
    return select(*columns).order_by(*shape.directed(columns))


def _text(name: str) -> BindParameter[str]:
    return bindparam(name, type_=Text)
