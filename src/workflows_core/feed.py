"""Following what happens, in one instance or in all: what streams are made of.

Nothing is missed: a follower reads the history itself, from the place where it was, and hints of changes only tell it
when to look. It looks by itself now and then, since a hint may be lost.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import UUID

from attrs import frozen

from workflows_core.errors import InvalidDataError
from workflows_core.ports import FeedEntry, FeedPage
from workflows_core.states import FINAL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Sequence
    from typing import Self

    from workflows_core.actors import Actor
    from workflows_core.engine import ExecutionEngine
    from workflows_core.instance import Instance
    from workflows_core.transition import HistoryEntry

T = TypeVar("T")

PAGE: Final = 100
"""How many entries are read at once."""

_PAUSES: Final = (0.02, 0.05, 0.1, 0.2, 0.4)
"""Seconds between looks after a hint: what was told of may be held back until older transactions have ended."""

_LOOK_AGAIN: Final = 1.0
"""Seconds after which a follower looks without a hint."""


@frozen
class Place:
    """A place in a feed, as storages number them: behind the entry with these numbers.

    Attributes:
        number: The position of the entry; in some storages several have the same.
        instance_id: Its instance; `None` for the place before all entries of this position.
        revision: Its revision.
    """

    number: int
    instance_id: UUID | None = None
    revision: int = 0

    def __str__(self) -> str:
        """Write it as text without spaces."""
        if self.instance_id is None:
            return str(self.number)
        return f"{self.number}.{self.instance_id.hex}.{self.revision}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` wrote.

        Raises:
            InvalidDataError: If it is nothing of the kind.
        """
        number, *rest = text.split(".")
        try:
            instance_id, revision = (UUID(hex=rest[0]), _read(rest[1])) if rest else (None, 0)
            if len(rest) in {0, 2}:
                return cls(_read(number), instance_id, revision)
        except (ValueError, IndexError):
            pass
        raise InvalidDataError("", f"{text!r:.60} is no place in the feed: begin at its end")


def _read(text: str) -> int:
    """Read a number that fits into 63 bits."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise ValueError(text)
    return int(text)


async def follow(
    engine: ExecutionEngine, place: str | None, actor: Actor | None, *, patience: float
) -> AsyncIterator[FeedPage]:
    """Yield what happens in all instances, from a place on, for ever; to an actor, what they may see.

    A page without entries comes first, and then whenever nothing has happened for `patience` seconds.

    Args:
        engine: On what to look.
        place: Where to begin; `None` for now.
        actor: Who looks; `None` for the application itself.
        patience: Seconds.

    Raises:
        InvalidDataError: If that is no place.
    """
    async with engine.watch_all() as watch:
        page = await _to_the_end(_look(engine, place, 1))  # also refuses what is no place
        here = page.place if place is None else place
        yield FeedPage((), here)
        idle = 0.0
        pauses: list[float] = []
        while True:
            await _to_the_end(watch.begin())
            page = await _to_the_end(_look(engine, here, PAGE, actor))
            here = page.place
            if page.entries or idle >= patience:
                idle = 0.0
                yield page
            if len(page.entries) == PAGE:
                continue
            pause = pauses.pop(0) if pauses and not page.entries else _LOOK_AGAIN
            await watch.changed(min(pause, patience))
            idle += pause
            if watch.has_changed:
                pauses = [*_PAUSES]


async def follow_instance(
    engine: ExecutionEngine, instance_id: UUID, after: int, actor: Actor | None, *, patience: float
) -> AsyncIterator[FeedPage]:
    """Yield what happens in one instance, from a revision on, until it has ended.

    The places are its revisions. A page without entries comes first, and then whenever nothing has happened for
    `patience` seconds.

    Raises:
        InstanceNotFoundError: If there is none, or none that the actor may see (any more).
    """
    async with engine.watch(instance_id) as watch:
        idle = patience
        while True:
            await _to_the_end(watch.begin())
            instance, entries = await _to_the_end(_look_at(engine, instance_id, after, actor))
            name, version = instance.definition_name, instance.definition_version
            found = tuple(FeedEntry(str(each.revision), each, name, version) for each in entries)
            after = entries[-1].revision if entries else after
            if found or idle >= patience:
                idle = 0.0
                yield FeedPage(found, str(after))
            if instance.status in FINAL and after >= instance.revision:
                return
            await watch.changed(min(_LOOK_AGAIN, patience))
            idle += _LOOK_AGAIN


async def _look(
    engine: ExecutionEngine, place: str | None, limit: int, actor: Actor | None = None
) -> FeedPage:
    # Asked for anew: somebody may stand in for others since, or not any more.
    visible = None if actor is None else await engine.visibility(actor)
    async with engine.storage.detached().unit_of_work() as unit:
        return await unit.history.feed(place, limit, visible)


async def _look_at(
    engine: ExecutionEngine, instance_id: UUID, after: int, actor: Actor | None
) -> tuple[Instance, Sequence[HistoryEntry]]:
    instance = await engine.get_instance(instance_id, actor=actor)
    async with engine.storage.detached().unit_of_work() as unit:
        return instance, await unit.history.get(instance_id, after=after)


async def _to_the_end(looking: Coroutine[None, None, T]) -> T:
    """Look to the end, even if whoever follows goes away: who is cut off in the middle loses a connection."""
    task = asyncio.create_task(looking)
    _LOOKING.add(task)
    task.add_done_callback(_LOOKING.discard)
    return await asyncio.shield(task)


_LOOKING: Final[set[asyncio.Task[Any]]] = set()
"""Nobody else may hold them any more."""
