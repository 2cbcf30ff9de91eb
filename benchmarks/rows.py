"""The rows of the table: one function for each, which measures and says what it found."""

from __future__ import annotations

import asyncio
import math
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from random import Random
from statistics import median, quantiles
from string import ascii_letters, digits
from time import perf_counter, time
from typing import Final, TypeAlias

from attrs import field, frozen

from benchmarks import floors
from benchmarks.candidates import Host, NoticingMemory, Time, approval, chain, fork, host, lagging
from benchmarks.databases import Database, Server
from benchmarks.floors import Job
from benchmarks.million import fill
from benchmarks.worker import stamped


@frozen
class Effort:
    """How hard to look.

    Attributes:
        rounds: How often floor and candidate are run in turn; the median counts.
        instances: How many instances a round has for each that runs at once.
    """

    rounds: int
    instances: int


@frozen
class Figure:
    """Something that was measured.

    Attributes:
        job: What was done.
        what: What was counted.
        values: One for each round.
        bar: What must hold.
        goal: What would be the state of the art.
        at_most: Whether bar and goal are upper limits.
    """

    job: str
    what: str
    values: Sequence[float]
    bar: float
    goal: float | None = None
    at_most: bool = field(default=False, kw_only=True)

    @property
    def value(self) -> float:
        """The median of the rounds."""
        return median(self.values)

    def meets(self, limit: float | None) -> bool:
        """Say whether a limit is kept."""
        if limit is None:
            return True
        return self.value <= limit if self.at_most else self.value >= limit


Row: TypeAlias = Callable[[Server, Effort], Awaitable[list[Figure]]]
ROWS: Final[dict[str, Row]] = {}


def row(name: str) -> Callable[[Row], Row]:
    """Register a row under the name by which it is chosen."""

    def register(function: Row) -> Row:
        ROWS[name] = function
        return function

    return register


async def _against_postgres(
    database: Database, effort: Effort, at_once: int, candidate: Callable[[int], Awaitable[float]], job: Job
) -> list[float]:
    """Run floor and candidate in turn; return the rates of the candidate, each in those of the floor before it."""
    connections = database.connections[: min(at_once, 16)]
    count = effort.instances * at_once
    await candidate(max(4, at_once))
    ratios = []
    for _ in range(effort.rounds):
        floor = await floors.postgres(connections, Job(count, job.steps))
        ratios.append(floor / await candidate(count))
    return ratios


# Ten machine steps on PostgreSQL


@row("counts")
async def counts(server: Server, effort: Effort) -> list[Figure]:
    """Count what one instance after the other costs."""
    definition, count, name = chain(), effort.instances * 4, "ten machine steps, PostgreSQL, one at a time"
    commits, statements, trips, written = [], [], [], []
    async with server.database(counts=True) as database:
        await database.host.run(definition, 10, 1)
        await floors.postgres(database.connections[:1], Job(10))
        for _ in range(effort.rounds):
            begun = await database.position()
            await floors.postgres(database.connections[:1], Job(count))
            floor = await database.written_since(begun)
            database.tally.clear()
            begun = await database.position()
            await database.host.run(definition, count, 1)
            written.append(await database.written_since(begun) / floor)
            statements.append(database.tally.statements / count)
            trips.append(database.tally.round_trips / count)
            commits.append(await database.commits_since(begun) / count)
    # Now and then a lease is renewed: that is not the instance's.
    return [
        Figure(name, "commits per instance", [math.floor(each) for each in commits], 11, 11, at_most=True),
        Figure(
            name, "statements per instance", [math.floor(each) for each in statements], 14, 11, at_most=True
        ),
        Figure(name, "round trips per instance", [math.floor(each) for each in trips], 14, 11, at_most=True),
        Figure(name, "log written, to floor", written, 1.4, 1.15, at_most=True),
    ]


@row("postgres-1")
async def postgres_alone(server: Server, effort: Effort) -> list[Figure]:
    """One instance at a time."""
    async with server.database() as database:
        values = await _rates(database, effort, 1)
    return [Figure("ten machine steps, PostgreSQL, one at a time", "rate to floor", values, 0.35, 0.5)]


@row("postgres-16")
async def postgres_crowd(server: Server, effort: Effort) -> list[Figure]:
    """Sixteen, and sixty-four at a time; the second is measured against the first, and against the floor at sixteen."""
    name = "ten machine steps, PostgreSQL"
    async with server.database() as database:
        at_16 = await _rates(database, effort, 16)
        at_64 = await _rates(database, effort, 64)
        growth = [median(at_64) / median(at_16)]
    return [
        Figure(f"{name}, 16 at a time", "rate to floor", at_16, 0.5, 1.0),
        Figure(f"{name}, 64 at a time", "rate to its rate at 16", growth, 1.0),
        Figure(f"{name}, 64 at a time", "rate to floor at 16", at_64, 0.5, 1.5),
    ]


async def _rates(database: Database, effort: Effort, at_once: int) -> list[float]:
    definition = chain()

    async def candidate(count: int) -> float:
        return (await database.host.run(definition, count, at_once)).wall

    return await _against_postgres(database, effort, at_once, candidate, Job(0))


# SQLite


@row("sqlite")
async def on_sqlite(server: Server, effort: Effort) -> list[Figure]:
    """One, and sixteen at a time, against a loop of the sqlite3 module."""
    figures = []
    async with server.file() as running:
        for at_once, bar, goal in ((1, 0.12, 0.4), (16, 0.3, 1.0)):
            values = await _against_sqlite(server, running, effort, at_once)
            job = f"ten machine steps, SQLite FULL, {at_once} at a time"
            figures.append(Figure(job, "rate to floor", values, bar, goal))
    return figures


async def _against_sqlite(server: Server, running: Host, effort: Effort, at_once: int) -> list[float]:
    definition, count = chain(), effort.instances * at_once
    await running.run(definition, max(4, at_once), at_once)
    ratios = []
    for _ in range(effort.rounds):
        floor = floors.sqlite(server.folder, Job(count))
        ratios.append(floor / (await running.run(definition, count, at_once)).wall)
    return ratios


# People


@row("approval")
async def approved(server: Server, effort: Effort) -> list[Figure]:
    """Start, task, complete, end: four writes, and four of the floor."""
    definition, name = approval(), "approval (start, task, complete, end)"
    async with server.database() as database:

        async def candidate(count: int) -> float:
            return (await database.host.approve(definition, count, 16)).wall

        ratios = await _against_postgres(database, effort, 16, candidate, Job(0, steps=3))
        begun, count = await database.position(), effort.instances * 4
        await database.host.approve(definition, count, 1)
        commits = await database.commits_since(begun) / count
    return [
        Figure(name, "commits per instance", [math.floor(commits)], 4, at_most=True),
        Figure(f"{name}, 16 at a time", "rate to floor", ratios, 0.4, 0.8),
    ]


# Branches


@row("branches")
async def branched(server: Server, effort: Effort) -> list[Figure]:
    """A hundred branches and a join, against as many steps of the floor at sixteen; and a thousand."""
    async with server.database() as database:
        ratios = []
        for _ in range(effort.rounds):
            floor = await floors.postgres(database.connections, Job(16 * 2, steps=50))
            seconds = await _forked(database.host, 100)
            ratios.append(floor / (16 * 2 * 51) * 102 / seconds)
        hundred = [await _forked(database.host, 100) for _ in range(effort.rounds)]
        thousand = [await _forked(database.host, 1000) for _ in range(effort.rounds)]
    growth = [median(thousand) / median(hundred)]
    return [
        Figure("100 branches and a join", "rate of steps to floor at 16", ratios, 0.5, 1.0),
        Figure("1,000 branches and a join", "time to that of 100", growth, 11, at_most=True),
    ]


async def _forked(running: Host, branches: int) -> float:
    begun = perf_counter()
    instance = await running.engine.start_workflow(fork(branches))
    await running.notices.ended(instance.id)
    seconds = perf_counter() - begun
    record = await running.engine.get_record(instance.id)
    executed = [each.step_name for each in record.step_executions]
    assert executed.count("join") == 1
    assert {f"branch_{number}" for number in range(branches)} < set(record.instance.data)
    return seconds


# Bytes


@row("data")
async def large_data(server: Server, effort: Effort) -> list[Figure]:
    """20 kB of data, of which ten steps write 100 bytes each."""
    definition, count = chain(value="x" * 100), effort.instances * 2
    data = _text(20_000)
    ratios = []
    async with server.database() as database:
        for _ in range(effort.rounds + 1):
            begun = await database.position()
            job = Job(count, data=f'{{"text":"{data}"}}', patch="x" * 100)
            await floors.postgres(database.connections[:1], job)
            floor = await database.written_since(begun)
            begun = await database.position()
            for _ in range(count):
                instance = await database.host.engine.start_workflow(definition, {"text": data})
                await database.host.notices.ended(instance.id)
            ratios.append(await database.written_since(begun) / floor)
    job_name = "20 kB of data, ten steps writing 100 bytes each"
    return [Figure(job_name, "log written, to append-only floor", ratios[1:], 2.0, 1.2, at_most=True)]


def _text(length: int) -> str:
    """Return text that does not compress."""
    return "".join(Random(length).choices(ascii_letters + digits, k=length))


@row("size")
async def stored_size(server: Server, effort: Effort) -> list[Figure]:
    """What stays of an instance that has ended."""
    count = effort.instances * 16
    sizes: dict[int, float] = {}
    ratios = []
    for steps in (10, 100):
        async with server.database() as database:
            empty = await database.live_bytes("workflow_"), await database.live_bytes("floor_")
            await database.host.run(chain(steps), count, 16)
            await floors.postgres(database.connections, Job(count, steps))
            ours = await database.live_bytes("workflow_") - empty[0]
            theirs = await database.live_bytes("floor_") - empty[1]
        sizes[steps] = ours / count
        ratios.append(ours / theirs)
    return [
        Figure(
            "live bytes per finished instance", "to floor, ten steps", ratios[:1], 1.6, 1.25, at_most=True
        ),
        Figure(
            "live bytes per finished instance",
            "100 steps to ten",
            [sizes[100] / sizes[10]],
            10.5,
            at_most=True,
        ),
    ]


# Memory


@row("memory")
async def in_memory(_: Server, effort: Effort) -> list[Figure]:
    """Without a database: what the machine and the runner cost. Measured in time of the processor."""
    definition, count = chain(), effort.instances * 16
    rates, ratios = [], []
    running = host(NoticingMemory())
    async with running.engine:
        await running.run(definition, 64, 64)
        for _ in range(effort.rounds):
            floor = floors.state_machine(Job(count))
            seconds = (await running.run(definition, count, 64)).cpu
            rates.append(count * 10 / seconds)
            ratios.append(floor / seconds)
    return [
        Figure(
            "ten machine steps, in memory, one core",
            "thousand steps a second",
            [each / 1000 for each in rates],
            30,
        ),
        Figure("ten machine steps, in memory, one core", "rate to the package transitions", ratios, 0.6, 1.0),
    ]


# Latency


@row("latency")
async def latency(server: Server, effort: Effort) -> list[Figure]:
    """From the commit of a step to the start of the next, in this process and in another."""
    name, count = "from commit to the start of the next step", effort.instances * 4
    within, across = [], []
    async with server.database() as database:
        lags: list[float] = []
        definition = lagging(database.host.notices, lags)
        for _ in range(effort.rounds):
            lags.clear()
            await database.host.run(definition, count, 1)
            within.append(_p99(lags))
    async with server.database(runs_steps=False) as database, _worker(database.url):
        await _handed_over(database.host)
        for _ in range(effort.rounds):
            handed_over = [await _handed_over(database.host) for _ in range(count)]
            across.append(_p99(handed_over))
    return [
        Figure(name, "in process, p99 in ms", within, 10, at_most=True),
        Figure(name, "across processes, PostgreSQL, p99 in ms", across, 25, at_most=True),
    ]


def _p99(seconds: list[float]) -> float:
    return quantiles(seconds, n=100)[-1] * 1000


async def _handed_over(running: Host) -> float:
    """Start an instance; return how long after that another process began its step."""
    instance = await running.engine.start_workflow(stamped())
    committed = time()
    ended = await running.engine.wait(instance.id)
    began = ended.data["stamp"]
    assert isinstance(began, float)
    return began - committed


@asynccontextmanager
async def _worker(url: str) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.worker", url, stdin=PIPE, stdout=PIPE
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        await process.stdout.readline()
        yield
    finally:
        process.stdin.close()
        await process.wait()


# A million instances


@row("million")
async def million(server: Server, effort: Effort) -> list[Figure]:
    """With a million finished instances in the tables, against the same without them."""
    figures = []
    async with server.database() as empty, server.database() as full:
        await fill(full.connections[0], empty, 1_000_000)
        jobs: dict[str, Callable[[Host], Awaitable[Time]]] = {
            "ten machine steps, one at a time": lambda at: at.run(chain(), effort.instances, 1),
            "ten machine steps, 16 at a time": lambda at: at.run(chain(), effort.instances * 16, 16),
            "approval, 16 at a time": lambda at: at.approve(approval(), effort.instances * 16, 16),
        }
        for job, work in jobs.items():
            ratios = []
            for _ in range(effort.rounds + 1):
                before = await work(empty.host)
                after = await work(full.host)
                ratios.append(before.wall / after.wall)
            figures.append(
                Figure(f"{job}, PostgreSQL", "rate with a million others to without", ratios[1:], 0.9)
            )
    return figures
