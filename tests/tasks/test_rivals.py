"""Many people on one task, in many processes: one succeeds, and the others are told so."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from tests.tasks.rivals import registry
from workflows_core.engine import ExecutionEngine
from workflows_core.ports import TaskQuery
from workflows_sqla import SqlStorage

PROCESSES, EACH = 5, 10


async def rival(url: str, what: str, task_id: str, name: str) -> Process:
    command = ("-W", "error", "-m", "tests.tasks.rivals", url, what, task_id, name, str(EACH))
    process = await asyncio.create_subprocess_exec(sys.executable, *command, stdin=PIPE, stdout=PIPE)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    return process


@pytest.mark.parametrize(
    ("what", "refusals"),
    [("claim", {"TaskAlreadyClaimedError"}), ("complete", {"InvalidTransitionError"})],
)
async def test_of_fifty_exactly_one_succeeds(database_url: str, what: str, refusals: set[str]) -> None:
    database = create_async_engine(database_url)
    engine = ExecutionEngine(registry(), SqlStorage(database), runs_steps=False)
    instance = await engine.start_workflow("rivals")
    (task,) = await engine.find_tasks(TaskQuery(instance_id=instance.id))

    rivals = await asyncio.gather(
        *(rival(database_url, what, str(task.id), f"p{number}") for number in range(PROCESSES))
    )
    outputs = await asyncio.gather(*(process.communicate(b"go\n") for process in rivals))
    results = [result for output, _ in outputs for result in json.loads(output)]

    assert len(results) == PROCESSES * EACH
    (winner,) = [result for result in results if not result.endswith("Error")]
    assert set(results) - {winner} == refusals
    after = await engine.get_task(task.id)
    assert winner == (after.assignee if what == "claim" else after.completed_by)
    assert len(await engine.get_history(instance.id)) == 2
    await database.dispose()
