"""Finding tasks by the words of their titles.

SQLite looks at one task of a list after the other. PostgreSQL has a table of the words of what is open, in the order of
what is due. It is looked up which words there are that begin as one that is searched for, its *completions*; for each
of them the table has the tasks in order, so no more of them are read than a page has. Whatever else is asked of a task
is looked at on the way, other words too: tasks are looked up by the one that is found most rarely from the place of the
page on.

That is not enough where very many words begin so, or a list has another order: then all that begins so has to be
sorted. If it is much, it is looked for near the front of the list first: what is frequent is found there soon.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from typing import Any, Final, TypeAlias

from attrs import frozen
from sqlalchemy import (
    ARRAY,
    CTE,
    BindParameter,
    ColumnElement,
    FromClause,
    Integer,
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
"""How many tasks of a list are looked at, unless fewer have the word: then it is rare, and all that have it are."""
_COMPLETIONS: Final = literal_column("50", Integer)
"""How many completions are looked up one by one."""
_AHEAD: Final = literal_column("100", Integer)
"""How many tasks it is looked ahead to find out how frequent a word is."""
_COMPARED: Final = 5
"""How many words of a search are compared for that."""
_MOST: Final = bindparam("most", type_=Integer)
_NOTHING, _ONE = (literal_column(each, Integer) for each in "01")
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
        completions: Those of it, and perhaps of other words.
    """

    first: ColumnElement[str]
    beyond: ColumnElement[str]
    completions: CTE

    def are_few(self) -> Condition:
        """Return whether its completions can be looked up one by one."""
        own = select(func.count()).where(self.completions.c.first == self.first)
        return own.scalar_subquery() <= _COMPLETIONS

    def is_rare(self) -> Condition:
        """Return whether all that begins so can be looked at."""
        some = select(_ONE).where(*self.is_begun()).limit(_FIRST).subquery("some")
        return select(func.count()).select_from(some).scalar_subquery() < _FIRST

    def is_begun(self) -> tuple[Condition, Condition]:
        """Return what holds for all that begins so."""
        return words.c.word >= self.first, words.c.word < self.beyond


def found_by_words(listed: Select[Any], coming: Select[Any], shape: Shape) -> Iterator[Select[Any]]:
    """Yield what is found by words in one list of PostgreSQL: parts that make up the page together, each in its order.

    Args:
        listed: The places of the list, whatever the titles are.
        coming: The places of the tasks among which words are looked for, of any tenant if that is seen last.
        shape: What is asked for.
    """
    sought = _sought(shape)
    few, rare = sought.are_few(), sought.is_rare()
    near, falls_short = _near(coming, or_(few, rare) if shape.is_anywhere else rare, shape)
    yield near
    if shape.order is TaskOrder.DUE:
        yield _by_completion(sought, listed, shape).where(few, falls_short)
        falls_short = and_(not_(few), falls_short)
    yield _all(sought, listed, shape).where(falls_short)


def _sought(shape: Shape) -> _Sought:
    """Choose the word that is found most rarely.

    It is looked up even if there is but one: of what is looked up, databases do not know how frequent it is. They would
    make a plan for every word that they know that of, which takes longer than to carry it out.
    """
    rows = (
        select(_text(word.first).label("first"), _text(word.beyond).label("beyond"))
        for word in shape.words[:_COMPARED]
    )
    searched = union_all(*rows).cte("searched")
    completions = _completions(searched)
    sought = _rarest(searched, completions, shape) if shape.words[1:] else searched
    first, beyond = (select(each).scalar_subquery() for each in sought.c)
    return _Sought(first, beyond, completions)


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


def _near(coming: Select[Any], is_needless: Condition, shape: Shape) -> tuple[Select[Any], Condition]:
    """Return what is found near the front of a list, and whether that is too little, and more may come behind it."""
    ahead = select(case((is_needless, _NOTHING), else_=_FIRST).label("number")).cte("ahead")
    how_far = select(ahead.c.number).scalar_subquery()
    some = coming.add_columns(tasks.c.words).limit(how_far).subquery("coming")
    near = _in_order(some, shape).where(*has_words(some.c.words, shape.words, shape.dialect))
    if shape.sees_tenant_last:
        own = tasks.alias("own")
        near = near.join(own, own.c.id == some.c.id).where(own.c.tenant_id.is_(None))
    found = shape.limited(near).cte("near")
    number, seen = (
        select(func.count()).select_from(each).scalar_subquery()
        for each in (found, coming.limit(how_far).subquery("seen"))
    )
    return select(*found.c), and_(number < _MOST, seen >= how_far)


def _by_completion(sought: _Sought, listed: Select[Any], shape: Shape) -> Select[Any]:
    """Return what has any of the completions, once, as far as there is room for; no completion is sorted."""
    completion = sought.completions
    one = _places(shape).where(words.c.word == completion.c.word).correlate(completion)
    each = shape.limited(_among(one, listed, shape)).lateral("each")
    found = _in_order(each, shape).select_from(completion.join(each, true()))
    return found.where(completion.c.first == sought.first).distinct()


def _all(sought: _Sought, listed: Select[Any], shape: Shape) -> Select[Any]:
    """Return all that begins so; it is sorted."""
    return _among(_places(shape).where(*sought.is_begun()).distinct(), listed, shape)


def _places(shape: Shape) -> Select[Any]:
    """Return the places that the table has, in the order of the list; of titles that may have all words."""
    columns = [*(words.c[name] for name in shape.sorted_by), words.c.task_id.label("id")]
    found = select(*columns).order_by(*shape.directed(columns))
    if shape.begins_after:
        found = found.where(shape.is_behind(columns))
    if shape.words[1:]:
        bits = reduce(ColumnElement.bitwise_or, map(_initial, shape.words))
        initials = select(bits).scalar_subquery()
        found = found.where(words.c.initials.bitwise_and(initials) == initials)
    return found


def _initial(word: Word) -> ColumnElement[int]:
    """Return the bit of the character with which a word begins."""
    return func.workflow_initial(_text(word.first), type_=Integer)


def _among(places: Select[Any], listed: Select[Any], shape: Shape) -> Select[Any]:
    """Keep to what is in the list and has all words; one after the other, so that no more are looked at than needed."""
    place = places.offset(_NOTHING).subquery("place")
    is_it = tasks.c.id == place.c.id, *has_words(tasks.c.words, shape.words, shape.dialect)
    it = listed.with_only_columns(_ONE).where(*is_it).order_by(None).offset(_NOTHING).lateral("it")
    return _in_order(place, shape).select_from(place.join(it, true()))


def _in_order(places: FromClause, shape: Shape) -> Select[Any]:
    columns = [places.c[name] for name in (*shape.sorted_by, "id")]
    return select(*columns).order_by(*shape.directed(columns))


def _text(name: str) -> BindParameter[str]:
    return bindparam(name, type_=Text)
