"""Instances: starting them, looking at them, ending them."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import Controller, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from workflows_core.diagram import diagram_of
from workflows_core.ports import InstanceQuery
from workflows_core.states import InstanceStatus
from workflows_litestar.actor import asking, tenant_of
from workflows_litestar.bodies import JsonBody
from workflows_litestar.controllers.definitions import GraphFormat
from workflows_litestar.dependencies import Engine
from workflows_litestar.dto import (
    StartWorkflowDTO,
    WorkflowGraphDTO,
    WorkflowInstanceDetailDTO,
    WorkflowInstanceDTO,
)
from workflows_litestar.fields import FARTHEST, LARGEST_PAGE, NAME, PAGE, PROSE
from workflows_litestar.identity import Acting
from workflows_litestar.openapi import refusals
from workflows_litestar.problems import DATA_POINTER


class InstanceController(Controller):
    """Starting, reading, canceling and retrying instances."""

    path = "/instances"

    @post(
        operation_id="start_workflow",
        summary="Start a workflow",
        description="Answers as soon as the start is stored; machine steps run in the background.",
        response_description="The instance was started.",
        dto=JsonBody[StartWorkflowDTO],
        opt={DATA_POINTER: "/input_data"},
        responses=refusals(400, 404, 409, 413, 415),
    )
    async def start(
        self, data: JSONBody[StartWorkflowDTO], workflow_engine: Engine, workflow_actor: Acting
    ) -> WorkflowInstanceDTO:
        """Start an instance."""
        asked = asking(workflow_actor, data.user_id)
        instance = await workflow_engine.start_workflow(
            data.definition_name,
            data.input_data,
            user_id=asked["user_id"] if workflow_actor is None else workflow_actor.user_id,
            tenant_id=tenant_of(workflow_actor, data.tenant_id),
            correlation_id=data.correlation_id,
        )
        return WorkflowInstanceDTO.from_domain(instance)

    @get(
        operation_id="list_workflow_instances",
        summary="List workflow instances",
        description="The newest first.",
        response_description="The instances.",
        responses=refusals(400),
    )
    async def list_instances(
        self,
        *,
        workflow_engine: Engine,
        workflow_actor: Acting,
        status: Annotated[
            InstanceStatus | None, QueryParameter(description="Only those in this status.")
        ] = None,
        workflow_name: Annotated[
            str | None, QueryParameter(description="Only those of this workflow, any version.", **NAME)
        ] = None,
        created_by: Annotated[
            str | None, QueryParameter(description="Only those started by this user.", **NAME)
        ] = None,
        correlation_id: Annotated[
            str | None, QueryParameter(description="Only those with this mark.", **NAME)
        ] = None,
        limit: Annotated[int, QueryParameter(description="At most so many.", ge=1, le=LARGEST_PAGE)] = PAGE,
        offset: Annotated[
            int, QueryParameter(description="Leave out so many at the front.", ge=0, le=FARTHEST)
        ] = 0,
    ) -> list[WorkflowInstanceDTO]:
        """Return the instances that fit."""
        found = await workflow_engine.find_instances(
            InstanceQuery(
                status=status,
                definition_name=workflow_name,
                created_by=created_by,
                correlation_id=correlation_id,
                limit=limit,
                offset=offset,
            ),
            actor=workflow_actor,
        )
        return [WorkflowInstanceDTO.from_domain(each) for each in found]

    @get(
        "/{instance_id:str}",
        operation_id="get_workflow_instance",
        summary="Get a workflow instance",
        description="With its data and what was done in it.",
        response_description="The instance.",
        responses=refusals(400, 404),
    )
    async def get_instance(
        self, instance_id: FromPath[UUID], workflow_engine: Engine, workflow_actor: Acting
    ) -> WorkflowInstanceDetailDTO:
        """Return one instance."""
        record = await workflow_engine.get_record(instance_id, actor=workflow_actor)
        return WorkflowInstanceDetailDTO.from_record(record)

    @get(
        "/{instance_id:str}/graph",
        operation_id="get_workflow_instance_graph",
        summary="Draw a workflow instance",
        description="The picture of its workflow, with what is done in green, what is current in yellow, what failed in red.",
        response_description="The picture.",
        responses=refusals(400, 404),
    )
    async def get_graph(
        self,
        instance_id: FromPath[UUID],
        workflow_engine: Engine,
        workflow_actor: Acting,
        graph_format: GraphFormat = "mermaid",
    ) -> WorkflowGraphDTO:
        """Return the picture of an instance."""
        record = await workflow_engine.get_record(instance_id, actor=workflow_actor)
        definition = await workflow_engine.get_definition(record.instance)
        return WorkflowGraphDTO.from_domain(diagram_of(definition, record.instance, record.entries))

    @post(
        "/{instance_id:str}/cancel",
        operation_id="cancel_workflow_instance",
        summary="Cancel a workflow instance",
        description="Its open tasks are canceled, its running steps are told to stop.",
        response_description="The instance was canceled.",
        responses=refusals(400, 404, 409),
    )
    async def cancel(
        self,
        instance_id: FromPath[UUID],
        workflow_engine: Engine,
        workflow_actor: Acting,
        reason: Annotated[
            str, QueryParameter(description="Why; the history keeps it.", **PROSE)
        ] = "Canceled by request",
    ) -> WorkflowInstanceDTO:
        """End an instance."""
        instance = await workflow_engine.cancel_workflow(instance_id, reason, **asking(workflow_actor))
        return WorkflowInstanceDTO.from_domain(instance)

    @post(
        "/{instance_id:str}/retry",
        operation_id="retry_workflow_instance",
        summary="Retry a failed workflow instance",
        description="Only what failed is done again.",
        response_description="The instance goes on.",
        responses=refusals(400, 404, 409),
    )
    async def retry(
        self, instance_id: FromPath[UUID], workflow_engine: Engine, workflow_actor: Acting
    ) -> WorkflowInstanceDTO:
        """Revive what failed in an instance."""
        instance = await workflow_engine.retry_workflow(instance_id, **asking(workflow_actor))
        return WorkflowInstanceDTO.from_domain(instance)
