"""Another process: executes the steps that `Stamp` names, until its standard input ends."""

import asyncio
import sys
from time import time

from benchmarks.candidates import define
from workflows_core.context import WorkflowContext
from workflows_core.definitions import WorkflowDefinition
from workflows_core.engine import ExecutionEngine
from workflows_core.registry import WorkflowRegistry
from workflows_core.steps import BaseMachineStep
from workflows_sqla import open_storage


class Stamp(BaseMachineStep):
    """Notes when it began, on the clock that all processes of a machine share."""

    async def execute(self, context: WorkflowContext) -> None:
        context.set(self.name, time())


def stamped() -> WorkflowDefinition:
    """One step that says when it began."""
    return define("stamped", [Stamp("stamp")], [], "stamp")


async def work(url: str) -> None:
    storage = open_storage(url)
    assert storage is not None
    registry = WorkflowRegistry()
    registry.register_definition(stamped())
    async with ExecutionEngine(registry, storage):
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1]))
