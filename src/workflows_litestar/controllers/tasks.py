"""Human tasks: finding them, doing them, handing them on."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import Controller, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from workflows_core.ports import TaskQuery
from workflows_core.states import TaskStatus
from workflows_litestar.actor import asking
from workflows_litestar.bodies import JsonBody
from workflows_litestar.dependencies import Engine
from workflows_litestar.dto import CompleteTaskDTO, HumanTaskDTO, ReassignTaskDTO
from workflows_litestar.fields import FARTHEST, LARGEST_PAGE, NAME, PAGE
from workflows_litestar.identity import Acting
from workflows_litestar.openapi import refusals
from workflows_litestar.problems import DATA_POINTER


class TaskController(Controller):
    """Reading, completing and reassigning tasks."""

    path = "/tasks"

    @get(
        operation_id="list_human_tasks",
        summary="List human tasks",
        description="By due date, those without one last; then the oldest first.",
        response_description="The tasks.",
        responses=refusals(400),
    )
    async def list_tasks(
        self,
        *,
        workflow_engine: Engine,
        workflow_actor: Acting,
        status: Annotated[TaskStatus | None, QueryParameter(description="Only those in this status.")] = None,
        assignee_id: Annotated[
            str | None, QueryParameter(description="Only those assigned to this user.", **NAME)
        ] = None,
        assignee_group: Annotated[
            str | None, QueryParameter(description="Only those offered to this group.", **NAME)
        ] = None,
        instance_id: Annotated[
            UUID | None, QueryParameter(description="Only those of this instance.")
        ] = None,
        limit: Annotated[int, QueryParameter(description="At most so many.", ge=1, le=LARGEST_PAGE)] = PAGE,
        offset: Annotated[
            int, QueryParameter(description="Leave out so many at the front.", ge=0, le=FARTHEST)
        ] = 0,
    ) -> list[HumanTaskDTO]:
        """Return the tasks that fit."""
        found = await workflow_engine.find_tasks(
            TaskQuery(
                status=status,
                assignee=assignee_id,
                assignee_group=assignee_group,
                instance_id=instance_id,
                limit=limit,
                offset=offset,
            ),
            actor=workflow_actor,
        )
        return [HumanTaskDTO.from_domain(each) for each in found]

    @get(
        "/{task_id:str}",
        operation_id="get_human_task",
        summary="Get a human task",
        description="With the schema of its form.",
        response_description="The task.",
        responses=refusals(400, 404),
    )
    async def get_task(
        self, task_id: FromPath[UUID], workflow_engine: Engine, workflow_actor: Acting
    ) -> HumanTaskDTO:
        """Return one task."""
        return HumanTaskDTO.from_domain(await workflow_engine.get_task(task_id, actor=workflow_actor))

    @post(
        "/{task_id:str}/complete",
        operation_id="complete_human_task",
        summary="Complete a human task",
        description="The data is checked against the task's form before anything changes. Of many who try at once, one succeeds.",
        response_description="The task was completed.",
        dto=JsonBody[CompleteTaskDTO],
        opt={DATA_POINTER: "/output_data"},
        responses=refusals(400, 404, 409, 412, 413, 415, 428),
    )
    async def complete(
        self,
        task_id: FromPath[UUID],
        data: JSONBody[CompleteTaskDTO],
        workflow_engine: Engine,
        workflow_actor: Acting,
    ) -> HumanTaskDTO:
        """Complete a task."""
        done = await workflow_engine.tasks.complete(
            task_id,
            data.output_data,
            outcome=data.outcome,
            comment=data.comment,
            **asking(workflow_actor, data.completed_by, required="/completed_by"),
        )
        return HumanTaskDTO.from_domain(done.task)

    @post(
        "/{task_id:str}/reassign",
        operation_id="reassign_human_task",
        summary="Reassign a human task",
        description="Somebody else is to do it from now on.",
        response_description="The task was reassigned.",
        dto=JsonBody[ReassignTaskDTO],
        responses=refusals(400, 404, 409, 413, 415),
    )
    async def reassign(
        self,
        task_id: FromPath[UUID],
        data: JSONBody[ReassignTaskDTO],
        workflow_engine: Engine,
        workflow_actor: Acting,
    ) -> HumanTaskDTO:
        """Give a task to somebody else."""
        task = await workflow_engine.reassign_task(
            task_id, data.new_assignee, reason=data.reason, **asking(workflow_actor)
        )
        return HumanTaskDTO.from_domain(task)
