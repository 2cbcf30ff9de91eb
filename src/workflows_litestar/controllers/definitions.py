"""The definitions that are registered."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Controller, Request, Response, get
from litestar.params import FromPath, QueryParameter

from workflows_core.diagram import diagram_of
from workflows_core.validation import validate
from workflows_litestar.definition_answers import DefinitionProblemDTO, DefinitionSchemaDTO
from workflows_litestar.dependencies import Engine, Registry
from workflows_litestar.dto import WorkflowDefinitionDTO, WorkflowGraphDTO
from workflows_litestar.fields import NAME
from workflows_litestar.openapi import refusals
from workflows_litestar.pictures import PICTURED, GraphFormat, Pictured, graph_answer

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
        description="As Mermaid text with nodes and edges, or as a picture.",
        response_description="The graph.",
        response_headers=PICTURED,
        operation_class=Pictured,
        responses=refusals(400, 404),
    )
    async def get_graph(
        self,
        request: Request[Any, Any, Any],
        name: FromPath[str],
        workflow_registry: Registry,
        graph_format: GraphFormat = "mermaid",
        version: Version = None,
    ) -> Response[WorkflowGraphDTO]:
        """Return the graph of a definition."""
        definition = workflow_registry.get_definition(name, version)
        return graph_answer(request, diagram_of(definition), graph_format, definition.name)

    @get(
        "/{name:str}/validation",
        operation_id="validate_workflow_definition",
        summary="Validate a workflow definition",
        description="What is wrong with it: warnings, as it would not be registered with anything worse.",
        response_description="The problems; none if it is fine.",
        responses=refusals(400, 404),
    )
    async def get_validation(
        self,
        name: FromPath[str],
        workflow_engine: Engine,
        workflow_registry: Registry,
        version: Version = None,
    ) -> list[DefinitionProblemDTO]:
        """Return what is wrong with a definition."""
        problems = validate(workflow_registry.get_definition(name, version), workflow_engine.forms)
        return [DefinitionProblemDTO.from_domain(each) for each in problems]

    @get(
        "/{name:str}/schema",
        operation_id="get_workflow_definition_schema",
        summary="Get the schemas of a workflow definition",
        description="What its instances are started with, what people are asked, and what instances can be found by.",
        response_description="The schemas.",
        responses=refusals(400, 404),
    )
    async def get_schema(
        self, name: FromPath[str], workflow_registry: Registry, version: Version = None
    ) -> DefinitionSchemaDTO:
        """Return what a definition asks for."""
        return DefinitionSchemaDTO.from_domain(workflow_registry.get_definition(name, version))

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
