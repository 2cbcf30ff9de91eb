"""The definitions that are registered."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import Controller, get
from litestar.params import FromPath, QueryParameter

from workflows_core.diagram import diagram_of
from workflows_litestar.dependencies import Registry
from workflows_litestar.dto import WorkflowDefinitionDTO, WorkflowGraphDTO
from workflows_litestar.fields import NAME
from workflows_litestar.openapi import refusals

GraphFormat = Annotated[
    Literal["mermaid", "json"], QueryParameter(description="What it is asked for; every answer holds both.")
]

Version = Annotated[
    str | None, QueryParameter(description="The exact version; the latest by default.", **NAME)
]


class DefinitionController(Controller):
    """Reading definitions."""

    path = "/definitions"

    @get(
        operation_id="list_workflow_definitions",
        summary="List the workflow definitions",
        description="The latest version of each, by name.",
        response_description="The definitions.",
        responses=refusals(),
    )
    async def list_definitions(self, workflow_registry: Registry) -> list[WorkflowDefinitionDTO]:
        """Return the latest version of every definition."""
        return [WorkflowDefinitionDTO.from_domain(each) for each in workflow_registry.list_definitions()]

    @get(
        "/{name:str}",
        operation_id="get_workflow_definition",
        summary="Get a workflow definition",
        description="Its latest version, or an exact one.",
        response_description="The definition.",
        responses=refusals(400, 404),
    )
    async def get_definition(
        self, name: FromPath[str], workflow_registry: Registry, version: Version = None
    ) -> WorkflowDefinitionDTO:
        """Return one definition."""
        return WorkflowDefinitionDTO.from_domain(workflow_registry.get_definition(name, version))

    @get(
        "/{name:str}/graph",
        operation_id="get_workflow_definition_graph",
        summary="Draw a workflow definition",
        description="As Mermaid text, and as nodes and edges.",
        response_description="The picture.",
        responses=refusals(400, 404),
    )
    async def get_graph(
        self,
        name: FromPath[str],
        workflow_registry: Registry,
        graph_format: GraphFormat = "mermaid",
        version: Version = None,
    ) -> WorkflowGraphDTO:
        """Return the picture of a definition."""
        return WorkflowGraphDTO.from_domain(diagram_of(workflow_registry.get_definition(name, version)))

    @get(
        "/{name:str}/versions",
        operation_id="list_workflow_definition_versions",
        summary="List the versions of a workflow definition",
        description="All that are registered, the latest first.",
        response_description="The definitions.",
        responses=refusals(400, 404),
    )
    async def list_versions(
        self, name: FromPath[str], workflow_registry: Registry
    ) -> list[WorkflowDefinitionDTO]:
        """Return every version of a definition."""
        latest = workflow_registry.get_definition(name)
        versions = reversed(workflow_registry.get_versions(latest.name))
        return [
            WorkflowDefinitionDTO.from_domain(workflow_registry.get_definition(name, each))
            for each in versions
        ]
