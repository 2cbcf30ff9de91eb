"""Engines that commands work with: on a database, and for as long as one command takes."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

import click

from workflows_cli.printing import note
from workflows_core.engine import ExecutionEngine
from workflows_core.errors import DefinitionNotFoundError, StorageError
from workflows_core.explanation import InstanceExplanation, explain_instance
from workflows_core.hosting import open_storage
from workflows_core.registry import WorkflowRegistry

if TYPE_CHECKING:
    from workflows_core.instance import Instance
    from workflows_core.ports import Storage

T = TypeVar("T")


def opened(database_url: str) -> Storage:
    """Open the storage that a command was told to use.

    Raises:
        click.BadParameter: If no installed adapter knows it.
    """
    try:
        return open_storage(database_url)
    except StorageError as error:
        raise click.BadParameter(str(error), param_hint="--database-url") from error


@asynccontextmanager
async def engine_on(
    database_url: str, registry: WorkflowRegistry | None = None
) -> AsyncIterator[ExecutionEngine]:
    """Work with a database. Machine steps are left to those who serve it; without a registry nothing can be changed."""
    storage = opened(database_url)
    async with ExecutionEngine(registry or WorkflowRegistry(), storage, runs_steps=False) as engine:
        yield engine


def with_engine(
    work: Callable[[ExecutionEngine], Awaitable[T]],
    database_url: str,
    registry: WorkflowRegistry | None = None,
) -> T:
    """Do something with an engine on a database, and return what came of it."""

    async def run() -> T:
        async with engine_on(database_url, registry) as engine:
            return await work(engine)

    return asyncio.run(run())


async def rested(engine: ExecutionEngine, instance: Instance, seconds: float) -> Instance:
    """Return an instance when nothing moves it but people, messages or time; as it is after so many seconds."""
    if not seconds or instance.is_resting:
        return instance
    if sys.stderr.isatty():
        note(f"Waiting until it rests, at most {seconds:g} seconds …")
    try:
        return await engine.wait(instance.id, timeout=seconds)
    except TimeoutError:
        return await engine.get_instance(instance.id)


async def explained(engine: ExecutionEngine, instance: Instance) -> InstanceExplanation:
    """Explain an instance to people who look at it from outside: that it cannot run in this process is no news to them."""
    try:
        definition = await engine.get_definition(instance)
    except DefinitionNotFoundError:
        definition = None
    return explain_instance(instance, definition, engine.clock.now(), is_known=True)
