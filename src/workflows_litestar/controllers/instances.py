"""Instances: starting them, looking at them, operating them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from workflows_core.diagram import diagram_of
from workflows_core.ports import InstanceOrder, InstanceQuery, TaskOrder, TaskQuery
from workflows_core.states import InstanceStatus
from workflows_litestar import pages
from workflows_litestar.actor import asking, name_of, tenant_of
from workflows_litestar.bodies import JsonBody
from workflows_litestar.dependencies import Engine
from workflows_litestar.dto import (
    HumanTaskDTO,
    StartWorkflowDTO,
    WorkflowGraphDTO,
    WorkflowInstanceDetailDTO,
    WorkflowInstanceDTO,
)
from workflows_litestar.explanations import InstanceExplanationDTO
from workflows_litestar.fields import NAME, PAGE, PROSE, WHY
from workflows_litestar.histories import HistoryEntryDTO
from workflows_litestar.idempotency import repeatable
from workflows_litestar.identity import Acting
from workflows_litestar.instance_requests import WITH_ZONE, MoveInstanceDTO, SkipStepDTO, values_asked_for
from workflows_litestar.moments import moment
from workflows_litestar.openapi import WRITES, FoundByData, OptionalBody, refusals
from workflows_litestar.pictures import PICTURED, GraphFormat, Pictured, graph_answer
from workflows_litestar.problems import DATA, DATA_POINTER
from workflows_litestar.queries import FREE
from workflows_litestar.tags import TAGGED, IfMatch, if_instance, instance_tag, tagged
from workflows_litestar.task_requests import NOTHING, ReasonDTO
from workflows_litestar.waiting import Wait, rested

if TYPE_CHECKING:
    from workflows_core.instance import Instance
    from workflows_core.paging import Cursor

RETRIED: Final = "Retried by request"
SUSPENDED: Final = "Suspended by request"
RESUMED: Final = "Resumed by request"


def _answer(instance: Instance) -> Response[WorkflowInstanceDTO]:
    return tagged(WorkflowInstanceDTO.from_domain(instance), instance_tag(instance))


class InstanceController(Controller):
    """Starting, reading, canceling and retrying instances."""

    path = "/instances"

    @post(
        operation_id="start_workflow",
        summary="Start a workflow",
        description="Answers as soon as the start is stored; machine steps run in the background.",
        response_description="The instance was started.",
        response_headers=TAGGED,
        dto=JsonBody[StartWorkflowDTO],
        opt={DATA_POINTER: "/input_data"},
        responses=refusals(400, 404, 409, 413, 415, 422),
    )
    @repeatable
    async def start(
        self,
        data: JSONBody[StartWorkflowDTO],
        workflow_engine: Engine,
        workflow_actor: Acting,
        wait: Wait = 0,
        request_id: str | None = None,
    ) -> Response[WorkflowInstanceDTO]:
        """Start an instance."""
        instance = await workflow_engine.start_workflow(
            data.definition_name,
            data.input_data,
            version=data.version,
            user_id=name_of(workflow_actor, data.user_id),
            tenant_id=tenant_of(workflow_actor, data.tenant_id),
            correlation_id=data.correlation_id,
            idempotency_key=request_id,
        )
        return _answer(await rested(workflow_engine, instance, wait))

    @get(
        operation_id="list_workflow_instances",
        summary="List workflow instances",
        description="The newest first, or in another order.",
        response_description="The instances.",
        response_headers=pages.PAGED,
        operation_class=FoundByData,
        opt={FREE: DATA},
        responses=refusals(400),
    )
    async def list_instances(
        self,
        *,
        request: Request[Any, Any, Any],
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
        step: Annotated[
            str | None, QueryParameter(description="Only those that are at this step at present.", **NAME)
        ] = None,
        started_after: Annotated[
            datetime | None,
            QueryParameter(description=f"Only those started at this moment or later{WITH_ZONE}"),
        ] = None,
        started_before: Annotated[
            datetime | None, QueryParameter(description=f"Only those started before this moment{WITH_ZONE}")
        ] = None,
        updated_after: Annotated[
            datetime | None,
            QueryParameter(description=f"Only those that changed last at this moment or later{WITH_ZONE}"),
        ] = None,
        updated_before: Annotated[
            datetime | None,
            QueryParameter(description=f"Only those that changed last before this moment{WITH_ZONE}"),
        ] = None,
        sort: Annotated[InstanceOrder, QueryParameter(description="In which order.")] = InstanceOrder.NEWEST,
        after: pages.After = None,
        limit: pages.Limit = PAGE,
        offset: pages.Offset = 0,
        total: pages.Total = False,
    ) -> Response[list[WorkflowInstanceDTO]]:
        """Return the instances that fit."""

        def asked_for(place: Cursor | None) -> InstanceQuery:
            return InstanceQuery(
                status=status,
                definition_name=workflow_name,
                created_by=created_by,
                correlation_id=correlation_id,
                step=step,
                started_after=moment(started_after, "started_after"),
                started_before=moment(started_before, "started_before"),
                updated_after=moment(updated_after, "updated_after"),
                updated_before=moment(updated_before, "updated_before"),
                data=values_asked_for(request),
                order=sort,
                after=place,
                limit=limit,
                offset=offset,
            )

        query = pages.query_after(asked_for, after)
        return await pages.answer(
            request,
            await workflow_engine.page_instances(query, actor=workflow_actor),
            WorkflowInstanceDTO.from_domain,
            (lambda: workflow_engine.count_instances(query, actor=workflow_actor)) if total else None,
        )

    @get(
        "/{instance_id:str}",
        operation_id="get_workflow_instance",
        summary="Get a workflow instance",
        description="With its data and what was done in it.",
        response_description="The instance.",
        response_headers=TAGGED,
        responses=refusals(400, 404),
    )
    async def get_instance(
        self, instance_id: FromPath[UUID], workflow_engine: Engine, workflow_actor: Acting
    ) -> Response[WorkflowInstanceDetailDTO]:
        """Return one instance."""
        record = await workflow_engine.get_record(instance_id, actor=workflow_actor)
        return tagged(WorkflowInstanceDetailDTO.from_record(record), instance_tag(record.instance))

    @get(
        "/{instance_id:str}/graph",
        operation_id="get_workflow_instance_graph",
        summary="Draw a workflow instance",
        description="The picture of its workflow, with what is done in green, what is current in yellow, what failed in red.",
        response_description="The graph.",
        response_headers=PICTURED,
        operation_class=Pictured,
        responses=refusals(400, 404),
    )
    async def get_graph(
        self,
        request: Request[Any, Any, Any],
        instance_id: FromPath[UUID],
        workflow_engine: Engine,
        workflow_actor: Acting,
        graph_format: GraphFormat = "mermaid",
    ) -> Response[WorkflowGraphDTO]:
        """Return the graph of an instance."""
        record = await workflow_engine.get_record(instance_id, actor=workflow_actor)
        definition = await workflow_engine.get_definition(record.instance)
        diagram = diagram_of(definition, record.instance, record.entries)
        return graph_answer(request, diagram, graph_format, f"{definition.name} {instance_id}")

    @get(
        "/{instance_id:str}/explain",
        operation_id="explain_workflow_instance",
        summary="Explain a workflow instance",
        description="What it waits for, since when and until when, and who can act.",
        response_description="The explanation.",
        responses=refusals(400, 404),
    )
    async def explain(
        self, instance_id: FromPath[UUID], workflow_engine: Engine, workflow_actor: Acting
    ) -> InstanceExplanationDTO:
        """Explain an instance."""
        explained = await workflow_engine.explain_instance(instance_id, actor=workflow_actor)
        return InstanceExplanationDTO.from_domain(explained)

    @get(
        "/{instance_id:str}/history",
        operation_id="get_workflow_instance_history",
        summary="Get the history of a workflow instance",
        description="Everything that happened to it, the oldest first.",
        response_description="The entries.",
        responses=refusals(400, 404),
    )
    async def get_history(
        self, instance_id: FromPath[UUID], workflow_engine: Engine, workflow_actor: Acting
    ) -> list[HistoryEntryDTO]:
        """Return what happened to an instance."""
        entries = await workflow_engine.get_history(instance_id, actor=workflow_actor)
        return [HistoryEntryDTO.from_domain(each) for each in entries]

    @get(
        "/{instance_id:str}/tasks",
        operation_id="list_workflow_instance_tasks",
        summary="List the human tasks of a workflow instance",
        description="Open and closed, the oldest first.",
        response_description="The tasks.",
        responses=refusals(400, 404),
    )
    async def list_tasks(
        self, instance_id: FromPath[UUID], workflow_engine: Engine, workflow_actor: Acting
    ) -> list[HumanTaskDTO]:
        """Return the tasks of an instance."""
        await workflow_engine.get_instance(instance_id, actor=workflow_actor)
        found = await workflow_engine.find_tasks(TaskQuery(instance_id=instance_id, order=TaskOrder.OLDEST))
        return [HumanTaskDTO.from_domain(each) for each in found]

    @post(
        "/{instance_id:str}/cancel",
        operation_id="cancel_workflow_instance",
        summary="Cancel a workflow instance",
        description="Its open tasks are canceled, its running steps are told to stop.",
        response_description="The instance was canceled.",
        response_headers=TAGGED,
        responses=refusals(400, 404, 409, 412, 413, 422),
    )
    @repeatable
    async def cancel(
        self,
        instance_id: FromPath[UUID],
        workflow_engine: Engine,
        workflow_actor: Acting,
        reason: Annotated[str, QueryParameter(description=WHY, **PROSE)] = "Canceled by request",
        if_match: IfMatch = None,
    ) -> Response[WorkflowInstanceDTO]:
        """End an instance."""
        engine = if_instance(workflow_engine, if_match)
        return _answer(await engine.cancel_workflow(instance_id, reason, **asking(workflow_actor)))

    @post(
        "/{instance_id:str}/retry",
        operation_id="retry_workflow_instance",
        summary="Retry a failed workflow instance",
        description="Only what failed is done again.",
        response_description="The instance goes on.",
        response_headers=TAGGED,
        dto=JsonBody[ReasonDTO],
        operation_class=OptionalBody,
        responses=refusals(*WRITES),
    )
    @repeatable
    async def retry(
        self,
        *,
        instance_id: FromPath[UUID],
        workflow_engine: Engine,
        workflow_actor: Acting,
        step: Annotated[
            str | None, QueryParameter(description="Only what failed at this step.", **NAME)
        ] = None,
        data: JSONBody[ReasonDTO] = NOTHING,
        if_match: IfMatch = None,
    ) -> Response[WorkflowInstanceDTO]:
        """Revive what failed in an instance."""
        engine, asked = if_instance(workflow_engine, if_match), asking(workflow_actor, data.user_id)
        return _answer(await engine.retry_workflow(instance_id, data.reason or RETRIED, step=step, **asked))

    @post(
        "/{instance_id:str}/suspend",
        operation_id="suspend_workflow_instance",
        summary="Suspend a workflow instance",
        description="Nothing new begins in it until it is resumed; running steps finish.",
        response_description="The instance is suspended.",
        response_headers=TAGGED,
        dto=JsonBody[ReasonDTO],
        operation_class=OptionalBody,
        responses=refusals(*WRITES),
    )
    @repeatable
    async def suspend(
        self,
        instance_id: FromPath[UUID],
        workflow_engine: Engine,
        workflow_actor: Acting,
        data: JSONBody[ReasonDTO] = NOTHING,
        if_match: IfMatch = None,
    ) -> Response[WorkflowInstanceDTO]:
        """Let nothing new begin in an instance."""
        engine, asked = if_instance(workflow_engine, if_match), asking(workflow_actor, data.user_id)
        return _answer(await engine.suspend_workflow(instance_id, data.reason or SUSPENDED, **asked))

    @post(
        "/{instance_id:str}/resume",
        operation_id="resume_workflow_instance",
        summary="Resume a suspended workflow instance",
        description="What fell due in the meantime is due now.",
        response_description="The instance goes on.",
        response_headers=TAGGED,
        dto=JsonBody[ReasonDTO],
        operation_class=OptionalBody,
        responses=refusals(*WRITES),
    )
    @repeatable
    async def resume(
        self,
        instance_id: FromPath[UUID],
        workflow_engine: Engine,
        workflow_actor: Acting,
        data: JSONBody[ReasonDTO] = NOTHING,
        if_match: IfMatch = None,
    ) -> Response[WorkflowInstanceDTO]:
        """Let a suspended instance go on."""
        engine, asked = if_instance(workflow_engine, if_match), asking(workflow_actor, data.user_id)
        return _answer(await engine.resume_workflow(instance_id, data.reason or RESUMED, **asked))

    @post(
        "/{instance_id:str}/skip",
        operation_id="skip_workflow_step",
        summary="Skip a step of a workflow instance",
        description="What is at the step goes on as if it were done; its task is canceled, its execution told to stop.",
        response_description="The instance went on.",
        response_headers=TAGGED,
        dto=JsonBody[SkipStepDTO],
        responses=refusals(*WRITES),
    )
    @repeatable
    async def skip(
        self,
        instance_id: FromPath[UUID],
        data: JSONBody[SkipStepDTO],
        workflow_engine: Engine,
        workflow_actor: Acting,
        if_match: IfMatch = None,
    ) -> Response[WorkflowInstanceDTO]:
        """Go past a step."""
        engine, asked = if_instance(workflow_engine, if_match), asking(workflow_actor, data.user_id)
        instance = await engine.skip_step(instance_id, data.step, data.reason, outcome=data.outcome, **asked)
        return _answer(instance)

    @post(
        "/{instance_id:str}/move",
        operation_id="move_workflow_instance",
        summary="Move a workflow instance to another step",
        description="It goes on there, earlier or later; the data stays as it is.",
        response_description="The instance went on.",
        response_headers=TAGGED,
        dto=JsonBody[MoveInstanceDTO],
        responses=refusals(*WRITES),
    )
    @repeatable
    async def move(
        self,
        instance_id: FromPath[UUID],
        data: JSONBody[MoveInstanceDTO],
        workflow_engine: Engine,
        workflow_actor: Acting,
        if_match: IfMatch = None,
    ) -> Response[WorkflowInstanceDTO]:
        """Go on at another step."""
        engine, asked = if_instance(workflow_engine, if_match), asking(workflow_actor, data.user_id)
        instance = await engine.move_workflow(
            instance_id, data.target, data.reason, source=data.source, **asked
        )
        return _answer(instance)
