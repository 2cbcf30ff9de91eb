"""Workflows for Litestar: the plugin, and everything a workflow is written with."""

from workflows_core.actors import Actor
from workflows_core.context import WorkflowContext
from workflows_core.definitions import Edge, Workflow, WorkflowDefinition
from workflows_core.engine import ExecutionEngine, LocalExecutionEngine
from workflows_core.registry import WorkflowRegistry
from workflows_core.steps import (
    BaseHumanStep,
    BaseMachineStep,
    ExclusiveGateway,
    InclusiveGateway,
    ParallelGateway,
)
from workflows_litestar.config import WorkflowPluginConfig
from workflows_litestar.plugin import WorkflowPlugin

__all__ = [
    "Actor",
    "BaseHumanStep",
    "BaseMachineStep",
    "Edge",
    "ExclusiveGateway",
    "ExecutionEngine",
    "InclusiveGateway",
    "LocalExecutionEngine",
    "ParallelGateway",
    "Workflow",
    "WorkflowContext",
    "WorkflowDefinition",
    "WorkflowPlugin",
    "WorkflowPluginConfig",
    "WorkflowRegistry",
]
