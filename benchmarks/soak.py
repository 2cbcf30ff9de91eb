"""Keep a server busy with people who come and go as they like, and see whether anything is left of them.

    python -m benchmarks.soak                        # ten minutes on PostgreSQL
    python -m benchmarks.soak --minutes 2 --database sqlite

Some work as one should. Some go away before the answer comes, and some in the middle of a stream of events. What the server
holds is printed all the time; it ends with 1 if that has grown between the first half and the end, or if anything is left
when all are gone.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from random import Random
from statistics import median
from time import monotonic
from typing import Final

import asyncpg
import msgspec
import uvloop
from attrs import asdict, fields, frozen
from sqlalchemy import make_url

from benchmarks.clients import Client
from benchmarks.databases import serving
from benchmarks.served import Served, served

SAMPLES: Final = 40
HEAD: Final = "| seconds | MiB resident | objects | tasks | files | connections to PostgreSQL | requests |\n| --- | --- | --- | --- | --- | --- | --- |"
PATIENCE: Final = 40
"""Seconds after which nothing may be left of those who are gone: a stream notices within a heartbeat."""
PEOPLE: Final = 6
"""How many there are of each kind."""


@frozen
class Sample:
    """What a server holds at a moment."""

    seconds: float
    memory: float
    objects: int
    tasks: int
    files: int
    connections: int
    requests: int

    def __str__(self) -> str:
        cells = (
            f"{value:.1f}" if isinstance(value, float) else f"{value:,}" for value in asdict(self).values()
        )
        return f"| {' | '.join(cells)} |"


LIMITS: Final = {"memory": 1.05, "objects": 1.05, "tasks": 1.25, "files": 1.25, "connections": 1.0}
"""How much each may be at the end, as a multiple of what it was in the first half after the warm-up."""


class Crowd:
    """People with all kinds of manners.

    Attributes:
        requests: How often they have asked for something.
    """

    def __init__(self, port: int, until: float) -> None:
        self.requests = 0
        self._port = port
        self._until = until

    async def all(self) -> None:
        """Come and go until it is time."""
        kinds: Sequence[Callable[[Client, Random], Awaitable[None]]] = (self.works, self.leaves, self.follows)
        async with asyncio.TaskGroup() as group:
            for kind in kinds:
                for number in range(PEOPLE):
                    group.create_task(self._comes(kind, number))

    async def _comes(self, kind: Callable[[Client, Random], Awaitable[None]], number: int) -> None:
        chance = Random(number)
        while monotonic() < self._until:
            client = await Client.connect(self._port, f"{kind.__name__}-{number}")
            try:
                await kind(client, chance)
            except (ConnectionError, asyncio.IncompleteReadError):
                pass  # the server, too, may close a connection
            finally:
                client.close()

    async def works(self, client: Client, chance: Random) -> None:
        """Start something, and do what waits."""
        for _ in range(chance.randrange(1, 10)):
            await client.start(chance.choice(("leave", "journey")))
            if (task := await client.look()) is not None:
                await client.decide(task)
            self.requests += 3

    async def leaves(self, client: Client, chance: Random) -> None:
        """Start something, or look, or decide, and go away before the answer comes."""
        task = await client.look()
        asked = [client.starting(chance.choice(("leave", "journey"))), client.looking()]
        client.send(*chance.choice([*asked, client.looking() if task is None else client.deciding(task)]))
        await asyncio.sleep(chance.choice((0, 0.001, 0.01, 0.1)))
        self.requests += 2

    async def follows(self, client: Client, chance: Random) -> None:
        """Follow what happens, and go away in the middle."""
        client.send("GET", "/workflows/events")
        for _ in range(chance.randrange(5)):
            with suppress(TimeoutError):
                await asyncio.wait_for(client.receive(), 1)
        self.requests += 1
        await asyncio.sleep(chance.random())


@frozen
class Watcher:
    """Looks at a server from outside."""

    server: Served
    client: Client
    database: asyncpg.Connection | None
    begun: float

    async def look(self, requests: int) -> Sample:
        process = Path(f"/proc/{self.server.process}")
        gauges = msgspec.json.decode(await self.client.ask("gauges", "GET", "/gauges"))
        resident = int((process / "statm").read_text().split()[1]) * 4096
        return Sample(
            seconds=monotonic() - self.begun,
            memory=resident / 2**20,
            objects=gauges["objects"],
            tasks=gauges["tasks"],
            files=len([*(process / "fd").iterdir()]),
            connections=await self._connections(),
            requests=requests,
        )

    async def _connections(self) -> int:
        if self.database is None:
            return 0
        question = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        found: int = await self.database.fetchval(question)
        return found


@asynccontextmanager
async def watched(server: Served, url: str) -> AsyncIterator[Watcher]:
    """Look at a server, on connections of one's own."""
    database = None
    if url.startswith("postgresql"):
        dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        database = await asyncpg.connect(dsn)
    client = await Client.connect(server.port, "watcher")
    try:
        yield Watcher(server, client, database, monotonic())
    finally:
        client.close()
        if database is not None:
            await database.close()


def grown(samples: Sequence[Sample], left: Sample) -> list[str]:
    """Say what has grown: from the first half, after a warm-up, to the end, and over what there was before any came."""
    first, *later = samples
    tenth = len(later) // 10
    early, late = later[2 * tenth : 5 * tenth], later[-2 * tenth :]
    complaints = []
    for each in fields(Sample):
        if (limit := LIMITS.get(each.name)) is None:
            continue
        before, after = (median(getattr(sample, each.name) for sample in some) for some in (early, late))
        if after > before * limit + 1:
            complaints.append(f"{each.name} grew from {before:,.1f} to {after:,.1f}")
    if left.tasks > first.tasks:
        complaints.append(f"{left.tasks} tasks are left where {first.tasks} were before anybody came")
    return complaints


async def settled(watcher: Watcher, before: Sample, requests: int) -> Sample:
    """Wait until what was begun for the crowd has ended, for a while at most."""
    for _ in range(PATIENCE):
        left = await watcher.look(requests)
        if left.tasks <= before.tasks:
            break
        await asyncio.sleep(1)
    return left


async def soak(url: str, minutes: float) -> list[str]:
    """Keep a server on a database busy for so long, and return what has grown."""
    async with served("with_small_caches", url) as server, watched(server, url) as watcher:
        print(HEAD)
        samples = [await watcher.look(0)]
        print(samples[0], flush=True)
        crowd = Crowd(server.port, watcher.begun + minutes * 60)
        work = asyncio.create_task(crowd.all())
        while not work.done():
            await asyncio.wait([work], timeout=minutes * 60 / SAMPLES)
            if work.done():
                work.result()
            samples.append(await watcher.look(crowd.requests))
            print(samples[-1], flush=True)
        left = await settled(watcher, samples[0], crowd.requests)
        print(left, flush=True)
    return grown(samples, left)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.soak", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--minutes", type=float, default=10, help="for how long")
    parser.add_argument("--database", choices=("postgresql", "sqlite"), default="postgresql", help="on which")
    return parser.parse_args()


async def main() -> int:
    chosen = arguments()
    if chosen.database == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            complaints = await soak(f"sqlite+aiosqlite:///{folder}/workflows.db", chosen.minutes)
    else:
        with serving() as server:
            complaints = await soak(server.postgres.create_database(), chosen.minutes)
    print("\n".join(complaints) or "All is flat.")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(uvloop.run(main()))
