"""Four workers share the work, and are killed one after the other; so is the database."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.databases import prepare
from tests.durability.app import CHAIN
from tests.durability.conftest import PATIENCE, SCALE, World, completed, lost, world_on
from tests.durability.processes import Worker, workers
from tests.postgres import PostgresServer
from workflows_core.errors import StorageError
from workflows_core.ports import InstanceQuery
from workflows_core.states import InstanceStatus

INSTANCES = 400 * SCALE
KILLS = 8 * SCALE


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A PostgreSQL of the test's own, which forgets nothing when it is stopped."""
    with PostgresServer(own=True) as server:
        yield server


class Fleet:
    """Four workers, whatever happens to them."""

    def __init__(self, url: str, journal: Path) -> None:
        self._url = url
        self._journal = journal
        self.running = [self._worker() for _ in range(4)]

    def _worker(self) -> Worker:
        return Worker(self._url, self._journal, "--concurrency", "50")

    def lose_one(self) -> None:
        """Kill the oldest, and put another in its place."""
        self.running.pop(0).kill()
        self.running.append(self._worker())

    def supervise(self) -> None:
        """Put others in the place of those that gave up because there was no database when they began."""
        self.running = [each if each.is_alive else self._worker() for each in self.running]


@asynccontextmanager
async def started(world: World, url: str) -> AsyncIterator[Fleet]:
    async def start(numbers: range) -> None:
        for number in numbers:
            await world.engine.start_workflow("chain", {"number": number})

    await asyncio.gather(*(start(range(first, INSTANCES, 4)) for first in range(4)))
    fleet = Fleet(url, world.journal)
    try:
        yield fleet
    finally:
        with workers(*fleet.running):
            pass


async def done(world: World) -> int:
    """How many instances have ended; as far as that can be told at this moment."""
    try:
        found = await world.engine.find_instances(InstanceQuery(status=InstanceStatus.COMPLETED))
    except StorageError:
        return 0
    return len(found)


async def until_done(world: World, fleet: Fleet, part: float) -> None:
    async with asyncio.timeout(PATIENCE * SCALE):
        while await done(world) < INSTANCES * part:
            fleet.supervise()
            await asyncio.sleep(0.05)


async def check(world: World, outages: int = 0) -> None:
    """Every instance ended; every step was committed once, and executed once more at most for each loss.

    A transactional step is executed again, by the same worker, where the database went away with its transaction.
    """
    ids = [each.id for each in await world.engine.find_instances(InstanceQuery())]
    assert len(ids) == INSTANCES
    begun = world.begun()
    for record in await world.histories(ids):
        assert completed(record) == dict.fromkeys(CHAIN.steps, 1)
        again = {step: begun[str(record.instance.id), step] - 1 for step in CHAIN.steps}
        assert sum(again.values()) - min(again["two"], outages) <= lost(record)
    assert await world.ledger() == {f"{id_}:2": 1 for id_ in ids}


async def test_workers_are_killed_one_after_the_other(world: World, database_url: str) -> None:
    async with started(world, database_url) as fleet:
        for kill in range(KILLS):
            await until_done(world, fleet, kill / KILLS)
            fleet.lose_one()
        await until_done(world, fleet, 1)
    await check(world)


async def test_the_database_is_stopped_in_between(server: PostgresServer, tmp_path: Path) -> None:
    """At once, in the middle of what it does; workers die before, meanwhile and after it is back."""
    url = server.create_database(server.template("schema", prepare))
    async with world_on(url, tmp_path / "journal") as world, started(world, url) as fleet:
        outages = 0
        for kill in range(KILLS):
            await until_done(world, fleet, kill / KILLS)
            fleet.lose_one()
            if kill % 4 == 1:
                outages += 1
                await asyncio.to_thread(server.crash)
                fleet.lose_one()
                await asyncio.to_thread(server.recover)
        await until_done(world, fleet, 1)
        await check(world, outages)
