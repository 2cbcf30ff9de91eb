"""What has changed in what a task shows, read off the history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workflows_core.data import diff, pointer
from workflows_core.errors import Change
from workflows_core.evolution import fold
from workflows_core.tasks import shown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from workflows_core.data import Json, JsonObject
    from workflows_core.transition import HistoryEntry


def changes_since(revision: int, task_id: UUID, entries: Sequence[HistoryEntry]) -> tuple[Change, ...]:
    """Return what a task shows otherwise than it did at a revision of its instance.

    Args:
        revision: The revision that was seen.
        task_id: An open task.
        entries: The whole history of its instance, oldest first.

    Returns:
        The differences by their pointers; none if the task was not there at that revision, or is not any more.
    """
    if not 0 < revision <= len(entries):
        return ()
    seen = fold(None, [entry.events for entry in entries[:revision]])
    now = fold(seen, [entry.events for entry in entries[revision:]])
    if task_id not in seen.tasks or task_id not in now.tasks:
        return ()
    old = shown(seen.tasks[task_id], seen.data)
    new = shown(now.tasks[task_id], now.data)
    patch = diff(old, new, what="What the task shows")
    paths = [*(path for path, _ in patch.changed), *patch.deleted]
    return tuple(Change(pointer(path), _at(old, path), _at(new, path)) for path in sorted(paths))


def _at(document: JsonObject, path: tuple[str, ...]) -> Json:
    """Return the value at a path; `None` where there is nothing."""
    value: Any = document
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value  # type: ignore[no-any-return]
