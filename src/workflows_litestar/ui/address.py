"""What the address of a page asks for: what cannot be read there asks for nothing."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from attrs import evolve

from workflows_core.errors import InvalidDataError
from workflows_core.paging import Cursor

if TYPE_CHECKING:
    from workflows_core.ports import InstanceQuery, TaskQuery

K = TypeVar("K", bound=StrEnum)
D = TypeVar("D")
Q = TypeVar("Q", "InstanceQuery", "TaskQuery")


def one_of(kinds: type[K], text: str, otherwise: D) -> K | D:
    """Return the one of these that the text names."""
    return kinds(text) if text in set(kinds) else otherwise


def day_of(text: str) -> date | None:
    """Return the day that the text names."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def place_of(text: str) -> Cursor | None:
    """Return the place in a list that the text names."""
    try:
        return Cursor.parse(text) if text else None
    except InvalidDataError:
        return None


def beginning_at(place: Cursor | None, query: Q) -> Q:
    """Let a list begin at a place; at its front, if that is a place in a list of another order."""
    try:
        return evolve(query, after=place)
    except InvalidDataError:
        return query
