"""What queries for tasks have in common that are answered by the same statement, and the values that tell them apart."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Self

from attrs import evolve, frozen
from sqlalchemy import ColumnElement, Select, bindparam, literal_column, tuple_

from workflows_core.paging import Cursor
from workflows_core.participants import group_key, user_key
from workflows_core.permissions import Identity, identities
from workflows_core.ports import NEVER, TaskOrder, TaskQuery
from workflows_core.search import words_in
from workflows_core.states import TaskStatus
from workflows_core.visibility import Visibility
from workflows_sqla.converter import Values

EQUAL: Final = ("assignee", "assignee_group", "definition_name", "instance_id", "tenant_id")
"""The columns that are compared with the value of the same name."""

_PAGE: Final = frozenset({"limit", "offset", "most"})
"""What says how much of a list is wanted: as many as `limit` from `offset` on, and so `most` of what is found."""

_LAST: Final = chr(sys.maxunicode)
"""Comes after all that can be in a word."""

_SORTED_BY: Final = {
    TaskOrder.DUE: ("due_key", "created_at"),
    TaskOrder.PRIORITY: ("rank", "due_key", "created_at"),
    TaskOrder.OLDEST: ("created_at",),
    TaskOrder.NEWEST: ("created_at",),
}


@frozen
class Word:
    """The names of a word that is searched for.

    Attributes:
        begun: Of how it stands among others, with a space before it.
        held: Of a pattern for what has it somewhere. An underline in it stands for anything, which finds no less.
        first: Of the word itself: nothing that begins so comes before it.
        beyond: Of what comes after all that begins so.
    """

    begun: str
    held: str
    first: str
    beyond: str


@frozen
class Acting:
    """Somebody in whose name an actor acts.

    Attributes:
        user: The name of the value that says who it is.
        keys: Those of the keys under which they are found.
        definitions: That of the workflows for which the actor may do so, if not for all.
    """

    user: str
    keys: tuple[str, ...]
    definitions: str | None


@frozen
class Shape:
    """A query without its values: they go by the names that statements have for them.

    Attributes:
        dialect: `sqlite` or `postgresql`.
        order: As in the query.
        status: Likewise; it is in the text, where databases see which indexes suffice.
        is_free: Likewise.
        names: Those of all values that there may be at most one of.
        room: For how many tasks there is room at least, in a page and before it: a power of two.
        words: The words that are searched for.
        acting: In whose names the actor acts whose tasks are asked for; `None` if nobody's are.
        is_scoped: Whether it keeps to the tenant of whoever asks.
        seen: What they may see of it, unless that is everything.
    """

    dialect: str
    order: TaskOrder
    status: TaskStatus | None
    is_free: bool | None
    names: frozenset[str]
    room: int
    words: tuple[Word, ...]
    acting: tuple[Acting, ...] | None
    is_scoped: bool
    seen: Visibility | None

    @property
    def size(self) -> int:
        """How many words and keys there are, of which a query may have any number."""
        return len(self.words) + sum(len(each.keys) for each in self.acting or ())

    @property
    def sorted_by(self) -> tuple[str, ...]:
        """What comes before the id in its order."""
        return _SORTED_BY[self.order]

    @property
    def place(self) -> tuple[str, ...]:
        """The names of the values that make up a place in its order, the id last."""
        return _place(self.order)

    @property
    def begins_after(self) -> bool:
        """Whether it begins after a place."""
        return self.place[-1] in self.names

    @property
    def has_table_of_words(self) -> bool:
        """Whether there is a table of words for it: of what is open. A list without end needs none."""
        return bool(self.words) and self.status is TaskStatus.PENDING and "most" in self.names

    @property
    def is_restricted(self) -> bool:
        """Whether it leaves out more than what belongs to tenants, and what is not due by some moment."""
        aside = {*_PAGE, *self.place, "due_before"}
        others = (self.is_free, self.acting, self.seen)
        return not self.names <= aside or any(each is not None for each in others)

    def directed(self, columns: Sequence[ColumnElement[Any]]) -> list[ColumnElement[Any]]:
        """Return what sorts by these columns as its order does."""
        return [each.desc() for each in columns] if self.is_backwards else [*columns]

    @property
    def is_backwards(self) -> bool:
        """Whether the order is that of its columns turned around."""
        return self.order is TaskOrder.NEWEST

    def is_behind(self, columns: Sequence[ColumnElement[Any]]) -> ColumnElement[bool]:
        """Return what holds behind the place that it begins after, for what is sorted by these columns."""
        begin = tuple_(
            *(bindparam(name, type_=column.type) for name, column in zip(self.place, columns, strict=True))
        )
        place = tuple_(*columns)
        return place < begin if self.is_backwards else place > begin

    def limited(self, found: Select[Any]) -> Select[Any]:
        """Keep to what there is room for; in the text, so that plans are made for no more."""
        return found.limit(literal_column(str(self.room))) if "most" in self.names else found

    def without_words(self) -> Self:
        """Return what asks for the same whatever the titles are."""
        return evolve(self, words=())


def shaped(query: TaskQuery, dialect: str) -> tuple[Shape, Values]:
    """Take a query apart."""
    query = _simplified(query)
    values = {name: value for name, value in _values(query) if value is not None}
    names = frozenset(values)
    words = () if query.text is None else (*_words(words_in(query.text), values),)
    acting = None if query.for_actor is None else (*_acting(identities(query.for_actor), values),)
    visible = query.visible_to
    shape = Shape(
        dialect=dialect,
        order=query.order,
        status=query.status,
        is_free=query.is_free,
        names=names,
        room=1 << max(values.get("most", 0) - 1, 31).bit_length(),
        words=words,
        acting=acting,
        is_scoped=visible is not None,
        seen=None if visible is None or visible.sees_tenant else visible,
    )
    return shape, values


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


def _values(query: TaskQuery) -> Iterator[tuple[str, Any]]:
    """Yield the values of a query, by their names; `None` where it has none."""
    for name in EQUAL:
        yield name, getattr(query, name)
    yield "candidate_user", None if query.candidate_user is None else user_key(query.candidate_user)
    yield "candidate_group", None if query.candidate_group is None else group_key(query.candidate_group)
    yield "rank", None if query.priority is None else -query.priority
    yield "due_before", None if query.due_before is None else min(query.due_before, NEVER)
    yield "follow_up_before", query.follow_up_before
    yield "scope", None if query.visible_to is None else query.visible_to.tenant_id
    if query.after is not None:
        yield from zip(_place(query.order), (*query.after.key, query.after.id), strict=True)
    if query.limit is not None:
        yield from (("limit", query.limit), ("most", query.limit + query.offset))
    yield "offset", query.offset or None


def _place(order: TaskOrder) -> tuple[str, ...]:
    return tuple(f"after_{name}" for name in (*_SORTED_BY[order], "id"))


def _words(words: Iterable[str], values: Values) -> Iterator[Word]:
    """Name words, and note under these names what they are."""
    for number, word in enumerate(words):
        named = Word(*(f"{name}_{number}" for name in ("begun", "held", "first", "beyond")))
        values |= {named.begun: f" {word}", named.held: f"%{word}%"}
        values |= {named.first: word, named.beyond: word + _LAST}
        yield named


def _acting(who: Iterable[Identity], values: Values) -> Iterator[Acting]:
    """Likewise those in whose names somebody acts."""
    for number, each in enumerate(who):
        keys = {f"key_{number}_{other}": key for other, key in enumerate(each.keys)}
        named = Acting(f"user_{number}", (*keys,), f"definitions_{number}" if each.definitions else None)
        values |= {named.user: each.user_id, **keys}
        if named.definitions is not None:
            values[named.definitions] = each.definitions
        yield named
