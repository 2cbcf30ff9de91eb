"""Looking at tasks: one, many, or what somebody can do next; to an actor, what they may see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve, frozen

from workflows_core.actors import Actor
from workflows_core.errors import (
    TaskNotFoundError,
)
from workflows_core.explanation import explain_task
from workflows_core.paging import Page
from workflows_core.permissions import Action, may, policies_of
from workflows_core.ports import place_of
from workflows_core.tasks import shown
from workflows_core.visibility import all_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from workflows_core.data import JsonObject
    from workflows_core.definitions import WorkflowDefinition
    from workflows_core.explanation import TaskExplanation
    from workflows_core.instance import Instance
    from workflows_core.ports import TaskQuery
    from workflows_core.reading import InstanceReader
    from workflows_core.tasks import Task
    from workflows_core.transition import HistoryEntry


@frozen
class TaskView:
    """A task and its instance, as of the same moment.

    Attributes:
        task: The task.
        instance: The instance it belongs to.
    """

    task: Task
    instance: Instance

    @property
    def data(self) -> JsonObject | None:
        """The data of the instance that is decided about; `None` once the task is closed."""
        if not self.task.is_open:
            return None
        found: JsonObject = shown(self.task, self.instance.data)["data"]  # type: ignore[assignment]  # an object
        return found


class TaskReader:
    """Looks at the tasks in a storage, and never changes any."""

    def __init__(self, instances: InstanceReader) -> None:
        self._reader = instances

    async def get(self, task_id: UUID, *, actor: Actor | None = None) -> Task:
        """Return a task, open or closed.

        Raises:
            TaskNotFoundError: If there is none, or none that the actor may see.
        """
        if actor is None:
            async with self._reader.storage.unit_of_work() as unit:
                return await unit.tasks.get(task_id)
        return (await self.view(task_id, actor=actor)).task

    async def view(self, task_id: UUID, *, actor: Actor | None = None) -> TaskView:
        """Return a task, open or closed, with what is decided about; both belong together.

        Raises:
            TaskNotFoundError: If there is none, or none that the actor may see.
        """
        return (await self._view(task_id, actor))[0]

    async def _view(self, task_id: UUID, actor: Actor | None) -> tuple[TaskView, Actor | None]:
        task, instance, known = await self._loaded(task_id, actor)
        if known is not None:
            check_visible(known, task, instance, await self._reader.get_definition(instance))
        return TaskView(task, instance), known

    async def _loaded(self, task_id: UUID, actor: Actor | None) -> tuple[Task, Instance, Actor | None]:
        """Return a task with its instance, and the actor as known at this moment: all that is needed to decide."""
        async with self._reader.storage.unit_of_work() as unit:
            known = None if actor is None else await self._reader.known_in(unit, actor)
            instance = await unit.instances.get_of_task(task_id)
            task = instance.tasks.get(task_id) or await unit.tasks.get(
                task_id
            )  # the instance has the open ones
            return task, instance, known

    async def find(self, query: TaskQuery, *, actor: Actor | None = None) -> Sequence[Task]:
        """Return the tasks the query asks for, in its order; to an actor, those that they may see."""
        query = await self._scoped(query, actor)
        async with self._reader.storage.unit_of_work() as unit:
            return await unit.tasks.find(query)

    async def page(self, query: TaskQuery, *, actor: Actor | None = None) -> Page[Task]:
        """Return the tasks the query asks for, at most `limit`, and where the next page begins."""
        if query.limit is None:
            return Page(tuple(await self.find(query, actor=actor)), None)
        found = await self.find(evolve(query, limit=query.limit + 1), actor=actor)
        items = tuple(found[: query.limit])
        return Page(items, place_of(items[-1], query.order) if len(found) > query.limit else None)

    async def count(self, query: TaskQuery, *, actor: Actor | None = None) -> int:
        """Return how many tasks the query asks for, whatever its page; to an actor, those that they may see."""
        query = await self._scoped(query, actor)
        async with self._reader.storage.unit_of_work() as unit:
            return await unit.tasks.count(query)

    async def _scoped(self, query: TaskQuery, actor: Actor | None) -> TaskQuery:
        """Keep a query to what an actor may see, and let `for_actor` stand for all whom they stand in for."""
        if actor is not None:
            is_own = _is_about(query, actor)  # who holds a task, or could take it, has a part in its instance
            seen = all_of(actor.tenant_id) if is_own else await self._reader.visibility(actor)
            query = evolve(query, visible_to=seen)
        if query.for_actor is not None:
            query = evolve(query, for_actor=await self._reader.known(query.for_actor))
        return query

    async def explain(self, task_id: UUID, actor: Actor) -> TaskExplanation:
        """Explain a task to somebody: with whom it is, what they can do with it or why not, and what would follow.

        Raises:
            TaskNotFoundError: If there is none, or none that they may see.
        """
        seen, known = await self._view(task_id, actor)
        assert known is not None  # noqa: S101 - as the actor is not
        definition = await self._reader.get_definition(seen.instance)
        return explain_task(seen.task, known, seen.instance, definition, self._reader.clock.now())

    async def get_history(self, task_id: UUID, *, actor: Actor | None = None) -> Sequence[HistoryEntry]:
        """Return everything that happened to a task: the entries of its instance with the events about it alone.

        Raises:
            TaskNotFoundError: If there is none, or none that the actor may see.
        """
        task = await self.get(task_id, actor=actor)
        entries = await self._reader.get_history(task.instance_id)
        about = [
            (entry, tuple(event for event in entry.events if getattr(event, "task_id", None) == task_id))
            for entry in entries
        ]
        return [evolve(entry, events=events) for entry, events in about if events]

    async def next(self, instance_id: UUID, actor: Actor) -> Task | None:
        """Return what somebody can do next in an instance, `None` if there is nothing.

        What they hold comes first, then what was opened first.
        """
        actor = await self._reader.known(actor)
        instance = await self._reader.get_instance(instance_id)
        return self._next(instance, actor)

    def _next(self, instance: Instance, actor: Actor) -> Task | None:
        """Return what an actor who is known can do next in an instance."""
        if actor.user_id is None:
            return None
        definition = self._reader.definition_of(instance)
        found = [
            task
            for task in instance.tasks.values()
            if may(actor, Action.COMPLETE, task, instance, policies_of(definition, task.step_name))
        ]
        return min(
            found,
            key=lambda task: (task.assignee != actor.user_id, task.created_at, task.id.bytes),
            default=None,
        )


def check_visible(actor: Actor, task: Task, instance: Instance, definition: WorkflowDefinition) -> None:
    """Let a task be there only for those who may see it.

    Raises:
        TaskNotFoundError: If the actor may not.
    """
    if not may(actor, Action.VIEW, task, instance, policies_of(definition, task.step_name)):
        raise TaskNotFoundError(task.id)


def _is_about(query: TaskQuery, actor: Actor) -> bool:
    """Say whether a query asks for an actor's own tasks, of which they may see every one."""
    own = {query.assignee, query.candidate_user} - {None}
    return query.for_actor == actor or own == {actor.user_id} or query.candidate_group in actor.groups
