"""What operators do to instances."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import TYPE_CHECKING
from uuid import UUID

import click

from workflows_cli.acting import acting_as
from workflows_cli.hosts import explained, with_engine
from workflows_cli.many import Many, on_instances
from workflows_cli.options import app, as_json, database_url, reason
from workflows_cli.telling import tell_instance
from workflows_core.states import INSTANCE_COMMANDS, InstanceStatus

if TYPE_CHECKING:
    from workflows_core.actors import Actor
    from workflows_core.engine import ExecutionEngine
    from workflows_core.explanation import InstanceExplanation
    from workflows_core.instance import Instance
    from workflows_core.registry import WorkflowRegistry


@click.command()
@click.option("--only-step", "step", metavar="NAME", help="Only what has failed at this step.")
@reason("Retried by request")
@on_instances
def retry(*, many: Many, step: str | None, reason: str, actor: Actor) -> None:
    """Let failed instances go on.

    What failed is tried again, what is done is not. Name them, or find them with a filter: of what it finds, those that have failed.
    """

    async def work(engine: ExecutionEngine, instance_id: UUID) -> Instance:
        return await engine.retry_workflow(instance_id, reason, step=step, actor=actor)

    many.operate("retry", {InstanceStatus.FAILED}, work)


@click.command()
@reason("Suspended by request")
@on_instances
def suspend(*, many: Many, reason: str, actor: Actor) -> None:
    """Let nothing new begin in instances.

    They stay as they are until they are resumed; running steps finish. Name them, or find them with a filter.
    """

    async def work(engine: ExecutionEngine, instance_id: UUID) -> Instance:
        return await engine.suspend_workflow(instance_id, reason, actor=actor)

    many.operate("suspend", _allowing("suspend"), work)


@click.command()
@reason("Resumed by request")
@on_instances
def resume(*, many: Many, reason: str, actor: Actor) -> None:
    """Let suspended instances go on.

    What fell due in the meantime is due now. Name them, or find them with a filter.
    """

    async def work(engine: ExecutionEngine, instance_id: UUID) -> Instance:
        return await engine.resume_workflow(instance_id, reason, actor=actor)

    many.operate("resume", _allowing("resume"), work)


@click.command()
@reason("Canceled by request")
@on_instances
def cancel(*, many: Many, reason: str, actor: Actor) -> None:
    """End instances.

    Open tasks are canceled, running steps are told to stop. Name them, or find them with a filter.
    """

    async def work(engine: ExecutionEngine, instance_id: UUID) -> Instance:
        return await engine.cancel_workflow(instance_id, reason, actor=actor)

    many.operate("cancel", _allowing("cancel"), work)


def _allowing(command: str) -> Collection[InstanceStatus]:
    return {status for status, commands in INSTANCE_COMMANDS.items() if command in commands}


@click.command()
@click.argument("instance_id", type=click.UUID, metavar="ID")
@click.argument("step")
@click.option("--outcome", metavar="NAME", help="The outcome to go on with, where the step has named ones.")
@reason()
@acting_as
@database_url
@app
@as_json
def skip(
    *,
    instance_id: UUID,
    step: str,
    outcome: str | None,
    reason: str,
    actor: Actor,
    database_url: str,
    registry: WorkflowRegistry,
    as_json: bool,
) -> None:
    """Go past a STEP of an instance.

    It goes on as if the step were done; its task is canceled, its execution told to stop.
    """

    async def work(engine: ExecutionEngine) -> Instance:
        return await engine.skip_step(instance_id, step, reason, outcome=outcome, actor=actor)

    _tell(work, database_url, registry, as_json=as_json)


@click.command()
@click.argument("instance_id", type=click.UUID, metavar="ID")
@click.argument("target", metavar="STEP")
@click.option(
    "--from",
    "source",
    metavar="STEP",
    help="Give up only what is at this step; everything that goes on by default.",
)
@reason()
@acting_as
@database_url
@app
@as_json
def move(
    *,
    instance_id: UUID,
    target: str,
    source: str | None,
    reason: str,
    actor: Actor,
    database_url: str,
    registry: WorkflowRegistry,
    as_json: bool,
) -> None:
    """Let an instance go on at another STEP.

    An earlier or a later one; the data stays as it is.
    """

    async def work(engine: ExecutionEngine) -> Instance:
        return await engine.move_workflow(instance_id, target, reason, source=source, actor=actor)

    _tell(work, database_url, registry, as_json=as_json)


def _tell(
    work: Callable[[ExecutionEngine], Awaitable[Instance]],
    database_url: str,
    registry: WorkflowRegistry,
    *,
    as_json: bool,
) -> None:
    async def run(engine: ExecutionEngine) -> tuple[Instance, InstanceExplanation]:
        instance = await work(engine)
        return instance, await explained(engine, instance)

    instance, explanation = with_engine(run, database_url, registry)
    tell_instance(instance, explanation, as_json=as_json)
