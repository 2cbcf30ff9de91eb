"""What an application asks about workflows, on its own session.

The values are those of the core: frozen, whole, and free of the session. Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import groupby
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from workflows_core.errors import DefinitionNotFoundError
from workflows_core.history import StepExecution, step_executions
from workflows_core.instance import Instance
from workflows_core.ports import InstanceQuery, InstanceSummary, StoredDefinition, TaskQuery
from workflows_core.registry import version_key
from workflows_core.states import InstanceStatus, TaskStatus
from workflows_core.tasks import Task
from workflows_sqla import statements
from workflows_sqla.converter import AnyRow, to_definition, to_entry, to_summary
from workflows_sqla.instance_lists import instance_page
from workflows_sqla.repositories import Instances, Tasks
from workflows_sqla.transactions import SessionReader

PENDING = TaskStatus.PENDING


class HumanTaskRepository:
    """Human tasks, open and closed. Lists begin with what is due first."""

    def __init__(self, session: AsyncSession) -> None:
        self._tasks = Tasks(SessionReader(session))

    async def get(self, task_id: UUID) -> Task:
        """Return a task.

        Raises:
            TaskNotFoundError: If there is none.
        """
        return await self._tasks.get(task_id)

    async def find_pending(
        self, assignee_id: str | None = None, assignee_group: str | None = None
    ) -> Sequence[Task]:
        """Return the open tasks: all, or those of a user, of a group, or of a user in a group."""
        query = TaskQuery(status=PENDING, assignee=assignee_id, assignee_group=assignee_group)
        return await self._tasks.find(query)

    async def find_overdue(self, now: datetime | None = None) -> Sequence[Task]:
        """Return the open tasks that were due before now."""
        return await self._tasks.find(TaskQuery(status=PENDING, due_before=now or datetime.now(UTC)))

    async def find_by_instance(self, instance_id: UUID) -> Sequence[Task]:
        """Return all tasks of an instance, closed ones too."""
        return await self._tasks.find(TaskQuery(instance_id=instance_id))


class WorkflowInstanceRepository:
    """Instances. Lists hold summaries, the newest first; `get` returns everything."""

    def __init__(self, session: AsyncSession) -> None:
        self._reader = SessionReader(session)
        self._instances = Instances(self._reader)

    async def get(self, instance_id: UUID) -> Instance:
        """Return an instance with its data and open tasks.

        Raises:
            InstanceNotFoundError: If there is none.
        """
        return await self._instances.get(instance_id)

    async def find_by_workflow(
        self, name: str, status: InstanceStatus | None = None, limit: int | None = None, offset: int = 0
    ) -> Sequence[InstanceSummary]:
        """Return the instances of all versions of a workflow."""
        query = InstanceQuery(definition_name=name, status=status, limit=limit, offset=offset)
        return await self._instances.find(query)

    async def find_by_user(
        self, user_id: str, status: InstanceStatus | None = None, limit: int | None = None, offset: int = 0
    ) -> Sequence[InstanceSummary]:
        """Return the instances that a user started."""
        return await self._instances.find(
            InstanceQuery(created_by=user_id, status=status, limit=limit, offset=offset)
        )

    async def find_by_tenant(
        self, tenant_id: str, status: InstanceStatus | None = None, limit: int | None = None, offset: int = 0
    ) -> Sequence[InstanceSummary]:
        """Return the instances of a tenant."""
        return await self._instances.find(
            InstanceQuery(tenant_id=tenant_id, status=status, limit=limit, offset=offset)
        )

    async def find_running(self, limit: int | None = None, offset: int = 0) -> Sequence[InstanceSummary]:
        """Return the instances that are on their way: those that run, and those that wait for somebody."""
        on_their_way = (InstanceStatus.RUNNING, InstanceStatus.WAITING)
        asked = instance_page(InstanceQuery(limit=limit, offset=offset), on_their_way)
        return [to_summary(row) for row in await self._reader.execute(asked)]


class WorkflowDefinitionRepository:
    """The definitions that instances were started with. Versions are compared by their numbers: 10 is after 9."""

    def __init__(self, session: AsyncSession) -> None:
        self._reader = SessionReader(session)

    async def get_by_name(self, name: str, version: str | None = None) -> StoredDefinition:
        """Return one version of a definition, by default the latest.

        Raises:
            DefinitionNotFoundError: If no instance was ever started with it.
        """
        stored = await self._stored(name)
        wanted = [each for each in stored if version in {None, each.version}]
        if not wanted:
            raise DefinitionNotFoundError(name, version, known=[each.version for each in stored])
        return _latest(wanted)

    async def get_latest_version(self, name: str) -> StoredDefinition:
        """Return the latest version of a definition.

        Raises:
            DefinitionNotFoundError: If no instance was ever started with any.
        """
        return await self.get_by_name(name)

    async def list_active(self) -> Sequence[StoredDefinition]:
        """Return the latest version of every definition, by name."""
        stored = await self._stored(None)
        return [_latest(versions) for _, versions in groupby(stored, key=lambda each: each.name)]

    async def _stored(self, name: str | None) -> list[StoredDefinition]:
        return [to_definition(row) for row in await self._reader.execute(statements.stored_definitions(name))]


def _latest(versions: Iterable[StoredDefinition]) -> StoredDefinition:
    return max(versions, key=lambda each: version_key(each.version))


class StepExecutionRepository:
    """What was executed, by whom and with what result: a reading of the history, oldest first."""

    def __init__(self, session: AsyncSession) -> None:
        self._reader = SessionReader(session)

    async def find_by_instance(self, instance_id: UUID) -> Sequence[StepExecution]:
        """Return all executions of an instance; none if there is no such instance."""
        asked = {"instance_id": instance_id, "after": 0}
        return _executions(await self._reader.execute(statements.history_after(), asked))

    async def find_by_step_name(self, instance_id: UUID, step_name: str) -> Sequence[StepExecution]:
        """Return the executions of one step of an instance: several, if it was retried or lies in a loop."""
        return [each for each in await self.find_by_instance(instance_id) if each.step_name == step_name]

    async def find_failed(self, instance_id: UUID | None = None) -> Sequence[StepExecution]:
        """Return the failed executions of an instance, or of all instances that are failed now."""
        if instance_id is None:
            executions = _executions(await self._reader.execute(statements.histories_of_failed()))
        else:
            executions = await self.find_by_instance(instance_id)
        return [each for each in executions if each.error is not None]


def _executions(rows: Iterable[AnyRow]) -> Sequence[StepExecution]:
    histories = groupby(map(to_entry, rows), key=lambda entry: entry.instance_id)
    return [execution for _, entries in histories for execution in step_executions(tuple(entries))]
