"""What the tests that kill share: the outside world of the workflows, and what must hold in the end."""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from tests.durability import app
from workflows_core import events as ev
from workflows_core.engine import ExecutionEngine, Record
from workflows_core.errors import WorkflowError
from workflows_core.instance import Instance
from workflows_core.messages import WEBHOOK, sealed
from workflows_core.ports import InstanceQuery
from workflows_core.registry import WorkflowRegistry
from workflows_sqla import SqlStorage

SCALE = int(os.environ.get("WORKFLOWS_TEST_SCALE", "1"))
"""How many times as much there is to be done; `make test-deep` asks for more."""

PATIENCE = 120.0
"""Seconds after which a test gives up. Nothing is timed: a machine that is busy is no bug."""


class World:
    """The outside of the workflows: starts them, decides, calls and sends, and looks at them. It runs no steps."""

    def __init__(self, engine: ExecutionEngine, database: AsyncEngine, journal: Path) -> None:
        self.engine = engine
        self.database = database
        self.journal = journal

    async def ended(self, instance_id: UUID) -> Instance:
        """See an instance through to its end, doing everything it waits for outside."""
        async with asyncio.timeout(PATIENCE), self.engine.watch(instance_id) as watch:
            while True:
                await watch.begin()
                instance = await self.engine.get_instance(instance_id)
                if instance.completed_at is not None or instance.failures:
                    return instance
                if not await self._does_something(instance):
                    await watch.changed(0.1)

    async def _does_something(self, instance: Instance) -> bool:
        try:
            for task in instance.tasks.values():
                await self.engine.complete_task(task.id, {}, outcome="yes", user_id="ann")
                return True
            for token in instance.tokens.values():
                if token.awaits is not None and token.awaits.name == WEBHOOK:
                    callbacks = self.callbacks(instance.id)
                    await self.engine.deliver_callback(callbacks[token.awaits.correlation_key], "called")
                    return True
        except WorkflowError:  # somebody else was faster, or the database is away
            return False
        return False

    async def all_ended(self, count: int) -> list[UUID]:
        """Wait until so many instances have completed."""
        async with asyncio.timeout(PATIENCE * SCALE):
            while True:
                try:
                    found = await self.engine.find_instances(InstanceQuery())
                except WorkflowError:
                    found = []
                if sum(each.completed_at is not None for each in found) >= count:
                    return [each.id for each in found]
                await asyncio.sleep(0.1)

    # What is left behind

    def begun(self) -> Counter[tuple[str, str]]:
        """How often each step of each instance was begun, as the steps themselves noted."""
        return Counter((words[1], words[2]) for words in self._lines() if words[0] == "began")

    def callbacks(self, instance_id: UUID) -> dict[str, str]:
        """Where the webhook step of an instance said one may call, by what is stored of it."""
        told = (words for words in self._lines() if words[0] == "callback")
        return {sealed(words[2]): words[2] for words in told if words[1] == str(instance_id)}

    def _lines(self) -> Iterable[list[str]]:
        text_ = self.journal.read_text(encoding="utf-8") if self.journal.exists() else ""
        return [line.split() for line in text_.splitlines()]

    def log(self) -> str:
        """What the workers logged."""
        path = self.journal.with_suffix(".log")
        return path.read_text(encoding="utf-8") if path.exists() else ""

    async def ledger(self) -> Counter[str]:
        """How often each transactional step wrote its row."""
        async with self.database.connect() as connection:
            return Counter((await connection.execute(text("SELECT entry FROM ledger"))).scalars())

    async def lease_end(self, runner: str) -> object:
        """Until when a runner is believed alive; as the database has it."""
        asked = text("SELECT lease_until FROM workflow_runners WHERE id = :id")
        async with self.database.connect() as connection:
            return (await connection.execute(asked, {"id": runner})).scalar_one()

    async def histories(self, instance_ids: Iterable[UUID]) -> list[Record]:
        return [await self.engine.get_record(instance_id) for instance_id in instance_ids]


def completed(record: Record) -> Counter[str]:
    """How often each step of an instance was completed, as its history has it."""
    steps: dict[int, str] = {}
    done: Counter[str] = Counter()
    for entry in record.entries:
        for event in entry.events:
            match event:
                case ev.InstanceStarted() | ev.JoinFired():
                    steps[event.entry.token] = event.entry.step
                case ev.StepLeft():
                    steps |= {each.token: each.step for each in event.entries}
                case ev.StepCompleted():
                    done[steps[event.token]] += 1
    return done


def lost(record: Record) -> int:
    """How many executions of an instance were lost."""
    return sum(isinstance(event, ev.StepLost) for entry in record.entries for event in entry.events)


@asynccontextmanager
async def world_on(url: str, journal: Path) -> AsyncIterator[World]:
    named = {"server_settings": {"application_name": "world"}} if url.startswith("postgresql") else {}
    database = create_async_engine(url, connect_args=named)
    registry = WorkflowRegistry()
    for definition in (
        app.EVERYTHING,
        app.CHAIN,
        app.SHORT,
        app.PAUSED,
        app.PAUSED_TRANSACTION,
        app.TIMER,
        app.POISON,
    ):
        registry.register(definition)
    async with database.begin() as connection:
        await connection.execute(text("CREATE TABLE IF NOT EXISTS ledger (entry TEXT)"))
    try:
        async with ExecutionEngine(registry, SqlStorage(database), runs_steps=False) as engine:
            yield World(engine, database, journal)
    finally:
        await database.dispose()


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """The outside of workflows on a prepared database of each kind."""
    async with world_on(database_url, tmp_path / "journal") as world:
        yield world


async def until(holds: Callable[[], bool]) -> None:
    """Wait for a condition in another process."""
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - nobody here could set an event
            await asyncio.sleep(0.01)
