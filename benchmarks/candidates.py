"""The engine at work: the workflows that are measured, and how they are driven."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import pairwise
from time import perf_counter, process_time
from typing import Any
from uuid import UUID

from attrs import frozen

from workflows_core.context import WorkflowContext
from workflows_core.definitions import Edge, WorkflowDefinition
from workflows_core.engine import ExecutionEngine
from workflows_core.memory import MemoryStorage
from workflows_core.ports import Storage
from workflows_core.registry import WorkflowRegistry
from workflows_core.steps import BaseHumanStep, BaseMachineStep, ParallelGateway, Step
from workflows_core.transition import Transition
from workflows_sqla import SqlStorage


class Note(BaseMachineStep):
    """A machine step that writes one value and does nothing else."""

    def __init__(self, name: str, value: object = 1) -> None:
        super().__init__(name)
        self.value = value

    async def execute(self, context: WorkflowContext) -> None:
        context.set(self.name, self.value)


def define(
    name: str, steps: Sequence[Step], edges: Iterable[tuple[str, str]], end: str
) -> WorkflowDefinition:
    return WorkflowDefinition(
        name=name,
        steps={step.name: step for step in steps},
        edges=[Edge(*edge) for edge in edges],
        initial_step=steps[0].name,
        terminal_steps={end},
    )


def chain(length: int = 10, value: object = 1) -> WorkflowDefinition:
    """One machine step after the other."""
    steps = [Note(f"step_{number}", value) for number in range(length)]
    names = [step.name for step in steps]
    return define(f"chain of {length}", steps, pairwise(names), names[-1])


def approval() -> WorkflowDefinition:
    """A machine step, a person, a machine step."""
    steps = [Note("submit"), BaseHumanStep("approve"), Note("pay")]
    return define("approval", steps, [("submit", "approve"), ("approve", "pay")], "pay")


def fork(branches: int) -> WorkflowDefinition:
    """Machine steps side by side, and one that waits for all of them."""
    names = [f"branch_{number}" for number in range(branches)]
    steps = [ParallelGateway("fork", branches=names), *map(Note, names), Note("join")]
    edges = [("fork", name) for name in names] + [(name, "join") for name in names]
    return define(f"fork of {branches}", steps, edges, "join")


class Lagging(Note):
    """A machine step that measures how long ago the step before it was committed."""

    def __init__(self, name: str, notices: Notices, lags: list[float]) -> None:
        super().__init__(name)
        self.notices = notices
        self.lags = lags

    async def execute(self, context: WorkflowContext) -> None:
        assert self.notices.latest is not None
        committed = self.notices.latest.get(context.instance_id)
        if committed is not None:  # the first start of a definition goes another way
            self.lags.append(perf_counter() - committed)
        await super().execute(context)


def lagging(notices: Notices, lags: list[float], length: int = 10) -> WorkflowDefinition:
    """A chain of steps that measure; of the first, the engine committed the start."""
    notices.latest = {}
    steps = [Lagging(f"step_{number}", notices, lags) for number in range(length)]
    names = [step.name for step in steps]
    return define("lagging", steps, pairwise(names), names[-1])


class Notices:
    """Tells when an instance has ended, and when somebody may do its task: as soon as that is durable."""

    def __init__(self) -> None:
        self._ended: dict[UUID, asyncio.Future[None]] = defaultdict(_future)
        self._opened: dict[UUID, asyncio.Future[None]] = defaultdict(_future)
        self.latest: dict[UUID, float] | None = None
        """Instance to the time of its last commit, if somebody wants to know."""

    def take(self, change: Transition) -> None:
        if self.latest is not None:
            self.latest[change.instance.id] = perf_counter()
        assert not change.instance.failures, change.instance.failures
        if change.instance.completed_at is not None:
            _set(self._ended[change.instance.id])
        elif change.tasks:
            _set(self._opened[change.instance.id])

    async def ended(self, instance_id: UUID) -> None:
        await self._ended[instance_id]
        del self._ended[instance_id]

    async def opened(self, instance_id: UUID) -> None:
        await self._opened[instance_id]
        del self._opened[instance_id]


def _future() -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class NoticingMemory(MemoryStorage):
    """The storage in memory, with notices."""

    def __init__(self) -> None:
        super().__init__()
        self.notices = Notices()

    async def flush(self, transitions: Sequence[Transition]) -> frozenset[UUID]:
        lost = await super().flush(transitions)
        for each in transitions:
            self.notices.take(each)
        return lost


class NoticingSql(SqlStorage):
    """The storage in a database, with notices."""

    def __init__(self, engine: Any, **options: Any) -> None:
        super().__init__(engine, **options)
        self.notices = Notices()

    async def flush(self, transitions: Sequence[Transition]) -> frozenset[UUID]:
        lost = await super().flush(transitions)
        for each in transitions:
            self.notices.take(each)
        return lost


@frozen
class Time:
    """How long something took, in seconds: on the clock, and on the processor in this process."""

    wall: float
    cpu: float


@frozen
class Host:
    """A running engine, with notices of what it committed."""

    engine: ExecutionEngine
    notices: Notices

    async def run(self, definition: WorkflowDefinition, count: int, at_once: int) -> Time:
        """Have so many instances run to their end, some of them at once."""

        async def one() -> None:
            instance = await self.engine.start_workflow(definition)
            await self.notices.ended(instance.id)

        return await _repeated(one, count, at_once)

    async def approve(self, definition: WorkflowDefinition, count: int, at_once: int) -> Time:
        """Have so many instances approved."""

        async def one() -> None:
            instance = await self.engine.start_workflow(definition)
            await self.notices.opened(instance.id)
            await self.engine.complete_human_task(instance.id, "approve", "ann", {"approved": True})
            await self.notices.ended(instance.id)

        return await _repeated(one, count, at_once)


async def _repeated(one: Callable[[], Awaitable[None]], count: int, at_once: int) -> Time:
    left = iter(range(count))

    async def work() -> None:
        for _ in left:
            await one()

    wall, cpu = perf_counter(), process_time()
    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(work())
    return Time(perf_counter() - wall, process_time() - cpu)


def host(storage: NoticingMemory | NoticingSql, **options: Any) -> Host:
    """Make an engine on a storage; it begins to run with `async with host.engine`."""
    kept: Storage = storage
    return Host(ExecutionEngine(WorkflowRegistry(), kept, **options), storage.notices)
