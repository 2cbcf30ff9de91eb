"""Taking workflows as their authors hand them over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workflows_core.registry import WorkflowRegistry

if TYPE_CHECKING:
    from workflows_core.definitions import WorkflowClass, WorkflowDefinition


def accepted(workflow: WorkflowDefinition | type[WorkflowClass]) -> WorkflowDefinition:
    """Return the definition of a workflow as an engine would run it.

    Raises:
        InvalidDefinitionError: With everything that is wrong with it, if a registry would refuse it.
    """
    registry = WorkflowRegistry()
    registry.register(workflow)
    (definition,) = registry.list_definitions()
    return definition
