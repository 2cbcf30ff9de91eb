"""Time that passes while nobody is there, and moments that come for many at once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.durability.conftest import SCALE, World, until
from tests.durability.processes import Worker, workers
from workflows_core import events as ev
from workflows_core.engine import Record

TIMERS = 1000 * SCALE


def fired(record: Record) -> int:
    return sum(isinstance(event, ev.TimerFired) for entry in record.entries for event in entry.events)


async def test_a_timer_that_fell_due_while_everything_was_down_fires_once(
    world: World, database_url: str
) -> None:
    due = datetime.now(UTC) + timedelta(milliseconds=50)
    instance = await world.engine.start_workflow("timer", {"at": due.isoformat()})
    await until(lambda: datetime.now(UTC) > due)
    with workers(*(Worker(database_url, world.journal) for _ in range(3))):
        ended = await world.ended(instance.id)
    assert ended.data["after"] == 1
    (record,) = await world.histories([instance.id])
    assert fired(record) == 1
    assert world.begun() == {(str(instance.id), "after"): 1}


async def test_a_timer_fires_though_its_worker_dies(world: World, database_url: str) -> None:
    """The wait is in the database: whoever lives when the moment comes goes on."""
    due = datetime.now(UTC) + timedelta(seconds=1)
    instance = await world.engine.start_workflow("timer", {"at": due.isoformat()})
    first = Worker(database_url, world.journal)
    with workers(first):
        await until(lambda: "serves" in world.log())
        first.kill()
    with workers(Worker(database_url, world.journal)):
        ended = await world.ended(instance.id)
    assert ended.completed_at is not None
    assert ended.completed_at >= due


async def test_many_timers_of_one_second(world: World, database_url: str) -> None:
    """They drain, each fires once, and nobody opens more connections than the pool has, and one beside it."""
    due = datetime.now(UTC) + timedelta(seconds=1)

    async def start(count: int) -> None:
        for _ in range(count):
            await world.engine.start_workflow("timer", {"at": due.isoformat()})

    await asyncio.gather(*(start(TIMERS // 4) for _ in range(4)))
    running = [Worker(database_url, world.journal) for _ in range(2)]
    async with counted_connections(database_url) as counts:
        with workers(*running):
            ids = await world.all_ended(TIMERS)
    assert Counter(map(fired, await world.histories(ids))) == {1: TIMERS}
    begun = world.begun()
    assert len(begun) == TIMERS
    assert set(begun.values()) == {1}
    assert max(counts, default=0) <= len(running) * (5 + 10 + 1)


@asynccontextmanager
async def counted_connections(url: str) -> AsyncIterator[list[int]]:
    """Count the connections of workers to PostgreSQL, again and again; those of the test have another name."""
    counts: list[int] = []
    counting = asyncio.create_task(_count(url, counts))
    try:
        yield counts
    finally:
        counting.cancel()
        await asyncio.gather(counting, return_exceptions=True)


async def _count(url: str, counts: list[int]) -> None:
    if not url.startswith("postgresql"):
        return
    question = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name <> 'world' AND backend_type = 'client backend'"
    )
    named = {"server_settings": {"application_name": "world"}}
    engine = create_async_engine(url, connect_args=named, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            while True:
                counts.append((await connection.execute(question)).scalar_one())
                await asyncio.sleep(0.02)
    finally:
        await engine.dispose()
