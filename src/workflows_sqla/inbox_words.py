"""Finding tasks by the words of their titles.

Where words are frequent, they are found soon by looking at one task of a list after the other: the index by what is due
holds them for that. Where they are rare, PostgreSQL has an index of words; what that finds has to be fetched and sorted.
How frequent they are is counted in a sample of the table: at the front of a list a word may be found more often than
elsewhere, or less.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

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
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import TSQUERY

from workflows_core.states import TaskStatus
from workflows_sqla.inbox_shapes import Shape, Word
from workflows_sqla.tables import tasks

Condition: TypeAlias = ColumnElement[bool]

_MOST: Final = bindparam("most", type_=Integer)
_SHARE: Final = 2_000
"""One of so many blocks of the table is in the sample: of a million open tasks, some hundreds."""
_FIRST: Final = 4_000
"""How many tasks are looked at in any case, in the index by what is due: that takes less than a millisecond."""
_FIRST_ROWS: Final = 1_000
"""How many of a list that is restricted otherwise: for each the row has to be fetched."""
_WORTH: Final = 4
"""How many can be looked at in the index by what is due, while one that the index of words found is fetched."""
_WORTH_ROWS: Final = 0.5
"""How many of a restricted list: they lie all over the table, and what the index of words found is fetched in order."""
_COUNTED: Final = 5
"""How many words of a search are counted."""
_RARE: Final = 50
"""A word is rare if not one of so many tasks has it."""


def has_words(words: ColumnElement[str], searched: Sequence[Word], dialect: str) -> list[Condition]:
    """Return what holds for the words of a title if for each that is searched for there is one that begins so."""
    if dialect != "sqlite":
        return [_begins(words, word, func.strpos) for word in searched]
    # Anywhere in a word SQLite finds it sooner than at its beginning, and most titles have it nowhere.
    held = [words.like(_text(word.held)) for word in searched]
    return [*held, *(_begins(words, word, func.instr) for word in searched)]


def _begins(words: ColumnElement[str], word: Word, find: Callable[..., ColumnElement[int]]) -> Condition:
    return find(words, _text(word.begun)) > 0


def near_and_far(listed: Select[Any], coming: Select[Any], shape: Shape) -> list[Select[Any]]:
    """Return what is found by words in one list of PostgreSQL: what is near its front; unless that is enough, all.

    Args:
        listed: The places of the list, whatever the titles are.
        coming: The places of the tasks among which words are looked for, of any tenant if that is seen last.
        shape: What is asked for.
    """
    sample = _sample(shape)
    some = coming.add_columns(tasks.c.words).limit(_how_far(sample, shape)).subquery("coming")
    near = _in_order(some, shape).where(*has_words(some.c.words, shape.words, shape.dialect))
    if shape.sees_tenant_last:
        own = tasks.alias("own")
        near = near.join(own, own.c.id == some.c.id).where(own.c.tenant_id.is_(None))
    near_ones = near.limit(_MOST).cte("near")
    found = _indexed(listed, sample, shape).subquery("found")
    is_not_enough = select(func.count()).select_from(near_ones).scalar_subquery() < _MOST
    return [select(*near_ones.c), _in_order(found, shape).where(is_not_enough)]


def _sample(shape: Shape) -> CTE:
    """Count in a part of the table how many tasks are open, how many are found, and how many have each word."""
    # In the text, so that every plan is made for just that share.
    share: ColumnElement[float] = literal_column(f"{100 / _SHARE}")
    some = tasks.tablesample(func.system(share), "some", seed=literal_column("0"))
    is_counted = {"found": and_(*has_words(some.c.words, shape.words, shape.dialect))}
    for word in shape.words[:_COUNTED]:
        is_counted[word.begun] = _begins(some.c.words, word, func.strpos)
    counts = [func.count().filter(condition).label(name) for name, condition in is_counted.items()]
    is_open = some.c.status == TaskStatus.PENDING.value
    return select(func.count().label("open"), *counts).where(is_open).cte("sample")


def _how_far(sample: CTE, shape: Shape) -> ScalarSelect[int]:
    """Return how many tasks to look at.

    If the page is likely to be full by then, it is as many as take no longer than to fetch all of the rarest word. Where
    nothing is found in the sample, half a task of it might have been.
    """
    counts = [sample.c[word.begun] for word in shape.words[:_COUNTED]]
    rarest = func.least(*counts) if counts[1:] else counts[0]
    first, worth = (_FIRST, _WORTH) if shape.is_anywhere else (_FIRST_ROWS, _WORTH_ROWS)
    more = rarest * int(_SHARE * worth)
    is_likely = func.greatest(2 * sample.c.found, 1) * more >= 2 * _MOST * sample.c.open
    return select(case((is_likely, func.greatest(more, first)), else_=first)).scalar_subquery()


def _in_order(places: FromClause, shape: Shape) -> Select[Any]:
    columns = [places.c[name] for name in (*shape.sorted_by, "id")]
    return select(*columns).order_by(*shape.directed(columns))


def _indexed(listed: Select[Any], sample: CTE, shape: Shape) -> Select[Any]:
    """Return what is found in the index of words; it is found, and not looked for in the order of the list."""
    vector = func.array_to_tsvector(
        func.string_to_array(func.ltrim(tasks.c.words), literal_column("' '"), type_=ARRAY(Text))
    )
    is_asked = vector.bool_op("@@")(cast(_asked(sample, shape), TSQUERY))
    others = has_words(tasks.c.words, shape.words, shape.dialect) if shape.words[1:] else []
    return listed.where(is_asked, *others).order_by(None).offset(literal_column("0"))


def _asked(sample: CTE, shape: Shape) -> ColumnElement[str]:
    """Write what the index is asked for: those of the words that are rare; all of them if none is.

    It reads all places of a word before it looks at the next one, which for a frequent word takes long.
    """
    asked = [_text(word.asked) for word in shape.words]
    rare = (
        select(case((sample.c[word.begun] * _RARE < sample.c.open, each))).scalar_subquery()
        for word, each in zip(shape.words[:_COUNTED], asked, strict=False)
    )
    return func.coalesce(func.nullif(func.concat_ws(" & ", *rare), ""), func.concat_ws(" & ", *asked))


def _text(name: str) -> BindParameter[str]:
    return bindparam(name, type_=Text)
