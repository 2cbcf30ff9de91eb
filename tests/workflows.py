"""Small workflows that tests run."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from workflows_core.context import WorkflowContext
from workflows_core.definitions import Edge, WorkflowDefinition
from workflows_core.steps import BaseHumanStep, BaseMachineStep, Step

Work = Callable[[WorkflowContext], Any]


class Do(BaseMachineStep):
    """A machine step that calls what it is given; by default it notes that it ran."""

    def __init__(self, name: str, work: Work | None = None, **options: Any) -> None:
        super().__init__(name, **options)
        self.work = work

    async def execute(self, context: WorkflowContext) -> Any:
        if self.work is None:
            context.set(self.name, context.get(self.name, 0) + 1)
            return None
        result = self.work(context)
        return await result if hasattr(result, "__await__") else result


APPROVAL_FORM = {
    "type": "object",
    "properties": {
        "approved": {"type": "boolean", "title": "Approve?"},
        "comments": {"type": "string", "title": "Comments"},
    },
    "required": ["approved"],
}


def review(name: str = "review", **options: Any) -> BaseHumanStep:
    return BaseHumanStep(name, title=options.pop("title", "Review"), form_schema=APPROVAL_FORM, **options)


def workflow(
    *steps: Step, edges: list[Edge], ends: set[str], name: str = "example", **options: Any
) -> WorkflowDefinition:
    """A definition that begins at the first step."""
    return WorkflowDefinition(
        name=name,
        steps={step.name: step for step in steps},
        edges=edges,
        initial_step=steps[0].name,
        terminal_steps=ends,
        **options,
    )


def chain(*steps: Step, **options: Any) -> WorkflowDefinition:
    """One step after the other."""
    edges = [Edge(first.name, second.name) for first, second in pairwise(steps)]
    return workflow(*steps, edges=edges, ends={steps[-1].name}, **options)
