"""A step that kills its process, every time."""

import asyncio

from tests.durability.conftest import PATIENCE, World, completed, until
from tests.durability.processes import DIES_IN, Worker, workers


async def test_a_step_that_kills_its_process_ends_as_an_incident(world: World, database_url: str) -> None:
    """After five deaths; a supervisor starts the worker again and again, and what else there is gets done."""
    poison = await world.engine.start_workflow("poison")
    innocent = [await world.engine.start_workflow("chain") for _ in range(20)]
    deaths = 0
    worker = Worker(database_url, world.journal, environment={DIES_IN: "poison!"})
    try:
        async with asyncio.timeout(PATIENCE):
            while not (failed := await world.engine.get_instance(poison.id)).failures:
                if not worker.is_alive:
                    deaths += worker.was_killed
                    worker = Worker(database_url, world.journal, environment={DIES_IN: "poison!"})
                await asyncio.sleep(0.02)
        for instance in innocent:
            assert (await world.ended(instance.id)).status == "completed"
    finally:
        worker.kill()
    assert (failed.status, deaths) == ("failed", 5)
    ((step, failure),) = failed.failures
    assert (step, failure.error_type) == ("poison", "StepLostError")
    assert "5 times in a row" in failure.message
    for record in await world.histories(each.id for each in innocent):
        assert set(completed(record).values()) == {1}
    (record,) = await world.histories([poison.id])
    assert [each.status for each in record.step_executions] == ["lost"] * 4 + ["failed"]

    # Once the step is mended somebody asks for another try, and it is no worse than any other.
    await world.engine.retry_workflow(poison.id)
    with workers(Worker(database_url, world.journal)):
        assert (await world.ended(poison.id)).status == "completed"


async def test_a_step_may_survive_fewer_deaths(world: World, database_url: str) -> None:
    """Two deaths of five are forgiven once it is done."""
    instance = await world.engine.start_workflow("chain")
    for attempt in (1, 2):
        victim = Worker(database_url, world.journal, environment={DIES_IN: "three!"})
        with workers(victim):
            await until(lambda: not victim.is_alive)  # noqa: B023 - it is this one
            assert world.begun()[str(instance.id), "three"] == attempt
    with workers(Worker(database_url, world.journal)):
        assert (await world.ended(instance.id)).status == "completed"
