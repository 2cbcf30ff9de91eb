"""Telling those who listen what was committed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from workflows_core.ports import WATCHED

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from uuid import UUID


class MemoryChanges:
    """Implements `ports.Changes` for all who listen."""

    def __init__(self) -> None:
        self.listeners: list[Callable[[UUID | None], None]] = []
        self._watched: dict[UUID | None, datetime] = {}

    async def watch(self, instance_id: UUID | None) -> None:
        """Tell of every transition of an instance; see the port."""
        now = datetime.now(UTC)
        self._watched = {id_: until for id_, until in self._watched.items() if until > now}
        self._watched[instance_id] = now + WATCHED

    def tell(self, due: bool, disturbed: Collection[UUID], written: Collection[UUID]) -> None:  # noqa: FBT001
        """Tell what was committed."""
        watches_all = None in self._watched
        news: list[UUID | None] = [
            id_ for id_ in written if watches_all or id_ in disturbed or id_ in self._watched
        ]
        if due:
            news.append(None)
        for heard in self.listeners if news else ():
            for each in news:
                heard(each)
