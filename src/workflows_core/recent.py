"""Instances that wait for people, as this process committed them last.

Who is asked to decide is often asked by the same process that opened the task, so what a decision needs is known there
already. It may be outdated: somebody elsewhere may have been at the instance since. So nothing is answered from
here, and nothing refused; it only saves reading what a change is decided on. Committing tells whether it was
right: a change that is based on another revision than the last loses, and is decided again on what is read then.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from uuid import UUID

    from workflows_core.instance import Instance

MOST: Final = 1_000
"""How many instances are kept; those that were committed first go first."""

LARGEST: Final = 16 * 1024
"""Instances with more bytes of data are not kept: all together they shall not take much memory."""


class Recent:
    """Keeps instances with open tasks, each as it was after the last change that was noted."""

    def __init__(self) -> None:
        self._instances: OrderedDict[UUID, Instance] = OrderedDict()
        self._of_tasks: dict[UUID, UUID] = {}

    def note(self, instance: Instance) -> None:
        """Keep what was committed. It is let go once it waits for nobody any more."""
        before = self._instances.get(instance.id)
        if before is not None and before.revision > instance.revision:
            return
        self.forget(instance.id)
        if instance.tasks and instance.saved_size + instance.unsaved_size <= LARGEST:
            self._instances[instance.id] = instance
            self._of_tasks.update(dict.fromkeys(instance.tasks, instance.id))
            if len(self._instances) > MOST:
                self.forget(next(iter(self._instances)))

    def forget(self, instance_id: UUID) -> None:
        """Let go of an instance."""
        known = self._instances.pop(instance_id, None)
        for task_id in () if known is None else known.tasks:
            del self._of_tasks[task_id]

    def clear(self) -> None:
        """Let go of all: the storage was out of reach, and may be another one after that, which was promoted, say."""
        self._instances.clear()
        self._of_tasks.clear()

    def get(self, instance_id: UUID) -> Instance | None:
        """Return an instance as it was known last; `None` if it is not."""
        return self._instances.get(instance_id)

    def get_of_task(self, task_id: UUID) -> Instance | None:
        """Return the instance of an open task as it was known last; `None` if it is not."""
        instance_id = self._of_tasks.get(task_id)
        return None if instance_id is None else self._instances[instance_id]
