"""Many people on one task, in many processes: one succeeds, and the others are told so."""

from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from tests.forks import FORKS
from tests.servers import PATIENCE
from tests.tasks.rivals import PEOPLE, compete, registry
from workflows_core.engine import ExecutionEngine
from workflows_core.ports import TaskQuery
from workflows_sqla import SqlStorage

PROCESSES = 5


class Rival:
    """A process with people in it."""

    def __init__(self, url: str, what: str, task_id: UUID, name: str) -> None:
        self._pipe, theirs = FORKS.Pipe()
        self._process = FORKS.Process(target=compete, args=(theirs, url, what, task_id, name), daemon=True)
        self._process.start()
        theirs.close()

    def is_ready(self) -> bool:
        return bool(self._pipe.recv() == "ready")

    def go(self) -> None:
        self._pipe.send("go")

    def results(self) -> list[str]:
        """Tell what came of each attempt, once it has ended well."""
        found: list[str] = self._pipe.recv()
        self._process.join(PATIENCE)
        assert self._process.exitcode == 0
        return found


@pytest.mark.parametrize(
    ("what", "refusals"),
    [("claim", {"TaskAlreadyClaimedError"}), ("complete", {"InvalidTransitionError"})],
)
async def test_of_fifty_exactly_one_succeeds(database_url: str, what: str, refusals: set[str]) -> None:
    database = create_async_engine(database_url)
    engine = ExecutionEngine(registry(), SqlStorage(database), runs_steps=False)
    instance = await engine.start_workflow("rivals")
    (task,) = await engine.find_tasks(TaskQuery(instance_id=instance.id))

    rivals = [Rival(database_url, what, task.id, f"p{number}") for number in range(PROCESSES)]
    assert all(each.is_ready() for each in rivals)
    for each in rivals:
        each.go()
    results = [result for each in rivals for result in each.results()]

    assert len(results) == PROCESSES * PEOPLE
    (winner,) = [result for result in results if not result.endswith("Error")]
    assert set(results) - {winner} == refusals
    after = await engine.get_task(task.id)
    assert winner == (after.assignee if what == "claim" else after.completed_by)
    assert len(await engine.get_history(instance.id)) == 2
    await database.dispose()
