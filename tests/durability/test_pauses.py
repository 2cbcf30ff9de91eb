"""A worker that was paused for longer than its lease finds out that it lost its steps, and commits nothing."""

import signal

import pytest

from tests.durability.conftest import World, completed, lost, until
from tests.durability.processes import Worker, workers

LEASE = ("--lease", "0.6")


# Who sleeps in a transaction holds SQLite's write lock: nobody could take over there.
@pytest.mark.parametrize(
    ("database_url", "workflow"),
    [("sqlite", "paused"), ("postgres", "paused"), ("postgres", "paused_transaction")],
    indirect=["database_url"],
)
async def test_a_paused_worker_cannot_commit(world: World, database_url: str, workflow: str) -> None:
    """The step is executed elsewhere when its lease has ended; what the sleeper did meanwhile counts for nothing."""
    instance = await world.engine.start_workflow(workflow)
    sleeper = Worker(database_url, world.journal, *LEASE)
    with workers(sleeper):
        await until(lambda: world.begun()[str(instance.id), "wait"] == 1)
        sleeper.signal(signal.SIGSTOP)
        heir = Worker(database_url, world.journal, *LEASE)
        with workers(heir):
            await until(lambda: world.begun()[str(instance.id), "wait"] == 2)
            world.journal.with_suffix(".go").touch()
            ended = await world.ended(instance.id)
            assert ended.status == "completed"

            sleeper.signal(signal.SIGCONT)
            await until(lambda: "lost its lease" in world.log())
            another = await world.engine.start_workflow("short")  # both work on
            assert (await world.ended(another.id)).status == "completed"
            assert sleeper.is_alive
    (record,) = await world.histories([instance.id])
    assert record.instance == ended
    assert completed(record) == {"wait": 1, "after": 1}
    assert ended.data == {"wait": 1 + lost(record), "after": 1}
    if workflow == "paused_transaction":
        assert await world.ledger() == {f"{instance.id}:1": 1}


async def test_a_slow_step_is_not_lost_while_its_worker_lives(world: World, database_url: str) -> None:
    """However much longer than the lease it takes, and however many others look for work."""
    lease = ("--lease", "3")
    instance = await world.engine.start_workflow("paused")
    with workers(*(Worker(database_url, world.journal, *lease) for _ in range(2))):
        await until(lambda: world.begun()[str(instance.id), "wait"] == 1)
        await until(lambda: world.log().count("serves") == 2)
        alive = await world.engine.storage.runners()
        due = [await world.lease_end(runner) for runner in alive]
        for runner, before in zip(alive, due, strict=True):
            while await world.lease_end(runner) == before:  # until it has been renewed
                await world.engine.changed(instance.id, 0.1)
        assert await world.engine.storage.runners() == alive
        world.journal.with_suffix(".go").touch()
        ended = await world.ended(instance.id)
    assert ended.data == {"wait": 1, "after": 1}
