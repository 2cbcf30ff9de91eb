"""The crash matrix: a worker is killed at every commit and in every step, and the end is the same.

`SIGKILL` leaves a process no moment to do anything. Another worker takes over at once, without waiting for a lease.
"""

import asyncio
from itertools import count
from typing import Final

import pytest

from tests.durability.conftest import PATIENCE, World, completed, lost
from tests.durability.processes import DIES_AT, DIES_IN, Worker, workers
from workflows_core.instance import Instance

EXECUTED: Final = ("begin", "pay", "flaky", "left", "right", "joined", "last")
"""The steps that a runner executes, in order."""

END: Final = {
    "key": "k", "fails_once": True, "begin": 1, "pay": 1, "flaky": 1, "left": 1, "right": 1, "joined": 1, "last": 1,
    "paid": 12.5, "called": "called",
}  # fmt: skip


async def started(world: World) -> Instance:
    """Begin an instance whose message is there already, and whose steps wait for a worker."""
    instance = await world.engine.start_workflow("everything", {"key": "k", "fails_once": True})
    await world.engine.publish_message("paid", instance_id=instance.id, payload=12.5)
    return instance


async def check(world: World, ended: Instance, *, crashed: bool) -> None:
    """Every completed step ran once, an interrupted one at most once more, and its rows are there once."""
    assert (ended.status, ended.data) == ("completed", END)
    (record,) = await world.histories([ended.id])
    assert completed(record) == dict.fromkeys(EXECUTED, 1)
    begun = {step: times for (id_, step), times in world.begun().items() if id_ == str(ended.id)}
    again = {step: times - 1 for step, times in begun.items() if step != "flaky"} | {
        "flaky": begun["flaky"] - 2
    }
    assert set(again.values()) <= {0, 1}
    assert sum(again.values()) <= min(lost(record), 2) <= 2 * crashed  # two steps run at the same time
    assert (await world.ledger())[f"{ended.id}:2"] == 1


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_worker_dies_at_every_commit(world: World, database_url: str, moment: str) -> None:
    """Just before it, or just after; as often as it takes until there are no more commits to die at."""
    for number in count(1):
        instance = await started(world)
        victim = Worker(
            database_url, world.journal, "--concurrency", "10", environment={DIES_AT: f"{moment} {number}"}
        )
        with workers(victim):
            heir = Worker(database_url, world.journal) if await died(world, victim, instance) else None
            with workers(*([heir] if heir else [])):
                ended = await world.ended(instance.id)
        await check(world, ended, crashed=heir is not None)
        if heir is None:
            break
    assert number > 12  # a commit for each step, and some to enlist and to claim


@pytest.mark.parametrize("step", EXECUTED)
async def test_a_worker_dies_in_every_step(world: World, database_url: str, step: str) -> None:
    """A step that was interrupted is executed again; a transactional one has left nothing."""
    instance = await started(world)
    victim = Worker(database_url, world.journal, environment={DIES_IN: step})
    with workers(victim):
        assert await died(world, victim, instance)
        heir = Worker(database_url, world.journal, environment={DIES_IN: step})  # its steps die once
        with workers(heir):
            ended = await world.ended(instance.id)
    await check(world, ended, crashed=True)
    assert world.begun()[str(instance.id), step] == (3 if step == "flaky" else 2)


async def died(world: World, victim: Worker, instance: Instance) -> bool:
    """See an instance through until its worker is dead, or it has ended."""
    seeing = asyncio.create_task(world.ended(instance.id))
    async with asyncio.timeout(PATIENCE):
        while victim.is_alive and not seeing.done():  # noqa: ASYNC110 - nobody here could set an event
            await asyncio.sleep(0.01)
    is_dead = not victim.is_alive
    seeing.cancel()
    await asyncio.gather(seeing, return_exceptions=True)
    assert not is_dead or victim.was_killed, world.log()
    return is_dead
