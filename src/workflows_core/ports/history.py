"""Histories: that of one instance, and the feed of all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from workflows_core.transition import HistoryEntry
    from workflows_core.visibility import Visibility


@frozen
class FeedEntry:
    """A transition, as a reader of all histories meets it.

    Attributes:
        place: The place behind it: who goes on from there meets what comes next.
        entry: What happened.
        definition_name: The name of the definition of its instance.
        definition_version: Its version.
    """

    place: str
    entry: HistoryEntry
    definition_name: str
    definition_version: str


@frozen
class FeedPage:
    """Some transitions, and the place from which to go on."""

    entries: tuple[FeedEntry, ...]
    place: str


class HistoryRepository(Protocol):
    """Reading histories. They are written through `UnitOfWork.apply` alone.

    All of them together are the *feed*: every transition once, those of one instance in their order. A place in it is a
    text that means nothing outside of the storage, and that stays good.
    """

    async def get(self, instance_id: UUID, *, after: int = 0) -> Sequence[HistoryEntry]:
        """Return the entries with a revision above `after`, oldest first; none for an unknown instance."""
        ...

    async def feed(self, place: str | None, limit: int, visible_to: Visibility | None = None) -> FeedPage:
        """Return what stands in the feed behind a place, at most `limit` entries; of those that somebody may see.

        Whoever reads on from the place of the page misses nothing, ever, and meets nothing twice: what is not sure to be
        behind everything that was committed or still can be is held back until it is. So what was committed just now
        may be missing yet.

        Args:
            place: Where to begin; `None` for the end, as it is now: nothing is returned but the place.
            limit: At most so many.
            visible_to: Only those of instances that somebody may see.

        Raises:
            InvalidDataError: If that is no place.
        """
        ...
