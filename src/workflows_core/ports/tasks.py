"""Tasks: what lists of them can be asked for, and reading them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

from attrs import field, frozen
from attrs.validators import ge, optional

from workflows_core.paging import Cursor, Key, check_place
from workflows_core.states import TaskStatus

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from workflows_core.actors import Actor
    from workflows_core.tasks import Task
    from workflows_core.visibility import Visibility


class TaskOrder(StrEnum):
    """In which order to list tasks; what is equal is listed oldest first, and then by id."""

    DUE = "due"
    """What is due first comes first; what is never due comes last."""
    PRIORITY = "priority"
    """The highest priority first, and then as `due`."""
    OLDEST = "oldest"
    """What was opened first comes first."""
    NEWEST = "newest"
    """The other way round."""


@frozen(kw_only=True)
class TaskQuery:
    """Which tasks to list; `None` does not restrict.

    Attributes:
        status: Only those in this status.
        assignee: Only those that are with this user.
        assignee_group: Only those whose step offers them to this group, whoever has them.
        candidate_user: Only those that are offered to this user by name and that nobody has taken.
        candidate_group: Likewise to this group.
        for_actor: Only those that somebody holds, or could take because they are offered to them and nobody has
            taken them; for themself, or for whom they stand in. Open ones, if no status is asked for.
        is_free: Only those that can be taken: open ones that nobody has. If it is false, only the others.
        definition_name: Only those of this definition, any version.
        instance_id: Only those of this instance.
        priority: Only those of this priority.
        due_before: Only those due before this moment.
        follow_up_before: Leave out what is put off beyond this moment.
        text: Only those with words in their title that begin with the words of this text.
        tenant_id: Only those of this tenant.
        visible_to: Only those that somebody may see.
        order: In which order.
        after: Only those after this place, in the same order.
        limit: At most so many; `None` for all.
        offset: Leave out so many at the front.

    Raises:
        InvalidDataError: If `after` is a place in a list of another order.
    """

    status: TaskStatus | None = None
    assignee: str | None = None
    assignee_group: str | None = None
    candidate_user: str | None = None
    candidate_group: str | None = None
    for_actor: Actor | None = None
    is_free: bool | None = None
    definition_name: str | None = None
    instance_id: UUID | None = None
    priority: int | None = None
    due_before: datetime | None = None
    follow_up_before: datetime | None = None
    text: str | None = None
    tenant_id: str | None = None
    visible_to: Visibility | None = None
    order: TaskOrder = TaskOrder.DUE
    after: Cursor | None = None
    limit: int | None = field(default=None, validator=optional(ge(1)))
    offset: int = field(default=0, validator=ge(0))

    def __attrs_post_init__(self) -> None:
        check_place(self.after, self.order, _KINDS[self.order])


_KINDS: Final[Mapping[TaskOrder, tuple[type, ...]]] = {
    TaskOrder.DUE: (datetime, datetime),
    TaskOrder.PRIORITY: (int, datetime, datetime),
    TaskOrder.OLDEST: (datetime,),
    TaskOrder.NEWEST: (datetime,),
}

NEVER: Final = datetime(9999, 12, 31, tzinfo=UTC)
"""Where what is never due stands among what is."""


def place_of(task: Task, order: TaskOrder) -> Cursor:
    """Return the place after a task in a list of this order."""
    due = NEVER if task.due_at is None else task.due_at
    keys: Mapping[TaskOrder, Key] = {
        TaskOrder.DUE: (due, task.created_at),
        TaskOrder.PRIORITY: (-task.priority, due, task.created_at),
        TaskOrder.OLDEST: (task.created_at,),
        TaskOrder.NEWEST: (task.created_at,),
    }
    return Cursor(order, keys[order], task.id)


class TaskRepository(Protocol):
    """Reading tasks, open and closed. They are written through `UnitOfWork.apply` alone."""

    async def get(self, task_id: UUID) -> Task:
        """Return the task.

        Raises:
            TaskNotFoundError: If there is none.
        """
        ...

    async def find(self, query: TaskQuery) -> Sequence[Task]:
        """Return the tasks the query asks for, in its order."""
        ...

    async def count(self, query: TaskQuery) -> int:
        """Return how many tasks the query asks for, whatever its `after`, `limit` and `offset`."""
        ...
