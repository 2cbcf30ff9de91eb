"""`workflows start`: a new instance in a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from workflows_cli import inputs
from workflows_cli.acting import acting_as
from workflows_cli.hosts import explained, rested, with_engine
from workflows_cli.options import app, as_json, chosen, database_url, wait
from workflows_cli.telling import tell_instance

if TYPE_CHECKING:
    from workflows_core.actors import Actor
    from workflows_core.data import Json, JsonObject
    from workflows_core.engine import ExecutionEngine
    from workflows_core.explanation import InstanceExplanation
    from workflows_core.instance import Instance
    from workflows_core.registry import WorkflowRegistry


@click.command()
@click.argument("workflow", metavar="NAME[@VERSION]")
@inputs.data
@inputs.assignments
@click.option("--tenant", metavar="NAME", help="The tenant it belongs to.")
@click.option("--correlation-id", metavar="TEXT", help="Your own mark for it, to find it by.")
@click.option(
    "--idempotency-key",
    metavar="TEXT",
    help="Starting again under the same key tells of the first instance, and starts none.",
)
@wait
@acting_as
@database_url
@app
@as_json
def start(
    *,
    workflow: str,
    data: JsonObject | None,
    assignments: tuple[tuple[str, Json], ...],
    tenant: str | None,
    correlation_id: str | None,
    idempotency_key: str | None,
    wait: float,
    actor: Actor,
    database_url: str,
    registry: WorkflowRegistry,
    as_json: bool,
) -> None:
    """Start an instance of a workflow.

    Its machine steps are executed by `workflows worker`, or by the application. With --wait it ends with 1 if the
    instance has failed, and with 3 if it still goes on.
    """
    definition = chosen(tuple(registry.get_definition(*key) for key in registry.list_keys()), workflow)

    async def work(engine: ExecutionEngine) -> tuple[Instance, InstanceExplanation]:
        started = await engine.start_workflow(
            definition.name,
            inputs.merged(data, assignments),
            version=definition.version,
            user_id=actor.user_id,
            tenant_id=tenant,
            correlation_id=correlation_id,
            idempotency_key=idempotency_key,
        )
        instance = await rested(engine, started, wait)
        return instance, await explained(engine, instance)

    instance, explanation = with_engine(work, database_url, registry)
    tell_instance(instance, explanation, as_json=as_json, waited=wait)
