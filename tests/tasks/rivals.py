"""A process of its own that claims or completes one task many times at once."""

from __future__ import annotations

import asyncio
import warnings
from multiprocessing.connection import Connection
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import create_async_engine

from workflows_core import BaseHumanStep, WorkflowDefinition, WorkflowRegistry
from workflows_core.actors import Actor
from workflows_core.engine import ExecutionEngine
from workflows_core.errors import WorkflowError
from workflows_sqla import SqlStorage

PEOPLE = 10

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


def compete(pipe: Connection[Any, Any], url: str, what: str, task_id: UUID, name: str) -> None:
    """Say when it is connected, wait for a word, and tell what came of each attempt."""
    warnings.simplefilter("error")
    asyncio.run(_compete(pipe, url, what, task_id, name))


async def _compete(pipe: Connection[Any, Any], url: str, what: str, task_id: UUID, name: str) -> None:
    database = create_async_engine(url, pool_size=PEOPLE)
    engine = ExecutionEngine(registry(), SqlStorage(database), runs_steps=False)
    await engine.get_task(task_id)
    pipe.send("ready")
    await asyncio.to_thread(pipe.recv)
    results = await asyncio.gather(
        *(attempt(engine, what, task_id, f"{name}-{number}") for number in range(PEOPLE))
    )
    pipe.send(results)
    await database.dispose()
