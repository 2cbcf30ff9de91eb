"""A process of its own that claims or completes one task many times at once; run by `test_rivals`.

Prints `ready` when it is connected, waits for a line on its input, and prints what came of each attempt.
"""

from __future__ import annotations

import asyncio
import json
import sys
from uuid import UUID

from sqlalchemy.ext.asyncio import create_async_engine

from workflows_core import BaseHumanStep, WorkflowDefinition, WorkflowRegistry
from workflows_core.actors import Actor
from workflows_core.engine import ExecutionEngine
from workflows_core.errors import WorkflowError
from workflows_sqla import SqlStorage

DEFINITION = WorkflowDefinition(
    name="rivals",
    steps=[BaseHumanStep("approve", assignee_group="board")],
    initial_step="approve",
    terminal_steps=["approve"],
)


def registry() -> WorkflowRegistry:
    registry = WorkflowRegistry()
    registry.register(DEFINITION)
    return registry


async def attempt(engine: ExecutionEngine, what: str, task_id: UUID, user: str) -> str:
    actor = Actor(user, groups=["board"])
    try:
        if what == "claim":
            await engine.tasks.claim(task_id, actor=actor)
        else:
            await engine.tasks.complete(task_id, {}, actor=actor)
    except WorkflowError as error:
        return type(error).__name__
    return user


async def main(url: str, what: str, task: str, name: str, count: int) -> None:
    database = create_async_engine(url, pool_size=count)
    engine = ExecutionEngine(registry(), SqlStorage(database), runs_steps=False)
    task_id = UUID(task)
    await engine.get_task(task_id)
    print("ready", flush=True)  # noqa: T201 - that is how it speaks
    await asyncio.to_thread(sys.stdin.readline)
    results = await asyncio.gather(
        *(attempt(engine, what, task_id, f"{name}-{number}") for number in range(count))
    )
    print(json.dumps(results), flush=True)  # noqa: T201
    await database.dispose()


if __name__ == "__main__":
    _, url, what, task, name, count = sys.argv
    asyncio.run(main(url, what, task, name, int(count)))
